//! The block's duty to settle claims of machines: the work that time alone calls for.

use alloy_primitives::keccak256;
use alloy_sol_types::{SolStruct as _, eip712_domain};
use capstan_contracts::{
    jobs::{self, IJobs, encode_claims},
    machines::{self, IMachines},
};

use super::*;

/// Whose key is a machine's.
pub(super) const MACHINE: usize = REPORTER;
const CLASS: u32 = 1;
const EPOCH_MS: u64 = 1_000;
const NOBODY: IJobs::Signature = IJobs::Signature {
    v: 0,
    r: B256::ZERO,
    s: B256::ZERO,
};

fn signed(scene: &Scene, who: usize, digest: B256) -> (u8, B256, B256) {
    let signature = sign_message(scene.world.accounts[who].key, digest).expect("signs");
    let v = 27 + u8::from(signature.v());
    (v, B256::from(signature.r()), B256::from(signature.s()))
}

/// A machine on probation that offers a class, and Alice who has bound a thousand to it; every receipt is audited.
fn start(world: World) -> (Scene, B256) {
    start_with(world, 86_400_000, 1_000_000)
}

/// The same with so long a probation, and so many of a million receipts audited.
pub(super) fn start_with(world: World, probation_ms: u64, audit_ppm: u32) -> (Scene, B256) {
    let mut scene = Scene::new(world);
    open_rooms(&mut scene, probation_ms, audit_ppm);
    register(&mut scene);
    let (alice, machine) = (scene.world.address(ALICE), scene.world.address(MACHINE));
    scene.ok(
        MACHINE,
        jobs::ADDRESS,
        IJobs::offerCall {
            terms: IJobs::OfferTerms {
                machineId: 0,
                classId: CLASS,
                isOpen: true,
                sequence: 1,
                endpoint: "http://127.0.0.1:9/v1".into(),
                ..IJobs::OfferTerms::default()
            },
            signature: NOBODY,
        },
    );
    assert_ne!(alice, machine);
    let thousand = U256::from(1_000);
    let deposit = IJobs::depositCall {
        customer: alice,
        amount: thousand,
    };
    scene.ok(ALICE, jobs::ADDRESS, deposit);
    let limits = IJobs::KeyLimits {
        total: thousand,
        perPeriod: thousand,
        periodMs: 86_400_000,
        untilMs: u64::MAX,
    };
    let set = IJobs::setKeyCall { key: alice, limits };
    scene.ok(ALICE, jobs::ADDRESS, set);
    let hold = IJobs::holdCall {
        terms: IJobs::Hold {
            customer: alice,
            key: alice,
            machineId: 0,
            classId: CLASS,
            sequence: 1,
            amount: thousand,
            untilMs: scene.world.chain.head().time_ms() + 3_600_000,
        },
        signature: NOBODY,
    };
    scene.ok(ALICE, jobs::ADDRESS, hold);
    let channel = keccak256((alice, alice, 0_u64, CLASS).abi_encode());
    (scene, channel)
}

fn open_rooms(scene: &mut Scene, probation_ms: u64, audit_ppm: u32) {
    let params = IMachines::MachineParams {
        assetId: CASH,
        bondMin: U256::from(1_000),
        unbondMs: 3_600_000,
        intervalMs: 86_400_000,
        graceMs: 1_000,
        probationMs: probation_ms,
        lateMs: 1_000,
        gapMs: 1_000,
        answerMs: 1_000,
        commitMs: 1_000,
        revealMs: 1_000,
        capacityAgeMs: 86_400_000,
        slashBps: 0,
        quorum: 1,
    };
    scene.ok(
        OWNER,
        machines::ADDRESS,
        IMachines::setParamsCall { params },
    );
    let params = IJobs::JobParams {
        assetId: CASH,
        epochMs: EPOCH_MS,
        holdMs: 86_400_000,
        showMs: 1_000,
        commitMs: 1_000,
        revealMs: 1_000,
        auditPpm: audit_ppm,
        detectPpm: 1_000_000,
        feeBps: 0,
        feeFlat: U256::ZERO,
        probationUnits: 1_000,
        quorum: 1,
        auditPay: U256::ZERO,
    };
    scene.ok(OWNER, jobs::ADDRESS, IJobs::setParamsCall { params });
    let class = IJobs::ServiceClass {
        program: B256::repeat_byte(7),
        inputPrice: U256::ZERO,
        outputPrice: U256::from(1_000_000),
        levelMin: jobs::LEVEL_ONE,
        levelMax: jobs::LEVEL_ONE,
        stepBps: 100,
        targetBps: 5_000,
        inputsPerOutput: 1,
        ..IJobs::ServiceClass::default()
    };
    let open = IJobs::openClassCall {
        classId: CLASS,
        class,
    };
    scene.ok(OWNER, jobs::ADDRESS, open);
}

