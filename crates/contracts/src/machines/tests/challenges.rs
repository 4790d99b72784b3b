//! What is asked, answered and found.

use super::*;

pub(super) const SALT: B256 = B256::repeat_byte(0x5a);

/// What a machine that works finds. Work of this class is a hash of the seed, as often as there are units.
pub(super) fn work(world: &World, id: u64) -> B256 {
    let challenge = world.view(ADDRESS, &challengeCall { machineId: id });
    keccak256((challenge.seed, challenge.units).abi_encode())
}

pub(super) fn commitment(number: u64, id: u64, output: B256) -> B256 {
    keccak256((number, id, output).abi_encode())
}

pub(super) fn finding(number: u64, auditor: Address, output: B256) -> B256 {
    keccak256((number, auditor, output, SALT).abi_encode())
}

pub(super) fn ask(id: u64, units: u64, within_ms: u64) -> askCall {
    askCall {
        machineId: id,
        class: CLASS,
        units,
        withinMs: within_ms,
    }
}

/// Asks and draws; answers the number.
pub(super) fn asked(world: &mut World, by: Address, id: u64, units: u64, within_ms: u64) -> u64 {
    let number = world.ok(by, ADDRESS, &ask(id, units, within_ms));
    for _ in 0..3 {
        world.wait_ms(250);
    }
    world.ok(CAROL, ADDRESS, &drawCall { machineId: id });
    number
}

pub(super) fn answered(world: &mut World, key: Address, id: u64, number: u64, output: B256) {
    let call = answerCall {
        machineId: id,
        commitment: commitment(number, id, output),
    };
    world.ok(key, ADDRESS, &call);
}

/// Auditors find these outputs; then the challenge is settled.
pub(super) fn audited(world: &mut World, id: u64, number: u64, outputs: &[B256]) -> u8 {
    for (auditor, output) in AUDITORS.into_iter().zip(outputs) {
        let call = commitAuditCall {
            machineId: id,
            commitment: finding(number, auditor, *output),
        };
        world.ok(auditor, ADDRESS, &call);
    }
    world.wait_ms(10_001);
    for (auditor, output) in AUDITORS.into_iter().zip(outputs) {
        let call = revealAuditCall {
            machineId: id,
            output: *output,
            salt: SALT,
        };
        world.ok(auditor, ADDRESS, &call);
    }
    world.wait_ms(10_000);
    world.ok(BOB, ADDRESS, &settleCall { machineId: id })
}

pub(super) fn capacity(world: &World, id: u64) -> (u64, u8) {
    let call = capacityCall {
        machineId: id,
        class: CLASS,
    };
    let capacity = world.view(ADDRESS, &call);
    (capacity.perHour, capacity.reason)
}

/// Who asks pays for nothing, and auditors compute what he asks for.
#[test]
fn mach_5_nobody_is_asked_without_bound() {
    let (mut world, _, _, id) = one();
    for units in [0, UNITS_MAX + 1, u64::MAX] {
        let said = world.call(KEYS[0], ADDRESS, &ask(id, units, 1_000));
        assert!(said.is_err(), "{units}");
    }
    world.ok(KEYS[0], ADDRESS, &ask(id, UNITS_MAX, 1_000));
}

fn auditor(world: &World, auditor: Address) -> [u32; 3] {
    let record = world.view(ADDRESS, &auditorRecordCall { auditor });
    [record.agreed, record.differed, record.silent]
}

/// A machine that passed one challenge of 1,000 units within ten seconds, a second and three quarters late.
fn passed() -> (World, AssetId, u64) {
    let (mut world, _, asset, id) = one();
    assert_eq!(capacity(&world, id), (0, Reason::NeverProven.number()));
    let number = asked(&mut world, ALICE, id, 1_000, 1_000);
    world.wait_ms(1_250);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    let outcome = audited(&mut world, id, number, &[output; 2]);
    assert_eq!(outcome, Phase::Passed.number());
    (world, asset, id)
}

