use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_primitives::{Address, Bytes, Signature, U256};
use capstan_evm::SystemTx;

use super::*;

/// What stands in a block of the cases below.
#[derive(Clone, Copy)]
enum Is {
    System(SystemKind),
    User,
    /// A system transaction to an address that is no kind's.
    Astray,
}
use Is::{Astray, System, User};

const OVERRIDE: Is = System(SystemKind::DevOverride);
const PRICES: Is = System(SystemKind::Prices);

fn tx(is: Is) -> Recovered<Tx> {
    let system = |target| {
        SystemTx {
            number: 1,
            ordinal: 0,
            target,
            gas_limit: 100_000,
            input: Bytes::new(),
        }
        .into_tx()
    };
    match is {
        System(kind) => system(kind.target()),
        Astray => system(Address::repeat_byte(7)),
        User => {
            let signature = Signature::new(U256::from(1), U256::from(1), false);
            let signed = TxEip1559::default().into_signed(signature);
            Recovered::new_unchecked(Tx::Eip1559(signed), Address::repeat_byte(1))
        }
    }
}

#[track_caller]
fn check(block: &[Is], development: bool, expected: Result<(), &str>) {
    let transactions: Vec<_> = block.iter().copied().map(tx).collect();
    let found = check_order(&transactions, development);
    match expected {
        Ok(()) => assert_eq!(found, Ok(())),
        Err(words) => {
            let reason = found.expect_err(words);
            assert!(reason.contains(words), "{reason} lacks {words}");
        }
    }
}

/// CHAIN-11: system transactions stand in the order of their kinds, each kind at most once, overrides aside.
#[test]
fn chain_11_order_and_number_of_system_work() {
    check(&[], true, Ok(()));
    check(&[User, User], true, Ok(()));
    check(&[OVERRIDE, OVERRIDE, PRICES, User, User], true, Ok(()));
    check(&[PRICES], false, Ok(()));

    let again = "transaction 1: a second Pre(Some(Prices)) in one block";
    check(&[PRICES, PRICES, User], true, Err(again));
    check(&[PRICES, PRICES], false, Err(again));
    check(
        &[PRICES, OVERRIDE],
        true,
        Err("transaction 1: Pre(Some(DevOverride)) after Pre(Some(Prices))"),
    );
    check(
        &[PRICES, User, PRICES],
        true,
        Err("transaction 2: Pre(Some(Prices)) after Users"),
    );
    check(&[OVERRIDE], false, Err("allows none"));
    check(&[User, Astray], true, Err("no system work goes to"));
    for kind in SystemKind::ALL {
        let expected = match SERVED.contains(&kind) {
            true => Ok(()),
            false => Err("no system work goes to"),
        };
        check(&[System(kind)], true, expected);
    }
}

/// Every kind but one does all its work of a block in one transaction, whatever is served today.
#[test]
fn only_overrides_may_repeat() {
    for kind in SystemKind::ALL {
        let single = kind != SystemKind::DevOverride;
        assert_eq!(Place::of(kind).is_single(), single, "{kind:?}");
    }
    assert!(SystemKind::ALL.map(Place::of).is_sorted());
}

#[test]
fn system_gas_follows_from_the_block() {
    assert_eq!(system_gas_limit(SystemKind::Prices, 60_000_000), 60_000_000);
    assert_eq!(
        system_gas_limit(SystemKind::DevOverride, 60_000_000),
        OVERRIDE_GAS
    );
    assert_eq!(system_gas_limit(SystemKind::DevOverride, 5), 5);
}
