//! Machines: who they are, what stands for their word, whether they are there, what they proved to be able to do.
//!
//! ```text
//!   key (for ever) ── consents ──► machine ◄── title (ERC-721): income and bond
//!     │ identity (ERC-5192, bound)    │
//!     ├── beat ──────────► life: proven + dark = last seen - registered ──► state and reason, by record and time alone
//!     ├── report ────────► last readings, root of all
//!     └── ask ► draw ► answer ► commit ► reveal ► settle ──► capacity, or a slash of the bond
//!                                                            pot = ledger units of (machines, 0), forfeit = (machines, 1)
//! ```
//!
//! - MACH-1: the pot holds every bond, the forfeit account what was taken from them and not sent on.
//! - MACH-2: a key is one machine's, for ever; nobody is registered without his key's word.
//! - MACH-3: every machine has one title and one identity, and the identity is its key's.
//! - MACH-4: a slash takes at most the bond, and goes where it says.
//! - MACH-5: capacity comes only from a passed challenge, never exceeds what was asked, and is void once it is older than its
//!   limit, or a later challenge was failed.
//! - MACH-6: proven life and dark time are together what of the time from registering to being last seen counts.
//! - MACH-7: only the machine's key edits its record; a used message does not count again.
//! - MACH-8: readings rise in number and in time; late ones are refused.
//! - MACH-9: the state follows from record and time, and the clocks of a record are in order.
//! - MACH-10: leaving is never stopped but by a debt for which the title is security, and a bond is taken after its delay, by the holder of the title alone.
//! - MACH-11: a seed is fixed by the request and known to nobody when it is made; an output is known to no auditor by what
//!   stands on chain while he commits.
//! - MACH-12: parameters are in range; what tightens counts at once, anything else a day later.
//! - MACH-13: a title that is security moves, and is freed, by the room that locked it alone.
//! - MACH-14: time for which the chain stood still makes nobody late, dark or silent, and proves no life.
//!
//! Imports: admin, erc721, ledger, still, token.
//!
//! Trusts: a quorum of auditors, to compute; the owner of the scope, who names them and gets what they take; rooms above (`jobs`, `income`),
//! which may slash. Not here: what work is, who pays for it, and what income may back.

#[allow(
    clippy::too_many_arguments,
    reason = "what is signed is passed field by field, as wallets and tools expect"
)]
mod abi;
mod audit;
mod beat;
mod bond;
mod challenge;
mod error;
pub mod identity;
mod invariants;
mod listing;
mod math;
mod params;
mod record;
mod security;
mod signed;
mod state;
mod status;
mod telemetry;
pub mod title;
mod views;

pub use abi::IMachines;
pub use bond::slash;
pub use params::{
    ANSWER_MS, BOND_MIN_MAX, CAPACITY_AGE_MS, CHANGE_DELAY_MS, COMMIT_MS, GAP_MS, GRACE_MS,
    INTERVAL_MS, LATE_MS, PROBATION_MS, Params, QUORUM, REVEAL_MS, SLASH_BPS, UNBOND_MS,
};
pub use record::{About, about, holder_of, key_of, of_key, unbond_ms};
pub use security::{Facts, award, facts, lock, locked_by, unlock};
pub use signed::{
    ANSWER_TYPE, BEAT_TYPE, READINGS_TYPE, REGISTRATION_TYPE, ROTATION_TYPE, SPECIFICATION_TYPE,
};
pub use status::{Capacity, Outcome, Phase, Reason, State, Status, capacity, status};

use alloy_primitives::Address;
use capstan_units::AccountId;

use crate::{Contract, Entry, Interface, Kind, Place, admin, ledger, native, token};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(29), 0);
/// Holds every bond.
pub const POT: AccountId = AccountId::new(ADDRESS, 0);
/// Holds what challenges took from bonds, until the owner of the scope sends it on.
pub const FORFEIT: AccountId = AccountId::new(ADDRESS, 1);
/// Role that audits: asks, commits, reveals.
pub const AUDIT: u32 = 2;
/// Most auditors of one challenge.
pub const AUDITORS_MAX: u32 = 16;
/// Most beats in one transaction.
pub const BEATS_MAX: usize = 256;
/// Most machines that one look at holders passes.
pub const SCAN_MAX: u64 = 1_000;
/// Longest link to a specification.
pub const URI_BYTES_MAX: u32 = 256;
/// Most work that a machine is asked for: who asks pays for none of it, and auditors compute it.
pub const UNITS_MAX: u64 = 1_000_000_000;
/// The seed is the hash of the block so many after the request.
pub const SEED_BLOCKS: u64 = 2;
/// For so many blocks a hash is known.
pub const HASHES: u64 = 256;

// Leaving is none of them, nor is being there (MACH-10).
crate::pauses::pauses! {
    /// New machines.
    Register = 1 "register",
    /// New challenges.
    Ask = 2 "ask",
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "machines",
    doc: "Machines: identity, title, bond, life, readings, and capacity as it was last proven.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "machines",
        abi: IMachines::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &ledger::CONTRACT,
        &token::CONTRACT,
        &title::CONTRACT,
    ],
    system: &[],
    layout: state::MachinesState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
