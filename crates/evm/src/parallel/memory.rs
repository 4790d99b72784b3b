//! The state as the settled transactions left it: written by whoever commits, in order, and read by everybody meanwhile.
//!
//! Who runs ahead may read a value that a later commit replaces. What was read is compared with this state when its turn
//! has come, so that makes a result late, never wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alloy_primitives::map::{AddressMap, B256Map};
use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::RwLock;

use super::keys::{Key, Keyed, Seeds};
use super::lot::Left;
use super::sieve::Sieve;
use super::tally::Word;
use crate::overlay::Written;
use crate::{AccountInfo, Overlay, StateError, StateRead};

/// For each worker.
const SHARDS: usize = 32;
/// Accounts of a block of some thousand transfers: whoever writes the first of a shard makes room there for its part of them.
const ROOM: usize = 4_096;

/// In lines of memory of its own: else those who ask for its neighbour would wait for it too.
#[derive(Default)]
#[repr(align(128))]
struct Shard {
    accounts: Keyed<Address, Option<AccountInfo>>,
    /// Each with the number of the commit that wrote it.
    words: Keyed<Word, (u32, U256)>,
    /// Accounts whose storage went, with the last commit in which it did.
    resets: AddressMap<u32>,
}

/// See the module.
pub(super) struct Memory {
    /// The state before the first of these transactions.
    below: Arc<Overlay>,
    seeds: Seeds,
    shards: Vec<RwLock<Shard>>,
    sieve: Sieve,
    /// The last commit of which all is here.
    commits: AtomicU32,
    codes: RwLock<B256Map<Bytes>>,
    /// Whether any storage went: seldom, and then every read of a word looks for it.
    has_resets: AtomicBool,
}

impl Memory {
    /// Over a state, for so many workers.
    pub(super) fn new(below: Arc<Overlay>, workers: usize) -> Self {
        let shards = std::iter::repeat_with(|| RwLock::new(Shard::default()));
        Self {
            below,
            seeds: Seeds::default(),
            shards: shards.take(SHARDS * workers).collect(),
            sieve: Sieve::new(),
            commits: AtomicU32::new(0),
            codes: RwLock::default(),
            has_resets: AtomicBool::new(false),
        }
    }

    /// The state before the first of these transactions.
    pub(super) fn below(&self) -> &Overlay {
        &self.below
    }

    /// What makes keys.
    pub(super) fn seeds(&self) -> &Seeds {
        &self.seeds
    }

    /// The last commit of which all is seen by whoever asks for anything after this.
    pub(super) fn commits(&self) -> u32 {
        self.commits.load(Ordering::Acquire)
    }

    /// Whether a location surely is as it was after some commit.
    pub(super) fn is_still(&self, hash: u64, commit: u32) -> bool {
        self.sieve.is_still(hash, commit)
    }

    /// Where a location lies. Whoever finds some that all lie in one shard makes others wait, and nothing else.
    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        // Bits that neither the maps nor the sieve rest on alone.
        let [_, a, b, ..] = hash.to_be_bytes();
        &self.shards[usize::from(u16::from_be_bytes([a, b])) % self.shards.len()]
    }

    /// The account, if a settled transaction wrote it.
    pub(super) fn account_written(&self, key: &Key<Address>) -> Option<Option<AccountInfo>> {
        if self.is_still(key.hash, 0) {
            return None;
        }
        let shard = self.shard(key.hash).read();
        shard.accounts.get(key).copied()
    }

    /// The word, if a settled transaction wrote it, or took its account away.
    pub(super) fn word_written(&self, key: &Key<Word>) -> Option<U256> {
        if self.is_still(key.hash, 0) {
            return None;
        }
        let reset = self.reset_of(key.is.0);
        let shard = self.shard(key.hash).read();
        let written = shard.words.get(key).copied();
        match (written, reset) {
            (Some((at, is)), reset) if reset.is_none_or(|reset| reset <= at) => Some(is),
            (_, reset) => reset.map(|_| U256::ZERO),
        }
    }

    fn reset_of(&self, address: Address) -> Option<u32> {
        if !self.has_resets.load(Ordering::Relaxed) {
            return None;
        }
        let key = self.seeds.account(address);
        let shard = self.shard(key.hash).read();
        shard.resets.get(&address).copied()
    }

    /// Keeps what lots in their turn wrote. Numbers of commits ascend from 1; within one, storage goes before anything is
    /// stored.
    pub(super) fn keep(&self, commit: u32, written: Written) {
        self.keep_codes(written.codes.into_iter());
        for address in written.resets {
            self.reset(address, commit);
        }
        for (address, info) in written.accounts {
            self.put_account(self.seeds.account(address), commit, info);
        }
        for (word, is) in written.words {
            self.put_word(self.seeds.word(word), commit, is);
        }
        self.commits.store(commit, Ordering::Release);
    }

    /// Keeps what a lot wrote that ran ahead.
    pub(super) fn keep_left(&self, commit: u32, left: &mut Left) {
        self.keep_codes(left.codes.drain(..));
        for address in &left.resets {
            self.reset(*address, commit);
        }
        for (key, info) in &left.written_accounts {
            self.put_account(*key, commit, *info);
        }
        for (key, is) in &left.written_words {
            self.put_word(*key, commit, *is);
        }
        self.commits.store(commit, Ordering::Release);
    }

    fn keep_codes(&self, codes: impl Iterator<Item = (B256, Bytes)>) {
        for (hash, code) in codes {
            self.codes.write().insert(hash, code);
        }
    }

    fn reset(&self, address: Address, commit: u32) {
        self.has_resets.store(true, Ordering::Relaxed);
        let mut shard = self.shard(self.seeds.account(address).hash).write();
        shard.resets.insert(address, commit);
        self.sieve.mark_reset(commit);
    }

    fn put_account(&self, key: Key<Address>, commit: u32, info: Option<AccountInfo>) {
        self.sieve.mark(key.hash, commit);
        let mut shard = self.shard(key.hash).write();
        if shard.accounts.capacity() == 0 {
            shard.accounts.reserve(ROOM / self.shards.len());
        }
        shard.accounts.insert(key, info);
    }

    fn put_word(&self, key: Key<Word>, commit: u32, is: U256) {
        self.sieve.mark(key.hash, commit);
        self.shard(key.hash).write().words.insert(key, (commit, is));
    }
}

/// What a next transaction, or the rest of the block, stands on.
impl StateRead for Memory {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.account_written(&self.seeds.account(address)) {
            Some(info) => Ok(info),
            None => self.below.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.word_written(&self.seeds.word((address, slot))) {
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
