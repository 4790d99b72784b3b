//! A block's access list, made ready for questions: what a place holds before an index, and what an index writes.
//!
//! The list is sorted, so it is searched where it lies; the first bits of an address say where to begin. Beside it stand what
//! the parent's state holds at each declared place, read once by whoever comes first, and how many writes each index has.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use alloy_eip7928::{
    AccountChanges, BlockAccessIndex, BlockAccessList, BlockAccessListGasError,
    validate_block_access_list,
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};

use super::fault::{Fault, Field, Place};
use super::read::Reading;
use crate::{AccountInfo, StateDiff, StateError, StateRead};

/// See the module.
pub(crate) struct Book {
    list: BlockAccessList,
    parent: Arc<dyn StateRead>,
    shelves: Shelves,
    accounts: Vec<Known>,
    /// Words of the parent, by [`Book::word_id`].
    words: Vec<OnceLock<U256>>,
    /// Writes of each index; the last is of what lies behind all transactions.
    write_counts: Vec<u32>,
    /// Code that the block writes: account, place in its list, hash.
    codes: Vec<(usize, usize, OnceLock<B256>)>,
}

/// What a block's parent has at the places that its list declares, in the order of the list; of an account's words those that are
/// written stand before those that are only read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Its accounts.
    pub accounts: Vec<Option<AccountInfo>>,
    /// Its words.
    pub words: Vec<U256>,
}

/// What is kept beside one account of the list.
struct Known {
    info: OnceLock<Option<AccountInfo>>,
    /// Number of its first word.
    first_word: usize,
    /// Indices after which it is empty, which takes its storage along; `None` where that cannot be.
    ends: Option<Box<OnceLock<Vec<u64>>>>,
}

/// Where the accounts of a sorted list begin, by the first bits of their addresses: about as many shelves as accounts, so most
/// hold one or two. Where many addresses begin alike their shelf is long, and is searched by halves.
struct Shelves {
    /// Place of the first account of each shelf, and the count of accounts.
    starts: Vec<usize>,
    shift: u32,
}

/// Most bits of an address that name its shelf.
const SHELF_BITS_MAX: u32 = 16;

impl Shelves {
    /// Empty ones for so many accounts.
    fn roomy(account_count: usize) -> Self {
        let bits = account_count.max(2).ilog2().min(SHELF_BITS_MAX);
        Self {
            starts: Vec::with_capacity((1 << bits) + 1),
            shift: u32::BITS - bits,
        }
    }

    /// Adds the next account, of this place.
    fn add(&mut self, id: usize, address: Address) {
        let shelf = self.number(address);
        while self.starts.len() <= shelf {
            self.starts.push(id);
        }
    }

    /// There are no more than these.
    fn end(&mut self, account_count: usize) {
        let shelf_count = 1 << (u32::BITS - self.shift);
        self.starts.resize(shelf_count + 1, account_count);
    }

    fn number(&self, address: Address) -> usize {
        let [a, b, c, d, ..] = address.into_array();
        (u32::from_be_bytes([a, b, c, d]) >> self.shift) as usize
    }

    fn find(&self, list: &[AccountChanges], address: Address) -> Option<usize> {
        let shelf = self.number(address);
        let (start, end) = (self.starts[shelf], self.starts[shelf + 1]);
        let found = list[start..end].binary_search_by(|account| account.address.cmp(&address));
        found.ok().map(|place| start + place)
    }
}

/// A declared word.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listed {
    /// Written by somebody: its place among the written words.
    Written(usize),
    /// Only read: its place among those.
    Read(usize),
}

