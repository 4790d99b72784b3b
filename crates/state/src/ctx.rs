//! The explicit context that every verb takes first.

use alloy_primitives::{Address, U256};

use crate::Store;

/// Who called what: fixed for the life of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Contract whose storage the handles address.
    pub this: Address,
    /// Direct caller.
    pub caller: Address,
    /// Coins that came with the call, in wei.
    pub value: U256,
}

/// A store, seen from one contract's frame. No thread-local, no interior mutability: two contexts over
/// one store cannot exist at once, so re-entry is sound by types.
pub struct Ctx<'s> {
    /// The world.
    pub store: &'s mut dyn Store,
    /// Who called what.
    pub frame: Frame,
}

impl<'s> Ctx<'s> {
    /// Opens a frame over `store`.
    pub fn new(store: &'s mut dyn Store, frame: Frame) -> Self {
        Self { store, frame }
    }

    /// The same world, seen from another native contract that this one calls directly.
    pub fn enter(&mut self, this: Address) -> Ctx<'_> {
        let frame = Frame {
            this,
            caller: self.frame.this,
            value: U256::ZERO,
        };
        Ctx {
            store: &mut *self.store,
            frame,
        }
    }

    /// Contract whose frame this is.
    pub fn this(&self) -> Address {
        self.frame.this
    }

    /// Direct caller.
    pub fn caller(&self) -> Address {
        self.frame.caller
    }
}
