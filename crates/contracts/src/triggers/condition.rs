//! Whether an order's condition holds, and the guard that calls the block when it may.
//!
//! Both ask the same functions, so an order whose condition holds is called for (TRIG-2).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{Bps, OrderId, PriceTick, Wad, mul_div_up};

use super::{
    Kind, guard,
    math::{step_down, step_up, tick_of},
    params::{NEAR_BPS, STEP_MAX},
    state::Order,
};
use crate::{
    account::{self, Row, Sheet, Trigger, guarded},
    looks::{RETRY_S, now_s},
    registry::UNITS,
};

/// The tick at which an order on a price fires.
pub(super) fn tick(order: &Order) -> Result<PriceTick, Halt> {
    Ok(tick_of(match (order.kind()?, order.is_above) {
        (Kind::Trailing, false) => order.step.saturating_sub(order.distance),
        (Kind::Trailing, true) => order.step.saturating_add(order.distance).min(STEP_MAX),
        _ => order.step,
    }))
}

/// Health at or below which an order fires: its floor, and a little more, so that its guard never creeps up to it.
pub(super) fn floor_up(floor_bps: u32) -> Result<Wad, Halt> {
    health(floor_bps.saturating_add(NEAR_BPS))
}

/// So many hundredths of a percent, as health.
pub(super) fn health(bps: u32) -> Result<Wad, Halt> {
    let (bps, whole) = (U256::from(bps), Bps::ONE.to_u256());
    Ok(Wad::from_u256(mul_div_up(bps, Wad::ONE.to_u256(), whole)?)?)
}

/// Whether it holds now (TRIG-1). A price that may not be used fires nothing.
pub(super) fn holds(cx: &mut Ctx<'_>, order: &Order) -> Result<bool, Halt> {
    Ok(match order.kind()? {
        Kind::Price | Kind::Trailing => {
            let tick = tick(order)?;
            if order.is_above {
                guarded::risen_to(cx, order.watch)?.is_some_and(|risen| risen >= tick)
            } else {
                guarded::fallen_to(cx, order.watch, false)?.is_some_and(|fallen| fallen <= tick)
            }
        }
        Kind::Slices => now_s(cx) >= order.next_s,
        Kind::Health => {
            let floor = floor_up(order.floor_bps)?;
            account::health_down(cx, order.account)? <= floor
        }
    })
}

/// Follows the best price that a trailing order has seen.
pub(super) fn follow(cx: &mut Ctx<'_>, order: &mut Order) -> Result<(), Halt> {
    if order.kind()? != Kind::Trailing {
        return Ok(());
    }
    if let Some(price) = guarded::usable(cx, order.watch)? {
        order.step = if order.is_above {
            order.step.min(step_up(price))
        } else {
            order.step.max(step_down(price))
        };
    }
    Ok(())
}

/// Writes what the order waits for.
pub(super) fn arm(cx: &mut Ctx<'_>, id: OrderId, order: &Order) -> Result<(), Halt> {
    let row = |trigger| Row {
        asset: order.watch,
        kinds: 1_u8.checked_shl(UNITS.into()).unwrap_or_default(),
        trigger,
    };
    let fires = |tick| match order.is_above {
        true => Trigger::Rises(tick),
        false => Trigger::Falls(tick),
    };
    let mut sheet = Sheet::default();
    match order.kind()? {
        Kind::Price => sheet.rows.push(row(fires(tick(order)?))),
        Kind::Trailing => {
            sheet.rows.push(row(fires(tick(order)?)));
            sheet.rows.push(row(next_best(order)));
        }
        Kind::Slices => sheet.look_by_s = order.next_s,
        Kind::Health => {
            let above = floor_up(order.floor_bps)?;
            sheet = match account::guard_above(cx, order.account, above)? {
                Some(guard) => guard,
                None => Sheet {
                    look_by_s: now_s(cx).saturating_add(RETRY_S),
                    ..Sheet::default()
                },
            };
        }
    }
    wait(cx, id, order, sheet)
}

/// When the best price moves by a step: one tick beyond, where it counts as a whole step whichever way it is rounded.
fn next_best(order: &Order) -> Trigger {
    if order.is_above {
        let tick = tick_of(order.step.saturating_sub(1));
        Trigger::Falls(PriceTick::new(tick.get().saturating_sub(1)))
    } else {
        let tick = tick_of(order.step.saturating_add(1));
        Trigger::Rises(PriceTick::new(tick.get().saturating_add(1)))
    }
}

/// Writes a guard; the end of the order calls the block too (TRIG-8).
pub(super) fn wait(
    cx: &mut Ctx<'_>,
    id: OrderId,
    order: &Order,
    mut sheet: Sheet,
) -> Result<(), Halt> {
    sheet.look_by_s = match sheet.look_by_s {
        0 => order.expires_s,
        look_by_s => look_by_s.min(order.expires_s),
    };
    guard::save(cx, id, &sheet)
}

/// Nothing but a time calls the block, so many seconds from now.
pub(super) fn wait_for(
    cx: &mut Ctx<'_>,
    id: OrderId,
    order: &Order,
    seconds: u32,
) -> Result<(), Halt> {
    let sheet = Sheet {
        look_by_s: now_s(cx).saturating_add(seconds),
        ..Sheet::default()
    };
    wait(cx, id, order, sheet)
}
