//! The explicit context that every verb takes first.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{Revert, SolError as _};

use crate::{Halt, Store};

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

    /// Runs `act`; where it reverts, nothing of it stays and the answer is its reason.
    ///
    /// # Errors
    /// What is no revert: it ends the transaction.
    pub fn attempt<R>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<R, Halt>,
    ) -> Result<Result<R, Bytes>, Halt> {
        let mark = self.store.mark();
        match act(self) {
            Ok(answer) => {
                self.store.commit(mark);
                Ok(Ok(answer))
            }
            Err(Halt::Revert(reason)) => {
                self.store.rewind(mark);
                Ok(Err(reason))
            }
            Err(other) => Err(other),
        }
    }

    /// The same for one item of many: damaged words that it is made of hold up no other item. The answer is then the
    /// damage in words, as Solidity's `Error(string)`. A store that itself failed says so to whoever runs the contract.
    ///
    /// # Errors
    /// Gas and static calls: they end the transaction.
    pub fn attempt_item<R>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<R, Halt>,
    ) -> Result<Result<R, Bytes>, Halt> {
        let mark = self.store.mark();
        let reason = match act(self) {
            Ok(answer) => {
                self.store.commit(mark);
                return Ok(Ok(answer));
            }
            Err(Halt::Revert(reason)) => reason,
            Err(Halt::Fatal(why)) => Revert::from(why).abi_encode().into(),
            Err(other) => return Err(other),
        };
        self.store.rewind(mark);
        Ok(Err(reason))
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
