//! The block's duty to execute orders: the second kind of work that an index calls for.

use capstan_contracts::{
    exchange::{self, Curve, IExchange},
    triggers::{self, ITriggers, encode_orders},
};
use capstan_units::OrderId;

use super::*;

const DAY_MS: u64 = 86_400_000;

/// A pool of gold and dollars, and ten of gold on Alice's account.
fn start(world: World) -> Scene {
    let mut scene = Scene::new(world);
    let owner = scene.world.address(OWNER);
    let create = IExchange::createPoolCall {
        shape: IExchange::Shape {
            curve: Curve::Product.number(),
            feePips: 500,
            amplification: 0,
            assets: vec![GOLD, CASH],
        },
        amounts: vec![U256::from(4_000 * ONE), U256::from(8_000_000 * ONE)],
        to: owner,
        deadlineMs: u64::MAX,
    };
    scene.ok(OWNER, exchange::ADDRESS, create);
    let gold = amount(Verb::Deposit, GOLD, U256::from(10 * ONE));
    let alice = scene.alice().owner;
    scene.batch(ALICE, alice, vec![gold]);
    scene
}

/// All of Alice's gold is sold at 1,800 dollars or below.
fn stop(scene: &mut Scene) -> Recovered<Tx> {
    let alice = scene.alice();
    let order = ITriggers::Order {
        kind: 1,
        sellAssetId: GOLD,
        buyAssetId: CASH,
        amount: U256::MAX,
        limitBps: 1_500,
        repay: false,
        watchAssetId: GOLD,
        above: false,
        price: U256::from(1_800 * USD),
        distanceSteps: 0,
        intervalS: 0,
        count: 0,
        floorBps: 0,
        targetBps: 0,
        expiresMs: scene.world.chain.head().time_ms() + DAY_MS,
    };
    let create = ITriggers::createCall {
        owner: alice.owner,
        index: alice.index,
        order,
    };
    let nonce = scene.nonces[ALICE];
    scene.nonces[ALICE] += 1;
    scene.world.sign(
        ALICE,
        TxEip1559 {
            to: TxKind::Call(triggers::ADDRESS),
            input: create.abi_encode().into(),
            value: U256::from(USD),
            gas_limit: 5_000_000,
            ..plain(nonce)
        },
    )
}

fn placed(world: World) -> (Scene, std::sync::Arc<Block>) {
    let mut scene = start(world);
    let stop = stop(&mut scene);
    let block = scene.finalize(vec![], vec![stop]);
    assert!(block.receipts.iter().all(|receipt| receipt.status()));
    (scene, block)
}

fn first() -> Option<Bytes> {
    Some(encode_orders(&[OrderId::new(1)]))
}

fn fired(block: &Block) -> Vec<ITriggers::TriggerFired> {
    let logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    logs.filter_map(|log| ITriggers::TriggerFired::decode_log(log).ok())
        .map(|log| log.data)
        .collect()
}

/// CHAIN-15: a price falls, and its own block executes the stop-loss, before any user; it replays, and a rewind takes the
/// index along.
#[test]
fn chain_15_the_block_executes_orders_by_itself() {
    let (mut scene, quiet) = placed(World::new());
    assert_eq!(work_of(&quiet, SystemKind::Triggers), None);
    let above = scene.prices(&[(GOLD, 1_801 * USD)]);
    assert_eq!(work_of(&above, SystemKind::Triggers), None);
    let stood = scene.world.chain.order_guards();
    assert!(stood.count > 0);
    let falling = scene.prices(&[(GOLD, 1_750 * USD)]);
    assert_eq!(work_of(&falling, SystemKind::Triggers), first());
    let sold = fired(&falling);
    assert_eq!((sold.len(), sold[0].sold), (1, U256::from(10 * ONE)));
    assert!(sold[0].received > U256::from(17_500 * ONE));
    assert_eq!(scene.world.chain.order_guards().count, 0);
    let after = scene.prices(&[(GOLD, 1_700 * USD)]);
    assert_eq!(work_of(&after, SystemKind::Triggers), None);
    let replayed = scene
        .world
        .chain
        .replay(0, &mut |_, _| {})
        .expect("replays");
    assert!(replayed.roots);
    // Whoever goes back sees the index of then.
    let dev = scene.world.chain.dev().expect("dev");
    dev.rewind_to(above.number()).expect("rewinds");
    assert_eq!(scene.world.chain.order_guards(), stood);
    scene.round += 10;
    let again = scene.prices(&[(GOLD, 1_750 * USD)]);
    assert_eq!(work_of(&again, SystemKind::Triggers), first());
}

