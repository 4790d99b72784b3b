//! Jobs: escrow and keys, offers and prices, vouchers and claims, audits; what others lost to fakes and goodwill, played again.

mod audits;
mod cost;
mod damage;
mod debts;
mod earnings;
mod limits;
mod model;
mod prices;
mod replays;
mod simulation;
mod stills;
mod tree;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use capstan_state::{Ctx, Frame, ReadOnly};
use capstan_units::{AccountId, AssetId};

use super::{IJobs::*, *};
use crate::{
    admin::{ADDRESS as ADMIN, IAdmin},
    ledger::{self, ILedger},
    machines::{self, IMachines},
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, fault::check_every_fault, sign},
};
use tree::Tree;

/// Keys of machines.
const KEYS: [Address; 8] = [
    account(0x31),
    account(0x32),
    account(0x33),
    account(0x34),
    account(0x35),
    account(0x36),
    account(0x37),
    account(0x38),
];
/// Who audits.
const AUDITORS: [Address; 3] = [account(0x41), account(0x42), account(0x43)];
/// Keys that spend Bob's and Carol's units.
const SPENDERS: [Address; 2] = [account(0x51), account(0x52)];
/// What people begin with.
const RICH: u128 = 1_000_000_000_000;
const BOND: u128 = 1_000_000;
const EPOCH: u64 = 60_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// Tokens of a language model.
const CLASS: u32 = 7;
const REGION: u32 = 49;
const PROGRAM: B256 = B256::repeat_byte(0xf1);
/// Prices of a million units: a unit read costs 2, a unit written 8.
const INPUT_PRICE: u128 = 2_000_000;
const OUTPUT_PRICE: u128 = 8_000_000;
const SALT: B256 = B256::repeat_byte(0x5a);
/// Nobody's signature: who says it calls.
const CALLS: Signature = Signature {
    v: 0,
    r: B256::ZERO,
    s: B256::ZERO,
};

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn usual() -> JobParams {
    JobParams {
        assetId: 0,
        epochMs: EPOCH,
        holdMs: HOUR,
        showMs: 10_000,
        commitMs: 10_000,
        revealMs: 10_000,
        auditPpm: 1_000_000,
        detectPpm: 1_000_000,
        feeBps: 100,
        feeFlat: n(1),
        probationUnits: 500,
        quorum: 2,
        auditPay: n(0),
    }
}

/// A class whose price stands still.
fn class() -> ServiceClass {
    ServiceClass {
        program: PROGRAM,
        quantisation: B256::right_padding_from(b"Q4_1"),
        inputPrice: n(INPUT_PRICE),
        outputPrice: n(OUTPUT_PRICE),
        levelMin: LEVEL_ONE,
        levelMax: LEVEL_ONE,
        stepBps: 1_000,
        targetBps: 5_000,
        inputsPerOutput: 10,
        isClosed: false,
    }
}

/// The same, and its price moves.
fn moving() -> ServiceClass {
    ServiceClass {
        levelMin: LEVEL_ONE / 4,
        levelMax: LEVEL_ONE * 4,
        ..class()
    }
}

/// A world in which machines come and jobs are paid, with three auditors in both rooms.
fn start_with(params: JobParams) -> (World, Address, AssetId) {
    start_class(params, class())
}

fn start_class(params: JobParams, class: ServiceClass) -> (World, Address, AssetId) {
    let (mut world, token) = World::with_token();
    world.sweep_every = 50;
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
    let set = IMachines::setParamsCall {
        params: IMachines::MachineParams {
            assetId: asset.get(),
            bondMin: n(1_000),
            unbondMs: 2 * HOUR,
            intervalMs: DAY,
            graceMs: DAY,
            probationMs: 60_000,
            lateMs: 20_000,
            gapMs: 1_000,
            answerMs: 20_000,
            commitMs: 1_000,
            revealMs: 1_000,
            capacityAgeMs: 30 * DAY,
            slashBps: 5_000,
            quorum: 2,
        },
    };
    world.ok(OWNER, machines::ADDRESS, &set);
    world.ok(OWNER, ADDRESS, &setParamsCall { params });
    for (scope, role) in [(machines::ADDRESS, machines::AUDIT), (ADDRESS, AUDIT)] {
        for holder in AUDITORS {
            let grant = IAdmin::grantRoleCall {
                scope,
                role,
                holder,
                expiresMs: 0,
            };
            world.ok(OWNER, ADMIN, &grant);
        }
    }
    let open = openClassCall {
        classId: CLASS,
        class,
    };
    world.ok(OWNER, ADDRESS, &open);
    world.wait_ms(10 * EPOCH);
    (world, token, asset)
}

