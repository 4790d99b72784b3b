//! The chain itself: what is final, what may become so, and how a block goes from inputs to final.

mod big_stack;
mod build;
mod clock;
mod flusher;
mod guards;
mod hot;
mod ledger;
mod open;
mod order;
mod overrides;
mod pace;
mod produce;
mod queries;
mod redo;
mod root_ahead;
mod tree;
mod verified;

use std::sync::{Arc, OnceLock};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, Bytes};
use capstan_contracts::oracle::IOracle::SignedReport;
use capstan_evm::{
    BlockContext, Rules, StateDiff, StateRead, Tx, call::Session, parallel::Counts, record::Record,
};
use parking_lot::{Condvar, Mutex};
use tokio::sync::broadcast;

use crate::{
    AccountTransaction, At, Block, Budget, ChainConfig, ChainError, Dev, FeeHistory, Genesis,
    Helpers, LogEntry, LogQuery, Mining, Page, Pool, PoolError, Pooled, RawBlock, ReportError,
    pool::Admission, reports::Reports, trie::AccountProof,
};

pub(crate) use big_stack::on_big_stack;
pub(crate) use big_stack::{STACK_BYTES, this_stack_is_big};
use clock::Clock;
pub(crate) use clock::Setting as ClockSetting;
pub use clock::TimeSource;
use flusher::Flusher;
pub(crate) use guards::verify_snapshots;
pub use guards::{GuardReport, Guarded};
use ledger::Ledger;
pub(crate) use ledger::{Executed, record};
pub(crate) use open::{
    Stores, check_existing, genesis_hash, look_at, look_at_log, open_database, open_kv, open_log,
    open_looked,
};
pub(crate) use overrides::{Override, PER_BLOCK as OVERRIDES_PER_BLOCK, apply as apply_override};
pub use queries::PROOF_WINDOW;
pub(crate) use redo::Redo;
use tree::Tree;

/// Blocks of which it is known how often their transactions ran.
const RUNS_KEPT: std::num::NonZeroUsize = std::num::NonZeroUsize::new(4_096).unwrap();
/// Events that a slow subscriber may be behind.
const EVENTS: usize = 4_096;

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
    /// Signed price reports for the `Prices` transaction; at most as many as reporters can stand in the list.
    pub reports: Vec<SignedReport>,
    /// Developer overrides: calldata of one `DevOverride` transaction each.
    pub overrides: Vec<Bytes>,
    /// EIP-4399 randomness; `None` derives it from the parent. Another is only good in development.
    pub prevrandao: Option<B256>,
    /// Base fee in wei; `None` derives it from the parent. Another is only good in development.
    pub base_fee_wei: Option<u64>,
    /// On a development chain: whether a long time since the parent is one in which the chain stood still, and not one that was
    /// meant to pass. Elsewhere it follows from the time alone.
    pub stood: bool,
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
            base_fee_wei: None,
            stood: false,
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
    /// One did not enter. After [`Refusal::Full`] others may still fit.
    fn refused(&mut self, _tx: &Recovered<Tx>, _why: &Refusal) {}
    /// Whether one that was given ahead of its turn would still be given, after what was refused since.
    fn stands(&mut self, _tx: &Recovered<Tx>) -> bool {
        true
    }
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
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain")
            .field("head", &self.inner.ledger.head().number())
            .finish_non_exhaustive()
    }
}

/// When blocks are made, and the bell that wakes whoever makes them.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) mining: Mining,
    /// Something may be ready.
    pub(crate) rung: bool,
    pub(crate) stopping: bool,
}

/// What all handles of a chain share.
pub(crate) struct Inner {
    /// First, so that it has ended before what it works on is closed and the folder is free.
    _flusher: Flusher,
    pub(crate) genesis: Genesis,
    pub(crate) config: ChainConfig,
    pub(crate) rules: Arc<Rules>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) reports: Reports,
    pub(crate) driver: Mutex<Driver>,
    pub(crate) bell: Condvar,
    ledger: Arc<Ledger>,
    tree: Mutex<Tree>,
    /// Taken before the tree, where both are.
    guards: Arc<Mutex<guards::Guards>>,
    /// Whoever builds, checks, finalizes or rewinds holds the turn. Readers never do.
    turn: Mutex<()>,
    clock: Clock,
    /// Whether several threads pay for users.
    pace: pace::Pace,
    /// Whether a root that is made while its block runs pays.
    root_pace: pace::Pace,
    /// Threads that run blocks, once one was run by several.
    hands: OnceLock<Option<Arc<rayon::ThreadPool>>>,
    dev: Option<Dev>,
    events: broadcast::Sender<Event>,
    arrivals: broadcast::Sender<Arc<Vec<Arc<Pooled>>>>,
    journal: Option<Arc<crate::pool::journal::Journal>>,
    pending: Mutex<Option<queries::CachedPending>>,
    /// What running users took in blocks that this node built, the newest ones.
    runs: Mutex<lru::LruCache<B256, Counts>>,
    /// Other processes that help to verify blocks.
    helpers: OnceLock<Arc<Helpers>>,
    /// Held for as long as the chain is open.
    _lock: Option<crate::disk::FolderLock>,
}

