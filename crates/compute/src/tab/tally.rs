//! The sum of a channel's receipts in one epoch, and the root of their tree, which grows by a leaf at a time.
//!
//! ```text
//!   leaves ─► 0 1 2 3 4 · · ·        lefts: the largest whole trees, [4] · [0..4)
//!             └┬┘ └┬┘ └┬┘ └┬┘        root: those, joined with trees of zeros on their right
//!              └─┬─┘   └─┬─┘
//!                └───┬───┘
//! ```

use alloy_primitives::{B256, U256};

use super::voucher::Voucher;
use crate::{
    receipt::Receipt,
    tree::{self, node},
};

/// Receipts of one channel in one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    peaks: Peaks,
    /// Digests in the order of the voucher.
    leaves: Vec<B256>,
}

/// The sum and what the root is made of: a few words, however many receipts there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Peaks {
    sum: Voucher,
    /// Roots of whole trees by level, where the count of leaves has a bit.
    lefts: Vec<B256>,
}

impl Peaks {
    /// One more receipt. None if the sums have no room.
    fn with(&self, receipt: &Receipt) -> Option<Self> {
        let mut next = self.clone();
        let (sum, cost) = (&mut next.sum, U256::from(receipt.cost));
        let count = usize::try_from(sum.receipts).ok()?;
        sum.cost = sum.cost.checked_add(cost)?;
        sum.largest = sum.largest.max(cost);
        sum.inputUnits = sum.inputUnits.checked_add(receipt.inputUnits)?;
        sum.outputUnits = sum.outputUnits.checked_add(receipt.outputUnits)?;
        sum.receipts = sum.receipts.checked_add(1)?;
        next.push(count, receipt.id());
        next.sum.root = next.root(count.checked_add(1)?);
        Some(next)
    }

    fn push(&mut self, mut count: usize, leaf: B256) {
        // Adding one to a counter: each carry joins two trees of a level.
        let (mut tree, mut level) = (leaf, 0);
        while count & 1 == 1 {
            tree = node(self.lefts[level], tree);
            (level, count) = (level + 1, count >> 1);
        }
        if self.lefts.len() <= level {
            self.lefts.push(tree);
        } else {
            self.lefts[level] = tree;
        }
    }

    fn root(&self, count: usize) -> B256 {
        let height = count.next_power_of_two().trailing_zeros() as usize;
        if count.is_power_of_two() {
            return self.lefts[height];
        }
        let (mut zeros, mut tree) = (B256::ZERO, None);
        for level in 0..height {
            tree = match (count >> level & 1, tree) {
                (1, right) => Some(node(self.lefts[level], right.unwrap_or(zeros))),
                (_, left) => left.map(|left| node(left, zeros)),
            };
            zeros = node(zeros, zeros);
        }
        tree.unwrap_or_default()
    }
}

impl Tally {
    /// Nothing yet.
    pub fn new(channel: B256, epoch: u64) -> Self {
        let mut nothing = Self::default();
        (nothing.peaks.sum.channel, nothing.peaks.sum.epoch) = (channel, epoch);
        nothing
    }

    /// What another program kept: a voucher and its leaves. None if they do not fit each other.
    pub fn of(voucher: Voucher, leaves: Vec<B256>) -> Option<Self> {
        let is_counted = usize::try_from(voucher.receipts).ok()? == leaves.len();
        let mut peaks = Peaks::default();
        for (count, leaf) in leaves.iter().enumerate() {
            peaks.push(count, *leaf);
        }
        if leaves.is_empty() || !is_counted || peaks.root(leaves.len()) != voucher.root {
            return None;
        }
        peaks.sum = voucher;
        Some(Self { peaks, leaves })
    }

    /// Adds a receipt. False, and nothing changes, if the sums have no room.
    #[must_use]
    pub fn push(&mut self, receipt: &Receipt) -> bool {
        let Some(next) = self.peaks.with(receipt) else {
            return false;
        };
        self.peaks = next;
        self.leaves.push(receipt.id());
        true
    }

    /// What is signed once these are added, in this order; none if the sums have no room, or there is nothing.
    pub fn raised<'r>(&self, by: impl IntoIterator<Item = &'r Receipt>) -> Option<Voucher> {
        let mut peaks = self.peaks.clone();
        for receipt in by {
            peaks = peaks.with(receipt)?;
        }
        (peaks.sum.receipts > 0).then_some(peaks.sum)
    }

    /// What is signed of it; none of nothing.
    pub fn voucher(&self) -> Option<&Voucher> {
        let sum = &self.peaks.sum;
        (sum.receipts > 0).then_some(sum)
    }

    /// The epoch.
    pub const fn epoch(&self) -> u64 {
        self.peaks.sum.epoch
    }

    /// What it comes to, in smallest units.
    pub fn cost(&self) -> u128 {
        self.peaks.sum.cost.saturating_to()
    }

    /// Units read and written.
    pub const fn units(&self) -> (u64, u64) {
        (self.peaks.sum.inputUnits, self.peaks.sum.outputUnits)
    }

    /// The dearest of its receipts.
    pub fn largest(&self) -> u128 {
        self.peaks.sum.largest.saturating_to()
    }

    /// Digests of the receipts, in the order of the voucher.
    pub fn leaves(&self) -> &[B256] {
        &self.leaves
    }

    /// That a receipt lies under the root: the hashes beside its way up.
    pub fn proof(&self, index: usize) -> Vec<B256> {
        tree::proof(&self.leaves, index)
    }
}
