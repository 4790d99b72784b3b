//! The chain stands still, and no claim is worse for it (JOB-17).

use super::*;
use crate::{jobs::error::*, still::RETURN_MS};

const STOOD: u64 = HOUR + RETURN_MS;

fn due_ms(world: &World, id: u64) -> u64 {
    claim_of(world, id).dueMs
}

/// A block in every second, as long as `ms` last.
fn blocks(world: &mut World, ms: u64) {
    for _ in 0..ms / 1_000 {
        world.wait_ms(1_000);
        turn(world);
    }
}

#[test]
fn job_17_what_nobody_could_show_is_shown_afterwards_and_paid() {
    let (mut world, asset, _, channel) = ready();
    let (id, receipts, tree) = claimed(&mut world, channel, 3);
    drawn(&mut world);
    world.wait_ms(9_000);
    let due = due_ms(&world, id);
    world.stand_still_ms(HOUR);
    turn(&mut world);
    assert_eq!(claim_of(&world, id).phase, Phase::Showing.number());
    assert_eq!(due_ms(&world, id), due + STOOD);
    shown(&mut world, id, &receipts, &tree);
    world.wait_ms(RETURN_MS + 10_900);
    // Again, while auditors have to commit, and while they have to show what they found.
    world.stand_still_ms(HOUR);
    turn(&mut world);
    assert_eq!(claim_of(&world, id).phase, Phase::Committing.number());
    let commit = |who, pick| commitAuditCall {
        claimId: id,
        pick,
        commitment: finding(id, pick, who, 0, witness(id, pick)),
    };
    for (who, pick) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let who = AUDITORS[who];
        world.ok(who, ADDRESS, &commit(who, pick));
    }
    world.wait_ms(RETURN_MS + 10_001);
    assert_eq!(claim_of(&world, id).phase, Phase::Revealing.number());
    world.stand_still_ms(HOUR);
    turn(&mut world);
    for (who, pick) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let reveal = revealAuditCall {
            claimId: id,
            pick,
            verdict: 0,
            witness: witness(id, pick),
            salt: SALT,
        };
        world.ok(AUDITORS[who], ADDRESS, &reveal);
    }
    blocks(&mut world, RETURN_MS + 12_000);
    assert_eq!(claim_of(&world, id).phase, Phase::Paid.number());
    assert_eq!(units(&mut world, asset, AccountId::new(ALICE, 0)), 177);
    assert_eq!(customer_of(&world, BOB), [900_000, 99_820, 0, 180]);
}

#[test]
fn job_17_what_is_not_shown_afterwards_either_is_void_as_late() {
    let (mut world, asset, _, channel) = ready();
    let (id, receipts, tree) = claimed(&mut world, channel, 3);
    drawn(&mut world);
    world.wait_ms(9_000);
    world.stand_still_ms(HOUR);
    turn(&mut world);
    let wait = due_ms(&world, id) - now_ms(&mut world);
    world.wait_ms(wait);
    assert_eq!(claim_of(&world, id).phase, Phase::Showing.number());
    world.wait_ms(1);
    let late = JobsWrongPhase {
        claimId: id,
        phase: Phase::Committing.number(),
    };
    let call = show_call(&world, id, 0, &receipts, &tree);
    world.refused(CAROL, ADDRESS, &call, &late);
    blocks(&mut world, 19_000);
    assert_eq!(claim_of(&world, id).phase, Phase::Revealing.number());
    blocks(&mut world, 3_000);
    let seen = claim_of(&world, id);
    assert_eq!(
        (seen.phase, seen.reason),
        (Phase::Void.number(), Fault::NotShown.number())
    );
    assert_eq!(customer_of(&world, BOB), [900_180, 99_820, 0, 0]);
    assert_eq!(n(units(&mut world, asset, FORFEIT)), seen.slash);
}

/// A claim whose time was over before is not saved by what comes after it.
#[test]
fn job_17_a_claim_that_was_late_before_is_late_behind() {
    let (mut world, _, _, channel) = ready();
    let (id, receipts, tree) = claimed(&mut world, channel, 1);
    drawn(&mut world);
    world.wait_ms(10_001);
    world.stand_still_ms(HOUR);
    let late = JobsWrongPhase {
        claimId: id,
        phase: Phase::Committing.number(),
    };
    let call = show_call(&world, id, 0, &receipts, &tree);
    world.refused(CAROL, ADDRESS, &call, &late);
}

/// A voucher of an epoch with so much work, at a cost.
fn voucher_of(channel: B256, epoch: u64, work: u64, cost: u128) -> Voucher {
    Voucher {
        channel,
        epoch,
        cost: n(cost),
        largest: n(cost),
        inputUnits: 0,
        outputUnits: work,
        receipts: 1,
        root: B256::repeat_byte(0x12),
    }
}

