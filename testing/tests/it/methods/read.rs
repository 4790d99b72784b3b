//! Lookups: blocks, transactions, receipts, accounts.

use alloy_primitives::{Address, B256, U256, keccak256};
use capstan_chain::{ChainConfig, ForkAt, Genesis, VersionAt};
use capstan_evm::Fork;
use capstan_rpc::RpcConfig;
use serde_json::{Value, json};

use super::code;
use super::node::{Node, Send, bytes, quantity};

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_found_by_every_name() {
    let node = Node::start().await;
    node.send(Send::to(0, node.address(1)).value(7));
    let block = node.mine().await;
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, json!("0x1"));
    assert_eq!(node.ok("eth_chainId", json!([])).await, json!("0x7a69"));
    let by_hash = node
        .ok("eth_getBlockByHash", json!([block.hash(), false]))
        .await;
    for name in ["0x1", "latest", "safe", "finalized"] {
        assert_eq!(
            node.ok("eth_getBlockByNumber", json!([name, false])).await,
            by_hash,
            "{name}"
        );
    }
    assert_eq!(by_hash["hash"], json!(block.hash()));
    assert_eq!(
        by_hash["transactions"],
        json!([block.transactions[0].tx_hash()])
    );
    // The hash is what Ethereum's own rule makes of the header that was answered.
    let header: alloy_rpc_types_eth::Header = serde_json::from_value(by_hash.clone()).unwrap();
    assert_eq!(header.inner.hash_slow(), block.hash());
    let genesis = node
        .ok("eth_getBlockByNumber", json!(["earliest", true]))
        .await;
    assert_eq!(genesis["number"], json!("0x0"));
    assert_eq!(by_hash["parentHash"], genesis["hash"]);
    let headers = node.ok("eth_getHeaderByNumber", json!(["latest"])).await;
    assert_eq!(headers["hash"], by_hash["hash"]);
    assert_eq!(
        headers,
        node.ok("eth_getHeaderByHash", json!([block.hash()])).await
    );
    assert!(headers.get("transactions").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_is_the_block_that_would_be_made() {
    let node = Node::start().await;
    let hash = node.send(Send::to(0, node.address(1)).value(7));
    let pending = node
        .ok("eth_getBlockByNumber", json!(["pending", false]))
        .await;
    assert_eq!(pending["number"], json!("0x1"));
    assert_eq!(pending["transactions"], json!([hash]));
    let count = |block: &str| {
        let (params, node) = (json!([node.address(0), block]), &node);
        async move { node.ok("eth_getTransactionCount", params).await }
    };
    assert_eq!(count("latest").await, json!("0x0"));
    assert_eq!(count("pending").await, json!("0x1"));
    let waiting = node.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(waiting["blockHash"], Value::Null);
    assert_eq!(
        node.ok("eth_getTransactionReceipt", json!([hash])).await,
        Value::Null
    );
    let one_more = node
        .ok("eth_getBalance", json!([node.address(1), "pending"]))
        .await;
    let before = node
        .ok("eth_getBalance", json!([node.address(1), "latest"]))
        .await;
    let wei = |value: &Value| value.as_str().unwrap().parse::<U256>().unwrap();
    assert_eq!(wei(&one_more) - wei(&before), U256::from(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_null() {
    let node = Node::start().await;
    let nowhere = B256::repeat_byte(0xab);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x99", false])),
        ("eth_getBlockByHash", json!([nowhere, true])),
        ("eth_getHeaderByNumber", json!(["0x99"])),
        ("eth_getHeaderByHash", json!([nowhere])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x99"])),
        ("eth_getBlockTransactionCountByHash", json!([nowhere])),
        ("eth_getUncleCountByBlockNumber", json!(["0x99"])),
        ("eth_getUncleCountByBlockHash", json!([nowhere])),
        ("eth_getUncleByBlockNumberAndIndex", json!(["0x0", "0x0"])),
        ("eth_getUncleByBlockHashAndIndex", json!([nowhere, "0x0"])),
        ("eth_getBlockReceipts", json!(["0x99"])),
        ("eth_getBlockReceipts", json!([nowhere])),
        ("eth_getBlockAccessList", json!(["0x99"])),
        ("eth_getTransactionByHash", json!([nowhere])),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["0x0", "0x0"]),
        ),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!([nowhere, "0x0"]),
        ),
        (
            "eth_getTransactionBySenderAndNonce",
            json!([Address::ZERO, "0x0"]),
        ),
        ("eth_getRawTransactionByHash", json!([nowhere])),
        (
            "eth_getRawTransactionByBlockNumberAndIndex",
            json!(["0x0", "0x5"]),
        ),
        (
            "eth_getRawTransactionByBlockHashAndIndex",
            json!([nowhere, "0x0"]),
        ),
        ("eth_getTransactionReceipt", json!([nowhere])),
    ] {
        assert_eq!(
            node.ok(method, params.clone()).await,
            Value::Null,
            "{method} {params}"
        );
    }
    assert_eq!(
        node.ok("eth_getUncleCountByBlockNumber", json!(["latest"]))
            .await,
        json!("0x0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn state_at_a_block_that_is_not_there_is_an_error() {
    let node = Node::start().await;
    let account = Address::ZERO;
    for block in [
        json!("0x99"),
        json!({"blockHash": B256::repeat_byte(1)}),
        json!({"blockNumber": "0x99"}),
    ] {
        for (method, params) in [
            ("eth_getBalance", json!([account, block])),
            ("eth_getCode", json!([account, block])),
            ("eth_getTransactionCount", json!([account, block])),
            ("eth_getStorageAt", json!([account, "0x0", block])),
            ("eth_getProof", json!([account, [], block])),
            ("eth_call", json!([{"to": account}, block])),
            ("eth_estimateGas", json!([{"to": account}, block])),
            ("eth_createAccessList", json!([{"to": account}, block])),
            ("eth_simulateV1", json!([{"blockStateCalls": [{}]}, block])),
            ("debug_traceCall", json!([{"to": account}, block])),
            ("debug_getRawHeader", json!([block])),
        ] {
            let fault = node.fault(method, params.clone()).await;
            assert_eq!(
                (fault.code, fault.message.as_str()),
                (-32000, "header not found"),
                "{method} {params}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_and_receipts_agree_by_every_name() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let hashes: Vec<_> = (0..3)
        .map(|from| node.send(Send::to(from, counter)))
        .collect();
    let block = node.mine().await;
    let all = node.ok("eth_getBlockReceipts", json!(["latest"])).await;
    assert_eq!(
        all,
        node.ok("eth_getBlockReceipts", json!([block.hash()])).await
    );
    let count = node
        .ok("eth_getBlockTransactionCountByNumber", json!(["latest"]))
        .await;
    assert_eq!(quantity(&count), block.transactions.len() as u64);
    let full = node
        .ok("eth_getBlockByHash", json!([block.hash(), true]))
        .await;
    for (index, tx) in block.transactions.iter().enumerate() {
        let (hash, place) = (tx.tx_hash(), format!("{index:#x}"));
        let by_hash = node.ok("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(by_hash, full["transactions"][index]);
        let params = json!(["latest", place]);
        assert_eq!(
            by_hash,
            node.ok("eth_getTransactionByBlockNumberAndIndex", params)
                .await
        );
        let params = json!([block.hash(), place]);
        assert_eq!(
            by_hash,
            node.ok("eth_getTransactionByBlockHashAndIndex", params)
                .await
        );
        assert_eq!(
            all[index],
            node.ok("eth_getTransactionReceipt", json!([hash])).await
        );
        // The raw bytes hash to the transaction's hash.
        let raw = node.ok("eth_getRawTransactionByHash", json!([hash])).await;
        assert_eq!(keccak256(bytes(&raw)), *hash);
        assert_eq!(raw, node.ok("debug_getRawTransaction", json!([hash])).await);
        let params = json!(["latest", place]);
        assert_eq!(
            raw,
            node.ok("eth_getRawTransactionByBlockNumberAndIndex", params)
                .await
        );
    }
    for hash in hashes {
        let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], json!("0x1"));
        assert_eq!(receipt["logs"][0]["topics"], json!([code::COUNTED]));
    }
    let params = json!([node.address(1), "0x0"]);
    let by_sender = node.ok("eth_getTransactionBySenderAndNonce", params).await;
    assert_eq!(by_sender["from"], json!(node.address(1)));
    let total: u64 = all
        .as_array()
        .unwrap()
        .iter()
        .map(|r| quantity(&r["gasUsed"]))
        .sum();
    assert_eq!(total, block.header.gas_used);
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_bytes_hash_to_what_the_header_says() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    node.send(Send::to(1, counter));
    let block = node.mine().await;
    let header = bytes(&node.ok("debug_getRawHeader", json!(["latest"])).await);
    assert_eq!(keccak256(&header), block.hash());
    let raw = bytes(&node.ok("debug_getRawBlock", json!(["latest"])).await);
    assert_eq!(raw.len() as u64, block.size);
    let decoded = <alloy_consensus::Block<capstan_evm::Tx> as alloy_rlp::Decodable>::decode(
        &mut raw.as_ref(),
    );
    assert_eq!(
        decoded.expect("an Ethereum block").header,
        *block.header.inner()
    );
    let list = bytes(
        &node
            .ok("debug_getRawBlockAccessList", json!(["latest"]))
            .await,
    );
    assert_eq!(Some(keccak256(&list)), block.header.block_access_list_hash);
    let receipts = node.ok("debug_getRawReceipts", json!(["latest"])).await;
    let receipts: Vec<_> = receipts.as_array().unwrap().iter().map(bytes).collect();
    let root = alloy_trie::root::ordered_trie_root_with_encoder(&receipts, |bytes, out| {
        out.extend_from_slice(bytes);
    });
    assert_eq!(root, block.header.receipts_root);
    let accesses = node.ok("eth_getBlockAccessList", json!(["latest"])).await;
    let touched = accesses
        .as_array()
        .unwrap()
        .iter()
        .any(|entry| entry["address"] == json!(counter));
    assert!(
        touched,
        "the counter stands in the access list: {accesses:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_many_accounts_come_at_once() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    node.send(Send::to(0, counter));
    node.mine().await;
    let nobody = Address::repeat_byte(0x42);
    let asked = json!({counter.to_string(): ["0x0", "0x1"], nobody.to_string(): ["0x0"]});
    for (block, count) in [("0x1", 0), ("latest", 1)] {
        let answer = node.ok("eth_getStorageValues", json!([asked, block])).await;
        let words = |words: &[u64]| -> Vec<B256> {
            words.iter().map(|word| U256::from(*word).into()).collect()
        };
        let found = |address: Address| answer[address.to_string().to_lowercase()].clone();
        assert_eq!(found(counter), json!(words(&[count, 0])), "{block}");
        assert_eq!(found(nobody), json!(words(&[0])), "{block}");
    }
    let many: Vec<String> = (0..1_025).map(|slot| format!("{slot:#x}")).collect();
    let many = json!([{nobody.to_string(): many}]);
    assert_eq!(node.fault("eth_getStorageValues", many).await.code, -32602);
    assert_eq!(node.ok("debug_getBadBlocks", json!([])).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_read_at_any_block() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    for _ in 0..3 {
        node.send(Send::to(0, counter));
        node.mine().await;
    }
    for (height, expected) in [
        ("0x0", 0),
        ("0x1", 0),
        ("0x2", 1),
        ("0x3", 2),
        ("latest", 3),
    ] {
        let word = node
            .ok("eth_getStorageAt", json!([counter, "0x0", height]))
            .await;
        assert_eq!(word, json!(B256::from(U256::from(expected))), "{height}");
    }
    let hash = node.chain.block(2).unwrap().unwrap().hash();
    for block in [
        json!({"blockHash": hash}),
        json!({"blockHash": hash, "requireCanonical": true}),
        json!({"blockNumber": "0x2"}),
        json!(hash),
    ] {
        let word = node
            .ok("eth_getStorageAt", json!([counter, "0x00", block]))
            .await;
        assert_eq!(word, json!(B256::from(U256::from(1))), "{block}");
    }
    assert_eq!(
        bytes(&node.ok("eth_getCode", json!([counter, "latest"])).await),
        code::counter()
    );
    assert_eq!(
        node.ok("eth_getCode", json!([counter, "0x0"])).await,
        json!("0x")
    );
    assert_eq!(
        node.ok("eth_getCode", json!([counter])).await,
        node.ok("eth_getCode", json!([counter, "latest"])).await
    );
    assert_eq!(
        node.ok("eth_getTransactionCount", json!([node.address(0), "0x2"]))
            .await,
        json!("0x2")
    );
    let long = format!("0x{}", "0".repeat(65));
    let fault = node
        .fault("eth_getStorageAt", json!([counter, long, "latest"]))
        .await;
    assert_eq!(fault.code, -32602);
}

/// EIP-7910 with a schedule: what is in force, what comes next, and what comes last, by height and expected time.
#[tokio::test(flavor = "multi_thread")]
async fn eth_config_says_what_is_scheduled() {
    let fork = |from, fork| ForkAt { from, fork };
    let version = |from, version| VersionAt { from, version };
    let genesis = Genesis {
        forks: vec![
            fork(0, Fork::Cancun),
            fork(2, Fork::Prague),
            fork(1_000, Fork::Osaka),
        ],
        versions: vec![version(0, 1), version(400, 2)],
        pace_ms: 500,
        ..Genesis::dev(10, 0)
    };
    let node = Node::with(ChainConfig::dev(genesis), RpcConfig::default()).await;
    let config = async || node.ok("eth_config", json!([])).await;
    let before = config().await;
    let shape = |part: &Value| {
        let fields = ["activationBlock", "protocolVersion"].map(|name| quantity(&part[name]));
        let has = |name: &str| part["precompiles"].get(name).is_some();
        let contracts = part["systemContracts"]
            .as_object()
            .map_or(0, |map| map.len());
        (fields, has("BLS12_G1ADD"), has("P256VERIFY"), contracts)
    };
    let cancun = ([0, 1], false, false, 1);
    let prague = ([2, 1], true, false, 2);
    let second = ([400, 2], true, false, 2);
    let osaka = ([1_000, 2], true, true, 2);
    assert_eq!(shape(&before["current"]), cancun);
    assert_eq!(before["current"]["activationTime"], json!(0));
    assert_eq!(shape(&before["next"]), prague);
    assert_eq!(shape(&before["last"]), osaka);
    // The estimate: head's time and the pace for each block until then.
    let head = node.chain.head();
    let expected = (head.time_ms() + 500 * 1_000) / 1_000;
    assert_eq!(before["last"]["activationTime"], json!(expected));

    node.mine().await;
    let activated = node.mine().await;
    let after = config().await;
    assert_eq!(shape(&after["current"]), prague);
    assert_eq!(
        after["current"]["activationTime"],
        json!(activated.header.timestamp),
        "what has come has the time that it had"
    );
    assert_eq!(after["current"]["forkId"], before["next"]["forkId"]);
    assert_eq!(shape(&after["next"]), second);
    assert_eq!(after["last"]["forkId"], before["last"]["forkId"]);
    let ids = [
        &before["current"],
        &before["next"],
        &after["next"],
        &after["last"],
    ];
    let ids: std::collections::BTreeSet<_> = ids.map(|part| part["forkId"].to_string()).into();
    assert_eq!(ids.len(), 4, "each configuration has its id: {ids:?}");

    // Nothing scheduled: nothing to come.
    let plain = Node::start().await.ok("eth_config", json!([])).await;
    assert_eq!(
        (&plain["next"], &plain["last"]),
        (&json!(null), &json!(null))
    );
}
