//! A bounded list.

use core::marker::PhantomData;

use alloy_primitives::U256;

use crate::{
    Ctx, Halt, ListFull, ListIndexOutOfRange, Packed, Place, Shape, Word, handle::leaf, place::Base,
};

/// At most `MAX` items in order: a length word, then the items.
///
/// The bound is part of the type, so every loop over a list has a stated worst case.
pub struct List<T, const MAX: u32> {
    place: Place,
    holds: PhantomData<fn() -> T>,
}

leaf!(
    [T: Packed, const MAX: u32] List [T, MAX],
    Shape::List { item: T::NAME, item_words: T::WORDS, max: MAX }
);

impl<T: Packed, const MAX: u32> List<T, MAX> {
    /// How many items there are.
    pub fn len(&self, cx: &mut Ctx<'_>) -> Result<u32, Halt> {
        let base = self.base(cx)?;
        Self::length(cx, base)
    }

    /// Whether there are none.
    pub fn is_empty(&self, cx: &mut Ctx<'_>) -> Result<bool, Halt> {
        Ok(self.len(cx)? == 0)
    }

    /// The item at `index`, or `None` behind the end.
    pub fn get(&self, cx: &mut Ctx<'_>, index: u32) -> Result<Option<T>, Halt> {
        let base = self.base(cx)?;
        if index < Self::length(cx, base)? {
            Self::item(cx, base, index).map(Some)
        } else {
            Ok(None)
        }
    }

    /// All items, in order.
    pub fn load(&self, cx: &mut Ctx<'_>) -> Result<Vec<T>, Halt> {
        let base = self.base(cx)?;
        let length = Self::length(cx, base)?;
        (0..length)
            .map(|index| Self::item(cx, base, index))
            .collect()
    }

    /// Appends an item and answers its index; a full list reverts with `ListFull`.
    pub fn push(&self, cx: &mut Ctx<'_>, item: T) -> Result<u32, Halt> {
        let base = self.base(cx)?;
        let length = Self::length(cx, base)?;
        if length >= MAX {
            return Err(Halt::revert(&ListFull {
                max: U256::from(MAX),
            }));
        }
        Self::put(cx, base, length, &item.pack())?;
        Self::set_length(cx, base, length.saturating_add(1))?;
        Ok(length)
    }

    /// Takes the last item away.
    pub fn pop(&self, cx: &mut Ctx<'_>) -> Result<Option<T>, Halt> {
        let base = self.base(cx)?;
        let Some(last) = Self::length(cx, base)?.checked_sub(1) else {
            return Ok(None);
        };
        let item = Self::item(cx, base, last)?;
        Self::put(cx, base, last, &T::EMPTY)?;
        Self::set_length(cx, base, last)?;
        Ok(Some(item))
    }

    /// Replaces the item at `index`, which must exist.
    pub fn set(&self, cx: &mut Ctx<'_>, index: u32, item: T) -> Result<(), Halt> {
        let base = self.base(cx)?;
        let length = Self::length(cx, base)?;
        if index >= length {
            return Err(out_of_range(index, length));
        }
        Self::put(cx, base, index, &item.pack())
    }

    /// Takes the item at `index` out and moves the last one into its place: the order changes, the
    /// cost does not grow with the length.
    pub fn swap_remove(&self, cx: &mut Ctx<'_>, index: u32) -> Result<T, Halt> {
        let base = self.base(cx)?;
        let length = Self::length(cx, base)?;
        let last = match length.checked_sub(1) {
            Some(last) if index <= last => last,
            _ => return Err(out_of_range(index, length)),
        };
        let item = Self::item(cx, base, index)?;
        if index != last {
            let moved = Self::item(cx, base, last)?;
            Self::put(cx, base, index, &moved.pack())?;
        }
        Self::put(cx, base, last, &T::EMPTY)?;
        Self::set_length(cx, base, last)?;
        Ok(item)
    }

    fn base(&self, cx: &mut Ctx<'_>) -> Result<Base, Halt> {
        self.place.base(cx, list_words(T::WORDS, MAX))
    }

    fn length(cx: &mut Ctx<'_>, base: Base) -> Result<u32, Halt> {
        let word = cx.store.load(cx.frame.this, base.word(0))?;
        match u32::from_word(word) {
            Ok(length) if length <= MAX => Ok(length),
            _ => Err(Halt::corrupt("list length", word)),
        }
    }

    fn set_length(cx: &mut Ctx<'_>, base: Base, length: u32) -> Result<(), Halt> {
        cx.store.save(cx.frame.this, base.word(0), length.to_word())
    }

    fn item(cx: &mut Ctx<'_>, base: Base, index: u32) -> Result<T, Halt> {
        let mut words = T::EMPTY;
        for (at, word) in (item_start(T::WORDS, index)..).zip(words.as_mut()) {
            *word = cx.store.load(cx.frame.this, base.word(at))?;
        }
        T::unpack(&words)
    }

    fn put(cx: &mut Ctx<'_>, base: Base, index: u32, words: &T::Words) -> Result<(), Halt> {
        for (at, word) in (item_start(T::WORDS, index)..).zip(words.as_ref()) {
            cx.store.save(cx.frame.this, base.word(at), *word)?;
        }
        Ok(())
    }
}

fn out_of_range(index: u32, length: u32) -> Halt {
    let (index, length) = (U256::from(index), U256::from(length));
    Halt::revert(&ListIndexOutOfRange { index, length })
}

/// Word index of an item's first word.
fn item_start(item_words: usize, index: u32) -> u64 {
    list_words(item_words, index)
}

/// Words of a list of `items` items: one for the length, then the items.
pub(crate) const fn list_words(item_words: usize, items: u32) -> u64 {
    let mut words = 1_u64;
    let mut left = item_words;
    while left > 0 {
        words = words.saturating_add(widen(items));
        left -= 1;
    }
    words
}

#[allow(
    clippy::as_conversions,
    reason = "u32 to u64 in const code, where From is not available"
)]
const fn widen(items: u32) -> u64 {
    items as u64
}
