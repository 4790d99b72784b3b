//! `eth_getLogs` against brute force over receipts.

use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

use super::code;
use super::node::{Node, Send, quantity};

/// Five blocks; two counters; in each block some of them are called.
async fn busy() -> (Node, [Address; 2]) {
    let node = Node::start().await;
    let counters = [
        node.deploy(&code::counter()).await,
        node.deploy(&code::counter()).await,
    ];
    for round in 0..5 {
        for (from, counter) in counters.iter().enumerate().take(1 + round % 2) {
            node.send(Send::to(from, *counter));
            node.send(Send::to(from, *counter));
        }
        node.mine().await;
    }
    (node, counters)
}

async fn brute_force(node: &Node, from: u64, to: u64, keep: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    for number in from..=to {
        let receipts = node
            .ok("eth_getBlockReceipts", json!([format!("{number:#x}")]))
            .await;
        for receipt in receipts.as_array().unwrap() {
            found.extend(
                receipt["logs"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|log| keep(log))
                    .cloned(),
            );
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_brute_force() {
    let (node, [first, second]) = busy().await;
    let head = node.chain.head().number();
    let other = B256::repeat_byte(9);
    let cases: Vec<(Value, Box<dyn Fn(&Value) -> bool>)> = vec![
        (json!({}), Box::new(|_| true)),
        (
            json!({"address": first}),
            Box::new(move |log| log["address"] == json!(first)),
        ),
        (json!({"address": [first, second]}), Box::new(|_| true)),
        (json!({"address": Address::ZERO}), Box::new(|_| false)),
        (json!({"topics": [code::COUNTED]}), Box::new(|_| true)),
        (
            json!({"topics": [[other, code::COUNTED]]}),
            Box::new(|_| true),
        ),
        (json!({"topics": [other]}), Box::new(|_| false)),
        (json!({"topics": [null]}), Box::new(|_| true)),
        (json!({"topics": [null, other]}), Box::new(|_| false)),
        (json!({"topics": []}), Box::new(|_| true)),
    ];
    let mut total = 0;
    for (filter, keep) in &cases {
        for (from, to) in [(0, head), (3, 4), (head, head)] {
            let mut filter = filter.clone();
            filter["fromBlock"] = json!(format!("{from:#x}"));
            filter["toBlock"] = json!(format!("{to:#x}"));
            let found = node.ok("eth_getLogs", json!([filter])).await;
            let expected = brute_force(&node, from, to, keep).await;
            total += expected.len();
            assert_eq!(found, json!(expected), "{filter}");
        }
    }
    assert!(total > 50, "the cases are not empty: {total}");
    let block = node.chain.block(head - 1).unwrap().unwrap();
    let found = node
        .ok("eth_getLogs", json!([{"blockHash": block.hash()}]))
        .await;
    assert_eq!(
        found,
        json!(brute_force(&node, head - 1, head - 1, |_| true).await)
    );
    // No range is the newest block.
    let found = node.ok("eth_getLogs", json!([{}])).await;
    assert_eq!(found, json!(brute_force(&node, head, head, |_| true).await));
    let first_log = &found[0];
    assert_eq!(
        quantity(&first_log["blockTimestamp"]),
        node.chain.head().header.timestamp
    );
    assert!(
        first_log["data"].as_str().unwrap().len() == 66 && first_log["removed"] == json!(false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_ranges_are_named() {
    let (node, _) = busy().await;
    let hash = node.chain.head().hash();
    for (filter, code, words) in [
        (
            json!({"fromBlock": "0x4", "toBlock": "0x3"}),
            -32602,
            "invalid block range params",
        ),
        (
            json!({"fromBlock": "latest", "toBlock": "0x3"}),
            -32602,
            "invalid block range params",
        ),
        (
            json!({"fromBlock": "0x1", "toBlock": "0x99"}),
            -32602,
            "block range extends beyond current head block",
        ),
        (
            json!({"blockHash": B256::repeat_byte(5)}),
            -32000,
            "unknown block",
        ),
    ] {
        let fault = node.fault("eth_getLogs", json!([filter])).await;
        assert_eq!(
            (fault.code, fault.message.as_str()),
            (code, words),
            "{filter}"
        );
    }
    for filter in [
        json!({"blockHash": hash, "fromBlock": "0x1"}),
        json!({"blockHash": hash, "toBlock": "latest"}),
        json!({"topics": [null, null, null, null, null]}),
        json!({"address": vec![Address::ZERO; 1], "topics": "0x12"}),
    ] {
        assert_eq!(
            node.fault("eth_getLogs", json!([filter])).await.code,
            -32602,
            "{filter}"
        );
    }
}
