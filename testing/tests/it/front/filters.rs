//! Filters: nothing twice, nothing missed, and what a rewind takes back.

use std::time::Duration;

use alloy_primitives::hex;
use capstan_rpc::Limits;
use serde_json::{Value, json};

use super::node::Node;

/// Init code for a small runtime.
fn init_code(runtime: &[u8]) -> String {
    // PUSH1 len DUP1 PUSH1 offset PUSH0 CODECOPY PUSH0 RETURN
    let length = u8::try_from(runtime.len()).expect("small");
    let mut code = vec![0x60, length, 0x80, 0x60, 9, 0x5f, 0x39, 0x5f, 0xf3];
    code.extend_from_slice(runtime);
    hex::encode_prefixed(code)
}

async fn deploy(node: &Node, runtime: &[u8]) -> Value {
    let request = json!({"from": node.account(0), "data": init_code(runtime), "gas": "0x186a0"});
    let hash = node.ok("eth_sendTransaction", json!([request])).await;
    node.mine().await;
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    receipt["contractAddress"].clone()
}

/// A contract that emits one log with topic 7 whenever it is called.
pub(crate) async fn emitter(node: &Node) -> Value {
    // PUSH1 7 PUSH0 PUSH0 LOG1
    deploy(node, &[0x60, 7, 0x5f, 0x5f, 0xa1]).await
}

/// A contract that emits a log of a quarter megabyte.
pub(crate) async fn big_emitter(node: &Node) -> Value {
    // PUSH3 0x03e800 PUSH0 LOG0
    deploy(node, &[0x62, 0x03, 0xe8, 0x00, 0x5f, 0xa0]).await
}

/// Calls an emitter and makes a block.
pub(crate) async fn emit(node: &Node, emitter: &Value) {
    let request = json!({"from": node.account(0), "to": emitter, "gas": "0xf42400"});
    node.ok("eth_sendTransaction", json!([request])).await;
    let block = node.mine().await;
    assert!(
        block
            .receipts
            .iter()
            .any(|receipt| !receipt.logs().is_empty()),
        "no log came"
    );
}

async fn changes(node: &Node, filter: &Value) -> Vec<Value> {
    let changes = node.ok("eth_getFilterChanges", json!([filter])).await;
    changes.as_array().expect("a list").clone()
}

/// RPC-13
#[tokio::test(flavor = "multi_thread")]
async fn rpc_13_each_block_once() {
    let node = Node::start().await;
    let filter = node.ok("eth_newBlockFilter", json!([])).await;
    assert!(changes(&node, &filter).await.is_empty());
    let mut told = Vec::new();
    let mut made = Vec::new();
    for count in [1, 3, 0, 2] {
        for _ in 0..count {
            made.push(json!(node.mine().await.hash()));
        }
        told.extend(changes(&node, &filter).await);
    }
    assert_eq!(told, made);
}

/// RPC-13
#[tokio::test(flavor = "multi_thread")]
async fn rpc_13_each_log_once_and_rewinds_take_back() {
    let node = Node::start().await;
    let emitter = emitter(&node).await;
    emit(&node, &emitter).await;
    let topic = format!("{:#066x}", 7);
    let filter = node
        .ok(
            "eth_newFilter",
            json!([{"address": emitter, "topics": [topic]}]),
        )
        .await;
    let other = node
        .ok(
            "eth_newFilter",
            json!([{"topics": [format!("{:#066x}", 8)]}]),
        )
        .await;
    let whole = node
        .ok("eth_newFilter", json!([{"fromBlock": "earliest"}]))
        .await;
    assert!(
        changes(&node, &filter).await.is_empty(),
        "what was before is not news"
    );
    assert_eq!(
        node.ok("eth_getFilterLogs", json!([whole]))
            .await
            .as_array()
            .map(Vec::len),
        Some(1)
    );

    let snapshot = node.ok("evm_snapshot", json!([])).await;
    emit(&node, &emitter).await;
    emit(&node, &emitter).await;
    let first = changes(&node, &filter).await;
    assert_eq!(first.len(), 2);
    assert!(changes(&node, &filter).await.is_empty());
    assert!(changes(&node, &other).await.is_empty());

    emit(&node, &emitter).await;
    assert_eq!(node.ok("evm_revert", json!([snapshot])).await, true);
    emit(&node, &emitter).await;
    // The two that were told are taken back, the third was never told, the fourth is new.
    let mut seen = Vec::new();
    let patience = tokio::time::Instant::now() + super::node::PATIENCE;
    while seen.len() < 3 && tokio::time::Instant::now() < patience {
        seen.extend(changes(&node, &filter).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let gone: Vec<bool> = seen.iter().map(|log| log["removed"] == true).collect();
    assert_eq!(gone.iter().filter(|gone| **gone).count(), 2, "{seen:?}");
    let hash = |log: &Value| log["transactionHash"].clone();
    for log in &first {
        assert!(
            seen.iter()
                .any(|s| s["removed"] == true && hash(s) == hash(log))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_transactions_are_told_once() {
    let node = Node::start().await;
    let hashes = node.ok("eth_newPendingTransactionFilter", json!([])).await;
    let whole = node
        .ok("eth_newPendingTransactionFilter", json!([true]))
        .await;
    let mut sent = Vec::new();
    for nonce in 0..3 {
        sent.push(
            node.ok("eth_sendRawTransaction", json!([node.transfer(0, nonce)]))
                .await,
        );
    }
    let mut told = Vec::new();
    for _ in 0..100 {
        told.extend(changes(&node, &hashes).await);
        if told.len() >= sent.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(told, sent);
    assert!(changes(&node, &hashes).await.is_empty());
    let whole: Vec<Value> = changes(&node, &whole)
        .await
        .iter()
        .map(|tx| tx["hash"].clone())
        .collect();
    assert_eq!(whole, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_end() {
    let limits = Limits {
        filter_idle_max: Duration::from_millis(300),
        filters_max: 1,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    let filter = node.ok("eth_newBlockFilter", json!([])).await;
    node.refuses(
        "eth_getFilterLogs",
        json!([filter]),
        -32000,
        "filter not found",
    )
    .await;
    assert_eq!(node.ok("eth_uninstallFilter", json!([filter])).await, true);
    assert_eq!(node.ok("eth_uninstallFilter", json!([filter])).await, false);
    node.refuses(
        "eth_getFilterChanges",
        json!([filter]),
        -32000,
        "filter not found",
    )
    .await;
    let idle = node.ok("eth_newBlockFilter", json!([])).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    // The place of one that nobody polls is given to the next.
    node.ok("eth_newBlockFilter", json!([])).await;
    node.refuses(
        "eth_getFilterChanges",
        json!([idle]),
        -32000,
        "filter not found",
    )
    .await;
    node.refuses(
        "eth_newFilter",
        json!([{"fromBlock": "0x9", "toBlock": "0x1"}]),
        -32602,
        "block range",
    )
    .await;
}
