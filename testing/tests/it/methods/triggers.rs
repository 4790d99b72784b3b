//! Orders on a running node, against the contract's own views.

use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use capstan_contracts::triggers::{
    self,
    ITriggers::{self, Order, orderOfCall},
};
use serde_json::{Value, json};

use super::{
    credit::{node_with_markets, view},
    node::{Node, Send},
};

const COIN: u64 = 1_000_000_000_000_000_000;

/// Sells `amount` of the coin for asset 2, `count` times.
fn slices(node: &Node, amount: U256, count: u32) -> ITriggers::createCall {
    ITriggers::createCall {
        owner: node.address(1),
        index: 3,
        order: Order {
            kind: 3,
            sellAssetId: 0,
            buyAssetId: 2,
            amount,
            limitBps: 150,
            repay: true,
            watchAssetId: 0,
            above: false,
            price: U256::ZERO,
            distanceSteps: 0,
            intervalS: 3_600,
            count,
            floorBps: 0,
            targetBps: 0,
            expiresMs: node.chain.head().time_ms() + 86_400_000,
        },
    }
}

async fn node_with_orders() -> Node {
    let node = node_with_markets().await;
    for (amount, count) in [
        (U256::from(COIN / 2), 4),
        (U256::MAX, 2),
        (U256::from(7), 1),
    ] {
        let create = slices(&node, amount, count).abi_encode();
        let create = Send::to(1, triggers::ADDRESS).input(create).value(COIN);
        node.send(create);
    }
    let block = node.mine().await;
    assert!(
        block.receipts.iter().all(|receipt| receipt.status()),
        "{:?}",
        block.receipts
    );
    node
}

fn fixed(amount: u64, decimals: u8, text: &str) -> Value {
    json!({"amount": U256::from(amount), "decimals": decimals, "text": text})
}

/// RPC-27
#[tokio::test(flavor = "multi_thread")]
async fn orders_are_what_the_contract_says() {
    let node = node_with_orders().await;
    let of = json!({"owner": node.address(1), "index": 3});
    let answer = node.ok("capstan_triggers", json!([of])).await;
    assert!(answer["cursor"].is_null());
    let items = answer["items"].as_array().expect("a list");
    let ids: Vec<_> = items.iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, ["0x1", "0x2", "0x3"]);
    let first = &items[0];
    assert_eq!(first["kind"], "slices");
    assert_eq!(
        (&first["sell"]["assetId"], &first["buy"]["symbol"]),
        (&json!(0), &json!("USDC"))
    );
    assert_eq!(first["amount"], fixed(COIN / 2, 18, "0.5"));
    assert_eq!(first["left"], fixed(2 * COIN, 18, "2"));
    assert_eq!(first["prepaid"], fixed(COIN, 18, "1"));
    assert_eq!(
        (&first["intervalS"], &first["count"]),
        (&json!(3_600), &json!(4))
    );
    for absent in ["watch", "firesAt", "distanceSteps", "floor", "target"] {
        assert!(first[absent].is_null(), "{absent}: {first}");
    }
    assert!(items[1]["amount"].is_null() && items[1]["left"].is_null());
    for (item, id) in items.iter().zip(1..) {
        let standing = view(&node, triggers::ADDRESS, &orderOfCall { id }).await;
        let ms = |value: u64| json!(format!("{value:#x}"));
        assert_eq!(item["expiresMs"], ms(standing.order.expiresMs));
        assert_eq!(item["nextMs"], ms(standing.nextMs));
        assert_eq!(item["limitBps"], standing.order.limitBps);
        assert_eq!(item["failures"], standing.failures);
    }
}

/// RPC-27
#[tokio::test(flavor = "multi_thread")]
async fn orders_come_in_pages_and_as_they_were() {
    let node = node_with_orders().await;
    let of = json!({"owner": node.address(1), "index": 3});
    let ask = async |page: Value| node.ok("capstan_triggers", json!([of, page])).await;
    let first = ask(json!({"limit": 2})).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    let second = ask(json!({"limit": 2, "cursor": first["cursor"]})).await;
    assert_eq!(second["items"][0]["id"], "0x3");
    assert!(second["cursor"].is_null());
    let nobody = node.ok("capstan_triggers", json!([node.address(2)])).await;
    assert_eq!(nobody["items"], json!([]));
    let head = node.chain.head().number();
    let before = json!([of, null, format!("{:#x}", head - 1)]);
    assert_eq!(
        node.ok("capstan_triggers", before).await["items"],
        json!([])
    );
    // The next block tries them, in vain: there is nothing on the account. They wait, and say so.
    node.mine().await;
    let tried = ask(Value::Null).await;
    assert_eq!(tried["items"][0]["failures"], 1);
    for wrong in [json!([of, {"limit": 0}]), json!([7]), json!([])] {
        assert_eq!(node.fault("capstan_triggers", wrong).await.code, -32602);
    }
}
