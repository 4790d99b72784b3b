//! The look at all debtors together, against what each of them says for himself.

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use alloy_sol_types::SolCall as _;
use capstan_chain::{ChainConfig, Genesis};
use capstan_contracts::account::{
    self,
    IAccount::{AccountRef, executeCall},
    Verb,
};
use capstan_rpc::{Limits, RpcConfig};
use serde_json::{Value, json};

use super::{
    accounts::{COIN, ETHER, action, node_with_collateral, prices, run_by, with_collateral},
    node::{Node, Send, quantity},
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

/// More debtors than one answer looks at.
const MANY: usize = 5_120;
/// Accounts of one owner.
const EACH: usize = 256;
/// Accounts of one answer.
const LOOKED_AT: u64 = 5_000;

/// A node with so many debtors, of twenty owners; each owes a little more than the one before.
async fn node_with_many_debtors() -> Node {
    let limits = Limits {
        call_time_max: Duration::from_secs(120),
        ..Limits::default()
    };
    let rpc = RpcConfig {
        limits,
        ..RpcConfig::default()
    };
    let people = u32::try_from(MANY / EACH).expect("small");
    let chain = ChainConfig::dev(Genesis::dev(people, 0));
    let node = with_collateral(Node::of_many(people, chain, rpc).await).await;
    let lends = vec![
        action(Verb::Deposit, COIN, 70 * ETHER),
        action(Verb::Supply, COIN, 70 * ETHER),
    ];
    run_by(&node, 8, lends).await;
    for number in 0..MANY {
        let (who, index) = (number / EACH, number % EACH);
        let more = u128::try_from(number).expect("small") * (ETHER / 1_600_000);
        let owner = node.address(who);
        let account = AccountRef {
            owner,
            index: u8::try_from(index).expect("small"),
        };
        let execute = executeCall {
            account,
            actions: vec![
                action(Verb::Deposit, COIN, ETHER / 70),
                action(Verb::Borrow, COIN, ETHER / 180 + more),
            ],
        };
        node.send(Send::to(who, account::ADDRESS).input(execute.abi_encode()));
        if number % 64 == 63 {
            let block = node.mine().await;
            assert!(block.receipts.iter().all(|receipt| receipt.status()));
        }
    }
    prices(&node, &[(COIN, 2_000)]).await;
    node.mine().await;
    node
}

/// RPC-33: with more debtors than an answer looks at, it looks at as many as it may, says that it is not whole, and serves for ten
/// times what it took, whatever blocks come and whoever asks: nobody can make a node look at all debtors in every block.
#[tokio::test(flavor = "multi_thread")]
async fn risk_is_bounded_with_thousands_of_debtors() {
    let node = node_with_many_debtors().await;
    let began = Instant::now();
    let risk = node.ok("capstan_risk", json!([])).await;
    let took = began.elapsed();
    println!("{LOOKED_AT} of {MANY} debtors in {took:?} (loaded)");
    assert_eq!(quantity(&risk["accountCount"]), LOOKED_AT);
    assert_eq!(risk["isWhole"], false);
    assert_eq!(risk["unvaluedCount"], "0x0");
    let bands = risk["distance"].as_array().expect("bands");
    let bands = bands.iter().chain([&risk["unhealthy"]]);
    let (mut count, mut debt) = (0, U256::ZERO);
    for band in bands {
        count += quantity(&band["accountCount"]);
        debt += amount(&band["debt"]);
    }
    assert_eq!((count, debt), (LOOKED_AT, amount(&risk["debt"])));
    // Blocks come, and many ask: there is one answer, which was made once.
    let mut asked = 0;
    while began.elapsed() < took * 5 && asked < 64 {
        node.mine().await;
        let again = node.ok("capstan_risk", json!([])).await;
        assert_eq!(again, risk, "made anew after {:?}", began.elapsed());
        asked += 1;
    }
    assert!(asked > 1, "nothing was asked in {:?}", took * 5);
}
