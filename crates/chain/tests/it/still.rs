//! Blocks that come after their chain stood still, and blocks before which a developer let time pass.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_consensus::Transaction as _;
use alloy_primitives::Bytes;
use capstan_chain::{
    Block, BlockInputs, ChainConfig, Genesis, Mining, RawBlock, Storage, TimeSource, Verdict,
};
use capstan_contracts::{SystemKind, still};
use capstan_evm::SystemTx;

use crate::world::{World, config};

const HOUR_MS: u64 = 3_600_000;

/// What a block says of its chain's standing still.
fn said(block: &Block) -> Option<Bytes> {
    let mut work = block.transactions.iter();
    work.find(|tx| tx.to() == Some(SystemKind::Wake.target()))
        .map(|tx| tx.input().clone())
}

/// A chain on which nobody develops anything.
fn strict() -> World {
    let genesis = Genesis {
        development: false,
        ..Genesis::dev(5, 0)
    };
    World::open(ChainConfig {
        genesis,
        dev: false,
        ..config()
    })
}

/// STILL-3: a block says so exactly when it is true, and since when; what says otherwise is bad, by name.
#[test]
fn still_3_a_block_says_that_its_chain_stood_still_exactly_when_it_did() {
    let (maker, judge) = (strict(), strict());
    let after = |ms: u64| {
        let parent = maker.chain.head();
        let inputs = BlockInputs::at(parent.time_ms() + ms);
        let block = maker.chain.build(parent.hash(), inputs).unwrap().block;
        maker.chain.finalize(block.hash()).unwrap();
        (parent, block)
    };
    let bad = |raw: &RawBlock, why: &str| match judge.chain.check(raw).unwrap() {
        Verdict::Bad(reason) => assert!(reason.contains(why), "{reason}"),
        other => panic!("{other:?}"),
    };
    let wake = |block: &Block, parent_ms| {
        let tx = SystemTx {
            number: block.number(),
            ordinal: 0,
            target: SystemKind::Wake.target(),
            gas_limit: 60_000_000,
            input: still::encode_wake(parent_ms),
        };
        tx.into_tx().inner().clone()
    };
    // Before the first block nothing could be held up.
    for (ms, stood) in [
        (HOUR_MS, false),
        (10_250, false),
        (10_251, true),
        (1, false),
        (HOUR_MS, true),
        (HOUR_MS, true),
    ] {
        let (parent, block) = after(ms);
        let must = stood.then(|| still::encode_wake(parent.time_ms()));
        assert_eq!(
            said(&block),
            must,
            "{ms} ms after block {}",
            parent.number()
        );
        let mut raw = block.raw();
        if stood {
            raw.transactions[0] = wake(&block, parent.time_ms() - 1);
            bad(&raw, "Wake: is");
            raw.transactions.clear();
            bad(&raw, "owes Wake");
        } else {
            raw.transactions.insert(0, wake(&block, parent.time_ms()));
            bad(&raw, "did not stand still");
        }
        assert_eq!(judge.chain.check(&block.raw()).unwrap(), Verdict::Ok);
        judge.chain.finalize(block.hash()).unwrap();
    }
    assert!(maker.chain.replay(0, &mut |_, _| {}).unwrap().roots);
}

fn hand_set(world: &mut ChainConfig) -> Arc<AtomicU64> {
    let hand = Arc::new(AtomicU64::new(world.genesis.time_ms + HOUR_MS));
    let shown = Arc::clone(&hand);
    world.clock = TimeSource::new(move || shown.load(Ordering::SeqCst));
    hand
}

/// STILL-3: a developer who moves time means it to pass; a chain that was not run stood still.
#[test]
fn still_3_time_that_a_developer_moves_passes() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ChainConfig {
        mining: Mining::Interval(Duration::from_secs(2)),
        storage: Storage::Folder(folder.path().into()),
        ..config()
    };
    let hand = hand_set(&mut config);
    let pass = |ms| hand.fetch_add(ms, Ordering::SeqCst);
    let world = World::open(config.clone());
    let stands = |world: &World| said(&world.mine()).is_some();
    let dev = world.chain.dev().unwrap();
    assert!(!stands(&world), "the first block");
    pass(12_000);
    assert!(!stands(&world), "ten seconds and the pace");
    pass(12_001);
    assert!(stands(&world));
    dev.increase_time(Duration::from_secs(3_600)).unwrap();
    pass(2_000);
    assert!(!stands(&world), "moved ahead");
    pass(HOUR_MS);
    assert!(stands(&world), "the machine slept");
    let seconds = world.chain.head().time_ms() / 1_000;
    dev.set_next_block_timestamp(seconds + 3_600).unwrap();
    assert!(!stands(&world), "the next block was set");
    pass(HOUR_MS);
    assert!(stands(&world), "the machine slept again");
    dev.set_time(seconds + 20_000).unwrap();
    assert!(!stands(&world), "the clock was set");
    let height = world.chain.head().number();
    stands(&world);
    dev.rewind_to(height).unwrap();
    pass(HOUR_MS);
    assert!(!stands(&world), "what was undone took no time");
    dev.mine(3, Some(Duration::from_secs(60))).unwrap();
    assert_eq!(said(&world.chain.head()), None, "mined an hour apart");
    dev.reset_time().unwrap();
    assert!(!stands(&world), "back at the machine's time");
    // A chain that makes blocks when somebody asks is not asked for hours, and waits.
    dev.set_mining(Mining::Instant).unwrap();
    pass(12 * HOUR_MS);
    assert!(!stands(&world), "nobody asked");
    pass(12 * HOUR_MS);
    dev.set_mining(Mining::Interval(Duration::from_secs(2)))
        .unwrap();
    assert!(!stands(&world), "it waited until blocks came by themselves");
    pass(12_001);
    assert!(stands(&world));
    dev.set_mining(Mining::Instant).unwrap();
    stands(&world);
    drop(world);
    // But it cannot be asked while nobody runs it.
    config.mining = Mining::Instant;
    pass(12 * HOUR_MS);
    let world = World::open(config);
    assert!(stands(&world), "nobody ran it");
    pass(HOUR_MS);
    assert!(!stands(&world), "nobody asked, again");
    assert!(world.chain.replay(0, &mut |_, _| {}).unwrap().roots);
}