fn start() -> (World, Address, AssetId) {
    start_with(usual())
}

fn now_ms(world: &mut World) -> u64 {
    world.store.block_mut().time_ms
}

fn digest_of(domain: B256, kind: &str, fields: Vec<u8>) -> B256 {
    let inner = keccak256([keccak256(kind).to_vec(), fields].concat());
    keccak256([b"\x19\x01".as_slice(), &domain.0, &inner.0].concat())
}

fn signature(digest: B256, key: Address) -> Signature {
    let (r, s) = sign(digest, key);
    Signature { v: 27, r, s }
}

/// A new machine of somebody's.
fn register(world: &mut World, holder: Address, key: Address, bond: u128) -> u64 {
    let deadline = now_ms(world) + 1_000;
    let domain = world.view(machines::ADDRESS, &IMachines::DOMAIN_SEPARATORCall {});
    let digest = digest_of(
        domain,
        machines::REGISTRATION_TYPE,
        (holder, deadline).abi_encode(),
    );
    let (r, s) = sign(digest, key);
    let call = IMachines::registerCall {
        key,
        spec: IMachines::Spec {
            kind: 1,
            region: REGION,
            hash: B256::repeat_byte(0x5e),
            uri: "https://machines.example/1".to_owned(),
        },
        bond: n(bond),
        deadlineMs: deadline,
        consent: IMachines::Signature { v: 27, r, s },
    };
    world.ok(holder, machines::ADDRESS, &call)
}

/// Lets a machine prove so many thousand units of work an hour, and its life.
fn prove(world: &mut World, id: u64, thousands: u64) {
    let key = machines::key_of(&mut world.store.frame(ADDRESS, ADDRESS), id).expect("known");
    let at = machines::ADDRESS;
    let ask = IMachines::askCall {
        machineId: id,
        class: CLASS,
        units: thousands * 5,
        withinMs: 18_000,
    };
    let number = world.ok(AUDITORS[2], at, &ask);
    for _ in 0..3 {
        world.wait_ms(250);
    }
    world.ok(CAROL, at, &IMachines::drawCall { machineId: id });
    let output = B256::repeat_byte(0x77);
    let answer = IMachines::answerCall {
        machineId: id,
        commitment: keccak256((number, id, output).abi_encode()),
    };
    world.ok(key, at, &answer);
    for who in AUDITORS {
        let commitment = keccak256((number, who, output, SALT).abi_encode());
        let commit = IMachines::commitAuditCall {
            machineId: id,
            commitment,
        };
        world.ok(who, at, &commit);
    }
    world.wait_ms(1_001);
    for who in AUDITORS {
        let reveal = IMachines::revealAuditCall {
            machineId: id,
            output,
            salt: SALT,
        };
        world.ok(who, at, &reveal);
    }
    world.wait_ms(60_000);
    world.ok(key, at, &IMachines::beatCall { machineId: id });
    world.ok(CAROL, at, &IMachines::settleCall { machineId: id });
}

fn terms(id: u64, sequence: u64, floors: (u128, u128)) -> OfferTerms {
    OfferTerms {
        machineId: id,
        classId: CLASS,
        inputFloor: n(floors.0),
        outputFloor: n(floors.1),
        isOpen: true,
        sequence,
        endpoint: "http://machines.example/v1".to_owned(),
    }
}

fn offer(world: &mut World, key: Address, id: u64) {
    let call = offerCall {
        terms: terms(id, 1, (0, 0)),
        signature: CALLS,
    };
    world.ok(key, ADDRESS, &call);
}

