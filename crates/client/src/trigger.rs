//! Orders that the block executes, as `capstan_triggers` answers them, and the calls that place and cancel them.

use alloy_primitives::{Address, B256, U64, U256};
use alloy_sol_types::SolCall as _;
use capstan_contracts::triggers::{
    ADDRESS,
    ITriggers::{Order, TriggerCreated, cancelCall, createCall},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AccountName, Call, ClientError, Fixed, Node, events_in};

/// An order that stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct TriggerOrder {
    pub id: U64,
    pub owner: Address,
    pub index: u8,
    pub kind: String,
    pub sell: TriggerAsset,
    pub buy: TriggerAsset,
    pub amount: Option<Fixed>,
    pub left: Option<Fixed>,
    pub limit_bps: u16,
    pub repay: bool,
    pub watch: Option<TriggerAsset>,
    pub above: bool,
    pub fires_at: Option<Fixed>,
    pub distance_steps: Option<u16>,
    pub interval_s: Option<u32>,
    pub count: u32,
    pub floor: Option<Fixed>,
    pub target: Option<Fixed>,
    pub next_ms: U64,
    pub expires_ms: U64,
    pub prepaid: Fixed,
    pub failures: u8,
}

/// An asset of an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct TriggerAsset {
    pub asset_id: u32,
    pub symbol: String,
}

/// All orders of an account: each as the node wrote it, and read.
///
/// # Errors
/// The node does not answer.
pub async fn triggers(
    node: &Node,
    of: AccountName,
) -> Result<Vec<(Value, TriggerOrder)>, ClientError> {
    let account = json!({"owner": of.owner, "index": of.index});
    let asked = |cursor| json!([account, {"cursor": cursor}]);
    Ok(node.all("capstan_triggers", asked).await?.items)
}

/// The call that places an order, with the coins that pay for the block's work.
pub fn create_trigger(on: AccountName, order: Order, prepaid_wei: U256) -> Call {
    let create = createCall {
        owner: on.owner,
        index: on.index,
        order,
    };
    Call {
        to: ADDRESS,
        input: create.abi_encode().into(),
        value_wei: prepaid_wei,
    }
}

/// The number of the order that a transaction placed; none if it placed none.
///
/// # Errors
/// The node does not answer.
pub async fn created_trigger(node: &Node, transaction: B256) -> Result<Option<u64>, ClientError> {
    let created = events_in::<TriggerCreated>(node, ADDRESS, transaction).await?;
    Ok(created.last().map(|event| event.id))
}

/// The call that ends an order and brings its coins back.
pub fn cancel_trigger(id: u64) -> Call {
    Call {
        to: ADDRESS,
        input: cancelCall { id }.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}
