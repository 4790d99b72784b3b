use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use capstan_state::Halt;

use super::{ADDRESS as ETHER, IEther::*};
use crate::{
    erc20::IErc20::*,
    error::NativeNotPayable,
    revert,
    testkit::{ALICE, BOB, CAROL, World, fault::check_every_fault},
};

fn n(value: u64) -> U256 {
    U256::from(value)
}

fn world() -> World {
    let mut world = World::new();
    world.store.set_coins(ALICE, n(100));
    world
}

#[test]
fn tok_7_balances_are_the_accounts_own_coins() {
    let mut world = world();
    let balance = |account| balanceOfCall { account };
    assert_eq!(world.ok(BOB, ETHER, &balance(ALICE)), n(100));
    assert!(world.ok(
        ALICE,
        ETHER,
        &transferCall {
            to: BOB,
            value: n(30)
        }
    ));
    assert_eq!(
        world.last_event::<Transfer>(ETHER),
        Transfer {
            from: ALICE,
            to: BOB,
            value: n(30)
        }
    );
    assert_eq!(
        (world.store.coins(ALICE), world.store.coins(BOB)),
        (n(70), n(30))
    );
    assert_eq!(world.ok(BOB, ETHER, &balance(BOB)), n(30));
    assert_eq!(world.store.coins(ETHER), U256::ZERO);
    let short = ERC20InsufficientBalance {
        sender: BOB,
        balance: n(30),
        needed: U256::MAX,
    };
    world.refused(
        BOB,
        ETHER,
        &transferCall {
            to: ALICE,
            value: U256::MAX,
        },
        &short,
    );
    let to = Address::ZERO;
    world.refused(
        BOB,
        ETHER,
        &transferCall { to, value: n(1) },
        &ERC20InvalidReceiver { receiver: to },
    );
}

#[test]
fn tok_8_moving_coins_runs_nobodys_code() {
    let mut world = world();
    world
        .store
        .on_call(BOB, |_, _| Err(Halt::Fatal("ran".into())));
    assert!(world.ok(
        ALICE,
        ETHER,
        &transferCall {
            to: BOB,
            value: n(1)
        }
    ));
    assert_eq!(world.store.coins(BOB), n(1));
}

#[test]
fn tok_9_no_verb_takes_coins_with_the_call() {
    for verb in super::abi::VERBS {
        let mut world = world();
        let answer = world.raw(ALICE, ETHER, n(1), &verb.selector);
        assert_eq!(
            answer,
            Err(revert(&NativeNotPayable { value: n(1) })),
            "{verb:?}"
        );
        assert_eq!(world.store.coins(ALICE), n(100));
    }
}

#[test]
fn allowances_are_those_of_a_token() {
    let mut world = world();
    world.ok(
        ALICE,
        ETHER,
        &approveCall {
            spender: BOB,
            value: n(10),
        },
    );
    world.ok(
        BOB,
        ETHER,
        &transferFromCall {
            from: ALICE,
            to: CAROL,
            value: n(7),
        },
    );
    assert_eq!(
        world.ok(
            BOB,
            ETHER,
            &allowanceCall {
                owner: ALICE,
                spender: BOB
            }
        ),
        n(3)
    );
    let short = ERC20InsufficientAllowance {
        spender: BOB,
        allowance: n(3),
        needed: n(4),
    };
    world.refused(
        BOB,
        ETHER,
        &transferFromCall {
            from: ALICE,
            to: CAROL,
            value: n(4),
        },
        &short,
    );
    assert_eq!(world.store.coins(CAROL), n(7));
}

#[test]
fn it_says_what_it_is_and_what_it_does_not_count() {
    let mut world = world();
    assert_eq!(world.ok(BOB, ETHER, &nameCall {}), "Ether");
    assert_eq!(world.ok(BOB, ETHER, &symbolCall {}), "ETH");
    assert_eq!(world.ok(BOB, ETHER, &decimalsCall {}), 18);
    let domain = world.ok(BOB, ETHER, &eip712DomainCall {});
    assert_eq!(
        (domain.name.as_str(), domain.verifyingContract),
        ("Ether", ETHER)
    );
    world.refused(BOB, ETHER, &totalSupplyCall {}, &EtherSupplyUncounted {});
}

#[test]
fn faults_leave_no_traces() {
    let transfer = transferCall {
        to: BOB,
        value: n(3),
    };
    check_every_fault(&world(), ALICE, ETHER, &transfer.abi_encode());
}
