//! What one worker knows of accounts and words: one note for each, kept from lot to lot.
//!
//! ```text
//!   asked for ─► noted in this lot?  ─yes──────────────────────────► what the lot left of it so far
//!                  │no
//!                  └► noted before, and unwritten since (the sieve)? ─yes─► what was found then
//!                       │no
//!                       └► asked of the memory, and of the state below it
//! ```
//!
//! A note holds what a lot found, what it left, and what it needs of the location in its turn. When the lot ends, notes that it
//! touched are copied for the commit ([`Left`]), with the lot's part of the access list.

use std::ops::Range;
use std::sync::Arc;

use alloy_eip7928::BlockAccessIndex;
use alloy_primitives::map::AddressSet;
use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_state::GasClass;
use capstan_window::Baton;
use revm::state::{Account, AccountInfo as EvmInfo, EvmState};

use super::keys::{Key, Keyed, Seeds};
use super::log::{Chain, Log};
use super::lot::{AccountRead, Left, WordRead};
use super::memory::Memory;
use super::tally::{Commutative, Need, Word};
use crate::list::Band;
use crate::overlay::{kept, plain, to_evm};
use crate::{AccountInfo, StateError, StateRead};

/// See the module.
#[derive(Clone)]
pub(crate) struct Notes {
    memory: Arc<Memory>,
    seeds: Seeds,
    /// The baton, where one decides who runs when, and whose notes these are.
    pace: Option<(Arc<Baton>, usize)>,
    accounts: Book<Address, AccountNote>,
    words: Book<Word, WordNote>,
    /// Lots so far.
    lot: u32,
    /// Transactions so far.
    tx: u32,
    /// Accounts to which the transaction did nothing but to pay them.
    paid: [Option<Address>; 2],
    /// Accounts whose storage went in this lot.
    resets: AddressSet,
    /// Code that appeared in this lot.
    codes: Vec<Made>,
    moved: Moved,
    /// Where the note stands of the word that was asked for last.
    last: usize,
    /// Transactions of this lot that were kept.
    index: BlockAccessIndex,
    /// What they wrote.
    log: Log,
    /// How much the lot had touched when the last of them was kept: what one that is not kept touched besides is no part of the
    /// access list.
    kept: (usize, usize),
}

/// Code that an account got.
#[derive(Clone)]
struct Made {
    place: usize,
    index: BlockAccessIndex,
    hash: B256,
    code: Bytes,
}

/// Notes by key, each at a place of its own.
#[derive(Clone)]
struct Book<K, N> {
    places: Keyed<K, usize>,
    notes: Vec<N>,
    /// Places that this lot touched.
    touched: Vec<usize>,
}

#[derive(Clone)]
struct AccountNote {
    key: Key<Address>,
    /// The lot that touched it last.
    lot: u32,
    /// The commit up to which what was found is known to hold; `None`: it was not read.
    at: Option<u32>,
    found: Option<AccountInfo>,
    now: Option<EvmInfo>,
    is_written: bool,
    /// No transaction before the one that asked last did anything but to pay it.
    is_loose: bool,
    /// The transaction that asked for it last, and the last that only paid it.
    asked: u32,
    paid: u32,
    balances: Option<Chain>,
    nonces: Option<Chain>,
    /// Which of the lot's accounts it is, by address.
    rank: usize,
}

#[derive(Clone)]
struct WordNote {
    key: Key<Word>,
    /// The lot that touched it last.
    lot: u32,
    /// The commit up to which what was found is known to hold; `None`: it was not read.
    at: Option<u32>,
    found: U256,
    now: U256,
    is_written: bool,
    need: Need,
    /// The transaction that asked for it last, and the last that moved it by a commutative write before it did anything else to
    /// it.
    asked: u32,
    moved: u32,
    writes: Option<Chain>,
    /// The place of its account's note.
    account: usize,
}

/// Which words a transaction moved by commutative writes, roughly: most looks are at others.
#[derive(Clone, Default)]
struct Moved([u64; 4]);

