//! What is on disk of a machine's book.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::channel_of;

/// What is on disk of a channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LineRecord {
    pub(super) channel: B256,
    pub(super) customer: Address,
    pub(super) key: Address,
    pub(super) is_closed: bool,
    #[serde(default)]
    pub(super) lost: u32,
    pub(super) owed: Vec<(u64, B256)>,
}

/// What is on disk of its epochs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SheetRecord {
    pub(super) channel: B256,
    pub(super) epoch: u64,
    pub(super) word: String,
    /// Whether it was handed out to be claimed: from then on it is what it is.
    #[serde(default)]
    pub(super) is_shut: bool,
    pub(super) is_claimed: bool,
}

/// A receipt in its place under a voucher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LeafRecord {
    pub(super) channel: B256,
    pub(super) epoch: u64,
    pub(super) index: u32,
    pub(super) receipt: B256,
}

impl LineRecord {
    /// Receipts that wait for a word.
    pub(crate) fn owed_ids(&self) -> impl Iterator<Item = B256> {
        self.owed.iter().map(|(_, id)| *id)
    }

    /// Whether it is of a class at a machine: a channel is the hash of what it is.
    pub(super) fn is_of(&self, machine_id: u64, class_id: u32) -> bool {
        self.channel == channel_of(self.customer, self.key, machine_id, class_id)
    }

    pub(crate) fn place(&self) -> Vec<u8> {
        self.channel.to_vec()
    }
}

#[cfg(test)]
impl LineRecord {
    /// One of which so much waits for a word.
    pub(crate) const fn of(channel: B256, owed: Vec<(u64, B256)>) -> Self {
        Self {
            channel,
            customer: Address::ZERO,
            key: Address::ZERO,
            is_closed: false,
            lost: 0,
            owed,
        }
    }
}

#[cfg(test)]
impl LeafRecord {
    /// A receipt in a place.
    pub(crate) const fn of(channel: B256, epoch: u64, index: u32, receipt: B256) -> Self {
        Self {
            channel,
            epoch,
            index,
            receipt,
        }
    }
}

impl SheetRecord {
    pub(crate) fn place(&self) -> Vec<u8> {
        [self.channel.as_slice(), &self.epoch.to_be_bytes()].concat()
    }
}

impl LeafRecord {
    /// Which receipt lies there.
    pub(crate) const fn receipt(&self) -> B256 {
        self.receipt
    }

    pub(crate) fn place(&self) -> Vec<u8> {
        let (epoch, index) = (self.epoch.to_be_bytes(), self.index.to_be_bytes());
        [self.channel.as_slice(), &epoch, &index].concat()
    }
}
