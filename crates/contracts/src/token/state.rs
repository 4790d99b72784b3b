//! Storage of a token and of the factory.

use alloy_primitives::{Address, U256};
use capstan_state::{Balance, Layout, Map, Text, Total, Value};

use super::params::{NAME_BYTES_MAX, SYMBOL_BYTES_MAX};

/// Everything that one token stores.
#[derive(Layout)]
pub(crate) struct TokenState {
    /// Total supply.
    #[tag(1)]
    pub(super) supply: Total,
    /// Balance of each owner.
    #[tag(2)]
    pub(super) balances: Map<Address, Balance>,
    /// What a spender may take from an owner.
    #[tag(3)]
    pub(super) allowances: Map<(Address, Address), Value<U256>>,
    /// Permits used by each owner.
    #[tag(4)]
    pub(super) nonces: Map<Address, Value<U256>>,
    /// Name.
    #[tag(5)]
    pub(super) name: Text<NAME_BYTES_MAX>,
    /// Symbol.
    #[tag(6)]
    pub(super) symbol: Text<SYMBOL_BYTES_MAX>,
    /// Decimals.
    #[tag(7)]
    pub(super) decimals: Value<u8>,
}

/// Everything that the factory stores.
#[derive(Layout)]
pub(crate) struct FactoryState {
    /// Tokens made so far; the id of the latest.
    #[tag(1)]
    pub(super) token_count: Value<u64>,
}
