//! A method that fails takes nobody along. (A process that dies: `bin/capstan/tests/process/crash.rs`.)

use serde_json::json;

use super::node::Node;

/// RPC-6
#[tokio::test(flavor = "multi_thread")]
async fn rpc_6_a_panic_is_told_to_its_caller_alone() {
    let node = Node::start().await;
    for _ in 0..20 {
        node.refuses("dev_crash", json!(["panic"]), -32603, "please report")
            .await;
    }
    node.refuses("dev_crash", json!(["quietly"]), -32602, "argument 0 (how)")
        .await;
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x7a69");
}
