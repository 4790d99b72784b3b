//! `capstan product` on the prepared world of `capstan dev`.

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
