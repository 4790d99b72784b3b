//! Everything derived from the block log: flat state, history, trie nodes and indexes.
//!
//! [`Db::apply`] takes finalized blocks in order and commits them in one batch together with the height
//! that they lead to. After a crash [`Db::height`] may be behind the log; the chain redoes the missing
//! blocks from their access lists. Readers take a [`DbView`], which does not move while they use it.
//! `specs/database.md` has the tables and the invariants.

mod audit;
mod backup;
mod cache;
mod index;
mod load;
mod rewind;
mod tables;
#[cfg(test)]
mod tests;
mod verify;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256, U256};
pub use capstan_evm::{AccountDiff, AccountInfo, StateDiff};
use parking_lot::{Mutex, RwLock};

pub use self::{
    audit::Audit,
    backup::{BackupError, LOG_FOLDER, STATE_FILE, backup, copy_tables, restore},
    index::{DerivedIndex, IndexSnapshot, IndexStep, Loaded, load_index},
    load::{LoadedAccount, Loader},
    tables::{DB_VERSION, SCHEMA},
    verify::{Report, Stage},
    view::{DbView, StateAt},
};
use self::{cache::NodeCache, tables::*};
use crate::{
    kv::{Batch, Kv, KvError, Table},
    trie::{NodeUpdates, TrieError},
};

/// How a database is kept.
#[derive(Clone, Copy, Debug)]
pub struct DbConfig {
    /// Blocks of state history to keep; `None` keeps all.
    pub history_blocks: Option<u64>,
    /// Most trie nodes held decoded in memory (about 1.2 KB each).
    pub cached_nodes: usize,
}

impl Default for DbConfig {
    fn default() -> Self {
        Self {
            history_blocks: None,
            cached_nodes: 1 << 16,
        }
    }
}

/// A finalized block, as the database takes it.
#[derive(Clone, Debug, Default)]
pub struct BlockRecord {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
    /// Root of the state after it.
    pub state_root: B256,
    /// What it changed.
    pub diff: Arc<StateDiff>,
    /// What it changed in the tries.
    pub nodes: Arc<NodeUpdates>,
    /// Its transactions, in order.
    pub transactions: Vec<TxRecord>,
    /// Address and topics of each log (repeats are free).
    pub logs: Vec<(Address, Vec<B256>)>,
}

/// What the indexes want to know of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxRecord {
    /// Its hash.
    pub hash: B256,
    /// Accounts under which it is found: sender, receiver, created contract.
    pub accounts: Vec<Address>,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxPosition {
    /// Height of its block.
    pub height: u64,
    /// Its index in the block.
    pub index: u32,
}

/// Where the database stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// Height of the last applied block.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
    /// Root of the state after it.
    pub state_root: B256,
}

/// What failed in the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The store failed.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// A trie failed.
    #[error(transparent)]
    Trie(#[from] TrieError),
    /// The state at a height is not kept.
    #[error(
        "state at block {height} is not available: history is kept from block {floor} to {tip}"
    )]
    NoHistory {
        /// The height asked for.
        height: u64,
        /// The lowest height that can be answered.
        floor: u64,
        /// The highest.
        tip: u64,
    },
    /// A block that does not follow the last one.
    #[error("the database is at block {tip:?}: block {height} cannot follow")]
    Order {
        /// Height of the last applied block.
        tip: Option<u64>,
        /// The height offered.
        height: u64,
    },
    /// Written by another version of this program.
    #[error(
        "the database has format {found}, this program knows format {known}: use the version that wrote it, or remove the state file to rebuild it from the block log"
    )]
    Version {
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Tables contradict each other.
    #[error(
        "the database is damaged ({what}): stop the node and remove the file {STATE_FILE} to have it made anew from the block \
         log, or restore a backup"
    )]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// One table contradicts the others, or the blocks.
    #[error(
        "the database is damaged in its table `{table}`: {what}; stop the node and remove the file {STATE_FILE} to have it \
         made anew from the block log, or restore a backup"
    )]
    DamagedTable {
        /// The table.
        table: &'static str,
        /// The first difference found.
        what: String,
    },
}

