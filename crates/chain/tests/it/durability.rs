use std::{
    collections::BTreeMap,
    ops::{Bound, ControlFlow},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use capstan_chain::{
    At, Chain, ChainConfig, ChainError, Flush, Genesis, Storage, backup_folder, compact_folder,
    db::{LOG_FOLDER, SCHEMA, STATE_FILE},
    export::{ExportHeader, ExportWriter},
    kv::{Batch, Kv as _, KvConfig, Order, RedbKv, Table},
    restore_folder, verify_folder,
};

use crate::world::{World, config, counter, plain};

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

/// Blocks with one transaction each.
fn fill(world: &World, blocks: u64) {
    for _ in 0..blocks {
        let nonce = world.nonce();
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

/// All rows of a folder's database.
fn rows(folder: &Path) -> Vec<BTreeMap<Vec<u8>, Vec<u8>>> {
    let kv = RedbKv::open_path(&folder.join(STATE_FILE), SCHEMA, KvConfig::default()).unwrap();
    let snapshot = kv.snapshot().unwrap();
    let table = |index: usize| {
        let every = (Bound::Unbounded, Bound::Unbounded);
        let (table, mut rows) = (Table(u8::try_from(index).unwrap()), BTreeMap::new());
        let walked = snapshot.walk(table, every, Order::Forward, &mut |key, value| {
            rows.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        });
        walked.unwrap();
        rows
    };
    (0..SCHEMA.len()).map(table).collect()
}

/// PER-16: a database whose blocks were redone, some into tables on the way and the last in memory, holds what executing the
/// same blocks makes; also where the node that redid them crashed again.
#[test]
fn per_16_redone_tables_are_those_of_executing() {
    let (crashed, executing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let world = unflushed(crashed.path());
    fill(&world, 70);
    world.chain.flush().unwrap();
    fill(&world, 140);
    let file = export(&world, 1);
    drop(world);

    let executed = World::at(executing.path());
    executed.chain.import(&mut &*file, &mut |_, _| {}).unwrap();
    executed.chain.close().unwrap();
    drop(executed);

    let first = unflushed(crashed.path());
    assert_eq!(first.chain.head().number(), 210);
    drop(first);
    let again = unflushed(crashed.path());
    assert_eq!(again.balance(75, BOB), U256::from(60), "history in memory");
    again.chain.close().unwrap();
    drop(again);
    assert!(rows(crashed.path()) == rows(executing.path()), "PER-16");
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
    let named = || std::fs::read_to_string(folder.path().join("LOCK")).unwrap();
    assert_eq!(named().trim(), std::process::id().to_string());
    drop(first);
    assert_eq!(named(), "", "nobody is named who has it no more");
    let error = open(Genesis::dev(4, 0)).unwrap_err();
    assert!(matches!(error, ChainError::OtherGenesis { .. }), "{error}");
    open(Genesis::dev(5, 0)).expect("untouched by the refusals");
}

fn export(world: &World, from: u64) -> Vec<u8> {
    let mut file = Vec::new();
    let count = world.chain.export(&mut file, from, None, &mut |_, _| {});
    assert_eq!(count.unwrap(), world.chain.head().number() + 1 - from);
    file
}

/// CHAIN-9, EXP-6: exported blocks make the same chain elsewhere, also in pieces; anything else is refused by name, and
/// what came before the bad place stays.
#[test]
fn chain_9_export_and_import() {
    let world = World::new();
    fill(&world, 8);
    let file = export(&world, 1);
    let import = |into: &World, bytes: &[u8]| {
        let mut heard = Vec::new();
        let done = into
            .chain
            .import(&mut &*bytes, &mut |done, of| heard.push((done, of)));
        done.map(|done| (done.added, done.known, heard))
    };
    let other = World::new();
    let (added, known, heard) = import(&other, &file).unwrap();
    assert_eq!((added, known), (8, 0));
    assert_eq!(heard, (1..=8).map(|done| (done, 8)).collect::<Vec<_>>());
    assert_eq!(other.chain.head().hash(), world.chain.head().hash());
    let (added, known, _) = import(&other, &file).unwrap();
    assert_eq!((added, known), (0, 8));
    fill(&world, 3);
    let (added, known, _) = import(&other, &export(&world, 5)).unwrap();
    assert_eq!((added, known), (3, 4), "a later piece that overlaps");

    let refused = |into: &World, bytes: &[u8], words: &str| {
        let error = import(into, bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
        into.chain.head().number()
    };
    let strange = World::open(ChainConfig {
        genesis: Genesis::dev(3, 1),
        ..config()
    });
    assert_eq!(refused(&strange, &file, "genesis block"), 0);
    let gap = export(&world, 5);
    assert_eq!(
        refused(&World::new(), &gap, "import blocks 1 to 4 first"),
        0
    );
    let forked = World::new();
    fill(&forked, 2);
    forked
        .chain
        .dev()
        .unwrap()
        .increase_time(Duration::from_secs(5))
        .unwrap();
    fill(&forked, 2);
    assert_eq!(refused(&forked, &file, "went apart"), 4);
    let mut damaged = file.clone();
    damaged[0] ^= 1;
    assert_eq!(refused(&World::new(), &damaged, "capstan export"), 0);
    let middle = file.len() / 2;
    damaged = file.clone();
    damaged[middle] ^= 1;
    let torn = World::new();
    let reached = refused(&torn, &damaged, "checksum");
    assert!((1..8).contains(&reached), "{reached}");
    assert_eq!(refused(&torn, &file[..middle], "cut short"), reached);
    let (added, known, _) = import(&torn, &file).unwrap();
    assert_eq!(
        (added, known),
        (8 - reached, reached),
        "it goes on where it stopped"
    );
    assert_eq!(
        refused(&World::new(), &file[..file.len() - 3], "cut short"),
        8
    );
}

/// CHAIN-9, EXP-6: whole frames around a block that does not hold.
#[test]
fn chain_9_a_false_block_is_refused() {
    let world = World::new();
    fill(&world, 3);
    let genesis = world.hash_of(0);
    let check = |words: &str, spoil: &dyn Fn(&mut capstan_chain::RawBlock)| {
        let header = ExportHeader {
            chain_id: 31_337,
            genesis,
            first: 1,
            last: 3,
        };
        let mut file = Vec::new();
        let mut writer = ExportWriter::begin(&mut file, &header).unwrap();
        for number in 1..=3 {
            let block = world.chain.block(number).unwrap().unwrap();
            let mut raw = block.raw();
            let mut hash = block.hash();
            if number == 2 {
                spoil(&mut raw);
                hash = raw.header.hash_slow();
            }
            writer.push(hash, &raw.encode()).unwrap();
        }
        writer.finish().unwrap();
        let other = World::new();
        let error = other
            .chain
            .import(&mut &*file, &mut |_, _| {})
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("block 2 (") && error.contains(words),
            "{words}: {error}"
        );
        assert_eq!(other.chain.head().number(), 1);
    };
    check("stateRoot", &|raw| raw.header.state_root = genesis);
    check("transactions", &|raw| raw.transactions.clear());
    check("header is that of block 7", &|raw| raw.header.number = 7);
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
    assert_eq!(World::at(&live).chain.head().number(), 8);
}

/// DB-15: a compacted database is smaller and holds the same.
#[test]
fn db_15_compact() {
    let place = tempfile::tempdir().unwrap();
    let world = World::at(place.path());
    fill(&world, 12);
    world.chain.close().unwrap();
    drop(world);
    let before = verify_folder(place.path(), &mut |_, _| {}).unwrap();
    {
        // What pruning leaves behind in a long life: pages that are free.
        let kv = RedbKv::open_path(&place.path().join(STATE_FILE), SCHEMA, KvConfig::default());
        let kv = kv.unwrap();
        for keep in [true, false] {
            let mut batch = Batch::new();
            for key in 0..20_000u64 {
                match keep {
                    true => batch.put(Table(3), key.to_be_bytes(), [7; 200]),
                    false => batch.delete(Table(3), key.to_be_bytes()),
                }
            }
            kv.write(batch).unwrap();
        }
    }
    let (large, small) = compact_folder(place.path()).unwrap();
    assert!(small * 2 < large, "{large} bytes before, {small} after");
    let size = std::fs::metadata(place.path().join(STATE_FILE))
        .unwrap()
        .len();
    assert_eq!(size, small);
    assert_eq!(verify_folder(place.path(), &mut |_, _| {}).unwrap(), before);
    let world = World::at(place.path());
    fill(&world, 1);
    assert_eq!(world.chain.head().number(), 13);
}

/// CHAIN-8: a crash amid a rewind, after the log was cut and before the database followed.
#[test]
fn chain_8_interrupted_rewind() {
    let place = tempfile::tempdir().unwrap();
    let world = World::at(place.path());
    fill(&world, 9);
    world.chain.close().unwrap();
    let file = place.path().join(STATE_FILE);
    drop(world);
    let above = std::fs::read(&file).unwrap();
    let world = World::at(place.path());
    world.chain.dev().unwrap().rewind_to(4).unwrap();
    let (hash, root) = (world.hash_of(4), world.chain.head().header.state_root);
    world.chain.close().unwrap();
    drop(world);
    std::fs::write(&file, above).unwrap();
    let world = World::at(place.path());
    assert_eq!(world.chain.head().hash(), hash);
    assert_eq!(world.balance(At::Latest, BOB), U256::from(4));
    fill(&world, 2);
    assert_ne!(world.chain.head().header.state_root, root);
    world.chain.close().unwrap();
    drop(world);
    let verified = verify_folder(place.path(), &mut |_, _| {}).unwrap();
    assert_eq!((verified.blocks, verified.database_height), (7, 6));
}

/// DB-8 for a whole folder: what was touched is named, be it a block or a table.
#[test]
fn db_8_verify_folder_names_what_was_touched() {
    let place = tempfile::tempdir().unwrap();
    let world = World::at(place.path());
    fill(&world, 11);
    // The contract made by the fifth transaction writes slots and a log.
    let call = TxEip1559 {
        to: TxKind::Call(world.address(0).create(4)),
        ..plain(world.nonce())
    };
    world.chain.submit(world.sign(0, call)).unwrap();
    assert!(!world.mine().receipts[0].logs().is_empty());
    world.chain.close().unwrap();
    drop(world);
    let whole = verify_folder(place.path(), &mut |_, _| {}).unwrap();
    assert_eq!((whole.blocks, whole.database_height), (13, 12));
    assert!(whole.accounts > 5 && whole.slots > 0 && whole.nodes > 1 && whole.history > 20);
    let file = place.path().join(STATE_FILE);
    let good = std::fs::read(&file).unwrap();
    for (index, name) in (0u8..).zip(SCHEMA) {
        let kv = RedbKv::open_path(&file, SCHEMA, KvConfig::default()).unwrap();
        let every = (Bound::Unbounded, Bound::Unbounded);
        let row = kv
            .snapshot()
            .unwrap()
            .edge(Table(index), every, Order::Backward)
            .unwrap();
        let (key, mut value) = row.unwrap_or_else(|| panic!("table {name} has no rows"));
        // Of the table `meta` that is the version, which is refused as such.
        match value.last_mut() {
            Some(last) => *last ^= 1,
            None => value.push(1),
        }
        let mut batch = Batch::new();
        batch.put(Table(index), key, value);
        kv.write(batch).unwrap();
        drop(kv);
        let error = verify_folder(place.path(), &mut |_, _| {})
            .unwrap_err()
            .to_string();
        let named = error.contains(&format!("`{name}`")) || error.contains("has format");
        assert!(named, "{name}: {error}");
        std::fs::write(&file, &good).unwrap();
    }
    assert_eq!(verify_folder(place.path(), &mut |_, _| {}).unwrap(), whole);
    let segment = place
        .path()
        .join(LOG_FOLDER)
        .join("00000000000000000000.blocks");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let error = verify_folder(place.path(), &mut |_, _| {})
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(".blocks") && error.contains("in block"),
        "{error}"
    );
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

/// CHAIN-10: the scratch chain of a replay lets go of old blocks on the way, and its folder is removed.
#[test]
fn chain_10_replay_over_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let world = World::at(place.path());
    world.chain.dev().unwrap().mine(1_300, None).unwrap();
    fill(&world, 5);
    let replayed = world.chain.replay(1, &mut |_, _| {}).unwrap();
    assert_eq!((replayed.blocks, replayed.transactions), (1_305, 5));
    let left = std::fs::read_dir(place.path()).unwrap().flatten();
    let mut names: Vec<_> = left.map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["LOCK", "blocks", "pool.journal", "state.redb"]);
}

/// Every file of a folder, with its bytes.
fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(bytes_of(&path)),
            false => drop(found.insert(path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found
}

/// CHAIN-18: verifying and replaying change no byte of what they judge: not after a crash, with blocks that the database
/// lacks, nor with junk behind the end of the log, nor without a database. What is read only may be judged.
#[test]
fn chain_18_judging_changes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let folder = place.path().join("chain");
    let world = World::at(&folder);
    fill(&world, 8);
    world.chain.close().unwrap();
    drop(world);
    // As a crash leaves it: an older database, a longer log.
    let older = std::fs::read(folder.join(STATE_FILE)).unwrap();
    let world = World::at(&folder);
    fill(&world, 7);
    world.chain.close().unwrap();
    drop(world);
    let whole = bytes_of(&folder);
    let log = whole
        .keys()
        .find(|path| path.extension().is_some_and(|end| end == "blocks"));
    let log = log.expect("a segment").clone();
    let states: [(&str, &dyn Fn()); 4] = [
        ("a clean stop", &|| {}),
        ("junk behind the log", &|| {
            let mut bytes = whole[&log].clone();
            bytes.extend([0xee; 5_000]);
            std::fs::write(&log, bytes).unwrap();
        }),
        ("an older database", &|| {
            std::fs::write(folder.join(STATE_FILE), &older).unwrap()
        }),
        ("no database", &|| {
            std::fs::remove_file(folder.join(STATE_FILE)).unwrap()
        }),
    ];
    for (what, make) in states {
        for (path, bytes) in &whole {
            std::fs::write(path, bytes).unwrap();
        }
        make();
        let before = bytes_of(&folder);
        let verified = verify_folder(&folder, &mut |_, _| {});
        assert_eq!(
            verified.is_ok(),
            what != "no database",
            "{what}: {verified:?}"
        );
        let looked = World::open(ChainConfig {
            storage: Storage::Looked(folder.clone()),
            dev: false,
            ..config()
        });
        let replayed = looked
            .chain
            .replay_in(1, Some(scratch.path()), &mut |_, _| {});
        assert_eq!(replayed.unwrap().transactions, 15, "{what}");
        looked.chain.close().unwrap();
        drop(looked);
        assert!(bytes_of(&folder) == before, "{what}: a byte has changed");
        assert_eq!(
            std::fs::read_dir(scratch.path()).unwrap().count(),
            0,
            "{what}"
        );
    }
}

/// DB-11: where somebody removed the lock file of a running node, a second process still gets no folder, is told why, and
/// has touched nothing.
#[test]
fn db_11_a_removed_lock_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::at(folder.path());
    fill(&world, 3);
    std::fs::remove_file(folder.path().join("LOCK")).unwrap();
    let second = || {
        Chain::open(ChainConfig {
            storage: Storage::Folder(folder.path().into()),
            ..config()
        })
    };
    let said = second().expect_err("in use").to_string();
    assert!(
        said.contains("another process") && said.contains("lock file"),
        "{said}"
    );
    assert!(
        !said.contains("restore it") && !said.contains("remove that file"),
        "{said}"
    );
    std::fs::remove_file(folder.path().join("LOCK")).unwrap();
    let judged = verify_folder(folder.path(), &mut |_, _| {})
        .expect_err("in use")
        .to_string();
    assert!(judged.contains("another process"), "{judged}");
    fill(&world, 1);
    world.chain.close().unwrap();
    drop(world);
    verify_folder(folder.path(), &mut |_, _| {}).expect("whole");
    assert_eq!(second().expect("free").head().number(), 4);
}

/// CHAIN-13: a folder is free as soon as the last handle is gone, also while the database is being written behind it.
#[test]
fn chain_13_the_folder_is_free_with_the_last_handle() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=20 {
        let world = World::open(ChainConfig {
            storage: Storage::Folder(folder.path().into()),
            flush: Flush {
                blocks: 1,
                interval: Duration::ZERO,
            },
            ..config()
        });
        for _ in 0..5 {
            world.mine();
        }
        assert_eq!(world.chain.head().number(), 5 * round);
    }
}
