//! `capstan account` and `capstan watch` on the prepared world of `capstan dev`, as a newcomer meets them.

use std::time::Instant;

use capstan_testing::process::{Node, Said, run};
use serde_json::{Value, json};

use crate::said::{refuses, says, world};

/// Runs with the node's address and a development account.
fn capstan(node: &Node, account: &str, words: &[&str]) -> Said {
    let mut all = words.to_vec();
    all.extend(["--rpc", node.url(), "--dev-account", account]);
    run(&all).expect("ran")
}

/// CLI-5, CLI-6: supply, borrow and health within a minute, each shown before it is signed.
#[tokio::test]
async fn a_newcomer_borrows_within_a_minute() {
    let begun = Instant::now();
    let node = world().await;
    let listed = run(&["market", "list", "--rpc", node.url()]).expect("ran");
    says(&listed, &["#0 ETH", "#1 USDC", "#2 WBTC", " USD"]);

    let said = capstan(&node, "1", &["account", "supply", "2", "eth", "--yes"]);
    says(&said, &["ETH supplied", "done in block", "no debt"]);
    let said = capstan(&node, "1", &["account", "borrow", "1000", "usdc", "--yes"]);
    says(
        &said,
        &["USDC owed", "ETH liquidated below", "then", "health"],
    );
    let said = capstan(&node, "1", &["account", "show"]);
    says(&said, &["#0 ETH", "#1 USDC", "room to fall", "costs a day"]);
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());

    // As numbers: 2 ETH at 3000, 83 % of it against 1000.
    let said = capstan(&node, "1", &["account", "show", "--json"]);
    let shown: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let health = &shown["report"]["healthMaintenance"]["text"];
    let health: f64 = health.as_str().expect("text").parse().expect("a number");
    assert!((4.9..5.0).contains(&health), "{health}");
    let usdc = &shown["holdings"][1];
    assert_eq!(
        (&usdc["symbol"], &usdc["decimals"]),
        (&json!("USDC"), &json!(6))
    );

    // Everything back: the debt with a little for its growth, then the collateral.
    let said = capstan(&node, "1", &["account", "repay", "max", "usdc", "--yes"]);
    says(&said, &["done in block", "debt 0 USD", "no debt"]);
    let said = capstan(&node, "1", &["account", "withdraw", "max", "eth", "--yes"]);
    says(&said, &["done in block"]);

    let said = capstan(&node, "1", &["account", "history"]);
    says(
        &said,
        &[
            "Supplied  2 ETH",
            "Borrowed  1000 USDC",
            "Executed  ",
            "borrow, withdraw",
        ],
    );
}

