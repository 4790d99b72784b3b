//! What waits from one account.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction as _;
use alloy_primitives::U256;
use capstan_evm::AccountInfo;

use super::Pooled;

/// One account's waiting transactions, and the account as the newest block left it.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// Nonce that the account goes on with.
    pub(super) nonce: u64,
    /// Balance in wei.
    pub(super) balance: U256,
    /// By nonce, none below `nonce`.
    pub(super) txs: BTreeMap<u64, Arc<Pooled>>,
    /// How many from the front are ready: without gap, and paid for one after the other.
    pub(super) ready: usize,
    /// What all of `txs` can cost, in wei.
    pub(super) cost_wei: U256,
}

impl Sender {
    /// Takes the account as a block left it. Answers the transactions that this overtakes.
    pub(super) fn update(&mut self, account: AccountInfo) -> Vec<Arc<Pooled>> {
        // What was ready beyond the account's new nonce still follows it without gap.
        let ready_end = self.ready_end();
        self.ready = usize::try_from(ready_end.saturating_sub(account.nonce)).unwrap_or(0);
        let went_back = account.nonce < self.nonce;
        self.nonce = account.nonce;
        self.balance = account.balance;
        let mut overtaken = Vec::new();
        while let Some(first) = self.txs.first_entry()
            && *first.key() < account.nonce
        {
            let tx = first.remove();
            self.cost_wei = self.cost_wei.saturating_sub(tx.cost_wei);
            overtaken.push(tx);
        }
        if went_back {
            self.ready = 0;
        }
        self.settle();
        overtaken
    }

    /// Puts a transaction at its nonce. Answers the one that was there.
    pub(super) fn put(&mut self, tx: Arc<Pooled>) -> Option<Arc<Pooled>> {
        let nonce = tx.nonce();
        self.cost_wei = self.cost_wei.saturating_add(tx.cost_wei);
        let replaced = self.txs.insert(nonce, tx);
        if let Some(old) = &replaced {
            self.cost_wei = self.cost_wei.saturating_sub(old.cost_wei);
        }
        self.settle();
        replaced
    }

    /// Takes out the transaction at a nonce.
    pub(super) fn take(&mut self, nonce: u64) -> Option<Arc<Pooled>> {
        let tx = self.txs.remove(&nonce)?;
        self.cost_wei = self.cost_wei.saturating_sub(tx.cost_wei);
        // Those before it stay as they are; those after it stand behind a gap now.
        let before = usize::try_from(nonce.saturating_sub(self.nonce)).unwrap_or(usize::MAX);
        self.ready = self.ready.min(before);
        Some(tx)
    }

    fn ready_end(&self) -> u64 {
        self.nonce.saturating_add(self.ready as u64)
    }

    /// Counts anew what is ready. While the account can pay for everything, which is nearly always, only
    /// what became ready is looked at: each transaction once, so that many cost no more than few.
    fn settle(&mut self) {
        if self.cost_wei <= self.balance {
            while self.txs.contains_key(&self.ready_end()) {
                self.ready += 1;
            }
            return;
        }
        let mut left = self.balance;
        self.ready = (self.nonce..)
            .zip(&self.txs)
            .take_while(|(expected, (nonce, tx))| {
                let fits = expected == *nonce && tx.cost_wei <= left;
                if fits {
                    left -= tx.cost_wei;
                }
                fits
            })
            .count();
    }

    /// What the first ready transaction offers per gas; `None` without one.
    pub(super) fn head_fee_wei(&self) -> Option<u128> {
        let first = (self.ready > 0).then(|| self.txs.values().next());
        first.flatten().map(|tx| tx.tx.max_fee_per_gas())
    }

    /// The ready transaction with this nonce.
    pub(super) fn ready_at(&self, nonce: u64) -> Option<&Arc<Pooled>> {
        (nonce < self.ready_end())
            .then(|| self.txs.get(&nonce))
            .flatten()
    }

    /// Nonce after the last ready transaction; `None` without one.
    pub(super) fn next_pending_nonce(&self) -> Option<u64> {
        (self.ready > 0).then(|| self.nonce + self.ready as u64)
    }

    /// Ready and other transactions.
    pub(super) fn split(&self) -> (Vec<Arc<Pooled>>, Vec<Arc<Pooled>>) {
        let mut all: Vec<_> = self.txs.values().cloned().collect();
        let queued = all.split_off(self.ready);
        (all, queued)
    }
}
