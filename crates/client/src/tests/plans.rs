//! Wishes as rows: what stands there, what is wished, which actions that is.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolValue as _;
use capstan_contracts::account::{AssetAmount, Verb, Withdrawal};
use proptest::prelude::*;

use crate::{Amount, Batch, PlanError, There, Wish, plan};

const ME: Address = Address::repeat_byte(7);
const ALL: u128 = u128::MAX;

fn n(amount: u128) -> U256 {
    if amount == ALL {
        U256::MAX
    } else {
        U256::from(amount)
    }
}

/// Wallet, units, supplied and owed of a token without decimals.
fn there([wallet, units, supplied, owed]: [u128; 4]) -> There {
    There {
        asset_id: 3,
        decimals: 0,
        is_coin: false,
        wallet: n(wallet),
        units: n(units),
        supplied: n(supplied),
        owed: n(owed),
        ..There::default()
    }
}

#[track_caller]
fn check(stands: [u128; 4], wish: Wish, amount: &str, actions: &[(Verb, u128)]) {
    let mut expected = Batch::default();
    for (verb, amount) in actions {
        match verb {
            Verb::Withdraw => expected.withdraw(3, n(*amount), ME),
            verb => expected.act(*verb, 3, n(*amount)),
        };
    }
    let mut batch = Batch::default();
    let amount: Amount = amount.parse().expect("an amount");
    let done = plan(&mut batch, wish, &amount, &mut there(stands));
    assert_eq!(done.map(|()| batch), Ok(expected), "{wish:?} {amount:?}");
}

/// CLI-5
#[test]
fn wishes_become_batches() {
    use Verb::{Borrow, Deposit, Redeem, Repay, Supply, Withdraw};
    let out = Wish::Withdraw { to: ME };
    check([10, 0, 0, 0], Wish::Deposit, "4", &[(Deposit, 4)]);
    check([10, 0, 0, 0], Wish::Deposit, "max", &[(Deposit, 10)]);
    check(
        [10, 0, 0, 0],
        Wish::Supply,
        "4",
        &[(Deposit, 4), (Supply, 4)],
    );
    check(
        [10, 3, 0, 0],
        Wish::Supply,
        "4",
        &[(Deposit, 1), (Supply, 4)],
    );
    check([10, 5, 0, 0], Wish::Supply, "4", &[(Supply, 4)]);
    check(
        [10, 5, 0, 0],
        Wish::Supply,
        "max",
        &[(Deposit, 10), (Supply, 15)],
    );
    check([10, 10, 0, 0], Wish::Supply, "50%", &[(Supply, 10)]);
    check([0, 0, 8, 0], Wish::Redeem, "max", &[(Redeem, ALL)]);
    check([0, 0, 8, 0], Wish::Redeem, "3", &[(Redeem, 3)]);
    check([0, 5, 8, 0], out, "4", &[(Withdraw, 4)]);
    check([0, 5, 8, 0], out, "7", &[(Redeem, 2), (Withdraw, 7)]);
    check([0, 5, 8, 0], out, "max", &[(Redeem, ALL), (Withdraw, ALL)]);
    check([0, 5, 0, 0], out, "max", &[(Withdraw, ALL)]);
    let to_wallet = Wish::Borrow { to: Some(ME) };
    check([0; 4], to_wallet, "9", &[(Borrow, 9), (Withdraw, 9)]);
    check([0; 4], Wish::Borrow { to: None }, "9", &[(Borrow, 9)]);
    check(
        [99, 0, 0, 50],
        Wish::Repay,
        "20",
        &[(Deposit, 20), (Repay, 20)],
    );
    check(
        [99, 5, 0, 50],
        Wish::Repay,
        "20",
        &[(Deposit, 15), (Repay, 20)],
    );
    // All of it: the debt grows until the block, so a little more is brought where it is there.
    check(
        [99, 0, 0, 50],
        Wish::Repay,
        "max",
        &[(Deposit, 51), (Repay, ALL)],
    );
    check(
        [50, 0, 0, 50],
        Wish::Repay,
        "max",
        &[(Deposit, 50), (Repay, ALL)],
    );
    check(
        [99, 0, 0, 50],
        Wish::Repay,
        "80",
        &[(Deposit, 51), (Repay, ALL)],
    );
    // What is missing is for the contract to say, with its numbers.
    check(
        [10, 0, 0, 50],
        Wish::Repay,
        "max",
        &[(Deposit, 50), (Repay, ALL)],
    );
}

