//! `capstan trigger` on the prepared world of `capstan dev`.

use std::{fs, time::Duration};

use alloy_primitives::U256;
use capstan_contracts::{
    oracle::{self, IOracle::PriceAccepted},
    triggers::{self, ITriggers::TriggerFired},
};
use capstan_testing::process::{Node, Said, run, text};
use serde_json::{Value, json};

use crate::said::{refuses, says, told, world};

/// Development account 2, who begins with nothing on his account.
const WALLET: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

fn asked(node: &Node, words: &[&str]) -> Said {
    let mut all = words.to_vec();
    all.extend(["--dev-account", "2", "--rpc", node.url()]);
    run(&all).expect("ran")
}

/// What stands on the account.
async fn standing(node: &Node) -> Vec<Value> {
    let answer = node.rpc("capstan_triggers", json!([WALLET])).await;
    let answer = answer.expect("answers");
    answer["items"].as_array().expect("a list").clone()
}

/// CLI-13: an order is shown, placed, listed and cancelled; one that is due is executed by the block while nobody is there.
#[tokio::test]
async fn orders_are_placed_listed_executed_and_cancelled() {
    let node = world().await;
    says(
        &asked(&node, &["account", "deposit", "3", "eth", "--yes"]),
        &["done in block"],
    );
    let stop = ["trigger", "add", "1.5", "eth", "usdc", "--below", "1500"];
    let preview = asked(&node, &[&stop[..], &["--preview"]].concat());
    says(
        &preview,
        &[
            "when      1 ETH is at 1498.246772 USD or below, now ",
            "sell      up to 1.5 ETH\n",
            "for       USDC\n",
            "floor     at most 2 % below its value at oracle prices\n",
            "brings    at least 220",
            "prepaid   0.0",
            "call      triggers.create(",
        ],
    );
    assert_eq!(
        standing(&node).await,
        [] as [Value; 0],
        "nothing was signed"
    );
    let placed = asked(&node, &[&stop[..], &["--yes"]].concat());
    says(&placed, &["done in block", "order 1 stands"]);
    let listed = asked(&node, &["trigger", "list"]);
    says(&listed, &["1.5 ETH", "USDC", "ETH <= 14", "USD"]);
    let all = standing(&node).await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0]["kind"], &all[0]["left"]["text"], &all[0]["repay"]),
        (&json!("price"), &json!("1.5"), &json!(false))
    );

    // In parts: the first two seconds sell both of them, and the order is gone.
    let parts = [
        "trigger", "add", "0.25", "eth", "usdc", "--every", "1s", "--times", "2", "--limit", "20%",
        "--yes", "--json",
    ];
    let placed = asked(&node, &parts);
    let placed: Value = serde_json::from_str(&placed.stdout).expect("JSON");
    assert_eq!(placed["id"], json!(2));
    let mut left = standing(&node).await;
    for _ in 0..100 {
        if left.len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = standing(&node).await;
    }
    assert_eq!(left.len(), 1, "{left:?}");
    let shown = asked(&node, &["account", "show"]);
    says(&shown, &["2.5", "USDC"]);

    says(
        &asked(&node, &["trigger", "cancel", "1", "--yes"]),
        &["order 1 is gone"],
    );
    says(&asked(&node, &["trigger", "list"]), &["no orders stand"]);
}

