//! Storage of a stake's share token.

use alloy_primitives::{Address, U256};
use capstan_state::{Balance, Layout, Map, Record, Total, Value};
use capstan_units::Shares;

/// Shares that wait to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Request {
    /// How many.
    pub(super) shares: Shares,
    /// From when they can.
    pub(super) ready_ms: u64,
    /// Until when.
    pub(super) until_ms: u64,
}

/// Everything that one stake's token stores. The first key of what ends with a generation is its number.
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
    /// What each owner wants to take out.
    #[tag(5)]
    pub(super) requests: Map<u32, Map<Address, Record<Request>>>,
}
