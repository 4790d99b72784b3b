//! Which heads subscribers were told: a chain of its own, which follows the node's through rewinds and lost events.
//!
//! ```text
//!   told    1 ─ 2 ─ 3 ─ 4 ─ 5          what subscribers know
//!   chain   1 ─ 2 ─ 3'─ 4'─ 5'─ 6'     after a rewind whose event was lost: rejoin at 2, then tell 3' to 6'
//! ```
//!
//! An event counts only if it continues what was told, so a block that was read to catch up is not told again when its
//! event comes, nor one that was gone by then.

use std::collections::VecDeque;

use alloy_primitives::B256;
use capstan_chain::Block;

/// Heads that are remembered. A rewind that lost its event and goes further back is told from there on.
const KEPT: usize = 8_192;

/// A block, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) parent: B256,
}

impl Head {
    pub(super) fn of(block: &Block) -> Self {
        Self {
            number: block.number(),
            hash: block.hash(),
            parent: block.header.parent_hash,
        }
    }
}

/// See the module.
pub(super) struct Told {
    /// What stands before the oldest head that is remembered.
    base: (u64, B256),
    heads: VecDeque<Head>,
}

impl Told {
    /// Everything up to `head`.
    pub(super) fn up_to(head: Head) -> Self {
        Self {
            base: (head.number, head.hash),
            heads: VecDeque::new(),
        }
    }

    /// Number and hash of the newest.
    pub(super) fn newest(&self) -> (u64, B256) {
        let newest = self.heads.back();
        newest.map_or(self.base, |head| (head.number, head.hash))
    }

    /// Whether a head continues what was told.
    pub(super) fn leads_to(&self, head: Head) -> bool {
        self.newest().1 == head.parent
    }

    /// It is told now.
    pub(super) fn tell(&mut self, head: Head) {
        self.heads.push_back(head);
        if self.heads.len() > KEPT
            && let Some(oldest) = self.heads.pop_front()
        {
            self.base = (oldest.number, oldest.hash);
        }
    }

    /// A rewind removed it; `false` if it was not the newest that was told.
    pub(super) fn take_back(&mut self, head: Head) -> bool {
        if self.newest() != (head.number, head.hash) {
            return false;
        }
        if self.heads.pop_back().is_none() {
            self.base = (head.number.saturating_sub(1), head.parent);
        }
        true
    }

    /// Forgets what the chain does not have (any more); answers the newest that both have.
    pub(super) fn rejoin(&mut self, hash_at: impl Fn(u64) -> Option<B256>) -> u64 {
        while let Some(newest) = self.heads.back() {
            if hash_at(newest.number) == Some(newest.hash) {
                return newest.number;
            }
            self.heads.pop_back();
        }
        // Nothing older is remembered: it goes on where the chain is at that height, or below it.
        let (mut number, hash) = self.base;
        if hash_at(number) != Some(hash) {
            while number > 0 && hash_at(number).is_none() {
                number -= 1;
            }
            self.base = (number, hash_at(number).unwrap_or_default());
        }
        number
    }
}

#[cfg(test)]
mod tests;