impl Moved {
    fn bit(slot: U256) -> (usize, u64) {
        let [a, b, c, d] = slot.into_limbs();
        let mixed = (a ^ b ^ c ^ d).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        (
            usize::try_from(mixed >> 6).unwrap_or_default(),
            1 << (mixed & 63),
        )
    }

    fn add(&mut self, slot: U256) {
        let (at, bit) = Self::bit(slot);
        self.0[at] |= bit;
    }

    fn may_hold(&self, slot: U256) -> bool {
        let (at, bit) = Self::bit(slot);
        self.0[at] & bit != 0
    }
}

impl<K: Copy + Eq, N> Book<K, N> {
    /// With room for what a worker meets in a busy block: a map that grows moves all that it holds.
    fn roomy() -> Self {
        const ROOM: usize = 1_024;
        Self {
            places: Keyed::with_capacity_and_hasher(ROOM, Default::default()),
            notes: Vec::with_capacity(ROOM),
            touched: Vec::with_capacity(ROOM),
        }
    }

    /// The note of a location; made where there is none.
    fn open(&mut self, key: Key<K>, new: impl FnOnce() -> N) -> usize {
        let place = self.notes.len();
        let place = *self.places.entry(key).or_insert(place);
        if place == self.notes.len() {
            self.notes.push(new());
        }
        place
    }

    fn get(&self, key: &Key<K>) -> Option<&N> {
        self.notes.get(*self.places.get(key)?)
    }

    fn get_mut(&mut self, key: &Key<K>) -> Option<&mut N> {
        self.notes.get_mut(*self.places.get(key)?)
    }
}

impl AccountNote {
    fn new(key: Key<Address>) -> Self {
        Self {
            key,
            lot: 0,
            at: None,
            found: None,
            now: None,
            is_written: false,
            is_loose: false,
            asked: 0,
            paid: 0,
            balances: None,
            nonces: None,
            rank: 0,
        }
    }

    /// The first touch of a lot, which finds it as it was found.
    fn begin(&mut self, lot: u32, tx: u32) {
        self.lot = lot;
        self.is_written = false;
        self.is_loose = true;
        (self.asked, self.paid) = (tx, 0);
        (self.balances, self.nonces) = (None, None);
        match (&mut self.now, &self.found) {
            // Code that is at hand stays.
            (Some(now), Some(found)) if now.code_hash == found.code_hash => {
                now.balance = found.balance;
                now.nonce = found.nonce;
            }
            (now, found) => *now = found.map(to_evm),
        }
    }

    fn leave(&self, is_reset: bool, balances: Range<usize>, left: &mut Left) {
        let written = self.is_written.then(|| {
            let now = self.now.as_ref().map(plain);
            left.written_accounts.push((self.key, now));
            left.written_accounts.len() - 1
        });
        if is_reset {
            left.resets.push(self.key.is);
        }
        let Some(at) = self.at else { return };
        let read = AccountRead {
            key: self.key,
            found: self.found,
            is_loose: self.is_loose && self.asked == self.paid,
            is_reset,
            written,
            balances,
        };
        left.accounts.push(self.key.hash, at, read);
    }
}

impl WordNote {
    fn new(key: Key<Word>, account: usize) -> Self {
        Self {
            key,
            lot: 0,
            at: None,
            found: U256::ZERO,
            now: U256::ZERO,
            is_written: false,
            need: Need::Exact,
            asked: 0,
            moved: 0,
            writes: None,
            account,
        }
    }

    /// The first touch of a lot, which finds it as it was found.
    fn begin(&mut self, lot: u32, tx: u32) {
        self.lot = lot;
        self.now = self.found;
        self.is_written = false;
        self.need = Need::ANY;
        (self.asked, self.moved) = (tx, 0);
        self.writes = None;
    }

    /// Another transaction of the lot asks for it.
    fn ask(&mut self, tx: u32) {
        if self.asked != self.moved {
            self.need = Need::Exact;
        }
        self.asked = tx;
    }

