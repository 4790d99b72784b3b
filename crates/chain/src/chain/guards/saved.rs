//! An index of calls in bytes, so that a start need not read every account and order: one row for each call, in order.
//!
//! ```text
//!   kind u8 │ asset u32 │ supplied u8 │ second or tick, 4 bytes │ whom: owner 20 bytes and index u8, order u64, product u32, claim u64, or machine u64
//! ```

use std::cmp::Reverse;

use alloy_primitives::{Address, U256};
use capstan_contracts::{
    account::index::Sheets,
    calls::{Call, CallIndex, Changes, Entry, Room},
    income::Debts,
    jobs::Claims,
    products::Products,
    triggers::Orders,
};
use capstan_units::{AccountId, AssetId, OrderId, PriceTick, ProductId};

use crate::db::{DerivedIndex, IndexStep};

/// Bytes of a call.
const CALL_BYTES: usize = 10;

/// A room whose index is saved.
pub(super) trait Saved: Room + 'static {
    /// Name of its index; stored, so it never changes meaning.
    const NAME: &'static str;
    /// Name of the gauge that tells how many calls it has.
    const GAUGE: &'static str;
    /// Bytes of an id.
    const ID_BYTES: usize;
    /// Bytes of a row.
    const ROW_BYTES: usize = CALL_BYTES + Self::ID_BYTES;

    fn put_id(id: Self::Id, row: &mut Vec<u8>);
    /// The id in exactly so many bytes.
    fn take_id(bytes: &[u8]) -> Option<Self::Id>;

    /// Appends the row of a call.
    fn put((call, id): &Entry<Self::Id>, rows: &mut Vec<u8>) {
        rows.extend_from_slice(&put(*call));
        Self::put_id(*id, rows);
    }

    /// The call of a row, if it is one.
    fn take(row: &[u8]) -> Option<Entry<Self::Id>> {
        let (call, id) = row.split_first_chunk()?;
        Some((take(*call)?, Self::take_id(id)?))
    }
}

impl Saved for Sheets {
    const NAME: &'static str = "guards";
    const GAUGE: &'static str = "capstan_guards";
    const ID_BYTES: usize = AccountId::BYTES;

    fn put_id(id: AccountId, row: &mut Vec<u8>) {
        row.extend_from_slice(&id.to_bytes());
    }

    fn take_id(bytes: &[u8]) -> Option<AccountId> {
        bytes.try_into().ok().map(AccountId::from_bytes)
    }
}

impl Saved for Orders {
    const NAME: &'static str = "triggers";
    const GAUGE: &'static str = "capstan_triggers";
    const ID_BYTES: usize = size_of::<u64>();

    fn put_id(id: OrderId, row: &mut Vec<u8>) {
        row.extend_from_slice(&id.get().to_be_bytes());
    }

    fn take_id(bytes: &[u8]) -> Option<OrderId> {
        let number = u64::from_be_bytes(bytes.try_into().ok()?);
        Some(OrderId::new(number))
    }
}

impl Saved for Products {
    const NAME: &'static str = "products";
    const GAUGE: &'static str = "capstan_products";
    const ID_BYTES: usize = size_of::<u32>();

    fn put_id(id: ProductId, row: &mut Vec<u8>) {
        row.extend_from_slice(&id.get().to_be_bytes());
    }

    fn take_id(bytes: &[u8]) -> Option<ProductId> {
        let number = u32::from_be_bytes(bytes.try_into().ok()?);
        Some(ProductId::new(number))
    }
}

impl Saved for Claims {
    const NAME: &'static str = "jobs";
    const GAUGE: &'static str = "capstan_claims";
    const ID_BYTES: usize = size_of::<u64>();

    fn put_id(id: u64, row: &mut Vec<u8>) {
        row.extend_from_slice(&id.to_be_bytes());
    }

    fn take_id(bytes: &[u8]) -> Option<u64> {
        bytes.try_into().ok().map(u64::from_be_bytes)
    }
}

impl Saved for Debts {
    const NAME: &'static str = "income";
    const GAUGE: &'static str = "capstan_machine_debts";
    const ID_BYTES: usize = size_of::<u64>();

    fn put_id(id: u64, row: &mut Vec<u8>) {
        row.extend_from_slice(&id.to_be_bytes());
    }

    fn take_id(bytes: &[u8]) -> Option<u64> {
        bytes.try_into().ok().map(u64::from_be_bytes)
    }
}

const TIME: u8 = 0;
const FALL: u8 = 1;
const RISE: u8 = 2;
const REDEMPTION: u8 = 3;

fn put(call: Call) -> [u8; CALL_BYTES] {
    let (kind, asset, supplied, value) = match call {
        Call::Time(second) => (TIME, 0, false, second.to_be_bytes()),
        Call::Fall(asset, supplied, Reverse(tick)) => {
            (FALL, asset.get(), supplied, tick.get().to_be_bytes())
        }
        Call::Rise(asset, tick) => (RISE, asset.get(), false, tick.get().to_be_bytes()),
        Call::Redemption => (REDEMPTION, 0, false, [0; 4]),
    };
    let mut row = [0; CALL_BYTES];
    row[0] = kind;
    row[1..5].copy_from_slice(&asset.to_be_bytes());
    row[5] = supplied.into();
    row[6..].copy_from_slice(&value);
    row
}

fn take(row: [u8; CALL_BYTES]) -> Option<Call> {
    let [kind, a, b, c, d, supplied, value @ ..] = row;
    let asset = AssetId::new(u32::from_be_bytes([a, b, c, d]));
    let tick = PriceTick::new(i32::from_be_bytes(value));
    Some(match kind {
        TIME => Call::Time(u32::from_be_bytes(value)),
        FALL => Call::Fall(asset, supplied != 0, Reverse(tick)),
        RISE => Call::Rise(asset, tick),
        REDEMPTION => Call::Redemption,
        _ => return None,
    })
}

/// What a step changed of the calls.
fn changes<R: Room>(step: &IndexStep) -> Changes<R> {
    let mut changes = Changes::default();
    for (slot, before, after) in &step.words {
        changes.note(*slot, *before, *after);
    }
    changes
}

impl<R: Saved> DerivedIndex for CallIndex<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn account(&self) -> Address {
        R::ADDRESS
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
        let mut saved = Vec::with_capacity(self.len() * R::ROW_BYTES);
        for entry in self.iter() {
            R::put(entry, &mut saved);
        }
        saved
    }

    fn load(&mut self, saved: &[u8]) -> bool {
        let rows = saved.chunks_exact(R::ROW_BYTES);
        let is_whole = rows.remainder().is_empty();
        match rows.map(R::take).collect::<Option<Self>>() {
            Some(index) if is_whole => {
                *self = index;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