/// A machine of Alice's that has proven a million units an hour, and offers.
fn machine(world: &mut World, key: Address) -> u64 {
    let id = register(world, ALICE, key, BOND);
    prove(world, id, 1_000);
    offer(world, key, id);
    id
}

/// A customer with units, and a key that may spend them all.
fn customer(world: &mut World, who: Address, spender: Address, amount: u128) {
    let deposit = depositCall {
        customer: who,
        amount: n(amount),
    };
    world.ok(who, ADDRESS, &deposit);
    let limits = KeyLimits {
        total: n(amount),
        perPeriod: n(amount),
        periodMs: DAY,
        untilMs: now_ms(world) + 300 * DAY,
    };
    let set = setKeyCall {
        key: spender,
        limits,
    };
    world.ok(who, ADDRESS, &set);
}

fn hold_terms(world: &mut World, who: Address, spender: Address, id: u64, amount: u128) -> Hold {
    let now = now_ms(world);
    Hold {
        customer: who,
        key: spender,
        machineId: id,
        classId: CLASS,
        sequence: now,
        amount: n(amount),
        untilMs: now + 30 * 60_000,
    }
}

fn hold(world: &mut World, who: Address, spender: Address, id: u64, amount: u128) -> B256 {
    let terms = hold_terms(world, who, spender, id, amount);
    let call = holdCall {
        terms,
        signature: CALLS,
    };
    world.ok(spender, ADDRESS, &call)
}

/// The epoch of now.
fn epoch(world: &World) -> u64 {
    world.view(ADDRESS, &epochCall {}).number
}

/// Waits until the next epoch has begun.
fn next_epoch(world: &mut World) {
    let end = world.view(ADDRESS, &epochCall {}).endMs;
    let wait = end - now_ms(world);
    world.wait_ms(wait);
}

/// A receipt of work that is as it should be, in the epoch that runs.
fn receipt(world: &mut World, key: Address, spender: Address, number: u64) -> Receipt {
    let started = now_ms(world);
    Receipt {
        job: B256::left_padding_from(&number.to_be_bytes()),
        program: PROGRAM,
        input: keccak256(number.to_be_bytes()),
        output: keccak256((number, "right").abi_encode()),
        parents: Vec::new(),
        payer: spender.into_word(),
        machine: key,
        startedMs: started,
        firstMs: 10,
        tookMs: 100,
        inputUnits: 10,
        outputUnits: 5,
        cost: 60,
        energyMj: 0,
        outcome: 0,
        notes: B256::ZERO,
    }
}

/// What a channel owes for these receipts.
fn voucher(channel: B256, epoch: u64, receipts: &[Receipt]) -> (Voucher, Tree) {
    let tree = Tree::of(receipts.iter().map(tree::digest).collect());
    let voucher = Voucher {
        channel,
        epoch,
        cost: receipts.iter().map(|receipt| n(receipt.cost)).sum(),
        largest: n(receipts
            .iter()
            .map(|receipt| receipt.cost)
            .max()
            .unwrap_or(0)),
        inputUnits: receipts.iter().map(|receipt| receipt.inputUnits).sum(),
        outputUnits: receipts.iter().map(|receipt| receipt.outputUnits).sum(),
        receipts: u32::try_from(receipts.len()).expect("few"),
        root: tree.root(),
    };
    (voucher, tree)
}

/// The claim of a voucher that both sign and anybody carries.
fn claim_call(world: &World, voucher: &Voucher, spender: Address, key: Address) -> claimCall {
    let domain = world.view(ADDRESS, &DOMAIN_SEPARATORCall {});
    let digest = digest_of(domain, VOUCHER_TYPE, voucher.abi_encode());
    claimCall {
        voucher: voucher.clone(),
        byKey: signature(digest, spender),
        byMachine: signature(digest, key),
    }
}

/// Claims of whom the block must look at, as the chain finds them.
fn due(world: &World) -> Vec<u64> {
    let index = ClaimIndex::of(&world.store).expect("reads");
    let mut store = ReadOnly::new(&world.store);
    let frame = Frame {
        this: ADDRESS,
        caller: ADDRESS,
        value: U256::ZERO,
    };
    let cx = &mut Ctx::new(&mut store, frame);
    let due = index.due(cx, &Changes::default(), LOOKS_MAX);
    due.expect("reads").who
}

