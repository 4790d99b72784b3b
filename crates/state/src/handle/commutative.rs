//! Amounts that many transactions of one block change at once.
//!
//! The verbs answer only whether they took effect. What they leave unsaid, the new value, is what would
//! force an order on transactions that do not care about it. `load` says it, and pays with that order.

use core::marker::PhantomData;

use alloy_primitives::U256;
use capstan_units::Assets;

use crate::{Amount, Ctx, GasClass, Halt, Place, Shape, handle::leaf};

/// A shared total or sink: supply, reserves, fees collected.
///
/// Stored biased by one and charged flat ([`GasClass::Flat`]), so what others add never changes the gas
/// of a transaction.
pub struct Total<T = Assets> {
    place: Place,
    holds: PhantomData<fn() -> T>,
}

/// One user's amount. Charged as an ordinary write ([`GasClass::ZeroAware`]).
pub struct Balance<T = Assets> {
    place: Place,
    holds: PhantomData<fn() -> T>,
}

leaf!([T: Amount] Total [T], Shape::Total { amount: T::NAME });
leaf!([T: Amount] Balance [T], Shape::Balance { amount: T::NAME });

const BIAS: U256 = U256::ONE;

impl<T: Amount> Total<T> {
    /// Reads it exactly.
    pub fn load(&self, cx: &mut Ctx<'_>) -> Result<T, Halt> {
        let slot = self.place.slot(cx)?;
        let word = cx.store.load(cx.frame.this, slot)?;
        T::from_word(word.saturating_sub(BIAS))
    }

    /// Adds `delta`; beyond the range of `T` is `Panic(0x11)`.
    pub fn add(&self, cx: &mut Ctx<'_>, delta: T) -> Result<(), Halt> {
        let slot = self.place.slot(cx)?;
        add(cx, slot, delta, T::MAX.saturating_add(BIAS), GasClass::Flat)
    }

    /// Adds `delta` unless the total would rise above `cap`; answers whether it did.
    #[must_use = "a refused addition changes nothing"]
    pub fn add_capped(&self, cx: &mut Ctx<'_>, delta: T, cap: T) -> Result<bool, Halt> {
        let slot = self.place.slot(cx)?;
        let cap = cap.to_word().saturating_add(BIAS);
        cx.store
            .add_capped(cx.frame.this, slot, delta.to_word(), cap, GasClass::Flat)
    }

    /// Takes `delta` unless less than `min` would be left; answers whether it did.
    #[must_use = "a refused subtraction changes nothing"]
    pub fn sub_bounded(&self, cx: &mut Ctx<'_>, delta: T, min: T) -> Result<bool, Halt> {
        let slot = self.place.slot(cx)?;
        let Some(min) = min.to_word().checked_add(BIAS) else {
            return Ok(false);
        };
        cx.store
            .sub_bounded(cx.frame.this, slot, delta.to_word(), min, GasClass::Flat)
    }
}

impl<T: Amount> Balance<T> {
    /// Reads it exactly.
    pub fn load(&self, cx: &mut Ctx<'_>) -> Result<T, Halt> {
        let slot = self.place.slot(cx)?;
        T::from_word(cx.store.load(cx.frame.this, slot)?)
    }

    /// Adds `delta`; beyond the range of `T` is `Panic(0x11)`.
    pub fn add(&self, cx: &mut Ctx<'_>, delta: T) -> Result<(), Halt> {
        let slot = self.place.slot(cx)?;
        add(cx, slot, delta, T::MAX, GasClass::ZeroAware)
    }

    /// Adds `delta` unless the balance would rise above `cap`; answers whether it did.
    #[must_use = "a refused addition changes nothing"]
    pub fn add_capped(&self, cx: &mut Ctx<'_>, delta: T, cap: T) -> Result<bool, Halt> {
        let slot = self.place.slot(cx)?;
        let (delta, cap) = (delta.to_word(), cap.to_word());
        cx.store
            .add_capped(cx.frame.this, slot, delta, cap, GasClass::ZeroAware)
    }

    /// Takes `delta` unless less than `min` would be left; answers whether it did.
    #[must_use = "a refused subtraction changes nothing"]
    pub fn sub_bounded(&self, cx: &mut Ctx<'_>, delta: T, min: T) -> Result<bool, Halt> {
        let slot = self.place.slot(cx)?;
        let (delta, min) = (delta.to_word(), min.to_word());
        cx.store
            .sub_bounded(cx.frame.this, slot, delta, min, GasClass::ZeroAware)
    }
}

/// Adds within `cap`, the type's own range. Only a full-width amount can do without the bound.
fn add<T: Amount>(
    cx: &mut Ctx<'_>,
    slot: U256,
    delta: T,
    cap: U256,
    class: GasClass,
) -> Result<(), Halt> {
    let (this, delta) = (cx.frame.this, delta.to_word());
    if cap == U256::MAX {
        return cx.store.add(this, slot, delta, class);
    }
    if cx.store.add_capped(this, slot, delta, cap, class)? {
        Ok(())
    } else {
        Err(Halt::overflow())
    }
}
