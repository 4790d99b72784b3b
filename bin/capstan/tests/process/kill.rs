//! `kill -9` under load: what RPC has reported is there after a restart.
//!
//! CI kills a few times; `cargo xtask soak` many, with other seeds (`CAPSTAN_KILLS`, `CAPSTAN_SEED`).

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use capstan_testing::process::{Node, run, text};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

const KILLS_IN_CI: u64 = 20;
const RESTART_WITHIN: Duration = Duration::from_secs(3);
/// Accounts that send, each on its own connection.
const SENDERS: usize = 4;

/// What RPC said about a height: block hash and the recipient's balance there.
type Reported = BTreeMap<u64, (String, u128)>;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[tokio::test]
async fn every_reported_block_survives_a_kill() {
    let seed = setting("CAPSTAN_SEED", 1);
    let kills = setting("CAPSTAN_KILLS", KILLS_IN_CI);
    println!(
        "replay with: CAPSTAN_SEED={seed} CAPSTAN_KILLS={kills} cargo test -p capstan --test process kill::"
    );
    let mut rng = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    // On demand a block is executed while its parent is still being synced; at a pace it seldom is.
    let words = |round: u64| {
        let pace = if round.is_multiple_of(2) {
            "instant"
        } else {
            "20ms"
        };
        [
            "dev",
            "--empty",
            "--block-time",
            pace,
            "--data",
            text(&data),
        ]
    };
    let recipient = "0x00000000000000000000000000000000000c0de1";

    let mut reported = Reported::new();
    let mut receipts: Vec<(Value, Value)> = Vec::new();
    let mut slowest = Duration::ZERO;
    for round in 0..kills {
        let start = Instant::now();
        let mut node = Node::start(&words(round))
            .await
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        slowest = slowest.max(start.elapsed());
        check_reported(&node, &reported, &receipts, recipient, round).await;

        let live = Duration::from_millis(rng.random_range(30..400));
        tokio::select! {
            () = load(&node, recipient, &mut reported, &mut receipts) => {}
            () = tokio::time::sleep(live) => {}
        }
        node.kill().expect("killed");
    }
    assert!(slowest < RESTART_WITHIN, "a restart took {slowest:?}");
    assert!(
        reported.len() as u64 > kills,
        "only {} blocks were reported: this is no load",
        reported.len()
    );
    assert!(
        receipts.len() as u64 > kills,
        "only {} receipts were reported: this is no load",
        receipts.len()
    );

    let node = Node::start(&words(kills)).await.expect("started");
    check_reported(&node, &reported, &receipts, recipient, kills).await;
    drop(node);
    let replay = run(&["replay", "--data", text(&data)]).expect("run");
    assert!(
        replay.status.success(),
        "replay disagrees: {}",
        replay.stderr
    );
    println!(
        "{kills} kills, {} blocks and {} receipts reported, slowest restart {slowest:?}; {}",
        reported.len(),
        receipts.len(),
        replay.stdout.trim()
    );
}

/// Sends as fast as it goes and writes down what RPC reports, until the node is gone.
async fn load(
    node: &Node,
    recipient: &str,
    reported: &mut Reported,
    receipts: &mut Vec<(Value, Value)>,
) {
    let Ok(accounts) = node.rpc("eth_accounts", json!([])).await else {
        return;
    };
    let senders = (0..SENDERS).map(|index| send_all_day(node, &accounts[index], recipient));
    let senders = futures::future::join_all(senders);
    tokio::select! {
        _ = senders => {}
        () = observe(node, recipient, reported, receipts) => {}
    }
}

async fn send_all_day(node: &Node, from: &Value, to: &str) {
    loop {
        let send = json!([{ "from": from, "to": to, "value": "0x1", "gas": "0x5208" }]);
        if node.rpc("eth_sendTransaction", send).await.is_err() {
            // The pool may be full for a moment.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn observe(
    node: &Node,
    recipient: &str,
    reported: &mut Reported,
    receipts: &mut Vec<(Value, Value)>,
) {
    loop {
        let Ok(block) = node
            .rpc("eth_getBlockByNumber", json!(["latest", false]))
            .await
        else {
            return;
        };
        let Some(number) = height(&block["number"]) else {
            return;
        };
        let Ok(balance) = node
            .quantity("eth_getBalance", json!([recipient, block["number"]]))
            .await
        else {
            return;
        };
        reported.insert(
            number,
            (
                block["hash"].as_str().unwrap_or_default().to_owned(),
                balance,
            ),
        );
        if let Some(hash) = block["transactions"].get(0) {
            let Ok(receipt) = node.rpc("eth_getTransactionReceipt", json!([hash])).await else {
                return;
            };
            receipts.push((hash.clone(), receipt["blockHash"].clone()));
        }
    }
}

fn height(quantity: &Value) -> Option<u64> {
    u64::from_str_radix(quantity.as_str()?.strip_prefix("0x")?, 16).ok()
}

async fn check_reported(
    node: &Node,
    reported: &Reported,
    receipts: &[(Value, Value)],
    recipient: &str,
    round: u64,
) {
    // All that is new, and a sample of what was checked before.
    let step = (reported.len() / 200).max(1);
    for (number, (hash, balance)) in reported.iter().rev().step_by(step) {
        let tag = format!("{number:#x}");
        let block = node
            .rpc("eth_getBlockByNumber", json!([tag, false]))
            .await
            .expect("an answer");
        assert_eq!(
            block["hash"].as_str(),
            Some(hash.as_str()),
            "round {round}: block {number} was reported"
        );
        let now = node
            .quantity("eth_getBalance", json!([recipient, tag]))
            .await
            .expect("an answer");
        assert_eq!(now, *balance, "round {round}: balance at block {number}");
    }
    for (hash, block) in receipts.iter().rev().take(100) {
        let receipt = node
            .rpc("eth_getTransactionReceipt", json!([hash]))
            .await
            .expect("an answer");
        assert_eq!(
            receipt["blockHash"], *block,
            "round {round}: receipt of {hash}"
        );
    }
}
