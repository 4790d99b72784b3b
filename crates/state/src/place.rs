//! Where a field lives: from tag and keys to slot numbers.
//!
//! ```text
//!   structured   0 .. 0 | tag | key .. | index      read as one big-endian number; tag is 1..=127
//!   hashed       128+tag | keccak256(key ..)[..31-w] | index (w bytes)
//! ```
//!
//! A field's keys have a fixed number of bytes and its index a fixed width, so the position of the tag is
//! fixed too: two structured slots are equal only if field, keys and index are. Leading zeros stay zeros,
//! which keeps slots short in access lists and records. Keys that do not fit are hashed under the tag's
//! partner above 127; no structured slot starts with such a byte.

use alloy_primitives::U256;

use crate::{Ctx, Halt, SlotKey, handle::lowered};

/// Largest tag. The byte's upper half is reserved for hashed keys.
pub const TAG_MAX: u8 = 127;
/// Most key bytes under one tag, over all nested maps: two words.
pub const KEY_BYTES_MAX: usize = 64;
/// Whether keys of this many bytes fit under one tag. The derive macro asks at compile time.
#[doc(hidden)]
pub const fn keys_fit(key_bytes: usize) -> bool {
    key_bytes <= KEY_BYTES_MAX
}

/// Set in the first byte of hashed slots.
pub(crate) const HASHED: u8 = 128;

/// Bytes of a tag and of all keys under it.
const PLACE_BYTES: usize = 1 + KEY_BYTES_MAX;

/// A field and the keys chosen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    key_bytes: usize,
    /// The tag, then the keys, as a slot holds them; zeros behind.
    bytes: [u8; PLACE_BYTES],
}

impl Place {
    /// The field with this tag. Fails to compile (in a `const`) for a tag that is reserved.
    pub const fn at_tag(tag: u8) -> Self {
        assert!(
            tag >= 1 && tag <= TAG_MAX,
            "tags are 1 to 127: 0 and 128 up are reserved"
        );
        let mut bytes = [0; PLACE_BYTES];
        bytes[0] = tag;
        Self {
            key_bytes: 0,
            bytes,
        }
    }

    /// Its tag.
    pub(crate) fn tag(&self) -> u8 {
        self.bytes[0]
    }

    /// The keys that are chosen.
    pub(crate) fn key(&self) -> &[u8] {
        self.bytes.get(1..self.end()).unwrap_or_default()
    }

    /// Where the next key begins.
    fn end(&self) -> usize {
        self.key_bytes.saturating_add(1)
    }

    /// One map deeper.
    #[inline]
    pub(crate) fn with_key<K: SlotKey>(mut self, key: K) -> Self {
        // `Map`'s constructor refuses, at compile time, key types that do not fit together.
        let start = self.end();
        if let Some(out) = self.bytes.get_mut(start..start.saturating_add(K::BYTES)) {
            key.write(out);
            self.key_bytes = self.key_bytes.saturating_add(K::BYTES);
        }
        self
    }

    /// Slot of a field that has one word.
    #[inline]
    pub(crate) fn slot(&self, cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Ok(self.base(cx, 1)?.0)
    }

    /// First slot of a field that spans `words` words.
    #[inline]
    pub(crate) fn base(&self, cx: &mut Ctx<'_>, words: u64) -> Result<Base, Halt> {
        let index_bytes = index_bytes(words);
        if is_hashed(self.key_bytes, index_bytes) {
            return self.hashed(cx, index_bytes);
        }
        // Tag and keys as one number, and room for the index below it: a third of the instructions of placing bytes, at
        // forty slots a batch.
        let head = self.bytes.first_chunk::<32>().unwrap_or(&[0; 32]);
        let spare = 31_usize
            .saturating_sub(self.key_bytes)
            .saturating_sub(index_bytes);
        Ok(Base(lowered(U256::from_be_bytes(*head), spare)))
    }

    /// The same under the partner of the tag, with a hash of the keys.
    fn hashed(&self, cx: &mut Ctx<'_>, index_bytes: usize) -> Result<Base, Halt> {
        let hash = cx.store.keccak(self.key())?;
        let kept = 31_usize.saturating_sub(index_bytes);
        let mut slot = [0; 32];
        let hash = hash.iter().take(kept);
        for (out, byte) in slot
            .iter_mut()
            .zip([HASHED | self.tag()].iter().chain(hash))
        {
            *out = *byte;
        }
        Ok(Base(U256::from_be_bytes(slot)))
    }
}

/// How the slots of one field look, so that a word can be recognised as part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    tag: u8,
    key_bytes: usize,
    index_bytes: usize,
}

impl Pattern {
    /// The slots of the field with `tag`, keys of `key_bytes` in all, and a leaf of `words` words.
    pub(crate) fn new(tag: u8, key_bytes: usize, words: u64) -> Self {
        Self {
            tag,
            key_bytes,
            index_bytes: index_bytes(words),
        }
    }

    /// Whether keys are hashed, so that they cannot be read back.
    pub(crate) fn is_hashed(&self) -> bool {
        is_hashed(self.key_bytes, self.index_bytes)
    }

    /// (key or its hash, word index), if the slot is one of the field's.
    pub(crate) fn split(&self, slot: U256) -> Option<(Vec<u8>, u64)> {
        let bytes = slot.to_be_bytes::<32>();
        let start = if self.is_hashed() {
            0
        } else {
            31_usize
                .checked_sub(self.key_bytes)?
                .checked_sub(self.index_bytes)?
        };
        let (zeros, rest) = bytes.split_at_checked(start)?;
        let (first, rest) = rest.split_first()?;
        let tag = if self.is_hashed() {
            HASHED | self.tag
        } else {
            self.tag
        };
        if *first != tag || zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        let (key, index) = rest.split_at_checked(rest.len().checked_sub(self.index_bytes)?)?;
        let index = u64::try_from(U256::from_be_slice(index)).ok()?;
        Some((key.to_vec(), index))
    }
}

/// Bytes of the word index of a field with this many words.
pub(crate) const fn index_bytes(words: u64) -> usize {
    match words {
        0..=1 => 0,
        2..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 5,
    }
}

/// Whether tag, key and index are more than a slot holds.
pub(crate) const fn is_hashed(key_bytes: usize, index_bytes: usize) -> bool {
    1 + key_bytes + index_bytes > 32
}

/// First slot of a field; its index bytes are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base(U256);

impl Base {
    /// Slot of word `index`.
    #[inline]
    pub(crate) fn word(self, index: u64) -> U256 {
        self.0 | U256::from(index)
    }
}
