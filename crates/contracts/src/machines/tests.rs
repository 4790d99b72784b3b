//! Machines: keys and titles, bonds, life, readings, challenges; what others lost to fakes, played again.

mod challenges;
mod damage;
mod model;
mod replays;
mod stills;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use capstan_state::Halt;
use capstan_units::{AccountId, AssetId, Assets};

use super::{IMachines::*, *};
use crate::{
    admin::{ADDRESS as ADMIN, IAdmin},
    erc721::IErc721,
    ledger::{self, ILedger},
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, fault::check_every_fault, sign, words},
};

/// Keys of machines.
const KEYS: [Address; 3] = [account(0x31), account(0x32), account(0x33)];
/// Who audits.
const AUDITORS: [Address; 3] = [account(0x41), account(0x42), account(0x43)];
/// What people begin with.
const RICH: u128 = 1_000_000_000;
/// The least bond.
const BOND: u128 = 1_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Tokens of a language model.
const CLASS: u32 = 7;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

fn usual() -> MachineParams {
    MachineParams {
        assetId: 0,
        bondMin: n(BOND),
        unbondMs: 2 * HOUR_MS,
        intervalMs: 60_000,
        graceMs: 30_000,
        probationMs: 300_000,
        lateMs: 20_000,
        gapMs: 10_000,
        answerMs: 20_000,
        commitMs: 10_000,
        revealMs: 10_000,
        capacityAgeMs: 600_000,
        slashBps: 5_000,
        quorum: 2,
    }
}

fn set(params: MachineParams) -> setParamsCall {
    setParamsCall { params }
}

/// A world with history in which machines may come, and three auditors.
fn start() -> (World, Address, AssetId) {
    let (mut world, token) = World::with_token();
    world
        .store
        .set_history(|number| keccak256(U256::from(number).to_be_bytes::<32>()));
    for who in [ALICE, BOB, CAROL] {
        world.mint(token, who, RICH);
    }
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let list = ILedger::listAssetCall { token, limit };
    let asset = AssetId::new(world.ok(OWNER, ledger::ADDRESS, &list));
    world.ok(OWNER, ADDRESS, &set(usual()));
    for holder in AUDITORS {
        let grant = IAdmin::grantRoleCall {
            scope: ADDRESS,
            role: AUDIT,
            holder,
            expiresMs: 0,
        };
        world.ok(OWNER, ADMIN, &grant);
    }
    (world, token, asset)
}

fn now_ms(world: &mut World) -> u64 {
    world.store.block_mut().time_ms
}

fn signed(world: &mut World, key: Address, kind: &str, fields: &impl SolValue) -> Signature {
    let cx = &mut world.store.frame(ADDRESS, ADDRESS);
    let digest = super::signed::digest(cx, kind, fields).expect("hashes");
    let (r, s) = sign(digest, key);
    Signature { v: 27, r, s }
}

fn spec() -> Spec {
    Spec {
        kind: 1,
        region: 49,
        hash: B256::repeat_byte(0x5e),
        uri: "https://machines.example/1".to_owned(),
    }
}

fn registration(world: &mut World, holder: Address, key: Address, bond: u128) -> registerCall {
    let deadline_ms = now_ms(world) + 1_000;
    registerCall {
        key,
        spec: spec(),
        bond: n(bond),
        deadlineMs: deadline_ms,
        consent: signed(world, key, REGISTRATION_TYPE, &(holder, deadline_ms)),
    }
}

fn register(world: &mut World, holder: Address, key: Address, bond: u128) -> u64 {
    let call = registration(world, holder, key, bond);
    world.ok(holder, ADDRESS, &call)
}

/// A machine of Alice's.
fn one() -> (World, Address, AssetId, u64) {
    let (mut world, token, asset) = start();
    let id = register(&mut world, ALICE, KEYS[0], 2 * BOND);
    (world, token, asset, id)
}

fn machine(world: &World, id: u64) -> Machine {
    world.view(ADDRESS, &machineCall { machineId: id })
}

fn state(world: &World, id: u64) -> (u8, u8, u64) {
    let machine = machine(world, id);
    (machine.state, machine.reason, machine.sinceMs)
}

