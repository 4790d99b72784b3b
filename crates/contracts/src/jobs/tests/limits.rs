//! What keys, machines and bonds bear, and who may say what.

use super::*;
use crate::jobs::error::*;

fn key_of(world: &World, who: Address, key: Address) -> SpendingKey {
    world.view(ADDRESS, &keyOfCall { customer: who, key })
}

fn hold_call(world: &mut World, amount: u128, sequence: u64) -> holdCall {
    let terms = hold_terms(world, BOB, SPENDERS[0], 0, amount);
    holdCall {
        terms: Hold { sequence, ..terms },
        signature: CALLS,
    }
}

/// A key with limits on the way to a machine.
fn limited(total: u128, per_period: u128) -> (World, u64) {
    let (mut world, ..) = start();
    let id = machine(&mut world, KEYS[0]);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    let limits = KeyLimits {
        total: n(total),
        perPeriod: n(per_period),
        periodMs: HOUR,
        untilMs: now_ms(&mut world) + 10 * HOUR,
    };
    let set = setKeyCall {
        key: SPENDERS[0],
        limits,
    };
    world.ok(BOB, ADDRESS, &set);
    // A period begins.
    let wait = HOUR - now_ms(&mut world) % HOUR;
    world.wait_ms(wait);
    (world, id)
}

#[test]
fn job_3_a_key_never_binds_more_than_it_may() {
    let (mut world, _) = limited(1_000, 400);
    let over = |left: u128, need: u128| JobsKeyLimit {
        customer: BOB,
        key: SPENDERS[0],
        left: n(left),
        need: n(need),
    };
    let call = hold_call(&mut world, 401, 1);
    world.refused(SPENDERS[0], ADDRESS, &call, &over(400, 401));
    let call = hold_call(&mut world, 300, 1);
    let channel = world.ok(SPENDERS[0], ADDRESS, &call);
    let call = hold_call(&mut world, 101, 2);
    world.refused(SPENDERS[0], ADDRESS, &call, &over(100, 101));
    // What a machine lets go of counts no more, neither in all nor in the period that bound it.
    let release = releaseCall {
        channel,
        byMachine: CALLS,
    };
    world.ok(KEYS[0], ADDRESS, &release);
    let key = key_of(&world, BOB, SPENDERS[0]);
    assert_eq!(
        (key.spent, key.spentInPeriod, key.left),
        (n(0), n(0), n(400))
    );
    world.wait_ms(HOUR);
    for sequence in [11, 12, 13] {
        let call = hold_call(&mut world, 400 - (sequence as u128 - 11) * 100, sequence);
        world.ok(SPENDERS[0], ADDRESS, &call);
        world.wait_ms(HOUR);
    }
    // 900 of 1,000 are bound; the period is new.
    let call = hold_call(&mut world, 101, 14);
    world.refused(SPENDERS[0], ADDRESS, &call, &over(100, 101));
    // A limit that is lowered below what is bound leaves nothing.
    let lower = KeyLimits {
        total: n(500),
        perPeriod: n(400),
        periodMs: HOUR,
        untilMs: now_ms(&mut world) + HOUR,
    };
    let set = setKeyCall {
        key: SPENDERS[0],
        limits: lower,
    };
    world.ok(BOB, ADDRESS, &set);
    let call = hold_call(&mut world, 1, 15);
    world.refused(SPENDERS[0], ADDRESS, &call, &over(0, 1));
}

