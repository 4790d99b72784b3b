//! One worker's view of the state below lots that run in their turn.

use std::sync::Arc;

use alloy_primitives::map::{AddressMap, HashMap};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use capstan_window::Baton;
use parking_lot::Mutex;

use super::memory::Memory;
use super::tally::Word;
use crate::{AccountInfo, StateError, StateRead};

/// See the module.
pub(super) struct View {
    memory: Arc<Memory>,
    /// The baton, where one decides who runs when, and whose view this is.
    pace: Option<(Arc<Baton>, usize)>,
    below: Mutex<Below>,
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
            below: Mutex::default(),
        }
    }

    fn step(&self) {
        if let Some((baton, worker)) = &self.pace {
            baton.step(*worker);
        }
    }
}

impl Below {
    fn account(
        &mut self,
        memory: &Memory,
        address: Address,
    ) -> Result<Option<AccountInfo>, StateError> {
        if let Some(info) = self.accounts.get(&address) {
            return Ok(*info);
        }
        let info = memory.below().account(address)?;
        if info.is_some_and(|info| info.code_hash != KECCAK256_EMPTY) {
            self.accounts.insert(address, info);
        }
        Ok(info)
    }

    fn word(&mut self, memory: &Memory, word: Word) -> Result<U256, StateError> {
        if let Some(is) = self.words.get(&word) {
            return Ok(*is);
        }
        let is = StateRead::storage(memory.below(), word.0, word.1)?;
        self.words.insert(word, is);
        Ok(is)
    }
}

impl StateRead for View {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.step();
        let key = self.memory.seeds().account(address);
        match self.memory.account_written(&key) {
            Some(info) => Ok(info),
            None => self.below.lock().account(&self.memory, address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.step();
        let word = (address, slot);
        match self.memory.word_written(&self.memory.seeds().word(word)) {
            Some(is) => Ok(is),
            None => self.below.lock().word(&self.memory, word),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        StateRead::code(&*self.memory, hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        StateRead::block_hash(&*self.memory, number)
    }
}