/// CLI-6: what would fail is said before anything is signed, with what to do.
#[tokio::test]
async fn what_would_fail_is_not_signed() {
    let node = world().await;
    let nonce = async || {
        let of = json!(["0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "latest"]);
        node.quantity("eth_getTransactionCount", of)
            .await
            .expect("a nonce")
    };
    refuses(
        &capstan(&node, "2", &["account", "borrow", "1000", "usdc", "--yes"]),
        &["this would fail"],
    );
    let unhealthy = [
        "account",
        "run",
        "supply 1 eth",
        "borrow 2900 usdc",
        "withdraw 2900 usdc",
        "--yes",
    ];
    let said = capstan(&node, "2", &unhealthy);
    refuses(&said, &["AccountUnhealthy"]);
    refuses(&said, &[" USD), debt: "]);
    let said = run(&["market", "show", "usd", "--rpc", node.url()]).expect("ran");
    refuses(
        &said,
        &["usd has no lending market; there are markets of ETH, USDC, WBTC"],
    );
    refuses(
        &capstan(&node, "2", &["account", "repay", "1", "usdc", "--yes"]),
        &["nothing of it is owed"],
    );
    refuses(
        &capstan(&node, "2", &["account", "supply", "1", "doge", "--yes"]),
        &["ETH, USDC, WBTC"],
    );
    refuses(
        &capstan(
            &node,
            "2",
            &["account", "supply", "0.0000001", "usdc", "--yes"],
        ),
        &["only 6 are counted"],
    );
    // What is missing is said in units, and what does what was meant.
    let usual: [(&[&str], &[&str]); 6] = [
        (
            &["deposit", "1_000_000", "usdc"],
            &["the wallet has 100000 USDC, and 1000000 would leave it"],
        ),
        (&["withdraw", "5", "eth"], &["the account lacks 5 ETH"]),
        (&["supply", "-1", "eth"], &["`-1` is no amount"]),
        (
            &["borrow", "20", "usd"],
            &["usd is minted, not borrowed", "capstan account mint"],
        ),
        (
            &["supply", "20", "usd"],
            &["usd has no lending market", "capstan account deposit"],
        ),
        (&["close"], &["the account owes nothing"]),
    ];
    for (words, expected) in usual {
        let all = [&["account"], words, &["--yes"]].concat();
        refuses(&capstan(&node, "2", &all), expected);
    }
    // Without a terminal nobody can agree.
    refuses(
        &capstan(&node, "2", &["account", "supply", "1", "eth"]),
        &["--yes"],
    );
    assert_eq!(nonce().await, 0, "nothing was sent");

    let told = capstan(
        &node,
        "2",
        &["account", "preview", "supply 1 eth", "borrow 500 usdc"],
    );
    says(
        &told,
        &["ETH supplied", "USDC units", "ETH liquidated below"],
    );
    assert_eq!(nonce().await, 0, "a preview signs nothing");
}

/// ACC-11, ACC-21: what somebody forbids himself, and when it counts.
#[tokio::test]
async fn an_owner_limits_himself() {
    let node = world().await;
    let limits = |words: &[&str]| {
        let mut all = vec!["account", "limits"];
        all.extend(words);
        capstan(&node, "4", &all)
    };
    says(&limits(&[]), &["leverage       any", "loss of a day  any"]);
    let said = limits(&[
        "--leverage",
        "1.5",
        "--daily-loss",
        "500",
        "--cooling-off",
        "12h",
        "--yes",
    ]);
    says(
        &said,
        &[
            "any -> at most 1.5x, now",
            "any -> at most 500 USD, now",
            "none -> 12h, now",
            "the day ends",
        ],
    );
    let batch = [
        "account",
        "run",
        "supply 1 eth",
        "borrow 1500 usdc",
        "withdraw 1500 usdc",
        "--yes",
    ];
    refuses(&capstan(&node, "4", &batch), &["AccountLimitReached"]);
    let said = limits(&["--leverage", "2.5", "--daily-loss", "400", "--yes"]);
    says(
        &said,
        &[
            "at most 1.5x -> at most 2.5x, from 20",
            "in 1day",
            "at most 500 USD -> at most 400 USD, now",
        ],
    );
    says(
        &limits(&[]),
        &["at most 1.5x; at most 2.5x from 20", "at most 400 USD"],
    );
    let told = limits(&["--json"]);
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(
        told["now"],
        json!({"leverageMaxBps": 15_000, "dailyLossMaxUsd": 400, "coolingOffS": 43_200})
    );
    assert_eq!(told["day"]["coolingOff"], json!(false));
    says(
        &capstan(&node, "4", &["account", "show"]),
        &["today", "at most 400 USD a day"],
    );
    refuses(
        &limits(&["--cooling-off", "31days", "--yes"]),
        &["AccountLimitOutOfRange"],
    );
    refuses(
        &limits(&["--daily-loss", "0.5", "--yes"]),
        &["only 0 are counted"],
    );
    refuses(
        &limits(&["--daily-loss", "400", "--yes"]),
        &["nothing to sign"],
    );
}

/// CLI-4: the same with a wallet of one's own.
#[tokio::test]
async fn a_wallet_signs() {
    let node = world().await;
    let folder = tempfile::tempdir().expect("a folder");
    let keystore = folder.path().to_str().expect("text");
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse\n").expect("written");
    let password = password.to_str().expect("text");
    let with = |words: &[&str]| {
        let mut all = words.to_vec();
        all.extend(["--keystore", keystore, "--password-file", password]);
        run(&all).expect("ran")
    };
    let made = with(&["wallet", "new", "alice"]);
    let address = made
        .stdout
        .split_whitespace()
        .nth(2)
        .expect("an address")
        .to_owned();
    let fund = json!([{
        "from": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "to": address,
        "value": "0x8ac7230489e80000",
    }]);
    node.rpc("eth_sendTransaction", fund).await.expect("sent");
    for _ in 0..100 {
        let balance = json!([address, "latest"]);
        if node
            .quantity("eth_getBalance", balance)
            .await
            .expect("a balance")
            > 0
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let url = node.url();
    let said = with(&[
        "account", "supply", "50%", "eth", "--wallet", "alice", "--yes", "--rpc", url, "--json",
    ]);
    assert!(said.status.success(), "{said:?}");
    let said: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let supplied = &said["account"]["holdings"][0]["supplied"]["text"];
    let supplied: f64 = supplied.as_str().expect("text").parse().expect("a number");
    assert!((4.99..=5.0).contains(&supplied), "{supplied}");
    std::fs::write(folder.path().join("password"), "wrong\n").expect("written");
    let said = with(&[
        "account", "withdraw", "max", "eth", "--wallet", "alice", "--yes", "--rpc", url,
    ]);
    refuses(&said, &["does not open"]);
}

/// WATCH-1
#[tokio::test]
async fn a_watcher_warns() {
    let node = world().await;
    let owner = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";
    let batch = [
        "account",
        "run",
        "supply 1 eth",
        "borrow 2150 usdc",
        "withdraw 2150 usdc",
        "--yes",
    ];
    says(&capstan(&node, "3", &batch), &["done in block"]);
    let watch = |words: &[&str]| {
        let mut all = vec!["watch", owner, "--rpc", node.url(), "--once"];
        all.extend(words);
        run(&all).expect("ran")
    };
    let said = watch(&["--health", "1.3,1.2"]);
    refuses(&said, &["needs attention"]);
    assert!(
        said.stdout.contains("is below 1.2") && said.stdout.contains("repay"),
        "{said:?}"
    );
    let said = watch(&["--health", "1.01"]);
    assert!(said.status.success() && said.stdout.is_empty(), "{said:?}");
    let said = run(&["watch", owner, "--once", "--rpc", "http://127.0.0.1:1"]).expect("ran");
    refuses(&said, &["needs attention"]);
    assert!(said.stdout.contains("its health is not known"), "{said:?}");
}

/// `close` takes from the account alone: where nothing there pays, it says what does instead of signing.
#[tokio::test]
async fn closing_says_what_stays_owed() {
    let node = world().await;
    let steps: [&[&str]; 2] = [
        &["account", "supply", "1", "eth", "--yes"],
        &["account", "mint", "200", "usd", "--yes"],
    ];
    for step in steps {
        says(&capstan(&node, "4", step), &["done in block"]);
    }
    let close = ["account", "close", "--yes"];
    let said = capstan(&node, "4", &close);
    refuses(
        &said,
        &["the account holds nothing that pays its debts: 200"],
    );
    refuses(&said, &["capstan account repay max usd"]);
    let deposit = ["account", "deposit", "150", "usd", "--yes"];
    says(&capstan(&node, "4", &deposit), &["done in block"]);
    let said = capstan(&node, "4", &close);
    says(&said, &["done in block"]);
    assert!(said.stderr.contains("stays owed"), "{said:?}");
}

/// A token of another chain is said to be missing, not the node.
#[tokio::test]
async fn an_address_where_nothing_is_is_named() {
    let node = world().await;
    let folder = tempfile::tempdir().expect("a folder");
    let example = run(&["admin", "list", "--example"]).expect("ran");
    let asset = folder.path().join("asset.toml");
    std::fs::write(&asset, &example.stdout).expect("written");
    let asset = asset.to_str().expect("text");
    let said = capstan(&node, "0", &["admin", "list", asset, "--yes"]);
    refuses(&said, &["answers decimals(): is the address right"]);
}

/// CLI-5, CLI-6: leverage opens and closes in one batch each; what the swaps may cost is shown before it is signed.
#[tokio::test]
async fn leverage_opens_and_closes_at_a_terminal() {
    let node = world().await;
    let own = ["account", "supply", "2", "eth", "--yes"];
    says(&capstan(&node, "5", &own), &["done in block"]);
    let up = ["account", "lever", "3000", "usdc", "--buy", "eth", "--yes"];
    let said = capstan(&node, "5", &up);
    says(
        &said,
        &[
            "swap 3000 USDC for 0.99",
            "at least",
            "USDC -> ETH by pool 0",
            "USDC owed",
            "done in block",
        ],
    );
    let shown = || {
        let said = capstan(&node, "5", &["account", "show", "--json"]);
        serde_json::from_str::<Value>(&said.stdout).expect("JSON")
    };
    let supplied = |shown: &Value| -> f64 {
        let text = shown["holdings"][0]["supplied"]["text"].as_str();
        text.expect("text").parse().expect("a number")
    };
    let levered = shown();
    assert!((2.98..3.0).contains(&supplied(&levered)), "{levered}");
    assert_eq!(levered["pieces"], json!([]));

    let part = [
        "account", "unlever", "500", "usdc", "--sell", "eth", "--yes",
    ];
    says(
        &capstan(&node, "5", &part),
        &["for 500 USDC, at most", "done in block"],
    );
    let nothing = [
        "account", "unlever", "max", "wbtc", "--sell", "eth", "--yes",
    ];
    refuses(&capstan(&node, "5", &nothing), &["nothing is owed of WBTC"]);
    let same = ["account", "lever", "1", "eth", "--buy", "eth", "--yes"];
    refuses(&capstan(&node, "5", &same), &["both assets are ETH"]);
    let close = ["account", "close", "--swap", "eth", "--yes"];
    says(&capstan(&node, "5", &close), &["done in block", "no debt"]);
    let closed = shown();
    let usdc = &closed["holdings"][1];
    assert!(
        usdc["owed"]["amount"].is_null() || usdc["owed"]["amount"] == "0x0",
        "{closed}"
    );
    assert!(
        (1.97..2.0).contains(&supplied(&closed)),
        "two fees of 0.05 %: {closed}"
    );
    refuses(&capstan(&node, "5", &close), &["the account owes nothing"]);
}

/// CLI-5, CLI-6: a debt and a collateral become others in one batch each, with what the swap may cost shown before.
#[tokio::test]
async fn debts_and_collaterals_are_refinanced_at_a_terminal() {
    let node = world().await;
    let account = |words: &[&str]| {
        let mut all = vec!["account"];
        all.extend(words);
        capstan(&node, "6", &all)
    };
    let held = |symbol: &str, what: &str| -> f64 {
        let shown: Value =
            serde_json::from_str(&account(&["show", "--json"]).stdout).expect("JSON");
        let holdings = shown["holdings"].as_array().expect("a list").clone();
        let of = |holding: &&Value| holding["symbol"] == symbol;
        let found = holdings.iter().find(of);
        let text = found.and_then(|holding| holding[what]["text"].as_str());
        text.map_or(0.0, |text| text.parse().expect("a number"))
    };
    says(
        &account(&["supply", "3", "eth", "--yes"]),
        &["done in block"],
    );
    says(
        &account(&["borrow", "1000", "usdc", "--yes"]),
        &["done in block"],
    );

    // A market debt becomes one in minted dollars: a part of it, then the rest with its growth.
    let part = ["refinance", "debt", "400", "usdc", "--into", "usd", "--yes"];
    says(
        &account(&part),
        &[
            "for 400 USDC, at most",
            "usd -> USDC by pool",
            "usd owed",
            "done in block",
        ],
    );
    let (usdc, usd) = (held("USDC", "owed"), held("usd", "owed"));
    assert!(
        (599.9..600.1).contains(&usdc) && (400.0..405.0).contains(&usd),
        "{usdc} and {usd}"
    );
    let rest = ["refinance", "debt", "max", "usdc", "--into", "usd", "--yes"];
    says(&account(&rest), &["done in block"]);
    let (usdc, usd) = (held("USDC", "owed"), held("usd", "owed"));
    assert!(
        usdc == 0.0 && (1_000.0..1_012.0).contains(&usd),
        "{usdc} and {usd}"
    );

    // A third of the collateral becomes another one, lent as it was; the debt stays.
    let other = [
        "refinance",
        "collateral",
        "1",
        "eth",
        "--into",
        "usdc",
        "--yes",
    ];
    says(
        &account(&other),
        &[
            "swap 1 ETH for ",
            "ETH -> USDC by pool",
            "USDC supplied",
            "done in block",
        ],
    );
    let (eth, usdc) = (held("ETH", "supplied"), held("USDC", "supplied"));
    assert!(
        (1.999..2.001).contains(&eth) && (2_900.0..3_100.0).contains(&usdc),
        "{eth} and {usdc}"
    );
    assert!((1_000.0..1_012.0).contains(&held("usd", "owed")));

    let refused: [(&[&str], &str); 5] = [
        (
            &["refinance", "debt", "max", "wbtc", "--into", "usd", "--yes"],
            "nothing is owed of WBTC",
        ),
        (
            &["refinance", "debt", "max", "usd", "--into", "usd", "--yes"],
            "both assets are usd",
        ),
        (
            &[
                "refinance",
                "collateral",
                "5",
                "eth",
                "--into",
                "usdc",
                "--yes",
            ],
            "the account holds 2",
        ),
        (
            &[
                "refinance",
                "collateral",
                "max",
                "wbtc",
                "--into",
                "usdc",
                "--yes",
            ],
            "the account holds 0 WBTC",
        ),
        (
            &["refinance", "debt", "max", "usd", "--into", "doge", "--yes"],
            "ETH, USDC, WBTC",
        ),
    ];
    for (words, expected) in refused {
        refuses(&account(words), &[expected]);
    }
}