fn register(scene: &mut Scene) {
    let holder = scene.world.address(OWNER);
    let deadline = scene.world.chain.head().time_ms() + 60_000;
    let domain = eip712_domain! {
        name: "Capstan Machines",
        version: "1",
        chain_id: 31_337,
        verifying_contract: machines::ADDRESS,
    };
    let fields = (keccak256(machines::REGISTRATION_TYPE), holder, deadline).abi_encode();
    let inner = keccak256(fields);
    let digest = keccak256([b"\x19\x01".as_slice(), &domain.hash_struct().0, &inner.0].concat());
    let (v, r, s) = signed(scene, MACHINE, digest);
    let call = IMachines::registerCall {
        key: scene.world.address(MACHINE),
        spec: IMachines::Spec::default(),
        bond: U256::from(10_000),
        deadlineMs: deadline,
        consent: IMachines::Signature { v, r, s },
    };
    scene.ok(OWNER, machines::ADDRESS, call);
}

/// Claims a hundred for one receipt that nobody will show.
pub(super) fn claim(scene: &mut Scene, channel: B256) -> std::sync::Arc<Block> {
    let epoch = scene.world.chain.head().time_ms() / EPOCH_MS;
    while scene.world.chain.head().time_ms() + 250 < (epoch + 1) * EPOCH_MS {
        scene.finalize(vec![], vec![]);
    }
    let voucher = IJobs::Voucher {
        channel,
        epoch,
        cost: U256::from(100),
        largest: U256::from(100),
        inputUnits: 0,
        outputUnits: 100,
        receipts: 1,
        root: B256::repeat_byte(9),
    };
    let domain = eip712_domain! {
        name: "Capstan Jobs",
        version: "1",
        chain_id: 31_337,
        verifying_contract: jobs::ADDRESS,
    };
    let digest = voucher.eip712_signing_hash(&domain);
    let (v, r, s) = signed(scene, MACHINE, digest);
    let call = IJobs::claimCall {
        voucher,
        byKey: NOBODY,
        byMachine: IJobs::Signature { v, r, s },
    };
    scene.ok(ALICE, jobs::ADDRESS, call)
}

fn ended(block: &Block) -> Option<IJobs::ClaimVoid> {
    let mut logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    logs.find_map(|log| IJobs::ClaimVoid::decode_log(log).ok())
        .map(|log| log.data)
}

fn owed() -> Option<Bytes> {
    Some(encode_claims(&[1]))
}

