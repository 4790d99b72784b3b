//! What the verbs of `triggers` do, and how an order begins and ends.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Bps, OrderId, Price};

use super::{
    ADDRESS,
    ITriggers::{self, TriggerCreated, TriggerEnded},
    Kind, condition,
    error::{
        TriggersInvalid, TriggersMetAlready, TriggersPrepaidTooLittle, TriggersStepFull,
        TriggersTooMany, TriggersUnknown,
    },
    guard::{self, STATE},
    math,
    params::{
        COUNT_MAX, DISTANCE_MAX, FLOOR_BPS, INTERVAL_S, LIFE_MS_MAX, LIMIT_BPS_MAX, ORDERS_MAX,
        STEP_MAX, STEP_ORDERS_MAX, TARGET_ABOVE_BPS, TARGET_BPS_MAX, prepaid_min_wei,
    },
    state::{NOTHING, Order},
};
use crate::{
    account::{self, Sheet},
    contract::emit,
    ledger,
    looks::now_s,
    oracle::{self, PriceUse, Side},
    revert,
};

const MS_PER_S: u64 = 1_000;

/// Why an order is gone: the numbers of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It did what it was to do.
    Done,
    /// Somebody who may cancelled it.
    Cancelled,
    /// Its time is over.
    Expired,
    /// Nothing is left of what was prepaid.
    UsedUp,
}

impl Reason {
    const fn number(self) -> u8 {
        match self {
            Self::Done => 1,
            Self::Cancelled => 2,
            Self::Expired => 3,
            Self::UsedUp => 4,
        }
    }
}

/// An order that stands.
///
/// # Errors
/// `TriggersUnknown`.
pub(super) fn known(cx: &mut Ctx<'_>, id: OrderId) -> Result<Order, Halt> {
    let order = STATE.orders.at(id).load(cx)?;
    if order.kind == 0 {
        return Err(revert(&TriggersUnknown { id: id.get() }));
    }
    Ok(order)
}

pub(super) fn store(cx: &mut Ctx<'_>, id: OrderId, order: &Order) -> Result<(), Halt> {
    STATE.orders.at(id).save(cx, order)
}

/// Places an order (TRIG-7, TRIG-8).
///
/// # Errors
/// `AccountNotAuthorised`, `TriggersInvalid`, `TriggersMetAlready`, `TriggersPrepaidTooLittle`, `TriggersTooMany`,
/// `TriggersStepFull`, `LedgerUnknownAsset`, `OraclePriceUnusable`, `AccountPriceUnusable`.
pub(super) fn create(
    cx: &mut Ctx<'_>,
    account: AccountId,
    wish: &ITriggers::Order,
) -> Result<u64, Halt> {
    let caller = cx.caller();
    account::expect_may_act(cx, account, caller)?;
    let mut order = checked(cx, account, wish)?;
    order.prepaid_wei = prepaid(cx, &order)?;
    expect_not_met(cx, &order)?;
    let list = STATE.lists.at(account);
    if list.len(cx)? >= ORDERS_MAX {
        return Err(revert(&TriggersTooMany {
            owner: account.owner,
            index: account.index,
            max: U256::from(ORDERS_MAX),
        }));
    }
    join_crowd(cx, &order)?;
    let count = STATE.order_count.load(cx)?;
    let count = count.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.order_count.save(cx, count)?;
    let id = OrderId::new(count);
    list.push(cx, id)?;
    store(cx, id, &order)?;
    condition::arm(cx, id, &order)?;
    emit(
        cx,
        &TriggerCreated {
            id: count,
            owner: account.owner,
            index: account.index,
            order: wish.clone(),
            prepaidWei: U256::from(order.prepaid_wei),
        },
    )?;
    Ok(count)
}

/// Ends an order.
///
/// # Errors
/// `TriggersUnknown`, `AccountNotAuthorised`.
pub(super) fn cancel(cx: &mut Ctx<'_>, id: OrderId) -> Result<(), Halt> {
    let order = known(cx, id)?;
    let caller = cx.caller();
    account::expect_may_act(cx, order.account, caller)?;
    end(cx, id, &order, Reason::Cancelled)
}

/// Reads anew what an order waits for, and takes coins in.
///
/// # Errors
/// `TriggersUnknown`, `AccountNotAuthorised`.
pub(super) fn renew(cx: &mut Ctx<'_>, id: OrderId) -> Result<(), Halt> {
    let mut order = known(cx, id)?;
    let caller = cx.caller();
    account::expect_may_act(cx, order.account, caller)?;
    let sent = u128::try_from(cx.frame.value).map_err(|_| Halt::overflow())?;
    let sum = order.prepaid_wei.checked_add(sent);
    order.prepaid_wei = sum.ok_or_else(Halt::overflow)?;
    order.failures = 0;
    store(cx, id, &order)?;
    condition::arm(cx, id, &order)
}

