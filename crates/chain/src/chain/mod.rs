//! The chain itself: what is final, what may become so, and how a block goes from inputs to final.

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, Bytes};
use capstan_evm::{BlockContext, Rules, StateRead, Tx};
use tokio::sync::broadcast;

use crate::{
    AccountTransaction, At, Block, Budget, ChainConfig, ChainError, Dev, FeeHistory, Genesis,
    LogEntry, LogQuery, Page, Pool, PoolError, Pooled, RawBlock, trie::AccountProof,
};

/// Something that happened to the chain.
#[derive(Clone, Debug)]
pub enum Event {
    /// A block was finalized.
    Block(Arc<Block>),
    /// A developer went back: the newest block is now `to`, and `removed` (newest first, at most the last
    /// 1,024) are gone.
    Rewound {
        /// The newest block now.
        to: u64,
        /// Blocks that are gone.
        removed: Arc<Vec<Arc<Block>>>,
    },
}

/// What a block is made from.
pub struct BlockInputs {
    /// Consensus time in milliseconds; above the parent's.
    pub time_ms: u64,
    /// Who earns the priority fees.
    pub beneficiary: Address,
    /// Signed price reports for the `Prices` transaction.
    pub reports: Vec<Bytes>,
    /// Developer overrides: calldata of one `DevOverride` transaction each.
    pub overrides: Vec<Bytes>,
    /// EIP-4399 randomness; `None` derives it from the parent.
    pub prevrandao: Option<B256>,
    /// User transactions, in the order they are tried.
    pub transactions: Box<dyn TxFeed>,
}

impl BlockInputs {
    /// An empty block at a time.
    pub fn at(time_ms: u64) -> Self {
        Self {
            time_ms,
            beneficiary: Address::ZERO,
            reports: Vec::new(),
            overrides: Vec::new(),
            prevrandao: None,
            transactions: Box::new(std::collections::VecDeque::new()),
        }
    }

    /// With these transactions, tried in this order.
    pub fn with(self, transactions: Vec<Recovered<Tx>>) -> Self {
        let list: std::collections::VecDeque<_> = transactions.into();
        Self {
            transactions: Box::new(list),
            ..self
        }
    }
}

/// Gives transactions to a block that is being built, and hears which ones did not enter.
pub trait TxFeed: Send {
    /// The next transaction to try; `None` ends the block.
    fn next_tx(&mut self) -> Option<Recovered<Tx>>;
    /// The last one did not enter. After [`Refusal::Full`] others may still fit.
    fn refused(&mut self, _tx: &Recovered<Tx>, _why: &Refusal) {}
}

impl TxFeed for std::collections::VecDeque<Recovered<Tx>> {
    fn next_tx(&mut self) -> Option<Recovered<Tx>> {
        self.pop_front()
    }
}

/// Why a transaction did not enter a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The gas that is left does not cover its gas limit: it may enter a later block.
    Full,
    /// It cannot enter this block, and will not enter a later one unless state changes.
    Invalid(String),
}

/// A block that was built, with what did not enter it. It is a candidate: `finalize` takes its hash.
#[derive(Clone, Debug)]
pub struct Built {
    /// The block.
    pub block: Arc<Block>,
    /// Transactions that did not enter, with the reason.
    pub refused: Vec<(B256, Refusal)>,
}

/// What the chain thinks of a block. It depends on the block alone; `NotYet` is the one answer that
/// asking again may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every field is as execution makes it. The block is a candidate now.
    Ok,
    /// A field is not; the text names it, with both values.
    Bad(String),
    /// It cannot be judged now: its parent is not known, or its time lies ahead of this node's clock.
    NotYet(String),
}

/// The block that would be made now from the pool, and the state after it.
#[derive(Clone)]
pub struct Pending {
    /// The block.
    pub block: Arc<Block>,
    /// State after it.
    pub state: Arc<dyn StateRead>,
}

/// One chain. A handle: clones share everything.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    genesis: Genesis,
    rules: Arc<Rules>,
    pool: Arc<Pool>,
    head: Arc<Block>,
    dev: Option<Dev>,
    events: broadcast::Sender<Event>,
    arrivals: broadcast::Sender<Arc<Vec<Arc<Pooled>>>>,
}

fn unfinished<T>() -> Result<T, ChainError> {
    Err(ChainError::Internal("under construction".into()))
}

impl Chain {
    /// Opens a chain, or makes it if the folder is empty. What a crash left behind is redone from the log.
    pub fn open(config: ChainConfig) -> Result<Self, ChainError> {
        let _ = config;
        unfinished()
    }

    /// What the chain is.
    pub fn genesis(&self) -> &Genesis {
        &self.inner.genesis
    }

