//! The state as the settled transactions left it: written by whoever commits, in order, and read by everybody meanwhile.
//!
//! Who runs ahead may read a value that a later commit replaces. What was read is compared with this state when its turn
//! has come, so that makes a result late, never wrong.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::map::{AddressMap, B256Map, FbBuildHasher, U256Map};
use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::RwLock;

use super::tally::Word;
use crate::overlay::Written;
use crate::{AccountInfo, Overlay, StateError, StateRead};

const SHARDS: usize = 64;

#[derive(Default)]
struct Shard {
    accounts: AddressMap<Option<AccountInfo>>,
    /// Each with the number of the commit that wrote it.
    words: AddressMap<U256Map<(u64, U256)>>,
    /// Accounts whose storage went, with the last commit in which it did.
    resets: AddressMap<u64>,
}

impl Shard {
    /// With room for what a block of some thousand transfers puts into it.
    fn roomy() -> Self {
        const ACCOUNTS: usize = 56;
        Self {
            accounts: AddressMap::with_capacity_and_hasher(ACCOUNTS, Default::default()),
            ..Self::default()
        }
    }
}

/// See the module.
pub(super) struct Memory {
    /// The state before the first of these transactions.
    below: Arc<Overlay>,
    /// What chooses the shard: by seeds of this memory's own.
    of_address: FbBuildHasher<20>,
    of_slot: FbBuildHasher<32>,
    shards: Vec<RwLock<Shard>>,
    codes: RwLock<B256Map<Bytes>>,
    /// Whether any storage went: seldom, and then every read of a word looks for it.
    has_resets: AtomicBool,
}

impl Memory {
    pub(super) fn new(below: Arc<Overlay>) -> Self {
        Self {
            below,
            of_address: FbBuildHasher::default(),
            of_slot: FbBuildHasher::default(),
            shards: (0..SHARDS).map(|_| RwLock::new(Shard::roomy())).collect(),
            codes: RwLock::default(),
            has_resets: AtomicBool::new(false),
        }
    }

    /// The state before the first of these transactions.
    pub(super) fn below(&self) -> &Overlay {
        &self.below
    }

    /// Where an account lies. Whoever finds addresses that all lie in one shard makes others wait, and nothing else.
    fn shard(&self, address: Address) -> &RwLock<Shard> {
        self.shard_of(self.of_address.hash_one(address.0))
    }

    /// Where a word lies.
    fn shard_of_word(&self, (_, slot): Word) -> &RwLock<Shard> {
        let slot = alloy_primitives::FixedBytes::<32>::from(slot);
        self.shard_of(self.of_slot.hash_one(slot))
    }

    fn shard_of(&self, hash: u64) -> &RwLock<Shard> {
        // The maps use the low bits of a hash; the high ones choose the shard.
        let [high, ..] = hash.to_be_bytes();
        &self.shards[usize::from(high) % SHARDS]
    }

    /// The account, if a settled transaction wrote it.
    pub(super) fn account_written(&self, address: Address) -> Option<Option<AccountInfo>> {
        let shard = self.shard(address).read();
        shard.accounts.get(&address).copied()
    }

    /// The word, if a settled transaction wrote it, or took its account away.
    pub(super) fn word_written(&self, word: Word) -> Option<U256> {
        let reset = self.reset_of(word.0);
        let shard = self.shard_of_word(word).read();
        let words = shard.words.get(&word.0);
        let written = words.and_then(|words| words.get(&word.1)).copied();
        match (written, reset) {
            (Some((at, is)), reset) if reset.is_none_or(|reset| reset <= at) => Some(is),
            (_, reset) => reset.map(|_| U256::ZERO),
        }
    }

    fn reset_of(&self, address: Address) -> Option<u64> {
        if !self.has_resets.load(Ordering::Relaxed) {
            return None;
        }
        let shard = self.shard(address).read();
        shard.resets.get(&address).copied()
    }

    /// Keeps what a commit wrote. Numbers of commits ascend; within one, storage goes before anything is stored.
    pub(super) fn keep(&self, commit: u64, written: Written) {
        for (hash, code) in written.codes {
            self.codes.write().insert(hash, code);
        }
        for address in written.resets {
            self.has_resets.store(true, Ordering::Relaxed);
            let mut shard = self.shard(address).write();
            shard.resets.insert(address, commit);
        }
        for (address, info) in written.accounts {
            let mut shard = self.shard(address).write();
            shard.accounts.insert(address, info);
        }
        for (word, is) in written.words {
            let mut shard = self.shard_of_word(word).write();
            let words = shard.words.entry(word.0).or_default();
            words.insert(word.1, (commit, is));
        }
    }
}

/// What a next transaction, or the rest of the block, stands on.
impl StateRead for Memory {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.account_written(address) {
            Some(info) => Ok(info),
            None => self.below.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.word_written((address, slot)) {
            Some(is) => Ok(is),
            None => StateRead::storage(&*self.below, address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        let made = self.codes.read().get(&hash).cloned();
        match made {
            Some(code) => Ok(code),
            None => StateRead::code(&*self.below, hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        StateRead::block_hash(&*self.below, number)
    }
}
