//! The re-entrancy guard.

use core::marker::PhantomData;

use alloy_primitives::U256;

use crate::{Ctx, Halt, Place, ReentrantCall, Shape, handle::leaf};

/// A re-entrancy guard in transient storage: gone at the end of the transaction at the latest.
pub struct Lock {
    place: Place,
    holds: PhantomData<()>,
}

leaf!([] Lock [], Shape::Lock);

impl Lock {
    /// Runs `verb` with the lock held and releases it however `verb` ends. If the lock is held already,
    /// reverts with `ReentrantCall`.
    pub fn hold<'s, R>(
        &self,
        cx: &mut Ctx<'s>,
        verb: impl FnOnce(&mut Ctx<'s>) -> Result<R, Halt>,
    ) -> Result<R, Halt> {
        let (this, slot) = (cx.frame.this, self.place.slot(cx)?);
        if !cx.store.tload(this, slot)?.is_zero() {
            return Err(Halt::revert(&ReentrantCall {}));
        }
        cx.store.tsave(this, slot, U256::ONE)?;
        let result = verb(cx);
        // A caller may catch a revert and go on, so the release must not be skipped. If it fails, nobody
        // may go on under a lock that stays: its failure wins, unless the store itself is broken.
        match (result, cx.store.tsave(this, slot, U256::ZERO)) {
            (Err(Halt::Fatal(why)), _) => Err(Halt::Fatal(why)),
            (_, Err(release)) => Err(release),
            (result, Ok(())) => result,
        }
    }

    /// Reverts with `ReentrantCall` while the lock is held: for views, which must not show what is only
    /// half done.
    pub fn check(&self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let (this, slot) = (cx.frame.this, self.place.slot(cx)?);
        if cx.store.tload(this, slot)?.is_zero() {
            Ok(())
        } else {
            Err(Halt::revert(&ReentrantCall {}))
        }
    }
}
