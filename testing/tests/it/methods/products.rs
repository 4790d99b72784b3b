//! Products on a running node that has none. What they tell is compared in `whole.rs`.

use serde_json::json;

use super::node::Node;

/// RPC-29
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_products_lists_none() {
    let node = Node::start().await;
    let head = node.ok("eth_blockNumber", json!([])).await;
    for page in [json!([]), json!([{"limit": 1}]), json!([{"cursor": "0x7"}])] {
        let answer = node.ok("capstan_products", page.clone()).await;
        assert_eq!(answer["items"], json!([]), "{page}");
        assert!(answer["cursor"].is_null(), "{page}");
        assert_eq!(answer["blockNumber"], head, "{page}");
    }
}
