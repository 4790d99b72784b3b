//! JSON of strangers: its memory is known before it is read.
//!
//! A value in memory is many times its text where the text is all structure: seven bytes of `{"":0},` become most of a kilobyte.

use serde_json::Value;

/// What an object takes besides its fields, about.
const OBJECT_BYTES: usize = 1_024;
const LIST_BYTES: usize = 128;
/// A further field, and a further item.
const FIELD_BYTES: usize = 192;
const ITEM_BYTES: usize = 48;
/// Deeper than any reader goes.
const DEPTH_MAX: usize = 256;

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JsonError {
    /// Its values would take more memory than they may.
    #[error("its values would take more than {0} bytes of memory")]
    Large(usize),
    /// It is none.
    #[error(transparent)]
    None(#[from] serde_json::Error),
}

/// Reads what takes at most so much memory besides its text.
pub(crate) fn read(text: &[u8], bytes_max: usize) -> Result<Value, JsonError> {
    let weighed = Weighed::of(text, bytes_max).ok_or(JsonError::Large(bytes_max))?;
    Ok(weighed.read()?)
}

/// A text that was weighed: only such a one is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed<'a> {
    text: &'a [u8],
    bytes: usize,
}

impl<'a> Weighed<'a> {
    /// Weighs it, if its structure takes at most so much memory besides its text.
    pub(crate) fn of(text: &'a [u8], bytes_max: usize) -> Option<Self> {
        let bytes = weight(text);
        (bytes <= bytes_max).then_some(Self { text, bytes })
    }

    /// What its structure takes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its value.
    pub(crate) fn read(&self) -> serde_json::Result<Value> {
        serde_json::from_slice(self.text)
    }
}

/// Bytes that the structure of a text takes once it is read, rounded up. What is no JSON has some weight, too.
fn weight(text: &[u8]) -> usize {
    let mut sum = 0_usize;
    let mut objects = Vec::new();
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in text {
        if is_text {
            (is_text, is_escaped) = match byte {
                _ if is_escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
            continue;
        }
        sum = sum.saturating_add(match byte {
            b'{' => OBJECT_BYTES,
            b'[' => LIST_BYTES,
            b',' if objects.last() == Some(&true) => FIELD_BYTES,
            b',' => ITEM_BYTES,
            _ => 0,
        });
        match byte {
            b'"' => is_text = true,
            // No reader goes on from here.
            b'{' | b'[' if objects.len() == DEPTH_MAX => return sum,
            b'{' | b'[' => objects.push(*byte == b'{'),
            b'}' | b']' => {
                objects.pop();
            }
            _ => {}
        }
    }
    sum
}

#[cfg(test)]
mod tests;