impl Book {
    /// Takes a list in that was read; sees that accounts are in order and that they and their words are not too many.
    pub(super) fn new(
        reading: Reading,
        parent: Arc<dyn StateRead>,
        transaction_count: usize,
        gas_limit: u64,
    ) -> Result<Self, Fault> {
        let Reading {
            list,
            may_end,
            write_counts,
        } = reading;
        let (mut accounts, mut codes) = (Vec::with_capacity(list.len()), Vec::new());
        let (mut shelves, mut word_count) = (Shelves::roomy(list.len()), 0);
        let mut last = None;
        for (id, (account, may_end)) in list.iter().zip(may_end).enumerate() {
            if last >= Some(account.address) {
                // Each by itself has been looked at, so it is their order.
                validate_block_access_list(&list[id - 1..=id], transaction_count)
                    .map_err(|error| Fault::Structure(Box::new(error)))?;
            }
            last = Some(account.address);
            shelves.add(id, account.address);
            accounts.push(Known {
                info: OnceLock::new(),
                first_word: word_count,
                ends: may_end.then(Box::default),
            });
            word_count += account.storage_changes.len() + account.storage_reads.len();
            let written = 0..account.code_changes.len();
            codes.extend(written.map(|place| (id, place, OnceLock::new())));
        }
        shelves.end(list.len());
        let item_count = (list.len() + word_count) as u64;
        if item_count > gas_limit / ITEM_GAS {
            let error = BlockAccessListGasError::new(item_count, gas_limit);
            return Err(Fault::TooLong(error));
        }
        let book = Self {
            shelves,
            accounts,
            words: (0..word_count).map(|_| OnceLock::new()).collect(),
            write_counts,
            codes,
            list,
            parent,
        };
        book.nothing_behind(transaction_count)?;
        Ok(book)
    }

    /// Ethereum lets withdrawals write behind the last transaction; here is nothing that could.
    fn nothing_behind(&self, transaction_count: usize) -> Result<(), Fault> {
        if self.write_counts.last().is_none_or(|count| *count == 0) {
            return Ok(());
        }
        let index = transaction_count as u64 + 1;
        let place = self.places_at(index).into_iter().next();
        place.map_or(Ok(()), |place| Err(Fault::Unused(place)))
    }

    pub(crate) fn list(&self) -> &BlockAccessList {
        &self.list
    }

    pub(crate) fn into_list(self) -> BlockAccessList {
        self.list
    }

    pub(crate) fn word_count(&self) -> usize {
        self.words.len()
    }

    /// Writes that the list has at an index.
    pub(crate) fn write_count(&self, index: u64) -> usize {
        let count = usize::try_from(index)
            .ok()
            .and_then(|index| self.write_counts.get(index));
        count.map_or(0, |count| *count as usize)
    }

    /// The number of a declared account.
    pub(crate) fn account_id(&self, address: Address) -> Option<usize> {
        self.shelves.find(&self.list, address)
    }

    /// A declared account's part of the list.
    pub(crate) fn changes(&self, id: usize) -> &AccountChanges {
        &self.list[id]
    }

    /// Finds a declared word.
    pub(crate) fn word(&self, id: usize, slot: U256) -> Option<Listed> {
        let changes = self.changes(id);
        let written = changes
            .storage_changes
            .binary_search_by(|word| word.slot.cmp(&slot));
        match written {
            Ok(place) => Some(Listed::Written(place)),
            Err(_) => {
                let read = changes.storage_reads.binary_search(&slot).ok()?;
                Some(Listed::Read(read))
            }
        }
    }

    /// A number for a declared word, in the order of the list: those that were written before those that were not.
    pub(crate) fn word_id(&self, id: usize, word: Listed) -> usize {
        let first = self.accounts[id].first_word;
        match word {
            Listed::Written(place) => first + place,
            Listed::Read(place) => first + self.changes(id).storage_changes.len() + place,
        }
    }

    /// An account before an index. Nobody is looked up who is not declared.
    pub(crate) fn account_before(
        &self,
        index: u64,
        address: Address,
    ) -> Result<Option<AccountInfo>, StateError> {
        let slot = None;
        let id = self
            .account_id(address)
            .ok_or(StateError::Undeclared { address, slot })?;
        let parent = self.parent_info(id)?;
        Ok(self.info_before(id, index, parent))
    }

    fn parent_info(&self, id: usize) -> Result<Option<AccountInfo>, StateError> {
        let known = &self.accounts[id].info;
        if let Some(info) = known.get() {
            return Ok(*info);
        }
        let info = self.parent.account(self.changes(id).address)?;
        Ok(*known.get_or_init(|| info))
    }

    fn info_before(
        &self,
        id: usize,
        index: u64,
        parent: Option<AccountInfo>,
    ) -> Option<AccountInfo> {
        let changes = self.changes(id);
        let balance = last_before(&changes.balance_changes, index, |c| c.block_access_index);
        let nonce = last_before(&changes.nonce_changes, index, |c| c.block_access_index);
        let code = last_before(&changes.code_changes, index, |c| c.block_access_index);
        if balance.is_none() && nonce.is_none() && code.is_none() {
            return parent;
        }
        let mut info = parent.unwrap_or_default();
        if let Some(place) = balance {
            info.balance = changes.balance_changes[place].post_balance;
        }
        if let Some(place) = nonce {
            info.nonce = changes.nonce_changes[place].new_nonce;
        }
        if let Some(place) = code {
            info.code_hash = self.code_hash(id, place);
        }
        (!info.is_empty()).then_some(info)
    }