#[test]
fn job_3_a_key_that_is_over_or_revoked_binds_nothing() {
    let (mut world, _) = limited(1_000, 1_000);
    let call = hold_call(&mut world, 100, 1);
    let channel = world.ok(SPENDERS[0], ADDRESS, &call);
    let until = key_of(&world, BOB, SPENDERS[0]).limits.untilMs;
    let invalid = JobsKeyInvalid {
        customer: BOB,
        key: SPENDERS[0],
        untilMs: until,
    };
    let mut over = world.clone();
    over.wait_ms(10 * HOUR);
    let call = hold_call(&mut over, 100, 2);
    over.refused(SPENDERS[0], ADDRESS, &call, &invalid);
    let revoke = revokeKeyCall { key: SPENDERS[0] };
    world.ok(BOB, ADDRESS, &revoke);
    world.refused(BOB, ADDRESS, &revoke, &invalid);
    let call = hold_call(&mut world, 100, 2);
    world.refused(SPENDERS[0], ADDRESS, &call, &invalid);
    // What it has bound is the machine's to claim, and nobody's to take back before that is over.
    let release = releaseCall {
        channel,
        byMachine: CALLS,
    };
    let seen = channel_of(&world, channel);
    let early = JobsNotReleasable {
        channel,
        freeFromMs: seen.freeFromMs,
        nowMs: now_ms(&mut world),
    };
    world.refused(BOB, ADDRESS, &release, &early);
    assert_eq!(seen.freeFromMs, (seen.untilMs / EPOCH + 2) * EPOCH);
    let receipts = vec![receipt(&mut world, KEYS[0], SPENDERS[0], 1)];
    claimed_with(&mut world, channel, &receipts);
    let wait = seen.freeFromMs - now_ms(&mut world);
    world.wait_ms(wait);
    assert_eq!(world.ok(BOB, ADDRESS, &release), n(40));
    // A key that somebody else never set is nobody's.
    let mut call = hold_call(&mut world, 1, 9);
    call.terms.customer = CAROL;
    let stranger = JobsKeyInvalid {
        customer: CAROL,
        key: SPENDERS[0],
        untilMs: 0,
    };
    world.refused(SPENDERS[0], ADDRESS, &call, &stranger);
}

#[test]
fn job_1_nobody_binds_or_takes_what_is_not_there() {
    let (mut world, _) = limited(2_000_000, 2_000_000);
    let call = hold_call(&mut world, 1_000_001, 1);
    let poor = JobsPoor {
        customer: BOB,
        free: n(1_000_000),
        need: n(1_000_001),
    };
    world.refused(SPENDERS[0], ADDRESS, &call, &poor);
    let call = hold_call(&mut world, 600_000, 1);
    world.ok(SPENDERS[0], ADDRESS, &call);
    let withdraw = withdrawCall { amount: n(400_001) };
    let poor = JobsPoor {
        customer: BOB,
        free: n(400_000),
        need: n(400_001),
    };
    world.refused(BOB, ADDRESS, &withdraw, &poor);
    let withdraw = withdrawToAccountCall {
        index: 3,
        amount: n(400_000),
    };
    world.ok(BOB, ADDRESS, &withdraw);
    let account = AccountId::new(BOB, 3);
    assert_eq!(units(&mut world, AssetId::new(0), account), 400_000);
    let nothing = JobsZeroAmount {};
    let zero = withdrawCall { amount: n(0) };
    world.refused(BOB, ADDRESS, &zero, &nothing);
}