impl Chain {
    /// Opens a chain, or makes it if the folder is empty. What a crash left behind is redone from the log.
    /// Blocks are made once a [`crate::Solo`] is started, or by a driver's own `build` and `finalize`.
    pub fn open(config: ChainConfig) -> Result<Self, ChainError> {
        open::open(config)
    }

    /// What the chain is.
    pub fn genesis(&self) -> &Genesis {
        &self.inner.genesis
    }

    /// What this node does with it.
    pub fn config(&self) -> &ChainConfig {
        &self.inner.config
    }

    /// Rules of execution.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.inner.rules
    }

    /// The newest final block.
    pub fn head(&self) -> Arc<Block> {
        self.inner.ledger.head()
    }

    /// A block; `None` if there is none (yet). `Latest` and `Pending` are always there.
    pub fn block(&self, at: impl Into<At>) -> Result<Option<Arc<Block>>, ChainError> {
        self.inner.block(at.into())
    }

    /// The block of a mined transaction and its index there. Waiting ones are in [`Chain::pool`].
    pub fn transaction(&self, hash: B256) -> Result<Option<(Arc<Block>, usize)>, ChainError> {
        self.inner.ledger.transaction(hash)
    }

    /// State after a block. `Latest` includes the developer overrides that wait for the next block.
    pub fn state_at(&self, at: impl Into<At>) -> Result<Arc<dyn StateRead>, ChainError> {
        self.inner.state_at(at.into())
    }

    /// What the next block would be, were it made now: for `eth_call`, estimates and gas prices.
    pub fn next_context(&self) -> BlockContext {
        self.inner.next_context()
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

    /// Runs a final block again from its access list, on all cores, and tells which transaction touched what. It takes the
    /// state before the block and keeps nothing: a record follows from the block.
    pub fn record(&self, block: &Block) -> Result<Record, ChainError> {
        on_big_stack(|| self.inner.record(block, self.context_of(block)))
    }

    /// How often users' transactions of a block ran until it stood; `None` unless this node built it since it started, as
    /// one of the newest. It depends on threads and their luck, unlike everything else that is said of a block.
    pub fn runs(&self, block: B256) -> Option<Counts> {
        self.inner.runs.lock().peek(&block).copied()
    }

    /// Lets other processes help to verify blocks from now on. Once: later ones are not taken.
    pub fn use_helpers(&self, helpers: Arc<Helpers>) {
        let _ = self.inner.helpers.set(helpers);
    }

    /// The block that would be made now from the pool, with its state. Made at most once per 100 ms: it is
    /// dear for a full pool.
    pub fn pending(&self) -> Result<Pending, ChainError> {
        self.inner.pending()
    }

    /// Logs in order. Cut by the budget: an answer is whole or an error that says where it stopped.
    pub fn logs(&self, query: &LogQuery, budget: &Budget) -> Result<Vec<LogEntry>, ChainError> {
        self.inner.logs(query, budget)
    }

    /// Transactions that an account sent, received or was created by; newest first.
    pub fn account_transactions(
        &self,
        account: Address,
        cursor: Option<u64>,
        limit: usize,
    ) -> Result<Page<AccountTransaction>, ChainError> {
        self.inner.account_transactions(account, cursor, limit)
    }

    /// Proof of an account and some of its slots (EIP-1186), at the newest blocks.
    pub fn proof(
        &self,
        at: impl Into<At>,
        address: Address,
        slots: &[B256],
    ) -> Result<AccountProof, ChainError> {
        self.inner.proof(at.into(), address, slots)
    }

    /// The oldest block whose state can be read.
    pub fn oldest_state(&self) -> u64 {
        self.inner.oldest_state()
    }

    /// The oldest block that can be proven.
    pub fn oldest_proof(&self) -> u64 {
        self.inner.oldest_proof()
    }

    /// State root after `diff` over the state at a point of the chain, as far back as proofs reach.
    pub fn root_with(&self, at: impl Into<At>, diff: &StateDiff) -> Result<B256, ChainError> {
        self.inner.root_with(at.into(), diff)
    }

    /// Base fees, fullness and tips of past blocks. At most 1,024 blocks and 100 percentiles.
    pub fn fee_history(
        &self,
        newest: u64,
        block_count: u64,
        percentiles: &[f64],
    ) -> Result<FeeHistory, ChainError> {
        self.inner.fee_history(newest, block_count, percentiles)
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
        self.inner.submit_many(txs)
    }

    /// Takes a waiting transaction out of the pool: whoever makes blocks will not have it.
    pub fn forget(&self, tx: &B256) {
        self.inner.pool.remove(tx);
    }

    /// Gives a signed price report to the next block. It takes the place of an earlier one of its reporter.
    pub fn submit_report(&self, report: SignedReport) -> Result<(), ReportError> {
        self.inner.submit_report(report)
    }

    /// Reports that a block of this time would take: for a driver's own [`BlockInputs`].
    pub fn waiting_reports(&self, time_ms: u64) -> Vec<SignedReport> {
        self.inner.reports.for_block(time_ms)
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
        let _turn = self.inner.turn.lock();
        on_big_stack(|| self.inner.build_candidate(parent, inputs))
    }

    /// Judges a block by executing it; a good one becomes a candidate. `Err` is this node's own trouble.
    pub fn check(&self, block: &RawBlock) -> Result<Verdict, ChainError> {
        let _turn = self.inner.turn.lock();
        on_big_stack(|| self.inner.check_raw(block, false))
    }

    /// Judges a block of a replay or an import, which is of the past whatever its time says.
    pub(crate) fn check_history(&self, block: &RawBlock) -> Result<Verdict, ChainError> {
        let _turn = self.inner.turn.lock();
        on_big_stack(|| self.inner.check_raw(block, true))
    }

    /// Makes a candidate final, its ancestors first. It is durable when this returns. Its siblings are
    /// dropped. Doing it again is not an error.
    pub fn finalize(&self, hash: B256) -> Result<Arc<Block>, ChainError> {
        let _turn = self.inner.turn.lock();
        self.inner.finalize(hash)
    }

    /// State after a final block, without developer overrides that wait.
    pub fn final_state_at(&self, number: u64) -> Result<Arc<dyn StateRead>, ChainError> {
        let oldest = self.inner.ledger.oldest_state();
        if number < oldest {
            return Err(ChainError::StatePruned { number, oldest });
        }
        Ok(self.inner.ledger.state(number))
    }

    /// State after a candidate or the newest final block: what a child of it would see.
    pub fn candidate_state(&self, hash: B256) -> Result<Arc<dyn StateRead>, ChainError> {
        self.inner.state_of(hash)
    }

    /// What only a development chain may do; `None` on any other.
    pub fn dev(&self) -> Option<&Dev> {
        self.inner.dev.as_ref()
    }

    /// When this node makes blocks.
    pub fn mining(&self) -> Mining {
        self.inner.driver.lock().mining
    }

    /// Moves everything final into the database. The log already holds it; this only shortens the next start.
    pub fn flush(&self) -> Result<(), ChainError> {
        self.inner.ledger.flush()
    }

    pub(crate) fn copy_to(
        &self,
        to: &std::path::Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), ChainError> {
        let ledger = &self.inner.ledger;
        crate::db::backup(ledger.db(), ledger.log(), to, progress).map_err(ledger::storage)
    }

    /// Drops old blocks from the log of a scratch chain, in whole segments.
    pub(crate) fn forget_blocks_below(&self, height: u64) -> Result<(), ChainError> {
        let log = self.inner.ledger.log();
        log.prune_below(height).map(drop).map_err(ledger::storage)
    }

    /// Why this node no longer writes, if it does not: a full or failing disk. It should stop then.
    pub fn failure(&self) -> Option<String> {
        self.inner.ledger.failure()
    }

    /// How the index of guards stands: which accounts a block must look at, and when.
    pub fn guards(&self) -> GuardReport {
        self.inner.guards.lock().report()
    }

    /// Accounts that owe something, at most `max`: for whoever looks at all of them together.
    pub fn guarded(&self, max: usize) -> Guarded {
        self.inner.guards.lock().guarded(max)
    }

    /// How the index of orders stands: what a block must execute, and when.
    pub fn order_guards(&self) -> GuardReport {
        self.inner.guards.lock().report_orders()
    }

    /// How the index of products stands: which of them a block must rebalance, and when.
    pub fn product_guards(&self) -> GuardReport {
        self.inner.guards.lock().report_products()
    }

    /// How the index of claims stands: which of them a block must draw or settle, and when.
    pub fn claim_guards(&self) -> GuardReport {
        self.inner.guards.lock().report_claims()
    }

    /// How the index of machines that owe stands: with which of them a block has something to do, and when.
    pub fn debt_guards(&self) -> GuardReport {
        self.inner.guards.lock().report_debts()
    }

    /// Syncs of the block log so far: at least one for each block since the start.
    pub fn sync_count(&self) -> u64 {
        self.inner.ledger.log().sync_count()
    }
}

