//! Accounts and words as keys that carry their hash: it is made once, and serves every map, and the sieve.

use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use alloy_primitives::map::{FbBuildHasher, HashMap};
use alloy_primitives::{Address, FixedBytes, U256};

use super::tally::Word;

/// A map by such keys.
pub(super) type Keyed<K, V> = HashMap<Key<K>, V, BuildHasherDefault<Carried>>;

/// A key and its hash. The hash is by seeds that nobody outside can know, and never stands for the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<K> {
    pub(super) hash: u64,
    pub(super) is: K,
}

impl<K: PartialEq> PartialEq for Key<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.is == other.is
    }
}

impl<K: Eq> Eq for Key<K> {}

impl<K> Hash for Key<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Answers the hash that a key carries.
#[derive(Default)]
pub(super) struct Carried(u64);

impl Hasher for Carried {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

/// What makes the hashes of one block.
#[derive(Clone, Default)]
pub(super) struct Seeds {
    of_address: FbBuildHasher<20>,
    of_slot: FbBuildHasher<32>,
}

impl Seeds {
    pub(super) fn account(&self, address: Address) -> Key<Address> {
        Key {
            hash: self.of_address.hash_one(address.0),
            is: address,
        }
    }

    pub(super) fn word(&self, word: Word) -> Key<Word> {
        self.slot(self.account(word.0), word.1)
    }

    /// A word of an account whose key is at hand.
    pub(super) fn slot(&self, account: Key<Address>, slot: U256) -> Key<Word> {
        let bytes = FixedBytes::<32>::from(slot.to_le_bytes());
        Key {
            hash: account.hash ^ self.of_slot.hash_one(bytes),
            is: (account.is, slot),
        }
    }
}
