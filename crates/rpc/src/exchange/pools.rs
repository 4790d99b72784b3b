//! `capstan_pools`: what each pool is, holds and costs, and where its price stands.

use std::collections::BTreeSet;

use alloy_eips::BlockId;
use alloy_primitives::{Address, U64, U128, U256};
use capstan_contracts::{
    exchange::{
        ADDRESS as EXCHANGE, Curve,
        IExchange::{self, ExchangeNoHistory},
    },
    ledger::{self, ILedger},
};
use serde::{Deserialize, Serialize};

use super::coins::{AssetAsked, Coin, Coins, price_down};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    fixed::Fixed,
    methods::Methods,
    page::PageAsked,
    views::{Views, unless},
};

/// Decimals of shares and of LP tokens.
const SHARE_DECIMALS: u8 = 18;
/// One, as a price of the contract.
const ONE_X96: U256 = U256::from_limbs([0, 1 << 32, 0, 0]);

pub(super) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_pools",
            ["filter?", "page?", "block?"],
            "Pools of the exchange: curve, fee, reserves, prices now and averaged, shares. Filter: {token} or {pair}. Page: {limit, cursor}.",
            pools,
        )
        .heavy();
}

/// Pools with one asset, or with both of a pair.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    token: Option<AssetAsked>,
    pair: Option<[AssetAsked; 2]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pools {
    block_number: U64,
    time_ms: U64,
    items: Vec<PoolItem>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PoolItem {
    pool_id: u32,
    curve: &'static str,
    /// Millionths of what goes in that a swap pays now.
    fee_pips: u32,
    /// Whether that follows how far the price went lately.
    fee_is_dynamic: bool,
    /// Part of the fee that is the protocol's, in hundredths of a percent.
    protocol_share_bps: u16,
    /// How flat a stable curve is; null for others.
    amplification: Option<u32>,
    assets: Vec<Holding>,
    /// Of each asset but the first.
    prices: Vec<Price>,
    /// Null for ranges, which have positions in place of shares; so is `lpToken`.
    total_shares: Option<Fixed>,
    lp_token: Option<Address>,
    /// Whether swaps and new liquidity are stopped; removing never is.
    paused: bool,
    /// Where a pool of ranges stands; null for others.
    range: Option<Range>,
}

#[derive(Serialize)]
struct Holding {
    #[serde(flatten)]
    coin: Coin,
    reserve: Fixed,
}

/// Prices between an asset and the pool's first one, in whole units.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    asset_id: u32,
    /// What one of it costs in the first asset at this moment: anybody can move that.
    spot: Option<Fixed>,
    /// What one of the first asset costs in it.
    spot_back: Option<Fixed>,
    /// The same through time, with a half-life of ten minutes; null in the block that made the pool.
    mean: Option<Fixed>,
    mean_back: Option<Fixed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    #[serde(rename = "sqrtPriceX96")]
    root: U256,
    tick: i32,
    liquidity: U128,
    tick_spacing: i32,
}

/// Which pools are meant, from a number on.
enum Listed {
    /// All up to this number.
    All(u32),
    These(BTreeSet<u32>),
}

impl Listed {
    /// So many from `next` on, and the one after them.
    fn page(&self, next: u32, limit: usize) -> (Vec<u32>, Option<u32>) {
        let mut numbers: Vec<u32> = match self {
            Self::All(count) => (next..*count).take(limit.saturating_add(1)).collect(),
            Self::These(numbers) => {
                let rest = numbers.range(next..).copied();
                rest.take(limit.saturating_add(1)).collect()
            }
        };
        let after = numbers.get(limit).copied();
        numbers.truncate(limit);
        (numbers, after)
    }
}

