//! Storage of a product's units.

use alloy_primitives::{Address, U256};
use capstan_state::{Balance, Layout, Map, Total, Value};

/// Everything that the token of one product stores.
#[derive(Layout)]
pub(crate) struct UnitState {
    /// Units of all wallets together.
    #[tag(1)]
    pub(super) supply: Total,
    /// Units of each wallet.
    #[tag(2)]
    pub(super) balances: Map<Address, Balance>,
    /// What a spender may take from an owner.
    #[tag(3)]
    pub(super) allowances: Map<(Address, Address), Value<U256>>,
    /// Permits used by each owner.
    #[tag(4)]
    pub(super) nonces: Map<Address, Value<U256>>,
}