    fn leave(&self, writes: Range<usize>, left: &mut Left) {
        let written = self.is_written.then(|| {
            left.written_words.push((self.key, self.now));
            left.written_words.len() - 1
        });
        let Some(at) = self.at else { return };
        let read = WordRead {
            key: self.key,
            found: self.found,
            need: match self.asked == self.moved {
                true => self.need,
                false => Need::Exact,
            },
            written,
            writes,
        };
        left.words.push(self.key.hash, at, read);
    }
}

impl Notes {
    pub(super) fn new(memory: Arc<Memory>, pace: Option<(Arc<Baton>, usize)>) -> Self {
        Self {
            seeds: memory.seeds().clone(),
            memory,
            pace,
            accounts: Book::roomy(),
            words: Book::roomy(),
            lot: 0,
            tx: 0,
            paid: [None; 2],
            resets: AddressSet::default(),
            codes: Vec::new(),
            moved: Moved::default(),
            last: 0,
            index: BlockAccessIndex::PRE_EXECUTION,
            log: Log::default(),
            kept: (0, 0),
        }
    }

    /// Another lot begins.
    pub(super) fn begin_lot(&mut self) {
        self.lot += 1;
        self.accounts.touched.clear();
        self.words.touched.clear();
        self.resets.clear();
        self.codes.clear();
        self.index = BlockAccessIndex::PRE_EXECUTION;
        self.log.clear();
        self.kept = (0, 0);
    }

    /// Another transaction begins.
    pub(crate) fn begin(&mut self) {
        self.tx += 1;
        self.paid = [None; 2];
        self.moved = Moved::default();
    }

    /// The transaction did nothing to these but to pay them.
    pub(super) fn only_paid(&mut self, paid: [Option<Address>; 2]) {
        self.paid = paid;
    }

    fn step(&self) {
        if let Some((baton, worker)) = &self.pace {
            baton.step(*worker);
        }
    }

    /// The account, as the lot left it.
    pub(crate) fn account(&mut self, address: Address) -> Result<Option<EvmInfo>, StateError> {
        let key = self.seeds.account(address);
        let place = self.accounts.open(key, || AccountNote::new(key));
        let note = &self.accounts.notes[place];
        if note.lot != self.lot {
            self.step();
            if !note.at.is_some_and(|at| self.memory.is_still(key.hash, at)) {
                let at = self.memory.commits();
                let found = match self.memory.account_written(&key) {
                    Some(found) => found,
                    // What was found below stays there.
                    None if note.at.is_some() => note.found,
                    None => self.memory.below().account(address)?,
                };
                let note = &mut self.accounts.notes[place];
                note.found = found;
                note.at = Some(at);
            }
            self.accounts.touched.push(place);
            self.accounts.notes[place].begin(self.lot, self.tx);
        }
        let note = &mut self.accounts.notes[place];
        if note.asked != self.tx {
            note.is_loose &= note.asked == note.paid;
            note.asked = self.tx;
        }
        Ok(note.now.clone())
    }

    /// Where the note of a word stands.
    fn word_place(&mut self, key: Key<Word>) -> usize {
        let (seeds, accounts) = (&self.seeds, &mut self.accounts);
        self.words.open(key, || {
            let account = seeds.account(key.is.0);
            let place = accounts.open(account, || AccountNote::new(account));
            WordNote::new(key, place)
        })
    }

    /// The word, as the lot left it.
    pub(crate) fn word(&mut self, word: Word) -> Result<U256, StateError> {
        let key = self.seeds.word(word);
        let place = self.word_place(key);
        self.last = place;
        let note = &mut self.words.notes[place];
        if note.lot == self.lot {
            note.ask(self.tx);
            return Ok(note.now);
        }
        if self.resets.contains(&word.0) {
            // It went with its account: nothing is read below.
            (note.found, note.at) = (U256::ZERO, None);
        } else if !note.at.is_some_and(|at| self.memory.is_still(key.hash, at)) {
            self.step();
            let note = &self.words.notes[place];
            let at = self.memory.commits();
            let found = match self.memory.word_written(&key) {
                Some(found) => found,
                None if note.at.is_some() => note.found,
                None => StateRead::storage(self.memory.below(), word.0, word.1)?,
            };
            let note = &mut self.words.notes[place];
            note.found = found;
            note.at = Some(at);
        }
        self.words.touched.push(place);
        let note = &mut self.words.notes[place];
        note.begin(self.lot, self.tx);
        Ok(note.now)
    }

