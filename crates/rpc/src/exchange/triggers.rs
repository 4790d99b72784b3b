//! `capstan_triggers`: orders of an account that the block executes.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U64, U256};
use capstan_contracts::{
    account::IAccount::AccountRef,
    triggers::{
        ADDRESS as TRIGGERS,
        ITriggers::{Standing, orderOfCall, ordersOfCall},
        Kind,
    },
};
use serde::Serialize;

use super::coins::{Coin, Coins};
use crate::{
    RpcContext,
    credit::AccountAsked,
    error::{RpcError, RpcResult},
    fixed::Fixed,
    methods::Methods,
    page::PageAsked,
    views::Views,
};

/// Decimals of coins.
const COIN_DECIMALS: u8 = 18;
/// Decimals of health in hundredths of a percent.
const BPS_DECIMALS: u8 = 4;

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_triggers",
        ["account", "page?", "block?"],
        "Orders of an account that the block executes: when each fires, what it sells, what is left, and what is prepaid. Page: {limit, cursor}.",
        triggers,
    );
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Triggers {
    block_number: U64,
    time_ms: U64,
    items: Vec<Trigger>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trigger {
    id: U64,
    owner: Address,
    index: u8,
    /// `price`, `trailing`, `slices` or `health`.
    kind: &'static str,
    sell: Coin,
    buy: Coin,
    /// Most that is sold at once; null is all there is.
    amount: Option<Fixed>,
    /// What is left to sell; null is all there is.
    left: Option<Fixed>,
    /// What a sale may cost beside oracle prices.
    limit_bps: u16,
    /// Whether what is bought pays debt.
    repay: bool,
    /// Whose price fires it; null for slices and health.
    watch: Option<Coin>,
    /// Whether it fires when that rises.
    above: bool,
    /// The exact price at which it fires now; null for slices and health.
    fires_at: Option<Fixed>,
    /// Steps back from the best price; null unless it trails.
    distance_steps: Option<u16>,
    /// Seconds between slices; null for others.
    interval_s: Option<u32>,
    /// How many times it fires still.
    count: u32,
    /// Health at which it fires, and which it restores; null for others.
    floor: Option<Fixed>,
    target: Option<Fixed>,
    /// When the block looks at it at the latest.
    next_ms: U64,
    expires_ms: U64,
    /// What is left of its coins.
    prepaid: Fixed,
    /// Attempts that failed since it last succeeded.
    failures: u8,
}

/// The cursor is the number of an order. Orders are told by number, so one that ends between two pages moves no other.
fn triggers(
    cx: &RpcContext,
    (asked, page, id): (AccountAsked, Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Triggers> {
    let page = page.unwrap_or_default();
    let limit = page.limit()?;
    let mut views = Views::at(cx, id)?;
    let mut coins = Coins::default();
    let AccountRef { owner, index } = asked.into();
    let mut ids = views.ask(TRIGGERS, &ordersOfCall { owner, index })?;
    ids.sort_unstable();
    let from = page.cursor().unwrap_or(0);
    let mut rest = ids.into_iter().filter(|id| *id >= from);
    let mut items = Vec::new();
    for id in rest.by_ref().take(limit) {
        let standing = views.ask(TRIGGERS, &orderOfCall { id })?;
        items.push(item(&mut views, &mut coins, id, standing)?);
    }
    Ok(Triggers {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        items,
        cursor: rest.next().map(U64::from),
    })
}

fn item(
    views: &mut Views<'_>,
    coins: &mut Coins,
    id: u64,
    standing: Standing,
) -> RpcResult<Trigger> {
    let order = standing.order;
    let kind = Kind::from_number(order.kind);
    let kind =
        kind.ok_or_else(|| RpcError::internal(format!("order {id} is of kind {}", order.kind)))?;
    let (sell, buy) = (
        coins.get(views, order.sellAssetId)?.clone(),
        coins.get(views, order.buyAssetId)?.clone(),
    );
    let is_priced = matches!(kind, Kind::Price | Kind::Trailing);
    let watch = match is_priced {
        true => Some(coins.get(views, order.watchAssetId)?.clone()),
        false => None,
    };
    let units = |amount: U256| (amount != U256::MAX).then(|| Fixed::new(amount, sell.decimals));
    let health = |bps: u32| {
        let is_health = kind == Kind::Health;
        is_health.then(|| Fixed::new(U256::from(bps), BPS_DECIMALS))
    };
    Ok(Trigger {
        id: U64::from(id),
        owner: standing.owner,
        index: standing.index,
        kind: match kind {
            Kind::Price => "price",
            Kind::Trailing => "trailing",
            Kind::Slices => "slices",
            Kind::Health => "health",
        },
        amount: units(order.amount),
        left: units(standing.left),
        limit_bps: order.limitBps,
        repay: order.repay,
        watch,
        above: order.above,
        fires_at: is_priced.then(|| Fixed::wad(standing.firesAt)),
        distance_steps: (kind == Kind::Trailing).then_some(order.distanceSteps),
        interval_s: (kind == Kind::Slices).then_some(order.intervalS),
        count: order.count,
        floor: health(order.floorBps),
        target: health(order.targetBps),
        next_ms: U64::from(standing.nextMs),
        expires_ms: U64::from(order.expiresMs),
        prepaid: Fixed::new(standing.prepaidWei, COIN_DECIMALS),
        failures: standing.failures,
        sell,
        buy,
    })
}
