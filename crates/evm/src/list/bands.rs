//! The part of an access list that a lot leaves which ran ahead: flat, and in order already.
//!
//! ```text
//!   accounts   a ─────── b ─── c ───     ascending; each says where its own begin
//!   words      1 3 9     2 7   1         ascending within an account
//!   writes     • •••     • •   ••        in the order of transactions
//! ```
//!
//! Bands are put together account by account when the block closes ([`super::close`]); until then nothing of them is looked up.

use std::ops::Range;

use alloy_eip7928::BlockAccessIndex;
use alloy_primitives::{Address, Bytes, U256};

use crate::AccountInfo;

/// Words of a busy account, at least.
pub(super) const BUSY: usize = 8;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Band {
    pub(super) accounts: Vec<BandAccount>,
    pub(super) words: Vec<BandWord>,
    /// Of balances and words.
    pub(super) writes: Vec<(BlockAccessIndex, U256)>,
    pub(super) nonces: Vec<(BlockAccessIndex, u64)>,
    pub(super) codes: Vec<(BlockAccessIndex, Bytes)>,
    /// Accounts with many words.
    busy: Vec<usize>,
}

/// An account, and where its own lie.
#[derive(Clone, Debug)]
pub(super) struct BandAccount {
    pub(super) address: Address,
    /// As the lot found it; `None`: nobody asked.
    pub(super) found: Option<AccountInfo>,
    pub(super) words: Range<usize>,
    pub(super) balances: Range<usize>,
    pub(super) nonces: Range<usize>,
    pub(super) codes: Range<usize>,
}

/// A word, and where its writes lie; none if it was only read.
#[derive(Clone, Debug)]
pub(super) struct BandWord {
    pub(super) slot: U256,
    pub(super) writes: Range<usize>,
}

impl Band {
    /// With room for so many accounts, words and writes.
    pub(crate) fn roomy(accounts: usize, words: usize, writes: usize) -> Self {
        Self {
            accounts: Vec::with_capacity(accounts),
            words: Vec::with_capacity(words),
            writes: Vec::with_capacity(writes),
            nonces: Vec::with_capacity(accounts),
            codes: Vec::new(),
            busy: Vec::new(),
        }
    }

    /// Begins the next account with what was written of itself, each in order; answers where the balances lie.
    pub(crate) fn account(
        &mut self,
        address: Address,
        found: Option<AccountInfo>,
        balances: impl Iterator<Item = (BlockAccessIndex, U256)>,
        nonces: impl Iterator<Item = (BlockAccessIndex, u64)>,
        codes: impl Iterator<Item = (BlockAccessIndex, Bytes)>,
    ) -> Range<usize> {
        let (nonces_from, codes_from) = (self.nonces.len(), self.codes.len());
        self.nonces.extend(nonces);
        self.codes.extend(codes);
        let balances = self.write(balances);
        self.accounts.push(BandAccount {
            address,
            found,
            words: self.words.len()..self.words.len(),
            balances: balances.clone(),
            nonces: nonces_from..self.nonces.len(),
            codes: codes_from..self.codes.len(),
        });
        balances
    }

    /// The next word of the account that was begun last, with what was written to it; answers where that lies.
    pub(crate) fn word(
        &mut self,
        slot: U256,
        writes: impl Iterator<Item = (BlockAccessIndex, U256)>,
    ) -> Range<usize> {
        let writes = self.write(writes);
        self.words.push(BandWord {
            slot,
            writes: writes.clone(),
        });
        let last = self.accounts.len().saturating_sub(1);
        if let Some(account) = self.accounts.last_mut() {
            account.words.end = self.words.len();
            if account.words.len() == BUSY {
                self.busy.push(last);
            }
        }
        writes
    }

    fn write(&mut self, writes: impl Iterator<Item = (BlockAccessIndex, U256)>) -> Range<usize> {
        let from = self.writes.len();
        self.writes.extend(writes);
        from..self.writes.len()
    }

    /// Accounts with many words.
    pub(super) fn busy(&self) -> impl Iterator<Item = &BandAccount> {
        self.busy.iter().filter_map(|at| self.accounts.get(*at))
    }

    pub(super) fn account_of(&self, address: Address) -> Option<&BandAccount> {
        let at = self
            .accounts
            .binary_search_by_key(&address, |it| it.address);
        self.accounts.get(at.ok()?)
    }

    pub(super) fn balances(&self, account: &BandAccount) -> &[(BlockAccessIndex, U256)] {
        self.writes
            .get(account.balances.clone())
            .unwrap_or_default()
    }

    pub(super) fn nonces(&self, account: &BandAccount) -> &[(BlockAccessIndex, u64)] {
        self.nonces.get(account.nonces.clone()).unwrap_or_default()
    }

    pub(super) fn codes(&self, account: &BandAccount) -> &[(BlockAccessIndex, Bytes)] {
        self.codes.get(account.codes.clone()).unwrap_or_default()
    }

    pub(super) fn words(&self, account: &BandAccount) -> &[BandWord] {
        self.words.get(account.words.clone()).unwrap_or_default()
    }

    pub(super) fn writes(&self, word: &BandWord) -> &[(BlockAccessIndex, U256)] {
        self.writes.get(word.writes.clone()).unwrap_or_default()
    }

    /// What lies there was more from the start by so much, modulo 2^256.
    pub(crate) fn shift(&mut self, writes: Range<usize>, by: U256) {
        for (_, is) in self.writes.get_mut(writes).unwrap_or_default() {
            *is = is.wrapping_add(by);
        }
    }
}