    /// Rules of execution.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.inner.rules
    }

    /// The newest final block.
    pub fn head(&self) -> Arc<Block> {
        Arc::clone(&self.inner.head)
    }

    /// A block; `None` if there is none (yet). `Latest` and `Pending` are always there.
    pub fn block(&self, at: impl Into<At>) -> Result<Option<Arc<Block>>, ChainError> {
        let _: At = at.into();
        unfinished()
    }

    /// The block of a mined transaction and its index there. Waiting ones are in [`Chain::pool`].
    pub fn transaction(&self, hash: B256) -> Result<Option<(Arc<Block>, usize)>, ChainError> {
        let _ = hash;
        unfinished()
    }

    /// State after a block. `Latest` includes the developer overrides that wait for the next block.
    pub fn state_at(&self, at: impl Into<At>) -> Result<Arc<dyn StateRead>, ChainError> {
        let _: At = at.into();
        unfinished()
    }

    /// What the next block would be, were it made now: for `eth_call`, estimates and gas prices.
    pub fn next_context(&self) -> BlockContext {
        self.context_after(&self.head())
    }

    /// What a block is (or was) to the transactions in it: for calls and traces at old blocks.
    pub fn context_of(&self, block: &Block) -> BlockContext {
        let header = &block.header;
        BlockContext {
            info: capstan_state::BlockInfo {
                chain_id: self.inner.rules.chain_id,
                number: header.number,
                time_ms: block.time_ms(),
                beneficiary: header.beneficiary,
                base_fee_wei: block.base_fee_wei().into(),
                prevrandao: header.mix_hash,
                gas_limit: header.gas_limit,
                version: self.inner.rules.version_at(header.number),
            },
            parent_hash: header.parent_hash,
            parent_beacon_root: header.parent_beacon_block_root.unwrap_or_default(),
        }
    }

    fn context_after(&self, parent: &Block) -> BlockContext {
        self.context_of(parent)
    }

    /// The block that would be made now from the pool, with its state. Made at most once per change and
    /// 100 ms; dear for a full pool.
    pub fn pending(&self) -> Result<Pending, ChainError> {
        unfinished()
    }

    /// Logs in order. Cut by the budget: an answer is whole or an error that says where it stopped.
    pub fn logs(&self, query: &LogQuery, budget: &Budget) -> Result<Vec<LogEntry>, ChainError> {
        let _ = (query, budget);
        unfinished()
    }

    /// Transactions that an account sent, received or was created by; newest first.
    pub fn account_transactions(
        &self,
        account: Address,
        cursor: Option<u64>,
        limit: usize,
    ) -> Result<Page<AccountTransaction>, ChainError> {
        let _ = (account, cursor, limit);
        unfinished()
    }

    /// Proof of an account and some of its slots (EIP-1186), at the newest blocks.
    pub fn proof(
        &self,
        at: impl Into<At>,
        address: Address,
        slots: &[B256],
    ) -> Result<AccountProof, ChainError> {
        let _: At = at.into();
        let _ = (address, slots);
        unfinished()
    }

    /// Base fees, fullness and tips of past blocks. At most 1,024 blocks and 100 percentiles.
    pub fn fee_history(
        &self,
        newest: u64,
        block_count: u64,
        percentiles: &[f64],
    ) -> Result<FeeHistory, ChainError> {
        let _ = (newest, block_count, percentiles);
        unfinished()
    }

    /// Transactions that wait.
    pub fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// Gives a transaction to the pool.
    pub fn submit(&self, tx: Recovered<Tx>) -> Result<B256, PoolError> {
        self.submit_many(vec![tx])
            .pop()
            .unwrap_or(Err(PoolError::Stopping))
    }

    /// Gives transactions to the pool, in order; an answer for each.
    pub fn submit_many(&self, txs: Vec<Recovered<Tx>>) -> Vec<Result<B256, PoolError>> {
        txs.iter().map(|_| Err(PoolError::Stopping)).collect()
    }

    /// What happens from now on. A receiver that lags more than 4,096 events behind is told how many it lost.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Transactions that enter the pool from now on, in batches as they arrive.
    pub fn subscribe_pending(&self) -> broadcast::Receiver<Arc<Vec<Arc<Pooled>>>> {
        self.inner.arrivals.subscribe()
    }

    /// Builds a block on a known parent, final or not, and keeps it as a candidate.
    pub fn build(&self, parent: B256, inputs: BlockInputs) -> Result<Built, ChainError> {
        let _ = (parent, inputs);
        unfinished()
    }

    /// Judges a block by executing it; a good one becomes a candidate. `Err` is this node's own trouble.
    pub fn check(&self, block: &RawBlock) -> Result<Verdict, ChainError> {
        let _ = block;
        unfinished()
    }

    /// Makes a candidate final, its ancestors first. It is durable when this returns. Its siblings are
    /// dropped. Doing it again is not an error.
    pub fn finalize(&self, hash: B256) -> Result<Arc<Block>, ChainError> {
        let _ = hash;
        unfinished()
    }

    /// What only a development chain may do; `None` on any other.
    pub fn dev(&self) -> Option<&Dev> {
        self.inner.dev.as_ref()
    }
}
