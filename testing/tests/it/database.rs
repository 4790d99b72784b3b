//! The database against a model, under faults, and over copies (specs/database.md).

use std::{process::Command, sync::Arc};

use alloy_primitives::{Address, KECCAK256_EMPTY, U256, keccak256};
use capstan_chain::{
    db::{
        AccountDiff, AccountInfo, BlockRecord, Db, DbConfig, DbError, DerivedIndex, IndexSnapshot,
        IndexStep, LOG_FOLDER, Loaded, LoadedAccount, SCHEMA, STATE_FILE, StateDiff, backup,
        load_index, restore,
    },
    disk::{Disk, FolderLock, LockError, OsDisk},
    kv::{Batch, Kv, KvConfig, RedbKv, Table},
    log::{BlockLog, LogConfig},
    trie::{Layers, Mpt, NoNodes, StateCommitment},
};
use capstan_testing::{
    db_model::{Model, address, grow, next_blocks, random_diff, verify},
    fault_disk::{Fault, FaultDisk},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// DB-1 history, DB-2 pruning, DB-3 rewinding, DB-4 indexes, DB-5 the root: all against the model.
#[test]
fn db_1_to_5_equals_the_model() {
    for seed in 0..6 {
        let mut rng = StdRng::seed_from_u64(seed);
        let window = (seed % 2 == 1).then_some(12);
        let config = DbConfig {
            history_blocks: window,
            cached_nodes: 64,
        };
        let db = Db::memory(config).unwrap();
        let mut model = Model::default();
        let mut floor = 0;
        for _ in 0..8 {
            grow(&db, &mut model, &mut rng, 10);
            if window.is_some() {
                while !db.prune(3).unwrap() {}
                floor = floor.max((model.blocks.len() as u64 - 1).saturating_sub(12));
            }
            model.check(&db, floor);
            verify(&db.view().unwrap(), &model.blocks).unwrap();
            let tip = model.blocks.len() as u64 - 1;
            let to = rng.random_range(floor.max(tip.saturating_sub(9))..=tip);
            db.rewind_to(to).unwrap();
            model.truncate(to);
            model.check(&db, floor);
            verify(&db.view().unwrap(), &model.blocks).unwrap();
        }
        assert!(floor == 0 || db.rewind_to(floor - 1).is_err());
    }
}

#[test]
fn db_6_order_of_blocks() {
    let db = Db::memory(DbConfig::default()).unwrap();
    let mut model = Model::default();
    grow(&db, &mut model, &mut StdRng::seed_from_u64(1), 3);
    let again = model.blocks[2].clone();
    assert!(matches!(
        db.apply(&[again]),
        Err(DbError::Order {
            tip: Some(2),
            height: 2
        })
    ));
    assert_eq!(db.height(), Some(2));
}

#[test]
fn db_7_unknown_version_is_refused() {
    let kv = Arc::new(RedbKv::memory(SCHEMA).unwrap());
    drop(Db::open(kv.clone(), DbConfig::default()).unwrap());
    let mut batch = Batch::new();
    batch.put(Table(0), *b"version", 77u32.to_be_bytes());
    kv.write(batch).unwrap();
    let error = Db::open(kv, DbConfig::default()).unwrap_err();
    assert!(
        matches!(
            error,
            DbError::Version {
                found: 77,
                known: 1
            }
        ),
        "{error}"
    );
}

fn open_on(disk: &FaultDisk, config: DbConfig) -> Result<Db, String> {
    let file = disk.create("state").map_err(|error| error.to_string())?;
    let kv_config = KvConfig {
        cache_bytes: 1 << 20,
        quick_repair: true,
    };
    let kv =
        RedbKv::open_file(file, "state", SCHEMA, kv_config).map_err(|error| error.to_string())?;
    Db::open(Arc::new(kv), config).map_err(|error| error.to_string())
}

/// DB-9: with any operation of the disk failing, and a power cut after it, the database is whole and at an
/// acknowledged block or the one after.
#[test]
fn db_9_every_operation_failing() {
    let mut model = Model::default();
    let scratch = Db::memory(DbConfig::default()).unwrap();
    grow(&scratch, &mut model, &mut StdRng::seed_from_u64(11), 4);
    let work = |disk: &FaultDisk| -> Option<u64> {
        let db = open_on(disk, DbConfig::default()).ok()?;
        let mut acknowledged = None;
        for block in &model.blocks {
            if db.apply(std::slice::from_ref(block)).is_err() {
                break;
            }
            acknowledged = Some(block.height);
        }
        acknowledged
    };
    let healthy = FaultDisk::new();
    assert_eq!(work(&healthy), Some(3));
    let operations = healthy.operations();
    let (mut refused, mut interrupted) = (0, 0);
    for fault in [Fault::Once, Fault::Dead, Fault::Full] {
        for operation in 0..operations {
            let mut rng = StdRng::seed_from_u64(operation);
            let disk = FaultDisk::new();
            disk.fail_at(operation, fault);
            let acknowledged = work(&disk);
            interrupted += u64::from(acknowledged < Some(3));
            let after = disk.crash(&mut rng);
            let what = format!("{fault:?} at {operation} of {operations}");
            match open_on(&after, DbConfig::default()) {
                Ok(db) => {
                    assert!(
                        db.height() >= acknowledged,
                        "{what}: {:?} {acknowledged:?}",
                        db.height()
                    );
                    if let Some(height) = db.height() {
                        let mut kept = model.clone();
                        kept.truncate(height);
                        kept.check(&db, 0);
                        verify(&db.view().unwrap(), &kept.blocks).unwrap();
                    }
                }
                // Only a file whose making was interrupted may be refused; it held nothing.
                Err(error) => {
                    assert_eq!(acknowledged, None, "{what}: {error}");
                    assert!(
                        error.contains("rebuild it from the block log"),
                        "{what}: {error}"
                    );
                    refused += 1;
                }
            }
        }
    }
    println!(
        "{operations} operations, {interrupted} runs interrupted, {refused} refused at creation"
    );
    assert!(interrupted > operations);
}

/// DB-10: a backup taken from open stores, restored, answers as the original.
#[test]
fn db_10_backup_and_restore() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let open = |name: &str| {
        let kv =
            RedbKv::open_path(&at(name).join(STATE_FILE), SCHEMA, KvConfig::default()).unwrap();
        let disk = OsDisk::open(&at(name).join(LOG_FOLDER)).unwrap();
        let (log, _) = BlockLog::open(Arc::new(disk), LogConfig::default()).unwrap();
        (Db::open(Arc::new(kv), DbConfig::default()).unwrap(), log)
    };
    std::fs::create_dir(at("node")).unwrap();
    let (db, log) = open("node");
    let mut model = Model::default();
    grow(&db, &mut model, &mut StdRng::seed_from_u64(2), 15);
    for block in &model.blocks {
        log.append(block.height, block.hash, b"block").unwrap();
    }
    backup(&db, &log, &at("copy"), &mut |_| {}).unwrap();
    assert!(
        backup(&db, &log, &at("copy"), &mut |_| {}).is_err(),
        "never over something"
    );
    restore(&at("copy"), &at("again"), &mut |_| {}).unwrap();
    let (db, log) = open("again");
    model.check(&db, 0);
    verify(&db.view().unwrap(), &model.blocks).unwrap();
    assert_eq!(log.heights(), Some((0, 14)));
    assert!(restore(&at("nothing"), &at("more"), &mut |_| {}).is_err());
}