#[test]
fn job_7_words_are_of_their_keys_and_count_once() {
    let (mut world, _, id, channel) = ready();
    let bad = |key| JobsBadSignature { key };
    // A hold that the key did not sign; one that it signed, by anybody's hand, once.
    let later = hold_terms(&mut world, BOB, SPENDERS[0], id, 5);
    let later = Hold {
        sequence: later.sequence + 1,
        ..later
    };
    let mut call = holdCall {
        terms: later.clone(),
        signature: CALLS,
    };
    world.refused(CAROL, ADDRESS, &call, &bad(SPENDERS[0]));
    let domain = world.view(ADDRESS, &DOMAIN_SEPARATORCall {});
    let digest = digest_of(domain, HOLD_TYPE, later.abi_encode());
    call.signature = signature(digest, SPENDERS[0]);
    world.ok(CAROL, ADDRESS, &call);
    let used = JobsSequenceUsed {
        sequence: later.sequence,
        last: later.sequence,
    };
    world.refused(CAROL, ADDRESS, &call, &used);
    // A voucher needs both.
    let receipts = vec![receipt(&mut world, KEYS[0], SPENDERS[0], 1)];
    let (voucher, _) = voucher(channel, epoch(&world), &receipts);
    let early = claim_call(&world, &voucher, SPENDERS[0], KEYS[0]);
    let wrong = JobsWrongEpoch {
        epoch: voucher.epoch,
        claimable: voucher.epoch - 1,
    };
    world.refused(CAROL, ADDRESS, &early, &wrong);
    next_epoch(&mut world);
    let forged = claim_call(&world, &voucher, BOB, KEYS[0]);
    world.refused(CAROL, ADDRESS, &forged, &bad(SPENDERS[0]));
    let forged = claim_call(&world, &voucher, SPENDERS[0], KEYS[1]);
    world.refused(CAROL, ADDRESS, &forged, &bad(KEYS[0]));
    // The spending key alone puts nothing in the machine's mouth.
    world.refused(SPENDERS[0], ADDRESS, &forged, &bad(KEYS[0]));
    let mut call = claim_call(&world, &voucher, SPENDERS[0], KEYS[0]);
    call.voucher.outputUnits += 1;
    world.refused(CAROL, ADDRESS, &call, &bad(SPENDERS[0]));
    let call = claim_call(&world, &voucher, SPENDERS[0], KEYS[0]);
    world.ok(CAROL, ADDRESS, &call);
    let claimed = JobsClaimed {
        channel,
        epoch: voucher.epoch,
    };
    world.refused(CAROL, ADDRESS, &call, &claimed);
    next_epoch(&mut world);
    let late = JobsWrongEpoch {
        epoch: voucher.epoch,
        claimable: voucher.epoch + 1,
    };
    world.refused(CAROL, ADDRESS, &call, &late);
    // An offer is the machine's word.
    let call = offerCall {
        terms: terms(id, 2, (0, 0)),
        signature: CALLS,
    };
    world.refused(ALICE, ADDRESS, &call, &bad(KEYS[0]));
    let again = offerCall {
        terms: terms(id, 1, (0, 0)),
        signature: CALLS,
    };
    let used = JobsSequenceUsed {
        sequence: 1,
        last: 1,
    };
    world.refused(KEYS[0], ADDRESS, &again, &used);
}

#[test]
fn job_2_a_voucher_is_worth_what_is_bound_and_no_more() {
    let (mut world, _, _, channel) = ready();
    let good = {
        let receipts: Vec<_> = (0..4)
            .map(|number| receipt(&mut world, KEYS[0], SPENDERS[0], number))
            .collect();
        voucher(channel, epoch(&world), &receipts).0
    };
    next_epoch(&mut world);
    let claim = |world: &World, voucher: &Voucher| claim_call(world, voucher, SPENDERS[0], KEYS[0]);
    let bad = |what: &str| JobsBadVoucher {
        what: what.to_owned(),
    };
    let cases = [
        (
            Voucher {
                receipts: 0,
                ..good
            },
            "receipts",
        ),
        (
            Voucher {
                receipts: RECEIPTS_MAX + 1,
                ..good
            },
            "receipts",
        ),
        (
            Voucher {
                root: B256::ZERO,
                ..good
            },
            "root",
        ),
        (Voucher { cost: n(0), ..good }, "cost"),
        (
            Voucher {
                largest: n(241),
                ..good
            },
            "largest",
        ),
        (
            Voucher {
                largest: n(59),
                ..good
            },
            "largest",
        ),
    ];
    for (voucher, what) in cases {
        let call = claim(&world, &voucher);
        world.refused(CAROL, ADDRESS, &call, &bad(what));
    }
    let much = Voucher {
        cost: n(100_001),
        largest: n(100_001),
        ..good
    };
    let over = JobsOverBound {
        channel,
        bound: n(100_000),
        cost: n(100_001),
    };
    let call = claim(&world, &much);
    world.refused(CAROL, ADDRESS, &call, &over);
    let dear = Voucher {
        cost: n(245),
        largest: n(62),
        ..good
    };
    let call = claim(&world, &dear);
    let over = JobsOverPriced {
        cost: n(245),
        most: n(244),
    };
    world.refused(CAROL, ADDRESS, &call, &over);
    let small = Voucher {
        cost: n(2),
        largest: n(1),
        ..good
    };
    let call = claim(&world, &small);
    let fee = JobsTooSmall {
        cost: n(2),
        fee: n(2),
    };
    world.refused(CAROL, ADDRESS, &call, &fee);
    let unknown = Voucher {
        channel: B256::repeat_byte(9),
        ..good
    };
    let call = claim(&world, &unknown);
    let none = JobsNoChannel {
        channel: unknown.channel,
    };
    world.refused(CAROL, ADDRESS, &call, &none);
    let call = claim(&world, &good);
    world.ok(CAROL, ADDRESS, &call);
}