#[test]
fn mach_5_capacity_is_what_was_proven() {
    let (mut world, _, id) = passed();
    // Asked at 0, answered at 2,000 ms: 1,000 units in two seconds.
    assert_eq!(capacity(&world, id), (1_800_000, 0));
    assert_eq!(auditor(&world, AUDITORS[0]), [1, 0, 0]);
    // An answer at once proves no more than was asked.
    let number = asked(&mut world, ALICE, id, 1_000, 10_000);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    audited(&mut world, id, number, &[output; 3]);
    assert_eq!(capacity(&world, id), (360_000, 0));
    // It ages out: answered 20,001 ms ago, and it counts for 600,000.
    for _ in 0..9 {
        world.wait_ms(60_000);
        beat(&mut world, KEYS[0], id);
    }
    world.wait_ms(39_999);
    assert_eq!(capacity(&world, id), (360_000, 0));
    world.wait_ms(1);
    assert_eq!(capacity(&world, id), (0, Reason::TooOld.number()));
    let other = capacityCall {
        machineId: id,
        class: CLASS + 1,
    };
    let other = world.view(ADDRESS, &other);
    assert_eq!(other.reason, Reason::NeverProven.number());
}

#[test]
fn mach_5_a_wrong_answer_costs_the_bond_and_all_capacity() {
    let (mut world, asset, id) = passed();
    world.wait_ms(10_000);
    let number = asked(&mut world, AUDITORS[2], id, 10, 1_000);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, B256::repeat_byte(9));
    for who in [0, 1] {
        let call = commitAuditCall {
            machineId: id,
            commitment: finding(number, AUDITORS[who], output),
        };
        world.ok(AUDITORS[who], ADDRESS, &call);
    }
    world.wait_ms(10_001);
    for who in [0, 1] {
        let call = revealAuditCall {
            machineId: id,
            output,
            salt: SALT,
        };
        world.ok(AUDITORS[who], ADDRESS, &call);
    }
    assert_ne!(capacity(&world, id).0, 0);
    world.wait_ms(10_000);
    // What ended badly counts before anybody settles it.
    assert_eq!(capacity(&world, id), (0, Reason::WrongAnswer.number()));
    let settle = settleCall { machineId: id };
    check_every_fault(&world, BOB, ADDRESS, &settle.abi_encode());
    assert_eq!(world.ok(BOB, ADDRESS, &settle), Phase::Wrong.number());
    assert_eq!(capacity(&world, id), (0, Reason::WrongAnswer.number()));
    assert_eq!(free(&mut world, asset, FORFEIT), BOND);
    assert_eq!(machine(&world, id).bond, n(BOND));
    beat(&mut world, KEYS[0], id);
    is(&world, id, State::Probation, Reason::WrongAnswer);
    let wrong_phase = MachinesWrongPhase {
        machineId: id,
        number,
        phase: Phase::Wrong.number(),
    };
    world.refused(BOB, ADDRESS, &settle, &wrong_phase);
    // A later pass counts again.
    world.wait_ms(10_000);
    let number = asked(&mut world, ALICE, id, 10, 1_000);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    audited(&mut world, id, number, &[output; 2]);
    assert_eq!(capacity(&world, id), (36_000, 0));
}

#[test]
fn mach_5_no_answer_voids_and_no_quorum_changes_nothing() {
    let (mut world, asset, id) = passed();
    world.wait_ms(10_000);
    let number = asked(&mut world, ALICE, id, 10, 1_000);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    let outcome = audited(&mut world, id, number, &[output]);
    assert_eq!(outcome, Phase::NoQuorum.number());
    assert_eq!(capacity(&world, id), (1_800_000, 0));
    let (x, y) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let number = asked(&mut world, ALICE, id, 10, 1_000);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    let outcome = audited(&mut world, id, number, &[output, x, y]);
    assert_eq!(outcome, Phase::NoQuorum.number());
    beat(&mut world, KEYS[0], id);
    asked(&mut world, ALICE, id, 10, 1_000);
    world.wait_ms(19_250);
    assert_eq!(capacity(&world, id), (1_800_000, 0));
    world.wait_ms(1);
    assert_eq!(capacity(&world, id), (0, Reason::NoAnswer.number()));
    let settle = settleCall { machineId: id };
    assert_eq!(world.ok(BOB, ADDRESS, &settle), Phase::Unanswered.number());
    assert_eq!(capacity(&world, id), (0, Reason::NoAnswer.number()));
    assert_eq!(free(&mut world, asset, FORFEIT), 0);
}

