//! Hashes of short inputs that native contracts asked for lately.
//!
//! Nearly all of them are keys of stored maps that do not fit a slot: an allowance, a role, an operator. The same few come
//! again in each call of a block, and a hash takes as many instructions as twenty reads of words that are at hand: a
//! fourteenth of a flash loan.

use alloy_primitives::{B256, keccak256, map::HashMap};

/// Longest input that is remembered: two words, as the widest key of a map.
const BYTES_MAX: usize = 64;
/// Most inputs that are remembered.
const COUNT_MAX: usize = 256;

/// An input, with zeros behind it.
type Input = (u8, [u8; BYTES_MAX]);

/// A bounded memory of hashes. It changes no answer and no gas.
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    known: HashMap<Input, B256>,
}

impl Hashes {
    /// Keccak-256 of some bytes.
    pub(crate) fn of(&mut self, bytes: &[u8]) -> B256 {
        let mut input = [0; BYTES_MAX];
        let (Ok(length), Some(place)) = (u8::try_from(bytes.len()), input.get_mut(..bytes.len()))
        else {
            return keccak256(bytes);
        };
        place.copy_from_slice(bytes);
        if let Some(hash) = self.known.get(&(length, input)) {
            return *hash;
        }
        // What comes again is soon here again.
        if self.known.len() >= COUNT_MAX {
            self.known.clear();
        }
        let hash = keccak256(bytes);
        self.known.insert((length, input), hash);
        hash
    }
}

#[cfg(test)]
mod tests;
