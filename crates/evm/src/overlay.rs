//! What a block (or a call) changed so far, over the state below it.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::map::{AddressMap, AddressSet, B256Map, U256Map, U256Set};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::bytecode::Bytecode;
use revm::state::{AccountInfo as EvmInfo, EvmState};
use revm::{Database, DatabaseRef};

use crate::call::{AccountOverride, StorageOverride};
use crate::codes::{CODES, own};
use crate::mem::MemState;
use crate::parallel::Notes;
use crate::{AccountDiff, AccountInfo, StateDiff, StateError, StateRead};

/// An account as read or as last written.
#[derive(Clone, Debug, Default)]
struct Cached {
    info: Option<EvmInfo>,
    storage: U256Map<U256>,
    /// Storage below is gone: the account was destroyed, created here, or overridden as a whole.
    detached: bool,
    /// Its account is among those that were changed since somebody last asked.
    is_noted: bool,
}

/// Reads through to the state below and remembers what it read; holds what was committed on top.
#[derive(Clone)]
pub struct Overlay {
    base: Arc<dyn StateRead>,
    accounts: AddressMap<Cached>,
    codes: B256Map<Bytecode>,
    /// No code, of one's own; where it is there, all code is ([`own`]).
    own_empty: Option<Bytecode>,
    hashes: BTreeMap<u64, B256>,
    /// Whether reads of the state below are kept: not where it is another one for each transaction.
    remembers: bool,
    /// Words that transactions asked for; each asks but once for one.
    words_read: u64,
    /// What was committed since somebody last asked ([`Overlay::take_written`]); nothing where nobody does.
    changed: Option<Changed>,
    /// What is known and written instead of all that, where transactions run ahead of their turn.
    notes: Option<Box<Notes>>,
}

/// Where commits wrote.
#[derive(Clone, Debug, Default)]
struct Changed {
    /// Each once: an account that is paid by every transaction is noted by the first.
    accounts: Vec<Address>,
    words: AddressMap<U256Set>,
    /// Accounts whose storage went.
    resets: AddressSet,
}

/// What commits wrote, by its last values; in no order.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) accounts: Vec<(Address, Option<AccountInfo>)>,
    pub(crate) words: Vec<((Address, U256), U256)>,
    /// Accounts whose storage went, before those words were written.
    pub(crate) resets: Vec<Address>,
    /// Code of those accounts.
    pub(crate) codes: Vec<(B256, Bytes)>,
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Overlay")
            .field("accounts", &self.accounts.len())
            .finish_non_exhaustive()
    }
}

impl Overlay {
    /// Nothing changed yet.
    pub fn new(base: Arc<dyn StateRead>) -> Self {
        Self {
            base,
            accounts: AddressMap::default(),
            codes: B256Map::default(),
            own_empty: None,
            hashes: BTreeMap::new(),
            remembers: true,
            words_read: 0,
            changed: None,
            notes: None,
        }
    }

    /// The same, for whoever runs blocks, while other threads may as well.
    pub(crate) fn for_blocks(base: Arc<dyn StateRead>) -> Self {
        Self {
            own_empty: Some(own(&Bytecode::default())),
            ..Self::new(base)
        }
    }

    /// The same, for whoever asks what commits wrote.
    pub(crate) fn noting(base: Arc<dyn StateRead>) -> Self {
        Self {
            changed: Some(Changed::default()),
            ..Self::for_blocks(base)
        }
    }

    /// Over notes, for lots that run ahead of their turn. `base` knows code and hashes of blocks.
    pub(crate) fn noted(base: Arc<dyn StateRead>, notes: Notes) -> Self {
        Self {
            notes: Some(Box::new(notes)),
            ..Self::for_blocks(base)
        }
    }

    /// The notes, if it has some.
    pub(crate) fn notes(&mut self) -> Option<&mut Notes> {
        self.notes.as_deref_mut()
    }

    /// Words that transactions asked for so far; each asks but once for one.
    pub(crate) fn words_read(&self) -> u64 {
        self.words_read
    }

    /// Nothing changed yet, over a state that is another one after each [`Overlay::forget`] and that is quick to ask again.
    pub(crate) fn through(base: Arc<dyn StateRead>) -> Self {
        Self {
            remembers: false,
            ..Self::for_blocks(base)
        }
    }

    /// Forgets all that was written and stands on another state. Code stays: its hash says what it is.
    pub(crate) fn stand_on(&mut self, base: Arc<dyn StateRead>) {
        self.base = base;
        self.forget();
    }

    /// Forgets all that was written; the state below may be another one now. Code stays.
    pub(crate) fn forget(&mut self) {
        self.accounts.clear();
        if let Some(changed) = &mut self.changed {
            *changed = Changed::default();
        }
    }

    /// Stands on another state that is as the one before, and is asked no more what commits wrote.
    pub(crate) fn moved_to(mut self, base: Arc<dyn StateRead>) -> Self {
        self.base = base;
        self.changed = None;
        self
    }