#[test]
fn mach_11_the_seed_is_known_to_nobody_who_asks() {
    let (mut world, _, _, id) = one();
    let stranger = MachinesNotAsker {
        machineId: id,
        caller: BOB,
    };
    world.refused(BOB, ADDRESS, &ask(id, 1, 1), &stranger);
    let asked_block = world.store.block_mut().number;
    let call = ask(id, 1, 1);
    check_every_fault(&world, ALICE, ADDRESS, &call.abi_encode());
    let number = world.ok(ALICE, ADDRESS, &call);
    let draw = drawCall { machineId: id };
    for block in asked_block..=asked_block + 2 {
        let none = MachinesNoSeed {
            seedBlock: asked_block + 2,
            block,
        };
        world.refused(BOB, ADDRESS, &draw, &none);
        let early = answerCall {
            machineId: id,
            commitment: B256::repeat_byte(1),
        };
        let wrong_phase = MachinesWrongPhase {
            machineId: id,
            number,
            phase: Phase::Asked.number(),
        };
        world.refused(KEYS[0], ADDRESS, &early, &wrong_phase);
        world.wait_ms(250);
    }
    // Whenever it is drawn, it is the same.
    let mut later = world.clone();
    for _ in 0..253 {
        later.wait_ms(1);
    }
    assert_eq!(
        later.ok(CAROL, ADDRESS, &draw),
        world.ok(BOB, ADDRESS, &draw)
    );
    let open = MachinesChallengeOpen {
        machineId: id,
        number,
        phase: Phase::Drawn.number(),
    };
    world.refused(ALICE, ADDRESS, &ask(id, 1, 1), &open);
    // Nobody drew while the hash was known: nothing changes, and it may be asked again.
    let (mut world, _, _, id) = one();
    world.ok(ALICE, ADDRESS, &ask(id, 1, 1));
    for _ in 0..259 {
        world.wait_ms(1);
    }
    let seen = world.view(ADDRESS, &challengeCall { machineId: id });
    assert_eq!(seen.phase, Phase::Lapsed.number());
    world.wait_ms(10_000);
    world.ok(ALICE, ADDRESS, &ask(id, 1, 1));
}

#[test]
fn mach_11_an_auditor_who_did_not_compute_is_caught() {
    let (mut world, _, _, id) = one();
    let number = asked(&mut world, ALICE, id, 10, 1_000);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    // All that he can copy is what stands on chain: the machine's commitment, which is no output.
    let copied = commitment(number, id, output);
    let outcome = audited(&mut world, id, number, &[output, output, copied]);
    assert_eq!(outcome, Phase::Passed.number());
    assert_eq!(auditor(&world, AUDITORS[2]), [0, 1, 0]);
    world.wait_ms(10_000);
    // Nor does another's commitment fit him, nor a second try, nor one after the time.
    let number = asked(&mut world, ALICE, id, 10, 1_000);
    let output = work(&world, id);
    answered(&mut world, KEYS[0], id, number, output);
    let commit = |who: Address| commitAuditCall {
        machineId: id,
        commitment: finding(number, who, output),
    };
    for (caller, of) in [(0, 0), (1, 0), (2, 2)] {
        world.ok(AUDITORS[caller], ADDRESS, &commit(AUDITORS[of]));
    }
    let again = MachinesCommitted {
        number,
        auditor: AUDITORS[0],
    };
    world.refused(AUDITORS[0], ADDRESS, &commit(AUDITORS[0]), &again);
    let none = world.call(BOB, ADDRESS, &commit(BOB));
    assert!(none.is_err());
    let reveal = revealAuditCall {
        machineId: id,
        output,
        salt: SALT,
    };
    let early = MachinesWrongPhase {
        machineId: id,
        number,
        phase: Phase::Committing.number(),
    };
    world.refused(AUDITORS[0], ADDRESS, &reveal, &early);
    world.wait_ms(10_001);
    world.ok(AUDITORS[0], ADDRESS, &reveal);
    for who in [AUDITORS[0], AUDITORS[1]] {
        let not = MachinesNotCommitted {
            number,
            auditor: who,
        };
        world.refused(who, ADDRESS, &reveal, &not);
    }
    let late = MachinesWrongPhase {
        machineId: id,
        number,
        phase: Phase::Revealing.number(),
    };
    world.refused(AUDITORS[2], ADDRESS, &commit(AUDITORS[2]), &late);
    world.wait_ms(10_000);
    let settle = settleCall { machineId: id };
    assert_eq!(world.ok(BOB, ADDRESS, &settle), Phase::NoQuorum.number());
    assert_eq!(auditor(&world, AUDITORS[1]), [1, 0, 1]);
}

