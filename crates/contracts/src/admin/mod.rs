//! Who may do what: roles with a delay and an expiry, and one owner per scope.
//!
//! ```text
//!   scope (a contract) ── owner ──► grants (role, holder), which counts only after the role's delay
//!                           │            now ───── delay ─────► effective ───────► expires
//!                           └─────► offers the scope ──► the other accepts
//! ```
//!
//! - ADM-1: a grant counts from `effective` (now + the delay of its role) until `expires`, and at no other time.
//! - ADM-2: a revocation counts at once, whoever holds the role.
//! - ADM-3: a scope changes hands only when the owner offered it and the new owner accepts.
//! - ADM-4: a delay rises at once and falls only after the delay that stood before.
//! - ADM-5: only the owner of a scope changes anything in it; a holder may give up his own role.
//!
//! Imports: none.
//!
//! Trusts: the owner of a scope, who can grant himself any role of it after its delay.
//!
//! Not here: what a role permits (the contract that asks), which verbs can be paused, and listing (with the contracts).

mod abi;
mod actions;
mod invariants;
mod params;
mod pausing;
mod state;

pub use abi::IAdmin;
pub(crate) use actions::found_role;
pub use actions::{
    expect_guard, expect_owner, expect_role, has_role, open_scope, open_scope_at_genesis, owner_of,
    role_delay_ms,
};
pub use params::GUARD;
pub use pausing::Pausing;

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, native};
use state::AdminState;

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(4), 0);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "admin",
    doc: "Roles with a delay and an expiry, and one owner per scope.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "admin",
        abi: IAdmin::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[],
    system: &[],
    layout: AdminState::LAYOUT,
    genesis: |cx, config| open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
