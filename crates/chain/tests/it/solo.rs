use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use capstan_chain::{
    At, BlockInputs, ChainConfig, Event, Mining, Solo, Storage, TimeSource, Verdict,
};

use crate::world::{GWEI, World, config};

const BOB: Address = Address::repeat_byte(0xb0);

fn with(mining: Mining) -> (World, Solo) {
    let world = World::open(ChainConfig { mining, ..config() });
    let solo = Solo::start(&world.chain).unwrap();
    (world, solo)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{what} did not happen"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn instant_mines_what_comes_and_nothing_else() {
    let (world, solo) = with(Mining::Instant);
    for nonce in 0..20 {
        world
            .chain
            .submit(world.transfer(0, nonce, BOB, 1))
            .unwrap();
    }
    until("all mined", || {
        world.balance(At::Latest, BOB) == U256::from(20)
    });
    let head = world.chain.head().number();
    assert!((1..=20).contains(&head));
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(
        world.chain.head().number(),
        head,
        "no block without a transaction"
    );
    solo.stop().unwrap();
}

/// A million gas for users: ten transactions of the tests reserve all of it.
fn small_blocks(folder: &Path) -> ChainConfig {
    let mut config = ChainConfig {
        storage: Storage::Folder(folder.into()),
        mining: Mining::Instant,
        ..config()
    };
    config.genesis.user_gas_limit = 1_000_000;
    config
}

/// What a crash at this moment leaves, as far as the block log goes: the rest can be made from it.
fn crashed(from: &Path, to: &Path) -> World {
    let (from, to) = (from.join("blocks"), to.join("blocks"));
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(&from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    World::open(ChainConfig {
        mining: Mining::Manual,
        ..small_blocks(to.parent().unwrap())
    })
}

/// A block is executed while its parent is still being synced. Nobody hears of a block before its own sync
/// has ended, so a crash loses nothing that was reported; and what comes out is one chain, each transaction in
/// it once and in the order of its nonce.
#[test]
fn a_crash_amid_overlapping_blocks_loses_nothing_reported() {
    const EACH: u64 = 150;
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(small_blocks(folder.path()));
    let mut events = world.chain.subscribe();
    let sends = (0..EACH).flat_map(|nonce| (0..3).map(move |who| (who, nonce)));
    let sends: Vec<_> = sends
        .map(|(who, nonce)| world.transfer(who, nonce, BOB, 1))
        .collect();
    let answers = world.chain.submit_many(sends);
    assert!(answers.iter().all(Result::is_ok));
    let solo = Solo::start(&world.chain).unwrap();
    world
        .chain
        .dev()
        .unwrap()
        .set_mining(Mining::Instant)
        .unwrap();

    let mut paid = 0;
    while paid < 3 * EACH {
        let Event::Block(block) = events.blocking_recv().unwrap() else {
            panic!("nobody went back");
        };
        paid += block.transactions.len() as u64;
        assert_eq!(world.hash_of(block.number()), block.hash());
        assert_eq!(world.hash_of(block.number() - 1), block.header.parent_hash);
        if block.number() % 8 == 1 {
            let copy = tempfile::tempdir().unwrap();
            let after = crashed(folder.path(), copy.path());
            assert!(after.chain.head().number() >= block.number());
            assert_eq!(after.hash_of(block.number()), block.hash());
            assert_eq!(after.balance(block.number(), BOB), U256::from(paid));
        }
    }
    assert_eq!(world.balance(At::Latest, BOB), U256::from(3 * EACH));
    assert!(world.chain.head().number() > 8, "the blocks were small");
    assert!(world.chain.pool().hashes().is_empty());
    solo.stop().unwrap();
    let replayed = world.chain.replay(0, &mut |_, _| {}).unwrap();
    assert_eq!(replayed.blocks, world.chain.head().number());
}

/// What a developer asks of one block is in one block, also amid others.
#[test]
fn wishes_amid_overlapping_blocks_hold_for_one_block() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(small_blocks(folder.path()));
    let sends = (0..200).map(|nonce| world.transfer(0, nonce, BOB, 1));
    world.chain.submit_many(sends.collect());
    let wished = u64::try_from(2 * GWEI).unwrap() - 7;
    let dev = world.chain.dev().unwrap();
    let solo = Solo::start(&world.chain).unwrap();
    dev.set_mining(Mining::Instant).unwrap();
    dev.set_next_base_fee(wished).unwrap();
    until("all mined", || {
        world.balance(At::Latest, BOB) == U256::from(200)
    });
    let head = world.chain.head().number();
    let fees = (1..=head).map(|number| world.chain.block(number).unwrap().unwrap().base_fee_wei());
    let with_wish = fees.filter(|fee| *fee == wished).count();
    let waits = u64::from(world.chain.next_context().info.base_fee_wei == u128::from(wished));
    assert_eq!(with_wish as u64 + waits, 1);
    solo.stop().unwrap();
}