/// The block's own work, if there is any. Answers how many claims it looked at.
fn turn(world: &mut World) -> usize {
    let due = due(world);
    if !due.is_empty() {
        let input = encode_claims(&due);
        world.system(SystemKind::Epoch, &input).expect("looks");
    }
    due.len()
}

/// Blocks pass until the claims that were just made are drawn.
fn drawn(world: &mut World) {
    let last = world.view(ADDRESS, &claimCountCall {});
    for _ in 0..20 {
        world.wait_ms(250);
        turn(world);
        if claim_of(world, last).phase != Phase::Waiting.number() {
            return;
        }
    }
}

fn claim_of(world: &World, id: u64) -> Claim {
    world.view(ADDRESS, &claimOfCall { claimId: id })
}

fn show_call(world: &World, id: u64, pick: u32, receipts: &[Receipt], tree: &Tree) -> showCall {
    let index = claim_of(world, id).picks[pick as usize];
    showCall {
        claimId: id,
        pick,
        receipt: receipts[index as usize].clone(),
        proof: tree.proof(index as usize),
    }
}

fn shown(world: &mut World, id: u64, receipts: &[Receipt], tree: &Tree) {
    for pick in 0..claim_of(world, id).picks.len() as u32 {
        let call = show_call(world, id, pick, receipts, tree);
        world.ok(CAROL, ADDRESS, &call);
    }
}

/// What an auditor computes of a receipt.
fn witness(id: u64, pick: u32) -> B256 {
    keccak256((id, pick, "witness").abi_encode())
}

fn finding(id: u64, pick: u32, who: Address, verdict: u8, witness: B256) -> B256 {
    keccak256((id, pick, who, U256::from(verdict), witness, SALT).abi_encode())
}

/// Two auditors find something of each pick.
fn audited(world: &mut World, id: u64, verdicts: &[u8]) {
    for (pick, verdict) in (0..).zip(verdicts) {
        for who in [AUDITORS[0], AUDITORS[1]] {
            let call = commitAuditCall {
                claimId: id,
                pick,
                commitment: finding(id, pick, who, *verdict, witness(id, pick)),
            };
            world.ok(who, ADDRESS, &call);
        }
    }
    world.wait_ms(10_001);
    for (pick, verdict) in (0..).zip(verdicts) {
        for who in [AUDITORS[0], AUDITORS[1]] {
            let call = revealAuditCall {
                claimId: id,
                pick,
                verdict: *verdict,
                witness: witness(id, pick),
                salt: SALT,
            };
            world.ok(who, ADDRESS, &call);
        }
    }
}

fn units(world: &mut World, asset: AssetId, who: AccountId) -> u128 {
    let cx = &mut world.store.frame(ADDRESS, ADDRESS);
    ledger::free(cx, asset, who).expect("reads").get()
}

fn customer_of(world: &World, who: Address) -> [u128; 4] {
    let found = world.view(ADDRESS, &customerOfCall { customer: who });
    [found.free, found.bound, found.claimed, found.paid].map(|part| part.to::<u128>())
}

fn channel_of(world: &World, channel: B256) -> Channel {
    world.view(ADDRESS, &channelOfCall { channel })
}

/// A machine, Bob with a million, and a channel with 100,000.
fn ready() -> (World, AssetId, u64, B256) {
    let (mut world, _, asset) = start();
    let id = machine(&mut world, KEYS[0]);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    next_epoch(&mut world);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 100_000);
    (world, asset, id, channel)
}

/// A claim of so many good receipts, made in the epoch after; answers it with what is under it.
fn claimed(world: &mut World, channel: B256, count: u64) -> (u64, Vec<Receipt>, Tree) {
    let first = now_ms(world) * 1_000;
    let receipts: Vec<_> = (first..first + count)
        .map(|number| receipt(world, KEYS[0], SPENDERS[0], number))
        .collect();
    let id = claimed_with(world, channel, &receipts);
    let (_, tree) = voucher(channel, 0, &receipts);
    (id, receipts, tree)
}

