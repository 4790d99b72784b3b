//! EIP-712: the hash of typed structured data, from the JSON that wallets are given.
//!
//! ```text
//!   hash      = keccak(0x1901 | hashStruct(EIP712Domain, domain) | hashStruct(primaryType, message))
//!   hashStruct = keccak(keccak(encodeType) | one word per member)
//!   word      = the value itself, or the hash of what does not fit a word
//! ```

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, I256, Sign, U256, keccak256};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Structs within structs, and arrays within arrays.
const DEPTH_MAX: usize = 64;
const DOMAIN: &str = "EIP712Domain";

/// Members that a domain may have, in the order of the specification.
const DOMAIN_MEMBERS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];

/// Typed data as `eth_signTypedData_v4` takes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypedData {
    types: BTreeMap<String, Vec<Member>>,
    primary_type: String,
    domain: Map<String, Value>,
    message: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Member {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Why the data cannot be hashed, in words.
type Hashed<T> = Result<T, String>;

impl TypedData {
    /// Reads an object, or a string that holds one: wallets send both.
    pub(super) fn read(text: &str) -> Hashed<Self> {
        let words = |reason: serde_json::Error| reason.to_string();
        let mut data: Self = if text.starts_with('"') {
            let inner: String = serde_json::from_str(text).map_err(words)?;
            serde_json::from_str(&inner).map_err(words)?
        } else {
            serde_json::from_str(text).map_err(words)?
        };
        if !data.types.contains_key(DOMAIN) {
            let present = DOMAIN_MEMBERS
                .iter()
                .filter(|(name, _)| data.domain.contains_key(*name));
            let members = present
                .map(|(name, kind)| Member {
                    name: (*name).into(),
                    kind: (*kind).into(),
                })
                .collect();
            data.types.insert(DOMAIN.to_owned(), members);
        }
        Ok(data)
    }

    /// The hash that is signed.
    pub(super) fn signing_hash(&self) -> Hashed<B256> {
        let mut bytes = vec![0x19, 0x01];
        bytes.extend(self.hash_struct(DOMAIN, &self.domain, 0)?);
        if self.primary_type != DOMAIN {
            bytes.extend(self.hash_struct(&self.primary_type, &self.message, 0)?);
        }
        Ok(keccak256(bytes))
    }

    fn hash_struct(&self, name: &str, fields: &Map<String, Value>, depth: usize) -> Hashed<B256> {
        if depth > DEPTH_MAX {
            return Err(format!("{name} nests deeper than {DEPTH_MAX} levels"));
        }
        let mut bytes = keccak256(self.encode_type(name)?).to_vec();
        for member in self.members(name)? {
            let value = fields.get(&member.name).unwrap_or(&Value::Null);
            let word = self
                .encode(&member.kind, value, depth)
                .map_err(|reason| format!("{name}.{}: {reason}", member.name))?;
            bytes.extend(word);
        }
        Ok(keccak256(bytes))
    }

    fn members(&self, name: &str) -> Hashed<&[Member]> {
        self.types
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| format!("type {} is not defined", crate::error::shorten(name)))
    }

    /// `Mail(Person from,Person to,string contents)Person(string name,address wallet)`.
    fn encode_type(&self, name: &str) -> Hashed<String> {
        let mut others = BTreeSet::new();
        let mut unread = vec![name];
        while let Some(next) = unread.pop() {
            for member in self.members(next)? {
                let base = base_of(&member.kind);
                if self.types.contains_key(base) && base != name && others.insert(base) {
                    unread.push(base);
                }
            }
        }
        let mut text = String::new();
        for part in std::iter::once(name).chain(others) {
            let members = self.members(part)?.iter();
            let members: Vec<String> = members.map(|m| format!("{} {}", m.kind, m.name)).collect();
            text.push_str(&format!("{part}({})", members.join(",")));
        }
        Ok(text)
    }

    fn encode(&self, kind: &str, value: &Value, depth: usize) -> Hashed<B256> {
        if let Some((inner, length)) = split_array(kind) {
            return self.encode_array(inner, length, value, depth + 1);
        }
        if self.types.contains_key(kind) {
            return match value {
                // A struct that is left out counts as the zero word.
                Value::Null => Ok(B256::ZERO),
                Value::Object(fields) => self.hash_struct(kind, fields, depth + 1),
                _ => Err(format!("want an object of type {kind}")),
            };
        }
        encode_atom(kind, value)
    }

    fn encode_array(&self, inner: &str, length: &str, value: &Value, depth: usize) -> Hashed<B256> {
        if depth > DEPTH_MAX {
            return Err(format!("arrays nest deeper than {DEPTH_MAX} levels"));
        }
        let items = value
            .as_array()
            .ok_or_else(|| format!("want an array of {inner}"))?;
        let fits = length.is_empty() || length.parse() == Ok(items.len());
        if !fits {
            return Err(format!("want {length} items, got {}", items.len()));
        }
        let mut bytes = Vec::new();
        for item in items {
            bytes.extend(self.encode(inner, item, depth)?);
        }
        Ok(keccak256(bytes))
    }
}