/// An answer of a slow machine is more than it can do in an epoch. It is worked off by what it can do, epoch by epoch, and never
/// more is left of it than an unproven machine may claim.
#[test]
fn job_4_a_slow_machine_may_be_ahead_of_what_it_can() {
    let (mut world, _, _) = start();
    let id = register(&mut world, ALICE, KEYS[0], BOND);
    offer(&mut world, KEYS[0], id);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    // 6,000 an hour are 100 an epoch of a minute; 500 may be ahead.
    prove(&mut world, id, 6);
    let view = |world: &World| {
        let seen = world.view(
            ADDRESS,
            &offerOfCall {
                machineId: id,
                classId: CLASS,
            },
        );
        (seen.perEpoch, seen.allowed, seen.used)
    };
    assert_eq!(view(&world), (100, 500, 0));
    next_epoch(&mut world);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 500_000);
    let mut seed = 0;
    let mut work = |world: &mut World, units: u64| {
        seed += 1;
        let mut receipt = receipt(world, KEYS[0], SPENDERS[0], seed);
        (receipt.inputUnits, receipt.outputUnits) = (0, units);
        receipt.cost = u128::from(units) * 8;
        let (voucher, _) = voucher(channel, epoch(world), &[receipt]);
        next_epoch(world);
        claim_call(world, &voucher, SPENDERS[0], KEYS[0])
    };
    let call = work(&mut world, 450);
    world.ok(CAROL, ADDRESS, &call);
    assert_eq!(view(&world), (100, 500, 450));
    // An epoch later 350 of it are left.
    let call = work(&mut world, 151);
    let over = JobsOverCapacity {
        machineId: id,
        classId: CLASS,
        epoch: call.voucher.epoch,
        work: 501,
        allowed: 500,
    };
    world.refused(CAROL, ADDRESS, &call, &over);
    assert_eq!(view(&world), (100, 500, 350));
    let call = work(&mut world, 250);
    world.ok(CAROL, ADDRESS, &call);
    assert_eq!(view(&world), (100, 500, 500));
    for _ in 0..9 {
        next_epoch(&mut world);
    }
    assert_eq!(view(&world), (100, 500, 0));
}

