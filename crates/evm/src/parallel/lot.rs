//! What some neighbours that ran ahead of their turn, one after the other, left for the commit.
//!
//! Among themselves they ran as in the plain loop, over an overlay of their own. What they read below it is compared with
//! the state of their turn once for each account and word, not for each transaction. What they only added to may be another
//! by then: it is shifted.

use alloy_primitives::map::{AddressMap, U256Map};
use alloy_primitives::{Address, U256};
use revm::state::EvmState;

use super::memory::Memory;
use super::tally::{Range, Tally, Word};
use super::view::Reads;
use crate::block::Book;
use crate::overlay::Written;
use crate::{AccountInfo, StateDiff, TxOutcome};

/// See the module.
pub(super) struct Lot {
    /// Receipts, gas and access list, as of a block that begins with them.
    pub(super) book: Book,
    pub(super) reads: Reads,
    pub(super) written: Written,
    pub(super) loose: Loose,
    /// How each ended. There may be fewer than neighbours: what cannot enter, or be told ahead, waits for its turn with all
    /// behind it.
    pub(super) outcomes: Vec<TxOutcome>,
    /// What each said to `console.log`.
    pub(super) said: Vec<Vec<String>>,
    /// Gas that users must have left before the first, so that each finds what it asks for.
    pub(super) gas_needed: u64,
}

/// What a lot only added to, by what it found there.
#[derive(Default)]
pub(super) struct Loose {
    accounts: AddressMap<Option<AccountInfo>>,
    words: AddressMap<U256Map<Within>>,
}

/// A word that was only moved.
#[derive(Clone, Copy)]
struct Within {
    found: U256,
    /// Over all of these the lot ends alike, and costs the same.
    range: Range,
}

/// By how much what a lot only added to lies elsewhere now.
#[derive(Default)]
pub(super) struct Shifts {
    accounts: Vec<(Address, AccountInfo, AccountInfo)>,
    words: Vec<(Word, U256)>,
}

impl Loose {
    /// The next transaction left this `state`. `paid`: accounts to which it did nothing but to pay them; `tally`: words that
    /// it only moved; `first`: what the lot had not touched before it, as found.
    pub(super) fn note(
        &mut self,
        state: &EvmState,
        paid: &[Option<Address>],
        tally: &Tally,
        first: (&[(Address, Option<AccountInfo>)], &[(Word, U256)]),
    ) {
        let (accounts, words) = first;
        // In the order of a hash map: each account and word is noted for itself.
        for (address, account) in state {
            if !paid.contains(&Some(*address)) {
                self.accounts.remove(address);
            } else if let Some((_, found)) = accounts.iter().find(|(read, _)| read == address) {
                self.accounts.insert(*address, *found);
            }
            if let Some(loose) = self.words.get_mut(address) {
                for slot in account.storage.keys() {
                    if loose.contains_key(slot) && !tally.is_within(&(*address, *slot)) {
                        loose.remove(slot);
                    }
                }
            }
        }
        for (word, range) in tally.ranges() {
            let slot = state
                .get(&word.0)
                .and_then(|account| account.storage.get(&word.1));
            if let Some(slot) = slot {
                let is_first = words.iter().any(|(read, _)| read == word);
                self.narrow(*word, slot.original_value, range, is_first);
            }
        }
    }

    /// A word was moved within a range, by a transaction that found it so.
    fn narrow(&mut self, word: Word, original: U256, range: Range, is_first: bool) {
        let loose = self.words.entry(word.0).or_default();
        let Some(kept) = loose.get_mut(&word.1) else {
            if is_first {
                let found = original;
                loose.insert(word.1, Within { found, range });
            }
            return;
        };
        let before = range.before(kept.found, original);
        match kept.range.and(before) {
            Some(range) if range != Range::only(kept.found) => kept.range = range,
            _ => {
                loose.remove(&word.1);
            }
        }
    }

    fn within(&self, word: Word, now: U256) -> bool {
        let loose = self.words.get(&word.0).and_then(|it| it.get(&word.1));
        loose.is_some_and(|loose| loose.range.contains(now))
    }
}

impl Lot {
    /// Whether everything that was read still is as it was, or may be another; `None`: it does not hold.
    pub(super) fn shifts(&self, memory: &Memory) -> Option<Shifts> {
        let mut shifts = Shifts::default();
        for (address, found) in &self.reads.accounts {
            match memory.account_written(*address) {
                None => {}
                Some(now) if now == *found => {}
                Some(now) => {
                    let (found, now) = (found.unwrap_or_default(), now.unwrap_or_default());
                    if !self.may_shift(*address, &found, &now) {
                        return None;
                    }
                    shifts.accounts.push((*address, found, now));
                }
            }
        }
        for (word, found) in &self.reads.words {
            match memory.word_written(*word) {
                None => {}
                Some(now) if now == *found => {}
                Some(now) if self.loose.within(*word, now) => {
                    shifts.words.push((*word, now.wrapping_sub(*found)));
                }
                Some(_) => return None,
            }
        }
        Some(shifts)
    }

    /// Whether an account that was found so was only paid, and ends alike over another one.
    fn may_shift(&self, address: Address, found: &AccountInfo, now: &AccountInfo) -> bool {
        // Far from leaving 256 bits, whichever comes on top of the other.
        let is_small = |wei: U256| !wei.bit(255);
        let after = self.written.accounts.iter().find(|it| it.0 == address);
        let after_wei = after.map_or(U256::ZERO, |it| it.1.unwrap_or_default().balance);
        self.loose.accounts.contains_key(&address)
            && found.code_hash == now.code_hash
            && [found.balance, now.balance, after_wei]
                .into_iter()
                .all(is_small)
            && !self.written.resets.contains(&address)
    }

    /// Shifts what was only added to.
    pub(super) fn shift(&mut self, shifts: Shifts) {
        for (address, found, now) in shifts.accounts {
            let by = now.balance.wrapping_sub(found.balance);
            self.book.shift_balance(address, by);
            let written = self.written.accounts.iter_mut();
            for (_, info) in written.filter(|it| it.0 == address) {
                let info = info.get_or_insert_default();
                info.balance = info.balance.wrapping_add(by);
                info.nonce = now.nonce;
            }
        }
        for (word, by) in shifts.words {
            self.book.shift_word(word, by);
            let written = self.written.words.iter_mut();
            for (_, is) in written.filter(|it| it.0 == word) {
                *is = is.wrapping_add(by);
            }
        }
    }

    /// What it left, for whoever follows the block.
    pub(super) fn diff(&self) -> StateDiff {
        let mut diff = StateDiff::default();
        for (address, info) in &self.written.accounts {
            if let Some(info) = info {
                diff.accounts.entry(*address).or_default().info = Some(*info);
            }
        }
        for ((address, slot), is) in &self.written.words {
            let left = diff.accounts.entry(*address).or_default();
            if left.info.is_none() {
                // Only its words were written: the rest is as it was found.
                let found = self.reads.accounts.iter().find(|it| it.0 == *address);
                left.info = found.and_then(|it| it.1);
            }
            left.storage.insert(*slot, *is);
        }
        diff.accounts.retain(|_, left| left.info.is_some());
        diff
    }
}
