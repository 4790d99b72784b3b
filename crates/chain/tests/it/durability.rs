use std::time::Duration;

use alloy_primitives::{Address, U256};
use capstan_chain::{
    At, Chain, ChainConfig, ChainError, Flush, Genesis, Storage, backup_folder, compact_folder,
    restore_folder, verify_folder,
};

use crate::world::{World, config, counter};

const BOB: Address = Address::repeat_byte(0xb0);

/// A chain in a folder that never flushes by itself.
fn unflushed(folder: &std::path::Path) -> World {
    World::open(ChainConfig {
        storage: Storage::Folder(folder.into()),
        flush: Flush {
            blocks: u64::MAX,
            interval: Duration::from_secs(3_600),
        },
        ..config()
    })
}

fn fill(world: &World, blocks: u64) {
    let start = world.chain.head().number();
    for nonce in start..start + blocks {
        let tx = match nonce % 5 {
            4 => world.create(0, nonce, counter()),
            _ => world.transfer(0, nonce, BOB, 1),
        };
        world.chain.submit(tx).unwrap();
        world.mine();
    }
}

/// CHAIN-8: every block that was final is there after a crash at any flush point, with the same state.
#[test]
fn chain_8_redo() {
    for flush_at in [0, 1, 6, 11, 12] {
        let folder = tempfile::tempdir().unwrap();
        let (head, root) = {
            let world = unflushed(folder.path());
            for number in 0..12 {
                if number == flush_at {
                    world.chain.flush().unwrap();
                }
                fill(&world, 1);
            }
            let head = world.chain.head();
            assert!(world.chain.sync_count() >= 12, "one sync for each block");
            (head.hash(), head.header.state_root)
            // Dropped as it is: the database lacks what came after the flush.
        };
        let world = unflushed(folder.path());
        assert_eq!(world.chain.head().hash(), head, "flushed at {flush_at}");
        assert_eq!(world.balance(At::Latest, BOB), U256::from(10));
        assert_eq!(
            world.balance(3, BOB),
            U256::from(3),
            "history is redone too"
        );
        fill(&world, 3);
        let block = world.chain.head();
        assert_eq!(block.number(), 15);
        assert_ne!(block.header.state_root, root);
        world.chain.close().unwrap();
        drop(world);
        let verified = verify_folder(folder.path(), &mut |_, _| {}).unwrap();
        assert_eq!((verified.blocks, verified.database_height), (16, 15));
    }
}

#[test]
fn waiting_transactions_survive_a_clean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::at(folder.path());
    world.chain.submit(world.transfer(0, 0, BOB, 1)).unwrap();
    world.chain.submit(world.transfer(0, 2, BOB, 1)).unwrap();
    world.chain.close().unwrap();
    drop(world);
    let world = World::at(folder.path());
    let status = world.chain.pool().status();
    assert_eq!((status.pending, status.queued), (1, 1));
}

#[test]
fn one_process_and_one_chain_per_folder() {
    let folder = tempfile::tempdir().unwrap();
    let open = |genesis: Genesis| {
        Chain::open(ChainConfig {
            genesis,
            storage: Storage::Folder(folder.path().into()),
            ..config()
        })
    };
    let first = open(Genesis::dev(5, 0)).unwrap();
    let error = open(Genesis::dev(5, 0)).unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
    drop(first);
    let error = open(Genesis::dev(4, 0)).unwrap_err();
    assert!(matches!(error, ChainError::OtherGenesis { .. }), "{error}");
    open(Genesis::dev(5, 0)).expect("untouched by the refusals");
}

/// CHAIN-9: exported blocks make the same chain elsewhere; a damaged export is refused by name.
#[test]
fn chain_9_export_and_import() {
    let world = World::new();
    fill(&world, 8);
    let mut file = Vec::new();
    assert_eq!(
        world
            .chain
            .export(&mut file, 0, None, &mut |_, _| {})
            .unwrap(),
        8
    );
    let other = World::new();
    let imported = other
        .chain
        .import(&mut file.as_slice(), &mut |_, _| {})
        .unwrap();
    assert_eq!((imported.added, imported.known), (8, 0));
    assert_eq!(other.chain.head().hash(), world.chain.head().hash());
    let again = other
        .chain
        .import(&mut file.as_slice(), &mut |_, _| {})
        .unwrap();
    assert_eq!((again.added, again.known), (0, 8));

    let strange = World::open(ChainConfig {
        genesis: Genesis::dev(3, 1),
        ..config()
    });
    let error = strange
        .chain
        .import(&mut file.as_slice(), &mut |_, _| {})
        .unwrap_err();
    assert!(error.to_string().contains("genesis"), "{error}");
    for (at, word) in [(0, "export"), (200, "checksum")] {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        let error = World::new()
            .chain
            .import(&mut damaged.as_slice(), &mut |_, _| {})
            .unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    let cut = &file[..file.len() - 3];
    let error = World::new()
        .chain
        .import(&mut &cut[..], &mut |_, _| {})
        .unwrap_err();
    assert!(error.to_string().contains("middle of a block"), "{error}");
}

#[test]
fn backup_and_restore() {
    let place = tempfile::tempdir().unwrap();
    let (live, copy, back) = (
        place.path().join("live"),
        place.path().join("copy"),
        place.path().join("back"),
    );
    let world = World::at(&live);
    fill(&world, 6);
    let head = world.chain.head().hash();
    world.chain.flush().unwrap();
    world.chain.backup(&copy, &mut |_, _| {}).unwrap();
    fill(&world, 2);
    world.chain.close().unwrap();
    drop(world);
    restore_folder(&copy, &back, &mut |_, _| {}).unwrap();
    assert_eq!(World::at(&back).chain.head().hash(), head);
    assert!(
        backup_folder(&live, &copy, &mut |_, _| {}).is_err(),
        "nothing is overwritten"
    );
    let (before, after) = compact_folder(&live).unwrap();
    assert!(after <= before);
    assert_eq!(World::at(&live).chain.head().number(), 8);
}

/// CHAIN-10: the state root of every block is that of a trie made from scratch; execution agrees too.
#[test]
fn chain_10_replay_agrees() {
    let world = World::new();
    fill(&world, 10);
    let mut seen = 0;
    let replayed = world.chain.replay(0, &mut |done, _| seen = done).unwrap();
    assert_eq!((replayed.blocks, replayed.roots, seen), (10, true, 10));
    let replayed = world.chain.replay(6, &mut |_, _| {}).unwrap();
    assert_eq!((replayed.blocks, replayed.roots), (5, false));
}
