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

/// What a lot read, and what it left there; in no order.
#[derive(Default)]
pub(super) struct Left {
    pub(super) accounts: Vec<AccountLeft>,
    pub(super) words: Vec<WordLeft>,
    /// Code that appeared.
    pub(super) codes: Vec<(B256, Bytes)>,
}

/// An account that a lot touched.
pub(super) struct AccountLeft {
    pub(super) key: Key<Address>,
    /// The commit up to which what was found is known to hold; `None`: it was not read.
    pub(super) at: Option<u32>,
    pub(super) found: Option<AccountInfo>,
    /// It was only paid.
    pub(super) is_loose: bool,
    /// What was written.
    pub(super) left: Option<Option<AccountInfo>>,
    /// Its storage went, before any word was written.
    pub(super) is_reset: bool,
    /// Where its balances lie in the part of the access list.
    pub(super) balances: Range<usize>,
}

/// A word that a lot touched.
pub(super) struct WordLeft {
    pub(super) key: Key<Word>,
    /// The commit up to which what was found is known to hold; `None`: it was not read.
    pub(super) at: Option<u32>,
    pub(super) found: U256,
    pub(super) need: Need,
    /// What was written.
    pub(super) left: Option<U256>,
    /// Where what was written lies in the part of the access list.
    pub(super) writes: Range<usize>,
}

impl AccountLeft {
    /// Whether it was only paid, and that ends alike where it was found otherwise.
    fn may_shift(&self, now: &AccountInfo) -> bool {
        // Far from leaving 256 bits, whichever comes on top of the other.
        let is_small = |wei: U256| !wei.bit(255);
        let found = self.found.unwrap_or_default();
        let left = self.left.flatten().unwrap_or_default();
        self.is_loose
            && !self.is_reset
            && found.code_hash == now.code_hash
            && [found.balance, now.balance, left.balance]
                .into_iter()
                .all(is_small)
    }

    /// Ends as over the account that is there now; answers by how much more it holds.
    fn shift(&mut self, now: &AccountInfo) -> U256 {
        let by = now
            .balance
            .wrapping_sub(self.found.unwrap_or_default().balance);
        if let Some(left) = &mut self.left {
            let left = left.get_or_insert_default();
            left.balance = left.balance.wrapping_add(by);
            left.nonce = now.nonce;
        }
        by
    }
}

impl Lot {
    /// Whether everything that was read still is as it was, or may be another; what was only added to is shifted then. Of a lot
    /// that does not hold nothing is kept.
    pub(super) fn holds(&mut self, memory: &Memory) -> bool {
        let Left {
            accounts, words, ..
        } = &mut self.left;
        for account in accounts {
            let Some(at) = account.at else { continue };
            if memory.is_still(account.key.hash, at) {
                continue;
            }
            match memory.account_written(&account.key) {
                None => {}
                Some(now) if now == account.found => {}
                Some(now) => {
                    let now = now.unwrap_or_default();
                    if !account.may_shift(&now) {
                        return false;
                    }
                    let by = account.shift(&now);
                    self.band.shift(account.balances.clone(), by);
                }
            }
        }
        for word in words {
            let Some(at) = word.at else { continue };
            if memory.is_still(word.key.hash, at) {
                continue;
            }
            match memory.word_written(&word.key) {
                None => {}
                Some(now) if now == word.found => {}
                Some(now) if word.need.allows(word.found, now) => {
                    let by = now.wrapping_sub(word.found);
                    word.left = word.left.map(|left| left.wrapping_add(by));
                    self.band.shift(word.writes.clone(), by);
                }
                Some(_) => return false,
            }
        }
        true
    }

    /// What it left, for whoever follows the block.
    pub(super) fn diff(&self) -> StateDiff {
        let mut diff = StateDiff::default();
        for word in &self.left.words {
            if let Some(is) = word.left {
                let (address, slot) = word.key.is;
                let left = diff.accounts.entry(address).or_default();
                left.storage.insert(slot, is);
            }
        }
        for account in &self.left.accounts {
            match (diff.accounts.entry(account.key.is), account.left) {
                (entry, Some(Some(info))) => entry.or_default().info = Some(info),
                // Only its words were written: the rest is as it was found.
                (Entry::Occupied(mut entry), None) => entry.get_mut().info = account.found,
                _ => {}
            }
        }
        diff.accounts.retain(|_, left| left.info.is_some());
        diff
    }
}
