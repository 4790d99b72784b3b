//! Machines on a running node, against the contract's own views.

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall as _;
use capstan_client::{Registering, machine_beat};
use capstan_contracts::machines::{
    ADDRESS,
    IMachines::{MachineParams, Spec, askCall, leaveCall, machineCall, setParamsCall},
};
use serde_json::{Value, json};

use super::{
    credit::{node_with_markets, view},
    node::{Node, Send},
};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const COIN: u64 = 1_000_000_000_000_000_000;

/// Bonds of the coin; beats each minute, ten minutes of probation.
fn params() -> MachineParams {
    MachineParams {
        assetId: 0,
        bondMin: U256::from(COIN),
        unbondMs: HOUR_MS,
        intervalMs: MINUTE_MS,
        graceMs: MINUTE_MS,
        probationMs: 10 * MINUTE_MS,
        lateMs: MINUTE_MS,
        gapMs: MINUTE_MS,
        answerMs: MINUTE_MS,
        commitMs: MINUTE_MS,
        revealMs: MINUTE_MS,
        capacityAgeMs: HOUR_MS,
        slashBps: 1_000,
        quorum: 1,
    }
}

/// Machines of accounts 1, 2 and 1; the first is asked for work, the second leaves.
async fn node_with_machines() -> Node {
    let node = node_with_markets().await;
    let call = setParamsCall { params: params() };
    node.send(Send::to(0, ADDRESS).input(call.abi_encode()));
    node.mine().await;
    let chain_id = node.ok("eth_chainId", json!([])).await;
    let chain_id = chain_id.as_str().and_then(|text| text.strip_prefix("0x"));
    let chain_id = u64::from_str_radix(chain_id.expect("a quantity"), 16).expect("a number");
    for (holder, kind) in [(1, 1), (2, 2), (1, 900)] {
        let key = PrivateKeySigner::random();
        let registering = Registering {
            key: &key,
            holder: node.address(holder),
            spec: Spec {
                kind,
                uri: "https://machines.example/1".to_owned(),
                ..Spec::default()
            },
            bond: U256::from(2 * COIN),
            deadline_ms: u64::MAX,
        };
        let call = registering.call(chain_id).expect("signed");
        node.send(Send::to(holder, call.to).input(call.input));
        let block = node.mine().await;
        assert!(
            block.receipts.iter().all(|of| of.status()),
            "{:?}",
            block.receipts
        );
    }
    let ask = askCall {
        machineId: 0,
        class: 7,
        units: 60,
        withinMs: 1_000,
    };
    node.send(Send::to(1, ADDRESS).input(ask.abi_encode()));
    let leave = leaveCall { machineId: 1 };
    node.send(Send::to(2, ADDRESS).input(leave.abi_encode()));
    let block = node.mine().await;
    assert!(
        block.receipts.iter().all(|of| of.status()),
        "{:?}",
        block.receipts
    );
    node
}

/// RPC-38
#[tokio::test(flavor = "multi_thread")]
async fn machines_are_what_the_contract_says() {
    let node = node_with_machines().await;
    let answer = node.ok("capstan_machines", json!([])).await;
    assert!(answer["cursor"].is_null());
    let items = answer["items"].as_array().expect("a list");
    assert_eq!(items.len(), 3);
    for (item, machine_id) in items.iter().zip(0..) {
        let call = machineCall {
            machineId: machine_id,
        };
        let is = view(&node, ADDRESS, &call).await;
        let said: Address = serde_json::from_value(item["key"].clone()).expect("an address");
        assert_eq!(said, is.key);
        let bond: U256 = serde_json::from_value(item["bond"]["amount"].clone()).expect("one");
        assert_eq!(bond, is.bond);
        assert_eq!(item["bond"]["text"], "2");
        assert_eq!(item["asset"]["assetId"], 0);
        assert_eq!(item["sinceMs"], json!(format!("{:#x}", is.sinceMs)));
        assert!(item["readings"].is_null() && item["lastDarkFromMs"].is_null());
    }
    let words = |at: usize, name: &str| items[at][name].as_str().expect("a word").to_owned();
    assert_eq!(
        (words(0, "kind"), words(0, "state"), words(0, "reason")),
        ("gpu".into(), "probation".into(), "new".into())
    );
    assert_eq!(
        (words(1, "kind"), words(1, "state"), words(1, "reason")),
        ("cpu".into(), "leaving".into(), "holder left".into())
    );
    assert_eq!(words(2, "kind"), "900");
    let challenge = &items[0]["challenge"];
    assert_eq!(
        (
            &challenge["class"],
            &challenge["phase"],
            &challenge["reason"]
        ),
        (&json!(7), &json!("asked"), &json!("never proven"))
    );
    assert!(items[1]["challenge"].is_null() && !items[1]["withdrawFromMs"].is_null());
    // Whoever sends a beat must be the key.
    let beat = machine_beat(0);
    node.send(Send::to(1, beat.to).input(beat.input).gas(300_000));
    assert!(!node.mine().await.receipts[0].status());
}

/// RPC-38
#[tokio::test(flavor = "multi_thread")]
async fn machines_come_in_pages_and_by_holder() {
    let node = node_with_machines().await;
    let ask = async |asked: Value| node.ok("capstan_machines", asked).await;
    let first = ask(json!([null, {"limit": 2}])).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    let second = ask(json!([null, {"limit": 2, "cursor": first["cursor"]}])).await;
    assert_eq!(second["items"][0]["machineId"], "0x2");
    assert!(second["cursor"].is_null());
    let mut own = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = ask(json!([node.address(1), {"limit": 1, "cursor": cursor}])).await;
        own.extend(page["items"].as_array().expect("a list").clone());
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let numbers: Vec<_> = own.iter().map(|item| item["machineId"].clone()).collect();
    assert_eq!(numbers, [json!("0x0"), json!("0x2")]);
    for wrong in [json!([null, {"limit": 0}]), json!(["0x1"])] {
        assert_eq!(node.fault("capstan_machines", wrong).await.code, -32602);
    }
}
