//! Unlocked accounts: sending and signing with them.

use alloy_primitives::{Address, Bytes, Signature, U256, b256, eip191_hash_message};
use capstan_chain::{ChainConfig, Genesis, Mining};
use capstan_rpc::RpcConfig;
use serde_json::{Value, json};

use super::node::{Node, config, quantity};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_transaction() {
    let node = Node::instant().await;
    let to = Address::repeat_byte(0x31);
    for (nonce, request) in [
        json!({"to": to, "value": "0x1"}),
        json!({"from": node.account(0), "to": to, "value": "0x1", "gasPrice": "0x174876e800"}),
        json!({"from": node.account(0), "to": to, "value": "0x1", "maxFeePerGas": "0x174876e800"}),
        json!({"from": node.account(0), "to": to, "value": "0x1", "type": "0x0"}),
        json!({"from": node.account(0), "to": to, "value": "0x1", "gasPrice": "0x174876e800", "accessList": []}),
    ]
    .into_iter()
    .enumerate()
    {
        let hash = node.ok("eth_sendTransaction", json!([request])).await;
        let receipt = receipt(&node, &hash).await;
        assert_eq!((&receipt["status"], quantity(&receipt["gasUsed"])), (&"0x1".into(), 21_000), "{request}");
        let transaction = node.ok("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(quantity(&transaction["nonce"]), nonce as u64);
    }
    assert_eq!(
        node.ok("eth_getBalance", json!([to, "latest"])).await,
        "0x5"
    );
    let stranger = Address::repeat_byte(0x99);
    for (request, code, part) in [
        (
            json!({"from": stranger, "to": to}),
            -32000,
            "unknown account",
        ),
        (
            json!({"to": to, "chainId": "0x1"}),
            -32000,
            "chainId does not match node's (have=1, want=31337)",
        ),
        (
            json!({"to": to, "gasPrice": "0x1", "maxFeePerGas": "0x1"}),
            -32000,
            "both gasPrice and",
        ),
        (
            json!({}),
            -32000,
            "contract creation without any data provided",
        ),
        (
            json!({"to": to, "value": format!("{:#x}", U256::MAX)}),
            -32000,
            "insufficient funds",
        ),
        (json!({"data": "0x5f5ffd"}), 3, "execution reverted"),
        (
            json!({"to": to, "data": "0x01", "input": "0x02"}),
            -32000,
            "both \"data\" and \"input\"",
        ),
    ] {
        node.refuses("eth_sendTransaction", json!([request]), code, part)
            .await;
    }
}

async fn receipt(node: &Node, hash: &Value) -> Value {
    for _ in 0..200 {
        let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
        if !receipt.is_null() {
            return receipt;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{hash} was not mined")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_different_nonces() {
    let node = Node::start().await;
    let request = json!([{"to": Address::repeat_byte(1), "value": "0x1", "gas": "0x5208"}]);
    let sends = (0..20).map(|_| node.ok("eth_sendTransaction", request.clone()));
    futures::future::join_all(sends).await;
    assert_eq!(node.ok("txpool_status", json!([])).await["pending"], "0x14");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_and_filling_submit_nothing() {
    let node = Node::start().await;
    let request = json!({"from": node.account(1), "to": node.account(0), "value": "0x5"});
    let filled = node.ok("eth_fillTransaction", json!([request])).await;
    assert_eq!(
        (&filled["tx"]["nonce"], &filled["tx"]["gas"]),
        (&"0x0".into(), &"0x5208".into())
    );
    let signed = node.ok("eth_signTransaction", json!([request])).await;
    assert_eq!(node.ok("txpool_status", json!([])).await["pending"], "0x0");
    let hash = node
        .ok("eth_sendRawTransaction", json!([signed["raw"]]))
        .await;
    assert_eq!(hash, signed["tx"]["hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_recover_to_their_account() {
    let node = Node::start().await;
    let account = node.account(2);
    assert_eq!(
        node.ok("eth_accounts", json!([])).await,
        json!(node.signers.iter().map(|s| s.address()).collect::<Vec<_>>())
    );
    assert_eq!(
        node.ok("eth_requestAccounts", json!([])).await[2],
        json!(account)
    );
    let message = Bytes::from_static(b"a capstan moves a ship");
    let hash = eip191_hash_message(&message);
    for (method, params) in [
        ("eth_sign", json!([account, message])),
        ("personal_sign", json!([message, account])),
        ("personal_sign", json!([message, account, "password"])),
    ] {
        let signature: Bytes =
            serde_json::from_value(node.ok(method, params).await).expect("bytes");
        let signature = Signature::from_raw(&signature).expect("65 bytes");
        assert_eq!(
            signature
                .recover_address_from_prehash(&hash)
                .expect("recovers"),
            account
        );
    }
    let typed = json!({
        "types": {"EIP712Domain": [], "Note": [{"name": "text", "type": "string"}]},
        "primaryType": "Note", "domain": {}, "message": {"text": "hello"}
    });
    // As ethers' TypedDataEncoder.hash({}, {Note: [...]}, {text: "hello"}) has it, by the formula.
    let note = alloy_primitives::keccak256(
        [
            alloy_primitives::keccak256("Note(string text)").0,
            alloy_primitives::keccak256("hello").0,
        ]
        .concat(),
    );
    let domain = alloy_primitives::keccak256(alloy_primitives::keccak256("EIP712Domain()"));
    let hash = alloy_primitives::keccak256(
        [&[0x19, 0x01][..], domain.as_slice(), note.as_slice()].concat(),
    );
    assert_ne!(
        hash,
        b256!("0000000000000000000000000000000000000000000000000000000000000000")
    );
    for (method, data) in [
        ("eth_signTypedData_v4", typed.clone()),
        ("eth_signTypedData", json!(typed.to_string())),
    ] {
        let signature: Bytes =
            serde_json::from_value(node.ok(method, json!([account, data])).await).expect("bytes");
        let signature = Signature::from_raw(&signature).expect("65 bytes");
        assert_eq!(
            signature
                .recover_address_from_prehash(&hash)
                .expect("recovers"),
            account,
            "{method}"
        );
    }
    node.refuses(
        "eth_sign",
        json!([Address::ZERO, "0x"]),
        -32000,
        "unknown account",
    )
    .await;
    node.refuses(
        "eth_signTypedData_v4",
        json!([account, {}]),
        -32602,
        "argument 1 (typedData)",
    )
    .await;
}

/// RPC-14
#[tokio::test(flavor = "multi_thread")]
async fn rpc_14_a_real_node_has_no_toys() {
    let genesis = Genesis {
        development: false,
        ..Genesis::dev(5, 0)
    };
    let chain = ChainConfig {
        dev: false,
        ..ChainConfig::dev(genesis)
    };
    let rpc = RpcConfig {
        dev_keys: None,
        ..config()
    };
    let node = Node::with(rpc, chain, Mining::Manual).await;
    assert_eq!(node.ok("eth_accounts", json!([])).await, json!([]));
    let request = json!([{"from": node.account(0), "to": node.account(1)}]);
    node.refuses("eth_sendTransaction", request, -32000, "unknown account")
        .await;
    let table = capstan_rpc::Methods::all();
    let dev: Vec<&str> = table
        .rows()
        .iter()
        .filter(|row| row.offer == capstan_rpc::methods::Offer::Dev)
        .map(|row| row.name)
        .collect();
    assert!(dev.len() > 30);
    for method in dev {
        node.refuses(method, json!([]), -32601, "capstan dev").await;
    }
    for row in table
        .rows()
        .iter()
        .filter(|row| row.offer == capstan_rpc::methods::Offer::Always)
    {
        let toy = ["evm_", "anvil_", "hardhat_"]
            .iter()
            .any(|prefix| row.name.starts_with(prefix));
        assert!(
            !toy,
            "{} changes the chain at will, but is offered always",
            row.name
        );
    }
}
