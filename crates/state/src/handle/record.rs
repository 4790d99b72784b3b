//! Structs, packed into as few consecutive words as their order allows.

use core::marker::PhantomData;

use alloy_primitives::U256;

use crate::{Ctx, Halt, Place, Shape, Word, handle::leaf};

/// A struct that is stored in one or more consecutive words; derive it with `#[derive(Record)]`.
///
/// Every [`Word`] is also a record of one word, so a list of plain values is a [`List`](crate::List) too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored as a record",
    note = "add `#[derive(Record)]` from capstan_state to the struct"
)]
pub trait Packed: Copy + 'static {
    /// Name in layout snapshots.
    const NAME: &'static str;
    /// How many words it takes.
    const WORDS: usize;
    /// Its fields in declaration order; empty for a plain word.
    const FIELDS: &'static [RecordField];
    /// Exactly [`WORDS`](Self::WORDS) words.
    type Words: AsRef<[U256]> + AsMut<[U256]> + Copy;
    /// All words zero.
    const EMPTY: Self::Words;

    /// Its words.
    fn pack(&self) -> Self::Words;
    /// The struct of these words; bits that no field owns must be zero.
    fn unpack(words: &Self::Words) -> Result<Self, Halt>;
}

/// Where one field of a record lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordField {
    /// Name of the field.
    pub name: &'static str,
    /// Name of its word type.
    pub word: &'static str,
    /// Which word of the record holds it.
    pub index: usize,
    /// Its lowest byte in that word, counted from the low end.
    pub offset_bytes: usize,
    /// Bytes it takes.
    pub bytes: usize,
}

/// Places fields of these widths in order: each goes above the one before it, or starts the next word
/// if it does not fit. Answers (word, byte offset) of each, and the number of words.
pub const fn place_fields<const N: usize>(widths: [usize; N]) -> ([(usize, usize); N], usize) {
    let mut places = [(0, 0); N];
    let (mut word, mut offset, mut i) = (0, 0, 0);
    while i < N {
        if offset + widths[i] > 32 {
            (word, offset) = (word + 1, 0);
        }
        places[i] = (word, offset);
        offset += widths[i];
        i += 1;
    }
    (places, word + 1)
}

impl<T: Word> Packed for T {
    const NAME: &'static str = <T as Word>::NAME;
    const WORDS: usize = 1;
    const FIELDS: &'static [RecordField] = &[];
    type Words = [U256; 1];
    const EMPTY: [U256; 1] = [U256::ZERO];

    fn pack(&self) -> [U256; 1] {
        [self.to_word()]
    }

    fn unpack([word]: &[U256; 1]) -> Result<Self, Halt> {
        Self::from_word(*word)
    }
}

/// A field's bytes at their place in a word.
#[doc(hidden)]
#[inline(always)]
pub fn put_field<T: Word>(value: T, offset_bytes: usize) -> U256 {
    raised(value.to_word(), offset_bytes)
}

/// Takes a field out of a word: its bytes become zero there.
#[doc(hidden)]
#[inline(always)]
pub fn take_field<T: Word>(word: &mut U256, offset_bytes: usize) -> Result<T, Halt> {
    let field = low_bytes(lowered(*word, offset_bytes), T::BYTES);
    *word ^= raised(field, offset_bytes);
    T::from_word(field)
}

// Offsets and widths are constants where a record is packed. Written limb by limb, the three below become a few
// instructions there; shifts of whole words would ask for the distance again each time.

const LIMB_BYTES: usize = 8;

/// A word times 2^(8 * bytes), without what passes its top.
#[inline(always)]
fn raised(word: U256, bytes: usize) -> U256 {
    let limbs = word.as_limbs();
    let (skip, bits) = (bytes / LIMB_BYTES, bits(bytes % LIMB_BYTES));
    U256::from_limbs(core::array::from_fn(|n| {
        let limb = |back: usize| n.checked_sub(skip + back).map_or(0, |at| limbs[at]);
        (limb(0) << bits) | limb(1).checked_shr(u64::BITS - bits).unwrap_or(0)
    }))
}

/// A word over 2^(8 * bytes).
#[inline(always)]
pub(crate) fn lowered(word: U256, bytes: usize) -> U256 {
    let limbs = word.as_limbs();
    let (skip, bits) = (bytes / LIMB_BYTES, bits(bytes % LIMB_BYTES));
    U256::from_limbs(core::array::from_fn(|n| {
        let limb = |ahead: usize| limbs.get(n + skip + ahead).copied().unwrap_or(0);
        (limb(0) >> bits) | limb(1).checked_shl(u64::BITS - bits).unwrap_or(0)
    }))
}

/// The lowest bytes of a word.
#[inline(always)]
fn low_bytes(word: U256, bytes: usize) -> U256 {
    let limbs = word.as_limbs();
    U256::from_limbs(core::array::from_fn(|n| {
        match bytes.saturating_sub(n * LIMB_BYTES) {
            0 => 0,
            some if some >= LIMB_BYTES => limbs[n],
            some => limbs[n] & ((1 << bits(some)) - 1),
        }
    }))
}

/// Bits of less than a limb of bytes.
#[inline(always)]
const fn bits(bytes: usize) -> u32 {
    match bytes {
        1 => 8,
        2 => 16,
        3 => 24,
        4 => 32,
        5 => 40,
        6 => 48,
        7 => 56,
        _ => 0,
    }
}

/// Bits left after all fields were taken belong to nobody: no writer set them.
#[doc(hidden)]
pub fn no_stray_bits(record: &str, rest: &[U256]) -> Result<(), Halt> {
    match rest.iter().find(|word| !word.is_zero()) {
        None => Ok(()),
        Some(word) => Err(Halt::corrupt(record, *word)),
    }
}

/// One struct over one or more words. A record that was never saved reads as all zeros.
pub struct Record<T> {
    place: Place,
    holds: PhantomData<fn() -> T>,
}

leaf!([T: Packed] Record [T], Shape::Record { name: T::NAME, fields: T::FIELDS, words: T::WORDS });

impl<T: Packed> Record<T> {
    /// Reads it whole.
    pub fn load(&self, cx: &mut Ctx<'_>) -> Result<T, Halt> {
        let base = self.place.base(cx, span::<T>())?;
        let mut words = T::EMPTY;
        for (index, word) in (0..).zip(words.as_mut()) {
            *word = cx.store.load(cx.frame.this, base.word(index))?;
        }
        T::unpack(&words)
    }

    /// Writes it whole.
    pub fn save(&self, cx: &mut Ctx<'_>, record: &T) -> Result<(), Halt> {
        let base = self.place.base(cx, span::<T>())?;
        for (index, word) in (0..).zip(record.pack().as_ref()) {
            cx.store.save(cx.frame.this, base.word(index), *word)?;
        }
        Ok(())
    }

    /// Loads, changes and saves it. Hold no other handle to the same record inside `change`.
    pub fn update(
        &self,
        cx: &mut Ctx<'_>,
        change: impl FnOnce(&mut T) -> Result<(), Halt>,
    ) -> Result<T, Halt> {
        let mut record = self.load(cx)?;
        change(&mut record)?;
        self.save(cx, &record)?;
        Ok(record)
    }
}

/// Words of a `T`, as the width of a word index.
fn span<T: Packed>() -> u64 {
    u64::try_from(T::WORDS).unwrap_or(u64::MAX)
}
