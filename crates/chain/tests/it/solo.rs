use std::time::{Duration, Instant};

use std::path::Path;

use alloy_primitives::{Address, U256};
use capstan_chain::{At, ChainConfig, Event, Mining, Solo, Storage};

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
