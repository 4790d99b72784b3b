//! A bounded text.

use core::marker::PhantomData;

use alloy_primitives::U256;

use crate::{Ctx, Halt, Place, Shape, TextTooLong, handle::leaf, place::Base};

/// Bytes that fit beside the length in the first word.
const SHORT: usize = 31;

/// UTF-8 text of at most `MAX` bytes.
///
/// ```text
///   up to 31 bytes   text .. 0 | length              one word
///   more             0 .. 0 | length (4) | 0xff      and the text in the words behind it
/// ```
pub struct Text<const MAX: u32> {
    place: Place,
    holds: PhantomData<()>,
}

leaf!([const MAX: u32] Text [MAX], Shape::Text { max: MAX });

impl<const MAX: u32> Text<MAX> {
    /// Reads it.
    pub fn load(&self, cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let base = self.base(cx)?;
        let head = cx.store.load(cx.frame.this, base.word(0))?;
        let bytes = match Self::decode_head(head)? {
            Head::Short(bytes) => bytes,
            Head::Long(length) => Self::load_tail(cx, base, length, head)?,
        };
        String::from_utf8(bytes).map_err(|_| Halt::corrupt("UTF-8 text", head))
    }

    /// Writes it and clears what a longer text left behind; a text beyond `MAX` bytes reverts with
    /// `TextTooLong`.
    pub fn save(&self, cx: &mut Ctx<'_>, text: &str) -> Result<(), Halt> {
        let length = match u32::try_from(text.len()) {
            Ok(length) if length <= MAX => length,
            _ => return Err(too_long(text.len(), MAX)),
        };
        let base = self.base(cx)?;
        let old_words = Self::stored_words(cx, base)?;
        let mut new_words = 0_u64;
        let head = if text.len() <= SHORT {
            short_head(text.as_bytes(), length)
        } else {
            for chunk in text.as_bytes().chunks(32) {
                new_words = new_words.saturating_add(1);
                cx.store
                    .save(cx.frame.this, base.word(new_words), left_aligned(chunk))?;
            }
            (U256::from(length) << 8) | U256::from(0xff)
        };
        for index in new_words.saturating_add(1)..=old_words {
            cx.store.save(cx.frame.this, base.word(index), U256::ZERO)?;
        }
        cx.store.save(cx.frame.this, base.word(0), head)
    }

    fn base(&self, cx: &mut Ctx<'_>) -> Result<Base, Halt> {
        self.place.base(cx, text_words(MAX))
    }

    fn decode_head(head: U256) -> Result<Head, Halt> {
        let corrupt = || Halt::corrupt("text length", head);
        let bytes = head.to_be_bytes::<32>();
        let [text @ .., kind] = &bytes;
        if *kind == 0xff {
            let length = u32::try_from(head >> 8).map_err(|_| corrupt())?;
            let long = usize::try_from(length).is_ok_and(|l| l > SHORT);
            return if long && length <= MAX {
                Ok(Head::Long(length))
            } else {
                Err(corrupt())
            };
        }
        let (text, rest) = text
            .split_at_checked(usize::from(*kind))
            .ok_or_else(corrupt)?;
        let fits = u32::from(*kind) <= MAX && rest.iter().all(|b| *b == 0);
        if fits {
            Ok(Head::Short(text.to_vec()))
        } else {
            Err(corrupt())
        }
    }

    fn load_tail(cx: &mut Ctx<'_>, base: Base, length: u32, head: U256) -> Result<Vec<u8>, Halt> {
        let corrupt = || Halt::corrupt("text length", head);
        let mut bytes = Vec::new();
        for index in 1..=u64::from(length).div_ceil(32) {
            let word = cx.store.load(cx.frame.this, base.word(index))?;
            bytes.extend_from_slice(&word.to_be_bytes::<32>());
        }
        let rest = bytes.split_off(usize::try_from(length).map_err(|_| corrupt())?);
        if rest.iter().all(|b| *b == 0) {
            Ok(bytes)
        } else {
            Err(corrupt())
        }
    }

    /// Words behind the head that hold text now.
    fn stored_words(cx: &mut Ctx<'_>, base: Base) -> Result<u64, Halt> {
        if text_words(MAX) == 1 {
            return Ok(0);
        }
        let head = cx.store.load(cx.frame.this, base.word(0))?;
        match Self::decode_head(head)? {
            Head::Short(_) => Ok(0),
            Head::Long(length) => Ok(u64::from(length).div_ceil(32)),
        }
    }
}

/// What the first word says.
enum Head {
    Short(Vec<u8>),
    Long(u32),
}

fn short_head(text: &[u8], length: u32) -> U256 {
    left_aligned(text) | U256::from(length)
}

fn left_aligned(bytes: &[u8]) -> U256 {
    let mut word = [0; 32];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    U256::from_be_bytes(word)
}

fn too_long(length: usize, max: u32) -> Halt {
    Halt::revert(&TextTooLong {
        length: U256::from(length),
        max: U256::from(max),
    })
}

/// Words of a text of at most `max` bytes.
pub(crate) const fn text_words(max: u32) -> u64 {
    if max <= 31 {
        1
    } else {
        super::list::list_words(1, max.div_ceil(32))
    }
}
