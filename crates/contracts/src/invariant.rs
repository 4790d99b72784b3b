//! What must hold between transactions, as code over a world that is only looked at.
//!
//! Each contract has a `check` in its `invariants.rs`; [`check_all`] runs them for all contracts. Tests run it
//! after every step of random sequences; the risk lab and fuzzers may run it over any [`View`].
//!
//! What an invariant says about one call (who may call, what an error carries) is checked around the call, by
//! tests of its id.

use alloy_primitives::Address;
use capstan_state::{Ctx, Frame, Halt, ReadOnly, View, describe};

use crate::{Contract, Place, all};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its id, as specs have it.
    pub id: &'static str,
    /// What was found instead, with the numbers.
    pub found: String,
}

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.id, self.found)
    }
}

/// Storage that does not decode: no verb wrote it.
impl From<Halt> for Broken {
    fn from(halt: Halt) -> Self {
        Self {
            id: "STORE-3",
            found: format!("{halt:?}"),
        }
    }
}

/// The check of one contract: a look at the whole world, and a read-only frame of the contract itself.
pub type Check = fn(&dyn View, &mut Ctx<'_>) -> Result<(), Broken>;

/// States one invariant.
///
/// # Errors
/// The invariant, if `is_so` is false.
pub fn holds(is_so: bool, id: &'static str, found: impl FnOnce() -> String) -> Result<(), Broken> {
    if is_so {
        return Ok(());
    }
    Err(Broken { id, found: found() })
}

/// Checks `contract` at `this`.
///
/// # Errors
/// The first invariant that does not hold.
pub fn check_one(contract: &Contract, world: &dyn View, this: Address) -> Result<(), Broken> {
    for (slot, _) in world.words_of(this)? {
        holds(describe(contract.layout, slot).is_some(), "STORE-2", || {
            format!(
                "{} {this} stores {slot:#x}, which no field of it has",
                contract.name
            )
        })?;
    }
    let mut store = ReadOnly::new(world);
    let frame = Frame {
        this,
        caller: this,
        value: Default::default(),
    };
    (contract.invariants)(world, &mut Ctx::new(&mut store, frame))
}

/// Checks every contract. One that makes others checks those too.
///
/// # Errors
/// The first invariant that does not hold.
pub fn check_all(world: &dyn View) -> Result<(), Broken> {
    for contract in all() {
        if let Place::At(this) = contract.place {
            check_one(contract, world, this)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
