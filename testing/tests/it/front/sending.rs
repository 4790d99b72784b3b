//! Transactions on their way in.

use alloy_consensus::TxLegacy;
use alloy_primitives::{Address, U256, hex};
use serde_json::{Value, json};

use super::node::Node;

fn batch(raw: &[String]) -> String {
    let entries = raw.iter().enumerate().map(|(id, raw)| {
        json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw]})
    });
    Value::from(entries.collect::<Vec<_>>()).to_string()
}

/// RPC-8
#[tokio::test(flavor = "multi_thread")]
async fn rpc_8_a_batch_is_as_its_entries() {
    let node = Node::start().await;
    let good: Vec<String> = (0..40)
        .map(|n| node.transfer(n % 4, (n / 4) as u64))
        .collect();
    let mut mixed = Vec::new();
    for (index, raw) in good.iter().enumerate() {
        mixed.push(raw.clone());
        match index % 4 {
            0 => mixed.push("0x02".to_owned()),
            1 => mixed.push(raw.clone()),
            2 => mixed.push("zz".to_owned()),
            3 => mixed.push(raw[2..].to_owned()),
            _ => {}
        }
    }
    let together = node.json(&batch(&mixed)).await;
    // The same one by one, on a chain of its own.
    let single = Node::start().await;
    for (id, raw) in mixed.iter().enumerate() {
        let expect = single.call("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!(together[id]["id"], id);
        match expect {
            Ok(hash) => assert_eq!(together[id]["result"], hash, "entry {id}"),
            Err(fault) => assert_eq!(
                together[id]["error"]["code"], fault.code,
                "entry {id}: {fault:?}"
            ),
        }
    }
    let block = node.mine().await;
    let user = (0..block.transactions.len())
        .filter(|index| !block.is_system(*index))
        .count();
    assert_eq!(user, good.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_enter_is_refused_in_geths_words() {
    let node = Node::start().await;
    let of = |wei| node.transfer_of(wei);
    let send = |raw: String, part: &'static str| {
        let node = &node;
        async move {
            node.refuses("eth_sendRawTransaction", json!([raw]), -32000, part)
                .await
        }
    };
    send("0x".into(), "typed transaction too short").await;
    send("0x05c0".into(), "transaction type not supported: 5").await;
    send(
        "0x03c0".into(),
        "transaction type not supported: type 3 (blob)",
    )
    .await;
    send("0xc0".into(), "invalid transaction encoding").await;
    let good = node.transfer(0, 0);
    send(format!("{good}00"), "invalid transaction encoding").await;
    send(
        good[..good.len() - 2].into(),
        "invalid transaction encoding",
    )
    .await;
    send(
        node.signed(
            0,
            alloy_consensus::TxEip1559 {
                chain_id: 1,
                ..of(1)
            },
        ),
        "invalid chain id",
    )
    .await;
    let huge = alloy_consensus::TxEip1559 {
        value: U256::MAX >> 1,
        ..of(1)
    };
    send(
        node.signed(0, huge),
        "insufficient funds for gas * price + value",
    )
    .await;
    let thirsty = alloy_consensus::TxEip1559 {
        gas_limit: 20_000,
        ..of(1)
    };
    send(
        node.signed(0, thirsty),
        "intrinsic gas too low: have 20000, want 21000",
    )
    .await;
    let greedy = alloy_consensus::TxEip1559 {
        max_fee_per_gas: 1,
        ..of(1)
    };
    send(
        node.signed(0, greedy),
        "max priority fee per gas higher than max fee per gas",
    )
    .await;
    node.ok("eth_sendRawTransaction", json!([good])).await;
    send(good.clone(), "already known").await;
    send(node.signed(0, of(2)), "replacement transaction underpriced").await;
    node.mine().await;
    send(
        node.signed(0, of(2)),
        "nonce too low: next nonce 1, tx nonce 0",
    )
    .await;
    // The chain's own shape: legacy, r = s = 0.
    let mut own = hex::decode(node.signed_legacy(
        0,
        TxLegacy {
            gas_limit: 21_000,
            gas_price: 1,
            ..Default::default()
        },
    ))
    .expect("hex");
    let unsigned = own.len() - 67;
    own.truncate(unsigned);
    own.extend([27, 0x80, 0x80]);
    own[0] = 0xc0 + u8::try_from(own.len() - 1).unwrap_or(0);
    let fault = node
        .fault(
            "eth_sendRawTransaction",
            json!([hex::encode_prefixed(&own)]),
        )
        .await;
    assert_eq!(fault.code, -32000);
    // A flipped bit in the signature is another sender, who is poor, or nobody.
    let mut bytes = hex::decode(node.transfer(1, 0)).expect("hex");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let fault = node
        .fault(
            "eth_sendRawTransaction",
            json!([hex::encode_prefixed(bytes)]),
        )
        .await;
    assert_eq!(fault.code, -32000, "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_sending_answers_the_receipt_or_says_that_it_waits() {
    let node = Node::instant().await;
    let receipt = node
        .ok("eth_sendRawTransactionSync", json!([node.transfer(0, 0)]))
        .await;
    assert_eq!(
        (&receipt["status"], &receipt["from"]),
        (&"0x1".into(), &json!(node.account(0)))
    );
    let again = node
        .ok(
            "eth_getTransactionReceipt",
            json!([receipt["transactionHash"]]),
        )
        .await;
    assert_eq!(again, receipt);
    node.ok("evm_setAutomine", json!([false])).await;
    let raw = node.transfer(0, 1);
    let fault = node
        .fault("eth_sendRawTransactionSync", json!([raw, "0x64"]))
        .await;
    assert_eq!(fault.code, 4, "{fault:?}");
    assert_eq!(
        node.ok("eth_getTransactionByHash", json!([fault.data]))
            .await["nonce"],
        "0x1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_is_shown() {
    let node = Node::start().await;
    for (from, nonce) in [(0, 0), (0, 1), (1, 0), (1, 5)] {
        node.ok(
            "eth_sendRawTransaction",
            json!([node.transfer(from, nonce)]),
        )
        .await;
    }
    let status = node.ok("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x3", "queued": "0x1"}));
    let content = node.ok("txpool_content", json!([])).await;
    let (first, second) = (node.account(0), node.account(1));
    let find = |address: Address| address.to_checksum(None);
    let by = |part: &Value, address: Address| {
        part.get(find(address))
            .or_else(|| part.get(address.to_string().to_lowercase()))
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(by(&content["pending"], first)["1"]["nonce"], "0x1");
    assert_eq!(by(&content["queued"], second)["5"]["from"], json!(second));
    let from = node.ok("txpool_contentFrom", json!([second])).await;
    assert_eq!(
        (
            from["pending"]["0"]["nonce"].as_str(),
            from["queued"]["5"]["nonce"].as_str()
        ),
        (Some("0x0"), Some("0x5"))
    );
    let lines = node.ok("txpool_inspect", json!([])).await;
    let line = by(&lines["pending"], first)["0"].clone();
    assert!(
        line.as_str()
            .is_some_and(|line| line.ends_with("1 wei + 21000 gas × 100000000000 wei")),
        "{lines}"
    );
}
