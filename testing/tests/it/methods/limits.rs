//! What a call may cost: time that runs out in the middle of a call, and searches that find too much.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, hex};
use capstan_rpc::Limits;
use revm::bytecode::opcode as op;
use serde_json::{Value, json};

use super::code;
use super::node::{Node, Send};

/// Gas that no machine burns in a lifetime.
const HUGE_GAS: &str = "0x7fffffffffffffff";
const CALL_TIME: Duration = Duration::from_millis(300);
/// Until the thread of a call that nobody waits for is free again.
const PATIENCE: Duration = Duration::from_secs(10);

fn short_calls() -> Limits {
    Limits {
        call_time_max: CALL_TIME,
        call_gas_max: u64::MAX >> 1,
        // A fast machine fills the usual bytes of a trace before its time is over.
        response_bytes_max: 1 << 32,
        blocking_threads: 2,
        ..Limits::default()
    }
}

/// Calls `target` with no input, for ever.
fn caller_of(target: Address) -> Vec<u8> {
    let mut code = vec![op::JUMPDEST];
    code.extend([op::PUSH0; 5]);
    code.push(op::PUSH20);
    code.extend_from_slice(target.as_slice());
    code.extend([op::GAS, op::CALL, op::POP, op::PUSH0, op::JUMP]);
    code
}

/// RPC-16: a call of any amount of gas ends with its time, and so does the work for it.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_16_time_ends_a_call_in_its_middle() {
    let node = Node::limited(short_calls()).await;
    let endless = node.deploy(&code::endless()).await;
    let multicall: Address = "0xcA11bde05977b3631167028862bE2a173976CA11"
        .parse()
        .unwrap();
    let shapes = [
        ("a loop", code::endless()),
        ("a loop of calls", caller_of(Address::repeat_byte(0x77))),
        ("a loop in a callee", caller_of(endless)),
        ("a loop of native calls", caller_of(multicall)),
    ];
    for (name, runtime) in shapes {
        let at = Address::repeat_byte(0x41);
        let over = json!({at.to_string(): {"code": hex::encode_prefixed(runtime)}});
        let request = json!({"to": at, "gas": HUGE_GAS});
        let payload = json!({"blockStateCalls": [{
            "blockOverrides": {"gasLimit": HUGE_GAS}, "stateOverrides": over, "calls": [request],
        }]});
        let trace = json!({"stateOverrides": over, "tracer": "callTracer", "timeout": "60s"});
        for (method, params) in [
            ("eth_call", json!([request, "latest", over])),
            ("eth_createAccessList", json!([request, "latest", over])),
            ("eth_simulateV1", json!([payload, "latest"])),
            ("debug_traceCall", json!([request, "latest", trace])),
        ] {
            let began = Instant::now();
            let fault = node.fault(method, params).await;
            let took = began.elapsed();
            assert_eq!(fault.code, -32002, "{method}, {name}: {}", fault.message);
            assert!(took < CALL_TIME * 10, "{method}, {name}: {took:?}");
        }
        // An estimate ends by itself: no transaction may ask for more than EIP-7825 gives.
        let estimate = json!([{"to": at}, "latest", over]);
        assert!(
            node.call("eth_estimateGas", estimate).await.is_err(),
            "{name}"
        );
    }
    threads_are_free(&node).await;
}

/// Empty blocks are no way around the time: each would have a root over all that was pretended before it.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_16_time_ends_a_simulation_of_empty_blocks() {
    const SLOTS: u64 = 50_000;
    let node = Node::limited(short_calls()).await;
    let slots: serde_json::Map<String, Value> = (1..=SLOTS)
        .map(|slot| (format!("{slot:#066x}"), json!(format!("{slot:#066x}"))))
        .collect();
    let over = json!({Address::repeat_byte(0x41).to_string(): {"stateDiff": slots}});
    let payload = json!({"blockStateCalls": [
        {"stateOverrides": over}, {"blockOverrides": {"number": "0xfa"}},
    ]});
    let fault = node
        .fault("eth_simulateV1", json!([payload, "latest"]))
        .await;
    assert_eq!(fault.code, -32002, "{}", fault.message);
    threads_are_free(&node).await;
}

/// More hostile calls than there are threads, whose clients have left: honest ones are served.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_16_clients_that_leave_take_their_work_along() {
    let limits = Limits {
        call_time_max: Duration::from_secs(600),
        ..short_calls()
    };
    let node = Node::limited(limits).await;
    let endless = node.deploy(&code::endless()).await;
    let request = json!([{"to": endless, "gas": HUGE_GAS}]);
    let calls = (0..8).map(|_| node.call("eth_call", request.clone()));
    let all = futures::future::join_all(calls);
    assert!(
        tokio::time::timeout(CALL_TIME, all).await.is_err(),
        "they would run for ever"
    );
    threads_are_free(&node).await;
}

async fn threads_are_free(node: &Node) {
    let began = Instant::now();
    let honest = json!([{"to": node.address(0)}]);
    while node.call("eth_call", honest.clone()).await.is_err() {
        assert!(
            began.elapsed() < PATIENCE,
            "no thread is free after {PATIENCE:?}"
        );
    }
    while !node
        .metrics()
        .await
        .contains("capstan_rpc_calls_waiting 0\n")
    {
        assert!(began.elapsed() < PATIENCE, "calls still wait");
    }
}

/// RPC-17: a search that finds too much names a range that fits, and that range does fit.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_17_a_search_that_finds_too_much_names_a_range_that_fits() {
    let limits = Limits {
        logs_max: 5,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    let counter = node.deploy(&code::counter()).await;
    for _ in 0..4 {
        for from in 0..3 {
            node.send(Send::to(from, counter));
        }
        node.mine().await;
    }
    let (mut from, head) = (0, node.chain.head().number());
    let mut found: Vec<Value> = Vec::new();
    let mut cuts = 0;
    while from <= head {
        let ask = |to: String| json!([{"fromBlock": format!("{from:#x}"), "toBlock": to}]);
        let logs = match node.call("eth_getLogs", ask(format!("{head:#x}"))).await {
            Ok(logs) => {
                from = head + 1;
                logs
            }
            Err(fault) => {
                cuts += 1;
                assert_eq!(fault.code, -32005);
                let to = fault.data["toBlock"].as_str().expect("a range").to_owned();
                let words = format!("Try with this block range [{from:#x}, {to}].");
                assert!(fault.message.ends_with(&words), "{}", fault.message);
                let logs = node.ok("eth_getLogs", ask(to.clone())).await;
                from = u64::from_str_radix(&to[2..], 16).expect("hex") + 1;
                logs
            }
        };
        found.extend(logs.as_array().expect("a list").clone());
    }
    assert_eq!((found.len(), cuts), (12, 3));
    // One block that holds too much has no narrower range.
    for from in 0..6 {
        node.send(Send::to(from, counter));
    }
    node.mine().await;
    let fault = node.fault("eth_getLogs", json!([{}])).await;
    assert_eq!(fault.code, -32005);
    assert!(
        fault.message.contains("fewer addresses or topics"),
        "{}",
        fault.message
    );
}
