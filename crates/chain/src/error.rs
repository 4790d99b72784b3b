//! What can go wrong with a chain, said with the numbers and with what to do next.

use std::{path::PathBuf, time::Duration};

use alloy_primitives::B256;

use crate::{GenesisError, PoolError, export::ExportError};

/// Why a question to the chain, or a step of it, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The genesis file does not describe a chain.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The data folder belongs to another chain.
    #[error(
        "the data folder {folder} holds the chain with genesis block {stored}, but the genesis given makes {given}: \
         use the genesis that the folder was made with, or another folder"
    )]
    OtherGenesis {
        /// Data folder.
        folder: PathBuf,
        /// Genesis block in the folder.
        stored: B256,
        /// Genesis block of the configuration.
        given: B256,
    },
    /// Blocks that were final are missing from the log.
    #[error(
        "the block log (blocks/ in the data folder) {log}, but the database knows block {database}: blocks that were final are \
         missing. Bring blocks/ back (is its volume mounted?) or restore the folder from a backup; only to go on without them, \
         remove state.redb"
    )]
    LogBehind {
        /// What of the log there is.
        log: String,
        /// Newest block of the database.
        database: u64,
    },
    /// Genesis schedules rules that are newer than this program.
    #[error(
        "block {number} follows protocol version {version}; this program knows versions up to {newest}: install a newer capstan"
    )]
    UnknownVersion {
        /// Height.
        number: u64,
        /// Version in force there.
        version: u32,
        /// Newest version known.
        newest: u32,
    },
    /// No block answers to this number or hash.
    #[error("block {0} is not known")]
    UnknownBlock(String),
    /// The parent of a block is not known, or it was dropped because a sibling was finalized.
    #[error("parent block {0} is not known")]
    UnknownParent(B256),
    /// The state at that height is no longer kept.
    #[error(
        "state at block {number} is pruned: this node keeps state from block {oldest} on (raise --history to keep more)"
    )]
    StatePruned {
        /// Block that was asked for.
        number: u64,
        /// Oldest block whose state is kept.
        oldest: u64,
    },
    /// A proof was asked at a block for which trie nodes are no longer kept.
    #[error("no proof for block {number}: proofs are kept for blocks {oldest} to {head}")]
    ProofWindow {
        /// Block that was asked for.
        number: u64,
        /// Oldest block that can be proven.
        oldest: u64,
        /// Latest block.
        head: u64,
    },
    /// More results than the budget allows.
    #[error(
        "query returns more than {limit} results; the first {limit} end in block {last_block}: narrow the block range"
    )]
    TooManyResults {
        /// Most results in one answer.
        limit: usize,
        /// Block of the last result that fitted.
        last_block: u64,
    },
    /// The query's time ran out.
    #[error("query took longer than {limit:?} and reached block {reached}: narrow the block range")]
    QueryTimeout {
        /// Most time for one query.
        limit: Duration,
        /// Block that the scan reached.
        reached: u64,
    },
    /// A file of blocks cannot be written, read or taken.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Inputs of a block that break a rule before anything is executed.
    #[error("block inputs: {0}")]
    Inputs(String),
    /// A finalized block whose execution gives something else than its header says. The node stops.
    #[error("block {number} ({hash}) does not execute to its header: {reason}")]
    Diverged {
        /// Height.
        number: u64,
        /// Hash.
        hash: B256,
        /// First field that differs, with both values.
        reason: String,
    },
    /// A developer verb on a node that is not a development chain.
    #[error("{0} is only available in `capstan dev`")]
    NotDev(&'static str),
    /// The driver that makes blocks is not running.
    #[error("blocks are not being made: the block driver has stopped{0}")]
    DriverStopped(String),
    /// Workers that would help to verify cannot be waited for.
    #[error("cannot listen for workers on {0}")]
    Helpers(String),
    /// A transaction was refused.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The execution engine failed (not: a transaction failed).
    #[error("execution: {0}")]
    Execution(String),
    /// Storage failed; the text names the file, the cause and what to do.
    #[error("{0}")]
    Storage(String),
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    File {
        /// File.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything that must not happen; the text is for a bug report.
    #[error("internal error (please report): {0}")]
    Internal(String),
}
