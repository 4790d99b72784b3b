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
//! Trusts: nobody. Not here: the ERC-20 rules themselves (`token::erc20`), wrapping (there is nothing to wrap).

mod abi;
mod actions;
mod state;

pub use abi::IEther;

use crate::{Contract, Entry, Place, address};

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "ether",
    doc: "The gas coin as an ERC-20 token with permit.",
    place: Place::At(address::ETHER),
    entry: Entry::Verbs(abi::VERBS),
    abi: IEther::abi::contract,
    source: include_str!("abi.rs"),
    system: None,
    layout: state::EtherState::LAYOUT,
    genesis: |_, _| Ok(()),
};

#[cfg(test)]
mod tests;
