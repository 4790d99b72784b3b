//! Storage of the identities' token.

use alloy_primitives::Address;
use capstan_state::{Layout, Map, Value};

/// Everything that the identities' token stores.
#[derive(Layout)]
pub(crate) struct IdentityState {
    /// The key of each machine.
    #[tag(1)]
    pub(super) owners: Map<u64, Value<Address>>,
    /// How many each is: one, or none.
    #[tag(2)]
    pub(super) counts: Map<Address, Value<u64>>,
    /// Nobody ever.
    #[tag(3)]
    pub(super) approved: Map<u64, Value<Address>>,
    /// Who may act for all tokens of an owner, none of which moves.
    #[tag(4)]
    pub(super) operators: Map<(Address, Address), Value<bool>>,
}
