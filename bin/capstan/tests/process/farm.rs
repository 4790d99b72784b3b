//! `capstan farm` on the prepared world of `capstan dev`.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall as _;
use capstan_contracts::farms::{self, IFarms};
use capstan_testing::process::{Node, Said, run};
use serde_json::{Value, json};

/// Development account 1 opens and feeds the farm; account 2 farms.
const OPENER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const FARMER: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const HOUR_MS: u64 = 3_600_000;

async fn send(node: &Node, input: Vec<u8>) {
    let data = Bytes::from(input);
    let request = json!([{"from": OPENER, "to": farms::ADDRESS, "data": data}]);
    let sent = node.rpc("eth_sendTransaction", request).await;
    sent.expect("sent");
}

/// A node with farm 2, of the shares of pool 0, ETH and USDC, into which both flow.
async fn world() -> Node {
    let node = crate::said::world().await;
    let pools = node.rpc("capstan_pools", json!([])).await.expect("answers");
    let coins = pools["items"][0]["assets"].as_array().expect("a list");
    let ids: Vec<u32> = coins
        .iter()
        .map(|coin| serde_json::from_value(coin["assetId"].clone()).expect("a number"))
        .collect();
    let open = IFarms::openCall {
        kind: 2,
        id: 0,
        rewards: ids.clone(),
        boostAssetId: 0,
        liftWad: U256::ZERO,
    };
    send(&node, open.abi_encode()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (asset, amount) in ids.iter().zip([10_u128.pow(18), 2_000 * 10_u128.pow(6)]) {
        let fund = IFarms::fundCall {
            farmId: 2,
            assetId: *asset,
            amount: U256::from(amount),
            periodMs: HOUR_MS,
        };
        send(&node, fund.abi_encode()).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    node
}

fn farm(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["farm"];
    all.extend(words);
    all.extend(["--rpc", node.url()]);
    if words[0] != "list" {
        all.extend(["--dev-account", "2"]);
    }
    run(&all).expect("ran")
}

#[track_caller]
fn says(said: &Said, expected: &[&str]) {
    assert!(said.status.success(), "{said:?}");
    for text in expected {
        assert!(said.stdout.contains(text), "no `{text}` in {said:?}");
    }
}

#[track_caller]
fn refuses(said: &Said, expected: &str) {
    assert!(
        !said.status.success() && said.stderr.contains(expected),
        "no `{expected}` in {said:?}"
    );
}

async fn standing(node: &Node) -> Value {
    let farmer: Address = FARMER.parse().expect("an address");
    let answer = node.rpc("capstan_account", json!([farmer])).await;
    answer.expect("answers")
}

/// CLI-14: a farm is entered with borrowed units in one batch, compounded, and left without a debt.
#[tokio::test]
async fn a_farm_is_entered_compounded_and_left() {
    let node = world().await;
    says(&farm(&node, &["list"]), &["shares of pool 0", "ETH USDC"]);
    says(
        &farm(&node, &["show", "2"]),
        &["#2 of shares of pool 0", "flows", "own       nothing"],
    );
    refuses(
        &farm(&node, &["leave", "2", "--yes"]),
        "has no stake in farm 2",
    );
    refuses(&farm(&node, &["show", "7"]), "there is no farm 7");
    refuses(
        &farm(&node, &["enter", "2", "1 wbtc", "--yes"]),
        "takes ETH and USDC, not WBTC",
    );

    let enter = ["enter", "2", "3000 usdc", "--borrow", "1 eth", "--yes"];
    says(
        &farm(&node, &enter),
        &["provide to pool #0 for", "at least", "done in block"],
    );
    let account = standing(&node).await;
    let piece = &account["pieces"][0];
    assert_eq!(
        (&piece["kind"], &piece["id"]),
        (&json!("stake"), &json!("0x2")),
        "{account}"
    );
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let shown = farm(&node, &["show", "2"]);
    says(
        &shown,
        &[
            "due",
            "ETH",
            "held",
            "earns",
            "costs",
            "net",
            "% of what is the account's own",
        ],
    );

    let before = piece["amount"].clone();
    says(
        &farm(&node, &["compound", "2", "--yes"]),
        &["provide to pool #0", "done in block"],
    );
    let grown = standing(&node).await["pieces"][0]["amount"].clone();
    let number = |value: Value| serde_json::from_value::<U256>(value).expect("a number");
    assert!(number(grown) > number(before));

    tokio::time::sleep(Duration::from_millis(1_000)).await;
    says(
        &farm(&node, &["leave", "2", "--yes"]),
        &["take out", "done in block"],
    );
    let account = standing(&node).await;
    assert_eq!(account["pieces"], json!([]), "{account}");
    let owes = |held: &Value| held["owed"]["text"] != "0";
    let holdings = account["holdings"].as_array().expect("a list");
    assert!(!holdings.iter().any(owes), "{account}");
}

/// CLI-14: a reward that is no coin of the farm's pool is sold for its coins, no worse than tolerated beside the oracle's prices,
/// and what it brought is provided and staked; where too little is tolerated nothing is signed.
#[tokio::test]
async fn a_reward_that_is_no_coin_of_the_pool_is_sold() {
    let node = world().await;
    let enter = ["enter", "0", "3000 usdc", "--borrow", "1 eth", "--yes"];
    says(
        &farm(&node, &enter),
        &["provide to pool #0", "done in block"],
    );
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    says(&farm(&node, &["show", "0"]), &["due", "CAP"]);
    let before = standing(&node).await["pieces"][0]["amount"].clone();
    let at_worth = farm(&node, &["compound", "0", "--slippage", "0%", "--yes"]);
    assert!(
        !at_worth.status.success(),
        "fees alone cost more: {at_worth:?}"
    );
    let compound = farm(&node, &["compound", "0", "--slippage", "3%", "--yes"]);
    says(
        &compound,
        &[
            " CAP for ",
            " ETH, at most ",
            " USDC, at most ",
            "provide to pool #0",
            "done in block",
        ],
    );
    let grown = standing(&node).await["pieces"][0]["amount"].clone();
    let number = |value: Value| serde_json::from_value::<U256>(value).expect("a number");
    assert!(number(grown) > number(before));
}
