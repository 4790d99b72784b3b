//! The pool behind its lock.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::{
    Address, B256,
    map::{AddressMap, B256Map},
};
use capstan_evm::{AccountInfo, Tx};

use super::{PoolConfig, PoolError, PoolStatus, Pooled, admit::SenderAccount, sender::Sender};

/// Cheapest first; among equals the newest first, so that waiting is never a disadvantage.
type Price = (u128, Reverse<u64>, B256);

/// Senders, and the same transactions by hash and by price.
#[derive(Debug, Default)]
pub(super) struct PoolStore {
    pub(super) by_hash: B256Map<Arc<Pooled>>,
    pub(super) senders: AddressMap<Sender>,
    /// Senders with something ready, by the fee that the first of it offers per gas.
    pub(super) heads: BTreeSet<(u128, Address)>,
    by_price: BTreeSet<Price>,
    ready: usize,
    bytes: usize,
    sequence: u64,
    /// When it was last looked through for what has waited too long.
    looked_through: Option<Instant>,
}

fn price(tx: &Pooled) -> Price {
    (tx.tip_wei(), Reverse(tx.sequence), tx.hash())
}

impl PoolStore {
    pub(super) fn status(&self) -> PoolStatus {
        let queued = self.by_hash.len() - self.ready;
        PoolStatus {
            pending: self.ready,
            queued,
            bytes: self.bytes,
        }
    }

    pub(super) fn has_ready(&self, base_fee_wei: u64) -> bool {
        let highest = self.heads.last();
        highest.is_some_and(|(fee_wei, _)| *fee_wei >= u128::from(base_fee_wei))
    }

    /// Changes a sender, and follows what that does to the counters. One that has nothing left is forgotten.
    fn change<T>(&mut self, address: Address, change: impl FnOnce(&mut Sender) -> T) -> T {
        let sender = self.senders.entry(address).or_default();
        let (ready, head) = (sender.ready, sender.head_fee_wei());
        let changed = change(sender);
        self.ready = self.ready + sender.ready - ready;
        let head_now = sender.head_fee_wei();
        if head != head_now {
            if let Some(fee_wei) = head {
                self.heads.remove(&(fee_wei, address));
            }
            self.heads
                .extend(head_now.map(|fee_wei| (fee_wei, address)));
        }
        if sender.txs.is_empty() {
            self.senders.remove(&address);
        }
        changed
    }

    /// Takes in a transaction that has passed the stateless rules.
    pub(super) fn insert(
        &mut self,
        tx: Recovered<Tx>,
        account: SenderAccount,
        config: &PoolConfig,
    ) -> Result<Arc<Pooled>, PoolError> {
        if self.by_hash.contains_key(tx.tx_hash()) {
            return Err(PoolError::AlreadyKnown(*tx.tx_hash()));
        }
        self.sequence += 1;
        let tx = Arc::new(Pooled::new(tx, self.sequence));
        let replaced = self.judge(&tx, &account, config)?;
        if replaced.is_none() {
            self.make_room(&tx, config)?;
        }
        let replaced = self.change(tx.sender(), |sender| {
            if sender.txs.is_empty() {
                // A sender that is in the pool is kept up to date by blocks; a new one starts from state.
                sender.update(account.info);
            }
            sender.put(Arc::clone(&tx))
        });
        if let Some(old) = replaced {
            self.unlist(&old);
        }
        self.bytes += tx.bytes;
        self.by_price.insert(price(&tx));
        self.by_hash.insert(tx.hash(), Arc::clone(&tx));
        Ok(tx)
    }

    /// The rules that depend on what else the sender has waiting. Answers what it would replace.
    fn judge(
        &self,
        tx: &Pooled,
        account: &SenderAccount,
        config: &PoolConfig,
    ) -> Result<Option<Arc<Pooled>>, PoolError> {
        let sender = tx.sender();
        let waiting = self.senders.get(&sender);
        let next = waiting.map_or(account.info.nonce, |s| s.nonce);
        let nonce = tx.nonce();
        if nonce < next {
            return Err(PoolError::NonceTooLow { next, nonce });
        }
        let ahead = config.per_sender as u64;
        if nonce - next >= ahead {
            return Err(PoolError::NonceTooHigh { next, nonce, ahead });
        }
        let replaced = waiting.and_then(|s| s.txs.get(&nonce)).cloned();
        let count = waiting.map_or(0, |s| s.txs.len());
        match &replaced {
            Some(old) => check_bump(old, tx, config)?,
            None if account.delegated && count >= config.per_delegated_sender => {
                return Err(PoolError::DelegatedInFlight);
            }
            None if count >= config.per_sender => {
                return Err(PoolError::AccountLimit {
                    sender,
                    limit: config.per_sender,
                });
            }
            None => {}
        }
        let have = waiting.map_or(account.info.balance, |s| s.balance);
        let others = waiting.map_or_else(Default::default, |s| s.cost_wei)
            - replaced
                .as_ref()
                .map_or_else(Default::default, |old| old.cost_wei);
        let want = others.saturating_add(tx.cost_wei);
        if want > have {
            return Err(PoolError::InsufficientFunds { sender, have, want });
        }
        Ok(replaced)
    }

