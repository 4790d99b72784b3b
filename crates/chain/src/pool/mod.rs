//! Transactions that wait for a block.
//!
//! ```text
//!  admit (stateless rules, then the sender's account) ─► Sender: nonce ─► transaction
//!                                                         │  ready:  an unbroken run from the account's nonce, all paid for
//!                                                         │  queued: behind a gap, or not paid for yet
//!                                          Best: highest tip first, nonces of one sender in order
//! ```
//!
//! One lock guards it all; a batch takes it once. Nothing here executes anything: what is ready may still
//! fail, and a block that refuses a transaction tells the pool so. The rules are in `specs/pool.md`.

mod admit;
mod best;
mod error;
pub(crate) mod journal;
mod sender;
mod store;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, U256};
use capstan_evm::{AccountInfo, StateDiff, StateRead, Tx};
use parking_lot::Mutex;

pub(crate) use admit::Admission;
pub(crate) use best::Best;
pub use error::PoolError;
pub use journal::read_journal;
use store::PoolStore;

/// Bounds of a pool. Defaults and their reasons are in `specs/pool.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Most waiting transactions of one account; also how far ahead of the account a nonce may be.
    pub per_sender: usize,
    /// Most waiting transactions of an account that has delegated its code (EIP-7702).
    pub per_delegated_sender: usize,
    /// Most waiting transactions.
    pub count: usize,
    /// Most bytes of waiting transactions.
    pub bytes: usize,
    /// Most bytes of one transaction.
    pub tx_bytes: usize,
    /// Rise of both fees that replaces a waiting transaction, in percent.
    pub bump_percent: u64,
    /// Smallest tip that enters, in wei per gas.
    pub min_tip_wei: u128,
    /// How long a transaction may wait.
    pub lifetime: Duration,
}

impl PoolConfig {
    /// For a node that strangers send to.
    pub fn node() -> Self {
        Self {
            per_sender: 256,
            per_delegated_sender: 1,
            count: 100_000,
            bytes: 128 << 20,
            tx_bytes: 128 << 10,
            bump_percent: 10,
            min_tip_wei: 0,
            lifetime: Duration::from_secs(3 * 3600),
        }
    }

    /// For a development chain: one account may send a whole test suite at once.
    pub fn dev() -> Self {
        Self {
            per_sender: 4_096,
            count: 200_000,
            bytes: 256 << 20,
            ..Self::node()
        }
    }
}

/// A waiting transaction.
#[derive(Debug)]
pub struct Pooled {
    /// The transaction and its sender.
    pub tx: Recovered<Tx>,
    /// When it arrived.
    pub arrived: Instant,
    /// Bytes of its EIP-2718 encoding.
    pub bytes: usize,
    /// Most that it can cost: gas limit * fee + value, in wei.
    pub cost_wei: U256,
    /// Arrival order: among equal tips the older goes first.
    sequence: u64,
}

impl Pooled {
    pub(crate) fn new(tx: Recovered<Tx>, sequence: u64) -> Self {
        let gas = U256::from(tx.gas_limit()).saturating_mul(U256::from(tx.max_fee_per_gas()));
        Self {
            arrived: Instant::now(),
            bytes: tx.encode_2718_len(),
            cost_wei: gas.saturating_add(tx.value()),
            sequence,
            tx,
        }
    }

    /// Hash of the transaction.
    pub fn hash(&self) -> B256 {
        *self.tx.tx_hash()
    }

    /// Sender of the transaction.
    pub fn sender(&self) -> Address {
        self.tx.signer()
    }

    /// Nonce of the transaction.
    pub fn nonce(&self) -> u64 {
        self.tx.nonce()
    }

    /// `maxPriorityFeePerGas`, or the gas price of the older types.
    fn tip_wei(&self) -> u128 {
        self.tx
            .max_priority_fee_per_gas()
            .unwrap_or_else(|| self.tx.max_fee_per_gas())
    }
}

/// How full a pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that the next blocks can take.
    pub pending: usize,
    /// Transactions behind a gap, or not paid for yet.
    pub queued: usize,
    /// Bytes of both.
    pub bytes: usize,
}

/// Everything in a pool; by sender, then by nonce.
#[derive(Clone, Debug, Default)]
pub struct PoolContent {
    /// Transactions that the next blocks can take.
    pub pending: Vec<(Address, Vec<Arc<Pooled>>)>,
    /// Transactions behind a gap, or not paid for yet.
    pub queued: Vec<(Address, Vec<Arc<Pooled>>)>,
}

/// The pool of one chain. Transactions enter through [`crate::Chain::submit`].
#[derive(Debug)]
pub struct Pool {
    config: PoolConfig,
    store: Mutex<PoolStore>,
}