/// CHAIN-15: the block draws a claim and later settles it, by time alone, before any user; it replays, and a rewind takes
/// the index along.
#[test]
fn chain_15_the_block_settles_claims_by_itself() {
    let (mut scene, channel) = start(World::new());
    assert_eq!(scene.world.chain.claim_guards().count, 0);
    let made = claim(&mut scene, channel);
    let stood = scene.world.chain.claim_guards();
    assert_eq!(stood.count, 1);
    let play = |scene: &mut Scene| {
        let mut looks = 0;
        for _ in 0..60 {
            let block = scene.finalize(vec![], vec![]);
            if let Some(input) = work_of(&block, SystemKind::Epoch) {
                assert_eq!(Some(input), owed());
                looks += 1;
            }
            if let Some(end) = ended(&block) {
                return (looks, end);
            }
        }
        panic!("nobody settled it");
    };
    let (looks, end) = play(&mut scene);
    // Drawn once, settled once: what was picked was not shown.
    assert_eq!(looks, 2);
    assert_eq!(end.reason, jobs::Fault::NotShown.number());
    assert_eq!(
        (end.refunded, end.slashed),
        (U256::from(100), U256::from(1))
    );
    assert_eq!(scene.world.chain.claim_guards().count, 0);
    let replayed = scene.world.chain.replay(0, &mut |_, _| {});
    assert!(replayed.expect("replays").roots);
    let dev = scene.world.chain.dev().expect("dev");
    dev.rewind_to(made.number()).expect("rewinds");
    assert_eq!(scene.world.chain.claim_guards(), stood);
    assert_eq!(play(&mut scene).0, 2);
}

/// CHAIN-15: a block that omits a claim that is due is bad; so is one that names others, and one that nobody owes.
#[test]
fn chain_15_omitted_and_invented_claims_are_bad() {
    let (mut scene, channel) = start(World::new());
    claim(&mut scene, channel);
    let mut head = scene.world.chain.head();
    let good = loop {
        let block = scene.build(&head, &[], vec![]);
        if work_of(&block, SystemKind::Epoch) == owed() {
            break block;
        }
        scene.world.chain.finalize(block.hash()).expect("final");
        head = block;
    };
    assert!(matches!(
        scene.world.chain.check(&good.raw()),
        Ok(Verdict::Ok)
    ));
    let bad = |raw: RawBlock, why: &str| match scene.world.chain.check(&raw) {
        Ok(Verdict::Bad(reason)) => assert!(reason.contains(why), "{reason}, not {why}"),
        other => panic!("{other:?}"),
    };
    let work = |number: u64, ids: &[u64]| {
        let tx = SystemTx {
            number,
            ordinal: 0,
            target: SystemKind::Epoch.target(),
            gas_limit: 10_000_000,
            input: encode_claims(ids),
        };
        tx.into_tx().inner().clone()
    };
    let mut omitted = good.raw();
    omitted.header.gas_used += 1;
    omitted.transactions.pop();
    bad(omitted, "owes Epoch");
    for others in [&[][..], &[2], &[1, 1]] {
        let mut named = good.raw();
        named.header.gas_used += 1;
        *named.transactions.last_mut().expect("work") = work(good.number(), others);
        bad(named, "owes Epoch");
    }
    let (mut scene, _) = start(World::new());
    let head = scene.finalize(vec![], vec![]);
    let inputs = BlockInputs::at(head.time_ms() + 250);
    let quiet = scene.world.chain.build(head.hash(), inputs);
    let mut invented = quiet.expect("builds").block.raw();
    invented.header.gas_used += 1;
    invented.transactions.push(work(head.number() + 1, &[1]));
    match scene.world.chain.check(&invented) {
        Ok(Verdict::Bad(reason)) => assert!(reason.contains("Epoch that is not owed"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// CHAIN-16: a restart forgets no claim, whether its index was saved or is read anew.
#[test]
fn chain_16_a_restart_forgets_no_claim() {
    for cleanly in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut scene, channel) = start(World::at(folder.path()));
        claim(&mut scene, channel);
        let before = scene.world.chain.claim_guards();
        assert_eq!(before.count, 1);
        let mut scene = reopened(scene, folder.path(), cleanly);
        let after = scene.world.chain.claim_guards();
        assert_eq!((after.count, after.digest), (before.count, before.digest));
        assert_eq!(after.snapshot, cleanly.then_some(before.height));
        let called = (0..10).any(|_| {
            let block = scene.finalize(vec![], vec![]);
            work_of(&block, SystemKind::Epoch) == owed()
        });
        assert!(called);
    }
}
