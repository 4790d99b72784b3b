//! The block's duty to rebalance products: the third kind of work that an index calls for.

use alloy_consensus::Header;
use capstan_contracts::{
    exchange::{self, Curve, IExchange},
    products::{self, IProducts, encode_products},
};
use capstan_units::ProductId;

use super::*;

/// Three-fold long gold.
fn long() -> IProducts::Policy {
    IProducts::Policy {
        kind: 1,
        collateralAssetId: GOLD,
        debtAssetId: CASH,
        targetBps: 30_000,
        lowBps: 27_000,
        highBps: 33_000,
        limitBps: 500,
        feeBps: 0,
        capUsd: U256::from(1_000_000 * USD),
        poolId: 0,
        owner: Address::ZERO,
    }
}

/// Liquidity of gold and dollars beside a debt of gold.
fn neutral() -> IProducts::Policy {
    IProducts::Policy {
        kind: 4,
        collateralAssetId: CASH,
        debtAssetId: GOLD,
        targetBps: 10_000,
        lowBps: 9_500,
        highBps: 10_500,
        ..long()
    }
}

/// Makes a header say what another says.
type Forge = fn(&mut Header, &Header);

/// A product, and prices of gold: inside its band, beyond the end at which it borrows or repays, and which of the two.
struct Case {
    policy: IProducts::Policy,
    inside: u128,
    beyond: u128,
    borrows: bool,
}

fn cases() -> [Case; 3] {
    let case = |policy, inside, beyond, borrows| Case {
        policy,
        inside,
        beyond,
        borrows,
    };
    [
        case(long(), 1_970, 1_900, false),
        case(neutral(), 1_900, 1_700, true),
        case(neutral(), 2_100, 2_400, false),
    ]
}

/// A pool of gold and dollars, gold to borrow, and a product of ten thousand dollars with coins for its looks.
fn start(world: World, policy: IProducts::Policy) -> (Scene, std::sync::Arc<Block>) {
    let mut scene = Scene::new(world);
    let owner = scene.world.address(OWNER);
    let gold = U256::from(1_000 * ONE);
    scene.batch(
        OWNER,
        owner,
        vec![
            amount(Verb::Deposit, GOLD, gold),
            amount(Verb::Supply, GOLD, gold),
        ],
    );
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
    let create = IProducts::createCall {
        policy,
        seed: U256::from(10_000 * ONE),
        receiver: owner,
    };
    let send = |scene: &mut Scene, input: Vec<u8>, value: u128| {
        let nonce = scene.nonces[OWNER];
        scene.nonces[OWNER] += 1;
        let tx = TxEip1559 {
            to: TxKind::Call(products::ADDRESS),
            input: input.into(),
            value: U256::from(value),
            gas_limit: 10_000_000,
            ..plain(nonce)
        };
        let tx = scene.world.sign(OWNER, tx);
        let block = scene.finalize(vec![], vec![tx]);
        assert!(block.receipts.iter().all(|receipt| receipt.status()));
        block
    };
    send(&mut scene, create.abi_encode(), 0);
    let top_up = IProducts::topUpCall { id: 1 };
    send(&mut scene, top_up.abi_encode(), USD);
    // The first look arms it.
    let first = scene.finalize(vec![], vec![]);
    assert_eq!(work_of(&first, SystemKind::Rebalance), owed());
    (scene, first)
}

fn owed() -> Option<Bytes> {
    Some(encode_products(&[ProductId::new(1)]))
}

fn rebalanced(block: &Block) -> Vec<IProducts::ProductRebalanced> {
    let logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    logs.filter_map(|log| IProducts::ProductRebalanced::decode_log(log).ok())
        .map(|log| log.data)
        .collect()
}

/// CHAIN-15: a price leaves the band, and its own block rebalances the product, before any user; it replays, and a rewind
/// takes the index along.
#[test]
fn chain_15_the_block_rebalances_products_by_itself() {
    for case in cases() {
        let (mut scene, _) = start(World::new(), case.policy);
        let inside = scene.prices(&[(GOLD, case.inside * USD)]);
        assert_eq!(work_of(&inside, SystemKind::Rebalance), None);
        let stood = scene.world.chain.product_guards();
        assert_eq!(stood.count, 5, "two prices both ways, and a time");
        let called = scene.prices(&[(GOLD, case.beyond * USD)]);
        assert_eq!(work_of(&called, SystemKind::Rebalance), owed());
        let moved = rebalanced(&called);
        assert_eq!((moved.len(), moved[0].borrowed), (1, case.borrows));
        let rose = moved[0].ratioAfter > moved[0].ratioBefore;
        assert_eq!(rose, case.borrows, "{moved:?}");
        let after = scene.prices(&[(GOLD, (case.beyond - 1) * USD)]);
        assert_eq!(work_of(&after, SystemKind::Rebalance), None);
        let replayed = scene
            .world
            .chain
            .replay(0, &mut |_, _| {})
            .expect("replays");
        assert!(replayed.roots);
        let dev = scene.world.chain.dev().expect("dev");
        dev.rewind_to(inside.number()).expect("rewinds");
        assert_eq!(scene.world.chain.product_guards(), stood);
        scene.round += 10;
        let again = scene.prices(&[(GOLD, case.beyond * USD)]);
        assert_eq!(work_of(&again, SystemKind::Rebalance), owed());
    }
}

