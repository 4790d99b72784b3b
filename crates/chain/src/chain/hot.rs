//! State that is asked for often, or not in the database yet: values by the height they are in force from.
//!
//! A reader stands at a height and never sees a later value, so a block that is finalized under a running
//! call changes nothing for it. What is not here is in the database: either as its newest value, or, for a
//! reader below the database's height, in its history.
//!
//! Values above the flushed height are *dirty*: the database does not have them, so they stay. Clean ones
//! may go at any time. A value read from the database is kept only by a reader that stands at the newest
//! height, which is checked under the shard's lock: [`Hot::advance`] raises the height before it writes.

use std::{
    hash::{BuildHasher, Hash},
    sync::atomic::{AtomicU64, Ordering},
};

use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{B256Map, DefaultHashBuilder, HashMap},
};
use capstan_evm::{AccountInfo, StateDiff};
use parking_lot::RwLock;

const SHARDS: usize = 64;
/// Most clean values of one shard: about 200 MB in all when every one is a storage word.
const CLEAN_PER_SHARD: usize = 1 << 14;
/// Most bytes of clean code.
const CODE_BYTES: usize = 64 << 20;

/// A value and the heights from which its predecessors were in force, oldest first.
struct Versions<V> {
    newest: (u64, V),
    older: Vec<(u64, V)>,
}

impl<V: Copy> Versions<V> {
    fn at(&self, height: u64) -> Option<V> {
        if self.newest.0 <= height {
            return Some(self.newest.1);
        }
        self.older
            .iter()
            .rev()
            .find(|(since, _)| *since <= height)
            .map(|(_, value)| *value)
    }
}

struct Shards<K, V> {
    hasher: DefaultHashBuilder,
    shards: Vec<RwLock<HashMap<K, Versions<V>>>>,
}

impl<K: Hash + Eq, V: Copy> Shards<K, V> {
    fn new() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self {
            hasher: DefaultHashBuilder::default(),
            shards,
        }
    }

    fn shard(&self, key: &K) -> &RwLock<HashMap<K, Versions<V>>> {
        // The map uses the low bits of its own hash; the high ones choose the shard.
        let hash = self.hasher.hash_one(key);
        &self.shards[usize::from((hash >> 56) as u8) % SHARDS]
    }

    fn get(&self, key: &K, height: u64) -> Option<V> {
        self.shard(key).read().get(key)?.at(height)
    }

    fn fill(&self, key: K, value: V, height: u64, newest: &AtomicU64) {
        let mut shard = self.shard(&key).write();
        if newest.load(Ordering::Acquire) == height {
            shard.entry(key).or_insert(Versions {
                newest: (height, value),
                older: Vec::new(),
            });
        }
    }

    fn put(&self, key: K, value: V, height: u64, flushed: u64) {
        let mut shard = self.shard(&key).write();
        match shard.entry(key) {
            alloy_primitives::map::Entry::Vacant(entry) => {
                entry.insert(Versions {
                    newest: (height, value),
                    older: Vec::new(),
                });
            }
            alloy_primitives::map::Entry::Occupied(mut entry) => {
                let versions = entry.get_mut();
                let before = std::mem::replace(&mut versions.newest, (height, value));
                versions.older.push(before);
                // The database answers for everything that it holds.
                versions.older.retain(|(since, _)| *since > flushed);
            }
        }
    }

    /// Makes room: clean values go where there are too many.
    fn trim(&self, flushed: u64) {
        for shard in &self.shards {
            let mut shard = shard.write();
            if shard.len() > CLEAN_PER_SHARD {
                shard.retain(|_, versions| versions.newest.0 > flushed);
            }
        }
    }

    fn clear(&self) {
        for shard in &self.shards {
            shard.write().clear();
        }
    }
}

/// See the module.
pub(super) struct Hot {
    newest: AtomicU64,
    flushed: AtomicU64,
    accounts: Shards<Address, Option<AccountInfo>>,
    slots: Shards<(Address, U256), U256>,
    codes: RwLock<Codes>,
}

#[derive(Default)]
struct Codes {
    by_hash: B256Map<(u64, Bytes)>,
    bytes: usize,
}

impl Codes {
    fn put(&mut self, hash: B256, code: Bytes, since: u64) {
        self.bytes += code.len();
        if let Some((_, before)) = self.by_hash.insert(hash, (since, code)) {
            self.bytes -= before.len();
        }
    }
}

impl Hot {
    pub(super) fn new(height: u64) -> Self {
        Self {
            newest: AtomicU64::new(height),
            flushed: AtomicU64::new(height),
            accounts: Shards::new(),
            slots: Shards::new(),
            codes: RwLock::default(),
        }
    }

    pub(super) fn account(&self, address: Address, height: u64) -> Option<Option<AccountInfo>> {
        self.accounts.get(&address, height)
    }

    pub(super) fn slot(&self, address: Address, slot: U256, height: u64) -> Option<U256> {
        self.slots.get(&(address, slot), height)
    }

    pub(super) fn code(&self, hash: &B256) -> Option<Bytes> {
        self.codes
            .read()
            .by_hash
            .get(hash)
            .map(|(_, code)| code.clone())
    }

    pub(super) fn fill_account(&self, address: Address, info: Option<AccountInfo>, height: u64) {
        self.accounts.fill(address, info, height, &self.newest);
    }

    pub(super) fn fill_slot(&self, address: Address, slot: U256, word: U256, height: u64) {
        self.slots.fill((address, slot), word, height, &self.newest);
    }

    /// Code does not change with height, so any reader may keep it.
    pub(super) fn fill_code(&self, hash: B256, code: Bytes) {
        self.codes.write().put(hash, code, 0);
    }

    /// Takes in what the block at `height` changed.
    pub(super) fn advance(&self, height: u64, diff: &StateDiff) {
        self.newest.store(height, Ordering::Release);
        let flushed = self.flushed.load(Ordering::Acquire);
        for (address, account) in &diff.accounts {
            self.accounts.put(*address, account.info, height, flushed);
            for (slot, word) in &account.storage {
                self.slots.put((*address, *slot), *word, height, flushed);
            }
        }
        if !diff.codes.is_empty() {
            let mut codes = self.codes.write();
            for (hash, code) in &diff.codes {
                codes.put(*hash, code.clone(), height);
            }
        }
    }

    /// The database holds everything up to `height` now.
    pub(super) fn flushed(&self, height: u64) {
        self.flushed.store(height, Ordering::Release);
        self.accounts.trim(height);
        self.slots.trim(height);
        let mut codes = self.codes.write();
        if codes.bytes > CODE_BYTES {
            codes.by_hash.retain(|_, (since, _)| *since > height);
            codes.bytes = codes.by_hash.values().map(|(_, code)| code.len()).sum();
        }
    }

    /// Forgets everything: the database, at `height`, is the truth again.
    pub(super) fn reset(&self, height: u64) {
        self.newest.store(height, Ordering::Release);
        self.flushed.store(height, Ordering::Release);
        self.accounts.clear();
        self.slots.clear();
        *self.codes.write() = Codes::default();
    }
}

#[cfg(test)]
mod tests;