#[test]
fn interval_beats_without_traffic() {
    let (world, solo) = with(Mining::Interval(Duration::from_millis(10)));
    until("six blocks", || world.chain.head().number() >= 6);
    let dev = world.chain.dev().unwrap();
    dev.set_mining(Mining::Manual).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let head = world.chain.head().number();
    world.chain.submit(world.transfer(0, 0, BOB, 1)).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(world.chain.head().number(), head, "manual waits");
    dev.set_mining(Mining::Instant).unwrap();
    until("the waiting one is mined", || {
        world.balance(At::Latest, BOB) == U256::from(1)
    });
    assert!(solo.is_running());
    solo.stop().unwrap();
    assert!(!solo.is_running());
}

/// A clock that a test sets.
fn hand_set(start_ms: u64) -> (Arc<AtomicU64>, TimeSource) {
    let hand = Arc::new(AtomicU64::new(start_ms));
    let shown = Arc::clone(&hand);
    let source = TimeSource::new(move || shown.load(Ordering::SeqCst));
    (hand, source)
}

const HOUR_MS: u64 = 3_600_000;

/// CHAIN-12: whatever the machine's clock does, blocks come, their time rises, and it is the clock's again as soon
/// as the clock is ahead of the chain.
#[test]
fn chain_12_a_clock_that_jumps() {
    let start = config().genesis.time_ms + 1_000;
    let (hand, clock) = hand_set(start);
    let world = World::open(ChainConfig { clock, ..config() });
    let mut last = world.chain.head();
    // What the clock shows when each block is made, and the time that the block must have.
    let cases = [
        (start, start),
        (start + 250, start + 250),
        // It stands still.
        (start + 250, start + 251),
        // It jumps back: to an hour ago, before genesis, to 1970.
        (start - HOUR_MS, start + 252),
        (start - HOUR_MS + 250, start + 253),
        (0, start + 254),
        // It catches up, and is then what counts.
        (start + 254, start + 255),
        (start + 256, start + 256),
        // It jumps ahead: that is time that has passed.
        (start + HOUR_MS, start + HOUR_MS),
        // And is set right again.
        (start + 1_500, start + HOUR_MS + 1),
        (start + 1_750, start + HOUR_MS + 2),
        (start + HOUR_MS + 250, start + HOUR_MS + 250),
    ];
    for (i, (shown_ms, expected_ms)) in cases.into_iter().enumerate() {
        hand.store(shown_ms, Ordering::SeqCst);
        let block = world.mine();
        assert_eq!(block.time_ms(), expected_ms, "case {i}");
        assert_eq!(block.number(), last.number() + 1, "case {i}");
        assert!(
            block.header.timestamp >= last.header.timestamp,
            "case {i}: seconds fell"
        );
        last = block;
    }
}

/// CHAIN-12: the driver keeps its pace by a clock that cannot jump, so blocks go on at once after a jump either way.
#[test]
fn chain_12_the_pace_outlives_jumps() {
    let start = config().genesis.time_ms + HOUR_MS;
    let (hand, clock) = hand_set(start);
    let mining = Mining::Interval(Duration::from_millis(5));
    let world = World::open(ChainConfig {
        clock,
        mining,
        ..config()
    });
    let solo = Solo::start(&world.chain).unwrap();
    let mut seen = world.chain.head();
    for shown_ms in [start - HOUR_MS, start + HOUR_MS, start, 0] {
        hand.store(shown_ms, Ordering::SeqCst);
        let jumped_at = world.chain.head().number();
        until("ten blocks after a jump", || {
            world.chain.head().number() >= jumped_at + 10
        });
    }
    solo.stop().unwrap();
    while seen.number() < world.chain.head().number() {
        let child = world.chain.block(seen.number() + 1).unwrap().unwrap();
        assert!(child.time_ms() > seen.time_ms());
        assert!(child.header.timestamp >= seen.header.timestamp);
        seen = child;
    }
}

/// CHAIN-5: a block of a faster clock waits until this node's clock has come near; it is never bad.
#[test]
fn chain_5_a_block_ahead_of_the_clock_waits() {
    let start = config().genesis.time_ms + HOUR_MS;
    let (hand, clock) = hand_set(start);
    let (maker, judge) = (World::new(), World::open(ChainConfig { clock, ..config() }));
    let root = maker.chain.head();
    let inputs = BlockInputs::at(start + 1_001);
    let early = maker.chain.build(root.hash(), inputs).unwrap().block;
    match judge.chain.check(&early.raw()).unwrap() {
        Verdict::NotYet(why) => assert!(why.contains("1001 ms ahead"), "{why}"),
        other => panic!("{other:?}"),
    }
    hand.store(start + 1, Ordering::SeqCst);
    assert_eq!(judge.chain.check(&early.raw()).unwrap(), Verdict::Ok);
}