impl Inner {
    pub(crate) fn log(&self) -> &crate::log::BlockLog {
        self.ledger.log()
    }

    fn submit_many(&self, txs: Vec<Recovered<Tx>>) -> Vec<Result<B256, PoolError>> {
        let count = txs.len();
        // Before the state, which may then be newer than the head that it is taken for, and never older.
        let head = self.ledger.head();
        let state = match self.state_at(At::Latest) {
            Ok(state) => state,
            Err(error) => return vec![Err(PoolError::State(error.to_string())); count],
        };
        let admission = Admission {
            rules: &self.rules,
            state: &*state,
            next_number: head.number() + 1,
            base_fee_wei: self.coming_base_fee(&head),
            impersonation: &|sender| {
                self.dev
                    .as_ref()
                    .is_some_and(|dev| dev.is_impersonated(sender))
            },
        };
        let answers = self.pool.insert_many(txs, &admission);
        let entered: Vec<Arc<Pooled>> = answers
            .iter()
            .filter_map(|answer| answer.as_ref().ok().cloned())
            .collect();
        metrics::counter!("capstan_pool_refused_total").increment((count - entered.len()) as u64);
        self.catch_up(head, &entered);
        if !entered.is_empty() {
            if let Some(journal) = &self.journal {
                journal.append(&entered);
            }
            if self.arrivals.receiver_count() > 0 {
                let _ = self.arrivals.send(Arc::new(entered));
            }
            self.ring();
        }
        answers
            .into_iter()
            .map(|answer| answer.map(|tx| tx.hash()))
            .collect()
    }