impl DbError {
    fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    fn damaged_in(table: Table, what: impl Into<String>) -> Self {
        let table = SCHEMA[usize::from(table.0)];
        let what = what.into();
        Self::DamagedTable { table, what }
    }

    /// Says in which table it was, where only the bytes were known to be wrong.
    fn within(self, table: Table) -> Self {
        match self {
            Self::Damaged { what } => Self::damaged_in(table, what),
            other => other,
        }
    }
}

/// Which blocks may hold logs of interest: any of `addresses`, and for each position any of its topics.
/// An empty list matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Emitters.
    pub addresses: Vec<Address>,
    /// Topics by position.
    pub topics: [Vec<B256>; 4],
}

/// The database. Share it by reference; one writer at a time, readers never wait for it.
pub struct Db {
    kv: Arc<dyn Kv>,
    config: DbConfig,
    writer: Mutex<()>,
    view: RwLock<Arc<DbView>>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("config", &self.config)
            .field("tip", &self.tip())
            .finish()
    }
}

const VERSION_KEY: &[u8] = b"version";
const TIP_KEY: &[u8] = b"tip";
const FLOOR_KEY: &[u8] = b"floor";

impl Db {
    /// Opens or creates a database in a store that was opened with [`SCHEMA`].
    pub fn open(kv: Arc<dyn Kv>, config: DbConfig) -> Result<Self, DbError> {
        let snapshot = kv.snapshot()?;
        match snapshot.get(META, VERSION_KEY)? {
            Some(version) => check_version(&version)?,
            None if snapshot.len(BLOCK_HASH)? > 0 || snapshot.len(ACCOUNTS)? > 0 => {
                return Err(DbError::damaged(
                    "its version is missing: a copy was cut short",
                ));
            }
            None => {
                let mut batch = Batch::new();
                batch.put(META, VERSION_KEY, DB_VERSION.to_be_bytes());
                kv.write(batch)?;
            }
        }
        let cache = Arc::new(NodeCache::new(config.cached_nodes));
        let view = RwLock::new(Arc::new(load_view(&*kv, cache, 0)?));
        Ok(Self {
            kv,
            config,
            writer: Mutex::new(()),
            view,
        })
    }

    /// A database in memory.
    pub fn memory(config: DbConfig) -> Result<Self, DbError> {
        Self::open(Arc::new(crate::kv::RedbKv::memory(SCHEMA)?), config)
    }

    /// Where the database stands; `None` before its first block is applied.
    pub fn tip(&self) -> Option<Tip> {
        self.view.read().tip()
    }

    /// Height of the last applied block.
    pub fn height(&self) -> Option<u64> {
        self.tip().map(|tip| tip.height)
    }

    /// A view of what is applied so far. Hold it shortly: what it sees cannot be overwritten.
    pub fn view(&self) -> Result<Arc<DbView>, DbError> {
        Ok(Arc::clone(&self.view.read()))
    }

