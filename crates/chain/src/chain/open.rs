//! Opening: genesis, the log, the database, and what a crash left between them.

use std::{
    path::Path,
    sync::{Arc, OnceLock, Weak},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::broadcast;

use super::{
    Chain, Clock, Driver, EVENTS, Inner, Tree,
    flusher::Flusher,
    guards::Guards,
    ledger::{Executed, Ledger, decode, record, storage},
};
use crate::{
    Block, ChainConfig, ChainError, Dev, Genesis, Pool, Storage,
    db::{Db, DbConfig, LOG_FOLDER, SCHEMA, STATE_FILE},
    disk::{Disk as _, FolderLock, LookedDisk, MemDisk, OsDisk, Unsynced},
    genesis::{genesis_block, genesis_diff},
    kv::{KvConfig, RedbKv},
    log::{BlockLog, LogConfig},
    pool::journal::Journal,
    reports::Reports,
    trie::{Mpt, NodeSource, StateCommitment as _},
};

/// Name of the pool's journal in a data folder.
pub(crate) const JOURNAL: &str = "pool.journal";
/// Segments of a scratch log are small, so that what is old can be dropped soon.
const SCRATCH_SEGMENT_BYTES: u64 = 4 << 20;

/// A trie without nodes.
struct NoNodes;

impl NodeSource for NoNodes {
    fn node(
        &self,
        _: &crate::trie::NodeKey,
    ) -> Result<Option<Arc<crate::trie::Node>>, crate::trie::TrieError> {
        Ok(None)
    }
}

/// Genesis as if it had been executed.
pub(super) fn genesis_executed(genesis: &Genesis) -> Result<Executed, ChainError> {
    let diff = genesis_diff(genesis)?;
    let commit = Mpt.update(&NoNodes, &diff).map_err(storage)?;
    Ok(Executed {
        block: Arc::new(genesis_block(genesis, commit.root)),
        diff: Arc::new(diff),
        nodes: Arc::new(commit.updates),
        guards: Arc::default(),
        said: Arc::default(),
    })
}

/// Log and database of a folder, or in memory.
pub(crate) struct Stores {
    pub(crate) log: BlockLog,
    pub(crate) db: Db,
    pub(crate) lock: Option<FolderLock>,
}

pub(super) fn open_stores(
    storage_at: &Storage,
    history_blocks: Option<u64>,
) -> Result<Stores, ChainError> {
    let config = DbConfig {
        history_blocks,
        ..DbConfig::default()
    };
    match storage_at {
        Storage::Memory => {
            let kv = RedbKv::memory(SCHEMA).map_err(storage)?;
            let db = Db::open(Arc::new(kv), config).map_err(storage)?;
            Ok(Stores {
                log: BlockLog::memory().map_err(storage)?,
                db,
                lock: None,
            })
        }
        Storage::Scratch(folder) => open_scratch(folder, config),
        Storage::Looked(folder) => open_looked(folder, config),
        Storage::Folder(folder) => {
            make_folder(folder)?;
            let lock = FolderLock::take(folder).map_err(storage)?;
            // First, as it has a lock of its own: where the folder's was deleted, the log of a running node stays untouched.
            let db = open_database(folder, history_blocks)?;
            let log = open_log(folder)?;
            Ok(Stores {
                log,
                db,
                lock: Some(lock),
            })
        }
    }
}

/// A folder as it is; what opening mends stays in memory.
pub(crate) fn open_looked(folder: &Path, config: DbConfig) -> Result<Stores, ChainError> {
    let lock = look_at(folder)?;
    let path = folder.join(STATE_FILE);
    let disk = LookedDisk::open(folder);
    let file = disk.create(STATE_FILE).map_err(|error| ChainError::File {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let kv_config = KvConfig {
        quick_repair: false,
        ..KvConfig::default()
    };
    let kv = RedbKv::open_file(file, &path.display().to_string(), SCHEMA, kv_config);
    let db = Db::open(Arc::new(kv.map_err(storage)?), config).map_err(storage)?;
    Ok(Stores {
        log: look_at_log(folder)?,
        db,
        lock: Some(lock),
    })
}

/// Refuses what is no data folder: what only looks must not make one.
pub(crate) fn check_existing(folder: &Path) -> Result<(), ChainError> {
    match folder.join(LOG_FOLDER).is_dir() {
        true => Ok(()),
        false => Err(ChainError::File {
            path: folder.into(),
            reason: "is not a data folder: it has no `blocks` folder".into(),
        }),
    }
}

/// Keeps a data folder that must be there from being used while it is looked at.
pub(crate) fn look_at(folder: &Path) -> Result<FolderLock, ChainError> {
    check_existing(folder)?;
    let lock = FolderLock::look(folder).map_err(storage)?;
    RedbKv::check_free(&folder.join(STATE_FILE)).map_err(storage)?;
    Ok(lock)
}

/// The log of a folder as it is.
pub(crate) fn look_at_log(folder: &Path) -> Result<BlockLog, ChainError> {
    let disk = LookedDisk::open(&folder.join(LOG_FOLDER));
    let (log, recovery) = BlockLog::open(Arc::new(disk), LogConfig::default()).map_err(storage)?;
    if recovery.cut_bytes > 0 {
        let bytes = recovery.cut_bytes;
        tracing::warn!(
            bytes,
            "the log ends with bytes that are no whole block: one that was never acknowledged, or something else. They \
             are left as they are; starting the node cuts them off"
        );
    }
    Ok(log)
}

/// Tables in a file that nobody syncs, and the newest blocks in memory.
fn open_scratch(folder: &Path, config: DbConfig) -> Result<Stores, ChainError> {
    make_folder(folder)?;
    let log = LogConfig {
        segment_bytes: SCRATCH_SEGMENT_BYTES,
    };
    let (log, _) = BlockLog::open(Arc::new(MemDisk::new()), log).map_err(storage)?;
    let file = OsDisk::open(folder).and_then(|disk| disk.create(STATE_FILE));
    let file = file.map_err(|error| ChainError::File {
        path: folder.join(STATE_FILE),
        reason: error.to_string(),
    })?;
    let label = folder.join(STATE_FILE).display().to_string();
    let file = Arc::new(Unsynced(file));
    let kv_config = KvConfig {
        quick_repair: false,
        ..KvConfig::default()
    };
    let kv = RedbKv::open_file(file, &label, SCHEMA, kv_config).map_err(storage)?;
    let db = Db::open(Arc::new(kv), config).map_err(storage)?;
    Ok(Stores {
        log,
        db,
        lock: None,
    })
}

fn make_folder(folder: &Path) -> Result<(), ChainError> {
    std::fs::create_dir_all(folder).map_err(|error| ChainError::File {
        path: folder.to_owned(),
        reason: format!("the data folder cannot be made: {error}"),
    })
}

/// The key-value store of a folder.
pub(crate) fn open_kv(folder: &Path) -> Result<RedbKv, ChainError> {
    RedbKv::open_path(&folder.join(STATE_FILE), SCHEMA, KvConfig::default()).map_err(storage)
}

pub(crate) fn open_database(folder: &Path, history_blocks: Option<u64>) -> Result<Db, ChainError> {
    let config = DbConfig {
        history_blocks,
        ..DbConfig::default()
    };
    Db::open(Arc::new(open_kv(folder)?), config).map_err(storage)
}

/// Hash of the genesis block that a genesis makes.
pub(crate) fn genesis_hash(genesis: &Genesis) -> Result<alloy_primitives::B256, ChainError> {
    Ok(genesis_executed(genesis)?.block.hash())
}

pub(crate) fn open_log(folder: &Path) -> Result<BlockLog, ChainError> {
    let path = folder.join(LOG_FOLDER);
    let disk = OsDisk::open(&path).map_err(|error| ChainError::File {
        path,
        reason: error.to_string(),
    })?;
    let (log, recovery) = BlockLog::open(Arc::new(disk), LogConfig::default()).map_err(storage)?;
    if recovery.cut_bytes > 0 {
        let bytes = recovery.cut_bytes;
        tracing::warn!(
            bytes,
            "cut an unfinished block off the end of the log; it was never acknowledged"
        );
    }
    for segment in recovery.reindexed {
        tracing::info!(%segment, "wrote the index of a log segment anew");
    }
    Ok(log)
}

pub(super) fn open(config: ChainConfig) -> Result<Chain, ChainError> {
    config.genesis.validate()?;
    if config.dev && !config.genesis.development {
        return Err(ChainError::NotDev(
            "developer mode (the genesis has `development: false`)",
        ));
    }
    let genesis = genesis_executed(&config.genesis)?;
    let stores = open_stores(&config.storage, config.history_blocks)?;
    let head = settle(&stores, &genesis, &config)?;
    let Stores { log, db, lock } = stores;
    let ledger = Arc::new(Ledger::new(log, db, head)?);
    let pool = Arc::new(Pool::new(config.pool.clone()));
    let journal = match &config.storage {
        Storage::Memory | Storage::Scratch(_) | Storage::Looked(_) => None,
        Storage::Folder(folder) => Some(Arc::new(Journal::new(folder.join(JOURNAL)))),
    };
    let rules = Arc::new(config.genesis.rules());
    let mut guards = Guards::load(&ledger.view())?;
    super::redo::catch_up(&ledger, &mut guards)?;
    let guards = Arc::new(Mutex::new(guards));
    let flusher = Flusher::start(&config, &ledger, &pool, journal.as_ref(), &guards)?;
    let inner = Arc::new_cyclic(|weak: &Weak<Inner>| Inner {
        _flusher: flusher,
        genesis: config.genesis.clone(),
        rules,
        pool,
        reports: Reports::default(),
        driver: Mutex::new(Driver {
            mining: config.mining,
            rung: false,
            stopping: false,
        }),
        bell: Condvar::new(),
        ledger,
        tree: Mutex::new(Tree::default()),
        guards,
        turn: Mutex::new(()),
        clock: Clock::new(config.clock.clone()),
        pace: super::pace::Pace::default(),
        root_pace: super::pace::Pace::default(),
        hands: OnceLock::new(),
        dev: config.dev.then(|| Dev::new(weak.clone())),
        events: broadcast::channel(EVENTS).0,
        arrivals: broadcast::channel(EVENTS).0,
        journal,
        pending: Mutex::new(None),
        helpers: OnceLock::new(),
        runs: Mutex::new(lru::LruCache::new(super::RUNS_KEPT)),
        _lock: lock,
        config,
    });
    let chain = Chain { inner };
    chain.load_journal();
    Ok(chain)
}

/// Sees that log and database are of one chain, and that the log has all that the database has. Answers the block at which
/// the database stands.
fn settle(
    stores: &Stores,
    genesis: &Executed,
    config: &ChainConfig,
) -> Result<Arc<Block>, ChainError> {
    let Stores { log, db, .. } = stores;
    let made = genesis.block.hash();
    if let (None, Some(tip)) = (log.heights(), db.tip()) {
        return Err(ChainError::LogBehind {
            log: "has no blocks".into(),
            database: tip.height,
        });
    }
    match log.hash(0).map_err(storage)? {
        None => log
            .append(0, made, &genesis.block.encode_frame())
            .map_err(storage)?,
        Some(stored) if stored != made => {
            let folder = match &config.storage {
                Storage::Folder(folder) | Storage::Scratch(folder) | Storage::Looked(folder) => {
                    folder.clone()
                }
                Storage::Memory => "memory".into(),
            };
            return Err(ChainError::OtherGenesis {
                folder,
                stored,
                given: made,
            });
        }
        Some(_) => {}
    }
    if db.tip().is_none() {
        db.apply(&[record(genesis)]).map_err(storage)?;
    }
    let newest = log.heights().map_or(0, |(_, newest)| newest);
    lower_database(log, db, newest, config.genesis.development)?;
    let stands = db.height().unwrap_or_default();
    let entry = log.read(stands).map_err(storage)?;
    let entry = entry.ok_or_else(|| {
        ChainError::Internal(format!("the log has no block {stands}, the database has"))
    })?;
    decode(stands, &entry.payload)
}

/// A crash amid a rewind leaves the database above the log, which is the commit point: it comes down. Nothing but a
/// developer's rewind takes blocks from the log; elsewhere the log has lost some, and that is for a person to mend.
fn lower_database(
    log: &BlockLog,
    db: &Db,
    newest: u64,
    may_rewind: bool,
) -> Result<(), ChainError> {
    let tip = db
        .tip()
        .ok_or_else(|| ChainError::Internal("the database has no tip".into()))?;
    if tip.height > newest && !may_rewind {
        return Err(ChainError::LogBehind {
            log: format!("ends at block {newest}"),
            database: tip.height,
        });
    }
    if tip.height > newest {
        tracing::warn!(
            database = tip.height,
            log = newest,
            "the database is above the log; going back"
        );
        db.rewind_to(newest).map_err(storage)?;
    }
    let tip = db
        .tip()
        .ok_or_else(|| ChainError::Internal("the database has no tip".into()))?;
    let logged = log.hash(tip.height).map_err(storage)?;
    if logged != Some(tip.hash) {
        return Err(ChainError::Storage(format!(
            "the database stands at block {} ({}), but the block log has {logged:?} there: the two files are of \
             different chains. Restore both from one backup, or remove {STATE_FILE} to rebuild it from the log",
            tip.height, tip.hash
        )));
    }
    Ok(())
}

impl Chain {
    /// Gives the pool what it had when the node stopped.
    fn load_journal(&self) {
        let Some(journal) = &self.inner.journal else {
            return;
        };
        let waiting = journal.load(self.inner.genesis.development);
        let count = waiting.len();
        let entered = self
            .submit_many(waiting)
            .into_iter()
            .filter(Result::is_ok)
            .count();
        if count > 0 {
            tracing::info!(
                waiting = entered,
                gone = count - entered,
                "transactions that waited when the node stopped; those that are gone are in a block or can be in none"
            );
        }
        journal.rewrite(&self.inner.pool.all());
    }

    /// Stops for good: everything in the database, waiting transactions in the journal. Handles that are
    /// left can still read.
    pub fn close(&self) -> Result<(), ChainError> {
        let _turn = self.inner.take_turn();
        if let Some(journal) = &self.inner.journal {
            journal.rewrite(&self.inner.pool.all());
        }
        match self.inner.config.storage {
            Storage::Folder(_) => self.inner.save_guards(),
            Storage::Memory | Storage::Scratch(_) | Storage::Looked(_) => self.inner.ledger.flush(),
        }
    }
}
