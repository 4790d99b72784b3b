//! What one index did, compared with what the list says of it.
//!
//! Nearly always they are equal, and [`matches`] finds that out where the transaction ran, without making anything. Where
//! they are not, [`difference`] makes the index's own part of a list, by the same code as the plain loop, and names the
//! first entry that differs.

use alloy_eip7928::{AccountChanges, BlockAccessIndex, BlockAccessList};
use alloy_primitives::{KECCAK256_EMPTY, U256};
use revm::state::bal::Bal;
use revm::state::{Account, AccountInfo as EvmInfo, EvmState};

use super::book::{Book, Listed, entry_at};
use super::fault::{Fault, Field, Place, Value};
use crate::AccountInfo;
use crate::overlay::plain;

/// Which accounts and words of the list somebody touched.
pub(crate) struct Used {
    accounts: Bits,
    words: Bits,
}

impl Used {
    pub(crate) fn none(book: &Book) -> Self {
        Self {
            accounts: Bits::of(book.list().len()),
            words: Bits::of(book.word_count()),
        }
    }

    /// As they travel.
    pub(crate) fn bits(self) -> (Vec<u64>, Vec<u64>) {
        (self.accounts.0, self.words.0)
    }

    /// From bits of another process; `None` if they are not of this list.
    pub(crate) fn from_bits(book: &Book, accounts: Vec<u64>, words: Vec<u64>) -> Option<Self> {
        Some(Self {
            accounts: Bits::given(accounts, book.list().len())?,
            words: Bits::given(words, book.word_count())?,
        })
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.accounts.join(&other.accounts);
        self.words.join(&other.words);
    }

    /// The first account or word that nobody touched, in the order of the list.
    pub(crate) fn first_unused(&self, book: &Book) -> Option<Fault> {
        let all = self.accounts.count() == book.list().len();
        if all && self.words.count() == book.word_count() {
            return None;
        }
        for (id, account) in book.list().iter().enumerate() {
            let unused = |field| {
                Some(Fault::Unused(Place {
                    index: None,
                    address: account.address,
                    field,
                }))
            };
            if !self.accounts.has(id) {
                return unused(Field::Account);
            }
            // Written words have been counted with the writes of their indices.
            for (place, slot) in account.storage_reads.iter().enumerate() {
                if !self.words.has(book.word_id(id, Listed::Read(place))) {
                    return unused(Field::Word(*slot));
                }
            }
        }
        None
    }
}

struct Bits(Vec<u64>);

