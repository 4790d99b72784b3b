//! One worker's view of the state below its run, and the list of what was read there.

use std::sync::Arc;

use alloy_primitives::map::{AddressMap, HashMap};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use capstan_window::Baton;
use parking_lot::Mutex;

use super::memory::Memory;
use super::tally::Word;
use crate::{AccountInfo, StateError, StateRead};

/// What a lot read that it had not written itself, in the order in which it first did. An overlay above asks for each
/// but once.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) accounts: Vec<(Address, Option<AccountInfo>)>,
    pub(super) words: Vec<(Word, U256)>,
}

/// How much had been read at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) accounts: usize,
    pub(super) words: usize,
}

/// See the module.
pub(super) struct View {
    memory: Arc<Memory>,
    /// The baton, where one decides who runs when, and whose view this is.
    pace: Option<(Arc<Baton>, usize)>,
    at: Mutex<At>,
}

#[derive(Default)]
struct At {
    reads: Reads,
    is_ahead: bool,
    below: Below,
}

/// What this worker has read of the state before the first of these transactions, which does not change while it works: most
/// of them read the same few contracts and words. People without code hardly come twice.
#[derive(Default)]
struct Below {
    accounts: AddressMap<Option<AccountInfo>>,
    words: HashMap<Word, U256>,
}

impl View {
    pub(super) fn new(memory: Arc<Memory>, pace: Option<(Arc<Baton>, usize)>) -> Self {
        Self {
            memory,
            pace,
            at: Mutex::default(),
        }
    }

    /// Another run begins: ahead of its turn, what it reads is noted.
    pub(super) fn begin(&self, is_ahead: bool) {
        let mut at = self.at.lock();
        at.is_ahead = is_ahead;
        at.reads = Reads::default();
    }

    /// What was read since.
    pub(super) fn take_reads(&self) -> Reads {
        std::mem::take(&mut self.at.lock().reads)
    }

    /// How much was read so far.
    pub(super) fn mark(&self) -> Mark {
        let at = self.at.lock();
        Mark {
            accounts: at.reads.accounts.len(),
            words: at.reads.words.len(),
        }
    }

    /// Shows what was read since a moment.
    pub(super) fn since<T>(
        &self,
        mark: Mark,
        show: impl FnOnce(&[(Address, Option<AccountInfo>)], &[(Word, U256)]) -> T,
    ) -> T {
        let at = self.at.lock();
        let accounts = at.reads.accounts.get(mark.accounts..).unwrap_or_default();
        let words = at.reads.words.get(mark.words..).unwrap_or_default();
        show(accounts, words)
    }

    fn step(&self) {
        if let Some((baton, worker)) = &self.pace {
            baton.step(*worker);
        }
    }
}

impl At {
    fn account_below(
        &mut self,
        memory: &Memory,
        address: Address,
    ) -> Result<Option<AccountInfo>, StateError> {
        if let Some(info) = self.below.accounts.get(&address) {
            return Ok(*info);
        }
        let info = memory.below().account(address)?;
        if info.is_some_and(|info| info.code_hash != KECCAK256_EMPTY) {
            self.below.accounts.insert(address, info);
        }
        Ok(info)
    }

    fn word_below(&mut self, memory: &Memory, word: Word) -> Result<U256, StateError> {
        if let Some(is) = self.below.words.get(&word) {
            return Ok(*is);
        }
        let is = StateRead::storage(memory.below(), word.0, word.1)?;
        self.below.words.insert(word, is);
        Ok(is)
    }
}

impl StateRead for View {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.step();
        let mut at = self.at.lock();
        let info = match self.memory.account_written(address) {
            Some(info) => info,
            None => at.account_below(&self.memory, address)?,
        };
        if at.is_ahead {
            at.reads.accounts.push((address, info));
        }
        Ok(info)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.step();
        let word = (address, slot);
        let mut at = self.at.lock();
        let is = match self.memory.word_written(word) {
            Some(is) => is,
            None => at.word_below(&self.memory, word)?,
        };
        if at.is_ahead {
            at.reads.words.push((word, is));
        }
        Ok(is)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        StateRead::code(&*self.memory, hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        StateRead::block_hash(&*self.memory, number)
    }
}
