//! `capstan trigger` on the prepared world of `capstan dev`.

use std::time::Duration;

use capstan_testing::process::{Node, Said, run};
use serde_json::{Value, json};

use crate::said::{refuses, says, world};

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
            "when     1 ETH is at 1498.246772 usd or below, now ",
            "sell     up to 1.5 ETH\n",
            "for      USDC\n",
            "floor    at most 2 % below its value at oracle prices\n",
            "brings   at least 220",
            "prepaid  0.0",
            "call     triggers.create(",
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
    says(&listed, &["1.5 ETH", "USDC", "ETH <= 14", "usd"]);
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
            "is no price in usd",
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