fn is(world: &World, id: u64, state: State, reason: Reason) {
    let found = machine(world, id);
    assert_eq!(
        (found.state, found.reason),
        (state.number(), reason.number()),
        "{state:?} for {reason:?}"
    );
}

fn beat_of(world: &mut World, key: Address, id: u64, time_ms: u64) -> Beat {
    Beat {
        machineId: id,
        timeMs: time_ms,
        signature: signed(world, key, BEAT_TYPE, &(id, time_ms)),
    }
}

fn beat(world: &mut World, key: Address, id: u64) {
    world.ok(key, ADDRESS, &beatCall { machineId: id });
}

/// Until its probation is over.
fn prove(world: &mut World, key: Address, id: u64) {
    for _ in 0..5 {
        world.wait_ms(60_000);
        beat(world, key, id);
    }
}

fn free(world: &mut World, asset: AssetId, who: AccountId) -> u128 {
    let cx = &mut world.store.frame(ADDRESS, ADDRESS);
    ledger::free(cx, asset, who).expect("reads").get()
}

fn slash(world: &mut World, id: u64, amount: u128, to: AccountId) -> u128 {
    let taken = world.inside(account(0x77), OWNER, |cx| {
        super::slash(cx, id, a(amount), to, Reason::Slashed)
    });
    taken.expect("takes").get()
}

#[test]
fn mach_13_a_title_that_is_security_moves_by_the_room_that_locked_it_alone() {
    let (mut world, _, _, id) = one();
    let (lender, other) = (account(0x77), account(0x78));
    let title = |to| IErc721::transferFromCall {
        from: ALICE,
        to,
        tokenId: U256::from(id),
    };
    let done = world.inside(lender, OWNER, |cx| super::lock(cx, id));
    done.expect("locks");
    let locked = MachinesLocked {
        machineId: id,
        by: lender,
    };
    world.refused(ALICE, title::ADDRESS, &title(BOB), &locked);
    world.refused(ALICE, ADDRESS, &leaveCall { machineId: id }, &locked);
    assert_eq!(world.view(ADDRESS, &lockedByCall { machineId: id }), lender);
    // Nobody else frees it, hands it over, or takes it as security as well.
    let refused = Halt::revert(&locked);
    let free = world.inside(other, OWNER, |cx| super::unlock(cx, id));
    assert_eq!(free, Err(refused.clone()));
    let award = world.inside(other, OWNER, |cx| super::award(cx, id, BOB));
    assert_eq!(award, Err(refused.clone()));
    let again = world.inside(other, OWNER, |cx| super::lock(cx, id));
    assert_eq!(again, Err(refused));
    let done = world.inside(lender, OWNER, |cx| {
        super::award(cx, id, BOB)?;
        super::unlock(cx, id)
    });
    done.expect("hands over");
    let gone = MachinesNotHolder {
        machineId: id,
        holder: BOB,
        caller: ALICE,
    };
    world.refused(ALICE, ADDRESS, &leaveCall { machineId: id }, &gone);
    world.ok(BOB, ADDRESS, &leaveCall { machineId: id });
    let done = world.inside(lender, OWNER, |cx| super::lock(cx, id));
    done.expect("locks");
    world.wait_ms(2 * HOUR_MS);
    world.refused(BOB, ADDRESS, &withdrawCall { machineId: id }, &locked);
    let done = world.inside(lender, OWNER, |cx| super::unlock(cx, id));
    done.expect("frees");
    world.ok(BOB, ADDRESS, &withdrawCall { machineId: id });
}

