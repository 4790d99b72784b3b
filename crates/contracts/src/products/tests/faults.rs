//! Whatever breaks in the middle, nothing half done stays.

use super::*;
use crate::{invariant::check_all, resolve};
use capstan_state::fault::{Fault, FaultStore};

/// Touches of the store up to which faults are tried: more than a redemption needs.
const TOUCHES: usize = 400;
/// Every so many of them.
const STRIDE: usize = 2;
const GAS_LIMITS: u64 = 96;

/// Breaks a verb at touches of the store and by gas limits. A sale passes over a pool that breaks, and goes on with others; so
/// either all of it is done and every invariant holds, or nothing is.
#[track_caller]
fn check(world: &crate::testkit::World, caller: Address, target: Address, input: &[u8]) {
    let before = world.state();
    let contract = resolve(target).expect("native");
    let used = {
        let mut world = world.clone();
        world.raw(caller, target, U256::ZERO, input).expect("works");
        world.store.gas_used()
    };
    let stride = usize::try_from(used.div_ceil(GAS_LIMITS)).expect("small");
    for gas_limit in (0..used).step_by(stride) {
        let mut world = world.clone();
        if world
            .limited(gas_limit, caller, target, U256::ZERO, input)
            .is_err()
        {
            assert_eq!(world.state(), before, "traces with {gas_limit} gas");
        }
    }
    let mut broken = 0;
    for touches in (0..TOUCHES).step_by(STRIDE) {
        let mut world = world.clone();
        world.store.next_transaction(u64::MAX);
        let answer = world.store.attempt(|inner| {
            let frame = inner.frame(target, caller).frame;
            let mut store = FaultStore::new(inner, touches, Fault::Fatal);
            contract.run(&mut capstan_state::Ctx::new(&mut store, frame), input)
        });
        match answer {
            Ok(_) => check_all(&world.store).unwrap_or_else(|broken| panic!("{touches}: {broken}")),
            Err(_) => {
                broken += 1;
                assert_eq!(world.state(), before, "traces after touch {touches}");
            }
        }
    }
    println!("{used} gas, {broken} touches broke it");
    assert!(broken > 40);
}

/// PROD-9
#[test]
fn prod_9_a_fault_leaves_nothing_half_done() {
    let mut scene = start();
    let create_short = createCall {
        policy: one_short(),
        seed: n(1_000 * ONE),
        receiver: ALICE,
    };
    check(&scene.world, ALICE, ADDRESS, &create_short.abi_encode());
    let id = create(&mut scene, &three_long(), 1_000).id;
    scene.world.store.block_mut().number += 1;
    let deposit = IErc4626::depositCall {
        assets: n(100 * ONE),
        receiver: ALICE,
    };
    check(&scene.world, ALICE, token(id), &deposit.abi_encode());
    let redeem = IErc4626::redeemCall {
        shares: n(100 * UNIT),
        receiver: ALICE,
        owner: ALICE,
    };
    check(&scene.world, ALICE, token(id), &redeem.abi_encode());
    scene.prices(&[(ETH, 1_860 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    scene.world.store.block_mut().number += 1;
    let rebalance = rebalanceCall { id }.abi_encode();
    check(&scene.world, CAROL, ADDRESS, &rebalance);
}

/// PROD-9: where no sale passes anything over, every touch and a dense sample of gas limits.
#[test]
fn prod_9_a_fault_leaves_no_trace_of_a_redemption_in_kind() {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 1_000).id;
    let kind = in_kind(n(100 * UNIT), ALICE).abi_encode();
    crate::testkit::fault::check_every_fault(&scene.world, ALICE, token(id), &kind);
}
