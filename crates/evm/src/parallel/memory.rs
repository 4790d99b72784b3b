//! What transactions of a block wrote, before and after their turn: values by place in the order.
//!
//! It answers whoever runs ahead, and it only has to be right most of the time: what was read is compared at the commit
//! with the state that a plain loop keeps. So nothing here can make a result wrong, only late.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::map::{AddressMap, B256Map, DefaultHashBuilder, HashMap};
use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::{Mutex, RwLock};
use revm::state::EvmState;
use smallvec::SmallVec;

use super::tally::{Range, Word};
use crate::AccountInfo;
use crate::overlay::plain;

const SHARDS: usize = 64;

/// What a transaction did to an account.
#[derive(Clone, Copy, Debug)]
enum AccountChange {
    /// It is this now; none: it is gone.
    Is(Option<AccountInfo>),
    /// It has so much more.
    Credit(U256),
}

/// What a transaction did to a word.
#[derive(Clone, Copy, Debug)]
enum WordChange {
    /// It is this now.
    Is(U256),
    /// It moved from the one to the other, and would have moved by as much from elsewhere.
    Moved { from: U256, to: U256 },
}

#[derive(Clone, Copy, Debug)]
struct Version<C> {
    place: u64,
    change: C,
    /// Its transaction is being run again: a reader had better wait.
    is_estimate: bool,
}

/// Versions of one location, by ascending place. Most locations of a block have one.
#[derive(Debug)]
struct Versions<C>(SmallVec<[Version<C>; 1]>);

impl<C> Default for Versions<C> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<C: Copy> Versions<C> {
    fn put(&mut self, place: u64, change: C) {
        let version = Version {
            place,
            change,
            is_estimate: false,
        };
        match self.0.binary_search_by_key(&place, |version| version.place) {
            Ok(at) => self.0[at] = version,
            Err(at) => self.0.insert(at, version),
        }
    }

    /// The final change at a place: what came before it is of no more use to anybody.
    fn settle(&mut self, place: u64, change: C) {
        self.0.retain(|version| version.place > place);
        self.put(place, change);
    }

    fn estimate(&mut self, place: u64) {
        if let Ok(at) = self.0.binary_search_by_key(&place, |version| version.place) {
            self.0[at].is_estimate = true;
        }
    }

    fn retract(&mut self, place: u64) {
        self.0
            .retain(|version| version.place != place || !version.is_estimate);
    }

    /// Versions below a place, newest first.
    fn below(&self, place: u64) -> impl Iterator<Item = &Version<C>> {
        self.0
            .iter()
            .rev()
            .skip_while(move |version| version.place >= place)
    }
}

/// Somebody reads what is being run again at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Estimated(pub(super) u64);

/// Where a transaction wrote.
#[derive(Debug, Default)]
pub(super) struct Written {
    accounts: Vec<Address>,
    words: Vec<Word>,
}

#[derive(Default)]
struct Shard {
    accounts: AddressMap<Versions<AccountChange>>,
    words: HashMap<Word, Versions<WordChange>>,
    /// Accounts whose storage went, with the places where it did.
    resets: AddressMap<Vec<u64>>,
}

impl Shard {
    /// With room for what a block of some thousand transfers puts into it.
    fn roomy() -> Self {
        const ACCOUNTS: usize = 56;
        Self {
            accounts: AddressMap::with_capacity_and_hasher(ACCOUNTS, Default::default()),
            ..Self::default()
        }
    }
}

