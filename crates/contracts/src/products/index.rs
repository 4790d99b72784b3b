//! Which products the block must look at: their stored guards, as [`CallIndex`].

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, PriceTick, ProductId};

use super::{ADDRESS, guard::guard_slot};
use crate::{
    account::index::calls_of,
    calls::{self, CallIndex, Room},
    triggers,
};

/// What blocks changed of products' guards.
pub type Changes = calls::Changes<Products>;
/// Every guard of a product in a state.
pub type ProductIndex = CallIndex<Products>;

/// Products call the block to themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Products;

impl Room for Products {
    type Id = ProductId;
    const LOWEST: ProductId = ProductId::new(0);
    const HIGHEST: ProductId = ProductId::new(u32::MAX);
    const ADDRESS: Address = ADDRESS;

    fn entries(slot: U256, word: U256) -> Vec<calls::Entry<ProductId>> {
        let Some((product, part)) = guard_slot(slot) else {
            return Vec::new();
        };
        let calls = calls_of(part, word).into_iter();
        calls.map(|call| (call, product)).collect()
    }

    fn has(slot: U256) -> bool {
        guard_slot(slot).is_some()
    }

    /// A price that may not be used calls for nothing, as with orders.
    fn fallen_to(
        cx: &mut Ctx<'_>,
        asset: AssetId,
        supplied: bool,
    ) -> Result<Option<PriceTick>, Halt> {
        triggers::fallen_to(cx, asset, supplied)
    }

    fn risen_to(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<PriceTick>, Halt> {
        triggers::risen_to(cx, asset)
    }
}
