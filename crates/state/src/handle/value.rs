//! One word, for good or until the transaction ends.

use core::marker::PhantomData;

use crate::{Ctx, Halt, Place, Shape, Word, handle::leaf};

/// One value in one word. A value that was never saved reads as zero.
pub struct Value<T> {
    place: Place,
    holds: PhantomData<fn() -> T>,
}

leaf!([T: Word] Value [T], Shape::Value { word: T::NAME });

impl<T: Word> Value<T> {
    /// Reads it.
    pub fn load(&self, cx: &mut Ctx<'_>) -> Result<T, Halt> {
        let slot = self.place.slot(cx)?;
        T::from_word(cx.store.load(cx.frame.this, slot)?)
    }

    /// Writes it.
    pub fn save(&self, cx: &mut Ctx<'_>, value: T) -> Result<(), Halt> {
        let slot = self.place.slot(cx)?;
        cx.store.save(cx.frame.this, slot, value.to_word())
    }
}

/// One value that lives until the end of the transaction, whatever frames come and go: a rewind undoes it, a
/// revert too. What was never saved, and every value of an earlier transaction, reads as zero.
pub struct Transient<T> {
    place: Place,
    holds: PhantomData<fn() -> T>,
}

leaf!([T: Word] Transient [T], Shape::Transient { word: T::NAME });

impl<T: Word> Transient<T> {
    /// Reads it.
    pub fn load(&self, cx: &mut Ctx<'_>) -> Result<T, Halt> {
        let slot = self.place.slot(cx)?;
        T::from_word(cx.store.tload(cx.frame.this, slot)?)
    }

    /// Writes it.
    pub fn save(&self, cx: &mut Ctx<'_>, value: T) -> Result<(), Halt> {
        let slot = self.place.slot(cx)?;
        cx.store.tsave(cx.frame.this, slot, value.to_word())
    }
}
