//! The database against a model, under faults, and over copies (specs/database.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use capstan_chain::{
    db::{
        AccountDiff, AccountInfo, BlockRecord, Db, DbConfig, DbError, LOG_FOLDER, LogFilter,
        SCHEMA, STATE_FILE, Stage, StateDiff, TxPosition, TxRecord, backup, restore,
    },
    disk::{Disk, FolderLock, LockError, OsDisk},
    kv::{Batch, Kv, KvConfig, RedbKv, Table},
    log::{BlockLog, LogConfig},
    trie::{Layers, Mpt, NoNodes, NodeSource, StateCommitment},
};
use capstan_testing::fault_disk::{Fault, FaultDisk};
use rand::{Rng, SeedableRng, rngs::StdRng};

type World = BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>;

/// Everything that a database must answer, as plain maps: one world for each height.
#[derive(Clone, Default)]
struct Model {
    worlds: Vec<World>,
    blocks: Vec<BlockRecord>,
}

fn address(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

fn random_diff(rng: &mut StdRng) -> StateDiff {
    let mut diff = StateDiff::default();
    for _ in 0..rng.random_range(1..6) {
        let mut account = AccountDiff::default();
        if rng.random_bool(0.85) {
            let mut info = AccountInfo {
                balance: U256::from(rng.random::<u128>()),
                nonce: rng.random_range(0..100),
                code_hash: KECCAK256_EMPTY,
            };
            if rng.random_bool(0.2) {
                let code = Bytes::from(vec![0xfe, rng.random_range(0..5)]);
                info.code_hash = keccak256(&code);
                diff.codes.insert(info.code_hash, code);
            }
            account.info = Some(info);
            for _ in 0..rng.random_range(0..8) {
                let value = if rng.random_bool(0.4) {
                    0
                } else {
                    rng.random::<u64>()
                };
                account
                    .storage
                    .insert(U256::from(rng.random_range(0..10u8)), U256::from(value));
            }
        }
        diff.accounts
            .insert(address(rng.random_range(0..8)), account);
    }
    diff
}

impl Model {
    /// Makes the next block over what `source` holds.
    fn grow(&mut self, rng: &mut StdRng, source: &dyn NodeSource) -> BlockRecord {
        let height = self.blocks.len() as u64;
        let diff = random_diff(rng);
        let mut world = self.worlds.last().cloned().unwrap_or_default();
        for (address, account) in &diff.accounts {
            let Some(info) = account.info else {
                world.remove(address);
                continue;
            };
            let (old, storage) = world.entry(*address).or_default();
            *old = info;
            for (slot, value) in &account.storage {
                if value.is_zero() {
                    storage.remove(slot)
                } else {
                    storage.insert(*slot, *value)
                };
            }
        }
        let commit = Mpt.update(source, &diff).unwrap();
        let block = BlockRecord {
            height,
            hash: keccak256((height, rng.random::<u64>()).0.to_be_bytes().repeat(2))
                ^ B256::random(),
            state_root: commit.root,
            diff: Arc::new(diff),
            nodes: Arc::new(commit.updates),
            transactions: (0..rng.random_range(0..4))
                .map(|_| TxRecord {
                    hash: B256::random(),
                    accounts: vec![
                        address(rng.random_range(0..4)),
                        address(rng.random_range(0..8)),
                    ],
                })
                .collect(),
            logs: (0..rng.random_range(0..3))
                .map(|_| {
                    let topics = rng.random_range(0..5u8);
                    let topics = (0..topics).map(|_| topic(rng.random_range(0..6))).collect();
                    (address(rng.random_range(0..5)), topics)
                })
                .collect(),
        };
        self.worlds.push(world);
        self.blocks.push(block.clone());
        block
    }

    fn truncate(&mut self, height: u64) {
        self.worlds.truncate(height as usize + 1);
        self.blocks.truncate(height as usize + 1);
    }

    /// DB-1 to DB-4: every answer of the database is the model's.
    fn check(&self, db: &Db, floor: u64) {
        let view = db.view().unwrap();
        let tip = self.blocks.len() as u64 - 1;
        assert_eq!(view.tip().unwrap().height, tip);
        assert_eq!(view.history(), Some(floor..=tip));
        for height in floor..=tip {
            let world = &self.worlds[height as usize];
            for n in 0..8 {
                let known = world.get(&address(n));
                let found = view.account_at(height, address(n)).unwrap();
                assert_eq!(
                    found,
                    known.map(|(info, _)| *info),
                    "account {n} at {height}"
                );
                for slot in (0..10u8).map(U256::from) {
                    let value = known
                        .and_then(|(_, s)| s.get(&slot))
                        .copied()
                        .unwrap_or_default();
                    let found = view.storage_at(height, address(n), slot).unwrap();
                    assert_eq!(found, value, "slot {slot} of {n} at {height}");
                }
            }
        }
        if let Some(below) = floor.checked_sub(1) {
            let error = view.account_at(below, address(0)).unwrap_err();
            assert!(matches!(error, DbError::NoHistory { .. }), "{error}");
        }
        assert!(view.account_at(tip + 1, address(0)).is_err());
        self.check_indexes(db);
    }

    fn check_indexes(&self, db: &Db) {
        let view = db.view().unwrap();
        let mut by_account: BTreeMap<Address, BTreeSet<TxPosition>> = BTreeMap::new();
        for block in &self.blocks {
            assert_eq!(view.block_hash(block.height).unwrap(), Some(block.hash));
            assert_eq!(view.block_height(block.hash).unwrap(), Some(block.height));
            for (index, transaction) in (0u32..).zip(&block.transactions) {
                let position = TxPosition {
                    height: block.height,
                    index,
                };
                assert_eq!(view.transaction(transaction.hash).unwrap(), [position]);
                for account in &transaction.accounts {
                    by_account.entry(*account).or_default().insert(position);
                }
            }
        }
        for n in 0..8 {
            let expected: Vec<_> = by_account
                .get(&address(n))
                .into_iter()
                .flatten()
                .rev()
                .copied()
                .collect();
            let mut paged = Vec::new();
            while let page @ [_, ..] = &*view
                .account_transactions(address(n), paged.last().copied(), 3)
                .unwrap()
            {
                paged.extend_from_slice(page);
            }
            assert_eq!(paged, expected, "transactions of {n}");
        }
        let tip = self.blocks.len() as u64 - 1;
        for emitter in 0..5 {
            for wanted in 0..6 {
                let mut filter = LogFilter {
                    addresses: vec![address(emitter)],
                    ..Default::default()
                };
                filter.topics[1] = vec![topic(wanted), topic(wanted + 1)];
                let expected: Vec<u64> = self
                    .blocks
                    .iter()
                    .filter(|block| {
                        // The index works by block, not by log.
                        block
                            .logs
                            .iter()
                            .any(|(address, _)| *address == filter.addresses[0])
                            && block.logs.iter().any(|(_, topics)| {
                                topics
                                    .get(1)
                                    .is_some_and(|topic| filter.topics[1].contains(topic))
                            })
                    })
                    .map(|block| block.height)
                    .collect();
                assert_eq!(view.log_blocks(&filter, 0, tip, 1000).unwrap(), expected);
                let some = view.log_blocks(&filter, 3, tip, 2).unwrap();
                let want: Vec<u64> = expected.into_iter().filter(|h| *h >= 3).take(2).collect();
                assert_eq!(some, want);
            }
        }
        assert_eq!(
            view.log_blocks(&LogFilter::default(), 1, 3, 9).unwrap(),
            [1, 2, 3]
        );
    }
}

fn topic(n: u8) -> B256 {
    B256::with_last_byte(n)
}

/// Applies blocks in random batches, over layers of those not applied yet, as a node does.
fn grow(db: &Db, model: &mut Model, rng: &mut StdRng, blocks: usize) {
    let mut left = blocks;
    while left > 0 {
        let batch = rng.random_range(1..=left.min(5));
        let view = db.view().unwrap();
        let mut records: Vec<BlockRecord> = Vec::new();
        for _ in 0..batch {
            let overlays = records
                .iter()
                .rev()
                .map(|record| Arc::clone(&record.nodes))
                .collect();
            let layers = Layers {
                overlays,
                base: &*view,
            };
            records.push(model.grow(rng, &layers));
        }
        drop(view);
        db.apply(&records).unwrap();
        left -= batch;
    }
}

fn verify(db: &Db) {
    let mut stages = BTreeSet::new();
    let report = db
        .view()
        .unwrap()
        .verify(&mut |stage, _| _ = stages.insert(stage as u8))
        .unwrap();
    assert!(report.blocks > 0 && stages.contains(&(Stage::Blocks as u8)));
}

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
            verify(&db);
            let tip = model.blocks.len() as u64 - 1;
            let to = rng.random_range(floor.max(tip.saturating_sub(9))..=tip);
            db.rewind_to(to).unwrap();
            model.truncate(to);
            model.check(&db, floor);
            verify(&db);
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

/// DB-8: verification sees a changed row of any table of state, history, tries and blocks.
#[test]
fn db_8_verify_sees_damage() {
    let mut rng = StdRng::seed_from_u64(4);
    for table in [1u8, 2, 3, 4, 5, 7, 8, 9, 10] {
        let kv = Arc::new(RedbKv::memory(SCHEMA).unwrap());
        let db = Db::open(kv.clone(), DbConfig::default()).unwrap();
        grow(&db, &mut Model::default(), &mut rng, 20);
        drop(db);
        let snapshot = kv.snapshot().unwrap();
        let every = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        let (key, mut value) = snapshot
            .edge(Table(table), every, capstan_chain::kv::Order::Backward)
            .unwrap()
            .unwrap_or_else(|| panic!("table {table} has rows"));
        for remove in [false, true] {
            let mut batch = Batch::new();
            if remove {
                batch.delete(Table(table), key.clone());
            } else {
                match value.last_mut() {
                    Some(last) => *last ^= 1,
                    None => value.push(1),
                }
                batch.put(Table(table), key.clone(), value.clone());
            }
            kv.write(batch).unwrap();
            let db = Db::open(kv.clone(), DbConfig::default()).unwrap();
            let result = db.view().unwrap().verify(&mut |_, _| {});
            // A removed entry of history is only seen where it was the newest one of a live key.
            assert!(
                result.is_err() || (remove && matches!(table, 3..=5)),
                "table {table} {remove}"
            );
        }
    }
}

fn open_on(disk: &FaultDisk) -> Result<Db, String> {
    let file = disk.create("state").map_err(|error| error.to_string())?;
    let config = KvConfig {
        cache_bytes: 1 << 20,
        quick_repair: true,
    };
    let kv = RedbKv::open_file(file, "state", SCHEMA, config).map_err(|error| error.to_string())?;
    Db::open(Arc::new(kv), DbConfig::default()).map_err(|error| error.to_string())
}

/// DB-9: with any operation of the disk failing, and a power cut after it, the database is whole and at an
/// acknowledged block or the one after.
#[test]
fn db_9_every_operation_failing() {
    let mut model = Model::default();
    let scratch = Db::memory(DbConfig::default()).unwrap();
    grow(&scratch, &mut model, &mut StdRng::seed_from_u64(11), 4);
    let work = |disk: &FaultDisk| -> Option<u64> {
        let db = open_on(disk).ok()?;
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
            match open_on(&after) {
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
                        verify(&db);
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
    verify(&db);
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
