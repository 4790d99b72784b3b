//! Flash mint of factory tokens; `markets` has the loans of what markets hold.

mod markets;

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use capstan_state::{CallRequest, Halt, ReentrantCall, mem::MemStore};

use super::{
    ADDRESS as FLASH, IFlash::*, IFlashBorrower::onFlashLoanCall, actions::MAGIC, math::fee_up,
};
use crate::{
    admin::{ADDRESS as ADMIN, IAdmin},
    erc20::IErc20,
    testkit::{ALICE, BOB, OWNER, World, account, fault::check_every_fault, repay, words},
    token,
};

/// The borrower's contract.
const BORROWER: Address = account(0xbb);

fn n(value: u128) -> U256 {
    U256::from(value)
}

/// A world whose token lends, with a borrower that holds 100 and runs `then` in its callback.
fn world(
    then: impl Fn(&mut MemStore, onFlashLoanCall) -> Result<Bytes, Halt> + Send + Sync + 'static,
) -> (World, Address) {
    let (mut world, token) = World::with_token();
    for role in [token::MINT, token::BURN] {
        let call = IAdmin::grantRoleCall {
            scope: token,
            role,
            holder: FLASH,
            expiresMs: 0,
        };
        world.ok(OWNER, ADMIN, &call);
    }
    world.mint(token, BORROWER, 100);
    world
        .store
        .on_call(BORROWER, move |store, request: &CallRequest| {
            assert_eq!(request.from, FLASH);
            then(
                store,
                onFlashLoanCall::abi_decode(&request.input).expect("a callback"),
            )
        });
    world.ok(OWNER, FLASH, &setFeeBpsCall { feeBps: 10 });
    (world, token)
}

fn honest() -> (World, Address) {
    world(|store, call| repay(store, BORROWER, &call, call.amount + call.fee))
}

fn loan(token: Address, amount: U256) -> flashLoanCall {
    flashLoanCall {
        receiver: BORROWER,
        token,
        amount,
        data: Bytes::from_static(b"data"),
    }
}

#[test]
fn flash_1_a_loan_leaves_the_supply_and_costs_the_fee() {
    let (mut world, token) = honest();
    assert!(world.ok(ALICE, FLASH, &loan(token, n(10_001))));
    let fee = n(11); // 10,001 at 10 hundredths of a percent is 10.001: the borrower pays the odd unit
    let event = FlashLoan {
        receiver: BORROWER,
        token,
        initiator: ALICE,
        amount: n(10_001),
        fee,
    };
    assert_eq!(world.last_event::<FlashLoan>(FLASH), event);
    assert_eq!(world.supply(token), n(100));
    assert_eq!(
        (world.balance(token, BORROWER), world.balance(token, OWNER)),
        (n(89), n(11))
    );
    let left = IErc20::allowanceCall {
        owner: BORROWER,
        spender: FLASH,
    };
    assert_eq!(world.ok(BOB, token, &left), U256::ZERO);
}

#[test]
fn flash_1_the_borrower_has_the_loan_while_it_runs() {
    let (mut world, token) = world(|store, call| {
        let read = IErc20::balanceOfCall { account: BORROWER };
        let held = store
            .call_simply(BORROWER, call.token, read.abi_encode().into())?
            .output;
        assert_eq!(U256::from_be_slice(&held), call.amount + n(100));
        assert_eq!(
            (call.initiator, call.fee, call.data.as_ref()),
            (ALICE, n(5), b"data".as_slice())
        );
        repay(store, BORROWER, &call, U256::MAX)
    });
    world.ok(ALICE, FLASH, &loan(token, n(5_000)));
}

#[test]
fn flash_1_whoever_cannot_pay_gets_nothing() {
    let (mut short, token) =
        world(|store, call| repay(store, BORROWER, &call, call.amount + call.fee - n(1)));
    let missing = IErc20::ERC20InsufficientAllowance {
        spender: FLASH,
        allowance: n(0),
        needed: n(1),
    };
    short.refused(ALICE, FLASH, &loan(token, n(1_000)), &missing);

    let (mut spent, token) = world(|store, call| {
        let all = IErc20::transferCall {
            to: BOB,
            value: n(100),
        };
        store.call_simply(BORROWER, call.token, all.abi_encode().into())?;
        repay(store, BORROWER, &call, U256::MAX)
    });
    let poor = IErc20::ERC20InsufficientBalance {
        sender: BORROWER,
        balance: n(0),
        needed: n(1),
    };
    spent.refused(ALICE, FLASH, &loan(token, n(1_000)), &poor);
}