/// CLI-5
#[test]
fn wishes_that_are_none() {
    let refused = |stands, wish, amount: &str| {
        let amount: Amount = amount.parse().expect("an amount");
        plan(&mut Batch::default(), wish, &amount, &mut there(stands)).expect_err("refused")
    };
    let nothing = |why: PlanError| matches!(why, PlanError::Nothing { .. });
    assert!(nothing(refused([0; 4], Wish::Deposit, "max")));
    assert!(nothing(refused([0; 4], Wish::Supply, "10%")));
    assert!(nothing(refused([9, 9, 9, 0], Wish::Repay, "5")));
    assert!(nothing(refused(
        [9, 0, 0, 0],
        Wish::Withdraw { to: ME },
        "max"
    )));
    assert_eq!(refused([9; 4], Wish::Supply, "0"), PlanError::Zero);
    assert_eq!(refused([9, 9, 9, 9], Wish::Deposit, "1%"), PlanError::Zero);
    let borrow = Wish::Borrow { to: None };
    assert_eq!(refused([9; 4], borrow, "max"), PlanError::BorrowAll);
    assert_eq!(refused([9; 4], borrow, "10%"), PlanError::BorrowAll);
}

/// CLI-5: all of the gas coin leaves what later transactions cost.
#[test]
fn gas_is_left() {
    let coin = 1_000_000_000_000_000_000;
    let mut stands = There {
        is_coin: true,
        ..there([coin, 0, 0, 0])
    };
    let mut batch = Batch::default();
    plan(&mut batch, Wish::Deposit, &Amount::Max, &mut stands).expect("planned");
    let mut expected = Batch::default();
    expected.act(Verb::Deposit, 3, n(coin / 100 * 99));
    assert_eq!(batch, expected);
    assert_eq!(stands.taken, n(coin / 100 * 99));
}

/// CLI-6: what is known to be missing is said with its amount; what a contract may add until then is not.
#[test]
fn what_is_missing_is_counted() {
    let missing = |stands: [u128; 4], wish, amount: &str| {
        let mut there = there(stands);
        let amount: Amount = amount.parse().expect("an amount");
        plan(&mut Batch::default(), wish, &amount, &mut there).expect("planned");
        (there.lacking, there.unheld)
    };
    let out = Wish::Withdraw { to: ME };
    for (stands, wish, amount, lacking, unheld) in [
        ([10, 0, 0, 0], Wish::Deposit, "10", 0, 0),
        ([10, 0, 0, 0], Wish::Deposit, "12", 2, 0),
        ([10, 3, 0, 0], Wish::Supply, "20", 7, 0),
        ([10, 0, 0, 50], Wish::Repay, "max", 40, 0),
        ([0, 5, 8, 0], out, "13", 0, 0),
        ([0, 5, 8, 0], out, "20", 0, 7),
        ([0, 5, 8, 0], out, "max", 0, 0),
        ([0, 5, 8, 0], Wish::Redeem, "9", 0, 1),
    ] {
        let found = missing(stands, wish, amount);
        assert_eq!(found, (n(lacking), n(unheld)), "{wish:?} {amount}");
    }
}

/// CLI-5: wishes of one asset follow each other.
#[test]
fn a_wish_sees_what_the_one_before_it_did() {
    let mut stands = there([10, 0, 0, 0]);
    let mut batch = Batch::default();
    let mut wish = |wish, amount: &str| {
        let amount: Amount = amount.parse().expect("an amount");
        plan(&mut batch, wish, &amount, &mut stands).expect("planned");
    };
    wish(Wish::Supply, "10");
    wish(Wish::Borrow { to: None }, "4");
    wish(Wish::Supply, "4");
    let mut expected = Batch::default();
    expected.act(Verb::Deposit, 3, n(10));
    expected.act(Verb::Supply, 3, n(10));
    expected.act(Verb::Borrow, 3, n(4));
    expected.act(Verb::Supply, 3, n(4));
    assert_eq!(batch, expected);
    assert_eq!((stands.supplied, stands.owed), (n(14), n(4)));
}

#[test]
fn arguments_are_those_of_the_contract() {
    let mut batch = Batch::default();
    batch
        .act(Verb::Repay, 3, n(5))
        .withdraw(3, n(6), ME)
        .close_all();
    let actions: Vec<_> = batch
        .actions()
        .iter()
        .map(|action| (action.verb, action.args.clone()))
        .collect();
    let amount = AssetAmount {
        assetId: 3,
        amount: n(5),
    };
    let withdrawal = Withdrawal {
        assetId: 3,
        amount: n(6),
        to: ME,
    };
    assert_eq!(actions[0], (6, amount.abi_encode().into()));
    assert_eq!(actions[1], (2, withdrawal.abi_encode().into()));
    assert_eq!(actions[2], (9, Default::default()));
}

proptest! {
    /// CLI-5: whatever stands there, a wish never takes more from the wallet than it names, growth of a debt apart.
    #[test]
    fn wallets_are_not_emptied(stands: [u32; 4], asked in 1..=u32::MAX, which in 0..4_usize) {
        let wish = [Wish::Deposit, Wish::Supply, Wish::Withdraw { to: ME }, Wish::Repay][which];
        let mut there = there(stands.map(u128::from));
        let amount = Amount::Units(asked.to_string());
        if plan(&mut Batch::default(), wish, &amount, &mut there).is_ok() {
            let growth = u128::from(asked) / 10_000 + 1;
            prop_assert!(there.taken <= n(u128::from(asked) + growth));
        }
    }
}
