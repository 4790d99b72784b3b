//! Pools and quotes of the exchange, as `capstan_pools` and `capstan_quote` answer them.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall as _;
use capstan_contracts::exchange::{
    ADDRESS,
    IExchange::{Bounds, Exchanged, Leg, swapCall},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Call, ClientError, Fixed, Node, events_in};

/// A pool.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Pool {
    pub pool_id: u32,
    pub curve: String,
    pub fee_pips: u32,
    pub fee_is_dynamic: bool,
    pub protocol_share_bps: u16,
    pub amplification: Option<u32>,
    pub assets: Vec<PoolAsset>,
    pub prices: Vec<PoolPrice>,
    pub total_shares: Option<Fixed>,
    pub lp_token: Option<Address>,
    pub paused: bool,
    pub range: Option<PoolRange>,
}

/// What a pool holds of an asset.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct PoolAsset {
    pub asset_id: u32,
    pub symbol: String,
    pub token: Address,
    pub reserve: Fixed,
}

/// Prices between an asset and the pool's first.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct PoolPrice {
    pub asset_id: u32,
    pub spot: Option<Fixed>,
    pub spot_back: Option<Fixed>,
    pub mean: Option<Fixed>,
    pub mean_back: Option<Fixed>,
}

/// Where a pool of ranges stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct PoolRange {
    #[serde(rename = "sqrtPriceX96")]
    pub sqrt_price_x96: U256,
    pub tick: i32,
    pub liquidity: U256,
    pub tick_spacing: i32,
}

/// All pools: each as the node wrote it, and read.
///
/// # Errors
/// The node does not answer.
pub async fn pools(node: &Node) -> Result<Vec<(Value, Pool)>, ClientError> {
    let asked = |cursor| json!([null, {"cursor": cursor}]);
    Ok(node.all("capstan_pools", asked).await?.items)
}

/// What is to be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwapAsked {
    /// What is paid.
    pub from: u32,
    /// What is received.
    pub to: u32,
    /// How much of the first, or of the second with `exact_out`.
    pub amount: U256,
    /// Whether the amount is what is received.
    pub exact_out: bool,
    /// What the price may get worse by, in hundredths of a percent.
    pub slippage_bps: u32,
    /// Who receives it.
    pub receiver: Address,
}

/// The best way found to swap.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Quote {
    pub paid: Fixed,
    pub received: Fixed,
    pub paid_max: Fixed,
    pub received_min: Fixed,
    pub price: Option<Fixed>,
    pub spot_price: Option<Fixed>,
    pub price_impact_bps: u32,
    pub fee_pips: u32,
    pub route: String,
    pub target: Address,
    pub spender: Option<Address>,
    pub calldata: Option<Bytes>,
}

/// A way to swap inside a batch: legs, bounds and how long they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The exchange's legs.
    pub legs: Vec<Leg>,
    /// What is paid at most and received at least.
    pub bounds: Bounds,
    /// Until when, in milliseconds.
    pub deadline_ms: u64,
}

impl Quote {
    /// The same for a batch of an account, if it is what was asked.
    pub fn way(&self, asked: &SwapAsked) -> Option<Way> {
        let input = self.call(asked)?.input;
        let swap = swapCall::abi_decode_validate(&input).ok()?;
        Some(Way {
            legs: swap.legs,
            bounds: swap.bounds,
            deadline_ms: swap.deadlineMs,
        })
    }

    /// The transaction that does it, if it is what was asked and what the quote says of itself: a node that gave another
    /// one would be signed for otherwise.
    pub fn call(&self, asked: &SwapAsked) -> Option<Call> {
        let input = self.calldata.clone()?;
        let swap = swapCall::abi_decode_validate(&input).ok()?;
        let bounds = &swap.bounds;
        let given = if asked.exact_out {
            bounds.receivedMin
        } else {
            bounds.paidMax
        };
        let is_meant = self.target == ADDRESS
            && swap.to == asked.receiver
            && (bounds.assetIn, bounds.assetOut) == (asked.from, asked.to)
            && given == asked.amount
            && bounds.paidMax == self.paid_max.amount
            && bounds.receivedMin == self.received_min.amount;
        is_meant.then_some(Call {
            to: ADDRESS,
            input,
            value_wei: U256::ZERO,
        })
    }
}

/// What a swap came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// Taken of the asset that was paid.
    pub paid: U256,
    /// Given of the asset that was received.
    pub received: U256,
}

/// What a transaction that was mined swapped; none if it did not.
///
/// # Errors
/// The node does not answer.
pub async fn swapped(node: &Node, transaction: B256) -> Result<Option<Swapped>, ClientError> {
    let found = events_in::<Exchanged>(node, ADDRESS, transaction).await?;
    Ok(found.last().map(|event| Swapped {
        paid: event.paid,
        received: event.received,
    }))
}

/// A quote: as the node wrote it, and read.
///
/// # Errors
/// The node does not answer, or no pools lead there.
pub async fn quote(node: &Node, asked: &SwapAsked) -> Result<(Value, Quote), ClientError> {
    let method = "capstan_quote";
    let params = json!([{
        "from": asked.from,
        "to": asked.to,
        "amount": asked.amount,
        "exactOut": asked.exact_out,
        "slippageBps": asked.slippage_bps,
        "receiver": asked.receiver,
    }]);
    let whole = node.call_in_words(method, params).await?;
    Ok((whole.clone(), node.as_shape(method, whole)?))
}

#[cfg(test)]
mod tests;
