//! Numbers for the places that a block touched.

use alloy_eip7928::BlockAccessList;
use alloy_primitives::{Address, U256};

/// A place of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Whose.
    pub address: Address,
    /// Which word; none is the account itself: coins, nonce and code.
    pub slot: Option<U256>,
}

/// All places of a block's list, in its order: each account, then the words of it that were written, then those that
/// were only read. A place's number is its position.
#[derive(Clone, Debug)]
pub struct Locations {
    all: Vec<Location>,
    /// Numbers of the accounts, by address.
    accounts: Vec<(Address, u32)>,
    /// Of each account, how many of its words were written.
    written: Vec<usize>,
}

impl Locations {
    /// The places of a list. A list has at most as many as 32 bits count: gas bounds it long before.
    pub fn of(list: &BlockAccessList) -> Self {
        let mut places = Self {
            all: Vec::new(),
            accounts: Vec::with_capacity(list.len()),
            written: Vec::with_capacity(list.len()),
        };
        for account in list {
            let address = account.address;
            let Ok(id) = u32::try_from(places.all.len()) else {
                return places;
            };
            places.accounts.push((address, id));
            places.written.push(account.storage_changes.len());
            let slot = None;
            places.all.push(Location { address, slot });
            let written = account.storage_changes.iter().map(|word| word.slot);
            let words = written.chain(account.storage_reads.iter().copied());
            places.all.extend(words.map(|slot| Location {
                address,
                slot: Some(slot),
            }));
        }
        places
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = Location> + '_ {
        self.all.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The place with a number.
    pub fn get(&self, id: u32) -> Option<Location> {
        self.all.get(usize::try_from(id).ok()?).copied()
    }

    /// The number of an account.
    pub fn account(&self, address: Address) -> Option<u32> {
        Some(self.accounts[self.position(address)?].1)
    }

    /// The number of a word.
    pub fn word(&self, address: Address, slot: U256) -> Option<u32> {
        let at = self.position(address)?;
        let first = usize::try_from(self.accounts[at].1).ok()? + 1;
        let end = match self.accounts.get(at + 1) {
            Some((_, next)) => usize::try_from(*next).ok()?,
            None => self.all.len(),
        };
        let (written, read) = self.all[first..end].split_at(self.written[at]);
        let find = |words: &[Location]| words.binary_search_by_key(&Some(slot), |word| word.slot);
        let place = find(written).or_else(|_| find(read).map(|place| place + written.len()));
        u32::try_from(first + place.ok()?).ok()
    }

    fn position(&self, address: Address) -> Option<usize> {
        let found = self.accounts.binary_search_by_key(&address, |(at, _)| *at);
        found.ok()
    }
}
