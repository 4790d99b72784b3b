//! Farms on a running node, against the contract's own views.

use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_contracts::{
    account::{
        self, AssetAmount, FarmAmount,
        IAccount::{AccountRef, Action, executeCall},
        Verb,
    },
    farms::{self, IFarms},
};
use serde_json::{Value, json};

use super::{
    credit::{node_with_markets, view},
    node::{Node, Send},
};

const COIN: u64 = 1_000_000_000_000_000_000;
const DAY_MS: u64 = 86_400_000;

/// Three farms of the coin with itself as the reward; the second one has a stream, and a stake of account 3 of wallet 1.
async fn node_with_farms() -> Node {
    let node = node_with_markets().await;
    let open = IFarms::openCall {
        kind: 1,
        id: 0,
        rewards: vec![0],
        boostAssetId: 2,
        liftWad: U256::from(COIN),
    };
    for _ in 0..3 {
        node.send(Send::to(1, farms::ADDRESS).input(open.abi_encode()));
    }
    node.mine().await;
    let fund = IFarms::fundCall {
        farmId: 1,
        assetId: 0,
        amount: U256::from(10 * COIN),
        periodMs: 100 * DAY_MS,
    };
    node.send(Send::to(1, farms::ADDRESS).input(fund.abi_encode()));
    let amount = U256::from(2 * COIN);
    let deposit = AssetAmount { assetId: 0, amount };
    let stake = FarmAmount { farmId: 1, amount };
    let action = |verb: Verb, args: Vec<u8>| Action {
        verb: verb.number(),
        args: args.into(),
    };
    let execute = executeCall {
        account: AccountRef {
            owner: node.address(1),
            index: 3,
        },
        actions: vec![
            action(Verb::Deposit, deposit.abi_encode()),
            action(Verb::Stake, stake.abi_encode()),
        ],
    };
    node.send(Send::to(1, account::ADDRESS).input(execute.abi_encode()));
    let block = node.mine().await;
    let receipts = &block.receipts;
    assert!(receipts.iter().all(|of| of.status()), "{receipts:?}");
    node.mine().await;
    node
}

fn amount(value: &Value) -> U256 {
    serde_json::from_value(value["amount"].clone()).expect("an amount")
}

/// RPC-28
#[tokio::test(flavor = "multi_thread")]
async fn farms_are_what_the_contract_says() {
    let node = node_with_farms().await;
    let of = json!({"owner": node.address(1), "index": 3});
    let answer = node.ok("capstan_farms", json!([of])).await;
    assert!(answer["cursor"].is_null());
    let items = answer["items"].as_array().expect("a list");
    assert_eq!(items.len(), 3);
    for (item, id) in items.iter().zip(0..) {
        let farm = view(&node, farms::ADDRESS, &IFarms::farmCall { farmId: id }).await;
        assert_eq!(
            (&item["farmId"], &item["kind"], &item["asset"]["assetId"]),
            (&json!(id), &json!("units"), &json!(0))
        );
        assert!(item["poolId"].is_null());
        assert_eq!(item["boost"]["symbol"], "USDC");
        assert_eq!(amount(&item["staked"]), farm.staked);
        let (reward, stream) = (&item["rewards"][0], &farm.streams[0]);
        assert_eq!(amount(&reward["left"]), stream.left);
        assert_eq!(reward["leftMs"], json!(format!("{:#x}", stream.leftMs)));
        let call = IFarms::stakeOfCall {
            farmId: id,
            isWallet: false,
            owner: node.address(1),
            index: 3,
        };
        let own = view(&node, farms::ADDRESS, &call).await;
        assert_eq!(amount(&item["own"]["amount"]), own.amount);
        assert_eq!(amount(&item["own"]["due"][0]), own.due[0]);
    }
    // Ten of a hundred days are 36.5 of a year, to two that are staked.
    let fed = &items[1];
    let per_year = amount(&fed["rewards"][0]["perYear"]);
    assert!(
        per_year.abs_diff(U256::from(36_500) * U256::from(COIN / 1_000))
            < U256::from(COIN / 1_000_000)
    );
    assert!(amount(&fed["own"]["due"][0]) > U256::ZERO);
    let markets = node.ok("capstan_markets", json!([])).await;
    let is_usable = markets["items"][0]["price"]["usable"] == json!(true);
    assert_eq!(fed["ratePerYear"].is_null(), !is_usable);
    if is_usable {
        let rate = amount(&fed["ratePerYear"]);
        assert!(
            rate.abs_diff(U256::from(18_250) * U256::from(COIN / 1_000)) < U256::from(COIN / 1_000)
        );
    }
    assert!(node.ok("capstan_farms", json!([])).await["items"][1]["own"].is_null());
}

/// RPC-28
#[tokio::test(flavor = "multi_thread")]
async fn farms_come_in_pages() {
    let node = node_with_farms().await;
    let ask = async |page: Value| node.ok("capstan_farms", json!([null, page])).await;
    let first = ask(json!({"limit": 2})).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    let second = ask(json!({"limit": 2, "cursor": first["cursor"]})).await;
    assert_eq!(second["items"][0]["farmId"], 2);
    assert!(second["cursor"].is_null());
    for wrong in [json!([null, {"limit": 0}]), json!([7])] {
        assert_eq!(node.fault("capstan_farms", wrong).await.code, -32602);
    }
}