    /// The word itself was looked at or written over.
    pub(crate) fn look(&mut self, word: Word) {
        if !self.moved.may_hold(word.1) {
            return;
        }
        let key = self.seeds.word(word);
        if let Some(note) = self.words.get_mut(&key) {
            note.need = Need::Exact;
        }
    }

    /// A commutative write over `found`: the word before the transaction, and before the write; `left`: what it left, if it was
    /// not refused. `is_first`: nothing in this transaction had touched the word yet.
    pub(crate) fn moved(
        &mut self,
        word: Word,
        class: GasClass,
        op: Commutative,
        found: (U256, U256),
        left: Option<U256>,
        is_first: bool,
    ) {
        // Most are of the word that was asked for last.
        let last = self.words.notes.get_mut(self.last);
        let note = match last.filter(|note| note.key.is == word) {
            Some(note) => note,
            None => match self.words.get_mut(&self.seeds.word(word)) {
                Some(note) => note,
                None => return,
            },
        };
        if is_first {
            self.moved.add(word.1);
            note.moved = self.tx;
        }
        // Else it came into the transaction by a way that looked at it.
        if note.moved == self.tx {
            note.need.narrow(class, op, found, left, is_first);
        }
    }

    /// Writes what the transaction left behind.
    ///
    /// The order of a hash map does not matter here: every account is written for itself.
    pub(crate) fn commit(&mut self, state: &EvmState) {
        self.index.increment();
        for (address, account) in state {
            let is_paid = self.paid.contains(&Some(*address));
            if !account.is_touched() && !is_paid {
                continue;
            }
            let key = self.seeds.account(*address);
            let place = self.accounts.open(key, || AccountNote::new(key));
            let note = &mut self.accounts.notes[place];
            if note.lot != self.lot {
                // Nobody asked what is below it.
                (note.found, note.at) = (None, None);
                note.begin(self.lot, self.tx);
                self.accounts.touched.push(place);
            }
            if is_paid {
                note.paid = self.tx;
            }
            if account.is_touched() {
                self.keep(place, account);
            }
        }
        self.kept = (self.accounts.touched.len(), self.words.touched.len());
    }

    /// Keeps what a transaction did to an account that it touched.
    fn keep(&mut self, place: usize, account: &Account) {
        // EIP-161: what a transaction touched and left empty does not exist.
        let is_gone = account.is_selfdestructed() || account.is_empty() && !account.is_created();
        let is_ended = account.is_selfdestructed_locally();
        if is_gone || account.is_changed() {
            let left = match is_ended {
                true => EvmInfo::default(),
                false => kept(&account.info),
            };
            self.keep_info(place, left, is_gone);
        }
        let key = self.accounts.notes[place].key;
        if is_gone || account.is_created() {
            self.reset(key.is);
        }
        for (slot, word) in &account.storage {
            // Words of a new account are not asked for, so they are not noted yet.
            if !word.is_changed() && !account.is_created() {
                continue;
            }
            let key = self.seeds.slot(key, *slot);
            let place = self.word_place(key);
            let note = &mut self.words.notes[place];
            if note.lot != self.lot {
                (note.found, note.at) = (U256::ZERO, None);
                note.begin(self.lot, self.tx);
                self.words.touched.push(place);
            }
            let is = match is_ended {
                true => U256::ZERO,
                false => word.present_value,
            };
            self.log
                .add(&mut note.writes, self.index, word.original_value, is);
            if word.is_changed() && !is_gone {
                note.now = is;
                note.is_written = true;
            }
        }
    }

