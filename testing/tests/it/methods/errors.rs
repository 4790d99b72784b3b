//! The same mistake reads as on geth: libraries match on codes and on the beginnings of sentences.

use alloy_consensus::{TxEip1559, TxLegacy};
use alloy_primitives::{Address, B256, TxKind, U256, hex};
use alloy_sol_types::{Panic, Revert, SolError};
use capstan_chain::{ChainConfig, Flush, Genesis};
use capstan_rpc::RpcConfig;
use revm::bytecode::opcode as op;
use serde_json::{Value, json};

use super::code;
use super::node::{Node, Send};

/// A request, the code of its refusal, and how the refusal begins.
struct Mistake {
    method: &'static str,
    params: Value,
    code: i64,
    begins: String,
}

fn mistake(method: &'static str, params: Value, code: i64, begins: impl Into<String>) -> Mistake {
    let begins = begins.into();
    Mistake {
        method,
        params,
        code,
        begins,
    }
}

async fn check(node: &Node, mistakes: Vec<Mistake>) {
    for Mistake {
        method,
        params,
        code,
        begins,
    } in mistakes
    {
        let fault = node.fault(method, params.clone()).await;
        assert_eq!(fault.code, code, "{method} {params}: {}", fault.message);
        assert!(
            fault.message.starts_with(&begins),
            "{method} {params}:\n  says   {:?}\n  should {begins:?}",
            fault.message
        );
    }
}

fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::from(1),
        access_list: Default::default(),
        input: Default::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pool_refuses() {
    let node = Node::start().await;
    let sender = |index: usize| node.address(index);
    let send =
        |raw: String, begins: &str| mistake("eth_sendRawTransaction", json!([raw]), -32000, begins);
    node.send(Send::to(0, sender(1)));
    node.mine().await;
    let waiting = node.raw(1, transfer(0));
    node.ok("eth_sendRawTransaction", json!([waiting])).await;
    let dynamic = |from: usize, change: fn(&mut TxEip1559)| {
        let mut tx = transfer(0);
        change(&mut tx);
        node.raw(from, tx)
    };
    let poor = format!(
        "insufficient funds for gas * price + value: address {} have ",
        sender(2)
    );
    check(
        &node,
        vec![
            send(
                node.raw(0, transfer(0)),
                "nonce too low: next nonce 1, tx nonce 0",
            ),
            send(waiting.clone(), "already known"),
            send(
                dynamic(1, |tx| tx.value = U256::from(2)),
                "replacement transaction underpriced",
            ),
            send(dynamic(2, |tx| tx.value = U256::MAX >> 1), &poor),
            send(
                dynamic(2, |tx| tx.gas_limit = 20_999),
                "intrinsic gas too low: have 20999, want 21000",
            ),
            send(
                dynamic(2, |tx| {
                    tx.input = vec![1; 1_000].into();
                    tx.gas_limit = 40_000;
                }),
                "insufficient gas for floor data gas cost: have 40000, want 61000",
            ),
            send(
                dynamic(2, |tx| tx.gas_limit = 100_000_001),
                "exceeds block gas limit",
            ),
            send(
                dynamic(2, |tx| tx.gas_limit = (1 << 24) + 1),
                "transaction gas limit too high (cap: 16777216, tx: 16777217)",
            ),
            send(
                dynamic(2, |tx| tx.max_fee_per_gas = 1),
                "max priority fee per gas higher than max fee per gas",
            ),
            send(
                dynamic(2, |tx| tx.chain_id = 1),
                "invalid chain id for signer: have 1 want 31337",
            ),
            send(
                dynamic(2, |tx| {
                    tx.to = TxKind::Create;
                    tx.input = vec![0; 49_153].into();
                    tx.gas_limit = 3_000_000;
                }),
                "max initcode size exceeded: code size 49153, limit 49152",
            ),
            send(
                dynamic(2, |tx| {
                    tx.input = vec![0; 200_000].into();
                    tx.gas_limit = 16_000_000;
                }),
                "oversized data: transaction size ",
            ),
            send(dynamic(2, |tx| tx.nonce = u64::MAX), "nonce has max value"),
            send("0x".into(), "typed transaction too short"),
            send("0x03c0".into(), "transaction type not supported"),
            send("0x7fc0".into(), "transaction type not supported"),
            send("0x02c0".into(), "invalid transaction encoding"),
            send(format!("{waiting}00"), "invalid transaction encoding"),
            mistake(
                "eth_sendRawTransaction",
                json!(["02c0"]),
                -32602,
                "invalid argument 0 (transaction)",
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_some_nodes_refuse() {
    let genesis = Genesis {
        allow_unprotected: false,
        ..Genesis::dev(10, 0)
    };
    let rpc = RpcConfig {
        fee_wei_max: 10u128.pow(15),
        ..RpcConfig::default()
    };
    let node = Node::with(ChainConfig::dev(genesis), rpc).await;
    let unprotected = TxLegacy {
        gas_limit: 21_000,
        gas_price: 10_000_000_000,
        to: TxKind::Call(Address::ZERO),
        ..Default::default()
    };
    let send =
        |raw: String, begins: &str| mistake("eth_sendRawTransaction", json!([raw]), -32000, begins);
    check(
        &node,
        vec![
            send(
                node.raw(0, unprotected),
                "only replay-protected (EIP-155) transactions allowed over RPC",
            ),
            send(
                node.raw(0, transfer(0)),
                "tx fee (2100000000000000 wei) exceeds the configured cap (1000000000000000 wei)",
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_executions_fail() {
    let node = Node::start().await;
    let at = Address::repeat_byte(0x41);
    let run = |code: Vec<u8>| {
        let over = json!({at.to_string(): {"code": hex::encode_prefixed(code)}});
        json!([{"to": at, "gas": "0x186a0"}, "latest", over])
    };
    let halts: [(&str, Vec<u8>); 8] = [
        ("out of gas", code::endless()),
        ("invalid opcode: INVALID", vec![op::INVALID]),
        ("invalid opcode", vec![0x0c]),
        ("invalid jump destination", vec![op::PUSH0, op::JUMP]),
        ("stack underflow", vec![op::ADD]),
        (
            "stack limit reached 1024",
            vec![op::JUMPDEST, op::PUSH0, op::PUSH0, op::JUMP],
        ),
        (
            "return data out of bounds",
            vec![op::PUSH1, 1, op::PUSH0, op::PUSH0, op::RETURNDATACOPY],
        ),
        ("invalid code: must not begin with 0xef", vec![]),
    ];
    for (words, code) in halts {
        let params = match code.is_empty() {
            // Init code that returns 0xef.
            true => json!([{"data": "0x60ef5f5360015ff3"}]),
            false => run(code),
        };
        check(&node, vec![mistake("eth_call", params, -32000, words)]).await;
    }
    let reverter = node.deploy(&code::reverter()).await;
    let panic = |code: u64| {
        Panic {
            code: U256::from(code),
        }
        .abi_encode()
    };
    for (data, words) in [
        (vec![], "execution reverted"),
        (
            Revert::from("no such thing").abi_encode(),
            "execution reverted: no such thing",
        ),
        (Revert::from("").abi_encode(), "execution reverted: "),
        (panic(0x01), "execution reverted: assert(false)"),
        (
            panic(0x11),
            "execution reverted: arithmetic underflow or overflow",
        ),
        (
            panic(0x12),
            "execution reverted: division or modulo by zero",
        ),
        (
            panic(0x31),
            "execution reverted: out-of-bounds array access; popping on an empty array",
        ),
        (
            panic(0x32),
            "execution reverted: out-of-bounds access of an array or bytesN",
        ),
        (panic(0x99), "execution reverted: unknown panic code: 0x99"),
        // What looks like text is not a reason.
        (b"wrong-calldatasize".to_vec(), "execution reverted"),
        (vec![0x12, 0x34, 0x56, 0x78], "execution reverted"),
    ] {
        let data = hex::encode_prefixed(data);
        for method in ["eth_call", "eth_estimateGas"] {
            let fault = node
                .fault(method, json!([{"to": reverter, "data": data}]))
                .await;
            assert_eq!(
                (fault.code, fault.message.as_str()),
                (3, words),
                "{method} {data}"
            );
            assert_eq!(fault.data, json!(data), "{method}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_may_not_ask() {
    let node = Node::start().await;
    let (rich, poor, to) = (node.address(0), Address::repeat_byte(0x55), node.address(1));
    let call = |request: Value, code: i64, begins: String| {
        mistake("eth_call", json!([request]), code, begins)
    };
    check(
        &node,
        vec![
            call(
                json!({"from": poor, "to": to, "value": "0x1", "gas": "0x5208"}),
                -32000,
                format!(
                    "err: insufficient funds for gas * price + value: address {poor} have 0 want 1 (supplied gas 21000)"
                ),
            ),
            call(
                json!({"to": to, "gas": "0x1"}),
                -32000,
                "err: intrinsic gas too low: have 1, want 21000 (supplied gas 1)".into(),
            ),
            call(
                json!({"from": rich, "to": to, "maxFeePerGas": "0x1"}),
                -32000,
                format!("err: max fee per gas less than block base fee: address {rich}, maxFeePerGas: 1, baseFee: "),
            ),
            call(
                json!({"to": to, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}),
                -32000,
                "maxFeePerGas (1) < maxPriorityFeePerGas (2)".into(),
            ),
            call(
                json!({"to": to, "data": "0x01", "input": "0x02"}),
                -32000,
                "both \"data\" and \"input\" are set and not equal".into(),
            ),
            call(json!({"to": "0x12"}), -32602, "invalid argument 0 (transaction)".into()),
            mistake("eth_call", json!([]), -32602, "missing value for required argument 0 (transaction)"),
            mistake("eth_call", json!([{"to": to}, "0x99"]), -32000, "header not found"),
            mistake("eth_call", json!([{"to": to}, "newest"]), -32602, "invalid argument 1 (block)"),
            mistake("eth_getBalance", json!([to, {"blockHash": B256::ZERO}]), -32000, "header not found"),
            mistake("eth_getStorageValues", json!([{}]), -32602, "empty request"),
            mistake("eth_getFilterChanges", json!(["0x1"]), -32000, "filter not found"),
            mistake("debug_traceTransaction", json!([B256::ZERO]), -32000, "transaction not found"),
            mistake("debug_traceBlockByNumber", json!(["0x0"]), -32000, "genesis is not traceable"),
            mistake("eth_nothing", json!([]), -32601, "the method eth_nothing does not exist/is not available"),
        ],
    )
    .await;
}

/// A node that keeps the state of few blocks says so, and says it in `eth_capabilities`.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_pruned_is_named() {
    let chain = ChainConfig {
        history_blocks: Some(4),
        flush: Flush {
            blocks: 1,
            ..Flush::default()
        },
        ..ChainConfig::dev(Genesis::dev(10, 0))
    };
    let node = Node::with(chain, RpcConfig::default()).await;
    let oldest = || async {
        let kept = node.ok("eth_capabilities", json!([])).await;
        super::node::quantity(&kept["state"]["oldestBlock"])
    };
    for _ in 0..200 {
        node.mine().await;
        if oldest().await > 2 {
            break;
        }
    }
    let oldest = oldest().await;
    assert!(oldest > 2, "nothing was pruned");
    let gone = format!("{:#x}", oldest - 1);
    let to = node.address(0);
    check(
        &node,
        vec![
            mistake(
                "eth_getBalance",
                json!([to, gone]),
                -32004,
                "required historical state unavailable",
            ),
            mistake(
                "eth_call",
                json!([{"to": to}, gone]),
                -32004,
                "required historical state unavailable",
            ),
        ],
    )
    .await;
    node.ok("eth_getBalance", json!([to, format!("{oldest:#x}")]))
        .await;
    assert_eq!(
        node.ok("eth_getBlockByNumber", json!([gone, false])).await["number"],
        json!(gone),
        "blocks stay"
    );
}
