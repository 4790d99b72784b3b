//! How far prices and time may move before the block looks at an account again.
//!
//! ```text
//!   surplus = counted collateral - debt          at prices of liquidation, lowest factors of the coming day
//!     1/2  all collateral may fall by surplus/2 / longs         a trigger for each asset
//!     1/4  all debts may rise by surplus/4 / shorts
//!     1/5  debts may grow by so much at their highest rates     a time to look by, a day at most
//!    1/20  rounding
//! ```
//!
//! Beside it, a debt with a schedule calls the block when it falls overdue.
//!
//! All of it at once leaves health at one or more, so an account whose guard was not crossed needs no look (LIQ-1).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, MS_PER_YEAR, PriceTick, Ray, TimeMs, Usd};

use super::{
    assess::{self, Question, Stand, Valued},
    desk::Desk,
    goods::Goods,
    math::{Slack, fallen_up, risen_down},
    offer,
    params::{DEFER_MS, NOTICE_MS},
    sheet::{Row, Sheet, Trigger},
};
use crate::{lending, registry};

/// Times from which a guard is chosen: the longest in which something is left of the surplus.
pub(super) const HORIZONS_MS: [u64; 3] = [NOTICE_MS, 3_600_000, 60_000];
const MS_PER_S: u64 = 1_000;

/// Writes the guard of an account as it is now.
///
/// # Errors
/// The store's.
pub(super) fn renew(cx: &mut Ctx<'_>, desk: &mut Desk, account: AccountId) -> Result<(), Halt> {
    let stand = desk.stand(cx, account)?;
    end(cx, desk, &stand)
}

/// Writes a sheet with its guard, for what stands on the account.
///
/// An account that cannot be judged keeps its triggers, since nothing that would lower its health can have happened, and
/// is looked at a minute later.
///
/// # Errors
/// The store's.
pub(super) fn end(cx: &mut Ctx<'_>, desk: &mut Desk, stand: &Stand) -> Result<(), Halt> {
    let mut open = desk.take(cx, stand.account)?;
    let before = open.sheet.clone();
    for row in &mut open.sheet.rows {
        row.trigger = Trigger::Never;
    }
    open.sheet.look_by_s = 0;
    if stand.owes() {
        match guard(cx, stand, &mut desk.goods, &mut open.sheet) {
            Err(Halt::Revert(_)) => {
                open.sheet = before;
                let now = TimeMs::new(cx.store.block().time_ms);
                open.sheet.look_by_s = seconds_down(now.after_ms(DEFER_MS)?);
            }
            answer => answer?,
        }
    }
    open.save(cx)
}

fn guard(
    cx: &mut Ctx<'_>,
    stand: &Stand,
    goods: &mut Goods,
    sheet: &mut Sheet,
) -> Result<(), Halt> {
    let account = stand.account;
    let now = TimeMs::new(cx.store.block().time_ms);
    for horizon_ms in HORIZONS_MS {
        let later = now.after_ms(horizon_ms)?;
        let all = stand.valued_until(cx, goods, Question::Block, later)?;
        let (longs, shorts) = exposure(&all)?;
        let Some(slack) = Slack::of(longs, shorts)? else {
            continue;
        };
        let growth = growth_per_year_up(cx, &all)?;
        let by_interest = look_by(now, horizon_ms, slack.interest, growth)?;
        let by_schedule = match overdue_from(cx, account, &all)? {
            // Its collateral waits for buyers already.
            Some(past) if past < now && is_on_offer(cx, account)? => now.after_ms(DEFER_MS)?,
            Some(time) => time,
            None => by_interest,
        };
        let by_doubt = if assess::is_judged(&all) {
            by_interest
        } else {
            now.after_ms(DEFER_MS)?
        };
        sheet.look_by_s = seconds_down(by_interest.min(by_schedule).min(by_doubt));
        for (row, valued) in sheet.rows.iter_mut().zip(&all) {
            row.trigger = trigger(cx, valued, &slack)?;
        }
        return Ok(());
    }
    // Nothing is left: an account on offer waits for buyers, any other is looked at in the next block.
    let wait_ms = if is_on_offer(cx, account)? {
        DEFER_MS
    } else {
        0
    };
    sheet.look_by_s = seconds_down(now.after_ms(wait_ms)?).max(1);
    Ok(())
}

fn is_on_offer(cx: &mut Ctx<'_>, account: AccountId) -> Result<bool, Halt> {
    Ok(offer::opened(cx, account)?.is_some())
}

/// What counts of assets of which more is held than owed, and what is owed of the others beyond what is held.
pub(super) fn exposure(all: &[Valued]) -> Result<(Usd, Usd), Halt> {
    let (mut longs, mut shorts) = (Usd::ZERO, Usd::ZERO);
    for valued in all {
        let counts = valued.adjusted_down()?;
        match counts.sub(valued.owed_value) {
            Ok(long) => longs = longs.add(long)?,
            Err(_) => shorts = shorts.add(valued.owed_value.sub(counts)?)?,
        }
    }
    Ok((longs, shorts))
}