#[test]
fn flash_2_a_token_lends_only_while_its_owner_lets_it() {
    let (mut world, token) = honest();
    let max = maxFlashLoanCall { token };
    assert_eq!(world.ok(BOB, FLASH, &max), n((1 << 112) - 1 - 100));
    for role in [token::MINT, token::BURN] {
        let mut world = world.clone();
        world.ok(
            OWNER,
            ADMIN,
            &IAdmin::revokeRoleCall {
                scope: token,
                role,
                holder: FLASH,
            },
        );
        assert_eq!(world.ok(BOB, FLASH, &max), U256::ZERO);
        world.refused(
            ALICE,
            FLASH,
            &loan(token, n(1)),
            &FlashTokenUnsupported { token },
        );
    }
    for token in [BOB, crate::ether::ADDRESS, account(0)] {
        assert_eq!(
            world.ok(BOB, FLASH, &maxFlashLoanCall { token }),
            U256::ZERO
        );
        let fee = flashFeeCall {
            token,
            amount: n(1),
        };
        world.refused(ALICE, FLASH, &fee, &FlashTokenUnsupported { token });
    }
    let (amount, max) = (n(1 << 112), n((1 << 112) - 1 - 100));
    world.refused(
        ALICE,
        FLASH,
        &loan(token, amount),
        &FlashAmountTooHigh { token, amount, max },
    );
}

#[test]
fn flash_3_no_loan_runs_inside_another() {
    let (mut world, token) = world(|store, call| {
        let inner = loan(call.token, n(1)).abi_encode().into();
        let outcome = store.call_simply(BORROWER, FLASH, inner)?;
        assert_eq!(
            (outcome.success, Halt::Revert(outcome.output)),
            (false, Halt::revert(&ReentrantCall {}))
        );
        repay(store, BORROWER, &call, U256::MAX)
    });
    world.ok(ALICE, FLASH, &loan(token, n(1_000)));
    world.ok(ALICE, FLASH, &loan(token, n(1_000)));
}

#[test]
fn flash_4_only_the_magic_word_counts() {
    assert_eq!(MAGIC, keccak256("ERC3156FlashBorrower.onFlashLoan"));
    for answer in [
        Bytes::new(),
        Bytes::from_static(&[0; 32]),
        MAGIC[..31].to_vec().into(),
    ] {
        let refused = FlashCallbackRefused {
            receiver: BORROWER,
            answer: answer.clone(),
        };
        let (mut world, token) = world(move |store, call| {
            repay(store, BORROWER, &call, U256::MAX)?;
            Ok(answer.clone())
        });
        world.refused(ALICE, FLASH, &loan(token, n(1_000)), &refused);
    }
    let (mut world, token) = world(|_, _| Err(Halt::Revert(Bytes::from_static(b"mine"))));
    let answer = world.call(ALICE, FLASH, &loan(token, n(1)));
    assert_eq!(answer, Err(Halt::Revert(Bytes::from_static(b"mine"))));
}

#[test]
fn flash_5_the_owner_sets_the_fee_within_its_range() {
    let (mut world, _) = honest();
    world.ok(OWNER, FLASH, &setFeeBpsCall { feeBps: 100 });
    assert_eq!(
        world.last_event::<FlashFeeSet>(FLASH),
        FlashFeeSet { feeBps: 100 }
    );
    assert_eq!(world.ok(BOB, FLASH, &feeBpsCall {}), 100);
    let high = FlashFeeTooHigh {
        feeBps: n(101),
        maxBps: n(100),
    };
    world.refused(OWNER, FLASH, &setFeeBpsCall { feeBps: 101 }, &high);
    let other = IAdmin::AdminNotOwner {
        scope: FLASH,
        caller: ALICE,
        owner: OWNER,
    };
    world.refused(ALICE, FLASH, &setFeeBpsCall { feeBps: 0 }, &other);
}

#[test]
fn fees_round_up() {
    let cases = [
        (0, 10, 0),
        (1, 1, 1),
        (9_999, 1, 1),
        (10_000, 1, 1),
        (10_001, 1, 2),
        (5, 0, 0),
    ];
    for (amount, fee_bps, fee) in cases {
        assert_eq!(
            fee_up(n(amount), fee_bps),
            Ok(n(fee)),
            "{amount} at {fee_bps}"
        );
    }
    let whole = fee_up(U256::MAX, 100).map_err(|halt| words(&halt));
    assert_eq!(whole, Ok(U256::MAX.div_ceil(n(100))));
}

#[test]
fn faults_leave_no_traces() {
    let (world, token) = honest();
    check_every_fault(&world, ALICE, FLASH, &loan(token, n(1_000)).abi_encode());
}
