//! What becomes of work that is not what it says, and of those who say so.

use super::*;
use crate::jobs::error::*;

/// A claim of one receipt that is bad in one way, shown.
fn shown_bad(spoil: impl FnOnce(&mut Receipt)) -> u8 {
    let (mut world, asset, machine, channel) = ready();
    let mut bad = receipt(&mut world, KEYS[0], SPENDERS[0], 1);
    let good = voucher(channel, epoch(&world), &[bad.clone()]).0;
    spoil(&mut bad);
    let (with_bad, tree) = voucher(channel, good.epoch, &[bad.clone()]);
    let signed = Voucher {
        root: with_bad.root,
        ..good
    };
    next_epoch(&mut world);
    let call = claim_call(&world, &signed, SPENDERS[0], KEYS[0]);
    let id = world.ok(CAROL, ADDRESS, &call);
    let slash = claim_of(&world, id).slash;
    drawn(&mut world);
    let show = show_call(&world, id, 0, &[bad], &tree);
    world.ok(CAROL, ADDRESS, &show);
    let seen = claim_of(&world, id);
    if seen.phase == Phase::Void.number() {
        assert_eq!(customer_of(&world, BOB), [900_060, 99_940, 0, 0]);
        let slashed = units(&mut world, asset, FORFEIT);
        assert_eq!(n(slashed), slash);
        let record = world.view(ADDRESS, &machineRecordCall { machineId: machine });
        assert_eq!((record.claimsVoid, record.lastReason), (1, seen.reason));
        assert_eq!(record.slashed, slash);
        world.wait_ms(HOUR);
        assert_eq!(turn(&mut world), 0);
    }
    seen.reason
}

#[test]
fn job_9_a_receipt_that_is_bad_by_itself_voids_its_claim_at_once() {
    let far = 3 * EPOCH;
    assert_eq!(shown_bad(|_| ()), 0);
    assert_eq!(shown_bad(|bad| bad.startedMs += 30_000), 0);
    assert_eq!(shown_bad(|bad| (bad.outcome, bad.cost) = (4, 0)), 0);
    for outcome in [1, 3] {
        assert_eq!(shown_bad(|bad| bad.outcome = outcome), 0);
    }
    let cases: [(Fault, &dyn Fn(&mut Receipt)); 11] = [
        (Fault::OtherProgram, &|bad| {
            bad.program = B256::repeat_byte(1)
        }),
        (Fault::OtherMachine, &|bad| bad.machine = KEYS[1]),
        (Fault::OtherPayer, &|bad| bad.payer = BOB.into_word()),
        (Fault::Failed, &|bad| bad.outcome = 2),
        (Fault::Failed, &|bad| bad.outcome = 4),
        (Fault::OtherEpoch, &|bad| bad.startedMs -= far),
        (Fault::OtherEpoch, &|bad| bad.startedMs += far),
        (Fault::Overcharged, &|bad| bad.cost += 1),
        (Fault::Overcharged, &|bad| bad.outputUnits = 4),
        (Fault::Overcharged, &|bad| bad.outputUnits = 6),
        (Fault::Overcharged, &|bad| bad.inputUnits = 11),
    ];
    for (fault, spoil) in cases {
        assert_eq!(shown_bad(spoil), fault.number(), "{fault:?}");
    }
}

#[test]
fn job_9_what_is_not_shown_in_time_is_not_paid() {
    let (mut world, asset, _, channel) = ready();
    let (id, receipts, tree) = claimed(&mut world, channel, 3);
    drawn(&mut world);
    for pick in [0, 2] {
        let call = show_call(&world, id, pick, &receipts, &tree);
        world.ok(CAROL, ADDRESS, &call);
        let again = JobsShown { claimId: id, pick };
        world.refused(CAROL, ADDRESS, &call, &again);
    }
    let none = JobsNotPicked {
        claimId: id,
        pick: 3,
    };
    let mut beyond = show_call(&world, id, 0, &receipts, &tree);
    beyond.pick = 3;
    world.refused(CAROL, ADDRESS, &beyond, &none);
    // Another receipt of the claim is not the one that was picked.
    let index = claim_of(&world, id).picks[1];
    let mut other = show_call(&world, id, 0, &receipts, &tree);
    other.pick = 1;
    let not = JobsNotInClaim { claimId: id, index };
    world.refused(CAROL, ADDRESS, &other, &not);
    world.wait_ms(10_001);
    let late = JobsWrongPhase {
        claimId: id,
        phase: Phase::Committing.number(),
    };
    let call = show_call(&world, id, 1, &receipts, &tree);
    world.refused(CAROL, ADDRESS, &call, &late);
    world.wait_ms(30_000);
    turn(&mut world);
    let seen = claim_of(&world, id);
    assert_eq!(
        (seen.phase, seen.reason),
        (Phase::Void.number(), Fault::NotShown.number())
    );
    assert_eq!(customer_of(&world, BOB), [900_180, 99_820, 0, 0]);
    assert_eq!(units(&mut world, asset, AccountId::new(ALICE, 0)), 0);
}