#[test]
fn mach_2_a_key_is_one_machines_for_ever() {
    let (mut world, ..) = start();
    let call = registration(&mut world, ALICE, KEYS[0], BOND);
    // Somebody who saw the key's word cannot use it.
    let stolen = MachinesBadSignature { key: KEYS[0] };
    world.refused(BOB, ADDRESS, &call, &stolen);
    let id = world.ok(ALICE, ADDRESS, &call);
    let used = MachinesKeyUsed {
        key: KEYS[0],
        machineId: id,
    };
    world.refused(ALICE, ADDRESS, &call, &used);
    let others = registration(&mut world, BOB, KEYS[0], BOND);
    world.refused(BOB, ADDRESS, &others, &used);
    let mut late = registration(&mut world, ALICE, KEYS[1], BOND);
    late.deadlineMs = now_ms(&mut world) - 1;
    let expired = MachinesExpired {
        deadlineMs: late.deadlineMs,
        nowMs: late.deadlineMs + 1,
    };
    world.refused(ALICE, ADDRESS, &late, &expired);

    let rotation = |world: &mut World, old: Address, new: Address| {
        let deadline_ms = now_ms(world) + 1_000;
        let fields = (id, new, deadline_ms);
        rotateCall {
            machineId: id,
            newKey: new,
            deadlineMs: deadline_ms,
            byOld: signed(world, old, ROTATION_TYPE, &fields),
            byNew: signed(world, new, ROTATION_TYPE, &fields),
        }
    };
    let forged = rotation(&mut world, KEYS[2], KEYS[1]);
    world.refused(BOB, ADDRESS, &forged, &stolen);
    let call = rotation(&mut world, KEYS[0], KEYS[1]);
    check_every_fault(&world, CAROL, ADDRESS, &call.abi_encode());
    world.ok(CAROL, ADDRESS, &call);
    assert_eq!(machine(&world, id).key, KEYS[1]);
    let bound = IErc721::ownerOfCall { tokenId: n(0) };
    assert_eq!(world.view(identity::ADDRESS, &bound), KEYS[1]);
    let of = |world: &World, key| {
        let of = world.view(ADDRESS, &machineOfCall { key });
        (of.found, of.machineId, of.isCurrent)
    };
    assert_eq!(of(&world, KEYS[0]), (true, id, false));
    assert_eq!(of(&world, KEYS[1]), (true, id, true));
    assert_eq!(of(&world, KEYS[2]), (false, 0, false));
    // The old key says nothing more, and is nobody's again.
    let not_key = MachinesNotKey {
        machineId: id,
        key: KEYS[1],
        caller: KEYS[0],
    };
    world.refused(KEYS[0], ADDRESS, &beatCall { machineId: id }, &not_key);
    let back = rotation(&mut world, KEYS[1], KEYS[0]);
    world.refused(BOB, ADDRESS, &back, &used);
}

#[test]
fn mach_3_the_title_moves_and_the_identity_stays() {
    let (mut world, _, _, id) = one();
    let owner = IErc721::ownerOfCall { tokenId: n(0) };
    assert_eq!(world.view(title::ADDRESS, &owner), ALICE);
    assert_eq!(world.view(identity::ADDRESS, &owner), KEYS[0]);
    let locked = identity::IMachineIdentity::lockedCall { tokenId: n(0) };
    assert!(world.view(identity::ADDRESS, &locked));
    let bound = identity::IMachineIdentity::MachineIdentityBound { tokenId: n(0) };
    let away = IErc721::transferFromCall {
        from: KEYS[0],
        to: BOB,
        tokenId: n(0),
    };
    world.refused(KEYS[0], identity::ADDRESS, &away, &bound);
    let approve = IErc721::approveCall {
        to: BOB,
        tokenId: n(0),
    };
    world.refused(KEYS[0], identity::ADDRESS, &approve, &bound);
    for (face, id, answers) in [
        (identity::ADDRESS, 0xb45a_3c0e_u32, true),
        (identity::ADDRESS, 0x80ac_58cd, true),
        (title::ADDRESS, 0xb45a_3c0e, false),
        (title::ADDRESS, 0x80ac_58cd, true),
    ] {
        let ask = IErc721::supportsInterfaceCall {
            interfaceId: id.to_be_bytes().into(),
        };
        assert_eq!(world.view(face, &ask), answers, "{id:x} of {face}");
    }
    let sell = IErc721::transferFromCall {
        from: ALICE,
        to: BOB,
        tokenId: n(0),
    };
    world.ok(ALICE, title::ADDRESS, &sell);
    assert_eq!(machine(&world, id).holder, BOB);
    let not_holder = MachinesNotHolder {
        machineId: id,
        holder: BOB,
        caller: ALICE,
    };
    world.refused(ALICE, ADDRESS, &leaveCall { machineId: id }, &not_holder);
    register(&mut world, ALICE, KEYS[1], BOND);
    let of = |world: &World, holder, from, count| {
        let of = world.view(
            ADDRESS,
            &machinesOfCall {
                holder,
                from,
                count,
            },
        );
        (of.machineIds, of.next)
    };
    assert_eq!(of(&world, BOB, 0, 10), (vec![0], 0));
    assert_eq!(of(&world, ALICE, 0, 1), (vec![], 1));
    assert_eq!(of(&world, ALICE, 1, 1), (vec![1], 0));
    assert_eq!(of(&world, ALICE, u64::MAX, u64::MAX), (vec![], 0));
    let uri = IErc721::tokenURICall { tokenId: n(0) };
    assert_eq!(world.view(title::ADDRESS, &uri), spec().uri);
}

