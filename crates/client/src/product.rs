//! Leveraged tokens and strategy vaults, as `capstan_products` answers them, and the calls that make, buy and redeem them.

use alloy_primitives::{Address, U64, U256};
use alloy_sol_types::SolCall as _;
use capstan_contracts::products::{
    ADDRESS,
    IProducts::{Policy, closeCall, createCall, topUpCall},
    unit::IProductToken::{depositWithinCall, redeemInKindCall, redeemWithinCall},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Call, ClientError, Fixed, Node};

/// A product that stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Product {
    pub id: u32,
    pub token: Address,
    pub symbol: String,
    pub name: String,
    pub kind: String,
    pub collateral: ProductAsset,
    pub debt: ProductAsset,
    pub base_asset_id: u32,
    pub pool_id: Option<u32>,
    pub target: Fixed,
    pub low: Fixed,
    pub high: Fixed,
    pub target_ratio: Fixed,
    pub low_ratio: Fixed,
    pub high_ratio: Fixed,
    pub ratio: Option<Fixed>,
    pub leverage: Option<Fixed>,
    pub limit_bps: u16,
    pub fee_bps: u16,
    pub cap: Fixed,
    pub supply: Fixed,
    pub held: Fixed,
    pub owed: Fixed,
    pub shares: Option<Fixed>,
    pub equity: Option<Fixed>,
    pub unit_value: Option<Fixed>,
    pub reserve: Fixed,
    pub next_ms: Option<U64>,
    pub failures: u8,
    pub owner: Option<Address>,
    pub phase: String,
}

/// An asset of a product.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct ProductAsset {
    pub asset_id: u32,
    pub symbol: String,
    pub decimals: u8,
}

/// All products: each as the node wrote it, and read.
///
/// # Errors
/// The node does not answer.
pub async fn products(node: &Node) -> Result<Vec<(Value, Product)>, ClientError> {
    let asked = |cursor| json!([{"cursor": cursor}]);
    Ok(node.all("capstan_products", asked).await?.items)
}

fn call(to: Address, input: Vec<u8>, value_wei: U256) -> Call {
    Call {
        to,
        input: input.into(),
        value_wei,
    }
}

/// The call that makes a product of a seed.
pub fn create_product(policy: Policy, seed: U256, receiver: Address) -> Call {
    let create = createCall {
        policy,
        seed,
        receiver,
    };
    call(ADDRESS, create.abi_encode(), U256::ZERO)
}

/// The call by which its owner closes a product.
pub fn close_product(id: u32) -> Call {
    call(ADDRESS, closeCall { id }.abi_encode(), U256::ZERO)
}

/// The call that brings coins for a product's looks.
pub fn top_up_product(id: u32, wei: U256) -> Call {
    call(ADDRESS, topUpCall { id }.abi_encode(), wei)
}

/// The call that makes units of an amount of the base asset, at least so many.
pub fn deposit_product(
    token: Address,
    assets: U256,
    units_min: U256,
    receiver: Address,
    deadline_ms: u64,
) -> Call {
    let deposit = depositWithinCall {
        assets,
        unitsMin: units_min,
        receiver,
        deadlineMs: deadline_ms,
    };
    call(token, deposit.abi_encode(), U256::ZERO)
}

/// The call that gives units back for the base asset, at least so much of it.
pub fn redeem_product(
    token: Address,
    units: U256,
    assets_min: U256,
    receiver: Address,
    deadline_ms: u64,
) -> Call {
    let redeem = redeemWithinCall {
        units,
        assetsMin: assets_min,
        receiver,
        deadlineMs: deadline_ms,
    };
    call(token, redeem.abi_encode(), U256::ZERO)
}

/// The call that gives units back for their part of the collateral, and pays their part of the debt.
pub fn redeem_product_in_kind(
    token: Address,
    units: U256,
    debt_max: U256,
    receiver: Address,
) -> Call {
    let redeem = redeemInKindCall {
        units,
        debtMax: debt_max,
        receiver,
        asUnits: false,
    };
    call(token, redeem.abi_encode(), U256::ZERO)
}