#[test]
fn job_17_epochs_that_could_not_be_claimed_are_claimed_afterwards() {
    let (mut world, _, id, channel) = ready();
    customer(&mut world, CAROL, SPENDERS[1], 1_000_000);
    let other = hold(&mut world, CAROL, SPENDERS[1], id, 100_000);
    let first = epoch(&world);
    next_epoch(&mut world);
    world.wait_ms(50_000);
    world.stand_still_ms(HOUR);
    let allowed = 1_000_000 * EPOCH / HOUR;
    let whole = voucher_of(channel, first, allowed - 1, 1_000);
    let newer = voucher_of(other, first + 1, allowed, 1_000);
    // The newer one first: what was claimed of each epoch is counted by itself (JOB-4).
    let newer = claim_call(&world, &newer, SPENDERS[1], KEYS[0]);
    world.ok(BOB, ADDRESS, &newer);
    let call = claim_call(&world, &whole, SPENDERS[0], KEYS[0]);
    let fresh = world.clone();
    world.ok(BOB, ADDRESS, &call);
    let twice = JobsClaimed {
        channel,
        epoch: first,
    };
    world.refused(BOB, ADDRESS, &call, &twice);
    let more = voucher_of(channel, first + 1, 1, 8);
    let more = claim_call(&world, &more, SPENDERS[0], KEYS[0]);
    let over = JobsOverCapacity {
        machineId: id,
        classId: CLASS,
        epoch: first + 1,
        work: allowed + 1,
        allowed,
    };
    world.refused(BOB, ADDRESS, &more, &over);
    // Ten seconds are left of the first epoch's time, once the chain is back; then nothing binds what is left of it.
    let mut world = fresh;
    let seen = channel_of(&world, channel);
    assert_eq!(seen.freeFromMs, now_ms(&mut world) + RETURN_MS + EPOCH);
    world.wait_ms(RETURN_MS + 9_999);
    let in_time = claim_call(&world, &whole, SPENDERS[0], KEYS[0]);
    let mut late = world.clone();
    world.ok(BOB, ADDRESS, &in_time);
    late.wait_ms(1);
    let wrong = JobsWrongEpoch {
        epoch: first,
        claimable: epoch(&late) - 1,
    };
    late.refused(BOB, ADDRESS, &in_time, &wrong);
}

/// JOB-6: floors do not change while vouchers are claimed that are older than the floors before.
#[test]
fn job_17_floors_are_kept_for_as_long_as_vouchers_may_be_late() {
    let (mut world, _, id, _) = ready();
    let set = |sequence, floor| offerCall {
        terms: terms(id, sequence, (0, floor)),
        signature: CALLS,
    };
    next_epoch(&mut world);
    world.ok(KEYS[0], ADDRESS, &set(2, 7));
    let changed = epoch(&world);
    next_epoch(&mut world);
    world.wait_ms(50_000);
    world.stand_still_ms(HOUR);
    let from_epoch = changed + 2 + STOOD.div_ceil(EPOCH);
    let lately = JobsFloorsChangedLately {
        machineId: id,
        classId: CLASS,
        fromEpoch: from_epoch,
    };
    world.refused(KEYS[0], ADDRESS, &set(3, 9), &lately);
    while epoch(&world) < from_epoch {
        world.refused(KEYS[0], ADDRESS, &set(3, 9), &lately);
        next_epoch(&mut world);
    }
    world.ok(KEYS[0], ADDRESS, &set(3, 9));
}

/// JOB-6: a late voucher is at the price of its own epoch, wherever that went since.
#[test]
fn job_17_a_late_voucher_has_the_price_of_its_epoch() {
    let (mut world, _, _) = start_class(usual(), moving());
    let id = machine(&mut world, KEYS[0]);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    next_epoch(&mut world);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 100_000);
    let ask = priceOfCall {
        classId: CLASS,
        region: REGION,
    };
    let price = world.view(ADDRESS, &ask);
    let of = epoch(&world);
    next_epoch(&mut world);
    world.stand_still_ms(HOUR);
    let refresh = refreshCall {
        machineId: id,
        classId: CLASS,
    };
    world.ok(CAROL, ADDRESS, &refresh);
    let now = world.view(ADDRESS, &ask);
    assert!(now.levelBefore < price.level, "nobody claimed for an hour");
    let cost = price.outputPrice.to::<u128>() * 10_000 / 1_000_000;
    let dear = voucher_of(channel, of, 10_000, cost + 2);
    let dear = claim_call(&world, &dear, SPENDERS[0], KEYS[0]);
    let over = JobsOverPriced {
        cost: n(cost + 2),
        most: n(cost + 1),
    };
    world.refused(CAROL, ADDRESS, &dear, &over);
    world.wait_ms(EPOCH - 1_000);
    world.ok(CAROL, ADDRESS, &refresh);
    let good = voucher_of(channel, of, 10_000, cost);
    let good = claim_call(&world, &good, SPENDERS[0], KEYS[0]);
    let claim = world.ok(CAROL, ADDRESS, &good);
    assert_eq!(claim_of(&world, claim).outputPrice, price.outputPrice);
}