    fn code_hash(&self, id: usize, place: usize) -> B256 {
        let code = &self.changes(id).code_changes[place].new_code;
        if code.is_empty() {
            return KECCAK256_EMPTY;
        }
        let found = self
            .codes
            .binary_search_by_key(&(id, place), |(id, place, _)| (*id, *place));
        match found {
            Ok(at) => *self.codes[at].2.get_or_init(|| keccak256(code)),
            Err(_) => keccak256(code),
        }
    }

    /// The last index below `index` at which an account was empty after its transaction.
    fn ended_before(&self, id: usize, index: u64) -> Result<Option<u64>, StateError> {
        let Some(ends) = &self.accounts[id].ends else {
            return Ok(None);
        };
        let ends = match ends.get() {
            Some(ends) => ends,
            None => {
                let found = self.ends(id)?;
                ends.get_or_init(|| found)
            }
        };
        let count = ends.partition_point(|end| *end < index);
        Ok(count.checked_sub(1).map(|last| ends[last]))
    }

    /// Indices after which an account is empty.
    fn ends(&self, id: usize) -> Result<Vec<u64>, StateError> {
        let changes = self.changes(id);
        let balances = changes.balance_changes.iter().map(|c| c.block_access_index);
        let nonces = changes.nonce_changes.iter().map(|c| c.block_access_index);
        let codes = changes.code_changes.iter().map(|c| c.block_access_index);
        let all = balances
            .chain(nonces)
            .chain(codes)
            .map(BlockAccessIndex::get);
        let indices: BTreeSet<u64> = all.collect();
        let parent = self.parent_info(id)?;
        let is_end = |at: &u64| self.info_before(id, at + 1, parent).is_none();
        Ok(indices.into_iter().filter(is_end).collect())
    }

    /// A word before an index. No word is looked up that is not declared.
    pub(crate) fn word_before(
        &self,
        index: u64,
        address: Address,
        slot: U256,
    ) -> Result<U256, StateError> {
        let undeclared = || StateError::Undeclared {
            address,
            slot: Some(slot),
        };
        let id = self.account_id(address).ok_or_else(undeclared)?;
        let word = self.word(id, slot).ok_or_else(undeclared)?;
        let ended = self.ended_before(id, index)?;
        if let Listed::Written(place) = word {
            let changes = &self.changes(id).storage_changes[place].changes;
            if let Some(last) = last_before(changes, index, |c| c.block_access_index) {
                let last = &changes[last];
                let gone = ended.is_some_and(|ended| ended >= last.block_access_index.get());
                return Ok(if gone { U256::ZERO } else { last.new_value });
            }
        }
        if ended.is_some() {
            return Ok(U256::ZERO);
        }
        self.parent_word(self.word_id(id, word), address, slot)
    }

    fn parent_word(
        &self,
        word_id: usize,
        address: Address,
        slot: U256,
    ) -> Result<U256, StateError> {
        let known = &self.words[word_id];
        if let Some(word) = known.get() {
            return Ok(*word);
        }
        let word = self.parent.storage(address, slot)?;
        Ok(*known.get_or_init(|| word))
    }

    /// Values after the block.
    pub(super) fn diff(&self) -> Result<StateDiff, StateError> {
        let parent_of = |id| Ok(self.parent_info(id)?.unwrap_or_default());
        StateDiff::of_list(&self.list, parent_of)
    }

    /// What the parent has at every declared place.
    pub(super) fn declared(&self) -> Result<Declared, StateError> {
        let accounts = (0..self.accounts.len()).map(|id| self.parent_info(id));
        let mut words = Vec::with_capacity(self.words.len());
        for changes in &self.list {
            let written = changes.storage_changes.iter().map(|word| word.slot);
            for slot in written.chain(changes.storage_reads.iter().copied()) {
                words.push(self.parent_word(words.len(), changes.address, slot)?);
            }
        }
        Ok(Declared {
            accounts: accounts.collect::<Result<_, _>>()?,
            words,
        })
    }