#[test]
fn job_4_no_more_is_claimed_than_was_proven() {
    let (mut world, _, _) = start();
    let id = register(&mut world, ALICE, KEYS[0], BOND);
    offer(&mut world, KEYS[0], id);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    let view = |world: &World| {
        world.view(
            ADDRESS,
            &offerOfCall {
                machineId: id,
                classId: CLASS,
            },
        )
    };
    assert_eq!(view(&world).allowed, 500);
    next_epoch(&mut world);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 500_000);
    // On probation: 500 units of work, a tenth of what is read and all that is written.
    let work = |world: &mut World, output_units: u64| {
        let mut receipt = receipt(world, KEYS[0], SPENDERS[0], 1);
        receipt.outputUnits = output_units;
        receipt.inputUnits = 11;
        receipt.cost = u128::from(output_units) * 8 + 22;
        let (voucher, _) = voucher(channel, epoch(world), &[receipt]);
        next_epoch(world);
        claim_call(world, &voucher, SPENDERS[0], KEYS[0])
    };
    let mut probation = world.clone();
    let call = work(&mut probation, 499);
    let over = JobsOverCapacity {
        machineId: id,
        classId: CLASS,
        epoch: call.voucher.epoch,
        work: 501,
        allowed: 500,
    };
    probation.refused(CAROL, ADDRESS, &call, &over);
    let call = work(&mut probation, 498);
    probation.ok(CAROL, ADDRESS, &call);
    // Proven: 600,000 an hour are 10,000 a minute, over all channels together.
    prove(&mut world, id, 600);
    assert_eq!(view(&world).allowed, 10_000);
    customer(&mut world, CAROL, SPENDERS[1], 1_000_000);
    next_epoch(&mut world);
    let other = hold(&mut world, CAROL, SPENDERS[1], id, 500_000);
    let mut half = receipt(&mut world, KEYS[0], SPENDERS[0], 2);
    (half.inputUnits, half.outputUnits, half.cost) = (0, 5_001, 40_008);
    let (first, _) = voucher(channel, epoch(&world), &[half.clone()]);
    let (second, _) = voucher(other, epoch(&world), &[half]);
    next_epoch(&mut world);
    let first = claim_call(&world, &first, SPENDERS[0], KEYS[0]);
    let second = claim_call(&world, &second, SPENDERS[1], KEYS[0]);
    world.ok(CAROL, ADDRESS, &first);
    let over = JobsOverCapacity {
        machineId: id,
        classId: CLASS,
        epoch: second.voucher.epoch,
        work: 10_002,
        allowed: 10_000,
    };
    world.refused(CAROL, ADDRESS, &second, &over);
    // A machine that leaves claims nothing, and nobody binds anything to it.
    let leave = IMachines::leaveCall { machineId: id };
    world.ok(ALICE, machines::ADDRESS, &leave);
    let gone = JobsNotServing {
        machineId: id,
        state: machines::State::Leaving.number(),
        reason: machines::Reason::HolderLeft.number(),
    };
    world.refused(CAROL, ADDRESS, &second, &gone);
    let terms = hold_terms(&mut world, BOB, SPENDERS[0], id, 1);
    let call = holdCall {
        terms,
        signature: CALLS,
    };
    world.refused(SPENDERS[0], ADDRESS, &call, &gone);
}

#[test]
fn job_5_the_bond_covers_every_lie_that_is_open() {
    let params = JobParams {
        auditPpm: 10_000,
        detectPpm: 990_000,
        ..usual()
    };
    let (mut world, ..) = start_with(params);
    let id = machine(&mut world, KEYS[0]);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    customer(&mut world, CAROL, SPENDERS[1], 1_000_000);
    next_epoch(&mut world);
    let channels = [
        hold(&mut world, BOB, SPENDERS[0], id, 20_000),
        hold(&mut world, CAROL, SPENDERS[1], id, 20_000),
    ];
    let mut dear = receipt(&mut world, KEYS[0], SPENDERS[0], 1);
    (dear.inputUnits, dear.outputUnits, dear.cost) = (0, 1_000, 8_000);
    let epoch = epoch(&world);
    let vouchers = channels.map(|channel| voucher(channel, epoch, &[dear.clone()]).0);
    next_epoch(&mut world);
    // One of a hundred is audited, and 99 of 100 cheats found: 8,000 * 0.9901 / 0.0099, and one.
    let slash = 800_081;
    let first = claim_call(&world, &vouchers[0], SPENDERS[0], KEYS[0]);
    let claim = world.ok(CAROL, ADDRESS, &first);
    assert_eq!(claim_of(&world, claim).slash, n(slash));
    let second = claim_call(&world, &vouchers[1], SPENDERS[1], KEYS[0]);
    let over = JobsOverBond {
        machineId: id,
        bond: n(BOND),
        reserved: n(slash),
        need: n(slash),
    };
    world.refused(CAROL, ADDRESS, &second, &over);
    // More bond, more claims.
    let add = IMachines::addBondCall {
        machineId: id,
        amount: n(700_000),
    };
    world.ok(ALICE, machines::ADDRESS, &add);
    world.ok(CAROL, ADDRESS, &second);
}

