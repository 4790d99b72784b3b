//! Which orders the block must look at: their stored guards, as [`CallIndex`].

use alloy_primitives::{Address, U256};
use capstan_units::OrderId;

use super::{ADDRESS, guard::STATE};
use crate::{
    account::Guarded,
    calls::{self, CallIndex},
};

/// What blocks changed of orders' guards.
pub type Changes = calls::Changes<Orders>;
/// Every guard of an order in a state.
pub type TriggerIndex = CallIndex<Orders>;

/// Orders call the block to themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders;

impl Guarded for Orders {
    type Id = OrderId;
    const LOWEST: OrderId = OrderId::new(0);
    const HIGHEST: OrderId = OrderId::new(u64::MAX);
    const ADDRESS: Address = ADDRESS;

    fn guard_of(slot: U256) -> Option<(OrderId, u8)> {
        STATE.guards.key_of(slot)
    }
}
