//! What some neighbours that ran ahead of their turn, one after the other, left for the commit.
//!
//! Among themselves they ran as in the plain loop, over notes of their own. What they read below is compared with the state of
//! their turn once for each account and word, not for each transaction. What they only added to may be another by then: it is
//! shifted.

use std::collections::btree_map::Entry;
use std::ops::Range;

use alloy_primitives::{Address, B256, Bytes, U256};

use super::keys::Key;
use super::memory::Memory;
use super::tally::{Need, Word};
use crate::block::Book;
use crate::list::Band;
use crate::{AccountInfo, StateDiff, TxOutcome};

/// See the module.
pub(super) struct Lot {
    /// The number of the worker who ran it.
    pub(super) maker: usize,
    /// Receipts and gas, as of a block that begins with them.
    pub(super) book: Book,
    /// The part of the access list.
    pub(super) band: Band,
    pub(super) left: Left,
    /// How each ended. There may be fewer than neighbours: what cannot enter, or be told ahead, waits for its turn with all
    /// behind it.
    pub(super) outcomes: Vec<TxOutcome>,
    /// What each said to `console.log`.
    pub(super) said: Vec<Vec<String>>,
    /// Gas that users must have left before the first, so that each finds what it asks for.
    pub(super) gas_needed: u64,
}

/// What a lot read, and what it left; in no order. Most is never looked at: what the commit needs of each location lies close
/// together, and the rest stays where the worker wrote it.
#[derive(Default)]
pub(super) struct Left {
    pub(super) accounts: Reads<AccountRead>,
    pub(super) words: Reads<WordRead>,
    pub(super) written_accounts: Vec<(Key<Address>, Option<AccountInfo>)>,
    pub(super) written_words: Vec<(Key<Word>, U256)>,
    /// Accounts whose storage went, before any word was written.
    pub(super) resets: Vec<Address>,
    /// Code that appeared.
    pub(super) codes: Vec<(B256, Bytes)>,
}

/// What was read, each with what says whether it still holds.
pub(super) struct Reads<T> {
    checks: Vec<Check>,
    of: Vec<T>,
}

/// The hash of a location, and the commit up to which what was found there is known to hold.
struct Check {
    hash: u64,
    at: u32,
}

/// An account that a lot read.
pub(super) struct AccountRead {
    pub(super) key: Key<Address>,
    pub(super) found: Option<AccountInfo>,
    /// It was only paid.
    pub(super) is_loose: bool,
    /// Its storage went.
    pub(super) is_reset: bool,
    /// Where it is among the written accounts.
    pub(super) written: Option<usize>,
    /// Where its balances lie in the part of the access list.
    pub(super) balances: Range<usize>,
}

/// A word that a lot read.
pub(super) struct WordRead {
    pub(super) key: Key<Word>,
    pub(super) found: U256,
    pub(super) need: Need,
    /// Where it is among the written words.
    pub(super) written: Option<usize>,
    /// Where what was written lies in the part of the access list.
    pub(super) writes: Range<usize>,
}

impl<T> Default for Reads<T> {
    fn default() -> Self {
        Self {
            checks: Vec::new(),
            of: Vec::new(),
        }
    }
}

impl<T> Reads<T> {
    pub(super) fn push(&mut self, hash: u64, at: u32, read: T) {
        self.checks.push(Check { hash, at });
        self.of.push(read);
    }

    fn clear(&mut self) {
        self.checks.clear();
        self.of.clear();
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.of.iter()
    }

    /// What somebody may have written since it was read.
    fn doubtful<'a>(&'a self, memory: &'a Memory) -> impl Iterator<Item = &'a T> {
        let both = self.checks.iter().zip(&self.of);
        both.filter(|(check, _)| !memory.is_still(check.hash, check.at))
            .map(|(_, read)| read)
    }
}

impl Left {
    /// Keeps room for another lot.
    pub(super) fn clear(&mut self) {
        self.accounts.clear();
        self.words.clear();
        self.written_accounts.clear();
        self.written_words.clear();
        self.resets.clear();
        self.codes.clear();
    }
}

impl AccountRead {
    /// Whether it was only paid, and that ends alike where it was found otherwise.
    fn may_shift(&self, left: Option<AccountInfo>, now: &AccountInfo) -> bool {
        // Far from leaving 256 bits, whichever comes on top of the other.
        let is_small = |wei: U256| !wei.bit(255);
        let found = self.found.unwrap_or_default();
        let left = left.unwrap_or_default();
        self.is_loose
            && !self.is_reset
            && found.code_hash == now.code_hash
            && [found.balance, now.balance, left.balance]
                .into_iter()
                .all(is_small)
    }
}

impl Lot {
    /// Whether everything that was read still is as it was, or may be another; what was only added to is shifted then. Of a lot
    /// that does not hold nothing is kept.
    pub(super) fn holds(&mut self, memory: &Memory) -> bool {
        let (left, band) = (&mut self.left, &mut self.band);
        for read in left.accounts.doubtful(memory) {
            match memory.account_written(&read.key) {
                None => {}
                Some(now) if now == read.found => {}
                Some(now) => {
                    let now = now.unwrap_or_default();
                    let written = read
                        .written
                        .and_then(|at| left.written_accounts.get_mut(at));
                    let mut written = written.map(|(_, info)| info);
                    if !read.may_shift(written.as_ref().and_then(|info| **info), &now) {
                        return false;
                    }
                    let by = now
                        .balance
                        .wrapping_sub(read.found.unwrap_or_default().balance);
                    band.shift(read.balances.clone(), by);
                    if let Some(info) = &mut written {
                        let info = info.get_or_insert_default();
                        info.balance = info.balance.wrapping_add(by);
                        info.nonce = now.nonce;
                    }
                }
            }
        }
        for read in left.words.doubtful(memory) {
            match memory.word_written(&read.key) {
                None => {}
                Some(now) if now == read.found => {}
                Some(now) if read.need.allows(read.found, now) => {
                    let by = now.wrapping_sub(read.found);
                    band.shift(read.writes.clone(), by);
                    let written = read.written.and_then(|at| left.written_words.get_mut(at));
                    if let Some((_, is)) = written {
                        *is = is.wrapping_add(by);
                    }
                }
                Some(_) => return false,
            }
        }
        true
    }

    /// What it left, for whoever follows the block.
    pub(super) fn diff(&self) -> StateDiff {
        let mut diff = StateDiff::default();
        for (key, is) in &self.left.written_words {
            let (address, slot) = key.is;
            let left = diff.accounts.entry(address).or_default();
            left.storage.insert(slot, *is);
        }
        for (key, info) in &self.left.written_accounts {
            if let Some(info) = info {
                diff.accounts.entry(key.is).or_default().info = Some(*info);
            }
        }
        for read in &self.left.accounts.of {
            // Only its words were written: the rest is as it was found.
            if let (Entry::Occupied(mut entry), None) =
                (diff.accounts.entry(read.key.is), read.written)
            {
                entry.get_mut().info = read.found;
            }
        }
        diff.accounts.retain(|_, left| left.info.is_some());
        diff
    }
}
