//! Prices: what the answers say is what the blocks hold.

use serde_json::json;

use super::code;
use super::node::{Node, Send, quantity};

#[tokio::test(flavor = "multi_thread")]
async fn fee_history_is_what_the_blocks_say() {
    let node = Node::start().await;
    for tip in [10, 20, 30, 40] {
        for from in 0..4 {
            node.send(
                Send::to(from, node.address(5))
                    .gas(21_000)
                    .tip(tip * (from as u128 + 1)),
            );
        }
        node.mine().await;
    }
    node.mine().await;
    let history = node
        .ok("eth_feeHistory", json!(["0x3", "latest", [0, 50, 100]]))
        .await;
    assert_eq!(history["oldestBlock"], json!("0x3"));
    let blocks: Vec<_> = (3..=5)
        .map(|n| node.chain.block(n).unwrap().unwrap())
        .collect();
    let fees: Vec<u64> = history["baseFeePerGas"]
        .as_array()
        .unwrap()
        .iter()
        .map(quantity)
        .collect();
    let mut expected: Vec<u64> = blocks.iter().map(|block| block.base_fee_wei()).collect();
    expected.push(u64::try_from(node.chain.next_context().info.base_fee_wei).unwrap());
    assert_eq!(fees, expected, "n + 1 base fees");
    let limit = node.chain.rules().user_gas_limit as f64;
    assert_eq!(
        history["gasUsedRatio"],
        json!([84_000.0 / limit, 84_000.0 / limit, 0.0])
    );
    // Four equal transactions: the median is the second, in gas.
    assert_eq!(
        history["reward"],
        json!([
            ["0x1e", "0x3c", "0x78"],
            ["0x28", "0x50", "0xa0"],
            ["0x0", "0x0", "0x0"]
        ])
    );
    assert_eq!(
        history["baseFeePerBlobGas"],
        json!(["0x1", "0x1", "0x1", "0x1"])
    );
    assert_eq!(history["blobGasUsedRatio"], json!([0.0, 0.0, 0.0]));

    // The next block's fee, foretold, is the one that it gets.
    let next = node.mine().await;
    assert_eq!(fees.last(), Some(&next.base_fee_wei()));
}

#[tokio::test(flavor = "multi_thread")]
async fn fee_history_refuses_and_cuts_as_geth() {
    let node = Node::start().await;
    for _ in 0..3 {
        node.mine().await;
    }
    // As viem, ethers and cast write it.
    for params in [
        json!([10, "latest", [20.0]]),
        json!(["0xa", "latest", [20]]),
        json!(["0xa", "0x3", [20]]),
    ] {
        let history = node.ok("eth_feeHistory", params).await;
        assert_eq!(history["oldestBlock"], json!("0x0"));
        assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 5);
    }
    let bare = node.ok("eth_feeHistory", json!(["0x1", "latest"])).await;
    assert!(bare.get("reward").is_none());
    assert_eq!(
        node.ok("eth_feeHistory", json!(["0x0", "latest"])).await["gasUsedRatio"],
        json!([])
    );
    let many: Vec<f64> = (0..101).map(f64::from).map(|p| p / 2.0).collect();
    for (params, words) in [
        (
            json!(["0x1", "0x9", []]),
            "request beyond head block: requested 9, head 3",
        ),
        (
            json!(["0x1", "latest", [-1]]),
            "invalid reward percentile: -1",
        ),
        (
            json!(["0x1", "latest", [101]]),
            "invalid reward percentile: 101",
        ),
        (
            json!(["0x1", "latest", [20, 10]]),
            "invalid reward percentile: #0:20 >= #1:10",
        ),
        (
            json!(["0x1", "latest", many]),
            "over the query limit 100: 101 reward percentiles",
        ),
    ] {
        let fault = node.fault("eth_feeHistory", params).await;
        assert_eq!((fault.code, fault.message.as_str()), (-32000, words));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_with_the_suggested_fees_enters_the_next_block() {
    let node = Node::start().await;
    node.send(Send::to(0, node.address(1)).tip(5_000));
    node.mine().await;
    let tip = quantity(&node.ok("eth_maxPriorityFeePerGas", json!([])).await);
    let price = quantity(&node.ok("eth_gasPrice", json!([])).await);
    let next = quantity(&node.ok("eth_baseFee", json!([])).await);
    assert!(
        tip >= 1 && price >= next + tip,
        "price {price}, next base fee {next}, tip {tip}"
    );
    // There was room in every block, so nobody has to pay what that one transaction offered.
    assert!(tip < 5_000, "{tip}");
    let hash = node.send(Send::to(1, node.address(2)).tip(tip.into()));
    assert!(node.mine().await.position(&hash).is_some());
    assert_eq!(node.ok("eth_blobBaseFee", json!([])).await, json!("0x1"));
    let seen = node.deploy(&code::surroundings()).await;
    let words = super::node::bytes(&node.ok("eth_call", json!([{"to": seen}, "latest"])).await);
    assert_eq!(
        words[3 * 32 + 31],
        1,
        "the opcode says the same blob base fee"
    );
}