/// DB-11: a data folder has one process at a time; the other is told which.
#[test]
fn db_11_one_process_per_folder() {
    const CHILD: &str = "STORAGE_TEST_LOCK_FOLDER";
    if let Ok(folder) = std::env::var(CHILD) {
        let error = FolderLock::take(folder.as_ref()).unwrap_err();
        print!("{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let lock = FolderLock::take(folder.path()).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "database::db_11_one_process_per_folder",
            "--nocapture",
        ])
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(
        said.contains(&format!("in use by process {}", std::process::id())),
        "{said}"
    );
    assert!(matches!(
        FolderLock::take(folder.path()),
        Err(LockError::Held { .. })
    ));
    drop(lock);
    FolderLock::take(folder.path()).unwrap();
}

#[test]
fn db_12_cache_never_serves_another_generation() {
    let mut rng = StdRng::seed_from_u64(8);
    let db = Db::memory(DbConfig {
        history_blocks: None,
        cached_nodes: 4096,
    })
    .unwrap();
    let mut model = Model::default();
    grow(&db, &mut model, &mut rng, 5);
    let old = db.view().unwrap();
    let old_root = old.tip().unwrap().state_root;
    grow(&db, &mut model, &mut rng, 5);
    let new = db.view().unwrap();
    for (view, root) in [
        (&old, old_root),
        (&new, new.tip().unwrap().state_root),
        (&old, old_root),
    ] {
        assert_eq!(Mpt.root(&**view).unwrap(), root);
        // Every node is read again, so the trie from this view gives its own root after any change.
        let diff = random_diff(&mut rng);
        let back = Mpt.update(&**view, &diff).unwrap();
        let world = &model.worlds[view.tip().unwrap().height as usize];
        let mut full = StateDiff::default();
        for (address, (info, storage)) in world {
            let account = AccountDiff {
                info: Some(*info),
                storage: storage.clone(),
            };
            full.accounts.insert(*address, account);
        }
        let fresh = Mpt.update(&NoNodes, &full).unwrap();
        let source = Layers {
            overlays: vec![Arc::new(fresh.updates)],
            base: &NoNodes,
        };
        assert_eq!(Mpt.update(&source, &diff).unwrap().root, back.root);
    }
}

