//! What an operator chooses about a node, as opposed to what a chain is ([`crate::Genesis`]).

use std::{path::PathBuf, time::Duration};

use alloy_primitives::Address;

use crate::{Genesis, PoolConfig, TimeSource};

/// How to open a chain.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// The chain.
    pub genesis: Genesis,
    /// Where it lives.
    pub storage: Storage,
    /// Pool bounds.
    pub pool: PoolConfig,
    /// When blocks are made.
    pub mining: Mining,
    /// Who earns the priority fees of blocks that this node builds.
    pub beneficiary: Address,
    /// Developer verbs ([`crate::Dev`]); refused when the genesis does not allow them.
    pub dev: bool,
    /// Blocks whose state stays readable; `None` keeps all.
    pub history_blocks: Option<u64>,
    /// When finalized blocks move from memory to the database.
    pub flush: Flush,
    /// This node's clock.
    pub clock: TimeSource,
    /// How far ahead of this node's clock a block may be before it is `NotYet`.
    pub clock_tolerance: Duration,
    /// How blocks of others are judged.
    pub verify: Verify,
    /// Threads that may run users' transactions of a block, where that was quicker lately; 1 is the plain loop. The bytes
    /// are the same.
    pub threads: usize,
}

impl ChainConfig {
    /// A development chain in memory, one block for each submission.
    pub fn dev(genesis: Genesis) -> Self {
        Self {
            genesis,
            storage: Storage::Memory,
            pool: PoolConfig::dev(),
            mining: Mining::Instant,
            beneficiary: Address::ZERO,
            dev: true,
            history_blocks: None,
            flush: Flush::default(),
            clock: TimeSource::default(),
            clock_tolerance: Duration::from_secs(1),
            verify: Verify::default(),
            threads: 1,
        }
    }

    /// A node over a data folder, at the pace of its genesis.
    pub fn node(genesis: Genesis, folder: PathBuf) -> Self {
        let pace = Duration::from_millis(genesis.pace_ms);
        Self {
            storage: Storage::Folder(folder),
            pool: PoolConfig::node(),
            mining: Mining::Interval(pace),
            dev: false,
            history_blocks: Some(crate::DEFAULT_HISTORY_BLOCKS),
            threads: cores(),
            ..Self::dev(genesis)
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Where a chain lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In memory: gone with the process.
    Memory,
    /// In a folder, held by one process at a time.
    Folder(PathBuf),
    /// State in a folder and the newest blocks in memory, nothing synced: for a chain that is thrown away.
    Scratch(PathBuf),
    /// In a folder that is judged: nothing in it changes, and what would be written stays in memory.
    Looked(PathBuf),
}

/// When the Solo driver makes a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// Every so often, empty or not: confirmations arrive without traffic.
    Interval(Duration),
    /// As soon as a transaction is ready; what arrives meanwhile shares the next block.
    Instant,
    /// Only when asked ([`crate::Dev::mine`]).
    Manual,
}

/// When finalized blocks move from memory to the database; whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flush {
    /// After so many blocks.
    pub blocks: u64,
    /// After so long.
    pub interval: Duration,
}

impl Default for Flush {
    fn default() -> Self {
        Self {
            blocks: 64,
            interval: Duration::from_secs(1),
        }
    }
}

/// How blocks that somebody else made are judged. It changes how long that takes and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verify {
    /// Threads that run a block from its access list; with one, it always runs in sequence.
    pub threads: usize,
    /// Blocks that use less gas run in sequence: waking threads would take longer.
    pub from_gas: u64,
}

impl Default for Verify {
    fn default() -> Self {
        Self {
            threads: cores(),
            from_gas: 2_000_000,
        }
    }
}
