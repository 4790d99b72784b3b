//! `capstan product` on the prepared world of `capstan dev`.

use std::time::{Duration, Instant};

use capstan_testing::process::{Node, Said, run};
use serde_json::{Value, json};

use crate::said::{refuses, says, world};

/// Development account 2, who begins with coins and tokens in his wallet.
const WALLET: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

fn asked(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["product"];
    all.extend(words);
    all.extend(["--dev-account", "2", "--rpc", node.url()]);
    run(&all).expect("ran")
}

fn listed(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["product"];
    all.extend(words);
    all.extend(["--rpc", node.url()]);
    run(&all).expect("ran")
}

/// CLI-15, RPC-29: a product is made, shown, bought and redeemed both ways; what would fail is not signed.
#[tokio::test]
async fn products_are_made_bought_and_redeemed() {
    let node = world().await;
    says(&listed(&node, &["list"]), &["WBTC2L", "loopstETH"]);
    let create = [
        "create", "long", "eth", "usdc", "1000", "--target", "3", "--limit", "5%",
    ];
    let preview = asked(&node, &[&create[..], &["--preview"]].concat());
    says(
        &preview,
        &[
            "product   Long ETH against USDC\n",
            "target    3 in 2.7 to 3.3, for ever\n",
            "call      products.create(",
        ],
    );
    says(
        &asked(&node, &[&create[..], &["--yes"]].concat()),
        &["done in block"],
    );
    says(
        &asked(&node, &["top-up", "3", "0.1", "--yes"]),
        &["done in block"],
    );
    says(&listed(&node, &["list"]), &["ETH3L", "2.7 to 3.3"]);
    says(
        &listed(&node, &["show", "3"]),
        &[
            "#3 ETH3L, 3x Long ETH against USDC",
            "leverage 3 in 2.7 to 3.3",
        ],
    );
    let mint = asked(&node, &["mint", "3", "200", "--preview"]);
    says(
        &mint,
        &[
            "pay       200 USDC\n",
            "call      productToken.depositWithin(",
        ],
    );
    let mint = ["mint", "3", "200", "--slippage", "3%", "--yes"];
    says(&asked(&node, &mint), &["done in block"]);
    let answer = node
        .rpc("capstan_products", json!([]))
        .await
        .expect("answers");
    let items = answer["items"].as_array().expect("a list");
    assert_eq!((items.len(), &answer["cursor"]), (3, &Value::Null));
    let one = &items[2];
    assert_eq!(
        (&one["id"], &one["kind"], &one["symbol"]),
        (&json!(3), &json!("long"), &json!("ETH3L"))
    );
    assert_eq!(one["target"]["text"], json!("3"));
    assert_eq!(one["baseAssetId"], one["debt"]["assetId"]);
    let redeem = ["redeem", "3", "50%", "--slippage", "3%", "--yes"];
    says(&asked(&node, &redeem), &["receive", "done in block"]);
    says(
        &asked(&node, &["redeem", "3", "max", "--in-kind", "--yes"]),
        &["which is owed", "done in block"],
    );
    refuses(&asked(&node, &["redeem", "3", "--yes"]), &["has no units"]);
    refuses(&listed(&node, &["show", "7"]), &["there is no product 7"]);
    let nonce = || async {
        let asked = node.quantity("eth_getTransactionCount", json!([WALLET, "latest"]));
        asked.await.expect("a nonce")
    };
    let before = nonce().await;
    for (words, why) in [
        (&["mint", "1", "999999999999", "--yes"][..], "to spend"),
        (
            &[
                "create", "loop", "eth", "usdc", "500", "--target", "1.2", "--yes",
            ],
            "say --low and --high",
        ),
        (
            &[
                "create", "long", "eth", "usdc", "500", "--target", "9", "--yes",
            ],
            "ProductsInvalid",
        ),
        (&["top-up", "9", "1", "--yes"], "there is no product 9"),
    ] {
        refuses(&asked(&node, words), &[why]);
    }
    assert_eq!(nonce().await, before, "nothing was sent");
}

fn swap(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["swap"];
    all.extend(words);
    all.extend(["--dev-account", "3", "--yes", "--rpc", node.url()]);
    run(&all).expect("ran")
}

/// Product 3, as the node tells it.
async fn third(node: &Node) -> Value {
    let answer = node.rpc("capstan_products", json!([{"cursor": "0x3"}]));
    answer.await.expect("answers")["items"][0].clone()
}

