//! Storage of `admin`.

use alloy_primitives::Address;
use capstan_state::{Layout, Map, Record, Value};

/// A role held by an account: its scope and number, then the holder.
pub(super) type GrantKey = (Address, (u32, Address));

/// Everything that `admin` stores.
#[derive(Layout)]
pub(crate) struct AdminState {
    /// Owner of each scope.
    #[tag(1)]
    pub(super) owners: Map<Address, Value<Address>>,
    /// To whom each scope is offered.
    #[tag(2)]
    pub(super) offers: Map<Address, Value<Address>>,
    /// Grants.
    #[tag(3)]
    pub(super) grants: Map<GrantKey, Record<Grant>>,
    /// Delay of each role of each scope.
    #[tag(4)]
    pub(super) delays: Map<(Address, u32), Record<Delay>>,
}

/// When a role counts. Never granted is all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Grant {
    /// First millisecond at which it counts.
    pub(super) effective_ms: u64,
    /// First millisecond at which it no longer counts.
    pub(super) expires_ms: u64,
}

/// The delay of a role and the one that replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Delay {
    /// The delay until `next_from_ms`.
    pub(super) current_ms: u64,
    /// The delay from then on.
    pub(super) next_ms: u64,
    /// When it changes.
    pub(super) next_from_ms: u64,
}
