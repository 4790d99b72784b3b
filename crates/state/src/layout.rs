//! A contract's layout as a table: for snapshot tests, and to name any slot in words.

use core::fmt::{self, Write};

use alloy_primitives::{U256, hex};

use crate::{
    RecordField,
    handle::{list_words, text_words},
    place::{HASHED, index_bytes, is_hashed},
};

/// A struct of handles; derive it with `#[derive(Layout)]`.
pub trait Layout {
    /// Its fields in declaration order.
    const FIELDS: &'static [Field];
}

/// One field of a layout.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in the source.
    pub name: &'static str,
    /// First byte of its slots.
    pub tag: u8,
    /// What it holds.
    pub shape: Shape,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// `Value`.
    Value {
        /// Name of the word type.
        word: &'static str,
    },
    /// `Record`.
    Record {
        /// Name of the struct.
        name: &'static str,
        /// Where its fields are.
        fields: &'static [RecordField],
        /// How many words it takes.
        words: usize,
    },
    /// `List`.
    List {
        /// Name of the item type.
        item: &'static str,
        /// Words of one item.
        item_words: usize,
        /// Most items.
        max: u32,
    },
    /// `Text`.
    Text {
        /// Most bytes.
        max: u32,
    },
    /// `Total`.
    Total {
        /// Name of the amount.
        amount: &'static str,
    },
    /// `Balance`.
    Balance {
        /// Name of the amount.
        amount: &'static str,
    },
    /// `Transient`: gone after the transaction, so it names no stored slot.
    Transient {
        /// Name of the word type.
        word: &'static str,
    },
    /// `Lock`: transient too.
    Lock,
    /// `Map`.
    Map {
        /// Name of the key type.
        key: &'static str,
        /// Bytes of one key.
        key_bytes: usize,
        /// Name and bytes of what stands first in it.
        lead: (&'static str, usize),
        /// The key in words, from its bytes.
        show: fn(&[u8]) -> String,
        /// What each key leads to.
        value: &'static Self,
    },
}

impl Shape {
    /// Bytes of all keys on the way to the leaf.
    fn key_bytes(&self) -> usize {
        match self {
            Self::Map {
                key_bytes, value, ..
            } => key_bytes.saturating_add(value.key_bytes()),
            _ => 0,
        }
    }

    /// What stands behind all maps.
    fn leaf(&self) -> &Self {
        match self {
            Self::Map { value, .. } => value.leaf(),
            leaf => leaf,
        }
    }

    /// How many words one field can have.
    pub(crate) fn words(&self) -> u64 {
        match self.leaf() {
            Self::Record { words, .. } => u64::try_from(*words).unwrap_or(u64::MAX),
            Self::List {
                item_words, max, ..
            } => list_words(*item_words, *max),
            Self::Text { max } => text_words(*max),
            _ => 1,
        }
    }

    /// Bytes of the word index in a slot of this field.
    fn index_bytes(&self) -> usize {
        index_bytes(self.words())
    }

    /// Which part of the leaf the word `index` is.
    fn show_part(&self, index: u64) -> String {
        match self {
            Self::Record { fields, .. } => {
                let here = |f: &&RecordField| u64::try_from(f.index).is_ok_and(|i| i == index);
                let names: Vec<_> = fields.iter().filter(here).map(|f| f.name).collect();
                format!(".{{{}}}", names.join(", "))
            }
            Self::List { .. } | Self::Text { .. } if index == 0 => ".length".to_owned(),
            Self::List { item_words, .. } => {
                let words = u64::try_from(*item_words).unwrap_or(u64::MAX).max(1);
                let at = index.saturating_sub(1);
                let (item, word) = (at.div_euclid(words), at.rem_euclid(words));
                if words == 1 {
                    format!("[{item}]")
                } else {
                    format!("[{item}].word({word})")
                }
            }
            Self::Text { .. } => format!(".word({index})"),
            _ => String::new(),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { word } => write!(f, "Value<{word}>"),
            Self::Record { name, .. } => write!(f, "Record<{name}>"),
            Self::List { item, max, .. } => write!(f, "List<{item}, {max}>"),
            Self::Text { max } => write!(f, "Text<{max}>"),
            Self::Total { amount } => write!(f, "Total<{amount}>"),
            Self::Balance { amount } => write!(f, "Balance<{amount}>"),
            Self::Transient { word } => write!(f, "Transient<{word}>"),
            Self::Lock => f.write_str("Lock"),
            Self::Map { key, value, .. } => write!(f, "Map<{key}, {value}>"),
        }
    }
}

