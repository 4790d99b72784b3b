//! What anyone may ask.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, OrderId, Price};

use super::{
    ITriggers::{self, Standing},
    Kind,
    actions::{fires_at as fires_at_of, kind_of, known},
    guard::{self, STATE},
    math,
    params::prepaid_min_wei,
    state::Order,
};

const MS_PER_S: u64 = 1_000;
/// Gas beside storage of finding the price of a step: a hundred logarithms.
const STEP_PRICE_GAS: u64 = 20_000;

pub(super) fn order_count(cx: &mut Ctx<'_>) -> Result<u64, Halt> {
    STATE.order_count.load(cx)
}

pub(super) fn orders_of(cx: &mut Ctx<'_>, account: AccountId) -> Result<Vec<u64>, Halt> {
    let orders = STATE.lists.at(account).load(cx)?;
    Ok(orders.into_iter().map(OrderId::get).collect())
}

pub(super) fn prepaid_min(cx: &mut Ctx<'_>, number: u8, count: u32) -> Result<U256, Halt> {
    let base_fee_wei = U256::from(cx.store.block().base_fee_wei);
    Ok(prepaid_min_wei(kind_of(number)?, count, base_fee_wei))
}

pub(super) fn fires_at(cx: &mut Ctx<'_>, price: U256, above: bool) -> Result<U256, Halt> {
    cx.store.charge(STEP_PRICE_GAS)?;
    let price = Price::from_u256(price)?;
    let at = if above {
        math::price_risen_to(math::tick_of(math::step_up(price)))
    } else {
        math::price_fallen_to(math::tick_of(math::step_down(price)))
    };
    Ok(at.to_u256())
}

pub(super) fn standing(cx: &mut Ctx<'_>, id: OrderId) -> Result<Standing, Halt> {
    let order = known(cx, id)?;
    let exact = match order.kind()? {
        Kind::Price | Kind::Trailing => {
            cx.store.charge(STEP_PRICE_GAS)?;
            fires_at_of(&order)?.to_u256()
        }
        Kind::Slices | Kind::Health => U256::ZERO,
    };
    let guard = guard::load(cx, id)?;
    Ok(Standing {
        owner: order.account.owner,
        index: order.account.index,
        firesAt: exact,
        left: amount(order.left),
        prepaidWei: U256::from(order.prepaid_wei),
        nextMs: u64::from(guard.look_by_s).saturating_mul(MS_PER_S),
        failures: order.failures,
        order: to_abi(&order, exact),
    })
}

/// The largest number is all there is.
fn amount(units: Assets) -> U256 {
    if units == Assets::MAX {
        return U256::MAX;
    }
    units.to_u256()
}

fn to_abi(order: &Order, fires_at: U256) -> ITriggers::Order {
    let is_price = order.kind == Kind::Price.number();
    ITriggers::Order {
        kind: order.kind,
        sellAssetId: order.sell.get(),
        buyAssetId: order.buy.get(),
        amount: amount(order.at_once),
        limitBps: order.limit.get(),
        repay: order.repays,
        watchAssetId: order.watch.get(),
        above: order.is_above,
        price: if is_price { fires_at } else { U256::ZERO },
        distanceSteps: order.distance,
        intervalS: order.interval_s,
        count: order.count,
        floorBps: order.floor_bps,
        targetBps: order.target_bps,
        expiresMs: u64::from(order.expires_s).saturating_mul(MS_PER_S),
    }
}
