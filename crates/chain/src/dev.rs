//! What only a development chain may do: change state by hand, go back, move the clock.
//!
//! Changes of state are visible at `latest` at once and are written by a `DevOverride` transaction in the
//! next block, so every block still follows from its parent and can be replayed.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};

use crate::{ChainError, Mining};

/// Developer verbs of one chain.
pub struct Dev {
    _private: (),
}

fn unfinished<T>() -> Result<T, ChainError> {
    Err(ChainError::Internal("under construction".into()))
}

impl Dev {
    /// Sets a balance.
    pub fn set_balance(&self, account: Address, wei: U256) -> Result<(), ChainError> {
        let _ = (account, wei);
        unfinished()
    }

    /// Sets a nonce. Waiting transactions of the account are judged anew.
    pub fn set_nonce(&self, account: Address, nonce: u64) -> Result<(), ChainError> {
        let _ = (account, nonce);
        unfinished()
    }

    /// Sets code.
    pub fn set_code(&self, account: Address, code: Bytes) -> Result<(), ChainError> {
        let _ = (account, code);
        unfinished()
    }

    /// Sets a storage word.
    pub fn set_storage_at(
        &self,
        account: Address,
        slot: U256,
        word: U256,
    ) -> Result<(), ChainError> {
        let _ = (account, slot, word);
        unfinished()
    }

    /// Remembers the newest block, and what was overridden since. Ids rise from 1.
    pub fn snapshot(&self) -> Result<u64, ChainError> {
        unfinished()
    }

    /// Goes back to a snapshot, which is used up by it, as are those taken after it. `false`: no such snapshot.
    pub fn revert(&self, snapshot: u64) -> Result<bool, ChainError> {
        let _ = snapshot;
        unfinished()
    }

    /// Undoes blocks until `height` is the newest.
    pub fn rewind_to(&self, height: u64) -> Result<(), ChainError> {
        let _ = height;
        unfinished()
    }

    /// Makes `count` blocks now, the first from the pool as always; `step` apart if given.
    /// Answers their hashes. May block for as long as they take: not for an async thread.
    pub fn mine(&self, count: u64, step: Option<Duration>) -> Result<Vec<B256>, ChainError> {
        let _ = (count, step);
        unfinished()
    }

    /// Moves the clock of later blocks ahead. Answers by how far it is ahead in all.
    pub fn increase_time(&self, by: Duration) -> Result<Duration, ChainError> {
        let _ = by;
        unfinished()
    }

    /// Sets the header seconds of the next block; the clock goes on from there.
    pub fn set_next_block_timestamp(&self, seconds: u64) -> Result<(), ChainError> {
        let _ = seconds;
        unfinished()
    }

    /// Sets the clock: blocks made from now on go on from these seconds. Answers how far it moved, in seconds.
    pub fn set_time(&self, seconds: u64) -> Result<i64, ChainError> {
        let _ = seconds;
        unfinished()
    }

    /// When blocks are made.
    pub fn mining(&self) -> Mining {
        Mining::Instant
    }

    /// Changes when blocks are made.
    pub fn set_mining(&self, mining: Mining) -> Result<(), ChainError> {
        let _ = mining;
        unfinished()
    }

    /// Sets the base fee of the next block alone.
    pub fn set_next_base_fee(&self, wei: u64) -> Result<(), ChainError> {
        let _ = wei;
        unfinished()
    }

    /// Sets the beneficiary of later blocks.
    pub fn set_beneficiary(&self, account: Address) -> Result<(), ChainError> {
        let _ = account;
        unfinished()
    }

    /// Sets the randomness of the next block alone.
    pub fn set_prevrandao(&self, word: B256) -> Result<(), ChainError> {
        let _ = word;
        unfinished()
    }

    /// Forgets a waiting transaction. `false`: it was not waiting.
    pub fn drop_transaction(&self, hash: B256) -> bool {
        let _ = hash;
        false
    }

    /// Forgets all waiting transactions; answers how many.
    pub fn drop_all_transactions(&self) -> usize {
        0
    }

    /// Lets transactions name this account as sender ([`crate::impersonation_signature`]).
    pub fn impersonate(&self, account: Address) {
        let _ = account;
    }

    /// Stops that. `false`: it was not impersonated.
    pub fn stop_impersonating(&self, account: Address) -> bool {
        let _ = account;
        false
    }

    /// Lets transactions name any sender, or stops that.
    pub fn set_auto_impersonate(&self, on: bool) {
        let _ = on;
    }

    /// Whether transactions may name this sender.
    pub fn is_impersonated(&self, account: Address) -> bool {
        let _ = account;
        false
    }
}
