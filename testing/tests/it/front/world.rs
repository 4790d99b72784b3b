//! The prepared world at the door: what a program that has one says through it, and what one without says.

use std::sync::{Arc, Mutex};

use alloy_primitives::Address;
use capstan_chain::{ChainConfig, Genesis, Mining};
use capstan_rpc::{DevWorld, RpcConfig, WorldCheat, WorldFeed, WorldLabel, WorldShock};
use serde_json::{Value, json};

use super::node::{Node, config};

/// A dollar, in parts of 10^-18.
const USD: u128 = 1_000_000_000_000_000_000;

/// A world that remembers what it was asked.
#[derive(Debug, Default)]
struct Scripted(Mutex<Vec<(String, String, u64)>>);

impl DevWorld for Scripted {
    fn feed(&self) -> WorldFeed {
        WorldFeed {
            kind: "fixed",
            every_ms: 1_000,
            shocks: vec![(0, 12)],
        }
    }

    fn shock(&self, asset: &str, to: &str, seconds: u64) -> Result<WorldShock, String> {
        if asset != "eth" {
            return Err(format!("`{asset}` is no asset"));
        }
        let asked = (asset.to_owned(), to.to_owned(), seconds);
        self.0.lock().expect("nobody panics").push(asked);
        Ok(WorldShock {
            asset_id: 0,
            from: 3_000 * USD,
            prices: vec![2_400 * USD, 1_800 * USD],
            every_ms: 1_000,
            followers: vec![4],
        })
    }

    fn cheat(&self, provider: u32, how: &str) -> Result<WorldCheat, String> {
        if (provider, how) != (2, "truncate") {
            return Err(format!("no provider {provider} that could `{how}`"));
        }
        Ok(WorldCheat {
            key: Address::repeat_byte(8),
            holder: Address::repeat_byte(9),
            does: "cuts its answers".to_owned(),
        })
    }

    fn labels(&self) -> Vec<WorldLabel> {
        vec![WorldLabel {
            address: Address::repeat_byte(7),
            kind: "bot",
            name: "bot 0: market maker".to_owned(),
        }]
    }
}

/// RPC-37
#[tokio::test(flavor = "multi_thread")]
async fn rpc_34_a_world_is_asked_through_the_door() {
    let scripted = Arc::new(Scripted::default());
    let rpc = RpcConfig {
        world: Some(scripted.clone()),
        ..config()
    };
    let node = Node::with(rpc, ChainConfig::dev(Genesis::dev(5, 0)), Mining::Manual).await;
    let told = node.ok("capstan_shock", json!(["eth", "-40%", 60])).await;
    let texts: Vec<_> = told["path"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|price| price["text"].clone())
        .collect();
    assert_eq!(texts, ["2400", "1800"]);
    assert_eq!(
        (
            &told["from"]["text"],
            &told["to"]["text"],
            &told["followers"]
        ),
        (&json!("3000"), &json!("1800"), &json!([4]))
    );
    let asked = scripted.0.lock().expect("nobody panics").clone();
    assert_eq!(asked, [("eth".to_owned(), "-40%".to_owned(), 60)]);
    node.refuses("capstan_shock", json!(["doge", "1", 0]), -32602, "no asset")
        .await;
    assert_eq!(
        node.ok("capstan_feed", json!([])).await,
        json!({"kind": "fixed", "everyMs": 1_000, "shocks": [{"assetId": 0, "reportsLeft": "0xc"}]})
    );
    let cheat = node.ok("capstan_cheat", json!([2, "truncate"])).await;
    assert_eq!(cheat["key"], json!(Address::repeat_byte(8)));
    assert_eq!(cheat["does"], "cuts its answers");
    node.refuses(
        "capstan_cheat",
        json!([7, "replay"]),
        -32602,
        "no provider 7",
    )
    .await;
    let labels = node.ok("capstan_labels", json!([])).await;
    assert_eq!(
        (labels[0]["kind"].as_str(), labels[0]["name"].as_str()),
        (Some("bot"), Some("bot 0: market maker"))
    );

    let bare = Node::start().await;
    bare.refuses(
        "capstan_shock",
        json!(["eth", "1", 0]),
        -32000,
        "feeds no prices",
    )
    .await;
    bare.refuses("capstan_cheat", json!([1, "replay"]), -32000, "no machines")
        .await;
    assert_eq!(bare.ok("capstan_feed", json!([])).await, Value::Null);
    assert_eq!(bare.ok("capstan_labels", json!([])).await, json!([]));
}
