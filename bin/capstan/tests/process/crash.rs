//! `dev_crash`: a process that dies on demand loses nothing that it had reported.

use std::time::Duration;

use capstan_testing::process::{Node, text};
use serde_json::json;

/// What was reported before the end is there after it.
#[tokio::test]
async fn a_crash_on_demand_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let words = [
        "dev",
        "--empty",
        "--data",
        text(&data),
        "--block-time",
        "instant",
    ];
    let mut node = Node::start(&words).await.expect("a node");
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("accounts");
    let to = "0x4242424242424242424242424242424242424242";
    let request = json!([{"from": accounts[0], "to": to, "value": "0x5"}]);
    let hash = node
        .rpc("eth_sendTransaction", request)
        .await
        .expect("sent");
    let mut receipt = json!(null);
    for _ in 0..200 {
        receipt = node
            .rpc("eth_getTransactionReceipt", json!([hash]))
            .await
            .expect("an answer");
        if !receipt.is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(receipt["status"], "0x1");
    assert!(
        node.rpc("dev_crash", json!([])).await.is_err(),
        "nobody is left to answer"
    );
    let ended = node.wait().expect("it ended");
    assert!(!ended.success(), "{ended}");
    let node = Node::start(&words).await.expect("a node again");
    let again = node.rpc("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(again.expect("an answer"), receipt);
    let balance = node.rpc("eth_getBalance", json!([to, "latest"])).await;
    assert_eq!(balance.expect("an answer"), "0x5");
}
