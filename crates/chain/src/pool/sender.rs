//! What waits from one account.

use std::{collections::BTreeMap, sync::Arc};

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
        self.nonce = account.nonce;
        self.balance = account.balance;
        let kept = self.txs.split_off(&account.nonce);
        let overtaken = std::mem::replace(&mut self.txs, kept);
        let spent = overtaken.values().map(|tx| tx.cost_wei).sum::<U256>();
        self.cost_wei = self.cost_wei.saturating_sub(spent);
        self.recount();
        overtaken.into_values().collect()
    }

    /// Puts a transaction at its nonce. Answers the one that was there.
    pub(super) fn put(&mut self, tx: Arc<Pooled>) -> Option<Arc<Pooled>> {
        let at_end = self.nonce + self.ready as u64;
        let nonce = tx.nonce();
        self.cost_wei = self.cost_wei.saturating_add(tx.cost_wei);
        let replaced = self.txs.insert(nonce, tx);
        if let Some(old) = &replaced {
            self.cost_wei = self.cost_wei.saturating_sub(old.cost_wei);
        }
        // Appending in order is the common case, and must not cost a walk over all that waits before.
        if nonce == at_end && self.cost_wei <= self.balance && self.txs.len() == self.ready + 1 {
            self.ready += 1;
        } else {
            self.recount();
        }
        replaced
    }

    /// Takes out the transaction at a nonce.
    pub(super) fn take(&mut self, nonce: u64) -> Option<Arc<Pooled>> {
        let tx = self.txs.remove(&nonce)?;
        self.cost_wei = self.cost_wei.saturating_sub(tx.cost_wei);
        self.recount();
        Some(tx)
    }

    fn recount(&mut self) {
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

    /// Ready transactions, in order.
    pub(super) fn ready(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        self.txs.values().take(self.ready)
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
