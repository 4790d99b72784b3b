//! The verbs of a development chain.

use alloy_primitives::{Address, B256, U256, hex};
use alloy_sol_types::SolCall;
use capstan_contracts::ledger::ILedger;
use serde_json::{Value, json};

use super::node::{Node, quantity};

const SOMEBODY: Address = Address::repeat_byte(0x42);

/// A setter under each of its names, seen by the getter at once and after the next block.
async fn check(
    node: &Node,
    names: &[&str],
    params: impl Fn(usize) -> Value,
    get: (&str, Value),
    expect: impl Fn(usize) -> Value,
) {
    for (round, name) in names.iter().enumerate() {
        assert_eq!(node.ok(name, params(round)).await, true, "{name}");
        assert_eq!(node.ok(get.0, get.1.clone()).await, expect(round), "{name}");
        node.mine().await;
        assert_eq!(
            node.ok(get.0, get.1.clone()).await,
            expect(round),
            "{name}, a block later"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_set_at_once_and_by_the_next_block() {
    let node = Node::start().await;
    let at_latest = json!([SOMEBODY, "latest"]);
    check(
        &node,
        &[
            "hardhat_setBalance",
            "anvil_setBalance",
            "evm_setAccountBalance",
        ],
        |round| json!([SOMEBODY, format!("{:#x}", 100 + round)]),
        ("eth_getBalance", at_latest.clone()),
        |round| json!(format!("{:#x}", 100 + round)),
    )
    .await;
    node.ok("anvil_addBalance", json!([SOMEBODY, 8])).await;
    assert_eq!(node.ok("eth_getBalance", at_latest.clone()).await, "0x6e");
    node.refuses(
        "anvil_addBalance",
        json!([SOMEBODY, U256::MAX]),
        -32602,
        "exceeds 2^256",
    )
    .await;
    check(
        &node,
        &["hardhat_setNonce", "anvil_setNonce", "evm_setAccountNonce"],
        |round| json!([SOMEBODY, 7 + round]),
        ("eth_getTransactionCount", at_latest.clone()),
        |round| json!(format!("{:#x}", 7 + round)),
    )
    .await;
    check(
        &node,
        &["hardhat_setCode", "anvil_setCode", "evm_setAccountCode"],
        |round| json!([SOMEBODY, format!("0x60{:02x}", round)]),
        ("eth_getCode", at_latest.clone()),
        |round| json!(format!("0x60{:02x}", round)),
    )
    .await;
    let word = |round: usize| json!(B256::from(U256::from(round + 1)));
    check(
        &node,
        &[
            "hardhat_setStorageAt",
            "anvil_setStorageAt",
            "evm_setAccountStorageAt",
        ],
        |round| json!([SOMEBODY, "0x5", word(round)]),
        ("eth_getStorageAt", json!([SOMEBODY, "0x5", "latest"])),
        word,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back() {
    let node = Node::start().await;
    let first = node.ok("evm_snapshot", json!([])).await;
    node.ok("anvil_setBalance", json!([SOMEBODY, "0x5"])).await;
    node.mine().await;
    let second = node.ok("anvil_snapshot", json!([])).await;
    node.mine().await;
    assert_eq!(node.ok("anvil_revert", json!([second])).await, true);
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x1");
    assert_eq!(
        node.ok("eth_getBalance", json!([SOMEBODY, "latest"])).await,
        "0x5"
    );
    assert_eq!(node.ok("evm_revert", json!([first])).await, true);
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x0");
    assert_eq!(
        node.ok("eth_getBalance", json!([SOMEBODY, "latest"])).await,
        "0x0"
    );
    assert_eq!(node.ok("evm_revert", json!([first])).await, false);
    node.ok("hardhat_mine", json!([5])).await;
    assert_eq!(node.ok("anvil_rollback", json!([])).await, true);
    assert_eq!(node.ok("anvil_rollback", json!([3])).await, true);
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x1");
    node.refuses("anvil_rollback", json!([2]), -32602, "the chain has 1")
        .await;
    for reset in ["hardhat_reset", "anvil_reset"] {
        node.ok("eth_sendRawTransaction", json!([node.transfer(0, 0)]))
            .await;
        node.mine().await;
        node.ok("eth_sendRawTransaction", json!([node.transfer(0, 1)]))
            .await;
        assert_eq!(node.ok(reset, json!([])).await, true);
        assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x0");
        assert_eq!(node.ok("txpool_status", json!([])).await["pending"], "0x0");
        node.refuses(
            reset,
            json!([{"forking": {"jsonRpcUrl": "http://x"}}]),
            -32004,
            "forking",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_on_demand_and_when_they_are_made() {
    let node = Node::start().await;
    assert_eq!(node.ok("evm_mine", json!([])).await, "0x0");
    node.ok("anvil_evm_mine", json!([{"blocks": 2}])).await;
    node.ok("hardhat_mine", json!(["0x3", "0x3c"])).await;
    node.ok("anvil_mine", json!([4])).await;
    let head = node.chain.head();
    assert_eq!(head.number(), 10);
    let time = |number: u64| {
        node.chain
            .block(number)
            .expect("readable")
            .expect("there")
            .time_ms()
    };
    assert_eq!(time(6) - time(5), 60_000);
    node.refuses(
        "hardhat_mine",
        json!(["0xffffff"]),
        -32602,
        "the limit is 10000",
    )
    .await;
    for get in ["hardhat_getAutomine", "anvil_getAutomine"] {
        for set in ["evm_setAutomine", "anvil_setAutomine"] {
            for on in [true, false] {
                node.ok(set, json!([on])).await;
                assert_eq!(node.ok(get, json!([])).await, on);
            }
        }
    }
    for (set, pace, seconds) in [
        ("evm_setIntervalMining", 100, json!(0.1)),
        ("anvil_setIntervalMining", 1, json!(1.0)),
    ] {
        node.ok(set, json!([pace])).await;
        assert_eq!(node.ok("anvil_getIntervalMining", json!([])).await, seconds);
        let before = node.chain.head().number();
        let patience = tokio::time::Instant::now() + super::node::PATIENCE;
        while node.chain.head().number() <= before {
            assert!(
                tokio::time::Instant::now() < patience,
                "no block comes at {set} {pace}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        node.ok(set, json!([0])).await;
        assert_eq!(
            node.ok("anvil_getIntervalMining", json!([])).await,
            Value::Null
        );
    }
    for name in ["evm_setBlockGasLimit", "anvil_setBlockGasLimit"] {
        node.refuses(name, json!(["0x1"]), -32004, "fixed by the genesis file")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_moves_ahead() {
    let node = Node::start().await;
    let now = node.mine().await.header.timestamp;
    for (round, name) in ["evm_increaseTime", "anvil_increaseTime"]
        .iter()
        .enumerate()
    {
        let ahead = node.ok(name, json!([1_000])).await;
        assert_eq!(ahead.as_u64(), Some(1_000 * (round as u64 + 1)));
    }
    let later = node.mine().await.header.timestamp;
    assert!((2_000..2_060).contains(&(later - now)), "{now} {later}");
    for (round, name) in ["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"]
        .iter()
        .enumerate()
    {
        let at = later + 10_000 * (round as u64 + 1);
        node.ok(name, json!([format!("{at:#x}")])).await;
        assert_eq!(node.mine().await.header.timestamp, at);
    }
    for (round, name) in ["evm_setTime", "anvil_setTime"].iter().enumerate() {
        let at = later + 100_000 * (round as u64 + 1);
        assert!(node.ok(name, json!([at])).await.is_i64());
        assert!((at..at + 60).contains(&node.mine().await.header.timestamp));
    }
    let at = later + 1_000_000;
    node.ok("evm_mine", json!([at])).await;
    assert_eq!(node.chain.head().header.timestamp, at);
    let fault = node.fault("evm_setNextBlockTimestamp", json!([1])).await;
    assert_eq!(fault.code, -32000, "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_block_is_shaped() {
    let node = Node::start().await;
    for (round, name) in [
        "hardhat_setNextBlockBaseFeePerGas",
        "anvil_setNextBlockBaseFeePerGas",
    ]
    .iter()
    .enumerate()
    {
        let wei = 20_000_000_000 + round as u64;
        node.ok(name, json!([wei])).await;
        assert_eq!(node.mine().await.base_fee_wei(), wei);
    }
    for (round, name) in ["hardhat_setCoinbase", "anvil_setCoinbase"]
        .iter()
        .enumerate()
    {
        let miner = Address::repeat_byte(round as u8 + 1);
        node.ok(name, json!([miner])).await;
        node.mine().await;
        assert_eq!(node.mine().await.header.beneficiary, miner);
    }
    for (round, name) in ["hardhat_setPrevRandao", "anvil_setPrevRandao"]
        .iter()
        .enumerate()
    {
        let word = B256::repeat_byte(round as u8 + 1);
        node.ok(name, json!([word])).await;
        assert_eq!(node.mine().await.header.mix_hash, word);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_transactions_can_be_forgotten() {
    let node = Node::start().await;
    for name in ["hardhat_dropTransaction", "anvil_dropTransaction"] {
        let hash = node
            .ok("eth_sendRawTransaction", json!([node.transfer(0, 0)]))
            .await;
        assert_eq!(node.ok(name, json!([hash])).await, true);
        assert_eq!(node.ok(name, json!([hash])).await, false);
    }
    for nonce in 0..3 {
        node.ok("eth_sendRawTransaction", json!([node.transfer(0, nonce)]))
            .await;
    }
    assert_eq!(node.ok("anvil_dropAllTransactions", json!([])).await, 3);
    assert_eq!(node.ok("txpool_status", json!([])).await["pending"], "0x0");
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_as_an_account_without_its_key() {
    let node = Node::instant().await;
    let whale = Address::repeat_byte(0x0a);
    node.ok("anvil_setBalance", json!([whale, "0xde0b6b3a7640000"]))
        .await;
    let request = json!([{"from": whale, "to": SOMEBODY, "value": "0x1"}]);
    node.refuses(
        "eth_sendTransaction",
        request.clone(),
        -32000,
        "unknown account",
    )
    .await;
    for (start, stop) in [
        (
            "hardhat_impersonateAccount",
            "hardhat_stopImpersonatingAccount",
        ),
        ("anvil_impersonateAccount", "anvil_stopImpersonatingAccount"),
    ] {
        node.ok(start, json!([whale])).await;
        let hash = node.ok("eth_sendTransaction", request.clone()).await;
        let mut receipt = Value::Null;
        for _ in 0..200 {
            receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
            if !receipt.is_null() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(
            (&receipt["from"], &receipt["status"]),
            (&json!(whale), &"0x1".into())
        );
        assert_eq!(node.ok(stop, json!([whale])).await, true);
        node.refuses(
            "eth_sendTransaction",
            request.clone(),
            -32000,
            "unknown account",
        )
        .await;
    }
    node.ok("anvil_autoImpersonateAccount", json!([true])).await;
    node.ok("eth_sendTransaction", request.clone()).await;
    node.ok("eth_sendUnsignedTransaction", request.clone())
        .await;
    node.ok("anvil_autoImpersonateAccount", json!([false]))
        .await;
    node.refuses("eth_sendTransaction", request, -32000, "unknown account")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_learn_whom_they_talk_to() {
    let node = Node::start().await;
    node.mine().await;
    let info = node.ok("anvil_nodeInfo", json!([])).await;
    assert_eq!(
        (
            quantity(&info["currentBlockNumber"]),
            &info["environment"]["chainId"]
        ),
        (1, &31_337.into())
    );
    for name in ["hardhat_metadata", "anvil_metadata"] {
        let metadata = node.ok(name, json!([])).await;
        assert_eq!(
            (&metadata["chainId"], &metadata["latestBlockNumber"]),
            (&31_337.into(), &1.into())
        );
    }
    for name in ["hardhat_setLoggingEnabled", "anvil_setLoggingEnabled"] {
        assert_eq!(node.ok(name, json!([false])).await, true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn native_contracts_are_listed_and_their_errors_named() {
    let node = Node::start().await;
    let contracts = node.ok("capstan_contracts", json!([])).await;
    let list = contracts.as_array().expect("a list");
    for name in ["admin", "ether", "flash", "multicall", "create2"] {
        let found = list.iter().find(|contract| contract["name"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} is not in {contracts}"));
        assert!(
            found["address"].is_string() && found["abi"].is_array(),
            "{found}"
        );
    }
    let ether = list
        .iter()
        .find(|contract| contract["name"] == "ether")
        .expect("listed");
    // An ERC-20 transfer of more than there is reverts with an error that the list declares.
    let mut data = vec![0xa9, 0x05, 0x9c, 0xbb];
    data.extend(SOMEBODY.into_word());
    data.extend(B256::repeat_byte(0x0f));
    let call = json!([{"from": SOMEBODY, "to": ether["address"], "data": alloy_primitives::hex::encode_prefixed(&data)}]);
    let fault = node.fault("eth_call", call).await;
    assert_eq!(fault.code, 3, "{fault:?}");
    let decoded = node.ok("capstan_decodeError", json!([fault.data])).await;
    let message = decoded["message"]
        .as_str()
        .unwrap_or_else(|| panic!("{fault:?}: {decoded}"));
    assert_eq!(fault.message, format!("execution reverted: {message}"));
    assert!(
        decoded["args"]
            .as_array()
            .is_some_and(|args| !args.is_empty()),
        "{decoded}"
    );
    assert_eq!(
        node.ok("capstan_decodeError", json!(["0x12345678"])).await,
        Value::Null
    );
    assert_eq!(
        node.ok("capstan_decodeError", json!(["0x"])).await,
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_history_in_pages() {
    let node = Node::start().await;
    let mut hashes = Vec::new();
    for nonce in 0..5 {
        hashes.push(
            node.ok("eth_sendRawTransaction", json!([node.transfer(0, nonce)]))
                .await,
        );
        node.mine().await;
    }
    hashes.reverse();
    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    for _ in 0..5 {
        let page = json!({"limit": 2, "cursor": cursor});
        let page = node
            .ok("capstan_accountHistory", json!([node.account(0), page]))
            .await;
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["transactionHash"].clone()));
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, hashes);
    node.refuses(
        "capstan_accountHistory",
        json!([node.account(0), {"limit": 0}]),
        -32602,
        "1 to 1000",
    )
    .await;
}

/// EXEC-32: tools write garbage into the storage of whatever a call touches. A native contract that meets it fails that
/// call; the chain, and the node after a restart, go on.
#[tokio::test(flavor = "multi_thread")]
async fn exec_32_damaged_storage_of_a_native_fails_one_call() {
    let node = Node::instant().await;
    let ledger = capstan_contracts::ledger::ADDRESS;
    let count = hex::encode_prefixed(ILedger::assetCountCall {}.abi_encode());
    let call = json!({ "from": node.account(0), "to": ledger, "data": count });
    let healthy = node.ok("eth_call", json!([call, "latest"])).await;
    // Every slot that the call reads, filled with ones.
    let list = node
        .ok("eth_createAccessList", json!([call, "latest"]))
        .await;
    let read = list["accessList"].as_array().expect("a list").iter();
    let read = read.filter(|entry| entry["address"] == json!(ledger));
    let slots: Vec<Value> = read
        .flat_map(|entry| entry["storageKeys"].as_array().cloned().unwrap_or_default())
        .collect();
    assert!(!slots.is_empty(), "the call reads nothing: {list}");
    let ones = json!(B256::repeat_byte(0xff));

    // What a caller overrides is the caller's affair.
    let words: serde_json::Map<String, Value> = slots
        .iter()
        .map(|slot| (slot.as_str().expect("a word").to_owned(), ones.clone()))
        .collect();
    let overrides = json!({ ledger.to_string(): { "stateDiff": words } });
    let fault = node
        .call("eth_call", json!([call, "latest", overrides]))
        .await
        .expect_err("damaged");
    assert_eq!(fault.code, -32000, "{fault:?}");
    assert_eq!(node.ok("eth_call", json!([call, "latest"])).await, healthy);

    for slot in &slots {
        node.ok("anvil_setStorageAt", json!([ledger, slot, ones]))
            .await;
    }
    let mut send = call.clone();
    send["gas"] = json!("0x186a0");
    let hash = node.ok("eth_sendTransaction", json!([send])).await;
    let receipt = mined(&node, &hash).await;
    assert_eq!(receipt["status"], json!("0x0"));
    assert_eq!(receipt["gasUsed"], json!("0x186a0"), "a halt takes all gas");
    let transfer = json!([{ "from": node.account(0), "to": SOMEBODY, "value": "0x1" }]);
    let hash = node.ok("eth_sendTransaction", transfer).await;
    assert_eq!(
        mined(&node, &hash).await["status"],
        json!("0x1"),
        "the chain goes on"
    );
}

async fn mined(node: &Node, hash: &Value) -> Value {
    for _ in 0..500 {
        let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
        if !receipt.is_null() {
            return receipt;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{hash} is not mined");
}

/// What a developer can set must not end the chain: code that begins as a delegation and is none, times at the end of
/// what 64 bits hold, native contracts as senders.
#[tokio::test(flavor = "multi_thread")]
async fn extremes_are_refused_or_harmless() {
    let node = Node::instant().await;
    for code in [
        "0xef0100",
        "0xef01",
        "0xef",
        "0xef0100aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        node.ok("anvil_setCode", json!([SOMEBODY, code])).await;
        let send = json!([{ "from": node.account(0), "to": SOMEBODY, "gas": "0x186a0" }]);
        let hash = node.ok("eth_sendTransaction", send).await;
        assert_eq!(
            mined(&node, &hash).await["status"],
            json!("0x0"),
            "{code} ran"
        );
        let call = json!({ "from": node.account(0), "to": SOMEBODY });
        let fault = node
            .call("eth_call", json!([call, "latest"]))
            .await
            .expect_err("it halts");
        assert_eq!(fault.code, -32000, "{code}: {fault:?}");
    }

    let far = json!(["0x4189374bc6a7ef"]);
    for (method, params) in [
        ("evm_setNextBlockTimestamp", far.clone()),
        ("evm_setTime", far.clone()),
        ("evm_increaseTime", json!(["0xffffffffffffffff"])),
        ("hardhat_mine", json!(["0x2", "0xffffffffffffffff"])),
    ] {
        let fault = node.call(method, params).await.expect_err(method);
        assert!(fault.message.contains("year 9999"), "{method}: {fault:?}");
    }
    node.mine().await;

    let native = capstan_contracts::ledger::ADDRESS;
    node.ok("anvil_impersonateAccount", json!([native])).await;
    node.ok("anvil_setBalance", json!([native, "0xde0b6b3a7640000"]))
        .await;
    let send = json!([{ "from": native, "to": SOMEBODY, "gas": "0x5208" }]);
    let fault = node
        .call("eth_sendTransaction", send)
        .await
        .expect_err("refused");
    assert!(fault.message.contains("is a native contract"), "{fault:?}");
}