/// One step of a database's life.
enum Step {
    Apply(Vec<BlockRecord>),
    Prune,
    Rewind(u64),
}

fn run_step(db: &Db, step: &Step) -> Result<(), DbError> {
    match step {
        Step::Apply(blocks) => db.apply(blocks),
        Step::Prune => db.prune(2).map(drop),
        Step::Rewind(height) => db.rewind_to(*height),
    }
}

/// DB-13: rewinding and pruning are whole or not done at all, whatever operation of the disk fails and whatever a
/// power cut after it leaves.
#[test]
fn db_13_rewind_and_prune_with_every_operation_failing() {
    let config = DbConfig {
        history_blocks: Some(4),
        cached_nodes: 64,
    };
    let scratch = Db::memory(config).unwrap();
    let mut rng = StdRng::seed_from_u64(21);
    let mut model = Model::default();
    // The model and the floor of history after each step.
    let mut steps = Vec::new();
    for (blocks, then) in [(7, None), (1, Some(5)), (3, None), (2, Some(8))] {
        let batch = next_blocks(&scratch, &mut model, &mut rng, blocks);
        let mut next = vec![Step::Apply(batch), Step::Prune, Step::Prune];
        next.extend(then.map(Step::Rewind));
        for step in next {
            run_step(&scratch, &step).unwrap();
            if let Step::Rewind(height) = step {
                model.truncate(height);
            }
            let floor = *scratch.view().unwrap().history().unwrap().start();
            steps.push((step, model.clone(), floor));
        }
    }
    assert!(steps.last().is_some_and(|(_, _, floor)| *floor > 0));
    let work = |disk: &FaultDisk| -> Option<usize> {
        let db = open_on(disk, config).ok()?;
        let done = steps
            .iter()
            .take_while(|(step, ..)| run_step(&db, step).is_ok());
        Some(done.count())
    };
    let healthy = FaultDisk::new();
    assert_eq!(work(&healthy), Some(steps.len()));
    let operations = healthy.operations();
    let mut in_between = 0;
    for fault in [Fault::Once, Fault::Dead, Fault::Full] {
        for operation in 0..operations {
            let disk = FaultDisk::new();
            disk.fail_at(operation, fault);
            let done = work(&disk).unwrap_or(0);
            let after = disk.crash(&mut StdRng::seed_from_u64(operation));
            let what = format!("{fault:?} at {operation} of {operations}, {done} steps done");
            let Ok(db) = open_on(&after, config) else {
                assert_eq!(
                    done, 0,
                    "{what}: only a file that is being made may be refused"
                );
                continue;
            };
            let view = db.view().unwrap();
            let stands = (
                view.tip().map(|tip| tip.hash),
                view.history().map(|h| *h.start()),
            );
            let fits = |at: &usize| {
                at.checked_sub(1).is_none_or(|at| {
                    let (_, model, floor) = &steps[at];
                    stands == (model.blocks.last().map(|block| block.hash), Some(*floor))
                })
            };
            let found = [done, done + 1]
                .into_iter()
                .filter(|at| *at <= steps.len())
                .find(fits);
            let found = found.unwrap_or_else(|| panic!("{what}: stands at {stands:?}"));
            let Some(at) = found.checked_sub(1) else {
                continue;
            };
            in_between += u64::from(done < steps.len());
            let (_, model, floor) = &steps[at];
            model.check(&db, *floor);
            verify(&view, &model.blocks).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }
    println!("{operations} operations, {in_between} runs ended on the way");
    assert!(in_between > operations);
}

/// The words of one account: the smallest index there is.
#[derive(Default)]
struct Words(std::collections::BTreeMap<U256, U256>);

impl Words {
    fn set(&mut self, slot: U256, word: U256) {
        match word.is_zero() {
            true => self.0.remove(&slot),
            false => self.0.insert(slot, word),
        };
    }
}

impl DerivedIndex for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn account(&self) -> Address {
        address(1)
    }

    fn apply(&mut self, step: &IndexStep) {
        for (slot, _, after) in &step.words {
            self.set(*slot, *after);
        }
    }

    fn undo(&mut self, step: &IndexStep) {
        for (slot, before, _) in &step.words {
            self.set(*slot, *before);
        }
    }

    fn rebuild(&mut self, words: Vec<(U256, U256)>) {
        self.0 = words.into_iter().collect();
    }

    fn save(&self) -> Vec<u8> {
        let row = |(slot, word): (&U256, &U256)| [slot.to_be_bytes::<32>(), word.to_be_bytes()];
        self.0.iter().flat_map(row).flatten().collect()
    }

    fn load(&mut self, saved: &[u8]) -> bool {
        let (rows, rest) = saved.as_chunks::<64>();
        let word = U256::from_be_slice;
        self.0 = rows
            .iter()
            .map(|row| (word(&row[..32]), word(&row[32..])))
            .collect();
        rest.is_empty()
    }
}