/// The cursor is the next number of a pool to look at.
fn pools(
    cx: &RpcContext,
    (filter, page, id): (Option<Filter>, Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Pools> {
    let page = page.unwrap_or_default();
    let limit = page.limit()?;
    let mut views = Views::at(cx, id)?;
    let mut coins = Coins::default();
    let listed = listed(&mut views, &mut coins, &filter.unwrap_or_default())?;
    let next = u32::try_from(page.cursor().unwrap_or(0)).unwrap_or(u32::MAX);
    let (numbers, after) = listed.page(next, limit);
    let share = views.ask(EXCHANGE, &IExchange::protocolShareCall {})?;
    let mut items = Vec::with_capacity(numbers.len());
    for number in numbers {
        items.push(item(&mut views, &mut coins, number, share.presentBps)?);
    }
    Ok(Pools {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        items,
        cursor: after.map(U64::from),
    })
}

fn listed(views: &mut Views<'_>, coins: &mut Coins, filter: &Filter) -> RpcResult<Listed> {
    match (&filter.token, &filter.pair) {
        (None, None) => Ok(Listed::All(
            views.ask(EXCHANGE, &IExchange::poolCountCall {})?,
        )),
        (None, Some([first, second])) => {
            let first = coins.find(views, first)?.asset_id;
            let second = coins.find(views, second)?.asset_id;
            let found = pools_of(views, first, second)?;
            Ok(Listed::These(found.into_iter().collect()))
        }
        (Some(token), None) => {
            let asset_id = coins.find(views, token)?.asset_id;
            let count = views.ask(ledger::ADDRESS, &ILedger::assetCountCall {})?;
            let mut found = BTreeSet::new();
            for other in (0..count).filter(|other| *other != asset_id) {
                found.extend(pools_of(views, asset_id, other)?);
            }
            Ok(Listed::These(found))
        }
        (Some(_), Some(_)) => Err(RpcError::invalid_params(
            "a filter has a token or a pair, not both",
        )),
    }
}

/// Pools that swap two assets: at most sixteen.
pub(super) fn pools_of(views: &mut Views<'_>, first: u32, second: u32) -> RpcResult<Vec<u32>> {
    let call = IExchange::poolsOfCall {
        assetA: first,
        assetB: second,
    };
    views.ask(EXCHANGE, &call)
}

fn item(
    views: &mut Views<'_>,
    coins: &mut Coins,
    number: u32,
    protocol_share_bps: u16,
) -> RpcResult<PoolItem> {
    let pool = views.ask(EXCHANGE, &IExchange::poolCall { poolId: number })?;
    let curve = Curve::from_number(pool.shape.curve);
    let is_range = curve == Some(Curve::Range);
    let stands = is_range
        .then(|| views.ask(EXCHANGE, &IExchange::rangePoolCall { poolId: number }))
        .transpose()?;
    let mut assets = Vec::with_capacity(pool.shape.assets.len());
    for (asset_id, reserve) in pool.shape.assets.iter().zip(&pool.reserves) {
        let coin = coins.get(views, *asset_id)?.clone();
        assets.push(Holding {
            reserve: Fixed::new(*reserve, coin.decimals),
            coin,
        });
    }
    let mut prices = Vec::new();
    if let Some((first, others)) = assets.split_first() {
        for other in others {
            prices.push(price(views, number, &first.coin, &other.coin)?);
        }
    }
    let total_shares = Fixed::new(pool.totalShares, SHARE_DECIMALS);
    Ok(PoolItem {
        pool_id: number,
        curve: curve_name(pool.shape.curve),
        fee_pips: stands
            .as_ref()
            .map_or(pool.shape.feePips, |range| range.feePips),
        fee_is_dynamic: is_range && pool.shape.feePips == 0,
        protocol_share_bps,
        amplification: (curve == Some(Curve::Stable)).then_some(pool.shape.amplification),
        assets,
        prices,
        total_shares: (!is_range).then_some(total_shares),
        lp_token: (!is_range).then_some(pool.lpToken),
        paused: pool.paused,
        range: stands.map(|range| Range {
            root: range.sqrtPriceX96,
            tick: range.tick,
            liquidity: U128::from(range.liquidity),
            tick_spacing: range.tickSpacing,
        }),
    })
}

/// What a curve is called.
pub(super) fn curve_name(number: u8) -> &'static str {
    match Curve::from_number(number) {
        Some(Curve::Product) => "product",
        Some(Curve::Stable) => "stable",
        Some(Curve::Range) => "range",
        None => "unknown",
    }
}

fn price(views: &mut Views<'_>, pool: u32, first: &Coin, other: &Coin) -> RpcResult<Price> {
    let (pool_id, asset_id) = (pool, other.asset_id);
    let spot = IExchange::spotX96Call {
        poolId: pool_id,
        assetId: asset_id,
    };
    let spot = views.ask(EXCHANGE, &spot)?;
    let mean = IExchange::emaX96Call {
        poolId: pool_id,
        assetId: asset_id,
    };
    let mean = views.answer(EXCHANGE, &mean)?;
    let mean = unless::<ExchangeNoHistory, _>(mean)?;
    // The contract says units of the other asset for one unit of the first, times 2^96.
    let forth = |units| price_down((ONE_X96, first.decimals), (units, other.decimals));
    let back = |units| price_down((units, other.decimals), (ONE_X96, first.decimals));
    Ok(Price {
        asset_id,
        spot: forth(spot),
        spot_back: back(spot),
        mean: mean.and_then(forth),
        mean_back: mean.and_then(back),
    })
}