#[test]
fn job_9_what_a_quorum_finds_wrong_is_not_paid() {
    for (verdict, fault) in [
        (1, Fault::Wrong),
        (2, Fault::CutShort),
        (3, Fault::Copied),
        (4, Fault::Withheld),
    ] {
        let (mut world, asset, _, channel) = ready();
        let (id, receipts, tree) = claimed(&mut world, channel, 3);
        drawn(&mut world);
        shown(&mut world, id, &receipts, &tree);
        world.wait_ms(10_001);
        audited(&mut world, id, &[0, verdict, 0]);
        world.wait_ms(11_000);
        turn(&mut world);
        let void: ClaimVoid = world.last_event(ADDRESS);
        assert_eq!((void.reason, void.refunded), (fault.number(), n(180)));
        assert_eq!(customer_of(&world, BOB), [900_180, 99_820, 0, 0]);
        assert_eq!(units(&mut world, asset, AccountId::new(ALICE, 0)), 0);
        // Everything of the claim is back with the key too, for another day.
        let key = keyOfCall {
            customer: BOB,
            key: SPENDERS[0],
        };
        assert_eq!(world.view(ADDRESS, &key).spent, n(99_820));
    }
}

/// A machine chooses what it gives to whom: one auditor has evidence of a lie, another has nothing. That is no way out; and who is
/// right of an honest machine is not outvoted by one who has nothing.
#[test]
fn job_9_evidence_for_one_and_silence_for_another_is_not_paid() {
    for (said, phase, reason) in [
        ([1, 4, 4], Phase::Void, Fault::Withheld.number()),
        ([1, 4, 0], Phase::Void, Fault::Withheld.number()),
        ([4, 0, 0], Phase::Paid, 0),
        ([1, 0, 0], Phase::Paid, 0),
    ] {
        let (mut world, _, _, channel) = ready();
        let (id, receipts, tree) = claimed(&mut world, channel, 1);
        drawn(&mut world);
        shown(&mut world, id, &receipts, &tree);
        world.wait_ms(10_001);
        // Each computed what he was given.
        let witnesses = [1_u8, 2, 3].map(B256::repeat_byte);
        let of = |verdict: u8, place: usize| match verdict {
            4 => witnesses[2],
            0 => witness(id, 0),
            _ => witnesses[place],
        };
        for (place, (who, verdict)) in AUDITORS.into_iter().zip(said).enumerate() {
            let commit = commitAuditCall {
                claimId: id,
                pick: 0,
                commitment: finding(id, 0, who, verdict, of(verdict, place)),
            };
            world.ok(who, ADDRESS, &commit);
        }
        world.wait_ms(10_001);
        for (place, (who, verdict)) in AUDITORS.into_iter().zip(said).enumerate() {
            let reveal = revealAuditCall {
                claimId: id,
                pick: 0,
                verdict,
                witness: of(verdict, place),
                salt: SALT,
            };
            world.ok(who, ADDRESS, &reveal);
        }
        world.wait_ms(11_000);
        turn(&mut world);
        let seen = claim_of(&world, id);
        assert_eq!(
            (seen.phase, seen.reason),
            (phase.number(), reason),
            "{said:?}"
        );
    }
}

fn record(world: &World, auditor: Address) -> [u32; 3] {
    let found = world.view(ADDRESS, &auditorRecordCall { auditor });
    [found.agreed, found.differed, found.silent]
}

