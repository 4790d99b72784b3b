//! Many calls in one, at the address where every Ethereum library looks for Multicall3.
//!
//! It behaves as the contract that stands there on other chains: the same verbs, answers and error texts. It
//! holds nothing: coins that come with a batch go out with its calls or the batch reverts, except for the
//! verbs that forward none, which keep coins as the original does.
//!
//! - MULTI-1: a batch is all or nothing, unless a call says that it may fail; a failed call leaves no traces.
//! - MULTI-2: it stores nothing.
//! - MULTI-3: a batch that may spend coins spends exactly those that came with it.
//!
//! Imports: none.
//!
//! Not here: batches that act for the user (the callee sees this contract as its caller, not the user).

mod abi;
mod actions;

pub use abi::IMulticall3;

use crate::{Contract, Entry, Interface, Place, address};

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "multicall",
    doc: "Many calls in one; behaves as Multicall3.",
    place: Place::At(address::MULTICALL3),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "multicall",
        abi: IMulticall3::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[],
    system: &[],
    layout: &[],
    genesis: |_, _| Ok(()),
    invariants: |_, _| Ok(()),
};

#[cfg(test)]
mod tests;
