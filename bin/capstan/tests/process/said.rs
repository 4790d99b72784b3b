//! What the program and its chain said, and the prepared world in which they say it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, LogData, U64};
use alloy_sol_types::SolEvent;
use capstan_testing::process::{Node, Said};
use serde_json::{Value, json};

/// `capstan dev` with its markets and pools, where prices stand still and nobody acts but the test.
pub(crate) async fn world() -> Node {
    let words = ["dev", "--feed", "fixed", "--bots", "0"];
    let node = Node::start(&[&words[..], &["--block-time", "100ms"]].concat()).await;
    node.expect("started")
}

/// It worked, and said all of this.
#[track_caller]
pub(crate) fn says(said: &Said, expected: &[&str]) {
    assert!(said.status.success(), "{said:?}");
    for text in expected {
        assert!(said.stdout.contains(text), "no `{text}` in {said:?}");
    }
}

/// It did nothing, and said all of this of why.
#[track_caller]
pub(crate) fn refuses(said: &Said, expected: &[&str]) {
    assert!(!said.status.success(), "{said:?}");
    for text in expected {
        assert!(said.stderr.contains(text), "no `{text}` in {said:?}");
    }
}

/// It worked, and said something in JSON.
#[track_caller]
pub(crate) fn json_of(said: &Said) -> Value {
    assert!(said.status.success(), "{said:?}");
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Events of one kind by block, the first one of each.
pub(crate) async fn told<E: SolEvent>(node: &Node, by: Address) -> BTreeMap<u64, E> {
    let filter = json!([{"fromBlock": "0x0", "address": by, "topics": [E::SIGNATURE_HASH]}]);
    let logs = node.rpc("eth_getLogs", filter).await.expect("logs");
    let mut all = BTreeMap::new();
    for log in logs.as_array().expect("a list") {
        let read = |name: &str| log[name].clone();
        let block: U64 = serde_json::from_value(read("blockNumber")).expect("a quantity");
        let topics: Vec<B256> = serde_json::from_value(read("topics")).expect("words");
        let data: Bytes = serde_json::from_value(read("data")).expect("bytes");
        let event = E::decode_log_data(&LogData::new_unchecked(topics, data));
        all.entry(block.to())
            .or_insert(event.expect("an event of this kind"));
    }
    all
}
