//! Which products the block must look at: their stored guards, as [`CallIndex`].

use alloy_primitives::{Address, U256};
use capstan_units::ProductId;

use super::{ADDRESS, guard::STATE};
use crate::{
    account::Guarded,
    calls::{self, CallIndex},
};

/// What blocks changed of products' guards.
pub type Changes = calls::Changes<Products>;
/// Every guard of a product in a state.
pub type ProductIndex = CallIndex<Products>;

/// Products call the block to themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Products;

impl Guarded for Products {
    type Id = ProductId;
    const LOWEST: ProductId = ProductId::new(0);
    const HIGHEST: ProductId = ProductId::new(u32::MAX);
    const ADDRESS: Address = ADDRESS;

    fn guard_of(slot: U256) -> Option<(ProductId, u8)> {
        STATE.guards.key_of(slot)
    }
}