/// CHAIN-15: on a parent that is not final, what is due follows from the candidates.
#[test]
fn chain_15_orders_of_candidates_count() {
    let mut scene = start(World::new());
    let head = scene.world.chain.head();
    let stop = stop(&mut scene);
    let placed = scene.build(&head, &[], vec![stop]);
    let other = scene.build(&head, &[(GOLD, 1_750 * USD)], vec![]);
    assert_eq!(work_of(&other, SystemKind::Triggers), None);
    let falling = scene.build(&placed, &[(GOLD, 1_750 * USD)], vec![]);
    assert_eq!(work_of(&falling, SystemKind::Triggers), first());
    let later = scene.build(&falling, &[(GOLD, 1_740 * USD)], vec![]);
    assert_eq!(
        work_of(&later, SystemKind::Triggers),
        None,
        "done by its parent"
    );
    scene.world.chain.finalize(later.hash()).expect("final");
}

/// CHAIN-15: a block that omits an order that it owes is bad; so is one that executes one that nobody owes.
#[test]
fn chain_15_omitted_and_invented_orders_are_bad() {
    let (mut scene, head) = placed(World::new());
    let good = scene.build(&head, &[(GOLD, 1_750 * USD)], vec![]);
    assert!(matches!(
        scene.world.chain.check(&good.raw()),
        Ok(Verdict::Ok)
    ));
    let bad = |mut raw: RawBlock, why: &str| {
        raw.header.gas_used += 1;
        match scene.world.chain.check(&raw) {
            Ok(Verdict::Bad(reason)) => assert!(reason.contains(why), "{reason}"),
            other => panic!("{other:?}"),
        }
    };
    let mut omitted = good.raw();
    omitted.transactions.remove(1);
    bad(omitted, "owes Triggers");
    let work = |number: u64, ordinal: u16, ids: &[u64]| {
        let ids: Vec<_> = ids.iter().copied().map(OrderId::new).collect();
        let tx = SystemTx {
            number,
            ordinal,
            target: SystemKind::Triggers.target(),
            gas_limit: 10_000_000,
            input: encode_orders(&ids),
        };
        tx.into_tx().inner().clone()
    };
    let mut another = good.raw();
    another.transactions[1] = work(good.number(), 1, &[1, 1]);
    bad(another, "owes Triggers");
    let inputs = BlockInputs::at(head.time_ms() + 250);
    let quiet = scene.world.chain.build(head.hash(), inputs);
    let mut invented = quiet.expect("builds").block.raw();
    invented.transactions.push(work(head.number() + 1, 0, &[1]));
    bad(invented, "Triggers that is not owed");
}

/// CHAIN-16: a restart forgets no order, whether its index was saved or is read anew, and the folder verifies.
#[test]
fn chain_16_a_restart_forgets_no_order() {
    for cleanly in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let (scene, _) = placed(World::at(folder.path()));
        let before = scene.world.chain.order_guards();
        assert!(before.count > 0);
        let mut scene = reopened(scene, folder.path(), cleanly);
        let after = scene.world.chain.order_guards();
        assert_eq!((after.count, after.digest), (before.count, before.digest));
        assert_eq!(after.snapshot, cleanly.then_some(before.height));
        let falling = scene.prices(&[(GOLD, 1_750 * USD)]);
        assert_eq!(fired(&falling).len(), 1);
        drop(reopened(scene, folder.path(), true));
        verify_folder(folder.path(), &mut |_, _| {}).expect("good");
    }
}
