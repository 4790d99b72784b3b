//! `capstan_products`: leveraged tokens and strategy vaults.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U64, U256};
use capstan_contracts::{
    erc20::IErc20,
    products::{
        ADDRESS as PRODUCTS,
        IProducts::{Standing, productCountCall, productOfCall},
        Kind, Phase,
    },
};
use serde::Serialize;

use super::coins::{Coin, Coins};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    fixed::Fixed,
    methods::Methods,
    page::PageAsked,
    views::Views,
};

/// Decimals of coins.
const COIN_DECIMALS: u8 = 18;
/// Decimals of leverage and health in hundredths of a percent.
const BPS_DECIMALS: u8 = 4;

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_products",
        ["page?", "block?"],
        "Leveraged tokens and strategy vaults: what each holds and owes, its leverage and band, what a unit is worth, and the coins that pay for its rebalances. Page: {limit, cursor}.",
        products,
    );
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Products {
    block_number: U64,
    time_ms: U64,
    items: Vec<Product>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    id: u32,
    token: Address,
    symbol: String,
    name: String,
    /// `long`, `short`, `loop` or `neutral`.
    kind: &'static str,
    collateral: Coin,
    debt: Coin,
    /// What is deposited, and given back.
    base_asset_id: u32,
    /// Where a neutral product provides; null of others.
    pool_id: Option<u32>,
    /// Leverage, health of a loop, or debt per half of the liquidity of a neutral product: what a rebalance restores, and the ends of the band.
    target: Fixed,
    low: Fixed,
    high: Fixed,
    /// Debt per collateral, in value: the same three, and now; null without usable prices.
    target_ratio: Fixed,
    low_ratio: Fixed,
    high_ratio: Fixed,
    ratio: Option<Fixed>,
    leverage: Option<Fixed>,
    /// What a sale may cost beside oracle prices, and what stays of what comes or goes.
    limit_bps: u16,
    fee_bps: u16,
    cap: Fixed,
    supply: Fixed,
    held: Fixed,
    owed: Fixed,
    /// Its shares of the pool; null of others.
    shares: Option<Fixed>,
    /// In dollars; null without usable prices.
    equity: Option<Fixed>,
    unit_value: Option<Fixed>,
    /// Coins that pay for the block's looks; with none the block does not come.
    reserve: Fixed,
    /// When the block looks at the latest; null is never.
    next_ms: Option<U64>,
    /// Attempts that failed since one succeeded.
    failures: u8,
    /// Who may close it; null is nobody.
    owner: Option<Address>,
    /// `open`, `closing` or `closed`.
    phase: &'static str,
}

/// The cursor is the number of a product.
fn products(
    cx: &RpcContext,
    (page, id): (Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Products> {
    let page = page.unwrap_or_default();
    let limit = page.limit()?;
    let mut views = Views::at(cx, id)?;
    let mut coins = Coins::default();
    let count = views.ask(PRODUCTS, &productCountCall {})?;
    let from = u32::try_from(page.cursor().unwrap_or(1)).unwrap_or(u32::MAX);
    let mut rest = from.max(1)..=count;
    let mut items = Vec::new();
    for id in rest.by_ref().take(limit) {
        let standing = views.ask(PRODUCTS, &productOfCall { id })?;
        items.push(item(&mut views, &mut coins, id, standing)?);
    }
    Ok(Products {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        items,
        cursor: rest.next().map(U64::from),
    })
}

fn item(
    views: &mut Views<'_>,
    coins: &mut Coins,
    id: u32,
    standing: Standing,
) -> RpcResult<Product> {
    let policy = &standing.policy;
    let kind = Kind::from_number(policy.kind);
    let kind =
        kind.ok_or_else(|| RpcError::internal(format!("product {id} is of kind {}", policy.kind)))?;
    let phase = Phase::from_number(standing.phase);
    let phase = phase.ok_or_else(|| {
        RpcError::internal(format!("product {id} is in phase {}", standing.phase))
    })?;
    let collateral = coins.get(views, policy.collateralAssetId)?.clone();
    let debt = coins.get(views, policy.debtAssetId)?.clone();
    let bps = |bps: u32| Fixed::new(U256::from(bps), BPS_DECIMALS);
    let (priced, is_neutral) = (standing.priced, kind == Kind::Neutral);
    // Of nothing there is none: a closed product has base units alone.
    let has_leverage = priced && standing.leverageBps != U256::MAX;
    Ok(Product {
        id,
        token: standing.token,
        symbol: views.ask(standing.token, &IErc20::symbolCall {})?,
        name: views.ask(standing.token, &IErc20::nameCall {})?,
        kind: match kind {
            Kind::Long => "long",
            Kind::Short => "short",
            Kind::Loop => "loop",
            Kind::Neutral => "neutral",
        },
        base_asset_id: match kind {
            Kind::Short | Kind::Neutral => policy.collateralAssetId,
            Kind::Long | Kind::Loop => policy.debtAssetId,
        },
        pool_id: is_neutral.then_some(policy.poolId),
        target: bps(policy.targetBps),
        low: bps(policy.lowBps),
        high: bps(policy.highBps),
        target_ratio: Fixed::wad(standing.targetRatio),
        low_ratio: Fixed::wad(standing.lowRatio),
        high_ratio: Fixed::wad(standing.highRatio),
        ratio: priced.then(|| Fixed::wad(standing.ratio)),
        leverage: has_leverage.then(|| Fixed::new(standing.leverageBps, BPS_DECIMALS)),
        limit_bps: policy.limitBps,
        fee_bps: policy.feeBps,
        cap: Fixed::wad(policy.capUsd),
        supply: Fixed::wad(standing.supply),
        held: Fixed::new(standing.collateral, collateral.decimals),
        owed: Fixed::new(standing.debt, debt.decimals),
        shares: is_neutral.then(|| Fixed::wad(standing.shares)),
        equity: priced.then(|| Fixed::wad(standing.equity)),
        unit_value: priced.then(|| Fixed::wad(standing.unitValue)),
        reserve: Fixed::new(standing.reserveWei, COIN_DECIMALS),
        next_ms: (standing.nextMs != 0).then(|| U64::from(standing.nextMs)),
        failures: standing.failures,
        owner: (!policy.owner.is_zero()).then_some(policy.owner),
        phase: match phase {
            Phase::Open => "open",
            Phase::Closing => "closing",
            Phase::Closed => "closed",
        },
        collateral,
        debt,
    })
}