/// See the module.
pub(super) struct Memory {
    hasher: DefaultHashBuilder,
    shards: Vec<Mutex<Shard>>,
    codes: RwLock<B256Map<Bytes>>,
    /// Whether any storage went: seldom, and then every read of a word looks for it.
    has_resets: AtomicBool,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::roomy())).collect(),
            codes: RwLock::default(),
            has_resets: AtomicBool::new(false),
        }
    }

    fn shard(&self, key: &impl Hash) -> &Mutex<Shard> {
        // The map uses the low bits of its own hash; the high ones choose the shard.
        let [high, ..] = self.hasher.hash_one(key).to_be_bytes();
        &self.shards[usize::from(high) % SHARDS]
    }

    /// The account before a place; `None`: as it was before all this. What lower places added to it is added to what
    /// `below` answers.
    pub(super) fn account(
        &self,
        address: Address,
        place: u64,
    ) -> Result<(U256, Option<Option<AccountInfo>>), Estimated> {
        let shard = self.shard(&address).lock();
        let mut credit = U256::ZERO;
        let Some(versions) = shard.accounts.get(&address) else {
            return Ok((credit, None));
        };
        for version in versions.below(place) {
            if version.is_estimate {
                return Err(Estimated(version.place));
            }
            match version.change {
                AccountChange::Credit(wei) => credit = credit.saturating_add(wei),
                AccountChange::Is(info) => return Ok((credit, Some(info))),
            }
        }
        Ok((credit, None))
    }

    /// What is to be added to a word (modulo 2^256) and the word, before a place; `None`: as it was before all this.
    pub(super) fn word(&self, word: Word, place: u64) -> Result<(U256, Option<U256>), Estimated> {
        let reset = self.reset_of(word.0, place);
        let shard = self.shard(&word).lock();
        let mut moved = U256::ZERO;
        let versions = shard.words.get(&word);
        for version in versions.iter().flat_map(|versions| versions.below(place)) {
            if reset.is_some_and(|reset| reset > version.place) {
                break;
            }
            if version.is_estimate {
                return Err(Estimated(version.place));
            }
            match version.change {
                WordChange::Is(is) => return Ok((moved, Some(is))),
                WordChange::Moved { from, to } => {
                    moved = moved.wrapping_add(to.wrapping_sub(from));
                }
            }
        }
        Ok((moved, reset.map(|_| U256::ZERO)))
    }

    fn reset_of(&self, address: Address, place: u64) -> Option<u64> {
        if !self.has_resets.load(Ordering::Relaxed) {
            return None;
        }
        let shard = self.shard(&address).lock();
        let resets = shard.resets.get(&address)?;
        resets.iter().copied().filter(|at| *at < place).max()
    }

    /// Code that a transaction of this block made.
    pub(super) fn code(&self, hash: B256) -> Option<Bytes> {
        self.codes.read().get(&hash).cloned()
    }

    /// Shows what the transaction at a place left. `credited` got coins and nothing else, and `ranges` names words that were
    /// only moved.
    pub(super) fn publish(
        &self,
        place: u64,
        state: &EvmState,
        credited: Option<(Address, U256)>,
        ranges: &HashMap<Word, Range>,
    ) -> Written {
        let mut written = Written::default();
        for (address, account) in state {
            if !account.is_touched() {
                continue;
            }
            let is_gone =
                account.is_selfdestructed() || account.is_empty() && !account.is_created();
            if is_gone || account.is_created() {
                self.has_resets.store(true, Ordering::Relaxed);
                let mut shard = self.shard(address).lock();
                shard.resets.entry(*address).or_default().push(place);
            }
            let credit = credited.filter(|(to, _)| to == address);
            if is_gone || account.is_changed() {
                let change = match credit {
                    Some((_, wei)) => AccountChange::Credit(wei),
                    None => AccountChange::Is((!is_gone).then(|| plain(&account.info))),
                };
                let mut shard = self.shard(address).lock();
                shard
                    .accounts
                    .entry(*address)
                    .or_default()
                    .put(place, change);
                written.accounts.push(*address);
            }
            if is_gone {
                continue;
            }
            if account.is_changed()
                && let Some(code) = account.info.code.as_ref().filter(|code| !code.is_empty())
                && account.original_info().code_hash != account.info.code_hash
            {
                let bytes = code.original_bytes();
                self.codes.write().insert(account.info.code_hash, bytes);
            }
            for (slot, word) in account.changed_storage_slots() {
                let key = (*address, *slot);
                let change = match ranges.contains_key(&key) {
                    false => WordChange::Is(word.present_value),
                    true => WordChange::Moved {
                        from: word.original_value,
                        to: word.present_value,
                    },
                };
                let mut shard = self.shard(&key).lock();
                shard.words.entry(key).or_default().put(place, change);
                written.words.push(key);
            }
        }
        written
    }

    /// What an account is after a place, for good.
    pub(super) fn settle_account(&self, place: u64, address: Address, info: AccountInfo) {
        let mut shard = self.shard(&address).lock();
        let versions = shard.accounts.entry(address).or_default();
        versions.settle(place, AccountChange::Is(Some(info)));
    }

    /// What a word is after a place, for good.
    pub(super) fn settle_word(&self, place: u64, word: Word, is: U256) {
        let mut shard = self.shard(&word).lock();
        let versions = shard.words.entry(word).or_default();
        versions.settle(place, WordChange::Is(is));
    }

    /// What the transaction at a place wrote is about to be something else.
    pub(super) fn estimate(&self, place: u64, written: &Written) {
        self.each(
            written,
            |versions| versions.estimate(place),
            |versions| versions.estimate(place),
        );
    }

    /// Takes back what was not written again.
    pub(super) fn retract(&self, place: u64, written: &Written) {
        self.each(
            written,
            |versions| versions.retract(place),
            |versions| versions.retract(place),
        );
    }

    fn each(
        &self,
        written: &Written,
        account: impl Fn(&mut Versions<AccountChange>),
        word: impl Fn(&mut Versions<WordChange>),
    ) {
        for address in &written.accounts {
            if let Some(versions) = self.shard(address).lock().accounts.get_mut(address) {
                account(versions);
            }
        }
        for key in &written.words {
            if let Some(versions) = self.shard(key).lock().words.get_mut(key) {
                word(versions);
            }
        }
    }
}
