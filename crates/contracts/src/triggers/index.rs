//! Which orders the block must look at: their stored guards, as [`CallIndex`].

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, OrderId, PriceTick};

use super::{
    ADDRESS,
    guard::{fallen_to, guard_slot, risen_to},
};
use crate::{
    account::index::calls_of,
    calls::{self, CallIndex, Room},
};

/// What blocks changed of orders' guards.
pub type Changes = calls::Changes<Orders>;
/// Every guard of an order in a state.
pub type TriggerIndex = CallIndex<Orders>;

/// Orders call the block to themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders;

impl Room for Orders {
    type Id = OrderId;
    const LOWEST: OrderId = OrderId::new(0);
    const HIGHEST: OrderId = OrderId::new(u64::MAX);
    const ADDRESS: Address = ADDRESS;

    fn entries(slot: U256, word: U256) -> Vec<calls::Entry<OrderId>> {
        let Some((order, part)) = guard_slot(slot) else {
            return Vec::new();
        };
        let calls = calls_of(part, word).into_iter();
        calls.map(|call| (call, order)).collect()
    }

    fn has(slot: U256) -> bool {
        guard_slot(slot).is_some()
    }

    /// A price that may not be used fires nothing.
    fn fallen_to(
        cx: &mut Ctx<'_>,
        asset: AssetId,
        supplied: bool,
    ) -> Result<Option<PriceTick>, Halt> {
        fallen_to(cx, asset, supplied)
    }

    fn risen_to(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<PriceTick>, Halt> {
        risen_to(cx, asset)
    }
}
