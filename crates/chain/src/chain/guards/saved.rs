//! The index of guards in bytes, so that a start need not read every account: 31 bytes for each guard, in order.
//!
//! ```text
//!   kind u8 │ asset u32 │ supplied u8 │ second or tick, 4 bytes │ owner 20 bytes │ index u8
//! ```

use std::cmp::Reverse;

use alloy_primitives::{Address, U256};
use capstan_contracts::account::{
    self,
    index::{Call, Changes, Entry, GuardIndex},
};
use capstan_units::{AccountId, AssetId, PriceTick};

use crate::db::{DerivedIndex, IndexStep};

/// Under which it is saved.
pub(super) const NAME: &str = "guards";
pub(super) const ENTRY_BYTES: usize = 31;
const TIME: u8 = 0;
const FALL: u8 = 1;
const RISE: u8 = 2;
const REDEMPTION: u8 = 3;

/// The row of a guard.
pub(super) fn put((call, account): &Entry) -> [u8; ENTRY_BYTES] {
    let (kind, asset, supplied, value) = match *call {
        Call::Time(second) => (TIME, 0, false, second.to_be_bytes()),
        Call::Fall(asset, supplied, Reverse(tick)) => {
            (FALL, asset.get(), supplied, tick.get().to_be_bytes())
        }
        Call::Rise(asset, tick) => (RISE, asset.get(), false, tick.get().to_be_bytes()),
        Call::Redemption => (REDEMPTION, 0, false, [0; 4]),
    };
    let mut row = [0; ENTRY_BYTES];
    row[0] = kind;
    row[1..5].copy_from_slice(&asset.to_be_bytes());
    row[5] = supplied.into();
    row[6..10].copy_from_slice(&value);
    row[10..30].copy_from_slice(account.owner.as_slice());
    row[30] = account.index;
    row
}

/// The guard of a row, if it is one.
pub(super) fn take(row: &[u8; ENTRY_BYTES]) -> Option<Entry> {
    let (head, account) = row.split_first_chunk::<10>()?;
    let [kind, a, b, c, d, supplied, value @ ..] = *head;
    let asset = AssetId::new(u32::from_be_bytes([a, b, c, d]));
    let tick = PriceTick::new(i32::from_be_bytes(value));
    let call = match kind {
        TIME => Call::Time(u32::from_be_bytes(value)),
        FALL => Call::Fall(asset, supplied != 0, Reverse(tick)),
        RISE => Call::Rise(asset, tick),
        REDEMPTION => Call::Redemption,
        _ => return None,
    };
    let (owner, index) = account.split_at(Address::len_bytes());
    let account = AccountId::new(Address::from_slice(owner), *index.first()?);
    Some((call, account))
}

/// What a step changed of the guards.
fn changes(step: &IndexStep) -> Changes {
    let mut changes = Changes::default();
    for (slot, before, after) in &step.words {
        changes.note(*slot, *before, *after);
    }
    changes
}

impl DerivedIndex for GuardIndex {
    fn name(&self) -> &'static str {
        NAME
    }

    fn account(&self) -> Address {
        account::ADDRESS
    }

    fn apply(&mut self, step: &IndexStep) {
        Self::apply(self, &changes(step));
    }

    fn undo(&mut self, step: &IndexStep) {
        Self::undo(self, &changes(step));
    }

    fn rebuild(&mut self, words: Vec<(U256, U256)>) {
        *self = Self::rebuild(words);
    }

    fn save(&self) -> Vec<u8> {
        let mut saved = Vec::with_capacity(self.len() * ENTRY_BYTES);
        for entry in self.iter() {
            saved.extend_from_slice(&put(entry));
        }
        saved
    }

    fn load(&mut self, saved: &[u8]) -> bool {
        let (rows, rest) = saved.as_chunks::<ENTRY_BYTES>();
        let read: Option<Self> = rows.iter().map(take).collect();
        match read {
            Some(index) if rest.is_empty() => {
                *self = index;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
