//! A trader's first quarter of an hour on `capstan dev --feed fixed`, with its numbers; and the crash of the world as it is.

use alloy_primitives::U256;
use capstan_contracts::{
    oracle::{self, IOracle::PriceAccepted},
    triggers::{self, ITriggers::TriggerFired},
};
use capstan_testing::process::{Node, Said, run};
use serde_json::{Value, json};

use crate::said::{json_of, refuses, says, told};

/// Prices that stand still, and the market maker who brings pools after them.
async fn market() -> Node {
    let words = ["dev", "--feed", "fixed", "--block-time", "100ms"];
    Node::start(&words).await.expect("started")
}

fn asked(node: &Node, who: &str, words: &[&str]) -> Said {
    let mut all = words.to_vec();
    all.extend(["--dev-account", who, "--rpc", node.url()]);
    run(&all).expect("ran")
}

fn crash(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["dev", "crash", "--rpc", node.url()];
    all.extend(words);
    run(&all).expect("ran")
}

fn number(text: &Value) -> f64 {
    let text = text["text"].as_str().unwrap_or_else(|| panic!("{text}"));
    text.parse().expect("a number")
}

fn holding(shown: &Value, symbol: &str) -> Value {
    let holdings = shown["holdings"].as_array().expect("a list");
    let found = holdings.iter().find(|held| held["symbol"] == symbol);
    found.cloned().unwrap_or_default()
}

/// 10 ETH at 3,000 against 15,000 dollars.
fn borrow(node: &Node, who: &str) {
    let deposit = ["account", "deposit", "10", "eth", "--yes"];
    says(&asked(node, who, &deposit), &["done in block"]);
    let borrow = ["account", "borrow", "15000", "usdc", "--yes"];
    says(
        &asked(node, who, &borrow),
        &["1.66", "1807.2", "done in block"],
    );
}

/// WORLD-2, WORLD-4: deposit, borrow, a stop, five-fold, a crash, the explanation, and the way out.
#[tokio::test]
async fn world_4_the_quarter_hour_of_a_trader() {
    let node = market().await;

    // Deposit 10 eth at 3,000, borrow 15,000 dollars: health 1.66, liquidated near 1,807, at a cost per day.
    borrow(&node, "1");
    borrow(&node, "2");
    let shown = json_of(&asked(&node, "1", &["account", "show", "--json"]));
    let health = number(&shown["report"]["healthMaintenance"]);
    assert!((1.659..=1.66).contains(&health), "{health}");
    let at = number(&holding(&shown, "ETH")["liquidationPrice"]);
    assert!((1_807.2..1_807.4).contains(&at), "{at}");
    let cost = number(&shown["report"]["costPerDay"]);
    assert!((0.01..10.0).contains(&cost), "{cost} dollars a day");

    // A stop at 1,950 for one of them.
    let stop = [
        "trigger", "add", "max", "eth", "usdc", "--below", "1950", "--repay", "--limit", "5%",
        "--yes",
    ];
    says(
        &asked(&node, "1", &stop),
        &["done in block", "order 1 stands"],
    );

    // Five-fold, and how near that is.
    let own = ["account", "supply", "2", "eth", "--yes"];
    says(&asked(&node, "3", &own), &["done in block"]);
    let lever = ["account", "lever", "24000", "usdc", "--buy", "eth", "--yes"];
    let said = asked(&node, "3", &lever);
    says(
        &said,
        &[
            "WARNING: it is liquidated once its collateral falls by ",
            "done in block",
        ],
    );
    let levered = json_of(&asked(&node, "3", &["account", "show", "--json"]));
    let report = &levered["report"];
    let leverage =
        number(&report["collateral"]) / (number(&report["collateral"]) - number(&report["debt"]));
    assert!((4.9..5.2).contains(&leverage), "{leverage}");
    let room = report["roomToFallBps"].as_u64().expect("a number");
    assert!((100..400).contains(&room), "{room} bps");

    // Forty percent down. Twelve reports, none wider than the band.
    let said = crash(&node, &["--asset", "eth", "--to", "-40%", "--in", "12s"]);
    says(
        &said,
        &[
            "ETH goes from 3000 to 1800 USD in 12 reports",
            "stETH is priced by its rate to it, and follows",
            "order 1 of 0x7099",
            "sold 10 ETH for ",
            "repaid 15000.00",
            "liquidation ",
            "penalty ",
            "Aave v3 ",
            "ETH stands at 1800 USD",
            "1 order fired",
        ],
    );

    // The stop fired in the block of its price, and its owner was not liquidated.
    let fired = told::<TriggerFired>(&node, triggers::ADDRESS).await;
    let [(block, event)] = fired.iter().collect::<Vec<_>>()[..] else {
        panic!("{fired:?}")
    };
    let usd = |price: u64| U256::from(price) * U256::from(10).pow(U256::from(18));
    let accepted = told::<PriceAccepted>(&node, oracle::ADDRESS).await;
    let eth = |told: &PriceAccepted| told.assetId == 0 && U256::from(told.spot) <= usd(1_950);
    let fell = accepted.iter().find(|(_, told)| eth(told));
    let (fell, price) = fell.map(|(at, told)| (*at, told.spot)).expect("a fall");
    assert_eq!(*block, fell, "the block of the price itself");
    assert_eq!(event.sellPrice, U256::from(price));
    let explain = ["account", "explain"];
    refuses(&asked(&node, "1", &explain), &["was never liquidated"]);

    // Without it: what was sold, health before and after, the penalty, and the other rule.
    let said = asked(&node, "2", &explain);
    says(
        &said,
        &[
            "before, ",
            "sold ",
            " ETH for ",
            " USDC of debt",
            "by its rule of 50 % of the debt and a bonus of 5 %",
        ],
    );
    let told = json_of(&asked(&node, "2", &["account", "explain", "--json"]));
    let ours = number(&told["compared"]["penalty"]);
    let aave = &told["compared"]["aave"];
    let theirs = number(&aave["penalty"]);
    assert!((374.0..376.0).contains(&theirs), "5 % of 7,500: {theirs}");
    assert!(ours < theirs, "{ours} is no less than {theirs}");
    assert!(number(&told["healthBefore"]) < 1.0);
    let after = number(&told["healthAfter"]);
    assert!(after >= 1.0, "{after}");

    // Close everything, and receive what was shown.
    let shown = json_of(&asked(&node, "1", &["account", "show", "--json"]));
    assert!(shown["report"]["healthMaintenance"].is_null(), "{shown}");
    let units = holding(&shown, "USDC")["units"]["amount"].clone();
    let units: U256 = serde_json::from_value(units).expect("units");
    assert!(units > U256::ZERO, "{shown}");
    let wallet = async || {
        let token = node.rpc("capstan_markets", json!([])).await;
        let token = token.expect("markets")["items"][1]["token"].clone();
        let owner = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
        let input = format!("0x70a08231{:0>64}", &owner[2..]);
        let asked = json!([{"to": token, "input": input}, "latest"]);
        let answer = node.rpc("eth_call", asked).await.expect("a balance");
        serde_json::from_value::<U256>(answer).expect("a word")
    };
    let before = wallet().await;
    let out = ["account", "withdraw", "max", "usdc", "--yes"];
    says(&asked(&node, "1", &out), &["done in block"]);
    assert_eq!(wallet().await - before, units);
}

