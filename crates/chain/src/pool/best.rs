//! Transactions for a block, best first.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashSet, VecDeque},
    sync::Arc,
};

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use capstan_evm::StateDiff;

use super::{Pool, Pooled, store::PoolStore};

/// How many transactions are drawn under one lock: a batch that is being admitted waits no longer than this
/// takes, and a block that is being built seldom waits for a batch.
const CHUNK: usize = 1024;

/// Highest tip first, nonces of one sender in order. Each transaction is given out once.
pub(crate) struct Best {
    pool: Arc<Pool>,
    base_fee_wei: u64,
    /// The next transaction of each sender.
    heads: BinaryHeap<Head>,
    drawn: VecDeque<Arc<Pooled>>,
    skipped: HashSet<Address>,
}

struct Head {
    tip_wei: u128,
    tx: Arc<Pooled>,
}

impl Head {
    /// The transaction with what it pays to the block's proposer; `None` if it does not reach the base fee.
    fn new(tx: &Arc<Pooled>, base_fee_wei: u64) -> Option<Self> {
        let tip_wei = tx.tx.effective_tip_per_gas(base_fee_wei)?;
        Some(Self {
            tip_wei,
            tx: Arc::clone(tx),
        })
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_tip = self.tip_wei.cmp(&other.tip_wei);
        by_tip.then_with(|| other.tx.sequence.cmp(&self.tx.sequence))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

impl Best {
    /// `ahead` is what a block changed that the pool may not have heard of: senders go on after it.
    pub(super) fn new(pool: Arc<Pool>, base_fee_wei: u64, ahead: Option<&StateDiff>) -> Self {
        let nonce_ahead = |address: &Address| {
            let account = ahead?.accounts.get(address)?;
            Some(account.info?.nonce)
        };
        let heads = {
            let store = pool.store.lock();
            let first = |(_, address): &(u128, Address)| {
                let sender = store.senders.get(address)?;
                let nonce = nonce_ahead(address).map_or(sender.nonce, |n| n.max(sender.nonce));
                Head::new(sender.ready_at(nonce)?, base_fee_wei)
            };
            store.heads.iter().filter_map(first).collect()
        };
        Self {
            pool,
            base_fee_wei,
            heads,
            drawn: VecDeque::new(),
            skipped: HashSet::new(),
        }
    }

    /// Whether there is nothing to give out.
    pub(crate) fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.drawn.is_empty()
    }

    /// The next transaction of no sender that was skipped.
    pub(crate) fn next_tx(&mut self) -> Option<Arc<Pooled>> {
        loop {
            if self.drawn.is_empty() {
                self.draw();
            }
            let tx = self.drawn.pop_front()?;
            if !self.skips(tx.sender()) {
                return Some(tx);
            }
        }
    }

    /// Gives out nothing more of this sender: one of its transactions did not enter the block, so the
    /// later ones cannot.
    pub(crate) fn skip_sender(&mut self, sender: Address) {
        self.skipped.insert(sender);
    }

    /// Whether this sender gets nothing more.
    pub(crate) fn skips(&self, sender: Address) -> bool {
        !self.skipped.is_empty() && self.skipped.contains(&sender)
    }

    fn draw(&mut self) {
        let store = self.pool.store.lock();
        while self.drawn.len() < CHUNK {
            let Some(head) = self.heads.pop() else { return };
            if let Some(next) = follower(&store, &head.tx) {
                self.heads.extend(Head::new(next, self.base_fee_wei));
            }
            self.drawn.push_back(head.tx);
        }
    }
}

fn follower<'a>(store: &'a PoolStore, tx: &Pooled) -> Option<&'a Arc<Pooled>> {
    store.senders.get(&tx.sender())?.ready_at(tx.nonce() + 1)
}
