//! JSON-RPC 2.0 on the wire: reading requests without copying them, writing answers once.
//!
//! Arguments stay unread ([`RawValue`]) until the method that knows their type reads them. serde_json
//! skips over values without recursion, and reads typed values with a bounded depth, so nesting cannot
//! overflow the stack.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::error::{RpcError, RpcResult};

/// The id `null`: what answers carry whose request could not be understood.
pub const NULL_ID: &str = "null";

/// A request that follows the specification.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id as it was written; `None` is a notification.
    pub id: Option<&'a str>,
    /// The name, with escapes resolved.
    pub method: Cow<'a, str>,
    /// The arguments, unread.
    pub params: Option<&'a RawValue>,
}

/// A request that does not, with the id to answer under.
#[derive(Debug)]
pub struct Malformed<'a> {
    /// The id, or [`NULL_ID`].
    pub id: &'a str,
    /// What is wrong.
    pub error: RpcError,
}

/// What came in one body or message.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A single request.
    One(&'a RawValue),
    /// Several, to be answered together.
    Batch(Vec<&'a RawValue>),
}

/// Splits a body into its requests.
pub fn split(body: &str, entries_max: usize) -> RpcResult<Incoming<'_>> {
    let first = body.trim_ascii_start().as_bytes().first();
    if first != Some(&b'[') {
        return serde_json::from_str(body)
            .map(Incoming::One)
            .map_err(RpcError::parse);
    }
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let batch = deserializer
        .deserialize_seq(Entries { entries_max })
        .map_err(RpcError::parse)?;
    let Some(entries) = batch else {
        return Err(RpcError::invalid_request(format!(
            "batch too large: the limit is {entries_max} entries"
        )));
    };
    deserializer.end().map_err(RpcError::parse)?;
    if entries.is_empty() {
        return Err(RpcError::invalid_request("empty batch"));
    }
    Ok(Incoming::Batch(entries))
}

struct Entries {
    entries_max: usize,
}

impl<'de> Visitor<'de> for Entries {
    /// `None` if there are too many.
    type Value = Option<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = seq.next_element::<&'de RawValue>()? {
            if entries.len() == self.entries_max {
                // What is left is skipped without being stored: the text may still be checked to its end.
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            entries.push(entry);
        }
        Ok(Some(entries))
    }
}

/// The members of a request, unread. Unknown members are skipped; of a repeated one the last counts,
/// as in geth.
#[derive(Default)]
struct Members<'a> {
    version: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
}

enum Key {
    Version,
    Id,
    Method,
    Params,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    "jsonrpc" => Key::Version,
                    "id" => Key::Id,
                    "method" => Key::Method,
                    "params" => Key::Params,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a request object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key()? {
                    match key {
                        Key::Version => members.version = Some(map.next_value()?),
                        Key::Id => members.id = Some(map.next_value()?),
                        Key::Method => members.method = Some(map.next_value()?),
                        Key::Params => members.params = Some(map.next_value()?),
                        Key::Other => {
                            map.next_value::<de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Reads one entry as a request.
pub fn request(entry: &RawValue) -> Result<Request<'_>, Malformed<'_>> {
    let malformed = |id, reason: &str| Malformed {
        id,
        error: RpcError::invalid_request(reason),
    };
    if !entry.get().starts_with('{') {
        return Err(malformed(NULL_ID, "a request is an object"));
    }
    let members: Members<'_> = serde_json::from_str(entry.get())
        .map_err(|reason| malformed(NULL_ID, &reason.to_string()))?;
    let id = match members.id.map(RawValue::get) {
        None => None,
        Some(id)
            if id.starts_with(['"', '-', 'n']) || id.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            Some(id)
        }
        Some(_) => return Err(malformed(NULL_ID, "id must be a string, a number or null")),
    };
    let answer_id = id.unwrap_or(NULL_ID);
    if members.version.map(RawValue::get) != Some("\"2.0\"") {
        return Err(malformed(answer_id, "jsonrpc must be \"2.0\""));
    }
    let method = match members.method.map(RawValue::get) {
        Some(text) if text.starts_with('"') => text,
        Some(_) => return Err(malformed(answer_id, "method must be a string")),
        None => return Err(malformed(answer_id, "method is missing")),
    };
    let method = match serde_json::from_str::<&str>(method) {
        Ok(plain) => Cow::Borrowed(plain),
        // Only a name with escapes needs a copy.
        Err(_) => Cow::Owned(
            serde_json::from_str(method)
                .map_err(|reason| malformed(answer_id, &reason.to_string()))?,
        ),
    };
    Ok(Request {
        id,
        method,
        params: members.params,
    })
}

/// Writes one answer.
pub(crate) fn write_answer(out: &mut Vec<u8>, id: &str, answer: &RpcResult<Vec<u8>>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.as_bytes());
    match answer {
        Ok(result) => {
            out.extend_from_slice(br#","result":"#);
            out.extend_from_slice(result);
        }
        Err(error) => {
            out.extend_from_slice(br#","error":"#);
            // An error consists of a number, a string and raw JSON: writing it to memory cannot fail.
            let _ = serde_json::to_writer(&mut *out, error);
        }
    }
    out.push(b'}');
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
