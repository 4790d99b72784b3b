//! What others lost, played again, on the product and on its twin with one line broken.

use super::*;
use crate::{
    jobs::error::*,
    mutant::{Mutant, Twin},
};

/// io.net, April 2024: GPUs that did not exist were counted as what they said they were, and were paid. Here a fake that says
/// it is a large machine sells what a machine on probation may, and nothing once it should have proven more.
fn fake_sells() -> u64 {
    let (mut world, ..) = start();
    let id = register(&mut world, ALICE, KEYS[0], BOND);
    world.wait_ms(60_000);
    let beat = IMachines::beatCall { machineId: id };
    world.ok(KEYS[0], machines::ADDRESS, &beat);
    let mut last = OfferTerms::default();
    (last.machineId, last.classId) = (id, CLASS);
    (last.isOpen, last.sequence) = (true, 1);
    last.endpoint = "http://8xh100.example".to_owned();
    let call = offerCall {
        terms: last,
        signature: CALLS,
    };
    world.ok(KEYS[0], ADDRESS, &call);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    next_epoch(&mut world);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 900_000);
    let mut receipt = receipt(&mut world, KEYS[0], SPENDERS[0], 1);
    (receipt.inputUnits, receipt.outputUnits, receipt.cost) = (0, 100_000, 800_000);
    let (voucher, _) = voucher(channel, epoch(&world), &[receipt]);
    next_epoch(&mut world);
    let call = claim_call(&world, &voucher, SPENDERS[0], KEYS[0]);
    match world.call(CAROL, ADDRESS, &call) {
        Ok(_) => voucher.outputUnits,
        Err(halt) => {
            let over = JobsOverCapacity {
                machineId: id,
                classId: CLASS,
                epoch: voucher.epoch,
                work: 100_000,
                allowed: 0,
            };
            assert_eq!(halt, capstan_state::Halt::revert(&over));
            0
        }
    }
}

#[test]
fn io_net_a_spoofed_gpu_sells_nothing() {
    let here = fake_sells();
    let there = {
        let _twin = Twin::with(&[Mutant::SpecificationCounts]);
        fake_sells()
    };
    println!(
        "units that a machine sold which proved nothing: {here} here, {there} where what it says counts"
    );
    assert_eq!((here, there), (0, 100_000));
}

/// Akash: leases went on while their escrow was overdrawn, and providers worked for nothing. Here units are bound to one
/// machine before it works, so the second machine is told at once.
fn promised_twice() -> (u128, bool) {
    let (mut world, ..) = start();
    let first = machine(&mut world, KEYS[0]);
    let second = machine(&mut world, KEYS[1]);
    customer(&mut world, BOB, SPENDERS[0], 100_000);
    let limits = KeyLimits {
        total: n(1_000_000),
        perPeriod: n(1_000_000),
        periodMs: DAY,
        untilMs: now_ms(&mut world) + DAY,
    };
    let set = setKeyCall {
        key: SPENDERS[0],
        limits,
    };
    world.ok(BOB, ADDRESS, &set);
    next_epoch(&mut world);
    let mut bound = 0;
    for id in [first, second] {
        let terms = hold_terms(&mut world, BOB, SPENDERS[0], id, 100_000);
        let call = holdCall {
            terms,
            signature: CALLS,
        };
        if world.call(SPENDERS[0], ADDRESS, &call).is_ok() {
            bound += 100_000;
        }
    }
    let held = units(&mut world, AssetId::new(0), POT);
    (bound, bound <= held)
}

#[test]
fn akash_no_escrow_is_promised_twice() {
    let here = promised_twice();
    assert_eq!(here, (100_000, true));
    let twin = Twin::with(&[Mutant::EscrowPromisedTwice]);
    let there = promised_twice();
    println!(
        "bound of an escrow of 100,000: {} here, {} where it may be overdrawn",
        here.0, there.0
    );
    assert_eq!(there, (200_000, false));
    // The twin is swept now: the break is seen.
    let (mut world, _, id, _) = ready();
    world.sweep_every = 1;
    world.wait_ms(1);
    hold(&mut world, BOB, SPENDERS[0], id, 1);
    assert!(twin.noted().contains("JOB-1"), "{:?}", twin.noted());
}

/// Golem: work whose task timed out was invoiced and never paid, since paying was the requestor's to do. Here nobody has to
/// do anything: the customer is gone, the machine is off, and the block pays what was found right.
fn paid_by_nobody() -> u128 {
    let (mut world, asset, _, channel) = ready();
    let (id, receipts, tree) = claimed(&mut world, channel, 3);
    drawn(&mut world);
    if claim_of(&world, id).phase == Phase::Showing.number() {
        shown(&mut world, id, &receipts, &tree);
    }
    world.wait_ms(30 * DAY);
    turn(&mut world);
    units(&mut world, asset, AccountId::new(ALICE, 0))
}

#[test]
fn golem_work_is_paid_by_nobodys_leave() {
    let here = paid_by_nobody();
    let there = {
        let _twin = Twin::with(&[Mutant::GoodwillSettles]);
        paid_by_nobody()
    };
    println!(
        "paid a month later for work of 180: {here} here, {there} where somebody must want to"
    );
    assert_eq!((here, there), (177, 0));
}
