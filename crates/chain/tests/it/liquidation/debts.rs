//! The block's duty to machines that owe: instalments and steps of a case that time alone calls for.

use capstan_contracts::{
    erc4626::IErc4626,
    income::{self, IIncome, encode_machines},
    jobs::IJobs,
    machines::{self, IMachines},
};

use capstan_units::AssetId;

use super::{
    jobs::{MACHINE, claim, start_with},
    *,
};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const PROBATION_MS: u64 = 20_000;

fn params() -> IIncome::IncomeParams {
    IIncome::IncomeParams {
        rateBps: 1_000,
        lateBps: 2_000,
        instalments: 6,
        periodS: 86_400,
        unpaidS: 2 * 86_400,
        windowDays: 7,
        verifiedDays: 1,
        concentrationBps: 10_000,
        fractionBps: 10_000,
        bondBps: 10_000,
        feeBps: 10_000,
        lifeDays: 1_460,
        wattsMin: 350,
        firstLossBps: 1_000,
        firstLossCutBps: 2_000,
        graceMs: DAY_MS,
        auctionMs: DAY_MS,
        auctionStartBps: 15_000,
        auctionFloorBps: 1_000,
        cap: U256::from(1_000_000_000),
        loanMin: U256::from(1),
        ..IIncome::IncomeParams::default()
    }
}

/// A block so much later.
fn jump(scene: &mut Scene, ms: u64) -> std::sync::Arc<Block> {
    let head = scene.world.chain.head();
    let inputs = BlockInputs::at(head.time_ms() + ms);
    let built = scene.world.chain.build(head.hash(), inputs);
    let block = built.expect("builds").block;
    scene.world.chain.finalize(block.hash()).expect("final")
}

fn beat(scene: &mut Scene) {
    let call = IMachines::beatCall { machineId: 0 };
    scene.ok(MACHINE, machines::ADDRESS, call);
}

fn says<E: SolEvent>(block: &Block) -> Option<E> {
    let mut logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    logs.find_map(|log| E::decode_log(log).ok())
        .map(|log| log.data)
}

/// A machine that claimed on probation, was paid when that was over, and owes: one receipt of a hundred is audited, and
/// this one is not.
fn owing(world: World) -> Scene {
    let (mut scene, channel) = start_with(world, PROBATION_MS, 10_000);
    let open = IIncome::openMarketCall {
        assetId: CASH,
        params: params(),
    };
    scene.ok(OWNER, income::ADDRESS, open);
    for tranche in [0, 1] {
        let share = income::share::address_of(AssetId::new(CASH), tranche);
        let receiver = scene.world.address(ALICE);
        let deposit = IErc4626::depositCall {
            assets: U256::from(1_000),
            receiver,
        };
        scene.ok(ALICE, share, deposit);
    }
    claim(&mut scene, channel);
    jump(&mut scene, PROBATION_MS);
    beat(&mut scene);
    let is_paid =
        (0..40).any(|_| says::<IJobs::ClaimPaid>(&scene.finalize(vec![], vec![])).is_some());
    assert!(is_paid, "its receipt was picked");
    for _ in 0..2 {
        jump(&mut scene, 20 * HOUR_MS);
        beat(&mut scene);
    }
    assert_eq!(scene.world.chain.debt_guards().count, 0);
    let borrow = IIncome::borrowCall {
        machineId: 0,
        amount: U256::from(10),
    };
    scene.ok(OWNER, income::ADDRESS, borrow);
    scene
}

fn owed() -> Option<Bytes> {
    Some(encode_machines(&[0]))
}

/// CHAIN-15: a machine goes dark, and the block takes every step by itself; it replays, and a rewind takes the index along.
#[test]
fn chain_15_the_block_takes_the_steps_of_a_case_by_itself() {
    let mut scene = owing(World::new());
    let stood = scene.world.chain.debt_guards();
    assert_eq!(stood.count, 1);
    let at = scene.world.chain.head().number();
    let play = |scene: &mut Scene| {
        let block = jump(scene, DAY_MS + 2_000);
        assert_eq!(work_of(&block, SystemKind::Recover), owed());
        assert!(says::<IIncome::CaseOpened>(&block).is_some());
        let block = jump(scene, DAY_MS + 1_000);
        assert!(says::<IIncome::TitleOffered>(&block).is_some());
        let block = jump(scene, DAY_MS + 1_000);
        assert!(says::<IIncome::TitleUnsold>(&block).is_some());
        assert_eq!(scene.world.chain.debt_guards().count, 0);
        let block = scene.finalize(vec![], vec![]);
        assert_eq!(work_of(&block, SystemKind::Recover), None);
    };
    play(&mut scene);
    let replayed = scene.world.chain.replay(0, &mut |_, _| {});
    assert!(replayed.expect("replays").roots);
    let dev = scene.world.chain.dev().expect("dev");
    dev.rewind_to(at).expect("rewinds");
    assert_eq!(scene.world.chain.debt_guards(), stood);
    play(&mut scene);
}

/// CHAIN-15: a block that omits a machine that is due is bad; so is one that names others.
#[test]
fn chain_15_omitted_and_invented_machines_are_bad() {
    let scene = owing(World::new());
    let head = scene.world.chain.head();
    let inputs = BlockInputs::at(head.time_ms() + DAY_MS + 2_000);
    let built = scene.world.chain.build(head.hash(), inputs);
    let good = built.expect("builds").block;
    assert_eq!(work_of(&good, SystemKind::Recover), owed());
    let check = |raw: &RawBlock| scene.world.chain.check(raw);
    assert!(matches!(check(&good.raw()), Ok(Verdict::Ok)));
    let bad = |raw: RawBlock| match check(&raw) {
        Ok(Verdict::Bad(reason)) => assert!(reason.contains("owes Recover"), "{reason}"),
        other => panic!("{other:?}"),
    };
    let mut omitted = good.raw();
    omitted.header.gas_used += 1;
    omitted.transactions.pop();
    bad(omitted);
    for others in [&[][..], &[1], &[0, 0]] {
        let tx = SystemTx {
            number: good.number(),
            ordinal: 0,
            target: SystemKind::Recover.target(),
            gas_limit: 10_000_000,
            input: encode_machines(others),
        };
        let mut named = good.raw();
        named.header.gas_used += 1;
        *named.transactions.last_mut().expect("work") = tx.into_tx().inner().clone();
        bad(named);
    }
}

/// CHAIN-16: a restart forgets no machine that owes, whether its index was saved or is read anew.
#[test]
fn chain_16_a_restart_forgets_no_machine_that_owes() {
    for cleanly in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let scene = owing(World::at(folder.path()));
        let before = scene.world.chain.debt_guards();
        assert_eq!(before.count, 1);
        let mut scene = reopened(scene, folder.path(), cleanly);
        let after = scene.world.chain.debt_guards();
        assert_eq!((after.count, after.digest), (before.count, before.digest));
        assert_eq!(after.snapshot, cleanly.then_some(before.height));
        let block = jump(&mut scene, DAY_MS + 2_000);
        assert_eq!(work_of(&block, SystemKind::Recover), owed());
    }
}