/// TRIG-1, TRIG-2: a fall of the price that reporters tell a running node sells in the very block that takes it, while
/// nobody is there; what came of it stands on the account.
#[tokio::test]
async fn a_fall_of_the_price_sells_in_its_own_block() {
    let node = world().await;
    says(
        &asked(&node, &["account", "deposit", "3", "eth", "--yes"]),
        &["done in block"],
    );
    let stop = ["trigger", "add", "2", "eth", "usdc", "--below", "2950"];
    says(
        &asked(&node, &[&stop[..], &["--yes"]].concat()),
        &["done in block", "order 1 stands"],
    );

    // Three reporters outvote the made-up market of the world, whose owner is its last account.
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("accounts");
    for at in [11, 12, 13] {
        let who = accounts[at].as_str().expect("an address");
        let words = ["admin", "reporters", "add", who, "--yes"];
        let mut words = words.to_vec();
        words.extend(["--dev-account", "19", "--rpc", node.url()]);
        says(&run(&words).expect("ran"), &["counts now"]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fall.csv");
    let rows: String = (0..5).map(|at| format!("{},0,2900\n", at * 200)).collect();
    fs::write(&file, format!("timeMs,assetId,price\n{rows}")).expect("written");
    let mut feed = vec!["feed", "--rpc", node.url()];
    for reporter in ["11", "12", "13"] {
        feed.extend(["--dev-account", reporter]);
    }
    feed.extend(["file", text(&file)]);
    says(&run(&feed).expect("ran"), &["0 refused"]);

    let fired = told::<TriggerFired>(&node, triggers::ADDRESS).await;
    let [(block, event)] = fired.iter().collect::<Vec<_>>()[..] else {
        panic!("{fired:?}")
    };
    let accepted = told::<PriceAccepted>(&node, oracle::ADDRESS).await;
    let usd = |price: u64| U256::from(price) * U256::from(10).pow(U256::from(18));
    let mut falls = accepted.into_iter();
    let fall = falls.find(|(_, told)| told.assetId == 0 && U256::from(told.spot) <= usd(2_950));
    let (fell, price) = fall.map(|(at, told)| (at, told.spot)).expect("a fall");
    assert_eq!(*block, fell, "the block of the price itself");
    assert_eq!((event.sellPrice, event.sold), (U256::from(price), usd(2)));
    says(&asked(&node, &["trigger", "list"]), &["no orders stand"]);
    says(
        &asked(&node, &["account", "history"]),
        &["TriggerFired", "sellPrice 2900 USD", "TriggerCreated"],
    );
    let shown = asked(&node, &["account", "show", "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let units = |asset: &str| -> &Value {
        let mut holdings = shown["holdings"].as_array().expect("a list").iter();
        let held = holdings.find(|holding| holding["symbol"] == asset);
        &held.expect("stands there")["units"]["text"]
    };
    assert_eq!(units("ETH"), "1");
    let dollars: f64 = units("USDC")
        .as_str()
        .expect("text")
        .parse()
        .expect("units");
    let received = u64::try_from(event.received).expect("small") as f64 / 1e6;
    assert!((dollars - received).abs() < 1e-6, "{dollars} {received}");
    assert!((5_900.0..6_000.0).contains(&dollars), "{dollars}");
}

/// CLI-13: what would fail is said before anything is signed.
#[tokio::test]
async fn what_cannot_be_ordered_is_not_signed() {
    let node = world().await;
    for (words, why) in [
        (
            &["add", "1", "eth", "usdc", "--below", "9999", "--yes"][..],
            "TriggersMetAlready",
        ),
        (
            &["add", "1", "eth", "eth", "--below", "9", "--yes"],
            "TriggersInvalid",
        ),
        (
            &["add", "1", "doge", "usdc", "--below", "9", "--yes"],
            "no asset is called",
        ),
        (
            &["add", "10%", "eth", "usdc", "--below", "9", "--yes"],
            "as a number",
        ),
        (
            &["add", "1", "eth", "usdc", "--below", "cheap", "--yes"],
            "is no price in USD",
        ),
        (
            &["add", "1", "eth", "usdc", "--trail", "0.1%", "--yes"],
            "is no distance",
        ),
        (&["add", "1", "eth", "usdc"], "required"),
        (&["add", "1", "eth", "usdc", "--below", "9"], "--yes"),
        (&["cancel", "7", "--yes"], "TriggersUnknown"),
    ] {
        let words = [&["trigger"][..], words].concat();
        refuses(&asked(&node, &words), &[why]);
    }
    let nonce = node
        .quantity("eth_getTransactionCount", json!([WALLET, "latest"]))
        .await;
    assert_eq!(nonce.expect("a nonce"), 0, "nothing was sent");
}
