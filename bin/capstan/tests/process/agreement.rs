//! `capstan loan` and `capstan stream` on the prepared world of `capstan dev`.

use std::time::Duration;

use capstan_testing::process::{Node, Said, run};
use serde_json::Value;

use crate::said::{json_of, refuses, says, world};

/// Development account 1 lends and pays; account 2 borrows and is paid.
const PAYER: u8 = 1;
const PAID: u8 = 2;
const PAID_ADDRESS: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const OTHER: u8 = 3;
const OTHER_ADDRESS: &str = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

fn asked(node: &Node, who: u8, words: &[&str]) -> Said {
    let who = who.to_string();
    let mut all = words.to_vec();
    all.extend(["--rpc", node.url()]);
    let is_question = ["offers", "show"].contains(&words[1]);
    if !is_question {
        all.extend(["--dev-account", &who]);
    }
    run(&all).expect("ran")
}

fn json(node: &Node, who: u8, words: &[&str]) -> Value {
    json_of(&asked(node, who, &[words, &["--json"]].concat()))
}

/// CLI-28: an offer is made, taken in part, seen from both sides, paid back whole and taken back.
#[tokio::test]
async fn a_loan_is_offered_taken_paid_back_and_its_offer_cancelled() {
    let node = world().await;
    let offer = [
        "loan",
        "offer",
        "3000 usdc",
        "--rate",
        "6%",
        "--instalments",
        "3",
        "--every",
        "1h",
        "--grace",
        "10m",
        "--default-after",
        "1h",
        "--least",
        "100",
        "--yes",
    ];
    let made = json(&node, PAYER, &offer);
    let id = made["id"].as_u64().expect("a number").to_string();
    says(
        &asked(&node, PAYER, &["loan", "offers"]),
        &["3000 USDC", "6 %", "3 in 3h"],
    );
    refuses(
        &asked(
            &node,
            PAYER,
            &[
                "loan", "offer", "1 usdc", "--rate", "6%", "--every", "1m", "--yes",
            ],
        ),
        &["periodS"],
    );
    let huge = format!("1{} usdc", "0".repeat(32));
    refuses(
        &asked(
            &node,
            PAYER,
            &["loan", "offer", &huge, "--rate", "6%", "--yes"],
        ),
        &["no amount is more than", "USDC"],
    );

    says(
        &asked(&node, PAID, &["account", "supply", "5", "eth", "--yes"]),
        &["done in block"],
    );
    refuses(
        &asked(&node, PAID, &["loan", "take", &id, "5000", "--yes"]),
        &["3000"],
    );
    refuses(
        &asked(&node, PAID, &["loan", "take", "99", "1", "--yes"]),
        &["nothing to take of offer 99"],
    );
    says(
        &asked(&node, PAID, &["loan", "take", &id, "1200", "--yes"]),
        &[
            "6 % a year",
            "3 payments, one every 1h: equal payments",
            "done in block",
        ],
    );
    let owes = json(&node, PAID, &["loan", "list"]);
    let loan = owes["owes"][0]["id"].as_u64().expect("a loan").to_string();
    assert_eq!(owes["owes"][0]["principal"], "0x47868c00", "1200 USDC");
    says(
        &asked(&node, PAYER, &["loan", "list"]),
        &["is owed", "on schedule"],
    );
    let shown = asked(&node, PAID, &["loan", "show", &loan]);
    says(
        &shown,
        &[
            "on schedule",
            PAID_ADDRESS,
            "1200 USDC taken on",
            "then owed",
        ],
    );
    assert_eq!(
        json(&node, PAID, &["loan", "show", &loan])["payments"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );

    refuses(
        &asked(&node, OTHER, &["loan", "repay", &loan, "max", "--yes"]),
        &["pay it as that account"],
    );
    says(
        &asked(&node, PAID, &["loan", "repay", &loan, "200", "--yes"]),
        &["done in block"],
    );
    says(
        &asked(
            &node,
            PAYER,
            &["loan", "hand-over", &loan, OTHER_ADDRESS, "--yes"],
        ),
        &[OTHER_ADDRESS, "from now on"],
    );
    says(&asked(&node, OTHER, &["loan", "list"]), &["is owed"]);
    says(
        &asked(&node, PAYER, &["loan", "list"]),
        &["no loans at fixed terms"],
    );
    says(
        &asked(&node, PAID, &["loan", "repay", &loan, "max", "--yes"]),
        &["done in block"],
    );
    says(
        &asked(&node, PAID, &["loan", "list"]),
        &["no loans at fixed terms"],
    );
    refuses(
        &asked(&node, PAID, &["loan", "show", &loan]),
        &["nothing is owed"],
    );

    says(
        &asked(&node, PAYER, &["loan", "cancel", &id, "--yes"]),
        &["1800 USDC", "is gone"],
    );
    refuses(
        &asked(&node, PAID, &["loan", "take", &id, "max", "--yes"]),
        &["nothing to take"],
    );
}

/// CLI-29: a stream is opened, collected from, paid into, set to pay a debt, handed over and stopped.
#[tokio::test]
async fn a_stream_flows_pays_a_debt_and_is_stopped() {
    let node = world().await;
    let open = [
        "stream",
        "open",
        "3600 usdc",
        PAID_ADDRESS,
        "--lasts",
        "1h",
        "--yes",
    ];
    let preview: Vec<_> = open[..6].iter().copied().chain(["--preview"]).collect();
    says(
        &asked(&node, PAYER, &preview),
        &[
            "pay in    3600 USDC",
            "evenly for 1h",
            "by you, at any time",
        ],
    );
    let id = json(&node, PAYER, &open)["id"]
        .as_u64()
        .expect("a number")
        .to_string();
    says(&asked(&node, PAID, &["stream", "list"]), &["owns", "USDC"]);
    says(&asked(&node, PAYER, &["stream", "list"]), &["pays"]);
    says(
        &asked(&node, PAID, &["stream", "show", &id]),
        &["flows evenly", PAID_ADDRESS, "3600 USDC"],
    );
    refuses(
        &asked(&node, PAID, &["stream", "show", "77"]),
        &["no stream has the number 77"],
    );
    let backwards = [
        "stream",
        "open",
        "1 usdc",
        PAID_ADDRESS,
        "--lasts",
        "1m",
        "--cliff",
        "1h",
        "--yes",
    ];
    refuses(&asked(&node, PAYER, &backwards), &["it only lasts"]);

    tokio::time::sleep(Duration::from_millis(1_500)).await;
    says(
        &asked(&node, PAID, &["stream", "collect", &id, "--yes"]),
        &["done in block", "is in the wallet"],
    );
    says(
        &asked(&node, PAYER, &["stream", "pay-in", &id, "600", "--yes"]),
        &["600 USDC more"],
    );
    let told = json(&node, PAID, &["stream", "show", &id]);
    assert_eq!(told["paid"], "0xfa56ea00", "4200 USDC");

    for words in [
        ["account", "supply", "5", "eth"],
        ["account", "borrow", "2000", "usdc"],
    ] {
        says(
            &asked(&node, PAID, &[&words[..], &["--yes"]].concat()),
            &["done in block"],
        );
    }
    says(
        &asked(&node, PAID, &["stream", "assign", &id, "--yes"]),
        &["done in block"],
    );
    says(
        &asked(&node, PAID, &["stream", "show", &id]),
        &["the debt of account 0"],
    );
    says(
        &asked(&node, PAID, &["stream", "collect", &id, "--yes"]),
        &["done in block"],
    );

    refuses(
        &asked(
            &node,
            OTHER,
            &["stream", "hand-over", &id, OTHER_ADDRESS, "--yes"],
        ),
        &["Only the owner"],
    );
    says(
        &asked(
            &node,
            PAID,
            &["stream", "hand-over", &id, OTHER_ADDRESS, "--yes"],
        ),
        &["is of account 0"],
    );
    refuses(
        &asked(&node, OTHER, &["stream", "cancel", &id, "--yes"]),
        &["Only the payer"],
    );
    says(
        &asked(&node, PAYER, &["stream", "cancel", &id, "--yes"]),
        &["is stopped"],
    );
}