#[test]
fn mach_1_mach_4_a_slash_takes_at_most_the_bond_and_goes_where_it_says() {
    let (mut world, _, asset, id) = one();
    let to = AccountId::new(CAROL, 3);
    assert_eq!(slash(&mut world, id, 500, to), 500);
    is(&world, id, State::Probation, Reason::New);
    assert_eq!(slash(&mut world, id, 501, to), 501);
    is(&world, id, State::Barred, Reason::BondShort);
    assert_eq!(slash(&mut world, id, u128::from(u32::MAX), to), 999);
    assert_eq!(slash(&mut world, id, 1, to), 0);
    assert_eq!(free(&mut world, asset, to), 2 * BOND);
    assert_eq!(free(&mut world, asset, POT), 0);
    let add = |amount| addBondCall {
        machineId: id,
        amount: n(amount),
    };
    world.ok(BOB, ADDRESS, &add(BOND - 1));
    is(&world, id, State::Barred, Reason::BondShort);
    world.ok(BOB, ADDRESS, &add(1));
    is(&world, id, State::Probation, Reason::New);
    assert_eq!(free(&mut world, asset, POT), BOND);
    // What challenges took is the scope owner's to send on, and nobody else's.
    assert_eq!(slash(&mut world, id, 10, FORFEIT), 10);
    let send = |amount| sendForfeitCall {
        assetId: asset.get(),
        to: BOB,
        index: 0,
        amount: n(amount),
    };
    let thief = world.call(ALICE, ADDRESS, &send(10));
    assert!(thief.is_err());
    assert!(world.call(OWNER, ADDRESS, &send(11)).is_err());
    world.ok(OWNER, ADDRESS, &send(10));
    assert_eq!(free(&mut world, asset, AccountId::new(BOB, 0)), 10);
    let small = registration(&mut world, BOB, KEYS[1], BOND - 1);
    let too_small = MachinesBondTooSmall {
        bond: n(BOND - 1),
        least: n(BOND),
    };
    world.refused(BOB, ADDRESS, &small, &too_small);
    let nothing = registration(&mut world, BOB, KEYS[1], 0);
    let too_small = MachinesBondTooSmall {
        bond: n(0),
        least: n(BOND),
    };
    world.refused(BOB, ADDRESS, &nothing, &too_small);
    let call = registration(&mut world, BOB, KEYS[1], BOND);
    check_every_fault(&world, BOB, ADDRESS, &call.abi_encode());
}

#[test]
fn mach_6_life_is_what_was_seen() {
    let (mut world, _, _, id) = one();
    let born_ms = now_ms(&mut world);
    for gap_ms in [60_000, 90_000, 1] {
        world.wait_ms(gap_ms);
        beat(&mut world, KEYS[0], id);
    }
    let seen = machine(&world, id);
    assert_eq!((seen.lifeMs, seen.darkCount), (150_001, 0));
    world.wait_ms(90_001);
    beat(&mut world, KEYS[0], id);
    let seen = machine(&world, id);
    assert_eq!((seen.lifeMs, seen.darkCount), (150_001, 1));
    assert_eq!(seen.darkMs, 90_001);
    assert_eq!(seen.lastDarkFromMs, born_ms + 150_001);
    // Carried by somebody, late, in a batch of which others do not count.
    world.wait_ms(30_000);
    let now = now_ms(&mut world);
    let all = vec![
        beat_of(&mut world, KEYS[0], id, now - 10_000),
        beat_of(&mut world, KEYS[0], id, now - 10_000),
        beat_of(&mut world, KEYS[0], id, now + 1),
        beat_of(&mut world, KEYS[1], id, now),
        beat_of(&mut world, KEYS[1], 9, now),
        beat_of(&mut world, KEYS[0], id, now),
    ];
    let call = beatsCall { all };
    check_every_fault(&world, CAROL, ADDRESS, &call.abi_encode());
    assert_eq!(world.ok(CAROL, ADDRESS, &call), vec![0, 4, 5, 2, 1, 0]);
    assert_eq!(machine(&world, id).lifeMs, 180_001);
    world.wait_ms(60_000);
    let old = beat_of(&mut world, KEYS[0], id, now + 39_999);
    assert_eq!(world.ok(CAROL, ADDRESS, &beatsCall { all: vec![old] }), [6]);
    let many = beatsCall {
        all: vec![Beat::default(); BEATS_MAX + 1],
    };
    let too_many = MachinesTooMany {
        count: n(257),
        max: n(256),
    };
    world.refused(CAROL, ADDRESS, &many, &too_many);
    beat(&mut world, KEYS[0], id);
    let twice = MachinesBeatRefused {
        machineId: id,
        timeMs: now + 60_000,
        why: 4,
    };
    world.refused(KEYS[0], ADDRESS, &beatCall { machineId: id }, &twice);
}