#[test]
fn job_13_a_guard_stops_what_begins_and_nothing_else() {
    let (mut world, _, id, channel) = ready();
    let receipts = vec![receipt(&mut world, KEYS[0], SPENDERS[0], 1)];
    let (voucher, _) = voucher(channel, epoch(&world), &receipts);
    next_epoch(&mut world);
    let pause = pauseCall { verbs: Pause::ALL };
    world.ok(OWNER, ADDRESS, &pause);
    let close = closeClassCall { classId: CLASS };
    world.ok(OWNER, ADDRESS, &close);
    let held = hold_terms(&mut world, BOB, SPENDERS[0], id, 1);
    let held = holdCall {
        terms: held,
        signature: CALLS,
    };
    let stopped = JobsPaused {
        verb: Pause::Hold.bit(),
    };
    world.refused(SPENDERS[0], ADDRESS, &held, &stopped);
    let offered = offerCall {
        terms: terms(id, 2, (0, 0)),
        signature: CALLS,
    };
    let stopped = JobsPaused {
        verb: Pause::Offer.bit(),
    };
    world.refused(KEYS[0], ADDRESS, &offered, &stopped);
    let call = claim_call(&world, &voucher, SPENDERS[0], KEYS[0]);
    world.ok(CAROL, ADDRESS, &call);
    let release = releaseCall {
        channel,
        byMachine: CALLS,
    };
    world.ok(KEYS[0], ADDRESS, &release);
    let withdraw = withdrawCall { amount: n(999_940) };
    world.ok(BOB, ADDRESS, &withdraw);
    let resume = resumeCall { verbs: Pause::ALL };
    world.ok(OWNER, ADDRESS, &resume);
    let closed = JobsClassClosed { classId: CLASS };
    world.refused(SPENDERS[0], ADDRESS, &held, &closed);
}

#[test]
fn job_12_parameters_are_in_range_and_two_never_change() {
    let (mut world, ..) = start();
    let fixed = |what: &str, value: u64, is: u64| JobsParamFixed {
        what: what.to_owned(),
        value: U256::from(value),
        fixedValue: U256::from(is),
    };
    let set = |params: JobParams| setParamsCall { params };
    let longer = set(JobParams {
        epochMs: 2 * EPOCH,
        ..usual()
    });
    world.refused(OWNER, ADDRESS, &longer, &fixed("epochMs", 2 * EPOCH, EPOCH));
    for params in [
        JobParams {
            epochMs: 999,
            ..usual()
        },
        JobParams {
            holdMs: 0,
            ..usual()
        },
        JobParams {
            showMs: 999,
            ..usual()
        },
        JobParams {
            commitMs: DAY + 1,
            ..usual()
        },
        JobParams {
            revealMs: 0,
            ..usual()
        },
        JobParams {
            auditPpm: 99,
            ..usual()
        },
        JobParams {
            detectPpm: 1_000_001,
            ..usual()
        },
        JobParams {
            feeBps: 1_001,
            ..usual()
        },
        JobParams {
            feeFlat: U256::MAX,
            ..usual()
        },
        JobParams {
            probationUnits: 1_000_000_001,
            ..usual()
        },
        JobParams {
            quorum: 9,
            ..usual()
        },
        JobParams {
            auditPay: n(FEE_FLAT_MAX + 1),
            ..usual()
        },
    ] {
        assert!(world.call(OWNER, ADDRESS, &set(params)).is_err());
    }
    assert!(world.call(BOB, ADDRESS, &set(usual())).is_err());
    let next = JobParams {
        quorum: 3,
        ..usual()
    };
    world.ok(OWNER, ADDRESS, &set(next));
    let params = |world: &World| world.view(ADDRESS, &paramsCall {});
    assert_eq!(params(&world).current.quorum, 2);
    world.wait_ms(CHANGE_DELAY_MS);
    assert_eq!(params(&world).current.quorum, 3);
    // Classes are opened once and never change.
    let open = |class_id, class| openClassCall {
        classId: class_id,
        class,
    };
    let taken = JobsClassTaken { classId: CLASS };
    world.refused(OWNER, ADDRESS, &open(CLASS, class()), &taken);
    for bad in [
        ServiceClass {
            program: B256::ZERO,
            ..class()
        },
        ServiceClass {
            outputPrice: n(0),
            ..class()
        },
        ServiceClass {
            inputPrice: U256::MAX,
            ..class()
        },
        ServiceClass {
            levelMin: LEVEL_ONE + 1,
            ..class()
        },
        ServiceClass {
            levelMax: LEVEL_ONE * 11,
            ..class()
        },
        ServiceClass {
            stepBps: 1_251,
            ..class()
        },
        ServiceClass {
            targetBps: 0,
            ..class()
        },
        ServiceClass {
            inputsPerOutput: 0,
            ..class()
        },
    ] {
        assert!(world.call(OWNER, ADDRESS, &open(8, bad)).is_err());
    }
    assert_eq!(world.view(ADDRESS, &classesCall {}), vec![CLASS]);
}