    /// What was committed since the last time.
    pub(crate) fn take_written(&mut self) -> Written {
        let mut written = Written::default();
        let Some(changed) = self.changed.as_mut().map(std::mem::take) else {
            return written;
        };
        written.accounts.reserve(changed.accounts.len());
        for address in changed.accounts {
            let Some(cached) = self.accounts.get_mut(&address) else {
                continue;
            };
            cached.is_noted = false;
            let info = cached.info.as_ref();
            if let Some(info) = info
                && info.code_hash != KECCAK256_EMPTY
                && let Some(code) = self.codes.get(&info.code_hash)
            {
                written.codes.push((info.code_hash, code.original_bytes()));
            }
            written.accounts.push((address, info.map(plain)));
        }
        for (address, slots) in changed.words {
            let Some(cached) = self.accounts.get(&address) else {
                continue;
            };
            for slot in slots {
                // Without one its account went later.
                if let Some(word) = cached.storage.get(&slot) {
                    written.words.push(((address, slot), *word));
                }
            }
        }
        written.resets.extend(changed.resets);
        written
    }

    /// The state below.
    pub fn base(&self) -> &Arc<dyn StateRead> {
        &self.base
    }

    /// Writes what one transaction left behind.
    ///
    /// The order of a hash map does not matter here: every account is written for itself.
    pub(crate) fn commit(&mut self, state: &EvmState) {
        if let Some(notes) = &mut self.notes {
            return notes.commit(state);
        }
        for (address, account) in state {
            if !account.is_touched() {
                continue;
            }
            let cached = self.accounts.entry(*address).or_default();
            // EIP-161: what a transaction touched and left empty does not exist.
            let is_gone =
                account.is_selfdestructed() || account.is_empty() && !account.is_created();
            if let Some(changed) = &mut self.changed {
                if is_gone || account.is_created() {
                    changed.resets.insert(*address);
                }
                if !cached.is_noted && (is_gone || account.is_changed()) {
                    cached.is_noted = true;
                    changed.accounts.push(*address);
                }
                let mut slots = account.changed_storage_slots().peekable();
                if !is_gone && slots.peek().is_some() {
                    let words = changed.words.entry(*address).or_default();
                    words.extend(slots.map(|(slot, _)| *slot));
                }
            }
            if is_gone {
                *cached = Cached {
                    info: None,
                    storage: U256Map::default(),
                    detached: true,
                    is_noted: cached.is_noted,
                };
                continue;
            }
            if account.is_created() {
                cached.storage.clear();
                cached.detached = true;
            }
            if let Some(code) = account.info.code.as_ref().filter(|code| !code.is_empty()) {
                self.codes
                    .entry(account.info.code_hash)
                    .or_insert_with(|| code.clone());
            }
            cached.info = Some(kept(&account.info));
            for (slot, word) in account.changed_storage_slots() {
                cached.storage.insert(*slot, word.present_value);
            }
        }
    }

    /// Writes what a caller pretends about an account.
    pub(crate) fn pretend(
        &mut self,
        address: Address,
        change: &AccountOverride,
    ) -> Result<(), StateError> {
        let cached = self.cached(address)?;
        let mut info = cached.info.clone().unwrap_or_default();
        info.balance = change.balance.unwrap_or(info.balance);
        info.nonce = change.nonce.unwrap_or(info.nonce);
        if let Some(code) = &change.code {
            // Bytes that only look like a delegation are kept as plain code.
            let code = Bytecode::new_raw_checked(code.clone())
                .unwrap_or_else(|_| Bytecode::new_legacy(code.clone()));
            info.code_hash = code.hash_slow();
            info.code = Some(code);
        }
        let written = change.balance.is_some() || change.nonce.is_some() || change.code.is_some();
        if written || cached.info.is_some() {
            cached.info = Some(info);
        }
        match &change.storage {
            None => {}
            Some(StorageOverride::Whole(slots)) => {
                cached.detached = true;
                cached.storage = slots.iter().map(|(slot, word)| (*slot, *word)).collect();
            }
            Some(StorageOverride::Slots(slots)) => {
                cached
                    .storage
                    .extend(slots.iter().map(|(slot, word)| (*slot, *word)));
            }
        }
        if let Some(code) = self
            .accounts
            .get(&address)
            .and_then(|cached| cached.info.as_ref()?.code.clone())
        {
            self.codes.insert(code.hash_slow(), code);
        }
        Ok(())
    }

    /// Writes everything that is known here into `state`.
    pub(crate) fn settle(&self, state: &mut MemState) {
        for (address, cached) in &self.accounts {
            let info = cached.info.as_ref().map(plain);
            let storage = cached.storage.iter().map(|(slot, word)| (*slot, *word));
            state.settle(*address, info, cached.detached, storage);
        }
    }

