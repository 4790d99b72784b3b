//! What is on disk of a machine's book.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

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
    pub(crate) fn place(&self) -> Vec<u8> {
        self.channel.to_vec()
    }
}

impl SheetRecord {
    pub(crate) fn place(&self) -> Vec<u8> {
        [self.channel.as_slice(), &self.epoch.to_be_bytes()].concat()
    }
}

impl LeafRecord {
    pub(crate) fn place(&self) -> Vec<u8> {
        let (epoch, index) = (self.epoch.to_be_bytes(), self.index.to_be_bytes());
        [self.channel.as_slice(), &epoch, &index].concat()
    }
}