fn snapshot_at_tip(db: &Db, index: &Words) -> IndexSnapshot {
    let tip = db.tip().unwrap();
    IndexSnapshot::of(index, tip.height, tip.hash)
}

/// DB-14: an index that follows blocks, one that leaves them, one that is loaded and one that is built anew are the
/// same, also where the snapshot is older than the state; a snapshot of other blocks is never taken.
#[test]
fn db_14_derived_indexes() {
    for seed in 0..4 {
        let mut rng = StdRng::seed_from_u64(seed);
        let kv = Arc::new(RedbKv::memory(SCHEMA).unwrap());
        let db = Db::open(kv.clone(), DbConfig::default()).unwrap();
        let mut model = Model::default();
        grow(&db, &mut model, &mut rng, 3);
        let load = || {
            let mut index = Words::default();
            let from = load_index(&db.view().unwrap(), &mut index).unwrap();
            (from, index)
        };
        let (from, mut index) = load();
        assert_eq!(from, Loaded::Rebuilt, "nothing was saved yet");
        let mut saved_at = None;
        for round in 0..16 {
            let what = format!("seed {seed} round {round}");
            let before = db.height().unwrap();
            let count = rng.random_range(1..5);
            let blocks = next_blocks(&db, &mut model, &mut rng, count);
            db.apply(&blocks).unwrap();
            index.apply(&db.view().unwrap().step_since(before, address(1)).unwrap());
            if rng.random_bool(0.5) {
                assert!(db.save_index(&snapshot_at_tip(&db, &index)).unwrap());
                saved_at = db.height();
            }
            let expected = saved_at.map_or(Loaded::Rebuilt, |at| Loaded::Saved { at });
            let (from, loaded) = load();
            assert_eq!((from, loaded.0.len()), (expected, index.0.len()), "{what}");
            assert_eq!(loaded.digest(), index.digest(), "{what}");
            let mut anew = Words::default();
            anew.rebuild(db.view().unwrap().storage_of(address(1)).unwrap());
            assert_eq!(anew.digest(), index.digest(), "{what}: anew");
            verify(&db.view().unwrap(), &model.blocks).unwrap();
            if rng.random_bool(0.6) {
                continue;
            }
            let tip = db.height().unwrap();
            let gone = snapshot_at_tip(&db, &index);
            let to = rng.random_range(tip.saturating_sub(4)..tip);
            index.undo(&db.view().unwrap().step_since(to, address(1)).unwrap());
            db.rewind_to(to).unwrap();
            model.truncate(to);
            saved_at = None;
            let (from, loaded) = load();
            assert_eq!(from, Loaded::Rebuilt, "{what}: rewound");
            assert_eq!(loaded.digest(), index.digest(), "{what}: rewound");
            assert!(!db.save_index(&gone).unwrap(), "{what}: its block is gone");
        }
        // Content that its digest does not fit is built anew, and is damage to whoever verifies.
        assert!(db.save_index(&snapshot_at_tip(&db, &index)).unwrap());
        let (key, name) = (b"index/words".to_vec(), Table(0));
        let mut row = kv.snapshot().unwrap().get(name, &key).unwrap().unwrap();
        *row.last_mut().unwrap() ^= 1;
        let mut batch = Batch::new();
        batch.put(name, key, row);
        kv.write(batch).unwrap();
        drop(db);
        let db = Db::open(kv, DbConfig::default()).unwrap();
        let view = db.view().unwrap();
        let mut loaded = Words::default();
        assert_eq!(load_index(&view, &mut loaded).unwrap(), Loaded::Rebuilt);
        assert_eq!(loaded.digest(), index.digest());
        let error = verify(&view, &model.blocks).unwrap_err();
        assert!(error.to_string().contains("digest"), "{error}");
    }
}

