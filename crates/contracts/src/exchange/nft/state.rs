//! Storage of the positions' token.

use alloy_primitives::Address;
use capstan_state::{Layout, Map, Value};

/// Everything that the positions' token stores.
#[derive(Layout)]
pub(crate) struct NftState {
    /// Who owns each position.
    #[tag(1)]
    pub(super) owners: Map<u64, Value<Address>>,
    /// How many each owns.
    #[tag(2)]
    pub(super) counts: Map<Address, Value<u64>>,
    /// Who may move one position, besides its owner.
    #[tag(3)]
    pub(super) approved: Map<u64, Value<Address>>,
    /// Who may move all positions of an owner.
    #[tag(4)]
    pub(super) operators: Map<(Address, Address), Value<bool>>,
}