/// Takes an order away and gives back what is left of its coins: to the owner of the account, whoever sent them.
pub(super) fn end(
    cx: &mut Ctx<'_>,
    id: OrderId,
    order: &Order,
    reason: Reason,
) -> Result<(), Halt> {
    let account = order.account;
    guard::save(cx, id, &Sheet::default())?;
    leave_crowd(cx, order)?;
    let list = STATE.lists.at(account);
    for at in 0..list.len(cx)? {
        if list.get(cx, at)? == Some(id) {
            list.swap_remove(cx, at)?;
            break;
        }
    }
    store(cx, id, &NOTHING)?;
    let refund = U256::from(order.prepaid_wei);
    if !refund.is_zero() && !cx.store.coin_move(ADDRESS, account.owner, refund)? {
        return Err(Halt::Fatal(format!("order {id}: its coins are gone")));
    }
    emit(
        cx,
        &TriggerEnded {
            id: id.get(),
            owner: account.owner,
            index: account.index,
            reason: reason.number(),
            refundWei: refund,
        },
    )
}

/// Counts an order of kind 1 at its step (TRIG-8).
fn join_crowd(cx: &mut Ctx<'_>, order: &Order) -> Result<(), Halt> {
    if order.kind()? != Kind::Price {
        return Ok(());
    }
    let crowd = STATE.crowds.at(((order.watch, order.is_above), order.step));
    let count = crowd.load(cx)?;
    if count >= STEP_ORDERS_MAX {
        return Err(revert(&TriggersStepFull {
            assetId: order.watch.get(),
            price: fires_at(order)?.to_u256(),
            max: U256::from(STEP_ORDERS_MAX),
        }));
    }
    crowd.save(cx, count.saturating_add(1))
}

fn leave_crowd(cx: &mut Ctx<'_>, order: &Order) -> Result<(), Halt> {
    if order.kind()? != Kind::Price {
        return Ok(());
    }
    let crowd = STATE.crowds.at(((order.watch, order.is_above), order.step));
    let count = crowd.load(cx)?;
    crowd.save(cx, count.saturating_sub(1))
}

/// The exact price at which an order on a price fires.
pub(super) fn fires_at(order: &Order) -> Result<Price, Halt> {
    let tick = condition::tick(order)?;
    Ok(if order.is_above {
        math::price_risen_to(tick)
    } else {
        math::price_fallen_to(tick)
    })
}

/// Who places an order whose condition holds already meant something else.
fn expect_not_met(cx: &mut Ctx<'_>, order: &Order) -> Result<(), Halt> {
    if order.kind()? == Kind::Slices || !condition::holds(cx, order)? {
        return Ok(());
    }
    let found = match order.kind()? {
        Kind::Health => account::health_down(cx, order.account)?.to_u256(),
        _ => oracle::price(cx, order.watch, PriceUse::View, Side::Collateral)?.to_u256(),
    };
    Err(revert(&TriggersMetAlready { found }))
}

/// The coins that came, if they are enough.
fn prepaid(cx: &mut Ctx<'_>, order: &Order) -> Result<u128, Halt> {
    let base_fee_wei = U256::from(cx.store.block().base_fee_wei);
    let least = prepaid_min_wei(order.kind()?, order.count, base_fee_wei);
    let sent = cx.frame.value;
    if sent < least {
        return Err(revert(&TriggersPrepaidTooLittle {
            sentWei: sent,
            leastWei: least,
        }));
    }
    u128::try_from(sent).map_err(|_| Halt::overflow())
}

fn out_of_range(what: &str, value: U256, least: U256, most: U256) -> Halt {
    revert(&TriggersInvalid {
        what: what.to_owned(),
        value,
        least,
        most,
    })
}

fn within(what: &str, value: impl Into<u64>, least: u64, most: u64) -> Result<(), Halt> {
    let value = value.into();
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let [value, least, most] = [value, least, most].map(U256::from);
    Err(out_of_range(what, value, least, most))
}

/// The kind that somebody named.
///
/// # Errors
/// `TriggersInvalid`.
pub(super) fn kind_of(number: u8) -> Result<Kind, Halt> {
    let kind = Kind::from_number(number);
    kind.ok_or_else(|| out_of_range("kind", U256::from(number), U256::ONE, U256::from(4)))
}