impl Bits {
    fn of(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// `None` if there is one behind the last.
    fn given(bits: Vec<u64>, count: usize) -> Option<Self> {
        let behind = match count % 64 {
            0 => 0,
            used => bits.last()? >> used,
        };
        (bits.len() == count.div_ceil(64) && behind == 0).then_some(Self(bits))
    }

    fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn count(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

/// Whether what one index left behind is what the list says of it, no more and no less. Marks what it touched.
pub(crate) fn matches(book: &Book, index: u64, state: &mut EvmState, used: &mut Used) -> bool {
    let mut written = 0;
    for (address, account) in state {
        let Some(id) = book.account_id(*address) else {
            return false;
        };
        used.accounts.set(id);
        let count = info_writes(book, id, index, account)
            .zip(word_writes(book, id, index, account, used))
            .map(|(infos, words)| infos + words);
        match count {
            Some(count) => written += count,
            None => return false,
        }
    }
    written == book.write_count(index)
}

/// How many of balance, nonce and code the index wrote; `None` if the list says otherwise.
fn info_writes(book: &Book, id: usize, index: u64, account: &mut Account) -> Option<usize> {
    let listed = book.changes(id);
    let before = found(account);
    let gone = account.is_selfdestructed_locally().then(EvmInfo::default);
    let after = gone.as_ref().unwrap_or(&account.info);
    let mut count = 0;
    if before.balance != after.balance {
        let entry = entry_at(&listed.balance_changes, index, |c| c.block_access_index)?;
        if entry.post_balance != after.balance {
            return None;
        }
        count += 1;
    }
    if before.nonce != after.nonce {
        let entry = entry_at(&listed.nonce_changes, index, |c| c.block_access_index)?;
        if entry.new_nonce != after.nonce {
            return None;
        }
        count += 1;
    }
    if before.code_hash != after.code_hash {
        let entry = entry_at(&listed.code_changes, index, |c| c.block_access_index)?;
        let same = match &after.code {
            Some(code) => code.original_bytes() == entry.new_code,
            None => after.code_hash == KECCAK256_EMPTY && entry.new_code.is_empty(),
        };
        if !same {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// An account as its transaction found it. EVM's own answer is a copy with the code, whose handle would be counted up and down.
fn found(account: &mut Account) -> AccountInfo {
    match account.is_loaded_as_not_existing() {
        true => AccountInfo::default(),
        false => plain(account.original_info_mut()),
    }
}

/// How many words the index wrote; `None` if the list says otherwise.
fn word_writes(
    book: &Book,
    id: usize,
    index: u64,
    account: &Account,
    used: &mut Used,
) -> Option<usize> {
    let listed = book.changes(id);
    let gone = account.is_selfdestructed_locally();
    let mut count = 0;
    for (slot, word) in &account.storage {
        let after = if gone { U256::ZERO } else { word.present_value };
        let place = book.word(id, *slot)?;
        used.words.set(book.word_id(id, place));
        if word.original_value == after {
            continue;
        }
        let Listed::Written(place) = place else {
            return None;
        };
        let changes = &listed.storage_changes[place].changes;
        let entry = entry_at(changes, index, |c| c.block_access_index)?;
        if entry.new_value != after {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// An index's own part of a list. Where it made several calls, of all of them.
pub(crate) fn part(index: u64, states: &[&EvmState]) -> BlockAccessList {
    let mut bal = Bal::new();
    for state in states {
        for (address, account) in *state {
            bal.update_account(BlockAccessIndex::new(index), *address, account);
        }
    }
    bal.into_alloy_bal()
}

/// The first difference between what an index did and what the list says of it. Marks what it touched.
pub(crate) fn difference(
    book: &Book,
    index: u64,
    part: &BlockAccessList,
    used: &mut Used,
) -> Option<Fault> {
    let mut done = Vec::new();
    for account in part {
        if let Some(fault) = account_difference(book, index, account, used, &mut done) {
            return Some(fault);
        }
    }
    let mut listed = book.places_at(index).into_iter();
    let unused = listed.find(|place| !done.contains(&(place.address, place.field)));
    unused.map(Fault::Unused)
}

fn account_difference(
    book: &Book,
    index: u64,
    account: &AccountChanges,
    used: &mut Used,
    done: &mut Vec<(alloy_primitives::Address, Field)>,
) -> Option<Fault> {
    let address = account.address;
    let place = |field| Place {
        index: Some(index),
        address,
        field,
    };
    let Some(id) = book.account_id(address) else {
        return Some(Fault::Undeclared(place(Field::Account)));
    };
    used.accounts.set(id);
    let listed = book.changes(id);
    let number = |value: U256| Value::Number(value);
    for change in &account.balance_changes {
        done.push((address, Field::Balance));
        let entry = entry_at(&listed.balance_changes, index, |c| c.block_access_index);
        let is = entry.map(|entry| number(entry.post_balance));
        if let Some(fault) = judge(place(Field::Balance), is, number(change.post_balance)) {
            return Some(fault);
        }
    }
    for change in &account.nonce_changes {
        done.push((address, Field::Nonce));
        let entry = entry_at(&listed.nonce_changes, index, |c| c.block_access_index);
        let is = entry.map(|entry| number(U256::from(entry.new_nonce)));
        let made = number(U256::from(change.new_nonce));
        if let Some(fault) = judge(place(Field::Nonce), is, made) {
            return Some(fault);
        }
    }
    for change in &account.code_changes {
        done.push((address, Field::Code));
        let entry = entry_at(&listed.code_changes, index, |c| c.block_access_index);
        let is = entry.map(|entry| Value::Code(entry.new_code.clone()));
        let made = Value::Code(change.new_code.clone());
        if let Some(fault) = judge(place(Field::Code), is, made) {
            return Some(fault);
        }
    }
    for word in &account.storage_changes {
        let at = place(Field::Word(word.slot));
        done.push((address, at.field));
        let Some(found) = book.word(id, word.slot) else {
            return Some(Fault::Undeclared(at));
        };
        used.words.set(book.word_id(id, found));
        let changes = match found {
            Listed::Written(place) => listed.storage_changes[place].changes.as_slice(),
            Listed::Read(_) => &[],
        };
        for change in &word.changes {
            let entry = entry_at(changes, index, |c| c.block_access_index);
            let is = entry.map(|entry| number(entry.new_value));
            if let Some(fault) = judge(at, is, number(change.new_value)) {
                return Some(fault);
            }
        }
    }
    for slot in &account.storage_reads {
        match book.word(id, *slot) {
            Some(word) => used.words.set(book.word_id(id, word)),
            None => return Some(Fault::Undeclared(place(Field::Word(*slot)))),
        }
    }
    None
}

fn judge(at: Place, listed: Option<Value>, made: Value) -> Option<Fault> {
    match listed {
        None => Some(Fault::Missing {
            at,
            made: made.into(),
        }),
        Some(listed) if listed != made => Some(Fault::Wrong {
            at,
            listed: listed.into(),
            made: made.into(),
        }),
        Some(_) => None,
    }
}
