//! What can be asked of a chain, and how much an answer may cost.

use std::time::Duration;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Log};

/// A point of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// The newest block, with the developer overrides that wait for the next one.
    Latest,
    /// The block that would be made now, from the pool.
    Pending,
    /// Genesis.
    Earliest,
    /// A height.
    Number(u64),
    /// A block, finalized or not.
    Hash(B256),
}

impl From<u64> for At {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<B256> for At {
    fn from(hash: B256) -> Self {
        Self::Hash(hash)
    }
}

impl From<BlockNumberOrTag> for At {
    /// Every block that is known by number is final, so `safe` and `finalized` are the newest.
    fn from(tag: BlockNumberOrTag) -> Self {
        match tag {
            BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized => {
                Self::Latest
            }
            BlockNumberOrTag::Pending => Self::Pending,
            BlockNumberOrTag::Earliest => Self::Earliest,
            BlockNumberOrTag::Number(number) => Self::Number(number),
        }
    }
}

impl From<BlockId> for At {
    fn from(id: BlockId) -> Self {
        match id {
            BlockId::Hash(hash) => Self::Hash(hash.block_hash),
            BlockId::Number(tag) => tag.into(),
        }
    }
}

/// Which logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Where to look.
    pub range: LogRange,
    /// Any of these emitters; empty is all.
    pub addresses: Vec<Address>,
    /// For each position, any of these; empty is all. All positions must match.
    pub topics: [Vec<B256>; 4],
}

impl LogQuery {
    /// Whether a log is one of those asked for (the range apart).
    pub fn matches(&self, log: &Log) -> bool {
        let from = self.addresses.is_empty() || self.addresses.contains(&log.address);
        from && self.topics.iter().enumerate().all(|(position, wanted)| {
            wanted.is_empty()
                || log
                    .topics()
                    .get(position)
                    .is_some_and(|topic| wanted.contains(topic))
        })
    }
}

/// Where to look for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRange {
    /// Heights, both ends included. An end above the newest block is cut to it.
    Numbers {
        /// First height.
        from: u64,
        /// Last height.
        to: u64,
    },
    /// One block.
    Block(B256),
}

impl Default for LogRange {
    fn default() -> Self {
        Self::Numbers {
            from: 0,
            to: u64::MAX,
        }
    }
}

/// How much one query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most results.
    pub results: usize,
    /// Most time.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            results: 20_000,
            time: Duration::from_secs(5),
        }
    }
}

/// A transaction of an account, as sender or recipient (or as the contract it creates).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTransaction {
    /// Height of its block.
    pub block_number: u64,
    /// Index in the block.
    pub tx_index: u32,
    /// Hash.
    pub tx_hash: B256,
}

/// One page of a list; newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to pass as `cursor` for the next page; `None` at the end.
    pub cursor: Option<u64>,
}

/// Numbers behind `eth_feeHistory`, oldest block first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeeHistory {
    /// First block of the answer.
    pub oldest_block: u64,
    /// Base fee of each block and of the one after them, in wei.
    pub base_fee_wei: Vec<u128>,
    /// User gas used over user gas limit.
    pub gas_used_ratio: Vec<f64>,
    /// For each block, the tip at each percentile of user gas, in wei. Empty if no percentile was asked.
    pub tip_wei: Vec<Vec<u128>>,
}
