//! `debug_trace*`: every tracer, on mined transactions, blocks and calls.

use alloy_primitives::{Address, B256, U256, hex};
use serde_json::{Value, json};

use super::code;
use super::node::{Node, Send};

fn word(number: u64) -> String {
    format!("{:#066x}", number)
}

fn lower(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase()
}

/// A transaction through two forwarders into the counter.
async fn nested() -> (Node, [Address; 3], B256) {
    let node = Node::start().await;
    let counter = node.deploy(&code::counter()).await;
    let inner = node.deploy(&code::forwarder(counter)).await;
    let outer = node.deploy(&code::forwarder(inner)).await;
    // Something before it in the same block, so that the replay matters.
    node.send(Send::to(0, counter));
    let hash = node.send(Send::to(1, outer).value(3).tip(1));
    node.mine().await;
    (node, [outer, inner, counter], hash)
}

#[tokio::test(flavor = "multi_thread")]
async fn call_frames_nest_as_they_ran() {
    let (node, [outer, inner, counter], hash) = nested().await;
    let options = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    let trace = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(trace["gasUsed"], receipt["gasUsed"]);
    assert_eq!(
        (&trace["type"], &trace["value"]),
        (&json!("CALL"), &json!("0x3"))
    );
    let mut frame = &trace;
    for (depth, at) in [outer, inner, counter].iter().enumerate() {
        assert_eq!(
            lower(&frame["to"]),
            at.to_string().to_lowercase(),
            "depth {depth}"
        );
        assert_eq!(
            frame["output"],
            json!(word(2)),
            "it sees the transaction before it"
        );
        if depth < 2 {
            assert_eq!(frame["calls"].as_array().map(Vec::len), Some(1));
            frame = &frame["calls"][0];
        }
    }
    assert!(frame.get("calls").is_none());
    assert_eq!(frame["logs"][0]["topics"], json!([code::COUNTED]));
    let options = json!({"tracer": "callTracer", "tracerConfig": {"onlyTopCall": true}});
    let top = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    assert!(top.get("calls").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_the_block_itself_has_a_name() {
    let node = Node::start().await;
    let somebody = Address::repeat_byte(0x5b);
    node.ok("anvil_setBalance", json!([somebody, "0x5"])).await;
    node.mine().await;
    let options = json!({"tracer": "callTracer"});
    let traces = node
        .ok("debug_traceBlockByNumber", json!(["latest", options]))
        .await;
    let frame = &traces[0]["result"];
    assert_eq!(
        (&frame["contract"], &frame["verb"]),
        (&json!("system"), &json!("DevOverride")),
        "{traces}"
    );
    assert!(frame.get("error").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_traced_whole() {
    let (node, _, hash) = nested().await;
    let block = node.chain.head();
    let options = json!({"tracer": "callTracer"});
    let by_number = node
        .ok("debug_traceBlockByNumber", json!(["latest", options]))
        .await;
    let by_hash = node
        .ok("debug_traceBlockByHash", json!([block.hash(), options]))
        .await;
    assert_eq!(by_number, by_hash);
    let entries = by_number.as_array().unwrap();
    assert_eq!(entries.len(), block.transactions.len());
    let alone = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    let entry = entries
        .iter()
        .find(|entry| entry["txHash"] == json!(hash))
        .unwrap();
    assert_eq!(entry["result"], alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn prestate_holds_what_was_before_and_diff_what_changed() {
    let (node, [_, _, counter], hash) = nested().await;
    let options = json!({"tracer": "prestateTracer"});
    let before = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    let key = counter.to_string().to_lowercase();
    assert_eq!(before[&key]["storage"][word(0)], json!(word(1)));
    let sender = node.address(1).to_string().to_lowercase();
    assert_eq!(
        before[&sender]["balance"],
        json!(format!("{:#x}", U256::from(10).pow(U256::from(22))))
    );
    let options = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
    let diff = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    assert_eq!(diff["pre"][&key]["storage"][word(0)], json!(word(1)));
    assert_eq!(diff["post"][&key]["storage"][word(0)], json!(word(2)));
    assert_eq!(diff["post"][&sender]["nonce"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn struct_logs_obey_their_options() {
    let (node, _, hash) = nested().await;
    let full = node.ok("debug_traceTransaction", json!([hash])).await;
    let steps = full["structLogs"].as_array().unwrap();
    assert_eq!(
        (&full["failed"], &full["returnValue"]),
        (&json!(false), &json!(word(2)))
    );
    assert!(
        steps
            .iter()
            .any(|step| step["op"] == json!("SSTORE") && step["depth"] == json!(3))
    );
    assert!(steps[0]["stack"].is_array() && steps[0].get("memory").is_none());
    let stored = steps
        .iter()
        .find(|step| step["op"] == json!("SSTORE"))
        .unwrap();
    assert!(
        stored["storage"]
            .as_object()
            .is_some_and(|map| map.len() == 1)
    );
    let options =
        json!({"disableStack": true, "disableStorage": true, "enableMemory": true, "limit": 5});
    let small = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    let few = small["structLogs"].as_array().unwrap();
    assert_eq!(few.len(), 5);
    assert!(few[0].get("stack").is_none() && few[0]["memory"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_tracers_answer_in_their_forms() {
    let (node, _, hash) = nested().await;
    let trace = |tracer: &str| {
        let (params, node) = (json!([hash, {"tracer": tracer}]), &node);
        async move { node.ok("debug_traceTransaction", params).await }
    };
    assert_eq!(trace("noopTracer").await, json!({}));
    assert_eq!(
        trace("4byteTracer").await,
        json!({}),
        "nobody called with a selector"
    );
    let flat = trace("flatCallTracer").await;
    let paths: Vec<_> = flat
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["traceAddress"].clone())
        .collect();
    assert_eq!(paths, [json!([]), json!([0]), json!([0, 0])]);
    let options =
        json!({"tracer": "muxTracer", "tracerConfig": {"callTracer": {}, "4byteTracer": {}}});
    let mux = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    assert_eq!(
        mux["callTracer"]["gasUsed"],
        trace("callTracer").await["gasUsed"]
    );
    let selector =
        json!([{"to": node.address(2), "data": "0x11223344"}, "latest", {"tracer": "4byteTracer"}]);
    assert_eq!(
        node.ok("debug_traceCall", selector).await,
        json!({"0x11223344-0": 1}),
        "as geth counts: every call with a selector, code or not"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_traced_with_overrides_and_in_the_middle_of_a_block() {
    let (node, [_, _, counter], _) = nested().await;
    let tracer = |extra: Value| {
        let mut options = json!({"tracer": "callTracer"});
        for (key, value) in extra.as_object().unwrap() {
            options[key] = value.clone();
        }
        let (params, node) = (json!([{"to": counter}, "latest", options]), &node);
        async move { node.ok("debug_traceCall", params).await }
    };
    assert_eq!(tracer(json!({})).await["output"], json!(word(3)));
    assert_eq!(
        tracer(json!({"txIndex": "0x0"})).await["output"],
        json!(word(1))
    );
    assert_eq!(
        tracer(json!({"txIndex": "0x1"})).await["output"],
        json!(word(2))
    );
    let over = json!({"stateOverrides": {counter.to_string(): {"stateDiff": {word(0): word(8)}}}});
    assert_eq!(tracer(over).await["output"], json!(word(9)));
    let seen = Address::repeat_byte(0x43);
    let options = json!({
        "tracer": "callTracer",
        "stateOverrides": {seen.to_string(): {"code": hex::encode_prefixed(code::surroundings())}},
        "blockOverrides": {"number": "0x64"},
    });
    let params = json!([{"to": seen}, "latest", options]);
    let output = node.ok("debug_traceCall", params).await["output"].clone();
    assert!(
        output.as_str().unwrap().starts_with(&word(100)),
        "NUMBER of the override: {output}"
    );
    let reverter = node.deploy(&code::reverter()).await;
    let why = hex::encode_prefixed(alloy_sol_types::SolError::abi_encode(
        &alloy_sol_types::Revert::from("no"),
    ));
    let params = json!([{"to": reverter, "data": why}, "latest", {"tracer": "callTracer"}]);
    let failed = node.ok("debug_traceCall", params).await;
    assert_eq!(
        (&failed["error"], &failed["revertReason"]),
        (&json!("execution reverted"), &json!("no"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn native_frames_are_named_and_nest_with_evm_frames() {
    let node = Node::start().await;
    // bytecode -> multicall (native) -> bytecode -> multicall (native)
    let multicall: Address = "0xcA11bde05977b3631167028862bE2a173976CA11"
        .parse()
        .unwrap();
    let back = node.deploy(&code::forwarder(multicall)).await;
    alloy_sol_types::sol! {
        struct Call3 { address target; bool allowFailure; bytes callData; }
        function aggregate3(Call3[] calls) returns (bytes[] results);
        function getChainId() view returns (uint256);
    }
    use alloy_sol_types::SolCall;
    let inner = getChainIdCall {}.abi_encode();
    let calls = vec![Call3 {
        target: back,
        allowFailure: false,
        callData: inner.into(),
    }];
    let hash = node.send(Send::to(0, back).input(aggregate3Call { calls }.abi_encode()));
    node.mine().await;
    let options = json!({"tracer": "callTracer"});
    let trace = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    let frames = [
        &trace,
        &trace["calls"][0],
        &trace["calls"][0]["calls"][0],
        &trace["calls"][0]["calls"][0]["calls"][0],
    ];
    let names: Vec<_> = frames
        .iter()
        .map(|frame| frame["contract"].clone())
        .collect();
    assert_eq!(
        names,
        [
            Value::Null,
            json!("multicall"),
            Value::Null,
            json!("multicall")
        ],
        "{trace:#}"
    );
    assert_eq!(frames[3]["verb"], json!("getChainId()"));
    assert_eq!(frames[3]["output"], json!(word(31_337)));
    assert!(
        frames[1]["verb"]
            .as_str()
            .is_some_and(|verb| verb.starts_with("aggregate3("))
    );
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(
        (&receipt["status"], &receipt["gasUsed"]),
        (&json!("0x1"), &trace["gasUsed"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn system_transactions_are_traced_too() {
    let node = Node::start().await;
    let (chain, account) = (node.chain.clone(), Address::repeat_byte(0x31));
    chain
        .dev()
        .unwrap()
        .set_balance(account, U256::from(77))
        .unwrap();
    let block = node.mine().await;
    assert!(block.is_system(0));
    let hash = *block.transactions[0].tx_hash();
    let tx = node.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(
        (&tx["r"], &tx["s"], &tx["type"]),
        (&json!("0x0"), &json!("0x0"), &json!("0x0"))
    );
    let options = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
    let diff = node
        .ok("debug_traceTransaction", json!([hash, options]))
        .await;
    let key = account.to_string().to_lowercase();
    assert_eq!(diff["post"][&key]["balance"], json!("0x4d"), "{diff:#}");
    let frame = node
        .ok(
            "debug_traceTransaction",
            json!([hash, {"tracer": "callTracer"}]),
        )
        .await;
    assert_eq!(lower(&frame["to"]), lower(&tx["to"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_traced_is_named() {
    let node = Node::start().await;
    let endless = node.deploy(&code::endless()).await;
    let nowhere = B256::repeat_byte(1);
    let call = json!({"to": endless, "gas": "0x2faf080"});
    for (method, params, code, words) in [
        (
            "debug_traceTransaction",
            json!([nowhere]),
            -32000,
            "transaction not found",
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x0"]),
            -32000,
            "genesis is not traceable",
        ),
        (
            "debug_traceBlockByHash",
            json!([nowhere]),
            -32000,
            "not found",
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x77"]),
            -32000,
            "not found",
        ),
        (
            "debug_traceCall",
            json!([call, "latest", {"tracer": "{}"}]),
            -32602,
            "JavaScript tracers are not supported",
        ),
        (
            "debug_traceCall",
            json!([call, "latest", {"timeout": "soon"}]),
            -32602,
            "invalid timeout",
        ),
        (
            "debug_traceCall",
            json!([call, "latest", {"txIndex": "0x9"}]),
            -32602,
            "txIndex 9 is beyond",
        ),
        (
            "debug_traceCall",
            json!([call, "latest", {"tracer": "callTracer", "timeout": "1ms"}]),
            -32002,
            "execution timeout",
        ),
        (
            "debug_traceCall",
            json!([call, "latest", {"timeout": "20s"}]),
            -32005,
            "trace too large",
        ),
    ] {
        let fault = node.fault(method, params.clone()).await;
        assert!(
            fault.message.contains(words),
            "{method} {params}: {}",
            fault.message
        );
        assert_eq!(fault.code, code, "{method} {params}");
    }
}
