//! The look at all debtors together, against what each of them says for himself.

use alloy_primitives::U256;
use capstan_contracts::account::Verb;
use serde_json::{Value, json};

use super::{
    accounts::{COIN, ETHER, action, node_with_collateral, run_by},
    node::{Node, quantity},
};

/// Accounts that borrow, and how much of three coins' worth.
const DEBTORS: [(usize, u128); 3] = [(1, ETHER), (2, ETHER / 2), (3, ETHER / 4)];

async fn node_with_debtors() -> Node {
    let node = node_with_collateral().await;
    for (who, borrowed) in DEBTORS {
        let actions = vec![
            action(Verb::Deposit, COIN, 3 * ETHER),
            action(Verb::Supply, COIN, 2 * ETHER),
            action(Verb::Borrow, COIN, borrowed),
        ];
        run_by(&node, who, actions).await;
    }
    // One who lends and owes nothing is no risk.
    let deposit = vec![action(Verb::Deposit, COIN, ETHER)];
    run_by(&node, 4, deposit).await;
    node
}

fn amount(value: &Value) -> U256 {
    serde_json::from_value(value["amount"].clone()).expect("an amount")
}

/// RPC-33
#[tokio::test(flavor = "multi_thread")]
async fn risk_is_what_the_accounts_say_together() {
    let node = node_with_debtors().await;
    let risk = node.ok("capstan_risk", json!([])).await;
    assert_eq!(quantity(&risk["blockNumber"]), node.chain.head().number());
    assert_eq!(
        (&risk["accountCount"], &risk["isWhole"]),
        (&json!("0x3"), &json!(true))
    );
    assert_eq!(risk["unvaluedCount"], "0x0");
    let mut sums = [U256::ZERO; 2];
    let mut debts = Vec::new();
    for (who, _) in DEBTORS {
        let report = &node.ok("capstan_account", json!([node.address(who)])).await["report"];
        sums[0] += amount(&report["collateral"]);
        sums[1] += amount(&report["debt"]);
        debts.push((amount(&report["debt"]), report["roomToFallBps"].clone()));
    }
    assert_eq!([amount(&risk["collateral"]), amount(&risk["debt"])], sums);
    let largest = debts[0].0 * U256::from(10_000) / sums[1];
    assert_eq!(
        U256::from(risk["largest"]["oneBps"].as_u64().expect("bps")),
        largest
    );
    assert_eq!(risk["largest"]["fiveBps"], 10_000);

    // Every debtor stands in the one band that holds his distance.
    let bands = risk["distance"].as_array().expect("bands");
    assert_eq!(risk["unhealthy"]["accountCount"], "0x0");
    for band in bands {
        let (from, to) = (band["fromBps"].as_u64(), band["toBps"].as_u64());
        let inside = debts.iter().filter(|(_, room)| {
            let room = room.as_u64();
            room >= from && (to.is_none() || room < to)
        });
        let (count, debt) = inside.fold((0_u64, U256::ZERO), |(count, sum), (debt, _)| {
            (count + 1, sum + debt)
        });
        assert_eq!(
            (quantity(&band["accountCount"]), amount(&band["debt"])),
            (count, debt)
        );
    }
    let counted: u64 = bands
        .iter()
        .map(|band| quantity(&band["accountCount"]))
        .sum();
    assert_eq!(counted, 3);

    let coin = &risk["assets"][0];
    assert_eq!(amount(&coin["owed"]), sums[1]);
    assert_eq!(coin["owedLargest"]["oneBps"], risk["largest"]["oneBps"]);
    let market = &node.ok("capstan_markets", json!([])).await["items"][0];
    assert_eq!(coin["reserve"], market["reserve"]);
    assert!(coin["backstop"].is_null() && risk["assets"][1]["reserve"].is_null());
    let text = risk.to_string().to_lowercase();
    for (who, _) in DEBTORS {
        let name = node.address(who).to_string().to_lowercase();
        assert!(!text.contains(&name), "an account is named");
    }
}

/// RPC-33
#[tokio::test(flavor = "multi_thread")]
async fn risk_says_how_the_oracle_knows() {
    let node = node_with_debtors().await;
    let risk = node.ok("capstan_risk", json!([])).await;
    let oracle = &risk["assets"][0]["oracle"];
    assert_eq!(
        (&oracle["usable"], &oracle["spot"]["text"]),
        (&json!(true), &json!("2000"))
    );
    assert_eq!(
        (&oracle["quorum"], &oracle["bandBps"]),
        (&json!(1), &json!(500))
    );
    let sources = oracle["sources"].as_array().expect("sources");
    assert_eq!(sources.len(), 1);
    assert_eq!(sources[0]["reporter"], json!(node.address(9)));
    assert_eq!(
        (&sources[0]["isCounted"], &sources[0]["awayBps"]),
        (&json!(true), &json!(0))
    );
    assert!(risk["assets"][2]["oracle"].is_null(), "no feed");

    // A price that is too old hides what stands on it, and says so.
    node.ok("evm_increaseTime", json!([3_600])).await;
    node.mine().await;
    let blind = loop {
        let risk = node.ok("capstan_risk", json!([])).await;
        if quantity(&risk["blockNumber"]) == node.chain.head().number() {
            break risk;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&blind["accountCount"], &blind["unvaluedCount"]),
        (&json!("0x0"), &json!("0x3"))
    );
    let oracle = &blind["assets"][0]["oracle"];
    assert_eq!(oracle["usable"], false);
    assert!(
        oracle["why"]
            .as_str()
            .is_some_and(|why| why.contains("old")),
        "{oracle}"
    );
    assert!(quantity(&oracle["ageMs"]) > quantity(&oracle["staleMs"]));
}