    /// Evicts cheaper transactions until `tx` fits. What goes is the last of the cheapest one's sender, so
    /// that no gap is torn.
    fn make_room(&mut self, tx: &Pooled, config: &PoolConfig) -> Result<(), PoolError> {
        while self.by_hash.len() >= config.count || self.bytes + tx.bytes > config.bytes {
            let full = |min_tip_wei| PoolError::Full {
                count: self.by_hash.len(),
                bytes: self.bytes,
                min_tip_wei,
            };
            let Some((tip_wei, _, hash)) = self.by_price.first().copied() else {
                return Err(full(0));
            };
            let victim = self.by_hash.get(&hash).map(|cheapest| cheapest.sender());
            let last = victim
                .filter(|sender| tip_wei < tx.tip_wei() && *sender != tx.sender())
                .and_then(|sender| self.senders.get(&sender))
                .and_then(|sender| sender.txs.values().next_back())
                .map(|last| last.hash());
            let Some(last) = last else {
                return Err(full(tip_wei));
            };
            self.remove(&last);
            metrics::counter!("capstan_pool_evicted_total").increment(1);
        }
        Ok(())
    }

    /// Takes out a transaction.
    pub(super) fn remove(&mut self, hash: &B256) -> Option<Arc<Pooled>> {
        let tx = self.by_hash.get(hash).cloned()?;
        self.change(tx.sender(), |sender| sender.take(tx.nonce()));
        self.unlist(&tx);
        Some(tx)
    }

    fn unlist(&mut self, tx: &Pooled) {
        self.by_hash.remove(&tx.hash());
        self.by_price.remove(&price(tx));
        self.bytes -= tx.bytes;
    }

    /// Follows an account that a block changed.
    pub(super) fn update_account(&mut self, address: Address, account: AccountInfo) {
        if !self.senders.contains_key(&address) {
            return;
        }
        for tx in self.change(address, |sender| sender.update(account)) {
            self.unlist(&tx);
        }
    }

    /// Forgets what has waited too long. A look at the whole pool is dear, and a hundredth of that time more
    /// or less does not matter.
    pub(super) fn expire(&mut self, lifetime: Duration) {
        let looked = self.looked_through.get_or_insert_with(Instant::now);
        if looked.elapsed() < lifetime / 100 {
            return;
        }
        *looked = Instant::now();
        let oldest = |tx: &&Arc<Pooled>| tx.arrived.elapsed() > lifetime;
        let expired: Vec<B256> = self
            .by_hash
            .values()
            .filter(oldest)
            .map(|tx| tx.hash())
            .collect();
        for hash in expired {
            self.remove(&hash);
        }
    }

    /// Tells the metrics how full the pool is.
    pub(super) fn report(&self) {
        let status = self.status();
        metrics::gauge!("capstan_pool_transactions", "state" => "pending")
            .set(status.pending as f64);
        metrics::gauge!("capstan_pool_transactions", "state" => "queued").set(status.queued as f64);
        metrics::gauge!("capstan_pool_bytes").set(status.bytes as f64);
    }
}

/// Both fees must rise by the bump, rounded up.
fn check_bump(old: &Pooled, new: &Pooled, config: &PoolConfig) -> Result<(), PoolError> {
    let bumped = |wei: u128| {
        let rise = wei
            .saturating_mul(u128::from(config.bump_percent))
            .div_ceil(100);
        wei.saturating_add(rise.max(1))
    };
    let min_fee_wei = bumped(old.tx.max_fee_per_gas());
    let min_tip_wei = bumped(old.tip_wei());
    if new.tx.max_fee_per_gas() < min_fee_wei || new.tip_wei() < min_tip_wei {
        let bump_percent = config.bump_percent;
        return Err(PoolError::ReplacementUnderpriced {
            bump_percent,
            min_fee_wei,
            min_tip_wei,
        });
    }
    Ok(())
}