    /// Takes from elsewhere what the parent has there, and asks it for none of that any more. `false` if it is not of this list.
    pub(super) fn learn(&self, declared: Declared) -> bool {
        let Declared { accounts, words } = declared;
        let fits = accounts.len() == self.accounts.len() && words.len() == self.words.len();
        for (own, told) in self.accounts.iter().zip(accounts) {
            own.info.get_or_init(|| told);
        }
        for (own, told) in self.words.iter().zip(words) {
            own.get_or_init(|| told);
        }
        fits
    }

    /// Code that an account of the block or of its parent names.
    pub(crate) fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        for (id, place, known) in &self.codes {
            let code = &self.changes(*id).code_changes[*place].new_code;
            if *known.get_or_init(|| keccak256(code)) == hash {
                return Ok(code.clone());
            }
        }
        self.parent.code(hash)
    }

    pub(crate) fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.parent.block_hash(number)
    }

    /// Everything that the list has at an index, in its order.
    pub(crate) fn places_at(&self, index: u64) -> Vec<Place> {
        let mut places = Vec::new();
        let here = |at: BlockAccessIndex| at.get() == index;
        for account in &self.list {
            let mut push = |field| {
                places.push(Place {
                    index: Some(index),
                    address: account.address,
                    field,
                });
            };
            for word in &account.storage_changes {
                if word.changes.iter().any(|c| here(c.block_access_index)) {
                    push(Field::Word(word.slot));
                }
            }
            let balances = &account.balance_changes;
            if balances.iter().any(|c| here(c.block_access_index)) {
                push(Field::Balance);
            }
            let nonces = &account.nonce_changes;
            if nonces.iter().any(|c| here(c.block_access_index)) {
                push(Field::Nonce);
            }
            let codes = &account.code_changes;
            if codes.iter().any(|c| here(c.block_access_index)) {
                push(Field::Code);
            }
        }
        places
    }
}

/// Gas for which a block may touch one account or word (EIP-7928).
pub const ITEM_GAS: u64 = 2_000;

/// How many entries lie below an index. Indices ascend, so an entry of place *n* has at least the first one's index + *n*; of
/// an account that every transaction changes the answer is there at once.
fn count_below<T>(entries: &[T], index: u64, index_of: impl Fn(&T) -> BlockAccessIndex) -> usize {
    let index_of = |entry: &T| index_of(entry).get();
    let Some(first) = entries.first().map(index_of) else {
        return 0;
    };
    let most = usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX);
    let entries = &entries[..most.min(entries.len())];
    match entries.last() {
        Some(last) if index_of(last) >= index => {
            entries.partition_point(|entry| index_of(entry) < index)
        }
        _ => entries.len(),
    }
}

/// The place of the last entry below an index.
pub(super) fn last_before<T>(
    entries: &[T],
    index: u64,
    index_of: impl Fn(&T) -> BlockAccessIndex,
) -> Option<usize> {
    count_below(entries, index, index_of).checked_sub(1)
}

/// The entry of an index.
pub(super) fn entry_at<T>(
    entries: &[T],
    index: u64,
    index_of: impl Fn(&T) -> BlockAccessIndex,
) -> Option<&T> {
    let entry = entries.get(count_below(entries, index, &index_of))?;
    (index_of(entry).get() == index).then_some(entry)
}

/// The state that what runs at an index reads: the parent's, with the entries below that index. Each worker has one of its own
/// and moves it on: to begin a transaction writes nothing that workers share.
pub(super) struct Before {
    book: Arc<Book>,
    index: AtomicU64,
}

impl Before {
    pub(super) fn opening(book: Arc<Book>) -> Self {
        let index = AtomicU64::new(0);
        Self { book, index }
    }

    pub(super) fn move_to(&self, index: u64) {
        self.index.store(index, Ordering::Relaxed);
    }

    fn index(&self) -> u64 {
        self.index.load(Ordering::Relaxed)
    }
}

impl StateRead for Before {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.book.account_before(self.index(), address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.book.word_before(self.index(), address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.book.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.book.block_hash(number)
    }
}

/// State within a verified block. What the block does not declare it has not changed: that is the parent's.
pub struct After<'v> {
    pub(super) book: &'v Book,
    pub(super) index: u64,
}

impl std::fmt::Debug for After<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("After")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl StateRead for After<'_> {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.book.account_before(self.index, address) {
            Err(StateError::Undeclared { .. }) => self.book.parent.account(address),
            answer => answer,
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.book.word_before(self.index, address, slot) {
            Err(StateError::Undeclared { .. }) => self.book.parent.storage(address, slot),
            answer => answer,
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.book.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.book.block_hash(number)
    }
}

#[cfg(test)]
mod tests;