    /// A block that became final while transactions were judged by its parent may have mined what they follow: then
    /// nobody else would ever tell the pool that their turn has come.
    fn catch_up(&self, mut judged_by: Arc<Block>, entered: &[Arc<Pooled>]) {
        loop {
            let head = self.ledger.head();
            if entered.is_empty() || head.hash() == judged_by.hash() {
                return;
            }
            let state = self.state_at(At::Latest).map_err(|error| error.to_string());
            let senders = entered.iter().map(|tx| tx.sender());
            let done = state.and_then(|state| {
                let refreshed = self.pool.refresh(senders, &*state);
                refreshed.map_err(|error| error.to_string())
            });
            if let Err(error) = done {
                tracing::warn!(%error, "the pool could not follow a block");
                return;
            }
            judged_by = head;
        }
    }

    fn submit_report(&self, report: SignedReport) -> Result<(), ReportError> {
        let state = |error: String| ReportError::State(error);
        let latest = self
            .state_at(At::Latest)
            .map_err(|error| state(error.to_string()))?;
        let session = Session::open(Arc::clone(&self.rules), latest, self.next_context());
        let session = session.map_err(|error| state(error.to_string()))?;
        let answer = self.reports.submit(session, report);
        let outcome = if answer.is_ok() { "taken" } else { "refused" };
        metrics::counter!("capstan_reports_total", "outcome" => outcome).increment(1);
        if answer.is_ok() {
            self.ring();
        }
        answer
    }

    /// Base fee of the next block, a developer's wish included.
    fn coming_base_fee(&self, head: &Block) -> u64 {
        let wished = self.dev.as_ref().and_then(Dev::wished_base_fee);
        wished.unwrap_or_else(|| self.next_base_fee(head))
    }

    /// Whether a block made now would hold a transaction.
    pub(crate) fn has_work(&self) -> bool {
        let head = self.ledger.head();
        self.pool.has_ready(self.coming_base_fee(&head))
            || self.reports.has_any(self.clock.next_ms(head.time_ms()))
    }

    /// Wakes whoever makes blocks.
    pub(crate) fn ring(&self) {
        let mut driver = self.driver.lock();
        if !driver.rung {
            driver.rung = true;
            self.bell.notify_all();
        }
    }
}
