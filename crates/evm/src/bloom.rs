//! Blooms of receipts, for the price of hashing each address and topic once per block.
//!
//! Most logs of a block repeat the same few contracts, events and people, and a Keccak-256 costs more than all
//! else that a receipt needs.

use alloy_primitives::map::{AddressMap, B256Map};
use alloy_primitives::{Address, B256, Bloom, BloomInput, Log, keccak256};

/// Hashes kept of one block. A block that logs more than this hashes the rest each time.
const KEPT: usize = 8_192;

/// What was hashed so far.
#[derive(Default)]
pub(crate) struct Blooms {
    addresses: AddressMap<B256>,
    topics: B256Map<B256>,
}

impl Blooms {
    /// The bloom over some logs.
    pub(crate) fn of(&mut self, logs: &[Log]) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            bloom.accrue(BloomInput::Hash(self.address(log.address)));
            for topic in log.topics() {
                bloom.accrue(BloomInput::Hash(self.topic(*topic)));
            }
        }
        bloom
    }

    /// The same; `None` where there are no logs.
    pub(crate) fn of_any(&mut self, logs: &[Log]) -> Option<Box<Bloom>> {
        (!logs.is_empty()).then(|| Box::new(self.of(logs)))
    }

    fn address(&mut self, of: Address) -> B256 {
        if self.addresses.len() >= KEPT {
            return keccak256(of);
        }
        *self.addresses.entry(of).or_insert_with(|| keccak256(of))
    }

    fn topic(&mut self, of: B256) -> B256 {
        if self.topics.len() >= KEPT {
            return keccak256(of);
        }
        *self.topics.entry(of).or_insert_with(|| keccak256(of))
    }
}

#[cfg(test)]
mod tests;
