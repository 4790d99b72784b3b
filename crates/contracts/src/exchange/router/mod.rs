//! A face for whoever speaks Uniswap v2's router: paths of tokens, from wallet to wallet.
//!
//! It holds nothing and stores nothing. A wallet allows this contract what it pays; the exchange pulls it under that
//! allowance.

mod abi;
mod actions;

pub use abi::IExchangeRouter;

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, ledger, native};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(21), 0);
/// Most tokens of a path.
pub const PATH_MAX: usize = 5;

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "exchangeRouter",
    doc: "Swaps along paths of tokens with Uniswap v2's verbs.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "exchangeRouter",
        abi: IExchangeRouter::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[&super::CONTRACT, &ledger::CONTRACT],
    system: &[],
    layout: &[],
    genesis: |_, _| Ok(()),
    invariants: |_, _| Ok(()),
};