fn number(fixed: &Value) -> f64 {
    let text = fixed["text"].as_str().unwrap_or_else(|| panic!("{fixed}"));
    text.parse().expect("a number")
}

/// CLI-15, PROD-10, PROD-12: a neutral product is made, bought, traded beside, brought back to its hedge by the block when the
/// price falls, closed by its owner and redeemed to the last unit.
#[tokio::test]
async fn a_neutral_product_is_made_traded_and_closed() {
    let node = world().await;
    let create = [
        "create",
        "neutral",
        "eth",
        "usdc",
        "1000",
        "--target",
        "1",
        "--low",
        "0.95",
        "--high",
        "1.05",
        "--pool",
        "0",
        "--closable",
    ];
    says(
        &asked(&node, &[&create[..], &["--preview"]].concat()),
        &["product   Neutral ETH", "call      products.create("],
    );
    says(
        &asked(&node, &[&create[..], &["--yes"]].concat()),
        &["done in block"],
    );
    let top_up = ["top-up", "3", "0.1", "--yes"];
    says(&asked(&node, &top_up), &["done in block"]);
    says(
        &listed(&node, &["show", "3"]),
        &["shares of pool 0", "hedge 1 in 0.95 to 1.05", WALLET],
    );
    let made = third(&node).await;
    assert_eq!(
        (&made["kind"], &made["poolId"], &made["phase"]),
        (&json!("neutral"), &json!(0), &json!("open"))
    );
    // Half of its liquidity is ETH, and it owes as much.
    let owed = number(&made["owed"]) * 3_000.0;
    assert!((owed - 1_000.0).abs() < 10.0, "{made}");

    // Others trade in its pool, there and back: their fees are the holders'.
    says(&swap(&node, &["100", "eth", "usdc"]), &["done in block"]);
    says(&swap(&node, &["290000", "usdc", "eth"]), &["done in block"]);
    let mint = ["mint", "3", "500", "--slippage", "3%", "--yes"];
    says(&asked(&node, &mint), &["done in block"]);
    let redeem = ["redeem", "3", "25%", "--slippage", "3%", "--yes"];
    says(&asked(&node, &redeem), &["receive", "done in block"]);
    let before = third(&node).await;
    assert!(number(&before["unitValue"]) > 0.98, "{before}");

    // ETH falls by a sixth. The block borrows more, and what its units are worth hardly moves.
    let words = ["dev", "crash", "--rpc", node.url(), "--asset", "eth"];
    let fall = run(&[&words[..], &["--to", "-16%", "--in", "6s"]].concat()).expect("ran");
    says(&fall, &[]);
    let after = third(&node).await;
    assert!(
        number(&after["owed"]) > number(&before["owed"]) * 1.05,
        "{after}"
    );
    let hedge = number(&after["leverage"]);
    assert!((0.95..1.05).contains(&hedge), "{after}");
    let (was, is) = (number(&before["unitValue"]), number(&after["unitValue"]));
    assert!((is / was - 1.0).abs() < 0.03, "{was} became {is}");
    assert_eq!(after["failures"], json!(0), "{after}");

    // Others bring the pool to the price. Another is not its owner; the owner closes it, and the block turns it into dollars at its
    // next look, a minute after the last one.
    says(&swap(&node, &["455", "eth", "usdc"]), &["done in block"]);
    let close = ["product", "close", "3", "--yes", "--dev-account", "4"];
    let other = run(&[&close[..], &["--rpc", node.url()]].concat()).expect("ran");
    refuses(&other, &["ProductsNotOwner"]);
    says(&asked(&node, &["close", "3", "--yes"]), &["done in block"]);
    refuses(
        &asked(&node, &["mint", "3", "10", "--yes"]),
        &["ProductsClosing"],
    );
    let mut stands = third(&node).await;
    let until = Instant::now() + Duration::from_secs(150);
    while stands["phase"] != "closed" {
        assert!(Instant::now() < until, "{stands}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        stands = third(&node).await;
    }
    assert_eq!(number(&stands["owed"]), 0.0, "{stands}");
    assert_eq!(number(&stands["shares"]), 0.0, "{stands}");
    says(
        &asked(&node, &["redeem", "3", "max", "--yes"]),
        &["done in block"],
    );
    let empty = third(&node).await;
    assert_eq!(number(&empty["supply"]), 0.0, "{empty}");
    assert_eq!(number(&empty["held"]), 0.0, "to the last unit: {empty}");
    says(&listed(&node, &["show", "3"]), &["closed"]);
}