    /// Applies finalized blocks, in order, each following the last: all or none.
    pub fn apply(&self, blocks: &[BlockRecord]) -> Result<(), DbError> {
        let _writer = self.writer.lock();
        let view = self.view()?;
        let Some(last) = blocks.last() else {
            return Ok(());
        };
        let mut expected = view.tip.map(|tip| tip.height.wrapping_add(1));
        for block in blocks {
            if expected.is_some_and(|height| height != block.height) {
                return Err(DbError::Order {
                    tip: self.height(),
                    height: block.height,
                });
            }
            expected = Some(block.height.wrapping_add(1));
        }

        let mut batch = Batch::new();
        let mut nodes = NodeUpdates::default();
        for (at, block) in blocks.iter().enumerate() {
            let changed = put_state(&mut batch, &view, &blocks[..at], block)?;
            let indexed = put_indexes_of(&mut batch, block);
            // What a rewind of the block needs; there is nothing to go back to below the first one.
            if at > 0 || view.tip.is_some() {
                batch.put(CHANGED, block.height.to_be_bytes(), put_changed(&changed));
                batch.put(INDEXED, block.height.to_be_bytes(), put_keys(&indexed));
            }
            nodes.extend(block.nodes.iter().map(|(key, node)| (*key, node.clone())));
        }
        put_nodes(&mut batch, &nodes);
        let tip = Tip {
            height: last.height,
            hash: last.hash,
            state_root: last.state_root,
        };
        put_tip(&mut batch, &tip);
        if view.tip.is_none() {
            let first = blocks.first().map_or(0, |block| block.height);
            batch.put(META, FLOOR_KEY, first.to_be_bytes());
        }
        self.commit(batch, &view, &nodes)
    }

    /// Commits a batch and publishes the view after it.
    fn commit(&self, batch: Batch, view: &DbView, nodes: &NodeUpdates) -> Result<(), DbError> {
        self.kv.write(batch)?;
        let generation = view.generation + 1;
        let next = load_view(&*self.kv, Arc::clone(&view.cache), generation)?;
        view.cache.advance(generation, nodes);
        *self.view.write() = Arc::new(next);
        Ok(())
    }
}

fn check_version(bytes: &[u8]) -> Result<(), DbError> {
    let found = bytes.try_into().map(u32::from_be_bytes).unwrap_or(u32::MAX);
    if found == DB_VERSION {
        Ok(())
    } else {
        Err(DbError::Version {
            found,
            known: DB_VERSION,
        })
    }
}

fn load_view(kv: &dyn Kv, cache: Arc<NodeCache>, generation: u64) -> Result<DbView, DbError> {
    let kv = kv.snapshot()?;
    let tip = kv
        .get(META, TIP_KEY)?
        .map(|bytes| take_tip(&bytes))
        .transpose()?;
    let floor = kv
        .get(META, FLOOR_KEY)?
        .map_or(Ok(0), |bytes| height_of(&bytes))?;
    Ok(DbView {
        kv,
        cache,
        generation,
        tip,
        floor,
    })
}

fn put_tip(batch: &mut Batch, tip: &Tip) {
    let row = key(&[
        &tip.height.to_be_bytes(),
        tip.hash.as_slice(),
        tip.state_root.as_slice(),
    ]);
    batch.put(META, TIP_KEY, row);
}

fn take_tip(bytes: &[u8]) -> Result<Tip, DbError> {
    let row: &[u8; 72] = bytes
        .try_into()
        .map_err(|_| DbError::damaged("a tip of another length"))?;
    Ok(Tip {
        height: height_of(&row[..8])?,
        hash: B256::from_slice(&row[8..40]),
        state_root: B256::from_slice(&row[40..]),
    })
}

fn put_nodes(batch: &mut Batch, nodes: &NodeUpdates) {
    for (node_path, node) in nodes {
        let (table, stored) = node_key(node_path);
        match node {
            Some(node) => batch.put(table, stored, node.encode()),
            None => batch.delete(table, stored),
        }
    }
}

/// Flat state and history. Answers what changed.
fn put_state(
    batch: &mut Batch,
    view: &DbView,
    earlier: &[BlockRecord],
    block: &BlockRecord,
) -> Result<ChangedKeys, DbError> {
    let height = block.height;
    let mut changed = ChangedKeys::new();
    for (address, account) in &block.diff.accounts {
        put_flat_account(batch, address, account.info.as_ref());
        let info = put_account(account.info.as_ref());
        batch.put(ACCOUNT_HISTORY, at_height(address.as_slice(), height), info);
        let mut storage = BTreeMap::new();
        if account.info.is_none() {
            // An account that ends takes its storage with it.
            let slots = slots_before(view, earlier, *address)?;
            storage.extend(slots.into_iter().map(|slot| (slot, U256::ZERO)));
        }
        let written = account.storage.iter().map(|(slot, value)| {
            (
                *slot,
                if account.info.is_some() {
                    *value
                } else {
                    U256::ZERO
                },
            )
        });
        storage.extend(written);
        for (slot, value) in &storage {
            let stored = slot_key(address, slot);
            batch.put(
                STORAGE_HISTORY,
                at_height(&stored, height),
                put_word(*value),
            );
            put_flat_slot(batch, stored, *value);
        }
        changed.push((*address, storage.into_keys().collect()));
    }
    for (hash, code) in &block.diff.codes {
        batch.put(CODE, hash.as_slice(), code.to_vec());
    }
    Ok(changed)
}