    /// What differs from the state below. `None` if somebody pretended the whole storage of a contract below:
    /// words that nobody looked at are gone then, and a difference cannot name them.
    pub(crate) fn changes(&self) -> Result<Option<StateDiff>, StateError> {
        let mut diff = StateDiff::default();
        for (address, cached) in &self.accounts {
            let (before, info) = (
                self.base.account(*address)?,
                cached.info.as_ref().map(plain),
            );
            let info = info.filter(|info| !info.is_empty());
            if cached.detached && before.is_some_and(|info| info.code_hash != KECCAK256_EMPTY) {
                return Ok(None);
            }
            let mut storage = BTreeMap::new();
            for (slot, word) in &cached.storage {
                if self.base.storage(*address, *slot)? != *word {
                    storage.insert(*slot, *word);
                }
            }
            if info == before && storage.is_empty() {
                continue;
            }
            if let Some(hash) = info.map(|info| info.code_hash)
                && before.map(|info| info.code_hash) != Some(hash)
                && let Some(code) = self.codes.get(&hash)
            {
                diff.codes.insert(hash, code.original_bytes());
            }
            diff.accounts
                .insert(*address, AccountDiff { info, storage });
        }
        Ok(Some(diff))
    }

    /// Answers `hash` for an ancestor.
    pub(crate) fn pretend_hash(&mut self, number: u64, hash: B256) {
        self.hashes.insert(number, hash);
    }

    fn cached(&mut self, address: Address) -> Result<&mut Cached, StateError> {
        use alloy_primitives::map::Entry;
        match self.accounts.entry(address) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let info = self.base.account(address)?.map(to_evm);
                Ok(entry.insert(Cached {
                    info,
                    ..Cached::default()
                }))
            }
        }
    }
}

/// Without code, also where there is none to ask for: what is kept of an account holds no handle, and whoever is asked for it
/// adds one of its own ([`own`]). An account that does not exist gets the process's empty code from the EVM.
pub(crate) fn to_evm(info: AccountInfo) -> EvmInfo {
    EvmInfo {
        balance: info.balance,
        nonce: info.nonce,
        code_hash: info.code_hash,
        account_id: None,
        code: None,
    }
}

/// With code only where there is some.
pub(crate) fn kept(info: &EvmInfo) -> EvmInfo {
    match info.is_empty_code_hash() {
        true => info.copy_without_code(),
        false => info.clone(),
    }
}

pub(crate) fn plain(info: &EvmInfo) -> AccountInfo {
    AccountInfo {
        balance: info.balance,
        nonce: info.nonce,
        code_hash: info.code_hash,
    }
}

impl Database for Overlay {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<EvmInfo>, StateError> {
        let mut found = match &mut self.notes {
            Some(notes) => notes.account(address)?,
            None if self.remembers => self.cached(address)?.info.clone(),
            None => self.basic_ref(address)?,
        };
        // Where it has none, the EVM looks for the empty code, of which there is one in the process.
        if let (Some(empty), Some(info)) = (&self.own_empty, &mut found)
            && info.is_empty_code_hash()
        {
            info.code = Some(empty.clone());
        }
        Ok(found)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        let code = self.code_by_hash_ref(hash)?;
        self.codes.insert(hash, code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.words_read += 1;
        if let Some(notes) = &mut self.notes {
            return notes.word((address, slot));
        }
        if !self.remembers {
            return self.storage_ref(address, slot);
        }
        let cached = self.cached(address)?;
        if let Some(word) = cached.storage.get(&slot) {
            return Ok(*word);
        }
        if cached.detached {
            return Ok(U256::ZERO);
        }
        let word = self.base.storage(address, slot)?;
        if let Some(cached) = self.accounts.get_mut(&address) {
            cached.storage.insert(slot, word);
        }
        Ok(word)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.block_hash_ref(number)
    }
}

impl DatabaseRef for Overlay {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<EvmInfo>, StateError> {
        if let Some(notes) = &self.notes {
            return notes.peek_account(address);
        }
        match self.accounts.get(&address) {
            Some(cached) => Ok(cached.info.clone()),
            None => Ok(self.base.account(address)?.map(to_evm)),
        }
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        let code = CODES.get(hash, || self.base.code(hash))?;
        Ok(match &self.own_empty {
            Some(_) => own(&code),
            None => code,
        })
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(notes) = &self.notes {
            return notes.peek_word((address, slot));
        }
        match self.accounts.get(&address) {
            Some(cached) => match cached.storage.get(&slot) {
                Some(word) => Ok(*word),
                None if cached.detached => Ok(U256::ZERO),
                None => self.base.storage(address, slot),
            },
            None => self.base.storage(address, slot),
        }
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        match self.hashes.get(&number) {
            Some(hash) => Ok(*hash),
            None => self.base.block_hash(number),
        }
    }
}

/// The overlay is itself a state that a next block can stand on.
impl StateRead for Overlay {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        if self.notes.is_some() {
            return Ok(self.basic_ref(address)?.as_ref().map(plain));
        }
        match self.accounts.get(&address) {
            Some(cached) => Ok(cached.info.as_ref().map(plain)),
            None => self.base.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage_ref(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        Ok(self.code_by_hash_ref(hash)?.original_bytes())
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.block_hash_ref(number)
    }
}