/// `Person[2][]` is an array of `Person[2]` without fixed length.
fn split_array(kind: &str) -> Option<(&str, &str)> {
    kind.strip_suffix(']')?.rsplit_once('[')
}

fn base_of(kind: &str) -> &str {
    kind.split('[').next().unwrap_or(kind)
}

fn encode_atom(kind: &str, value: &Value) -> Hashed<B256> {
    let want = |what: &str| {
        format!(
            "want {what}, got {}",
            crate::error::shorten(&value.to_string())
        )
    };
    let text = value.as_str();
    if let Some(bits) = kind.strip_prefix("uint") {
        return unsigned(bits_of(bits)?, value).ok_or_else(|| want(kind));
    }
    if let Some(bits) = kind.strip_prefix("int") {
        return signed(bits_of(bits)?, value).ok_or_else(|| want(kind));
    }
    match kind {
        "string" => text.map(keccak256).ok_or_else(|| want("a string")),
        "bool" => {
            let truth = value.as_bool().or_else(|| text.and_then(|text| text.parse().ok()));
            truth.map(|truth| U256::from(u8::from(truth)).into()).ok_or_else(|| want("a bool"))
        }
        "address" => text
            .and_then(|text| text.parse::<Address>().ok())
            .map(|address| address.into_word())
            .ok_or_else(|| want("an address")),
        "bytes" => text
            .and_then(|text| text.parse::<Bytes>().ok())
            .map(keccak256)
            .ok_or_else(|| want("0x-prefixed bytes")),
        _ => fixed_bytes(kind, text).ok_or_else(|| {
            let kind = crate::error::shorten(kind);
            format!("want a value of a known type {kind}: it is neither defined nor built in, or the value has another size")
        }),
    }
}

fn bits_of(digits: &str) -> Hashed<usize> {
    match if digits.is_empty() {
        Ok(256)
    } else {
        digits.parse()
    } {
        Ok(bits) if bits % 8 == 0 && (8..=256).contains(&bits) => Ok(bits),
        _ => Err("an integer has 8 to 256 bits, in steps of 8".to_owned()),
    }
}

/// A number as wallets write it: `5`, `"5"`, `"0x5"`.
fn magnitude(text: &str) -> Option<U256> {
    match text.strip_prefix("0x") {
        Some(digits) => U256::from_str_radix(digits, 16).ok(),
        None => U256::from_str_radix(text, 10).ok(),
    }
}

fn number_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn unsigned(bits: usize, value: &Value) -> Option<B256> {
    let number = magnitude(&number_text(value)?)?;
    (number.bit_len() <= bits).then(|| number.into())
}

fn signed(bits: usize, value: &Value) -> Option<B256> {
    let text = number_text(value)?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (Sign::Negative, digits),
        None => (Sign::Positive, text.as_str()),
    };
    let number = I256::checked_from_sign_and_abs(sign, magnitude(digits)?)?;
    // One bit of the width is the sign.
    let used = if number.is_negative() {
        (!number).into_raw()
    } else {
        number.into_raw()
    };
    (used.bit_len() < bits).then(|| number.into_raw().into())
}

fn fixed_bytes(kind: &str, text: Option<&str>) -> Option<B256> {
    let size: usize = kind.strip_prefix("bytes")?.parse().ok()?;
    let bytes: Bytes = text?.parse().ok()?;
    ((1..=32).contains(&size) && bytes.len() == size).then(|| B256::right_padding_from(&bytes))
}

#[cfg(test)]
#[path = "typed_data_tests.rs"]
mod tests;
