//! The chain stands still, and nobody is worse for it (MACH-14).

use super::{
    challenges::{answered, ask, asked, audited, capacity, work},
    *,
};
use crate::still::{RETURN_MS, STILL_MS};

fn due_ms(world: &World, id: u64) -> u64 {
    world.view(ADDRESS, &challengeCall { machineId: id }).dueMs
}

#[test]
fn mach_14_a_machine_is_not_dark_because_its_chain_stood_still() {
    let (mut world, _, _, id) = one();
    prove(&mut world, KEYS[0], id);
    let before = machine(&world, id);
    world.wait_ms(80_000);
    is(&world, id, State::Late, Reason::BeatMissed);
    // A day passes without a block, and a minute in which everybody comes back.
    world.stand_still_ms(DAY_MS);
    is(&world, id, State::Late, Reason::BeatMissed);
    let seen = machine(&world, id);
    let stood_ms = DAY_MS + RETURN_MS;
    assert_eq!(seen.darkFromMs, before.darkFromMs + stood_ms);
    assert_eq!(seen.lateFromMs, before.lateFromMs, "it was late before");
    world.wait_ms(RETURN_MS + 10_000);
    is(&world, id, State::Late, Reason::BeatMissed);
    let silent = world.clone();
    beat(&mut world, KEYS[0], id);
    is(&world, id, State::Live, Reason::None);
    let seen = machine(&world, id);
    assert_eq!(seen.lifeMs, before.lifeMs + 90_000, "the gap is left out");
    assert_eq!((seen.darkMs, seen.darkCount), (0, 0));
    // Whoever does not come back goes dark as late as it would have, and since then.
    let mut world = silent;
    world.wait_ms(1);
    is(&world, id, State::Dark, Reason::GraceOver);
    assert_eq!(machine(&world, id).sinceMs, before.darkFromMs + stood_ms);
}

#[test]
fn mach_14_a_machine_that_was_dark_stays_dark() {
    let (mut world, _, _, id) = one();
    prove(&mut world, KEYS[0], id);
    let before = machine(&world, id);
    world.wait_ms(90_001);
    is(&world, id, State::Dark, Reason::GraceOver);
    for ms in [50_000, HOUR_MS] {
        world.stand_still_ms(ms);
        is(&world, id, State::Dark, Reason::GraceOver);
        assert_eq!(machine(&world, id).sinceMs, before.darkFromMs);
        world.wait_ms(RETURN_MS + STILL_MS);
    }
    beat(&mut world, KEYS[0], id);
    let seen = machine(&world, id);
    assert_eq!((seen.lifeMs, seen.darkCount), (before.lifeMs, 1));
    assert_eq!(seen.darkMs, 90_001 + 2 * STILL_MS, "of what counts");
}

#[test]
fn mach_14_a_challenge_waits_as_long_as_the_chain_stood_still() {
    let (mut world, _, _, id) = one();
    prove(&mut world, KEYS[0], id);
    let number = asked(&mut world, AUDITORS[0], id, 1_000, 1_000);
    let due = due_ms(&world, id);
    world.stand_still_ms(HOUR_MS);
    assert_eq!(due_ms(&world, id), due + HOUR_MS + RETURN_MS);
    assert_eq!(capacity(&world, id).1, Reason::NeverProven.number());
    let unanswered = world.clone();
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    // Again, while auditors say what they found: before the minute of coming back is over.
    world.stand_still_ms(HOUR_MS);
    world.wait_ms(RETURN_MS - STILL_MS);
    let outcome = audited(&mut world, id, number, &[output, output]);
    assert_eq!(outcome, Phase::Passed.number());
    // Its rate is by the clock: what a machine did while nobody watched proves no more.
    assert_eq!(capacity(&world, id).0, 1_000 * HOUR_MS / (HOUR_MS + 750));

    let mut world = unanswered;
    let last_ms = due_ms(&world, id);
    let wait = last_ms - now_ms(&mut world);
    world.wait_ms(wait);
    beat(&mut world, KEYS[0], id);
    assert_eq!(capacity(&world, id).1, Reason::NeverProven.number());
    world.wait_ms(1);
    assert_eq!(capacity(&world, id).1, Reason::NoAnswer.number());
    world.ok(AUDITORS[1], ADDRESS, &ask(id, 1, 1));
}

/// What may be slashed is there for as long as it may be.
#[test]
fn mach_14_a_bond_leaves_no_earlier_than_what_it_stands_for() {
    let (mut world, _, _, id) = one();
    let leave = leaveCall { machineId: id };
    let from_ms = world.ok(ALICE, ADDRESS, &leave);
    world.stand_still_ms(3 * HOUR_MS);
    let later_ms = from_ms + 3 * HOUR_MS + RETURN_MS;
    let withdraw = withdrawCall { machineId: id };
    let early = MachinesNotRipe {
        machineId: id,
        withdrawFromMs: later_ms,
        nowMs: now_ms(&mut world),
    };
    world.refused(ALICE, ADDRESS, &withdraw, &early);
    assert_eq!(machine(&world, id).withdrawFromMs, later_ms);
    let wait = later_ms - now_ms(&mut world);
    world.wait_ms(wait);
    assert_eq!(world.ok(ALICE, ADDRESS, &withdraw), n(2 * BOND));
}