#[test]
fn mach_7_only_the_key_edits_its_record() {
    let (mut world, _, _, id) = one();
    let told = Spec {
        region: 1,
        ..spec()
    };
    let call = specifyCall {
        machineId: id,
        spec: told,
    };
    let not_key = MachinesNotKey {
        machineId: id,
        key: KEYS[0],
        caller: ALICE,
    };
    world.refused(ALICE, ADDRESS, &call, &not_key);
    world.ok(KEYS[0], ADDRESS, &call);
    let seen = machine(&world, id);
    assert_eq!((seen.spec.region, seen.sequence), (1, 1));
    let carried = |world: &mut World, key: Address, sequence: u64| {
        let spec = spec();
        let fields = (
            id,
            U256::from(spec.kind),
            U256::from(spec.region),
            spec.hash,
            keccak256(&spec.uri),
            sequence,
        );
        specifySignedCall {
            machineId: id,
            signature: signed(world, key, SPECIFICATION_TYPE, &fields),
            spec,
            sequence,
        }
    };
    let old = carried(&mut world, KEYS[0], 1);
    let used = MachinesSequenceUsed {
        sequence: 1,
        last: 1,
    };
    world.refused(BOB, ADDRESS, &old, &used);
    let forged = carried(&mut world, KEYS[1], 5);
    let bad = MachinesBadSignature { key: KEYS[0] };
    world.refused(BOB, ADDRESS, &forged, &bad);
    let good = carried(&mut world, KEYS[0], 5);
    world.ok(BOB, ADDRESS, &good);
    assert_eq!(machine(&world, id).spec.region, 49);
    let used = MachinesSequenceUsed {
        sequence: 5,
        last: 5,
    };
    world.refused(BOB, ADDRESS, &good, &used);
    let long = specifyCall {
        machineId: id,
        spec: Spec {
            uri: "x".repeat(257),
            ..spec()
        },
    };
    assert!(world.call(KEYS[0], ADDRESS, &long).is_err());
}

fn report(world: &mut World, key: Address, id: u64, batch: Readings) -> reportCall {
    let fields = (
        id,
        batch.sequence,
        batch.fromMs,
        batch.toMs,
        batch.root,
        batch.count,
        batch.watts,
        U256::from(batch.decikelvin),
        U256::from(batch.utilisationBps),
    );
    reportCall {
        machineId: id,
        signature: signed(world, key, READINGS_TYPE, &fields),
        batch,
    }
}