fn claimed_with(world: &mut World, channel: B256, receipts: &[Receipt]) -> u64 {
    let (voucher, _) = voucher(channel, epoch(world), receipts);
    next_epoch(world);
    let call = claim_call(world, &voucher, SPENDERS[0], KEYS[0]);
    world.ok(CAROL, ADDRESS, &call)
}

#[test]
fn job_1_job_2_a_claim_goes_the_whole_way() {
    let (mut world, asset, machine, channel) = ready();
    assert_eq!(customer_of(&world, BOB), [900_000, 100_000, 0, 0]);
    let (id, receipts, tree) = claimed(&mut world, channel, 3);
    assert_eq!(customer_of(&world, BOB), [900_000, 99_820, 180, 0]);
    let seen = claim_of(&world, id);
    assert_eq!((seen.phase, seen.picks.len()), (Phase::Waiting.number(), 0));
    drawn(&mut world);
    let seen = claim_of(&world, id);
    assert_eq!((seen.phase, seen.picks.len()), (Phase::Showing.number(), 3));
    shown(&mut world, id, &receipts, &tree);
    world.wait_ms(10_001);
    audited(&mut world, id, &[0, 0, 0]);
    world.wait_ms(10_000);
    assert_eq!(claim_of(&world, id).phase, Phase::Ripe.number());
    world.wait_ms(1_000);
    assert_eq!(turn(&mut world), 1);
    let paid: ClaimPaid = world.last_event(ADDRESS);
    // One percent of 180, up, and one.
    assert_eq!((paid.amount, paid.fee), (n(177), n(3)));
    assert_eq!(customer_of(&world, BOB), [900_000, 99_820, 0, 180]);
    assert_eq!(units(&mut world, asset, AccountId::new(ALICE, 0)), 177);
    assert_eq!(units(&mut world, asset, FEES), 3);
    assert_eq!(units(&mut world, asset, POT), 999_820);
    assert_eq!(claim_of(&world, id).phase, Phase::Paid.number());
    // It is over: the block comes no more, and nothing of it can be claimed again.
    world.wait_ms(HOUR);
    assert_eq!(turn(&mut world), 0);
    let record = world.view(ADDRESS, &machineRecordCall { machineId: machine });
    assert_eq!((record.claimsPaid, record.receiptsPaid), (1, 3));
    // What is left comes back by anybody's hand, and leaves at once.
    let release = releaseCall {
        channel,
        byMachine: CALLS,
    };
    assert_eq!(world.ok(CAROL, ADDRESS, &release), n(99_820));
    let withdraw = withdrawCall { amount: n(999_820) };
    check_every_fault(&world, BOB, ADDRESS, &withdraw.abi_encode());
    world.ok(BOB, ADDRESS, &withdraw);
    assert_eq!(customer_of(&world, BOB), [0, 0, 0, 180]);
    assert_eq!(units(&mut world, asset, POT), 0);
}

#[test]
fn every_verb_breaks_cleanly() {
    let (mut world, _, id, channel) = ready();
    let more = hold_terms(&mut world, BOB, SPENDERS[0], id, 1);
    let more = holdCall {
        terms: Hold {
            sequence: more.sequence + 1,
            ..more
        },
        signature: CALLS,
    };
    check_every_fault(&world, SPENDERS[0], ADDRESS, &more.abi_encode());
    let receipts = vec![receipt(&mut world, KEYS[0], SPENDERS[0], 1)];
    let (voucher, tree) = voucher(channel, epoch(&world), &receipts);
    next_epoch(&mut world);
    let call = claim_call(&world, &voucher, SPENDERS[0], KEYS[0]);
    check_every_fault(&world, CAROL, ADDRESS, &call.abi_encode());
    let claim = world.ok(CAROL, ADDRESS, &call);
    drawn(&mut world);
    let show = show_call(&world, claim, 0, &receipts, &tree);
    check_every_fault(&world, CAROL, ADDRESS, &show.abi_encode());
    let release = releaseCall {
        channel,
        byMachine: CALLS,
    };
    check_every_fault(&world, KEYS[0], ADDRESS, &release.abi_encode());
}