/// WORLD-5, WORLD-6: the world as it starts has somebody to liquidate, who is a bot and says so.
#[tokio::test]
async fn world_5_a_crash_liquidates_somebody() {
    let words = ["dev", "--block-time", "100ms"];
    let node = Node::start(&words).await.expect("started");
    let labels = node.rpc("capstan_labels", json!([])).await.expect("labels");
    let labels = labels.as_array().expect("a list").clone();
    let kinds = |kind: &str| labels.iter().filter(|label| label["kind"] == kind).count();
    // Ten who trade, and those of the market of work: machines, their holders, a customer, auditors, lenders.
    assert_eq!((kinds("owner"), kinds("person"), kinds("bot")), (1, 19, 23));
    let said = crash(
        &node,
        &["--asset", "eth", "--to", "-40%", "--in", "10s", "--json"],
    );
    let told = json_of(&said);
    let liquidations = told["liquidations"].as_array().expect("a list");
    assert!(!liquidations.is_empty(), "{said:?}");
    for one in liquidations {
        let owner = &one["owner"];
        let is_bot = |label: &&Value| label["address"] == *owner && label["kind"] == "bot";
        // Products are liquidated like anybody; everybody else who owes here is a bot.
        let product = owner
            .as_str()
            .is_some_and(|text| text.starts_with("0xca957a"));
        assert!(
            product || labels.iter().any(|label| is_bot(&label)),
            "{one}"
        );
        let is_sale = |step: &Value| step["venue"] != "netting";
        let was_sold = one["steps"].as_array().expect("a list").iter().any(is_sale);
        assert_eq!(one["compared"]["aave"].is_object(), was_sold, "{one}");
    }
    // Nobody's own keys were used.
    for label in labels.iter().filter(|label| label["kind"] == "person") {
        let of = json!([label["address"], "latest"]);
        let sent = node.quantity("eth_getTransactionCount", of).await;
        assert_eq!(sent.expect("a nonce"), 0, "{label}");
    }
}

/// WORLD-1: names and pools of a seed are the same each time, and others of another seed.
#[tokio::test]
async fn world_1_the_same_seed_makes_the_same_world() {
    let made = async |seed: &str| {
        let words = ["dev", "--seed", seed, "--feed", "off", "--bots", "4"];
        let node = Node::start(&words).await.expect("started");
        let labels = node.rpc("capstan_labels", json!([])).await.expect("labels");
        let pools = node.rpc("capstan_pools", json!([])).await.expect("pools");
        let reserves: Vec<_> = pools["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|pool| (pool["curve"].clone(), pool["assets"].clone()))
            .collect();
        (labels, reserves)
    };
    let (first, again, other) = (made("0").await, made("0").await, made("7").await);
    assert_eq!(first, again);
    assert_ne!(first.0, other.0);
    assert_eq!(first.1.len(), 5);
}

/// WORLD-3, RPC-37: what cannot be done is refused with its reason, and by whom.
#[tokio::test]
async fn world_3_what_no_shock_can_do_is_refused() {
    let node = market().await;
    for (words, why) in [
        (
            &["--asset", "doge"][..],
            "no asset of this world: ETH, USDC",
        ),
        (&["--asset", "steth"], "priced by its rate to asset 0"),
        (&["--to", "soon"], "is no target"),
        (&["--to", "-99.99%"], "at most 1000 times"),
        (&["--to", "-95%", "--in", "0s"], "never accepts ten"),
        (&["--in", "2h"], "at most 3600 reports"),
    ] {
        refuses(&crash(&node, words), &[why]);
    }
    let empty = Node::start(&["dev", "--empty"]).await.expect("started");
    refuses(&crash(&empty, &[]), &["feeds no prices itself"]);
    let feed = node.rpc("capstan_feed", json!([])).await.expect("a feed");
    assert_eq!(
        (&feed["kind"], &feed["shocks"]),
        (&json!("fixed"), &json!([]))
    );
}
