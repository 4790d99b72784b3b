//! The state below a transaction that runs ahead, and the list of what it read there.

use std::sync::Arc;

use alloy_primitives::map::{AddressMap, HashMap};
use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_window::Baton;
use parking_lot::Mutex;

use super::memory::{Estimated, Memory};
use super::tally::Word;
use crate::{AccountInfo, Overlay, StateError, StateRead};

/// A value that was read, and whether no transaction before had touched it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<T> {
    pub(super) value: T,
    /// It is as it was before the first of these transactions.
    pub(super) is_untouched: bool,
}

/// What one run read.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) accounts: Vec<(Address, Read<Option<AccountInfo>>)>,
    pub(super) words: Vec<(Word, Read<U256>)>,
    /// The run met something that is being made anew, at this place.
    pub(super) estimated: Option<u64>,
}

/// One worker's view. It changes place from run to run.
pub(super) struct View {
    memory: Arc<Memory>,
    /// As it was before the first of these transactions.
    below: Arc<Overlay>,
    /// The baton, where one decides who runs when, and whose view this is.
    pace: Option<(Arc<Baton>, usize)>,
    at: Mutex<At>,
}

#[derive(Default)]
struct At {
    place: u64,
    reads: Reads,
    below: Below,
}

/// What this worker has read of the state below, which does not change while it works: most transactions of a block read
/// the same few words.
#[derive(Default)]
struct Below {
    accounts: AddressMap<Option<AccountInfo>>,
    words: HashMap<Word, U256>,
}

impl Below {
    fn account(
        &mut self,
        below: &Overlay,
        address: Address,
    ) -> Result<Option<AccountInfo>, StateError> {
        if let Some(info) = self.accounts.get(&address) {
            return Ok(*info);
        }
        let info = below.account(address)?;
        self.accounts.insert(address, info);
        Ok(info)
    }

    fn word(&mut self, below: &Overlay, word: Word) -> Result<U256, StateError> {
        if let Some(is) = self.words.get(&word) {
            return Ok(*is);
        }
        let is = StateRead::storage(below, word.0, word.1)?;
        self.words.insert(word, is);
        Ok(is)
    }
}

impl View {
    pub(super) fn new(
        memory: Arc<Memory>,
        below: Arc<Overlay>,
        pace: Option<(Arc<Baton>, usize)>,
    ) -> Self {
        Self {
            memory,
            below,
            pace,
            at: Mutex::default(),
        }
    }

    /// Goes to a place, for another run.
    pub(super) fn stand_at(&self, place: u64) {
        let mut at = self.at.lock();
        at.place = place;
        at.reads = Reads::default();
    }

    /// What was read since.
    pub(super) fn take_reads(&self) -> Reads {
        std::mem::take(&mut self.at.lock().reads)
    }

    fn step(&self) {
        if let Some((baton, worker)) = &self.pace {
            baton.step(*worker);
        }
    }
}

/// Stops a run that cannot end well; what it answers is thrown away.
fn stopped(at: &mut At, Estimated(place): Estimated) -> StateError {
    at.reads.estimated = Some(place);
    StateError::Storage("a transaction before this one is being run again".into())
}

impl StateRead for View {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.step();
        let mut at = self.at.lock();
        let found = self.memory.account(address, at.place);
        let (credit, written) = found.map_err(|estimated| stopped(&mut at, estimated))?;
        let mut value = match written {
            Some(info) => info,
            None => at.below.account(&self.below, address)?,
        };
        if !credit.is_zero() {
            let mut info = value.unwrap_or_default();
            info.balance = info.balance.saturating_add(credit);
            value = Some(info);
        }
        let is_untouched = written.is_none() && credit.is_zero();
        let read = Read {
            value,
            is_untouched,
        };
        at.reads.accounts.push((address, read));
        Ok(value)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.step();
        let word = (address, slot);
        let mut at = self.at.lock();
        let found = self.memory.word(word, at.place);
        let (moved, written) = found.map_err(|estimated| stopped(&mut at, estimated))?;
        let base = match written {
            Some(is) => is,
            None => at.below.word(&self.below, word)?,
        };
        let value = base.wrapping_add(moved);
        let is_untouched = written.is_none() && moved.is_zero();
        let read = Read {
            value,
            is_untouched,
        };
        at.reads.words.push((word, read));
        Ok(value)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        match self.memory.code(hash) {
            Some(code) => Ok(code),
            None => StateRead::code(&*self.below, hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        StateRead::block_hash(&*self.below, number)
    }
}