impl Pool {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            store: Mutex::new(PoolStore::default()),
            config,
        }
    }

    /// Bounds in force.
    pub fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// A waiting transaction.
    pub fn get(&self, hash: &B256) -> Option<Arc<Pooled>> {
        self.store.lock().by_hash.get(hash).cloned()
    }

    /// How full it is.
    pub fn status(&self) -> PoolStatus {
        self.store.lock().status()
    }

    /// Nonce that follows the sender's pending transactions, if it has any.
    pub fn next_nonce(&self, sender: Address) -> Option<u64> {
        self.store.lock().senders.get(&sender)?.next_pending_nonce()
    }

    /// Everything in it, copied: for `txpool_content`.
    pub fn content(&self) -> PoolContent {
        let store = self.store.lock();
        let mut senders: Vec<Address> = store.senders.keys().copied().collect();
        senders.sort_unstable();
        let mut content = PoolContent::default();
        for sender in senders {
            content.add(sender, &store);
        }
        content
    }

    /// What waits from one sender.
    pub fn content_from(&self, sender: Address) -> PoolContent {
        let mut content = PoolContent::default();
        content.add(sender, &self.store.lock());
        content
    }

    /// Hashes of all waiting transactions, oldest first.
    pub fn hashes(&self) -> Vec<B256> {
        let store = self.store.lock();
        let mut all: Vec<_> = store
            .by_hash
            .values()
            .map(|tx| (tx.sequence, tx.hash()))
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, hash)| hash).collect()
    }

    /// Whether any transaction could enter a block with this base fee.
    pub(crate) fn has_ready(&self, base_fee_wei: u64) -> bool {
        self.store.lock().has_ready(base_fee_wei)
    }

    /// Takes in transactions in order, with one lock. An answer for each.
    pub(crate) fn insert_many(
        &self,
        txs: Vec<Recovered<Tx>>,
        admission: &Admission<'_>,
    ) -> Vec<Result<Arc<Pooled>, PoolError>> {
        let checked: Vec<_> = txs
            .into_iter()
            .map(|tx| {
                admission
                    .check(&tx, &self.config)
                    .map(|account| (tx, account))
            })
            .collect();
        let mut store = self.store.lock();
        let answers = checked
            .into_iter()
            .map(|checked| {
                checked.and_then(|(tx, account)| store.insert(tx, account, &self.config))
            })
            .collect();
        store.report();
        answers
    }

    /// Transactions for a block, best first. `ahead` is what its parent changed, if the pool may not have
    /// heard of that yet.
    pub(crate) fn best(self: &Arc<Self>, base_fee_wei: u64, ahead: Option<&StateDiff>) -> Best {
        Best::new(Arc::clone(self), base_fee_wei, ahead)
    }

    /// Forgets a transaction, and tells whether it was there.
    pub(crate) fn remove(&self, hash: &B256) -> bool {
        let mut store = self.store.lock();
        let removed = store.remove(hash).is_some();
        store.report();
        removed
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) -> usize {
        let mut store = self.store.lock();
        let count = store.by_hash.len();
        *store = PoolStore::default();
        store.report();
        count
    }

    /// Follows the accounts that a block changed: what was mined or overtaken goes, the rest is judged anew.
    pub(crate) fn on_block(&self, diff: &StateDiff) {
        let mut store = self.store.lock();
        for (address, account) in &diff.accounts {
            store.update_account(*address, account.info.unwrap_or_default());
        }
        store.expire(self.config.lifetime);
        store.report();
    }

    /// Reads every sender's account again: after a rewind.
    pub(crate) fn on_rewind(&self, state: &dyn StateRead) -> Result<(), capstan_evm::StateError> {
        let senders: Vec<Address> = self.store.lock().senders.keys().copied().collect();
        self.refresh(senders, state)
    }

    /// Reads the accounts of some senders again.
    pub(crate) fn refresh(
        &self,
        senders: impl IntoIterator<Item = Address>,
        state: &dyn StateRead,
    ) -> Result<(), capstan_evm::StateError> {
        let mut store = self.store.lock();
        for sender in senders {
            let account: AccountInfo = state.account(sender)?.unwrap_or_default();
            store.update_account(sender, account);
        }
        store.report();
        Ok(())
    }

    /// All waiting transactions of all senders, each sender's by nonce: for the journal.
    pub(crate) fn all(&self) -> Vec<Arc<Pooled>> {
        let store = self.store.lock();
        let mut all: Vec<_> = store.by_hash.values().cloned().collect();
        all.sort_unstable_by_key(|tx| (tx.sender(), tx.nonce()));
        all
    }
}

impl PoolContent {
    fn add(&mut self, address: Address, store: &PoolStore) {
        let Some(sender) = store.senders.get(&address) else {
            return;
        };
        let (pending, queued) = sender.split();
        for (list, txs) in [(&mut self.pending, pending), (&mut self.queued, queued)] {
            if !txs.is_empty() {
                list.push((address, txs));
            }
        }
    }
}
