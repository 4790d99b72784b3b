//! The sum of a channel's receipts in one epoch, and the root of their tree, which grows by a leaf at a time.
//!
//! ```text
//!   leaves ─► 0 1 2 3 4 · · ·        lefts: the largest whole trees, [4] · [0..4)
//!             └┬┘ └┬┘ └┬┘ └┬┘        root: those, joined with trees of zeros on their right
//!              └─┬─┘   └─┬─┘
//!                └───┬───┘
//! ```

use alloy_primitives::{B256, U256, keccak256};

use super::voucher::Voucher;
use crate::receipt::Receipt;

/// Receipts of one channel in one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    sum: Voucher,
    /// Digests in the order of the voucher.
    leaves: Vec<B256>,
    /// Roots of whole trees by level, where the count of leaves has a bit.
    lefts: Vec<B256>,
}

fn node(left: B256, right: B256) -> B256 {
    keccak256([left.0, right.0].concat())
}

impl Tally {
    /// Nothing yet.
    pub fn new(channel: B256, epoch: u64) -> Self {
        let sum = Voucher {
            channel,
            epoch,
            ..Voucher::default()
        };
        Self {
            sum,
            ..Self::default()
        }
    }

    /// One more receipt. None, and nothing changes, if the sums have no room.
    #[must_use]
    pub fn with(&self, receipt: &Receipt) -> Option<Self> {
        let mut next = self.clone();
        let (sum, cost) = (&mut next.sum, U256::from(receipt.cost));
        sum.cost = sum.cost.checked_add(cost)?;
        sum.largest = sum.largest.max(cost);
        sum.inputUnits = sum.inputUnits.checked_add(receipt.inputUnits)?;
        sum.outputUnits = sum.outputUnits.checked_add(receipt.outputUnits)?;
        sum.receipts = sum.receipts.checked_add(1)?;
        next.push(receipt.id());
        next.sum.root = next.root();
        Some(next)
    }

    fn push(&mut self, leaf: B256) {
        // Adding one to a counter: each carry joins two trees of a level.
        let (mut tree, mut level, mut count) = (leaf, 0, self.leaves.len());
        while count & 1 == 1 {
            tree = node(self.lefts[level], tree);
            (level, count) = (level + 1, count >> 1);
        }
        if self.lefts.len() <= level {
            self.lefts.push(tree);
        } else {
            self.lefts[level] = tree;
        }
        self.leaves.push(leaf);
    }

    fn root(&self) -> B256 {
        let count = self.leaves.len();
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

    /// What is signed of it; none of nothing.
    pub fn voucher(&self) -> Option<&Voucher> {
        (self.sum.receipts > 0).then_some(&self.sum)
    }

    /// The epoch.
    pub const fn epoch(&self) -> u64 {
        self.sum.epoch
    }

    /// That a receipt lies under the root: the hashes beside its way up.
    pub fn proof(&self, index: usize) -> Vec<B256> {
        let mut row = self.leaves.clone();
        row.resize(row.len().next_power_of_two(), B256::ZERO);
        let (mut index, mut proof) = (index, Vec::new());
        while row.len() > 1 {
            proof.push(row[index ^ 1]);
            row = row
                .chunks_exact(2)
                .map(|pair| node(pair[0], pair[1]))
                .collect();
            index >>= 1;
        }
        proof
    }
}