/// DB-14: a snapshot from before the window of history is not taken: what its account was then is forgotten.
#[test]
fn db_14_a_snapshot_below_the_window_is_not_taken() {
    let config = DbConfig {
        history_blocks: Some(4),
        ..DbConfig::default()
    };
    let db = Db::memory(config).unwrap();
    let (mut model, mut rng) = (Model::default(), StdRng::seed_from_u64(1));
    grow(&db, &mut model, &mut rng, 3);
    let mut index = Words::default();
    load_index(&db.view().unwrap(), &mut index).unwrap();
    assert!(db.save_index(&snapshot_at_tip(&db, &index)).unwrap());
    for kept in [true, false] {
        grow(&db, &mut model, &mut rng, 4);
        while !db.prune(64).unwrap() {}
        let from = load_index(&db.view().unwrap(), &mut index).unwrap();
        assert_eq!(from != Loaded::Rebuilt, kept);
        let mut anew = Words::default();
        anew.rebuild(db.view().unwrap().storage_of(address(1)).unwrap());
        assert_eq!(index.digest(), anew.digest());
    }
}

/// DB-16: a state that was loaded at once answers, and goes on, as one that grew block by block; a load that was cut
/// short is refused.
#[test]
fn db_16_loaded_state() {
    let mut rng = StdRng::seed_from_u64(31);
    let grown = Db::memory(DbConfig::default()).unwrap();
    let mut model = Model::default();
    grow(&grown, &mut model, &mut rng, 12);
    // Enough slots for many parts of a trie, in an account that the random blocks do not end.
    let info = |n: u64| AccountInfo {
        nonce: n,
        ..AccountInfo::default()
    };
    let mut many = AccountDiff {
        info: Some(info(1)),
        ..AccountDiff::default()
    };
    many.storage = (0..3_000u64)
        .map(|n| (U256::from(n * 7), U256::from(n + 1)))
        .collect();
    let large = address(99);
    let mut world = model.worlds.last().cloned().unwrap();
    world.insert(large, (info(1), many.storage.clone()));
    let mut diff = StateDiff::default();
    diff.accounts.insert(large, many);
    let expected = Mpt.update(&*grown.view().unwrap(), &diff).unwrap().root;

    let kv = Arc::new(RedbKv::memory(SCHEMA).unwrap());
    let db = Db::open(kv.clone(), DbConfig::default()).unwrap();
    let mut loader = db.load(12).unwrap();
    for (address, (info, slots)) in &world {
        let code = match info.code_hash == KECCAK256_EMPTY {
            true => None,
            false => grown.view().unwrap().code(info.code_hash).unwrap(),
        };
        let account = LoadedAccount {
            address: *address,
            info: *info,
            code,
            slots: &mut slots.iter().map(|(slot, word)| (*slot, *word)),
        };
        loader.account(account).unwrap();
    }
    let error = Db::open(kv, DbConfig::default()).unwrap_err().to_string();
    assert!(error.contains("cut short"), "{error}");
    let tip = loader.finish(keccak256).unwrap();
    assert_eq!((tip.height, tip.state_root), (12, expected));
    assert!(db.load(13).is_err(), "not over something");
    let first = BlockRecord {
        height: 12,
        hash: tip.hash,
        state_root: expected,
        ..BlockRecord::default()
    };
    verify(&db.view().unwrap(), std::slice::from_ref(&first)).unwrap();
    let view = db.view().unwrap();
    assert_eq!(
        view.storage_at(12, large, U256::from(14)).unwrap(),
        U256::from(3)
    );
    drop(view);

    // The next blocks, here and there.
    let mut blocks = vec![first];
    for height in 13..18 {
        let view = db.view().unwrap();
        let mut diff = random_diff(&mut rng);
        let slots = (0..40u64).map(|n| (U256::from(n * 7 * height), U256::from(n % 3)));
        let account = AccountDiff {
            info: Some(info(height)),
            storage: slots.collect(),
        };
        diff.accounts.insert(large, account);
        let commit = Mpt.update(&*view, &diff).unwrap();
        let block = BlockRecord {
            height,
            hash: keccak256(height.to_be_bytes()),
            state_root: commit.root,
            diff: Arc::new(diff),
            nodes: Arc::new(commit.updates),
            ..BlockRecord::default()
        };
        db.apply(std::slice::from_ref(&block)).unwrap();
        blocks.push(block);
    }
    verify(&db.view().unwrap(), &blocks).unwrap();
    let view = db.view().unwrap();
    assert_eq!(
        view.storage_at(12, large, U256::from(14)).unwrap(),
        U256::from(3)
    );
    db.rewind_to(12).unwrap();
    assert_eq!(db.tip(), Some(tip));
    verify(&db.view().unwrap(), &blocks[..1]).unwrap();
}