/// Slots that an account has after `earlier`, which are not in the view.
fn slots_before(
    view: &DbView,
    earlier: &[BlockRecord],
    address: Address,
) -> Result<BTreeSet<U256>, DbError> {
    let mut slots = BTreeSet::new();
    view.each_slot(address, &mut |slot, _| {
        slots.insert(slot);
        Ok(())
    })?;
    for account in earlier
        .iter()
        .filter_map(|block| block.diff.accounts.get(&address))
    {
        if account.info.is_none() {
            slots.clear();
            continue;
        }
        for (slot, value) in &account.storage {
            match value.is_zero() {
                true => slots.remove(slot),
                false => slots.insert(*slot),
            };
        }
    }
    Ok(slots)
}

fn put_flat_account(batch: &mut Batch, address: &Address, info: Option<&AccountInfo>) {
    match info {
        Some(_) => batch.put(ACCOUNTS, address.as_slice(), put_account(info)),
        None => batch.delete(ACCOUNTS, address.as_slice()),
    }
}

fn put_flat_slot(batch: &mut Batch, stored: Vec<u8>, value: U256) {
    if value.is_zero() {
        batch.delete(STORAGE, stored);
    } else {
        batch.put(STORAGE, stored, put_word(value));
    }
}

/// Blocks, transactions and logs. Answers the keys of those that are found by something else than the block.
fn put_indexes_of(batch: &mut Batch, block: &BlockRecord) -> Vec<(Table, Vec<u8>)> {
    let height = block.height;
    let row = key(&[block.hash.as_slice(), block.state_root.as_slice()]);
    batch.put(BLOCK_HASH, height.to_be_bytes(), row);
    batch.put(BLOCK_HEIGHT, block.hash.as_slice(), height.to_be_bytes());

    let mut indexed = Vec::new();
    let mut by_account: BTreeMap<Address, Vec<u32>> = BTreeMap::new();
    for (index, transaction) in (0u32..).zip(&block.transactions) {
        let stored = transaction_key(&transaction.hash, TxPosition { height, index });
        indexed.push((TRANSACTIONS, stored.clone()));
        batch.put(TRANSACTIONS, stored, []);
        for account in &transaction.accounts {
            let indexes = by_account.entry(*account).or_default();
            if indexes.last() != Some(&index) {
                indexes.push(index);
            }
        }
    }
    for (account, indexes) in by_account {
        let stored = at_height(account.as_slice(), height);
        indexed.push((ACCOUNT_TRANSACTIONS, stored.clone()));
        batch.put(ACCOUNT_TRANSACTIONS, stored, put_indexes(&indexes));
    }
    let mut named: Vec<(u8, &[u8])> = Vec::new();
    for (address, topics) in &block.logs {
        named.push((EMITTER, address.as_slice()));
        named.extend(
            (0u8..)
                .zip(topics)
                .map(|(position, topic)| (position, topic.as_slice())),
        );
    }
    named.sort_unstable();
    named.dedup();
    for (position, bytes) in named {
        let stored = at_height(&log_fingerprint(position, bytes), height);
        indexed.push((LOG_BLOCKS, stored.clone()));
        batch.put(LOG_BLOCKS, stored, []);
    }
    indexed
}