#[test]
fn a_holder_who_asks_all_the_time_keeps_no_auditor_out() {
    let (mut world, _, _, id) = one();
    world.ok(ALICE, ADDRESS, &ask(id, 1, 1));
    for _ in 0..259 {
        world.wait_ms(1);
    }
    let lately = world.call(ALICE, ADDRESS, &ask(id, 1, 1));
    assert!(words(&lately.expect_err("too early")).starts_with("MachinesAskedLately"));
    world.ok(AUDITORS[0], ADDRESS, &ask(id, 1, 1));
    // A holder who audits is no judge of his own machine.
    let (mut world, ..) = start();
    let id = {
        let token = IErc721::transferFromCall {
            from: ALICE,
            to: AUDITORS[0],
            tokenId: n(0),
        };
        let id = register(&mut world, ALICE, KEYS[0], BOND);
        world.ok(ALICE, title::ADDRESS, &token);
        id
    };
    let number = asked(&mut world, AUDITORS[0], id, 1, 1);
    let output = work(&world, id);
    let commitment = commitment(number, id, output);
    let signature = signed(&mut world, KEYS[0], ANSWER_TYPE, &(id, number, commitment));
    let carried = answerSignedCall {
        machineId: id,
        commitment,
        signature,
    };
    world.ok(BOB, ADDRESS, &carried);
    let own = MachinesOwnAudit {
        machineId: id,
        auditor: AUDITORS[0],
    };
    let commit = commitAuditCall {
        machineId: id,
        commitment: B256::repeat_byte(1),
    };
    world.refused(AUDITORS[0], ADDRESS, &commit, &own);
}

#[test]
fn mach_10_a_bond_is_not_taken_out_from_under_a_challenge() {
    let (mut world, _, asset, id) = one();
    let number = asked(&mut world, ALICE, id, 1, 1);
    answered(&mut world, KEYS[0], id, number, B256::repeat_byte(3));
    world.ok(ALICE, ADDRESS, &leaveCall { machineId: id });
    let leaving = MachinesLeft { machineId: id };
    world.refused(ALICE, ADDRESS, &ask(id, 1, 1), &leaving);
    let output = work(&world, id);
    for who in [0, 1] {
        let call = commitAuditCall {
            machineId: id,
            commitment: finding(number, AUDITORS[who], output),
        };
        world.ok(AUDITORS[who], ADDRESS, &call);
    }
    world.wait_ms(10_001);
    for who in [0, 1] {
        let call = revealAuditCall {
            machineId: id,
            output,
            salt: SALT,
        };
        world.ok(AUDITORS[who], ADDRESS, &call);
    }
    // Nobody settles: taking the bond does.
    world.wait_ms(2 * HOUR_MS);
    let left = world.ok(ALICE, ADDRESS, &withdrawCall { machineId: id });
    assert_eq!(left, n(BOND));
    assert_eq!(free(&mut world, asset, FORFEIT), BOND);
}
