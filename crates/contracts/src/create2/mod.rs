//! Deploys code by CREATE2 for anybody, at the address where deployment tools expect it.
//!
//! ```text
//!   salt (32 bytes) | init code   ──► CREATE2 from this address ──► 20 bytes: the new address
//! ```
//!
//! So the same init code and salt give the same address on every chain. Coins that come along go to the new
//! contract. It has no selectors: whatever comes is salt and code.
//!
//! - CREATE-1: the new address is that of CREATE2 from here: salt and init code decide it, nobody else.
//! - CREATE-2: it stores nothing and keeps no coins.
//! - CREATE-3: a failed creation reverts whole, without data: the same salt and code again, for one.
//!
//! Imports: none.
//!
//! Not here: a choice of sender (the creator is always this address).

mod actions;

use crate::{Contract, Entry, Place, address};

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "create2",
    doc: "Deploys code by CREATE2: calldata is a salt of 32 bytes, then the init code.",
    place: Place::At(address::CREATE2_PROXY),
    entry: Entry::Raw(actions::deploy),
    interfaces: &[],
    errors_of: &[],
    system: &[],
    layout: &[],
    genesis: |_, _| Ok(()),
    invariants: |_, _| Ok(()),
};

#[cfg(test)]
mod tests;
