//! The ERC-20 face of the gas coin: one asset, two ways to move it.
//!
//! ```text
//!   transfer(to, 5) ──► coin_move(caller, to, 5) ──► the accounts' own balances
//! ```
//!
//! - TOK-7: `balanceOf(x)` is the coin balance of `x`, always; the face holds no balance of its own.
//! - TOK-8: moving coins here runs no code at the receiver, as a block reward or SELFDESTRUCT does not.
//! - TOK-9: no verb takes coins with the call, so one payment cannot count twice.
//!
//! Imports: erc20.
//!
//! Trusts: nobody. Not here: the ERC-20 rules themselves (`erc20`), wrapping (there is nothing to wrap).

mod abi;
mod actions;
mod invariants;
mod state;

pub use abi::IEther;
pub use actions::{transfer, transfer_from};

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, erc20, native};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(3), 0);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "ether",
    doc: "The gas coin as an ERC-20 token with permit.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[
        Interface {
            name: "ether",
            abi: IEther::abi::contract,
            source: include_str!("abi.rs"),
        },
        erc20::INTERFACE,
    ],
    errors_of: &[],
    system: &[],
    layout: state::EtherState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
