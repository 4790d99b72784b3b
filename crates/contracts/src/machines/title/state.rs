//! Storage of the titles' token.

use alloy_primitives::Address;
use capstan_state::{Layout, Map, Value};

/// Everything that the titles' token stores.
#[derive(Layout)]
pub(crate) struct TitleState {
    /// Who holds each.
    #[tag(1)]
    pub(super) owners: Map<u64, Value<Address>>,
    /// How many each holds.
    #[tag(2)]
    pub(super) counts: Map<Address, Value<u64>>,
    /// Who may move one, besides its holder.
    #[tag(3)]
    pub(super) approved: Map<u64, Value<Address>>,
    /// Who may move all of a holder.
    #[tag(4)]
    pub(super) operators: Map<(Address, Address), Value<bool>>,
}