#[test]
fn mach_8_readings_rise_and_late_ones_are_worth_nothing() {
    let (mut world, _, _, id) = one();
    world.wait_ms(60_000);
    let now = now_ms(&mut world);
    let batch = |sequence, from_ms, to_ms| Readings {
        sequence,
        fromMs: from_ms,
        toMs: to_ms,
        root: B256::repeat_byte(1),
        count: 60,
        watts: 350,
        decikelvin: 3_331,
        utilisationBps: 9_900,
    };
    let late = report(
        &mut world,
        KEYS[0],
        id,
        batch(1, now - 50_000, now - 20_001),
    );
    let refused = MachinesTelemetryLate {
        toMs: now - 20_001,
        nowMs: now,
        lateMs: 20_000,
    };
    world.refused(BOB, ADDRESS, &late, &refused);
    let good = report(
        &mut world,
        KEYS[0],
        id,
        batch(4, now - 50_000, now - 20_000),
    );
    let mut changed = good.clone();
    changed.batch.watts = 1;
    let bad = MachinesBadSignature { key: KEYS[0] };
    world.refused(BOB, ADDRESS, &changed, &bad);
    check_every_fault(&world, BOB, ADDRESS, &good.abi_encode());
    world.ok(BOB, ADDRESS, &good);
    let last = world.view(ADDRESS, &readingsCall { machineId: id });
    assert_eq!(last, batch(4, now - 50_000, now - 20_000));
    let used = MachinesSequenceUsed {
        sequence: 4,
        last: 4,
    };
    world.refused(BOB, ADDRESS, &good, &used);
    // The same time is not told twice, nor the future.
    for (from_ms, to_ms, count) in [
        (now - 20_001, now, 1),
        (now - 20_000, now + 1, 1),
        (now - 5, now - 5, 1),
        (now - 20_000, now, 0),
    ] {
        let mut wrong = batch(5, from_ms, to_ms);
        wrong.count = count;
        let call = report(&mut world, KEYS[0], id, wrong);
        let invalid = MachinesTelemetryInvalid {
            fromMs: from_ms,
            toMs: to_ms,
            lastToMs: now - 20_000,
            nowMs: now,
        };
        world.refused(BOB, ADDRESS, &call, &invalid);
    }
    let next = report(&mut world, KEYS[0], id, batch(5, now - 20_000, now));
    world.ok(BOB, ADDRESS, &next);
}

#[test]
fn mach_9_the_state_follows_from_record_and_time() {
    let (mut world, _, _, id) = one();
    let born_ms = now_ms(&mut world);
    assert_eq!(state(&world, id), (1, 1, born_ms));
    world.wait_ms(60_000);
    is(&world, id, State::Probation, Reason::New);
    world.wait_ms(1);
    assert_eq!(state(&world, id), (3, 2, born_ms + 60_000));
    world.wait_ms(29_999);
    is(&world, id, State::Late, Reason::BeatMissed);
    world.wait_ms(1);
    assert_eq!(state(&world, id), (4, 3, born_ms + 90_000));
    beat(&mut world, KEYS[0], id);
    is(&world, id, State::Probation, Reason::New);
    prove(&mut world, KEYS[0], id);
    let now = now_ms(&mut world);
    assert_eq!(state(&world, id), (2, 0, now));
    world.wait_ms(90_001);
    assert_eq!(state(&world, id), (4, 3, now + 90_000));
    beat(&mut world, KEYS[0], id);
    is(&world, id, State::Live, Reason::None);
    world.ok(ALICE, ADDRESS, &leaveCall { machineId: id });
    is(&world, id, State::Leaving, Reason::HolderLeft);
    world.wait_ms(2 * HOUR_MS);
    world.ok(ALICE, ADDRESS, &withdrawCall { machineId: id });
    assert_eq!(state(&world, id), (6, 5, now_ms(&mut world)));
    let gone = MachinesLeft { machineId: id };
    let again = leaveCall { machineId: id };
    world.refused(ALICE, ADDRESS, &again, &gone);
    let unknown = MachinesUnknown { machineId: 9 };
    let other = beatCall { machineId: 9 };
    world.refused(KEYS[0], ADDRESS, &other, &unknown);
}

