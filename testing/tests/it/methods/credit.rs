//! Markets on a running node, against the contracts' own views.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::{
    ether,
    ledger::{
        self,
        ILedger::{OutflowLimit, listAssetCall},
    },
    lending::{
        self,
        ILending::{self, MarketParams, listMarketCall, marketCall, pauseCall},
    },
    oracle::{
        self,
        IOracle::{FeedParams, listFeedCall},
    },
    token::{
        self,
        ITokenFactory::{createTokenCall, tokenAtCall},
    },
};
use serde_json::{Value, json};

use super::node::{Node, Send, bytes, quantity};

const DAY_S: u32 = 86_400;
const SEED: u64 = 1_000_000;

/// A node that lists the coin (asset 0, with a market and a feed) and two tokens of six decimals: asset 1 without a market,
/// asset 2 with one and without a feed.
pub(super) async fn node_with_markets() -> Node {
    with_markets(Node::start().await).await
}

/// The same on a chain that nobody has used.
pub(super) async fn with_markets(node: Node) -> Node {
    let owner = node.address(0);
    let token = |name: &str| createTokenCall {
        name: name.into(),
        symbol: name.into(),
        decimals: 6,
        owner,
        grantDelayMs: 0,
    };
    for name in ["NONE", "USDC"] {
        node.send(Send::to(0, token::FACTORY_ADDRESS).input(token(name).abi_encode()));
    }
    node.mine().await;
    let at = async |index: u64| {
        let call = tokenAtCall {
            index: U256::from(index),
        };
        view(&node, token::FACTORY_ADDRESS, &call).await
    };
    let (none, usdc) = (at(0).await, at(1).await);
    let limit = OutflowLimit {
        windowS: DAY_S,
        shareBps: 10_000,
        floor: U256::MAX >> 144,
    };
    let mut calls: Vec<(Address, Vec<u8>)> = Vec::new();
    for token in [ether::ADDRESS, none, usdc] {
        let limit = limit.clone();
        calls.push((ledger::ADDRESS, listAssetCall { token, limit }.abi_encode()));
    }
    let feed = listFeedCall {
        assetId: 0,
        description: "ETH / USD".into(),
        referencePrice: 2_000_000_000_000_000_000_000,
        params: feed_params(),
    };
    calls.push((oracle::ADDRESS, feed.abi_encode()));
    let mint = token::IToken::mintCall {
        to: owner,
        value: U256::from(10 * SEED),
    };
    calls.push((usdc, mint.abi_encode()));
    for asset_id in [0, 2] {
        calls.push((lending::ADDRESS, list_market(asset_id).abi_encode()));
    }
    let pause = pauseCall {
        assetId: 2,
        verbs: 5,
    };
    calls.push((lending::ADDRESS, pause.abi_encode()));
    for (to, input) in calls {
        node.send(Send::to(0, to).input(input));
    }
    let block = node.mine().await;
    assert!(block.receipts.iter().all(|receipt| receipt.status()));
    node
}

/// Feeds of these nodes.
pub(super) fn feed_params() -> FeedParams {
    FeedParams {
        quorum: 1,
        reacceptRounds: 2,
        bandBps: 500,
        bandWidenBpsPerMin: 100,
        confidenceBpsMax: 100,
        growthBpsPerYear: 0,
        staleMs: 60_000,
        smoothMs: 60_000,
        outageMs: 300_000,
        graceMs: 0,
        stillMs: 0,
    }
}

fn list_market(asset_id: u32) -> listMarketCall {
    // The coin counts in wei.
    let unit = if asset_id == 0 {
        1_000_000_000_000_u64
    } else {
        1
    };
    listMarketCall {
        assetId: asset_id,
        params: MarketParams {
            reserveFactorBps: 1_000,
            supplyCap: U256::from(75_500_000) * U256::from(unit),
            borrowCap: U256::from(50_000_000) * U256::from(unit),
            rateModel: 0,
            baseBps: 100,
            slope1Bps: 400,
            slope2Bps: 6_000,
            optimalBps: 8_000,
        },
        seed: U256::from(SEED),
    }
}

