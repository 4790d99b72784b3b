//! Storage that breaks an invariant, and the id that says so: a check that cannot fail checks nothing.

use capstan_state::Ctx;

use super::*;
use crate::{
    invariant::check_all,
    machines::{
        record::STATE,
        state::{Life, Machine, Proof, Telemetry},
    },
};

#[track_caller]
fn check(id: &str, spoil: impl FnOnce(&mut Ctx<'_>) -> Result<(), Halt>) {
    let (mut world, ..) = one();
    register(&mut world, BOB, KEYS[1], BOND);
    world.wait_ms(1_000);
    beat(&mut world, KEYS[0], 0);
    assert_eq!(check_all(&world.store), Ok(()));
    world.store.next_transaction(u64::MAX);
    spoil(&mut world.store.frame(ADDRESS, ADDRESS)).expect("writes");
    let broken = check_all(&world.store).expect_err(id);
    assert_eq!(broken.id, id, "{broken}");
}

fn spoil(id: &str, change: impl FnOnce(&mut Machine)) {
    check(id, |cx| {
        let saved = STATE.machines.at(0).update(cx, |machine| {
            change(machine);
            Ok(())
        });
        saved.map(drop)
    });
}

fn spoil_life(id: &str, change: impl FnOnce(&mut Life)) {
    check(id, |cx| {
        let saved = STATE.lives.at(0).update(cx, |life| {
            change(life);
            Ok(())
        });
        saved.map(drop)
    });
}

#[test]
fn every_check_can_fail() {
    spoil("MACH-1", |machine| machine.bond = a(2 * BOND + 1));
    spoil("MACH-2", |machine| machine.key = KEYS[1]);
    check("MACH-2", |cx| STATE.keys.at(KEYS[2]).save(cx, 3));
    check("MACH-3", |cx| STATE.machine_count.save(cx, 3));
    check("MACH-3", |cx| title::mint(cx, BOB, 2));
    check("MACH-3", |cx| identity::rotate(cx, KEYS[0], KEYS[2], 0));
    spoil("MACH-5", |machine| machine.failed = 1);
    check("MACH-5", |cx| {
        let proof = Proof {
            number: 1,
            per_hour: 1,
            answered_ms: 1,
        };
        STATE.proofs.at((0, CLASS)).save(cx, &proof)
    });
    spoil_life("MACH-6", |life| life.proven_ms += 1);
    spoil_life("MACH-6", |life| life.trial_from_ms = life.proven_ms + 1);
    spoil_life("MACH-6", |life| life.dark_count = 1);
    check("MACH-8", |cx| {
        let told = Telemetry {
            sequence: 1,
            to_ms: u64::MAX,
            ..Telemetry::default()
        };
        STATE.telemetry.at(0).save(cx, &told)
    });
    spoil("MACH-9", |machine| machine.barred_ms = 1);
    spoil("MACH-9", |machine| machine.bond = a(1));
    spoil("MACH-9", |machine| machine.left_ms = 1);
    spoil("MACH-9", |machine| machine.gone_ms = 1);
    spoil_life("MACH-9", |life| life.since_ms = u64::MAX);
    spoil_life("MACH-9", |life| life.passed_ms = u64::MAX);
    check("MACH-12", |cx| STATE.paused.save(cx, 4));
    check("MACH-12", |cx| {
        let saved = STATE.config.update(cx, |params| {
            params.quorum = 0;
            Ok(())
        });
        saved.map(drop)
    });
}
