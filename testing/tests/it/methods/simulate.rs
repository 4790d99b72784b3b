//! `eth_simulateV1`: against really executing the same transactions, and the rules of its errors.

use alloy_primitives::{Address, B256, U256, hex};
use serde_json::{Value, json};

use super::code;
use super::node::{Node, Send, bytes, quantity};

async fn simulate(node: &Node, blocks: Value) -> Value {
    node.ok(
        "eth_simulateV1",
        json!([{"blockStateCalls": blocks}, "latest"]),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn simulation_is_what_then_happens() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let forwarder = node.deploy(&code::forwarder(counter)).await;
    let reverter = node.deploy(&code::reverter()).await;
    let from = node.address(1);
    let targets = [counter, forwarder, reverter, counter];
    let calls: Vec<Value> = targets
        .iter()
        .map(|to| json!({"from": from, "to": to, "gas": "0xf4240", "maxFeePerGas": "0x174876e800", "maxPriorityFeePerGas": "0x3e8"}))
        .collect();
    let payload = json!({"blockStateCalls": [{"calls": calls}], "validation": true, "returnFullTransactions": true});
    let simulated = node.ok("eth_simulateV1", json!([payload, "latest"])).await;
    let hashes: Vec<B256> = targets
        .iter()
        .map(|to| node.send(Send::to(1, *to)))
        .collect();
    let block = node.mine().await;
    let block_of = &simulated[0];
    assert_eq!(quantity(&block_of["number"]), block.number());
    assert_eq!(block_of["parentHash"], json!(block.header.parent_hash));
    assert_eq!(quantity(&block_of["baseFeePerGas"]), block.base_fee_wei());
    for (index, hash) in hashes.iter().enumerate() {
        let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
        let call = &block_of["calls"][index];
        for field in ["gasUsed", "status"] {
            assert_eq!(call[field], receipt[field], "{field} of call {index}");
        }
        let logs = |of: &Value| {
            let list = of["logs"].as_array().unwrap().clone();
            list.into_iter()
                .map(|log| {
                    (
                        log["address"].clone(),
                        log["topics"].clone(),
                        log["data"].clone(),
                        log["logIndex"].clone(),
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(logs(call), logs(&receipt), "logs of call {index}");
        assert_eq!(block_of["transactions"][index]["from"], json!(from));
        assert_eq!(
            quantity(&block_of["transactions"][index]["nonce"]),
            index as u64
        );
    }
    assert_eq!(quantity(&block_of["gasUsed"]), block.header.gas_used);
    // Told the time of the block that was then made, it has that block's state, to the root.
    let header = &block.header;
    let parent = json!({"blockHash": header.parent_hash});
    let at_that_time = json!({"time": format!("{:#x}", header.timestamp), "beaconRoot": header.parent_beacon_block_root, "feeRecipient": header.beneficiary});
    let payload = json!({"blockStateCalls": [{"calls": calls, "blockOverrides": at_that_time}], "validation": true});
    let again = node.ok("eth_simulateV1", json!([payload, parent])).await;
    assert_eq!(again[0]["stateRoot"], json!(header.state_root));
    assert_eq!(again[0]["receiptsRoot"], json!(header.receipts_root));
    assert_eq!(block_of["logsBloom"], json!(block.header.logs_bloom));
    assert_eq!(
        block_of["calls"][0]["returnData"],
        json!(B256::from(U256::from(1)))
    );
    assert_eq!(
        block_of["calls"][3]["returnData"],
        json!(B256::from(U256::from(3)))
    );
    let reverted = &block_of["calls"][2]["error"];
    assert_eq!(
        (&reverted["code"], &reverted["message"]),
        (&json!(3), &json!("execution reverted"))
    );
    let logged = &block_of["calls"][0]["logs"][0];
    assert_eq!(logged["blockHash"], block_of["hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_follow_each_other() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let seen = node.deploy(&code::surroundings()).await;
    let blocks = simulate(&node, json!([
        {"calls": [{"to": counter}]},
        {"blockOverrides": {"number": "0x6", "time": "0x10000000000", "feeRecipient": counter},
         "stateOverrides": {counter.to_string(): {"stateDiff": {B256::ZERO.to_string(): B256::from(U256::from(50))}}},
         "calls": [{"to": counter}, {"to": seen}]},
        {"calls": [{"to": counter}]},
    ])).await;
    let blocks = blocks.as_array().unwrap();
    // The gap 4, 5 is filled.
    let numbers: Vec<u64> = blocks
        .iter()
        .map(|block| quantity(&block["number"]))
        .collect();
    assert_eq!(numbers, [3, 4, 5, 6, 7]);
    for pair in blocks.windows(2) {
        assert_eq!(pair[1]["parentHash"], pair[0]["hash"]);
        assert!(quantity(&pair[1]["timestamp"]) > quantity(&pair[0]["timestamp"]));
        let header: alloy_rpc_types_eth::Header = serde_json::from_value(pair[1].clone()).unwrap();
        assert_eq!(json!(header.inner.hash_slow()), pair[1]["hash"]);
    }
    let returned = |block: usize, call: usize| {
        U256::from_be_slice(&bytes(&blocks[block]["calls"][call]["returnData"])[..32])
    };
    assert_eq!(
        [returned(0, 0), returned(3, 0), returned(4, 0)],
        [1, 51, 52].map(|n: u64| U256::from(n))
    );
    assert_eq!(returned(3, 1), U256::from(6), "NUMBER");
    assert_eq!(quantity(&blocks[3]["timestamp"]), 1 << 40);
    assert_eq!(
        blocks[3]["miner"].as_str().unwrap().to_lowercase(),
        counter.to_string().to_lowercase()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_are_logged_as_erc20_would() {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let forwarder = node.deploy(&code::forwarder(counter)).await;
    let from = node.address(1);
    let payload = json!({"blockStateCalls": [{"calls": [{"from": from, "to": forwarder, "value": "0x5"}]}], "traceTransfers": true});
    let simulated = node.ok("eth_simulateV1", json!([payload, "latest"])).await;
    let logs = simulated[0]["calls"][0]["logs"].as_array().unwrap();
    let short: Vec<_> = logs
        .iter()
        .map(|log| {
            (
                log["address"].as_str().unwrap().to_lowercase(),
                log["topics"].as_array().unwrap().len(),
            )
        })
        .collect();
    let ether = "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee".to_owned();
    assert_eq!(
        short,
        [
            (ether.clone(), 3),
            (ether, 3),
            (counter.to_string().to_lowercase(), 1)
        ]
    );
    assert_eq!(logs[0]["topics"][1], json!(from.into_word()));
    assert_eq!(
        logs[1]["topics"],
        json!([
            logs[0]["topics"][0],
            forwarder.into_word(),
            counter.into_word()
        ])
    );
    assert_eq!(logs[1]["data"], json!(B256::from(U256::from(5))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_run_fails_with_its_own_code() {
    let node = Node::start().await;
    let rich = node.address(1);
    let poor = Address::repeat_byte(0x42);
    let fee = "0x174876e800";
    let many: Vec<Value> = (0..257).map(|_| json!({})).collect();
    for (validation, blocks, code) in [
        (
            true,
            json!([{"calls": [{"from": rich, "to": poor, "nonce": "0x5", "maxFeePerGas": fee}]}]),
            -38011,
        ),
        (
            true,
            json!([{"stateOverrides": {rich.to_string(): {"nonce": "0x5"}}, "calls": [{"from": rich, "to": poor, "nonce": "0x0", "maxFeePerGas": fee}]}]),
            -38010,
        ),
        (
            true,
            json!([{"calls": [{"from": rich, "to": poor, "maxFeePerGas": "0x1"}]}]),
            -38012,
        ),
        (
            true,
            json!([{"calls": [{"from": rich, "to": poor}]}]),
            -38012,
        ),
        (
            true,
            json!([{"calls": [{"from": rich, "to": poor, "gas": "0x1", "maxFeePerGas": fee}]}]),
            -38013,
        ),
        (
            false,
            json!([{"calls": [{"from": poor, "to": rich, "value": "0x1"}]}]),
            -38014,
        ),
        (
            true,
            json!([{"calls": [{"from": poor, "to": rich, "maxFeePerGas": fee}]}]),
            -38014,
        ),
        (
            false,
            json!([{"blockOverrides": {"gasLimit": "0x5208"}, "calls": [{"from": rich, "to": poor, "gas": "0x5209"}]}]),
            -38015,
        ),
        (
            false,
            json!([{"blockOverrides": {"number": "0x0"}}]),
            -38020,
        ),
        (false, json!([{"blockOverrides": {"time": "0x1"}}]), -38021),
        (
            false,
            json!([{"stateOverrides": {"0x0000000000000000000000000000000000000001": {"movePrecompileToAddress": "0x0000000000000000000000000000000000000001"}}}]),
            -38022,
        ),
        (
            true,
            json!([{"stateOverrides": {rich.to_string(): {"code": "0x00"}}, "calls": [{"from": rich, "to": poor, "maxFeePerGas": fee}]}]),
            -38024,
        ),
        (false, json!(many), -38026),
        (false, json!([]), -32602),
        (
            false,
            json!([{"calls": [{"to": poor, "maxFeePerBlobGas": "0x1"}]}]),
            -32602,
        ),
    ] {
        let payload = json!({"blockStateCalls": blocks, "validation": validation});
        let fault = node
            .fault("eth_simulateV1", json!([payload, "latest"]))
            .await;
        assert_eq!(fault.code, code, "{payload}: {}", fault.message);
    }
    // Without validation the same mistakes are forgiven.
    let forgiven = json!([{"calls": [{"from": rich, "to": poor, "nonce": "0x5"}, {"from": poor, "to": rich}]}]);
    assert_eq!(
        simulate(&node, forgiven).await[0]["calls"][1]["status"],
        json!("0x1")
    );
    let halt = json!([{"stateOverrides": {poor.to_string(): {"code": hex::encode_prefixed([0xfe])}}, "calls": [{"to": poor}]}]);
    let answer = simulate(&node, halt).await;
    let error = &answer[0]["calls"][0]["error"];
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!(-32015), &json!("invalid opcode: INVALID"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_precompiles_answer_at_their_new_place() {
    let node = Node::start().await;
    let (identity, moved) = (
        "0x0000000000000000000000000000000000000004",
        Address::repeat_byte(0x44),
    );
    let over = json!({identity: {"movePrecompileToAddress": moved}});
    let calls = json!([{"to": moved, "input": "0x010203"}, {"to": identity, "input": "0x010203"}]);
    let answer = simulate(&node, json!([{"stateOverrides": over, "calls": calls}])).await;
    let returned = |index: usize| answer[0]["calls"][index]["returnData"].clone();
    assert_eq!((returned(0), returned(1)), (json!("0x010203"), json!("0x")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_precompile_is_back_in_the_next_block() {
    let node = Node::start().await;
    let identity = "0x0000000000000000000000000000000000000004";
    let (first, second) = (Address::repeat_byte(0x44), Address::repeat_byte(0x45));
    let move_to = |to: Address| json!({identity: {"movePrecompileToAddress": to}});
    let ask = |to: &dyn std::fmt::Display| json!({"to": to.to_string(), "input": "0x0102"});
    let answer = simulate(
        &node,
        json!([
            {"stateOverrides": move_to(first), "calls": [ask(&first), ask(&identity)]},
            {"calls": [ask(&first), ask(&identity)]},
            {"stateOverrides": move_to(second), "calls": [ask(&first), ask(&second), ask(&identity)]},
        ]),
    )
    .await;
    let returned = |block: usize| -> Vec<String> {
        let calls = answer[block]["calls"].as_array().unwrap().iter();
        calls
            .map(|call| call["returnData"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(returned(0), ["0x0102", "0x"]);
    assert_eq!(returned(1), ["0x", "0x0102"]);
    assert_eq!(returned(2), ["0x", "0x0102", "0x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_blocks_begin_like_real_ones() {
    let node = Node::start().await;
    let parent = node.mine().await;
    // EIP-2935: the contract answers the hash of a recent block.
    let history = "0x0000f90827f1c53a10cb7a02335b175320002935";
    let ask = |height: u64| json!({"to": history, "input": format!("{height:#066x}")});
    let answer = simulate(
        &node,
        json!([{"calls": [ask(parent.number())]}, {"calls": [ask(parent.number() + 1)]}]),
    )
    .await;
    assert_eq!(answer[0]["calls"][0]["returnData"], json!(parent.hash()));
    assert_eq!(answer[1]["calls"][0]["returnData"], answer[0]["hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_that_native_contracts_move_are_logged_too() {
    let node = Node::start().await;
    let list = node.ok("capstan_contracts", json!([])).await;
    let mut contracts = list.as_array().unwrap().iter();
    let ether = contracts
        .find(|contract| contract["name"] == json!("ether"))
        .unwrap();
    let (from, to) = (node.address(1), Address::repeat_byte(0x42));
    // transfer(to, 5) of the gas coin's ERC-20 face.
    let mut transfer = vec![0xa9, 0x05, 0x9c, 0xbb];
    transfer.extend(to.into_word());
    transfer.extend(B256::from(U256::from(5)));
    let call =
        json!({"from": from, "to": ether["address"], "input": hex::encode_prefixed(transfer)});
    let payload = json!({"blockStateCalls": [{"calls": [call]}], "traceTransfers": true});
    let answer = node.ok("eth_simulateV1", json!([payload, "latest"])).await;
    let logs = answer[0]["calls"][0]["logs"].as_array().unwrap();
    let of_coins = |log: &&Value| {
        let emitter = log["address"].as_str().unwrap().to_lowercase();
        emitter == "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
    };
    let coins: Vec<&Value> = logs.iter().filter(of_coins).collect();
    assert_eq!(coins.len(), 1, "{logs:#?}");
    assert_eq!(coins[0]["topics"][1], json!(from.into_word()));
    assert_eq!(coins[0]["topics"][2], json!(to.into_word()));
    assert_eq!(coins[0]["data"], json!(B256::from(U256::from(5))));
}
