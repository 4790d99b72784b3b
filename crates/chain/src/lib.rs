//! The chain: blocks, their state, and the transactions that wait for the next one.
//!
//! ```text
//!  submit ─► Pool ─► Solo (or another driver): BlockInputs ─► build ─► check ─► finalize
//!                                                              │                   │
//!                                       capstan_evm::BlockRun ─┘                   ├─► BlockLog, one fsync: the commit point
//!                                                                                  ├─► hot state, read by everyone at once
//!                                                                                  └─► database, flushed behind, redone after a crash
//! ```
//!
//! * [`Chain`] is the one door. It is a handle: clone it freely.
//! * [`Genesis`] says what a chain is; [`ChainConfig`] what this node does with it.
//! * [`Pool`] holds transactions by sender and nonce, and gives them out by price.
//! * Signed price reports wait beside it ([`Chain::submit_report`]); a block takes them before its users' transactions.
//! * [`Dev`] holds what only a development chain may do.
//! * [`Solo`] makes blocks on one machine. A consensus driver uses the same three verbs.
//!
//! What a block must be is in `specs/blocks.md`, the pool's rules in `specs/pool.md`, the genesis file in
//! `specs/genesis.md`.

mod block;
mod chain;
mod config;
pub mod db;
mod dev;
pub mod disk;
mod error;
pub mod export;
mod genesis;
pub mod kv;
pub mod log;
mod maintain;
mod pool;
mod query;
mod reports;
mod solo;
mod split;
pub mod trie;

pub use block::{
    Block, DecodeError, IMPERSONATION_S, LogEntry, RawBlock, header_time_ms,
    impersonation_signature, recover, split_time_ms,
};
pub use chain::{
    BlockInputs, Built, Chain, Event, GuardReport, Guarded, PROOF_WINDOW, Pending, Refusal,
    TimeSource, TxFeed, Verdict,
};
pub use config::{ChainConfig, Flush, Mining, Storage, Verify};
pub use dev::Dev;
pub use error::ChainError;
pub use export::Imported;
pub use genesis::{
    DEV_CHAIN_ID, DEV_MNEMONIC, DevAccount, ForkAt, Genesis, GenesisAccount, GenesisError,
    NativeConfig, VersionAt,
};
pub use maintain::{
    Progress, Replayed, Verified, backup_folder, compact_folder, folder_genesis, restore_folder,
    verify_folder,
};
pub use pool::{Pool, PoolConfig, PoolContent, PoolError, PoolStatus, Pooled, read_journal};
pub use query::{AccountTransaction, At, Budget, FeeHistory, LogQuery, LogRange, Page};
pub use reports::ReportError;
pub use solo::Solo;
pub use split::{Helpers, Token, Told, help, help_once};

/// Blocks of state history that a node keeps unless told otherwise: one week at four blocks a second.
pub const DEFAULT_HISTORY_BLOCKS: u64 = 7 * 24 * 3600 * 4;
