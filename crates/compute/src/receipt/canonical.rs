//! One way to write a JSON value, so that it has one hash.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use serde_json::{Map, Value};

/// Without white space, keys sorted by their bytes.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// Hash of the canonical text.
pub fn hash(value: &Value) -> B256 {
    keccak256(canonical(value).as_bytes())
}

/// What of a request is the work: how the answer travels, and what the client calls its user, is not.
pub fn canonical_request(request: &Map<String, Value>) -> String {
    let mut work = request.clone();
    for how in ["stream", "stream_options", "user"] {
        work.remove(how);
    }
    canonical(&Value::Object(work))
}

/// Hash of the canonical request.
pub fn request_hash(request: &Map<String, Value>) -> B256 {
    keccak256(canonical_request(request).as_bytes())
}

/// Values are at most 128 deep: deeper ones were refused when they were read.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            // Whether a map of serde_json is sorted depends on features that another crate may turn on.
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            text.push('{');
            for (at, (name, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(field, text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}