/// CHAIN-15: a block that omits a rebalance that it owes is bad; so is one that names other products, one that says that the
/// rebalance came to something else, and one that does a rebalance that nobody owes.
#[test]
fn chain_15_omitted_falsified_and_invented_rebalances_are_bad() {
    for case in cases() {
        let (mut scene, head) = start(World::new(), case.policy);
        let good = scene.build(&head, &[(GOLD, case.beyond * USD)], vec![]);
        assert_eq!(work_of(&good, SystemKind::Rebalance), owed());
        assert_eq!(rebalanced(&good)[0].borrowed, case.borrows);
        assert!(matches!(
            scene.world.chain.check(&good.raw()),
            Ok(Verdict::Ok)
        ));
        let bad = |raw: RawBlock, why: &str| match scene.world.chain.check(&raw) {
            Ok(Verdict::Bad(reason)) => assert!(reason.contains(why), "{reason}, not {why}"),
            other => panic!("{other:?}"),
        };
        // Another header, so that it is not the candidate that is known already.
        let forged = |change: &dyn Fn(&mut RawBlock)| {
            let mut raw = good.raw();
            raw.header.gas_used += 1;
            change(&mut raw);
            raw
        };
        let place = good.raw().transactions.len() - 1;
        let ordinal = u16::try_from(place).expect("small");
        let work = |number: u64, ordinal: u16, ids: &[u32]| {
            let ids: Vec<_> = ids.iter().copied().map(ProductId::new).collect();
            let tx = SystemTx {
                number,
                ordinal,
                target: SystemKind::Rebalance.target(),
                gas_limit: 10_000_000,
                input: encode_products(&ids),
            };
            tx.into_tx().inner().clone()
        };
        let omitted = forged(&|raw| drop(raw.transactions.remove(place)));
        bad(omitted, "owes Rebalance");
        for others in [&[][..], &[2], &[1, 1], &[1, 2]] {
            let named = forged(&|raw| {
                raw.transactions[place] = work(good.number(), ordinal, others);
            });
            bad(named, "owes Rebalance");
        }
        // The right work, and a state in which the product stands where it stood before.
        for (field, change) in [
            (
                "stateRoot",
                (|raw, of| raw.state_root = of.state_root) as Forge,
            ),
            ("receiptsRoot", |raw, of| {
                raw.receipts_root = of.receipts_root
            }),
            ("gasUsed", |raw, of| raw.gas_used = of.gas_used + 1),
        ] {
            let mut falsified = good.raw();
            change(&mut falsified.header, &head.header);
            bad(falsified, field);
        }
        let inputs = BlockInputs::at(head.time_ms() + 250);
        let quiet = scene.world.chain.build(head.hash(), inputs);
        let mut invented = quiet.expect("builds").block.raw();
        invented.header.gas_used += 1;
        invented.transactions.push(work(head.number() + 1, 0, &[1]));
        bad(invented, "Rebalance that is not owed");
    }
}

/// CHAIN-16: a restart forgets no product, whether its index was saved or is read anew, and the folder verifies.
#[test]
fn chain_16_a_restart_forgets_no_product() {
    for (cleanly, case) in [true, false]
        .into_iter()
        .flat_map(|cleanly| cases().map(|case| (cleanly, case)))
    {
        let folder = tempfile::tempdir().expect("a folder");
        let (scene, _) = start(World::at(folder.path()), case.policy);
        let before = scene.world.chain.product_guards();
        assert!(before.count > 0);
        let mut scene = reopened(scene, folder.path(), cleanly);
        let after = scene.world.chain.product_guards();
        assert_eq!((after.count, after.digest), (before.count, before.digest));
        assert_eq!(after.snapshot, cleanly.then_some(before.height));
        let called = scene.prices(&[(GOLD, case.beyond * USD)]);
        assert_eq!(rebalanced(&called).len(), 1);
        drop(reopened(scene, folder.path(), true));
        verify_folder(folder.path(), &mut |_, _| {}).expect("good");
    }
}
