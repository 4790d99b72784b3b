//! `capstan pool` and `capstan swap` on the prepared world of `capstan dev`.

use alloy_primitives::U256;
use capstan_testing::process::{Node, Said, run};
use serde_json::json;

use crate::said::{json_of, refuses, says, world};

fn asked(node: &Node, words: &[&str]) -> Said {
    let mut all = words.to_vec();
    all.extend(["--rpc", node.url()]);
    run(&all).expect("ran")
}

/// Swaps as development account 2.
fn swap(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["swap", "--dev-account", "2"];
    all.extend(words);
    asked(node, &all)
}

/// CLI-10: what is shown before it is signed is what happens.
#[tokio::test]
async fn a_newcomer_swaps_what_was_shown() {
    let node = world().await;
    let listed = asked(&node, &["pool", "list"]);
    says(
        &listed,
        &[
            "#0 ETH/USDC",
            "product",
            "0.05 %",
            "5000 ETH, 15000000 USDC",
            "1 ETH = ",
            "#1 USDC/WBTC",
            "#2 USDC/usd",
            "stable",
            "100000 USDC, 100000 usd",
        ],
    );
    let shown = asked(&node, &["pool", "show", "0"]);
    says(
        &shown,
        &[
            "LP token",
            "mean price",
            "1 USDC = 0.00033",
            "paused         nothing",
        ],
    );
    let whole = json_of(&asked(&node, &["pool", "show", "0", "--json"]));
    assert_eq!(whole["assets"][1]["reserve"]["text"], "15000000");
    refuses(
        &asked(&node, &["pool", "show", "7"]),
        &["there is no pool 7"],
    );

    let preview = swap(&node, &["100", "eth", "usdc", "--preview"]);
    let lines = [
        "pay       100 ETH\n",
        "impact    1.95 %",
        "fee       0.05 % of what is paid",
        "route     ETH -> USDC by pool 0 (0.05 %)",
        "call      exchange.swap(",
    ];
    says(&preview, &lines);
    assert!(
        preview.stderr.contains("moves the price by 1.95 %"),
        "{preview:?}"
    );
    let quoted = json_of(&swap(&node, &["100", "eth", "usdc", "--preview", "--json"]));
    assert_eq!(
        quoted["received"]["text"], "293973.470328",
        "5000 * 3000 * 99.95 / 5099.95"
    );
    assert_eq!(
        quoted["receivedMin"]["text"], "292503.602976",
        "half a percent less"
    );

    let done = swap(&node, &["100", "eth", "usdc", "--yes"]);
    says(
        &done,
        &["done in block", "paid 100 ETH, received 293973.470328 USDC"],
    );

    // The other side given, and as JSON.
    let bought = swap(
        &node,
        &["0.5", "usdc", "eth", "--exact-out", "--yes", "--json"],
    );
    let bought = json_of(&bought);
    assert_eq!(
        bought["swapped"]["received"],
        json!(U256::from(500_000_000_000_000_000_u64))
    );
    assert_eq!(bought["swapped"]["paid"], bought["quote"]["paid"]["amount"]);

    // A part of what the wallet has: of 100,000, what was received, less what was paid.
    let tenth = json_of(&swap(&node, &["10%", "usdc", "eth", "--preview", "--json"]));
    let paid: f64 = tenth["paid"]["text"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a number");
    assert!((39_200.0..39_300.0).contains(&paid), "{paid}");
}

/// CLI-10: what would fail is said before anything is signed.
#[tokio::test]
async fn what_cannot_be_swapped_is_not_signed() {
    let node = world().await;
    for (words, why) in [
        (&["1", "eth", "doge", "--yes"][..], "no asset is called"),
        (&["1", "eth", "eth", "--yes"], "both asset #0"),
        (&["1", "doge", "eth", "--yes"], "no asset is called"),
        (&["0", "eth", "usdc", "--yes"], "the amount is zero"),
        (
            &["20000", "eth", "usdc", "--yes"],
            "and the wallet has 9999.99 to spend",
        ),
        (
            &["max", "eth", "usdc", "--exact-out", "--yes"],
            "as a number",
        ),
        (
            &["20000000", "eth", "usdc", "--exact-out", "--yes"],
            "ExchangeTooMuch",
        ),
        (&["0.0000001", "usdc", "eth", "--yes"], "only 6 are counted"),
        (
            &["1", "eth", "usdc", "--slippage", "101%"],
            "more than all of it",
        ),
        // Without a terminal nobody can agree.
        (&["1", "eth", "usdc"], "--yes"),
    ] {
        refuses(&swap(&node, words), &[why]);
    }
    let of = json!(["0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "latest"]);
    let nonce = node.quantity("eth_getTransactionCount", of).await;
    assert_eq!(nonce.expect("a nonce"), 0, "nothing was sent");
    let bare = Node::start(&["dev", "--empty"]).await.expect("started");
    says(
        &asked(&bare, &["pool", "list"]),
        &["there are no pools here"],
    );
}
