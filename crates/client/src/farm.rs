//! Farms, as `capstan_farms` answers them, and what a batch does in them.

use alloy_primitives::{Bytes, U64, U256};
use alloy_sol_types::SolValue as _;
use capstan_contracts::account::{FarmAmount, FarmRewards, Provision, Removal, Verb};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AccountName, Batch, ClientError, Fixed, Node};

/// A farm.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Farm {
    pub farm_id: u32,
    pub kind: String,
    pub asset: Option<FarmAsset>,
    pub pool_id: Option<u32>,
    pub staked: Fixed,
    pub staked_value: Option<Fixed>,
    pub weight: Fixed,
    pub is_fed: bool,
    pub boost: Option<FarmBoost>,
    pub rewards: Vec<FarmReward>,
    pub rate_per_year: Option<Fixed>,
    pub own: Option<FarmOwn>,
}

/// What is staked.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct FarmAsset {
    pub asset_id: u32,
    pub symbol: String,
    pub decimals: u8,
}

/// What may be locked for more weight.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct FarmBoost {
    pub asset_id: u32,
    pub symbol: String,
    pub lift: Fixed,
}

/// What flows.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct FarmReward {
    pub asset_id: u32,
    pub symbol: String,
    pub left: Fixed,
    pub left_ms: U64,
    pub per_year: Fixed,
    pub per_year_value: Option<Fixed>,
}

/// What an account has in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct FarmOwn {
    pub amount: Fixed,
    pub weight: Fixed,
    pub locked: Option<Fixed>,
    pub locked_until_ms: Option<U64>,
    pub due: Vec<Fixed>,
    pub value: Option<Fixed>,
    pub per_year_value: Option<Fixed>,
}

/// All farms, with what an account has in each if one is named: each as the node wrote it, and read.
///
/// # Errors
/// The node does not answer.
pub async fn farms(
    node: &Node,
    of: Option<AccountName>,
) -> Result<Vec<(Value, Farm)>, ClientError> {
    let account = of.map(|of| json!({"owner": of.owner, "index": of.index}));
    let asked = |cursor| json!([account, {"cursor": cursor}]);
    Ok(node.all("capstan_farms", asked).await?.items)
}

/// What each action of a batch would answer.
pub type Outputs = Vec<Bytes>;

/// What each action would answer, of what `capstan_preview` wrote; none if the batch would fail.
pub fn outputs(previewed: &Value) -> Option<Outputs> {
    let results = previewed.get("results")?.as_array()?;
    let outputs = results.iter().map(|done| {
        let output = done.get("output")?.as_str()?;
        output.parse().ok()
    });
    outputs.collect()
}

impl Batch {
    /// Units, or shares of a pool, become a stake; the largest number is all there is.
    pub fn stake(&mut self, farm_id: u32, amount: U256) -> &mut Self {
        self.push(Verb::Stake, farm_amount(farm_id, amount))
    }

    /// A stake becomes units, or shares of a pool; the largest number is all of it.
    pub fn unstake(&mut self, farm_id: u32, amount: U256) -> &mut Self {
        self.push(Verb::Unstake, farm_amount(farm_id, amount))
    }

    /// What a farm owes the account becomes units.
    pub fn claim(&mut self, farm_id: u32) -> &mut Self {
        self.push(Verb::Claim, FarmRewards { farmId: farm_id }.abi_encode())
    }

    /// Units become shares of a pool: at most so much of each coin.
    pub fn provide(&mut self, pool_id: u32, most: Vec<U256>, shares_min: U256) -> &mut Self {
        let args = Provision {
            poolId: pool_id,
            amountsMax: most,
            sharesMin: shares_min,
        };
        self.push(Verb::Provide, args.abi_encode())
    }

    /// Shares of a pool become units of its coins, at least so much of each.
    pub fn remove(&mut self, pool_id: u32, shares: U256, least: Vec<U256>) -> &mut Self {
        let args = Removal {
            poolId: pool_id,
            shares,
            amountsMin: least,
        };
        self.push(Verb::Remove, args.abi_encode())
    }
}

fn farm_amount(farm_id: u32, amount: U256) -> Vec<u8> {
    let args = FarmAmount {
        farmId: farm_id,
        amount,
    };
    args.abi_encode()
}
