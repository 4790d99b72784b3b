//! An asset with everything that it needs, in one step or not at all.
//!
//! ```text
//!   list(asset) ─► ledger: number, border limit ─► oracle: feed ─► lending: market, seed ─► account: what it counts
//! ```
//!
//! Each part is checked by the contract that it belongs to, in that contract's words and with its numbers; whatever one of
//! them refuses undoes all of it. Nothing is stored here.
//!
//! - LIST-1: a listing is whole: number, feed, market with its seed, and collateral terms, or no trace.
//! - LIST-2: only who owns the scopes of all four contracts lists.
//! - LIST-3: what one step makes is, word for word, what the four verbs of the four contracts make.
//!
//! Imports: account, admin, ledger, lending, oracle.
//!
//! Trusts: the owner of the scopes, as far as those contracts do.
//!
//! Not here: reporters and later changes (the verbs of the four contracts), delisting (caps and factors go to zero).

mod abi;
mod actions;

pub use abi::IListing;

use alloy_primitives::Address;

use crate::{
    Contract, Entry, Interface, Kind, Place, account, admin, ledger, lending, native, oracle,
};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(22), 0);

/// The scopes whose owner lists.
pub const SCOPES: [Address; 4] = [
    ledger::ADDRESS,
    oracle::ADDRESS,
    lending::ADDRESS,
    account::ADDRESS,
];

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "listing",
    doc: "Lists an asset with border, feed, market and collateral terms in one step.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "listing",
        abi: IListing::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &ledger::CONTRACT,
        &oracle::CONTRACT,
        &lending::CONTRACT,
        &account::CONTRACT,
    ],
    system: &[],
    layout: &[],
    genesis: |_, _| Ok(()),
    // It stores nothing.
    invariants: |_, _| Ok(()),
};

#[cfg(test)]
mod tests;
