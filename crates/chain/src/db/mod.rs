//! Everything derived from the block log: flat state, history, trie nodes and indexes.
//!
//! [`Db::apply`] takes finalized blocks in order and commits them in one batch together with the height
//! that they lead to. After a crash [`Db::height`] may be behind the log; the chain redoes the missing
//! blocks from their access lists. Readers take a [`DbView`], which does not move while they use it.
//! `specs/database.md` has the tables and the invariants.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};

pub use capstan_evm::{AccountDiff, AccountInfo, StateDiff};

use crate::{
    kv::{Kv, KvError},
    trie::{Node, NodeKey, NodeSource, NodeUpdates, TrieError},
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
    /// Other failures.
    #[error("{0}")]
    Other(String),
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

/// The database.
pub struct Db {
    kv: Arc<dyn Kv>,
}

impl Db {
    /// Opens or creates a database in a store.
    pub fn open(kv: Arc<dyn Kv>, _config: DbConfig) -> Result<Self, DbError> {
        Ok(Self { kv })
    }
    /// Where the database stands; `None` before genesis (block 0, or the first block of an import) is applied.
    pub fn tip(&self) -> Option<Tip> {
        None
    }
    /// Applies finalized blocks, in order, each following the last: all or none.
    pub fn apply(&self, _blocks: &[BlockRecord]) -> Result<(), DbError> {
        Err(DbError::Other("unfinished".into()))
    }
    /// Goes back to the state after `height`, by history.
    pub fn rewind_to(&self, _height: u64) -> Result<(), DbError> {
        Err(DbError::Other("unfinished".into()))
    }
    /// Removes history that the configured window no longer needs; bounded work per call, `true` when done.
    pub fn prune(&self, _blocks_max: u64) -> Result<bool, DbError> {
        Ok(true)
    }
    /// A view of what is applied so far. Hold it shortly.
    pub fn view(&self) -> Result<Arc<DbView>, DbError> {
        let _ = self.kv.snapshot()?;
        Err(DbError::Other("unfinished".into()))
    }
}

/// A view of the database as it was when taken.
pub struct DbView;

impl DbView {
    /// Where the view stands.
    pub fn tip(&self) -> Option<Tip> {
        None
    }
    /// An account at the tip (code not loaded).
    pub fn account(&self, _address: Address) -> Result<Option<AccountInfo>, DbError> {
        Ok(None)
    }
    /// A slot at the tip.
    pub fn storage(&self, _address: Address, _slot: U256) -> Result<U256, DbError> {
        Ok(U256::ZERO)
    }
    /// Code by hash.
    pub fn code(&self, _hash: B256) -> Result<Option<Bytes>, DbError> {
        Ok(None)
    }
    /// An account after `height`.
    pub fn account_at(
        &self,
        _height: u64,
        _address: Address,
    ) -> Result<Option<AccountInfo>, DbError> {
        Ok(None)
    }
    /// A slot after `height`.
    pub fn storage_at(
        &self,
        _height: u64,
        _address: Address,
        _slot: U256,
    ) -> Result<U256, DbError> {
        Ok(U256::ZERO)
    }
    /// Heights whose state can be read.
    pub fn history(&self) -> Option<std::ops::RangeInclusive<u64>> {
        None
    }
    /// What must be changed to be back at `height`: previous values of all that changed since.
    pub fn diff_back_to(&self, _height: u64) -> Result<StateDiff, DbError> {
        Ok(StateDiff::default())
    }
    /// Hash of a block.
    pub fn block_hash(&self, _height: u64) -> Result<Option<B256>, DbError> {
        Ok(None)
    }
    /// Height of a block.
    pub fn block_height(&self, _hash: B256) -> Result<Option<u64>, DbError> {
        Ok(None)
    }
    /// Where a transaction may be, newest first: nearly always one place. The index keeps eight bytes of
    /// each hash, so the caller compares the full hash in the block.
    pub fn transaction(&self, _hash: B256) -> Result<Vec<TxPosition>, DbError> {
        Ok(Vec::new())
    }
    /// Transactions of an account below `before`, newest first, at most `limit`.
    pub fn account_transactions(
        &self,
        _address: Address,
        _before: Option<TxPosition>,
        _limit: usize,
    ) -> Result<Vec<TxPosition>, DbError> {
        Ok(Vec::new())
    }
    /// Heights in `from..=to`, ascending, at most `limit`, whose blocks may hold matching logs. A block that holds one is never left out.
    pub fn log_blocks(
        &self,
        _filter: &LogFilter,
        _from: u64,
        _to: u64,
        _limit: usize,
    ) -> Result<Vec<u64>, DbError> {
        Ok(Vec::new())
    }
}

impl NodeSource for DbView {
    fn node(&self, _key: &NodeKey) -> Result<Option<Arc<Node>>, TrieError> {
        Ok(None)
    }
}