/// JOB-3: what a machine lets go of in the period in which it was bound may be bound again in it; what an earlier period bound
/// gives this one nothing.
#[test]
fn job_3_a_release_gives_back_what_its_own_period_bound() {
    let (mut world, ..) = start();
    let machines = [machine(&mut world, KEYS[0]), machine(&mut world, KEYS[1])];
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    let limits = KeyLimits {
        total: n(1_000_000),
        perPeriod: n(1_000),
        periodMs: HOUR,
        untilMs: u64::MAX,
    };
    let set = setKeyCall {
        key: SPENDERS[0],
        limits,
    };
    world.ok(BOB, ADDRESS, &set);
    let next_hour = |world: &mut World| {
        let wait = HOUR - now_ms(world) % HOUR;
        world.wait_ms(wait);
    };
    let left = |world: &World| {
        let call = keyOfCall {
            customer: BOB,
            key: SPENDERS[0],
        };
        world.view(ADDRESS, &call).left
    };
    let release = |world: &mut World, at: usize, channel: B256| {
        let call = releaseCall {
            channel,
            byMachine: CALLS,
        };
        world.ok(KEYS[at], ADDRESS, &call)
    };
    next_hour(&mut world);
    let first = hold(&mut world, BOB, SPENDERS[0], machines[0], 600);
    let second = hold(&mut world, BOB, SPENDERS[0], machines[1], 400);
    assert_eq!(left(&world), n(0));
    assert_eq!(release(&mut world, 1, second), n(400));
    assert_eq!(left(&world), n(400));
    // A release has a number of its own, one above the hold's.
    world.wait_ms(10);
    hold(&mut world, BOB, SPENDERS[0], machines[1], 400);
    assert_eq!(left(&world), n(0));
    // An hour later the limit is whole. What the hour before bound comes back to the customer, and not to this hour.
    next_hour(&mut world);
    assert_eq!(left(&world), n(1_000));
    hold(&mut world, BOB, SPENDERS[0], machines[0], 300);
    hold(&mut world, BOB, SPENDERS[0], machines[1], 700);
    assert_eq!(left(&world), n(0));
    assert_eq!(release(&mut world, 0, first), n(900));
    assert_eq!(left(&world), n(300));
    // What was claimed is spent: of 1,100 the older 400 and 300 of this hour.
    let receipts: Vec<_> = (0..12)
        .map(|number| receipt(&mut world, KEYS[1], SPENDERS[0], number))
        .collect();
    let (voucher, _) = voucher(second, epoch(&world), &receipts);
    next_epoch(&mut world);
    let claim = claim_call(&world, &voucher, SPENDERS[0], KEYS[1]);
    world.ok(CAROL, ADDRESS, &claim);
    assert_eq!(release(&mut world, 1, second), n(1_100 - 720));
    assert_eq!(left(&world), n(300 + 380));
}
