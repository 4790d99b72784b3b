use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{Revert, SolCall};

use super::IMulticall3::{self, *};
use crate::{
    address::MULTICALL3,
    erc20::IErc20,
    revert,
    testkit::{ALICE, BOB, World, account, fault::check_every_fault},
};

/// Answers what it is asked.
const ECHO: Address = account(0xec);
/// Always reverts.
const SULK: Address = account(0x50);

fn world() -> World {
    let mut world = World::new();
    world.store.set_coins(ALICE, n(100));
    world
        .store
        .on_call(ECHO, |_, request| Ok(request.input.clone()));
    world.store.on_call(SULK, |_, _| {
        Err(capstan_state::Halt::Revert(Bytes::from_static(b"no")))
    });
    world
}

fn n(value: u64) -> U256 {
    U256::from(value)
}

fn call(target: Address) -> Call {
    Call {
        target,
        callData: Bytes::from_static(b"hi"),
    }
}

fn call3(target: Address, allow_failure: bool) -> Call3 {
    Call3 {
        target,
        allowFailure: allow_failure,
        callData: Bytes::from_static(b"hi"),
    }
}

fn valued(target: Address, value: u64) -> Call3Value {
    Call3Value {
        target,
        allowFailure: true,
        value: n(value),
        callData: Bytes::from_static(b"hi"),
    }
}

fn good() -> IMulticall3::Result {
    IMulticall3::Result {
        success: true,
        returnData: Bytes::from_static(b"hi"),
    }
}

fn bad() -> IMulticall3::Result {
    IMulticall3::Result {
        success: false,
        returnData: Bytes::from_static(b"no"),
    }
}

fn call_failed() -> Revert {
    Revert {
        reason: "Multicall3: call failed".into(),
    }
}

#[test]
fn aggregate_needs_every_call() {
    let mut world = world();
    let answer = world.ok(
        ALICE,
        MULTICALL3,
        &aggregateCall {
            calls: vec![call(ECHO), call(ECHO)],
        },
    );
    assert_eq!((answer.blockNumber, answer.returnData.len()), (n(1), 2));
    let calls = vec![call(ECHO), call(SULK)];
    world.refused(ALICE, MULTICALL3, &aggregateCall { calls }, &call_failed());
}

#[test]
fn try_verbs_need_success_only_when_asked() {
    let mut world = world();
    let calls = || vec![call(SULK), call(ECHO)];
    let verb = |require| tryAggregateCall {
        requireSuccess: require,
        calls: calls(),
    };
    assert_eq!(
        world.ok(ALICE, MULTICALL3, &verb(false)),
        vec![bad(), good()]
    );
    world.refused(ALICE, MULTICALL3, &verb(true), &call_failed());
    let verb = tryBlockAndAggregateCall {
        requireSuccess: false,
        calls: calls(),
    };
    let answer = world.ok(ALICE, MULTICALL3, &verb);
    assert_eq!((answer.blockNumber, answer.blockHash), (n(1), B256::ZERO));
    assert_eq!(answer.returnData, vec![bad(), good()]);
    world.refused(
        ALICE,
        MULTICALL3,
        &blockAndAggregateCall { calls: calls() },
        &call_failed(),
    );
}

#[test]
fn multi_1_aggregate3_lets_each_call_say_whether_it_may_fail() {
    let mut world = world();
    let verb = |may| aggregate3Call {
        calls: vec![call3(SULK, may), call3(ECHO, false)],
    };
    assert_eq!(
        world.ok(ALICE, MULTICALL3, &verb(true)),
        vec![bad(), good()]
    );
    world.refused(ALICE, MULTICALL3, &verb(false), &call_failed());
}

#[test]
fn multi_3_aggregate3_value_passes_on_exactly_what_came() {
    for (sent, values, fine) in [
        (5, [2, 3], true),
        (6, [2, 3], false),
        (4, [2, 3], false),
        (0, [0, 0], true),
    ] {
        let mut world = world();
        let calls = vec![valued(ECHO, values[0]), valued(BOB, values[1])];
        let before = world.state();
        let answer = world.raw(
            ALICE,
            MULTICALL3,
            n(sent),
            &aggregate3ValueCall { calls }.abi_encode(),
        );
        if fine {
            assert!(answer.is_ok(), "{sent} {values:?}");
            assert_eq!(
                (world.store.coins(ECHO), world.store.coins(BOB)),
                (n(values[0]), n(values[1]))
            );
        } else {
            let mismatch = Revert {
                reason: "Multicall3: value mismatch".into(),
            };
            assert_eq!(answer, Err(revert(&mismatch)), "{sent} {values:?}");
            assert_eq!(world.state(), before);
        }
    }
}

#[test]
fn multi_3_sums_of_values_do_not_wrap() {
    let mut world = world();
    let mut calls = vec![valued(ECHO, 1), valued(ECHO, 0)];
    calls[1].value = U256::MAX;
    let mismatch = Revert {
        reason: "Multicall3: value mismatch".into(),
    };
    world.refused(ALICE, MULTICALL3, &aggregate3ValueCall { calls }, &mismatch);
}

#[test]
fn the_block_reads_as_the_opcodes_do() {
    let mut world = world();
    let block = world.store.block_mut();
    (block.number, block.time_ms, block.base_fee_wei) = (300, 1_234_567, 77);
    (block.beneficiary, block.prevrandao) = (BOB, keccak256("randao"));
    assert_eq!(world.ok(ALICE, MULTICALL3, &getBlockNumberCall {}), n(300));
    assert_eq!(
        world.ok(ALICE, MULTICALL3, &getCurrentBlockTimestampCall {}),
        n(1234)
    );
    assert_eq!(world.ok(ALICE, MULTICALL3, &getBasefeeCall {}), n(77));
    assert_eq!(world.ok(ALICE, MULTICALL3, &getChainIdCall {}), n(31_337));
    assert_eq!(
        world.ok(ALICE, MULTICALL3, &getCurrentBlockCoinbaseCall {}),
        BOB
    );
    assert_eq!(
        world.ok(ALICE, MULTICALL3, &getCurrentBlockGasLimitCall {}),
        n(160_000_000)
    );
    let difficulty = world.ok(ALICE, MULTICALL3, &getCurrentBlockDifficultyCall {});
    assert_eq!(B256::from(difficulty), keccak256("randao"));
    assert_eq!(
        world.ok(ALICE, MULTICALL3, &getEthBalanceCall { addr: ALICE }),
        n(100)
    );
    let far = getBlockHashCall {
        blockNumber: U256::MAX,
    };
    assert_eq!(world.ok(ALICE, MULTICALL3, &far), B256::ZERO);
}

#[test]
fn native_contracts_answer_through_it() {
    let (mut world, token) = World::with_token();
    world.mint(token, ALICE, 5);
    let data = IErc20::balanceOfCall { account: ALICE }.abi_encode().into();
    let calls = vec![Call3 {
        target: token,
        allowFailure: false,
        callData: data,
    }];
    let answer = world.ok(BOB, MULTICALL3, &aggregate3Call { calls });
    assert_eq!(U256::from_be_slice(&answer[0].returnData), n(5));
}

#[test]
fn faults_leave_no_traces() {
    let calls = vec![call3(ECHO, false), call3(ECHO, false)];
    check_every_fault(
        &world(),
        ALICE,
        MULTICALL3,
        &aggregate3Call { calls }.abi_encode(),
    );
}