pub(super) async fn view<C: SolCall>(node: &Node, to: Address, call: &C) -> C::Return {
    let params = json!([{"to": to, "input": Bytes::from(call.abi_encode())}, "latest"]);
    C::abi_decode_returns(&bytes(&node.ok("eth_call", params).await)).expect("an answer")
}

/// RPC-22
#[tokio::test(flavor = "multi_thread")]
async fn markets_are_what_the_contracts_say() {
    let node = node_with_markets().await;
    let answer = node.ok("capstan_markets", json!([])).await;
    assert_eq!(quantity(&answer["blockNumber"]), 2);
    assert!(answer["cursor"].is_null());
    let items = answer["items"].as_array().expect("a list");
    let ids: Vec<_> = items.iter().map(|item| &item["assetId"]).collect();
    assert_eq!(
        ids,
        [&json!(0), &json!(2)],
        "an asset without a market is none"
    );

    let [coin, usdc] = items.as_slice() else {
        panic!("two markets")
    };
    assert_eq!(
        (&coin["kind"], &usdc["kind"]),
        (&json!("coin"), &json!("native"))
    );
    assert_eq!(
        (&coin["decimals"], &usdc["decimals"]),
        (&json!(18), &json!(6))
    );
    assert_eq!(usdc["symbol"], "USDC");
    assert_eq!(usdc["params"]["supplyCap"], fixed(75_500_000, 6, "75.5"));
    assert_eq!(usdc["params"]["rateModel"], "kinked");
    assert_eq!(usdc["params"]["reserveFactorBps"], 1_000);
    assert_eq!(
        usdc["paused"],
        json!({"supply": true, "redeem": false, "borrow": true})
    );
    assert!(usdc["nextParams"].is_null() && usdc["price"].is_null());
    let why = &coin["price"]["why"];
    assert_eq!(
        (&coin["price"]["reason"], why),
        (&json!(2), &json!("no price was ever accepted"))
    );
    assert_eq!(coin["price"]["usable"], false);
    assert_eq!(coin["price"]["description"], "ETH / USD");

    for (item, asset_id) in [(coin, 0), (usdc, 2)] {
        let stands = view(&node, lending::ADDRESS, &marketCall { assetId: asset_id }).await;
        for (name, number) in [
            ("supplied", stands.supplied),
            ("borrowed", stands.borrowed),
            ("cash", stands.cash),
            ("reserve", stands.reserve),
            ("utilisation", stands.utilisation),
            ("supplyRatePerYear", stands.supplyRate),
            ("borrowRatePerYear", stands.borrowRate),
        ] {
            assert_eq!(item[name]["amount"], json!(number), "{name}");
        }
        let share = ILending::shareTokenCall { assetId: asset_id };
        let share = view(&node, lending::ADDRESS, &share).await;
        assert_eq!(item["shareToken"], json!(share));
    }
    assert_eq!(usdc["supplied"], fixed(SEED, 6, "1"));
    assert_eq!(usdc["borrowRatePerYear"]["text"], "0.01");
}

fn fixed(amount: u64, decimals: u8, text: &str) -> Value {
    json!({"amount": U256::from(amount), "decimals": decimals, "text": text})
}

/// RPC-22
#[tokio::test(flavor = "multi_thread")]
async fn markets_come_in_pages_and_as_they_were() {
    let node = node_with_markets().await;
    let first = node.ok("capstan_markets", json!([{"limit": 1}])).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(1));
    let page = json!([{"limit": 1, "cursor": first["cursor"]}]);
    let second = node.ok("capstan_markets", page).await;
    assert_eq!(second["items"][0]["assetId"], 2);
    assert!(second["cursor"].is_null());
    let beyond = node
        .ok("capstan_markets", json!([{"cursor": "0xffffffffffff"}]))
        .await;
    assert_eq!(beyond["items"], json!([]));
    let before = node.ok("capstan_markets", json!([null, "0x1"])).await;
    assert_eq!(before["items"], json!([]), "nothing was listed in block 1");
    for wrong in [
        json!([{"limit": 0}]),
        json!([{"limit": 5_000}]),
        json!([{"page": 1}]),
    ] {
        assert_eq!(node.fault("capstan_markets", wrong).await.code, -32602);
    }
    let unknown = node.fault("capstan_markets", json!([null, "0xffff"])).await;
    assert_eq!(unknown.message, "header not found");
}
