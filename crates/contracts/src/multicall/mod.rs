//! Many calls in one, at the address where every Ethereum library looks for Multicall3.
//!
//! It behaves as the contract that stands there on other chains: the same verbs, answers and error texts. It
//! holds nothing: coins that come with a batch go out with its calls or the batch reverts, except for the
//! verbs that forward none, which keep coins as the original does.
//!
//! Not here: batches that act for the user (the callee sees this contract as its caller, not the user).

mod abi;
mod actions;

pub use abi::IMulticall3;

use crate::{Contract, Entry, Place, address};

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "multicall",
    doc: "Many calls in one; behaves as Multicall3.",
    place: Place::At(address::MULTICALL3),
    entry: Entry::Verbs(abi::VERBS),
    abi: IMulticall3::abi::contract,
    source: include_str!("abi.rs"),
    system: None,
    layout: &[],
    genesis: |_, _| Ok(()),
};

#[cfg(test)]
mod tests;
