//! Storage of a tranche's share token.

use alloy_primitives::{Address, U256};
use capstan_state::{Balance, Layout, Map, Total, Value};

/// Everything that one tranche's token stores. The first key of what ends with a generation is its number.
#[derive(Layout)]
pub(crate) struct ShareState {
    /// Shares of all wallets together.
    #[tag(1)]
    pub(super) supply: Map<u32, Total>,
    /// Shares of each wallet.
    #[tag(2)]
    pub(super) balances: Map<u32, Map<Address, Balance>>,
    /// What a spender may take from an owner.
    #[tag(3)]
    pub(super) allowances: Map<(Address, Address), Value<U256>>,
    /// Permits used by each owner.
    #[tag(4)]
    pub(super) nonces: Map<Address, Value<U256>>,
}
