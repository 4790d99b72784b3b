//! Blocks that come after their chain stood still, and blocks before which a developer let time pass.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_eip7928::BlockAccessList;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_rlp::Decodable as _;
use capstan_chain::{
    Block, BlockInputs, ChainConfig, Genesis, Mining, RawBlock, Storage, TimeSource, Verdict,
    Verify,
};
use capstan_contracts::{SystemKind, still};
use capstan_evm::{SystemTx, Tx};

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
    strict_by(2)
}

/// One whose blocks are judged by so many threads.
fn strict_by(threads: usize) -> World {
    let genesis = Genesis {
        development: false,
        ..Genesis::dev(5, 0)
    };
    World::open(ChainConfig {
        genesis,
        dev: false,
        verify: Verify {
            threads,
            from_gas: 0,
        },
        ..config()
    })
}

/// Makes a block so long after the newest.
fn after(maker: &World, ms: u64, paid: Vec<Recovered<Tx>>) -> Arc<Block> {
    let parent = maker.chain.head();
    let inputs = BlockInputs {
        transactions: Box::new(VecDeque::from(paid)),
        ..BlockInputs::at(parent.time_ms() + ms)
    };
    let block = maker.chain.build(parent.hash(), inputs).unwrap().block;
    maker.chain.finalize(block.hash()).unwrap()
}

/// STILL-3: a block says so exactly when it is true, and since when; what says otherwise is bad, by name.
#[test]
fn still_3_a_block_says_that_its_chain_stood_still_exactly_when_it_did() {
    let (maker, judge) = (strict(), strict());
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
        let parent = maker.chain.head();
        let block = after(&maker, ms, Vec::new());
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

/// Two people pay somebody.
fn paid(maker: &World, nonce: u64) -> Vec<Recovered<Tx>> {
    let pay = |who| maker.transfer(who, nonce, Address::repeat_byte(0xb0), 5);
    (0..2).map(pay).collect()
}

/// STILL-3, PER-2: a block that says so is judged by its list as every other, by one thread and by several, and a stop that its
/// list tells wrongly is named. What it did is redone from records.
#[test]
fn still_3_a_block_that_says_so_is_judged_by_its_list() {
    let maker = strict();
    let first = after(&maker, 250, paid(&maker, 0));
    let block = after(&maker, HOUR_MS, paid(&maker, 1));
    assert!(said(&block).is_some());
    let good = block.raw();
    let mut list = BlockAccessList::decode(&mut good.access_list.as_ref()).unwrap();
    let told = list.iter_mut().find(|one| one.address == still::ADDRESS);
    let written = &mut told.expect("a stop is written").storage_changes;
    assert!(!written.is_empty());
    let word = &mut written[0].changes[0];
    assert_eq!(word.block_access_index.0, 1, "before all else");
    word.new_value += U256::from(1);
    let mut wrong = good.clone();
    wrong.access_list = alloy_rlp::encode(&list).into();
    wrong.header.block_access_list_hash = Some(keccak256(&wrong.access_list));
    for threads in 1..4 {
        let judge = strict_by(threads);
        assert_eq!(judge.chain.check(&first.raw()).unwrap(), Verdict::Ok);
        judge.chain.finalize(first.hash()).unwrap();
        match judge.chain.check(&wrong).unwrap() {
            Verdict::Bad(reason) => {
                assert!(reason.contains(&still::ADDRESS.to_string()), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(judge.chain.check(&good).unwrap(), Verdict::Ok);
        judge.chain.finalize(block.hash()).unwrap();
        let redone = judge.chain.replay_records(None, &mut |_, _| {}).unwrap();
        assert_eq!(redone.blocks, 2, "PER-14");
    }
}

/// STILL-3: it is said once, and before everything else.
#[test]
fn still_3_a_block_says_so_once_and_first() {
    let (maker, judge) = (strict(), strict());
    let first = after(&maker, 250, Vec::new());
    let block = after(&maker, HOUR_MS, paid(&maker, 0));
    assert_eq!(judge.chain.check(&first.raw()).unwrap(), Verdict::Ok);
    judge.chain.finalize(first.hash()).unwrap();
    let places = block.transactions.len();
    assert_eq!(places, 3, "{:?}", block.transactions);
    let bad = |raw: &RawBlock| match judge.chain.check(raw).unwrap() {
        Verdict::Bad(reason) => assert!(reason.contains("Wake"), "{reason}"),
        other => panic!("{other:?}"),
    };
    for place in 1..places {
        let mut raw = block.raw();
        let wake = raw.transactions.remove(0);
        raw.transactions.insert(place, wake.clone());
        bad(&raw);
        let mut raw = block.raw();
        raw.transactions.insert(place, wake);
        bad(&raw);
    }
    assert_eq!(judge.chain.check(&block.raw()).unwrap(), Verdict::Ok);
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
