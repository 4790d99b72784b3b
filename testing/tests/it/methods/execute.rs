//! `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::{Revert, SolError};
use serde_json::{Value, json};

use super::code;
use super::node::{Node, Send, bytes, quantity};

fn word(number: u64) -> String {
    format!("{:#066x}", number)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_see_the_block_that_they_name() {
    let node = Node::start().await;
    let seen = node.deploy(&code::surroundings()).await;
    let block = node.mine().await;
    let words = bytes(&node.ok("eth_call", json!([{"to": seen, "gasPrice": "0x2540be400", "gas": "0x186a0", "from": node.address(0)}, "0x2"])).await);
    let at = |index: usize| U256::from_be_slice(&words[index * 32..][..32]);
    assert_eq!(at(0), U256::from(2));
    assert_eq!(at(1), U256::from(block.header.timestamp));
    assert_eq!(at(2), U256::from(block.base_fee_wei()));
    assert_eq!(at(5), U256::from_be_bytes(block.header.mix_hash.0));
    assert_eq!(at(6), U256::from(block.header.gas_limit));
    assert_eq!(at(7), U256::from(31_337));

    let miner = Address::repeat_byte(0xaa);
    let pretended = json!({
        "number": "0x64", "time": "0x10000000000", "coinbase": miner, "gasLimit": "0x7", "random": word(9),
        "baseFee": "0x3",
    });
    let params = json!([{"to": seen, "gasPrice": "0x3", "from": node.address(0)}, "latest", null, pretended]);
    let words = bytes(&node.ok("eth_call", params).await);
    let at = |index: usize| U256::from_be_slice(&words[index * 32..][..32]);
    let got = [at(0), at(1), at(2), at(5), at(6)];
    assert_eq!(got, [100, 1 << 40, 3, 9, 7].map(|n: u64| U256::from(n)));
    assert_eq!(Address::from_word(at(4).into()), miner);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_keep_nothing_and_overrides_are_seen() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let call = |over: Value| {
        let (params, node) = (json!([{"to": counter}, "latest", over]), &node);
        async move { node.ok("eth_call", params).await }
    };
    for _ in 0..2 {
        assert_eq!(call(Value::Null).await, json!(word(1)));
    }
    let slot = word(0);
    assert_eq!(
        call(json!({counter.to_string(): {"stateDiff": {slot.clone(): word(41)}}})).await,
        json!(word(42))
    );
    assert_eq!(
        call(json!({counter.to_string(): {"state": {slot.clone(): word(6)}}})).await,
        json!(word(7))
    );
    assert_eq!(
        call(json!({counter.to_string(): {"state": {}}})).await,
        json!(word(1))
    );
    // Code where there is none, and a balance for a poor sender.
    let poor = Address::repeat_byte(0x55);
    let at = Address::repeat_byte(0x66);
    let over = json!({at.to_string(): {"code": hex::encode_prefixed(code::counter())}, poor.to_string(): {"balance": "0x64"}});
    let request = json!({"from": poor, "to": at, "value": "0x64"});
    assert_eq!(
        node.ok("eth_call", json!([request, "latest", over])).await,
        json!(word(1))
    );
    let fault = node.fault("eth_call", json!([request, "latest"])).await;
    assert_eq!(fault.code, -32000);
    assert!(
        fault.message.contains("insufficient funds"),
        "{}",
        fault.message
    );
    let both = json!({counter.to_string(): {"state": {}, "stateDiff": {}}});
    let fault = node
        .fault("eth_call", json!([{"to": counter}, "latest", both]))
        .await;
    assert!(
        fault.message.ends_with("has both 'state' and 'stateDiff'"),
        "{}",
        fault.message
    );
    let creation = json!({"data": hex::encode_prefixed(code::init_code(&code::counter()))});
    assert_eq!(
        bytes(&node.ok("eth_call", json!([creation])).await),
        code::counter()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_read_as_geths() {
    let node = Node::start().await;
    let reverter = node.deploy(&code::reverter()).await;
    let endless = node.deploy(&code::endless()).await;
    let why = hex::encode_prefixed(Revert::from("no such thing").abi_encode());
    for method in ["eth_call", "eth_estimateGas"] {
        let fault = node
            .fault(method, json!([{"to": reverter, "data": why}]))
            .await;
        assert_eq!(
            (fault.code, fault.message.as_str()),
            (3, "execution reverted: no such thing")
        );
        assert_eq!(fault.data, json!(why), "{method}");
        let fault = node.fault(method, json!([{"to": reverter}])).await;
        assert_eq!(
            (fault.code, fault.message.as_str()),
            (3, "execution reverted")
        );
        assert_eq!(fault.data, json!("0x"));
    }
    let fault = node
        .fault("eth_call", json!([{"to": endless, "gas": "0x186a0"}]))
        .await;
    assert_eq!((fault.code, fault.message.as_str()), (-32000, "out of gas"));
    let fault = node
        .fault(
            "eth_estimateGas",
            json!([{"to": endless, "gas": "0x186a0"}]),
        )
        .await;
    assert_eq!(fault.message, "gas required exceeds allowance (100000)");
    let sender = node.address(0);
    for (request, words) in [
        (
            json!({"to": reverter, "gas": "0x1"}),
            "intrinsic gas too low: have 1, want 21000",
        ),
        (
            json!({"to": reverter, "gasPrice": "0x1", "maxFeePerGas": "0x1"}),
            "both gasPrice and (maxFeePerGas",
        ),
        (
            json!({"to": reverter, "chainId": "0x5"}),
            "chainId does not match node's (have=5, want=31337)",
        ),
        (
            json!({"to": reverter, "from": sender, "maxFeePerGas": "0x1"}),
            "max fee per gas less than block base fee: address",
        ),
    ] {
        let fault = node.fault("eth_call", json!([request])).await;
        assert_eq!(fault.code, -32000);
        assert!(
            fault.message.contains(words),
            "{:?} does not say {words:?}",
            fault.message
        );
    }
    let fault = node
        .fault(
            "eth_call",
            json!([{"to": reverter, "blobVersionedHashes": [word(1)]}]),
        )
        .await;
    assert_eq!(fault.code, -32602);
}

/// The estimate succeeds, really sent; with 1.5 % less it fails.
#[tokio::test(flavor = "multi_thread")]
async fn estimates_are_enough_and_tight() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let slots = node.deploy(&code::eight_slots()).await;
    let forwarder = node.deploy(&code::forwarder(counter)).await;
    let deep = node.deploy(&code::forwarder(forwarder)).await;
    node.send(Send::to(0, slots).input(U256::from(7).to_be_bytes_vec()));
    node.mine().await;
    let list = json!([{"address": counter, "storageKeys": [word(0)]}]);
    let requests = [
        json!({"to": node.address(3), "value": "0x1"}),
        json!({"to": node.address(3), "data": hex::encode_prefixed([1; 400])}),
        json!({"to": counter}),
        json!({"to": counter, "accessList": list}),
        json!({"to": slots, "data": word(0)}), // clears eight slots: the refund comes too late to lower the limit
        json!({"to": slots, "data": word(9)}),
        json!({"to": forwarder}),
        json!({"to": deep}),
        json!({"data": hex::encode_prefixed(code::init_code(&code::counter()))}),
    ];
    for mut request in requests {
        request["from"] = json!(node.address(1));
        let estimate = quantity(&node.ok("eth_estimateGas", json!([request])).await);
        let with = |gas: u64| {
            let mut request = request.clone();
            request["gas"] = json!(format!("{gas:#x}"));
            request
        };
        node.ok("eth_call", json!([with(estimate)])).await;
        let too_little = estimate - estimate * 15 / 1000 - 1;
        let short = node.call("eth_call", json!([with(too_little)])).await;
        assert!(short.is_err(), "{estimate} is not tight for {request}");

        let to = request["to"]
            .as_str()
            .map(|to| to.parse::<Address>().unwrap());
        let input: Bytes = request["data"].as_str().unwrap_or("0x").parse().unwrap();
        let send = Send::to(1, to.unwrap_or_default())
            .input(input)
            .gas(estimate);
        let send = Send {
            to: to.into(),
            ..send
        };
        if request.get("accessList").is_none() {
            let hash = node.send(send);
            let receipt_at = node.mine().await.position(&hash).expect("mined");
            let receipt = node.chain.head().receipts[receipt_at].status();
            assert!(receipt, "{estimate} is not enough for {request}");
        }
    }
    let plain = json!([{"from": node.address(1), "to": node.address(3), "value": "0x1"}]);
    assert_eq!(node.ok("eth_estimateGas", plain).await, json!("0x5208"));
    // Who states a price must be able to pay for the gas.
    let poor = Address::repeat_byte(0x55);
    let over = json!({poor.to_string(): {"balance": format!("{:#x}", 25_000u64 * 2_000_000_000)}});
    let request =
        json!({"from": poor, "to": counter, "gasPrice": format!("{:#x}", 2_000_000_000u64)});
    let fault = node
        .fault("eth_estimateGas", json!([request, "latest", over]))
        .await;
    assert_eq!(fault.message, "gas required exceeds allowance (25000)");
    let request = json!({"from": poor, "to": counter, "value": "0x1", "gasPrice": "0x77359400"});
    let fault = node
        .fault("eth_estimateGas", json!([request, "latest"]))
        .await;
    assert_eq!(fault.message, "insufficient funds for transfer");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_lists_name_what_is_touched_and_make_it_warm() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let forwarder = node.deploy(&code::forwarder(counter)).await;
    let request = json!({"from": node.address(0), "to": forwarder});
    let answer = node.ok("eth_createAccessList", json!([request])).await;
    assert_eq!(
        answer["accessList"],
        json!([{"address": counter, "storageKeys": [word(0)]}])
    );
    assert!(answer.get("error").is_none_or(Value::is_null));
    let used = quantity(&answer["gasUsed"]);
    let mut listed = request.clone();
    listed["accessList"] = answer["accessList"].clone();
    assert_eq!(
        node.ok("eth_createAccessList", json!([listed])).await,
        answer,
        "stable"
    );
    let estimate = quantity(&node.ok("eth_estimateGas", json!([listed])).await);
    assert!(estimate >= used, "{estimate} {used}");

    let reverter = node.deploy(&code::reverter()).await;
    let answer = node
        .ok("eth_createAccessList", json!([{"to": reverter}]))
        .await;
    assert_eq!(
        (&answer["accessList"], &answer["error"]),
        (&json!([]), &json!("execution reverted"))
    );
}

/// A transaction runs in the block after the newest one, and code may ask which that is.
#[tokio::test]
async fn an_estimate_is_made_for_the_next_block() {
    let node = Node::start().await;
    node.mine().await;
    let newest = node.chain.head().number();
    // NUMBER PUSH1 newest EQ PUSH1 8 JUMPI STOP JUMPDEST PUSH0 PUSH0 REVERT
    let newest = u8::try_from(newest).expect("few blocks");
    let code = [
        0x43, 0x60, newest, 0x14, 0x60, 8, 0x57, 0x00, 0x5b, 0x5f, 0x5f, 0xfd,
    ];
    let here = Address::repeat_byte(0x77);
    let over = json!({here.to_string(): {"code": hex::encode_prefixed(code)}});
    let request = json!({"from": node.address(1), "to": here});
    for block in [json!(null), json!("latest"), json!("pending")] {
        node.ok("eth_estimateGas", json!([request, block, over]))
            .await;
    }
    let named = json!([request, format!("{newest:#x}"), over]);
    let fault = node.fault("eth_estimateGas", named).await;
    assert_eq!(fault.message, "execution reverted");
}