/// An amount of units; the largest number is all there is.
fn units(amount: U256) -> Result<Assets, Halt> {
    if amount == U256::MAX {
        return Ok(Assets::MAX);
    }
    let units = Assets::from_u256(amount)?;
    if !units.is_zero() && units != Assets::MAX {
        return Ok(units);
    }
    let most = Assets::MAX.to_u256();
    Err(out_of_range("amount", amount, U256::ONE, most))
}

/// The order that is wished for, if every part that its kind uses is in its range. Others count nothing.
fn checked(cx: &mut Ctx<'_>, account: AccountId, wish: &ITriggers::Order) -> Result<Order, Halt> {
    let now_ms = cx.store.block().time_ms;
    let kind = kind_of(wish.kind)?;
    let (sell, buy) = (wish.sellAssetId, wish.buyAssetId);
    for asset in [sell, buy] {
        ledger::asset(cx, AssetId::new(asset))?;
    }
    if sell == buy {
        let next = u64::from(sell).saturating_add(1);
        within("buyAssetId", buy, next, u32::MAX.into())?;
    }
    within("limitBps", wish.limitBps, 1, LIMIT_BPS_MAX.into())?;
    let latest_ms = now_ms.saturating_add(LIFE_MS_MAX);
    let soonest_ms = now_ms.saturating_add(MS_PER_S);
    within("expiresMs", wish.expiresMs, soonest_ms, latest_ms)?;
    let expires_s = wish.expiresMs.checked_div(MS_PER_S).unwrap_or_default();
    let at_once = units(wish.amount)?;
    let mut order = Order {
        account,
        sell: AssetId::new(sell),
        buy: AssetId::new(buy),
        limit: Bps::new(wish.limitBps)?,
        kind: kind.number(),
        at_once,
        left: at_once,
        expires_s: u32::try_from(expires_s).unwrap_or(u32::MAX),
        count: 1,
        repays: wish.repay,
        ..NOTHING
    };
    match kind {
        Kind::Price | Kind::Trailing => watch(cx, &mut order, wish)?,
        Kind::Slices => {
            let (least, most) = INTERVAL_S;
            within("intervalS", wish.intervalS, least.into(), most.into())?;
            within("count", wish.count, 1, COUNT_MAX.into())?;
            order.interval_s = wish.intervalS;
            order.count = wish.count;
            order.left = whole(at_once, wish.count);
            order.next_s = now_s(cx);
        }
        Kind::Health => guard_health(&mut order, wish)?,
    }
    Ok(order)
}

/// What all slices together sell.
fn whole(slice: Assets, count: u32) -> Assets {
    let sum = slice.get().saturating_mul(u128::from(count));
    Assets::new(sum).unwrap_or(Assets::MAX)
}

/// What an order on a price waits for. The oracle must know the price.
fn watch(cx: &mut Ctx<'_>, order: &mut Order, wish: &ITriggers::Order) -> Result<(), Halt> {
    order.watch = AssetId::new(wish.watchAssetId);
    order.is_above = wish.above;
    // Rows of a guard have a byte for the asset.
    let most = u64::from(account::ASSETS_MAX).saturating_sub(1);
    within("watchAssetId", wish.watchAssetId, 0, most)?;
    oracle::price(cx, order.watch, PriceUse::View, Side::Collateral)?;
    let step = |price| {
        if wish.above {
            math::step_up(price)
        } else {
            math::step_down(price)
        }
    };
    if order.kind()? == Kind::Trailing {
        within("distanceSteps", wish.distanceSteps, 1, DISTANCE_MAX.into())?;
        order.distance = wish.distanceSteps;
        let price = oracle::price(cx, order.watch, PriceUse::Liquidate, Side::Collateral)?;
        order.step = step(price);
        return Ok(());
    }
    order.step = step(Price::from_u256(wish.price)?);
    within("price", order.step, 1, STEP_MAX.into())
}

/// What an order on health waits for, and what it restores.
fn guard_health(order: &mut Order, wish: &ITriggers::Order) -> Result<(), Halt> {
    let (least, most) = FLOOR_BPS;
    within("floorBps", wish.floorBps, least.into(), most.into())?;
    let above = wish.floorBps.saturating_add(TARGET_ABOVE_BPS);
    let most = TARGET_BPS_MAX.into();
    within("targetBps", wish.targetBps, above.into(), most)?;
    within("count", wish.count, 1, COUNT_MAX.into())?;
    order.floor_bps = wish.floorBps;
    order.target_bps = wish.targetBps;
    order.count = wish.count;
    order.repays = true;
    Ok(())
}
