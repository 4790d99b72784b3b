//! `capstan_markets`: what is lent, to whom it costs what, and at which prices.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U64, U256};
use capstan_contracts::{
    ledger::{self, ILedger},
    lending::{
        self,
        ILending::{self, LendingUnknownMarket, MarketParams},
        Pause,
    },
    oracle::{
        self,
        IOracle::{self, OracleFeedUnknown},
        Unusable,
    },
};
use serde::Serialize;

use crate::{
    RpcContext,
    error::RpcResult,
    fixed::Fixed,
    methods::Methods,
    page::PageAsked,
    views::{Views, unless},
    words::time_words,
};

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_markets",
        ["page?", "block?"],
        "Lending markets by asset: amounts, rates per year, caps, pauses, price and whether it is usable. Page: {limit, cursor}.",
        markets,
    );
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Markets {
    block_number: U64,
    time_ms: U64,
    items: Vec<Market>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Market {
    asset_id: u32,
    symbol: String,
    token: Address,
    decimals: u8,
    kind: &'static str,
    /// Whether the border between wallets and the ledger is closed.
    frozen: bool,
    /// ERC-4626 face of the market.
    share_token: Address,
    supplied: Fixed,
    borrowed: Fixed,
    cash: Fixed,
    reserve: Fixed,
    utilisation: Fixed,
    supply_rate_per_year: Fixed,
    borrow_rate_per_year: Fixed,
    paused: Paused,
    params: Params,
    /// What follows the parameters in force, and when.
    next_params: Option<NextParams>,
    /// Null without a feed.
    price: Option<PriceState>,
}

/// Verbs of a market that are paused.
#[derive(Serialize)]
struct Paused {
    supply: bool,
    redeem: bool,
    borrow: bool,
}

impl Paused {
    fn read(bits: u8) -> Self {
        let paused = |verb: Pause| bits & verb.bit() != 0;
        Self {
            supply: paused(Pause::Supply),
            redeem: paused(Pause::Redeem),
            borrow: paused(Pause::Borrow),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    supply_cap: Fixed,
    borrow_cap: Fixed,
    reserve_factor_bps: u16,
    rate_model: &'static str,
    base_bps: u32,
    slope1_bps: u32,
    slope2_bps: u32,
    optimal_bps: u32,
}

impl Params {
    fn read(params: &MarketParams, decimals: u8) -> Self {
        Self {
            supply_cap: Fixed::new(params.supplyCap, decimals),
            borrow_cap: Fixed::new(params.borrowCap, decimals),
            reserve_factor_bps: params.reserveFactorBps,
            rate_model: match params.rateModel {
                0 => "kinked",
                1 => "adaptive",
                _ => "unknown",
            },
            base_bps: params.baseBps,
            slope1_bps: params.slope1Bps,
            slope2_bps: params.slope2Bps,
            optimal_bps: params.optimalBps,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NextParams {
    from_ms: U64,
    #[serde(flatten)]
    params: Params,
}

/// A price, and whether somebody may borrow against it now.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PriceState {
    description: String,
    round: U64,
    spot: Fixed,
    smoothed: Fixed,
    time_ms: U64,
    grace_until_ms: U64,
    usable: bool,
    /// Number of the reason why it is not usable; zero if it is.
    reason: u8,
    /// The reason in words.
    why: Option<String>,
}

impl PriceState {
    pub(super) fn read(feed: IOracle::FeedState) -> Self {
        let unusable = Unusable::read(feed.reason, feed.detail, feed.limit);
        Self {
            description: feed.description,
            round: U64::from(feed.round),
            spot: Fixed::wad(U256::from(feed.spot)),
            smoothed: Fixed::wad(U256::from(feed.smoothed)),
            time_ms: U64::from(feed.timeMs),
            grace_until_ms: U64::from(feed.graceUntilMs),
            usable: feed.reason == 0,
            reason: feed.reason,
            why: unusable.map(why_unusable),
        }
    }
}

/// Times as people read them; the rest as the oracle says it.
fn why_unusable(why: Unusable) -> String {
    let words = |ms| time_words(ms).unwrap_or_else(|| format!("{ms} ms"));
    match why {
        Unusable::Grace { until_ms } => format!("a grace period runs until {}", words(until_ms)),
        Unusable::Stale { age_ms, max_ms } => format!(
            "the price is {} old, at most {} are allowed",
            words(age_ms),
            words(max_ms)
        ),
        other => other.to_string(),
    }
}

/// The cursor is the next number of an asset to look at.
fn markets(
    cx: &RpcContext,
    (page, id): (Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Markets> {
    let page = page.unwrap_or_default();
    let limit = page.limit()?;
    let mut views = Views::at(cx, id)?;
    let count = views.ask(ledger::ADDRESS, &ILedger::assetCountCall {})?;
    let mut next = u32::try_from(page.cursor().unwrap_or(0)).unwrap_or(u32::MAX);
    let mut items = Vec::new();
    while next < count && items.len() < limit {
        items.extend(market(&mut views, next)?);
        next += 1;
    }
    Ok(Markets {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        items,
        cursor: (next < count).then(|| U64::from(next)),
    })
}

/// The market of an asset, if it has one.
fn market(views: &mut Views<'_>, asset_id: u32) -> RpcResult<Option<Market>> {
    let to = lending::ADDRESS;
    let stands = views.answer(to, &ILending::marketCall { assetId: asset_id })?;
    let Some(stands) = unless::<LendingUnknownMarket, _>(stands)? else {
        return Ok(None);
    };
    let asset = views.ask(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
    let params = views.ask(to, &ILending::paramsOfCall { assetId: asset_id })?;
    let share_token = views.ask(to, &ILending::shareTokenCall { assetId: asset_id })?;
    let feed = views.answer(oracle::ADDRESS, &IOracle::feedOfCall { assetId: asset_id })?;
    let decimals = asset.decimals;
    let amount = |amount| Fixed::new(amount, decimals);
    Ok(Some(Market {
        asset_id,
        symbol: asset.symbol,
        token: asset.token,
        decimals,
        kind: kind(asset.kind),
        frozen: asset.frozen,
        share_token,
        supplied: amount(stands.supplied),
        borrowed: amount(stands.borrowed),
        cash: amount(stands.cash),
        reserve: amount(stands.reserve),
        utilisation: Fixed::ray(stands.utilisation),
        supply_rate_per_year: Fixed::ray(stands.supplyRate),
        borrow_rate_per_year: Fixed::ray(stands.borrowRate),
        paused: Paused::read(stands.paused),
        params: Params::read(&params.present, decimals),
        next_params: (params.nextFromMs != 0).then(|| NextParams {
            from_ms: U64::from(params.nextFromMs),
            params: Params::read(&params.next, decimals),
        }),
        price: unless::<OracleFeedUnknown, _>(feed)?.map(PriceState::read),
    }))
}

/// Kinds of assets, as the ledger numbers them.
fn kind(number: u8) -> &'static str {
    match number {
        0 => "coin",
        1 => "native",
        2 => "foreign",
        _ => "unknown",
    }
}