/// Most that all debts together may grow in a year.
pub(super) fn growth_per_year_up(cx: &mut Ctx<'_>, all: &[Valued]) -> Result<U256, Halt> {
    let mut growth = U256::ZERO;
    for valued in all.iter().filter(|valued| !valued.line.owed.is_zero()) {
        let rate = highest_rate(cx, valued.row)?;
        growth = growth.saturating_add(rate.of_up(valued.owed_value.to_u256())?);
    }
    Ok(growth)
}

/// When the first debt of the account falls overdue, if nobody pays.
fn overdue_from(
    cx: &mut Ctx<'_>,
    account: AccountId,
    all: &[Valued],
) -> Result<Option<TimeMs>, Halt> {
    let mut first = None;
    for valued in all {
        for (number, kind) in registry::positions() {
            if valued.row.kinds & assess::kind_bit(number) == 0 {
                continue;
            }
            if let Some(ms) = kind.overdue_from_ms(cx, account, valued.asset())? {
                let time = TimeMs::new(ms);
                first = Some(first.map_or(time, |earlier: TimeMs| earlier.min(time)));
            }
        }
    }
    Ok(first)
}

fn highest_rate(cx: &mut Ctx<'_>, row: Row) -> Result<Ray, Halt> {
    let mut highest = Ray::ZERO;
    for (number, kind) in registry::positions() {
        if row.kinds & assess::kind_bit(number) != 0 {
            highest = highest.max(kind.drift_bound(cx, row.asset)?);
        }
    }
    Ok(highest)
}

/// Interest of interest is a small part of the fifth within a day, and the twentieth covers it.
pub(super) fn look_by(
    now: TimeMs,
    horizon_ms: u64,
    interest: Usd,
    growth: U256,
) -> Result<TimeMs, Halt> {
    let year = U256::from(MS_PER_YEAR);
    let ms = interest.to_u256().saturating_mul(year).checked_div(growth);
    let ms = ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(u64::MAX);
    Ok(now.after_ms(ms.min(horizon_ms))?)
}

pub(super) fn seconds_down(time: TimeMs) -> u32 {
    u32::try_from(time.get().checked_div(MS_PER_S).unwrap_or_default()).unwrap_or(u32::MAX)
}

/// When the price of one asset calls the block.
pub(super) fn trigger(cx: &mut Ctx<'_>, valued: &Valued, slack: &Slack) -> Result<Trigger, Halt> {
    let counts = valued.adjusted_down()?;
    if counts == valued.owed_value {
        return Ok(Trigger::Never);
    }
    if counts > valued.owed_value {
        let price = fallen_up(valued.held_price, slack.fall)?;
        let tick = PriceTick::up(price);
        return Ok(Trigger::Falls(after_haircut(cx, valued.row, tick)?));
    }
    Ok(match risen_down(valued.owed_price, slack.rise) {
        Some(price) => Trigger::Rises(PriceTick::down(price)),
        None => Trigger::Never,
    })
}

/// Supply in a market falls with losses that lenders bear as with the price: its trigger counts both.
fn after_haircut(cx: &mut Ctx<'_>, row: Row, tick: PriceTick) -> Result<PriceTick, Halt> {
    if !is_supplied(row) {
        return Ok(tick);
    }
    let lost = haircut_ticks_up(lending::haircut(cx, row.asset)?);
    // Both haircuts, now and later, are up to two ticks too large; only the later one errs on the safe side.
    let margin = if lost > 0 { 2 } else { 0 };
    Ok(PriceTick::new(
        tick.get().saturating_sub(lost).saturating_add(margin),
    ))
}

/// Whether some of the row's asset may stand in its market.
pub(super) fn is_supplied(row: Row) -> bool {
    row.kinds & assess::kind_bit(registry::MARKET) != 0
}

/// Ticks that a part left over lies below one, rounded up.
pub(super) fn haircut_ticks_up(left: Ray) -> i32 {
    let ticks = |ray: Ray| {
        let price = capstan_units::Price::new(ray.get()).unwrap_or(capstan_units::Price::MAX);
        PriceTick::down(price).get()
    };
    if left >= Ray::ONE {
        return 0;
    }
    ticks(Ray::ONE)
        .saturating_sub(ticks(left))
        .saturating_add(1)
}

/// Puts a look off by a minute, for an account that could not be looked at: it must not hold up others in every block.
pub(super) fn defer(cx: &mut Ctx<'_>, account: AccountId) -> Result<(), Halt> {
    let before = Sheet::load(cx, account)?;
    let mut sheet = before.clone();
    for row in &mut sheet.rows {
        row.trigger = Trigger::Never;
    }
    let later = TimeMs::new(cx.store.block().time_ms).after_ms(DEFER_MS)?;
    sheet.look_by_s = seconds_down(later);
    sheet.save(cx, account, &before)
}