#[test]
fn job_9_without_a_quorum_nothing_is_void() {
    let (mut world, _, _, channel) = ready();
    let (id, receipts, tree) = claimed(&mut world, channel, 1);
    drawn(&mut world);
    shown(&mut world, id, &receipts, &tree);
    let early = commitAuditCall {
        claimId: id,
        pick: 0,
        commitment: B256::repeat_byte(1),
    };
    let wrong = JobsWrongPhase {
        claimId: id,
        phase: Phase::Showing.number(),
    };
    world.refused(AUDITORS[0], ADDRESS, &early, &wrong);
    world.wait_ms(10_001);
    // Two say that it is wrong, but computed different things: at least one guessed.
    let commit = |who: Address, verdict: u8, witness: B256| commitAuditCall {
        claimId: id,
        pick: 0,
        commitment: finding(id, 0, who, verdict, witness),
    };
    let honest = witness(id, 0);
    let guess = B256::repeat_byte(9);
    world.ok(AUDITORS[0], ADDRESS, &commit(AUDITORS[0], 1, honest));
    world.ok(AUDITORS[1], ADDRESS, &commit(AUDITORS[1], 1, guess));
    let twice = JobsCommitted {
        claimId: id,
        pick: 0,
        auditor: AUDITORS[1],
    };
    world.refused(AUDITORS[1], ADDRESS, &commit(AUDITORS[1], 1, guess), &twice);
    // A third copies a commitment, which is another's.
    world.ok(AUDITORS[2], ADDRESS, &commit(AUDITORS[0], 1, honest));
    assert!(world.call(BOB, ADDRESS, &commit(BOB, 1, honest)).is_err());
    world.wait_ms(10_001);
    let reveal = |verdict, witness| revealAuditCall {
        claimId: id,
        pick: 0,
        verdict,
        witness,
        salt: SALT,
    };
    world.ok(AUDITORS[0], ADDRESS, &reveal(1, honest));
    world.ok(AUDITORS[1], ADDRESS, &reveal(1, guess));
    let not = JobsNotCommitted {
        claimId: id,
        pick: 0,
        auditor: AUDITORS[2],
    };
    world.refused(AUDITORS[2], ADDRESS, &reveal(1, honest), &not);
    let none = JobsNoVerdict { verdict: 5 };
    world.refused(AUDITORS[0], ADDRESS, &reveal(5, honest), &none);
    world.wait_ms(11_000);
    turn(&mut world);
    assert_eq!(claim_of(&world, id).phase, Phase::Paid.number());
    assert_eq!(record(&world, AUDITORS[2]), [0, 0, 1]);
}

#[test]
fn an_auditor_who_guessed_stands_in_his_record() {
    let (mut world, _, _, channel) = ready();
    let (id, receipts, tree) = claimed(&mut world, channel, 1);
    drawn(&mut world);
    shown(&mut world, id, &receipts, &tree);
    world.wait_ms(10_001);
    let lazy = B256::repeat_byte(9);
    let commit = commitAuditCall {
        claimId: id,
        pick: 0,
        commitment: finding(id, 0, AUDITORS[2], 0, lazy),
    };
    world.ok(AUDITORS[2], ADDRESS, &commit);
    // audited() waits until they reveal.
    audited(&mut world, id, &[0]);
    let reveal = revealAuditCall {
        claimId: id,
        pick: 0,
        verdict: 0,
        witness: lazy,
        salt: SALT,
    };
    world.ok(AUDITORS[2], ADDRESS, &reveal);
    let pick = world.view(
        ADDRESS,
        &pickOfCall {
            claimId: id,
            pick: 0,
        },
    );
    assert_eq!(
        (pick.auditors.len(), pick.revealed, pick.verdict),
        (3, 3, 0)
    );
    world.wait_ms(11_000);
    turn(&mut world);
    assert_eq!(claim_of(&world, id).phase, Phase::Paid.number());
    let records = AUDITORS.map(|who| record(&world, who));
    assert_eq!(records, [[1, 0, 0], [1, 0, 0], [0, 1, 0]]);
    // Who has a part in it says nothing: the holder, the machine, the customer, the key that pays.
    for who in [ALICE, KEYS[0], BOB, SPENDERS[0]] {
        let grant = IAdmin::grantRoleCall {
            scope: ADDRESS,
            role: AUDIT,
            holder: who,
            expiresMs: 0,
        };
        world.ok(OWNER, ADMIN, &grant);
    }
    let (id, receipts, tree) = claimed(&mut world, channel, 1);
    drawn(&mut world);
    shown(&mut world, id, &receipts, &tree);
    world.wait_ms(10_001);
    for who in [ALICE, KEYS[0], BOB, SPENDERS[0]] {
        let commit = commitAuditCall {
            claimId: id,
            pick: 0,
            commitment: B256::repeat_byte(1),
        };
        let own = JobsOwnAudit {
            claimId: id,
            auditor: who,
        };
        world.refused(who, ADDRESS, &commit, &own);
    }
}

