//! What strangers send: transactions, access lists, JSON-RPC bodies.

use alloy_eip7928::BlockAccessList;
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_rlp::{Decodable as _, Encodable as _};
use capstan_chain::recover;
use capstan_evm::{
    Tx,
    record::{Access, Row, Sidecar, analyse},
};
use capstan_rpc::message::{self, Incoming};
use serde_json::{Value, value::RawValue};

use crate::world::{blocks, transactions};

/// A transaction has one writing only, or its hash would not name it; and looking for its signer never fails
/// otherwise than by saying so.
pub(crate) fn transaction(input: &[u8]) -> String {
    match Tx::decode_2718_exact(input) {
        Ok(tx) => {
            assert_eq!(tx.encoded_2718(), input, "two writings of one transaction");
            let mut wire = Vec::new();
            tx.network_encode(&mut wire);
            assert_eq!(
                Tx::network_decode(&mut wire.as_slice()).ok().as_ref(),
                Some(&tx)
            );
            match recover(tx, true) {
                Ok(_) => "ok".to_owned(),
                Err(error) => format!("ok without signer: {error}"),
            }
        }
        Err(error) => error.to_string(),
    }
}

pub(crate) fn transaction_seeds() -> Vec<Vec<u8>> {
    transactions().iter().map(|tx| tx.encoded_2718()).collect()
}

/// A list has one writing only: its hash is in the header.
pub(crate) fn access(input: &[u8]) -> String {
    let mut rest = input;
    match BlockAccessList::decode(&mut rest) {
        Ok(list) => {
            let mut bytes = Vec::new();
            list.encode(&mut bytes);
            let read = &input[..input.len() - rest.len()];
            assert_eq!(bytes, read, "two writings of one access list");
            "ok".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

pub(crate) fn access_seeds() -> Vec<Vec<u8>> {
    blocks()
        .iter()
        .map(|block| block.access_list.to_vec())
        .collect()
}

/// Places that the lists of the target's sidecars have.
const PLACES: usize = 1 << 20;

/// A sidecar has one writing only, and whatever it says can be analysed.
pub(crate) fn sidecar(input: &[u8]) -> String {
    match Sidecar::decode(input, PLACES) {
        Ok(sidecar) => {
            assert_eq!(sidecar.encode(), input, "two writings of one sidecar");
            let found = analyse(&sidecar);
            assert!(found.critical_gas <= found.gas);
            assert!(found.projected_milli(4) >= 1_000);
            "ok".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

pub(crate) fn sidecar_seeds() -> Vec<Vec<u8>> {
    let row = |n: u32| Row {
        gas: 21_000 * u64::from(n),
        accesses: vec![
            (n, Access::Write),
            (n + 300, Access::Read),
            (n + 70_000, Access::Delta),
        ],
    };
    let rows = (1..5).map(row).collect();
    vec![Sidecar::default().encode(), Sidecar { rows }.encode()]
}

/// Entries of a batch.
const ENTRIES_MAX: usize = 20;

/// Whatever a body is, each answer can be written: ids are JSON as they stand.
pub(crate) fn message(input: &[u8]) -> String {
    let Ok(body) = std::str::from_utf8(input) else {
        return "not UTF-8".to_owned();
    };
    let entries: Vec<&RawValue> = match message::split(body, ENTRIES_MAX) {
        Ok(Incoming::One(entry)) => vec![entry],
        Ok(Incoming::Batch(entries)) => entries,
        Err(error) => return error.message.to_string(),
    };
    assert!((1..=ENTRIES_MAX).contains(&entries.len()));
    let mut said = String::new();
    for entry in entries {
        match message::request(entry) {
            Ok(request) => {
                check_id(request.id.unwrap_or(message::NULL_ID));
                said += if request.params.is_some() {
                    "ok call "
                } else {
                    "ok plain "
                };
            }
            Err(malformed) => {
                check_id(malformed.id);
                said += &format!("{} ", malformed.error.message);
            }
        }
    }
    said
}

fn check_id(id: &str) {
    match serde_json::from_str(id) {
        Ok(Value::Null | Value::String(_) | Value::Number(_)) => {}
        // A string may hold half of a surrogate pair, and a number more digits than a float has: both are
        // JSON by its grammar and go back as they came.
        Ok(other) => panic!("{other} is no id"),
        Err(error) => assert!(
            serde_json::from_str::<&RawValue>(id).is_ok(),
            "{id} is no JSON: {error}"
        ),
    }
}

pub(crate) fn message_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"eth_call","params":[{"to":"0x11","data":"0x"},"latest"]}"#,
        r#"[{"jsonrpc":"2.0","id":null,"method":"x\u0041","params":{}},{"jsonrpc":"1.0","id":-1.5e3},{"jsonrpc":"2.0","method":"note","params":[]}]"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