#[test]
fn mach_10_leaving_is_never_stopped_and_the_bond_waits() {
    let (mut world, token, asset, id) = one();
    world.ok(OWNER, ADDRESS, &pauseCall { verbs: 3 });
    let call = registration(&mut world, BOB, KEYS[1], BOND);
    world.refused(BOB, ADDRESS, &call, &MachinesPaused { verb: 1 });
    let early = MachinesNotLeaving { machineId: id };
    world.refused(ALICE, ADDRESS, &withdrawCall { machineId: id }, &early);
    let call = leaveCall { machineId: id };
    check_every_fault(&world, ALICE, ADDRESS, &call.abi_encode());
    let from_ms = world.ok(ALICE, ADDRESS, &call);
    world.wait_ms(2 * HOUR_MS - 1);
    let unripe = MachinesNotRipe {
        machineId: id,
        withdrawFromMs: from_ms,
        nowMs: from_ms - 1,
    };
    world.refused(ALICE, ADDRESS, &withdrawCall { machineId: id }, &unripe);
    // Until it is taken it stays slashable, and whoever buys the title buys what is left.
    assert_eq!(slash(&mut world, id, 1, FORFEIT), 1);
    let sell = IErc721::transferFromCall {
        from: ALICE,
        to: BOB,
        tokenId: n(0),
    };
    world.ok(ALICE, title::ADDRESS, &sell);
    world.wait_ms(1);
    let mut frozen = world.clone();
    let freeze = ILedger::freezeCall {
        assetId: asset.get(),
    };
    frozen.ok(OWNER, ledger::ADDRESS, &freeze);
    assert!(
        frozen
            .call(BOB, ADDRESS, &withdrawCall { machineId: id })
            .is_err()
    );
    let to_account = withdrawToAccountCall {
        machineId: id,
        index: 2,
    };
    frozen.ok(BOB, ADDRESS, &to_account);
    assert_eq!(
        free(&mut frozen, asset, AccountId::new(BOB, 2)),
        2 * BOND - 1
    );
    let call = withdrawCall { machineId: id };
    check_every_fault(&world, BOB, ADDRESS, &call.abi_encode());
    world.ok(BOB, ADDRESS, &call);
    assert_eq!(world.balance(token, BOB), n(RICH + 2 * BOND - 1));
    world.refused(BOB, ADDRESS, &call, &MachinesLeft { machineId: id });
    world.ok(OWNER, ADDRESS, &resumeCall { verbs: 3 });
    assert_eq!(world.view(ADDRESS, &pausedCall {}), 0);
}

#[test]
fn mach_12_what_tightens_counts_at_once() {
    let (mut world, _, _, id) = one();
    let tight = MachineParams {
        bondMin: n(5 * BOND),
        quorum: 3,
        capacityAgeMs: 60_000,
        ..usual()
    };
    world.ok(OWNER, ADDRESS, &set(tight.clone()));
    let params = world.view(ADDRESS, &paramsCall {});
    assert_eq!(params.current, tight);
    // A machine keeps the bond under which it came.
    is(&world, id, State::Probation, Reason::New);
    let loose = MachineParams {
        intervalMs: 1_000,
        ..tight
    };
    world.ok(OWNER, ADDRESS, &set(loose.clone()));
    let params = world.view(ADDRESS, &paramsCall {});
    assert_eq!((params.current, params.next), (tight, loose.clone()));
    world.wait_ms(DAY_MS);
    assert_eq!(world.view(ADDRESS, &paramsCall {}).current, loose);
    let mine = world.call(ALICE, ADDRESS, &set(usual()));
    assert!(mine.is_err());
    for wrong in [
        MachineParams {
            bondMin: n(0),
            ..usual()
        },
        MachineParams {
            quorum: 9,
            ..usual()
        },
        MachineParams {
            slashBps: 10_001,
            ..usual()
        },
        MachineParams {
            graceMs: DAY_MS + 1,
            ..usual()
        },
        MachineParams {
            unbondMs: 1,
            ..usual()
        },
    ] {
        let refused = world.call(OWNER, ADDRESS, &set(wrong.clone()));
        let halt = refused.expect_err("out of range");
        assert!(
            words(&halt).starts_with("MachinesParamOutOfRange"),
            "{wrong:?}"
        );
    }
    let mut early = World::new();
    let call = registration(&mut early, ALICE, KEYS[0], BOND);
    early.refused(ALICE, ADDRESS, &call, &MachinesNotOpen {});
}

#[test]
fn numbers_mean_what_they_say() {
    for number in 0..=u8::MAX {
        if let Ok(state) = State::of(number) {
            assert_eq!(state.number(), number);
        }
        if let Ok(phase) = Phase::of(number) {
            assert_eq!((phase.number(), phase.is_over()), (number, number >= 5));
        }
        if let Ok(reason) = Reason::of(number) {
            assert_eq!(reason.number(), number);
        }
    }
    assert!(matches!(State::of(0), Err(Halt::Fatal(_))));
}
