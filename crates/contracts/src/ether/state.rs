//! Storage of the coin's face: what ERC-20 adds to coins.

use alloy_primitives::{Address, U256};
use capstan_state::{Layout, Map, Value};

/// Everything that the face stores. Balances are not among it.
#[derive(Layout)]
pub(crate) struct EtherState {
    /// What a spender may take from an owner.
    #[tag(1)]
    pub(super) allowances: Map<(Address, Address), Value<U256>>,
    /// Permits used by each owner.
    #[tag(2)]
    pub(super) nonces: Map<Address, Value<U256>>,
}