/// The layout as text, one line per field and packed part: what a snapshot test compares, so that no
/// stored byte moves unseen.
pub fn snapshot(fields: &[Field]) -> String {
    let mut text = String::new();
    for field in fields {
        let hashed = is_hashed(field.shape.key_bytes(), field.shape.index_bytes());
        let note = if hashed { " (hashed keys)" } else { "" };
        let _ = writeln!(text, "{} {}: {}{note}", field.tag, field.name, field.shape);
        if let Shape::Record { fields, .. } = field.shape.leaf() {
            for RecordField {
                name,
                word,
                index,
                offset_bytes,
                bytes,
            } in *fields
            {
                let end = offset_bytes.saturating_add(*bytes);
                let _ = writeln!(
                    text,
                    "    {name}: {word} in word {index}, bytes {offset_bytes}..{end}"
                );
            }
        }
    }
    text
}

/// Names a slot in words, like `balances[0xabc...]`; `None` if no field of the layout can have it.
pub fn describe(fields: &[Field], slot: U256) -> Option<String> {
    let bytes = slot.to_be_bytes::<32>();
    let found = Found::in_layout(fields, &bytes)?;
    let keys = match found.hashed {
        true => format!("[hash {}]", hex::encode_prefixed(found.keys)),
        false => show_keys(&found.field.shape, found.keys),
    };
    Some(format!(
        "{}{keys}{}",
        found.field.name,
        found.field.shape.leaf().show_part(found.index)
    ))
}

/// The field that a slot belongs to; `None` if no field of the layout can have it.
pub fn field_of(fields: &[Field], slot: U256) -> Option<&Field> {
    Some(Found::in_layout(fields, &slot.to_be_bytes::<32>())?.field)
}

/// What kind of id stands first among the keys of a slot, and which one; `None` without keys, and where they are hashed or no
/// number.
pub fn lead_key(fields: &[Field], slot: U256) -> Option<(&'static str, u64)> {
    let bytes = slot.to_be_bytes::<32>();
    let found = Found::in_layout(fields, &bytes)?;
    let Shape::Map { lead, .. } = &found.field.shape else {
        return None;
    };
    let key = found.keys.get(..lead.1).filter(|_| !found.hashed)?;
    let number = U256::try_from_be_slice(key)?;
    Some((lead.0, u64::try_from(number).ok()?))
}

/// A slot taken apart.
struct Found<'f, 's> {
    field: &'f Field,
    hashed: bool,
    /// Bytes of the keys, or their hash.
    keys: &'s [u8],
    /// Which word of the field.
    index: u64,
}

impl<'f, 's> Found<'f, 's> {
    fn in_layout(fields: &'f [Field], slot: &'s [u8; 32]) -> Option<Self> {
        let start = slot.iter().position(|b| *b != 0)?;
        let (first, rest) = slot.get(start..)?.split_first()?;
        let hashed = start == 0 && *first >= HASHED;
        let tag = first & !HASHED;
        let field = fields.iter().find(|f| f.tag == tag)?;
        let (key_bytes, index_bytes) = (field.shape.key_bytes(), field.shape.index_bytes());
        if hashed != is_hashed(key_bytes, index_bytes) || (!hashed && *first >= HASHED) {
            return None;
        }
        if matches!(field.shape.leaf(), Shape::Transient { .. } | Shape::Lock) {
            return None;
        }
        let (keys, index) = rest.split_at_checked(rest.len().checked_sub(index_bytes)?)?;
        if !hashed && keys.len() != key_bytes {
            return None;
        }
        let index = u64::try_from(U256::from_be_slice(index)).ok()?;
        Some(Self {
            field,
            hashed,
            keys,
            index,
        })
    }
}

fn show_keys(shape: &Shape, keys: &[u8]) -> String {
    match shape {
        Shape::Map {
            key_bytes,
            show,
            value,
            ..
        } => {
            let (key, rest) = keys.split_at(keys.len().min(*key_bytes));
            format!("[{}]{}", show(key), show_keys(value, rest))
        }
        _ => String::new(),
    }
}