#[test]
fn job_9_a_job_that_is_claimed_twice_is_not_paid_again() {
    let (mut world, _, _, channel) = ready();
    let one = receipt(&mut world, KEYS[0], SPENDERS[0], 1);
    let first = claimed_with(&mut world, channel, std::slice::from_ref(&one));
    let (_, tree_one) = voucher(channel, 0, std::slice::from_ref(&one));
    drawn(&mut world);
    // The same job again in the next epoch, with another answer.
    let mut other = receipt(&mut world, KEYS[0], SPENDERS[0], 2);
    other.job = one.job;
    let good = receipt(&mut world, KEYS[0], SPENDERS[0], 3);
    let receipts = [good, other.clone()];
    let second = claimed_with(&mut world, channel, &receipts);
    let (_, tree_two) = voucher(channel, 0, &receipts);
    let twin = |a: u64, b: u64| showTwinCall {
        claimA: a,
        indexA: 0,
        receiptA: one.clone(),
        proofA: tree_one.proof(0),
        claimB: b,
        indexB: 1,
        receiptB: other.clone(),
        proofB: tree_two.proof(1),
    };
    // A receipt is no twin of itself, nor of another job's.
    let mut same = twin(first, first);
    (same.indexB, same.receiptB, same.proofB) = (0, one.clone(), tree_one.proof(0));
    world.refused(CAROL, ADDRESS, &same, &JobsNoTwin {});
    let mut foreign = twin(first, second);
    (foreign.indexB, foreign.receiptB) = (0, receipts[0].clone());
    world.refused(CAROL, ADDRESS, &foreign, &JobsNoTwin {});
    let call = twin(first, second);
    assert_eq!(world.ok(CAROL, ADDRESS, &call), second);
    let seen = claim_of(&world, second);
    assert_eq!(
        (seen.phase, seen.reason),
        (Phase::Void.number(), Fault::Duplicate.number())
    );
    assert_ne!(claim_of(&world, first).phase, Phase::Void.number());
}

#[test]
fn job_8_nobody_knows_the_picks_when_he_claims() {
    let (mut world, _, _, channel) = ready();
    let (id, ..) = claimed(&mut world, channel, 3);
    let seed_block = claim_of(&world, id).seedBlock;
    let block = world.store.block_mut().number;
    assert_eq!(seed_block, block + 2);
    // The block comes early: the hash is not known, so nothing is drawn, and it comes again.
    for _ in 0..2 {
        world.wait_ms(1_000);
        turn(&mut world);
        assert_eq!(claim_of(&world, id).phase, Phase::Waiting.number());
    }
    let mut late = world.clone();
    world.wait_ms(1_000);
    turn(&mut world);
    let seed = claim_of(&world, id).seed;
    assert_ne!(seed, B256::ZERO);
    // A block that comes so late that the hash is forgotten takes a later one, which nobody knew either.
    late.store.set_history(|_| B256::ZERO);
    for _ in 0..300 {
        late.wait_ms(10);
    }
    turn(&mut late);
    assert_eq!(claim_of(&late, id).phase, Phase::Waiting.number());
    let block = late.store.block_mut().number;
    assert_eq!(claim_of(&late, id).seedBlock, block + 2);
}

/// What the block must look at is a function of stored words: followed or read anew, it is one.
#[test]
fn job_10_the_index_follows_the_words() {
    let (mut world, _, _, channel) = ready();
    world.watched = Some(ADDRESS);
    let mut index = ClaimIndex::of(&world.store).expect("reads");
    for round in 0..6 {
        let (id, receipts, tree) = claimed(&mut world, channel, 2);
        drawn(&mut world);
        if round % 2 == 0 {
            shown(&mut world, id, &receipts, &tree);
        }
        let mut changes = Changes::default();
        for (slot, before, after) in std::mem::take(&mut world.written) {
            changes.note(slot, before, after);
        }
        index.apply(&changes);
        assert_eq!(index, ClaimIndex::of(&world.store).expect("reads"));
        let mut back = index.clone();
        back.undo(&changes);
        back.apply(&changes);
        assert_eq!(back, index);
    }
    assert!(!index.is_empty());
}

/// A claim that cannot be settled holds up no other, and is tried again.
#[test]
fn job_10_what_cannot_be_settled_waits_and_holds_up_nobody() {
    let (mut world, _, _, channel) = ready();
    let (id, ..) = claimed(&mut world, channel, 1);
    let malformed = world.system(SystemKind::Epoch, &[1, 2, 3]);
    assert_eq!(
        malformed,
        Err(capstan_state::Halt::revert(&JobsMalformed {}))
    );
    let many = vec![1; LOOKS_MAX + 1];
    let too_many = JobsTooMany {
        count: U256::from(LOOKS_MAX + 1),
        max: U256::from(LOOKS_MAX),
    };
    assert_eq!(
        world.system(SystemKind::Epoch, &encode_claims(&many)),
        Err(capstan_state::Halt::revert(&too_many))
    );
    world.wait_ms(1_000);
    world.wait_ms(1_000);
    world.wait_ms(1_000);
    // A number that is no claim fails alone; what is behind it is drawn.
    let input = encode_claims(&[999, id]);
    world.system(SystemKind::Epoch, &input).expect("looks");
    assert_eq!(claim_of(&world, id).phase, Phase::Showing.number());
    // Without gas for a look the rest waits for the next block.
    world
        .system_limited(1_000_000, SystemKind::Epoch, &encode_claims(&[id]))
        .expect("looks");
    let left: ClaimsLeft = world.last_event(ADDRESS);
    assert_eq!(left.count, n(1));
}