    fn keep_info(&mut self, place: usize, left: EvmInfo, is_gone: bool) {
        let note = &mut self.accounts.notes[place];
        let was = note.now.take().as_ref().map(plain).unwrap_or_default();
        let log = &mut self.log;
        log.add(&mut note.balances, self.index, was.balance, left.balance);
        let nonces = [was.nonce, left.nonce].map(U256::from);
        log.add(&mut note.nonces, self.index, nonces[0], nonces[1]);
        if was.code_hash != left.code_hash {
            let code = left.code.as_ref();
            self.codes.push(Made {
                place,
                index: self.index,
                hash: left.code_hash,
                code: code.map(|code| code.original_bytes()).unwrap_or_default(),
            });
        }
        note.now = (!is_gone).then_some(left);
        note.is_written = true;
    }

    /// An account's storage went: of what the lot wrote there nothing is left.
    fn reset(&mut self, address: Address) {
        self.resets.insert(address);
        for place in &self.words.touched {
            let note = &mut self.words.notes[*place];
            if note.key.is.0 == address {
                note.now = U256::ZERO;
                note.is_written = false;
                note.need = Need::Exact;
            }
        }
    }

    /// The account, as the lot left it, for whoever asks without a trace.
    pub(crate) fn peek_account(&self, address: Address) -> Result<Option<EvmInfo>, StateError> {
        match self.accounts.get(&self.seeds.account(address)) {
            Some(note) if note.lot == self.lot => Ok(note.now.clone()),
            _ => Ok(self.memory.account(address)?.map(to_evm)),
        }
    }

    /// The same of a word.
    pub(crate) fn peek_word(&self, word: Word) -> Result<U256, StateError> {
        match self.words.get(&self.seeds.word(word)) {
            Some(note) if note.lot == self.lot => Ok(note.now),
            _ if self.resets.contains(&word.0) => Ok(U256::ZERO),
            _ => StateRead::storage(&*self.memory, word.0, word.1),
        }
    }

    /// Says what the lot read and left; answers its part of the access list.
    pub(super) fn leave(&mut self, left: &mut Left) -> Band {
        let (accounts_kept, words_kept) = self.kept;
        let (accounts, accounts_besides) = self.accounts.touched.split_at(accounts_kept);
        let (words, words_besides) = self.words.touched.split_at(words_kept);
        let mut band = Band::roomy(accounts.len(), words.len(), self.log.len());
        let mut by_address: Vec<_> = accounts
            .iter()
            .map(|place| (self.accounts.notes[*place].key.is, *place))
            .collect();
        by_address.sort_unstable();
        for (rank, (_, place)) in by_address.iter().enumerate() {
            self.accounts.notes[*place].rank = rank;
        }
        let of_word = |place: &usize| {
            let note = &self.words.notes[*place];
            (
                self.accounts.notes[note.account].rank,
                note.key.is.1,
                *place,
            )
        };
        let mut by_slot: Vec<_> = words.iter().map(of_word).collect();
        by_slot.sort_unstable();
        let mut by_slot = by_slot.into_iter().peekable();
        for (rank, (address, place)) in by_address.into_iter().enumerate() {
            let note = &self.accounts.notes[place];
            let nonces = self.log.of(note.nonces);
            let codes = self.codes.iter().filter(|made| made.place == place);
            let balances = band.account(
                address,
                note.at.map(|_| note.found.unwrap_or_default()),
                self.log.of(note.balances),
                nonces.map(|(index, nonce)| (index, nonce.saturating_to())),
                codes.map(|made| (made.index, made.code.clone())),
            );
            let is_reset = !self.resets.is_empty() && self.resets.contains(&address);
            note.leave(is_reset, balances, left);
            while let Some((_, slot, place)) = by_slot.next_if(|word| word.0 == rank) {
                let note = &self.words.notes[place];
                let writes = band.word(slot, self.log.of(note.writes));
                note.leave(writes, left);
            }
        }
        for place in accounts_besides {
            self.accounts.notes[*place].leave(false, 0..0, left);
        }
        for place in words_besides {
            self.words.notes[*place].leave(0..0, left);
        }
        let made = self.codes.drain(..).map(|made| (made.hash, made.code));
        left.codes.extend(made);
        band
    }
}

#[cfg(test)]
mod tests;
