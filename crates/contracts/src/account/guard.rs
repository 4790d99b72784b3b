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
//! A trigger is a whole tick, about 0.001 % of a price. Where less than that is left of the surplus, the trigger that it
//! asks for lies at the present price, and would call in every block for as long as the price stays: the account could
//! stand exactly at health one for ever. Its triggers are the next ticks beyond the present ones instead, and the block
//! comes back within a minute for what may happen inside of them.
//!
//! All of it at once leaves health at one or more, so an account whose guard was not crossed needs no look (LIQ-1).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, MS_PER_YEAR, PriceTick, Ray, TimeMs, Usd};

use super::{
    assess::{self, Question, Stand, Valued},
    desk::Desk,
    goods::Goods,
    index,
    math::{Slack, fallen_up, risen_down},
    offer,
    params::{DEFER_MS, NOTICE_MS},
    sheet::{Row, Sheet, Trigger},
};
use crate::{lending, registry};

/// Times from which a guard is chosen: the longest in which something is left of the surplus.
pub(super) const HORIZONS_MS: [u64; 3] = [NOTICE_MS, 3_600_000, 60_000];
const MS_PER_S: u64 = 1_000;
/// Of a price, a part that is more than all roundings of ticks together, which are below a twentieth of a thousandth.
const CLOSE_BPS: u32 = 1;

/// Writes the guard of an account as it is now, when something outside a batch changed it.
///
/// # Errors
/// The store's.
pub(super) fn renew(cx: &mut Ctx<'_>, desk: &mut Desk, account: AccountId) -> Result<(), Halt> {
    let stand = desk.stand(cx, account)?;
    end(cx, desk, &stand)
}

/// Writes a sheet with its guard when a batch ends, for what stands on the account. A look that the block owes an account
/// that waits is not put off: otherwise a batch a minute, by anybody who pays a unit in, would keep it away for ever
/// (LIQ-10).
///
/// # Errors
/// The store's.
pub(super) fn end(cx: &mut Ctx<'_>, desk: &mut Desk, stand: &Stand) -> Result<(), Halt> {
    let owed_s = desk.look_by_s(cx, stand.account)?;
    let back_s = match in_a_minute(cx)? {
        later_s if owed_s == 0 => later_s,
        later_s => later_s.min(owed_s),
    };
    write(cx, desk, stand, back_s)
}

/// The same when the block has looked.
///
/// # Errors
/// The store's.
pub(super) fn looked(cx: &mut Ctx<'_>, desk: &mut Desk, stand: &Stand) -> Result<(), Halt> {
    let back_s = in_a_minute(cx)?;
    write(cx, desk, stand, back_s)
}

/// The second in which the block comes back to whatever has to wait.
pub(super) fn in_a_minute(cx: &mut Ctx<'_>) -> Result<u32, Halt> {
    let now = TimeMs::new(cx.store.block().time_ms);
    Ok(seconds_down(now.after_ms(DEFER_MS)?))
}

/// `back_s`: when the block comes back if the account has to wait.
///
/// An account that cannot be judged keeps its triggers, since nothing that would lower its health can have happened.
fn write(cx: &mut Ctx<'_>, desk: &mut Desk, stand: &Stand, back_s: u32) -> Result<(), Halt> {
    end_offer(cx, desk, stand)?;
    let mut open = desk.take(cx, stand.account)?;
    let before = open.sheet.clone();
    for row in &mut open.sheet.rows {
        row.trigger = Trigger::Never;
    }
    open.sheet.look_by_s = 0;
    if stand.owes() {
        match guard(cx, stand, &mut desk.goods, &mut open.sheet, back_s) {
            Err(Halt::Revert(_)) => {
                open.sheet = before;
                open.sheet.look_by_s = back_s;
            }
            answer => answer?,
        }
    }
    open.save(cx)
}

/// Ends the offer of an account that is saved, so that its discount begins anew if it falls again. The block comes back
/// within [`DEFER_MS`] to whatever stands on offer, so most sheets say that nothing does.
fn end_offer(cx: &mut Ctx<'_>, desk: &mut Desk, stand: &Stand) -> Result<(), Halt> {
    let look_by_s = desk.look_by_s(cx, stand.account)?;
    if look_by_s == 0 || look_by_s > in_a_minute(cx)? || !is_on_offer(cx, stand.account)? {
        return Ok(());
    }
    let all = match stand.valued(cx, &mut desk.goods, Question::Block) {
        Err(Halt::Revert(_)) => return Ok(()),
        all => all?,
    };
    let is_saved = assess::sum(&all)?.is_healthy() && assess::is_judged(&all);
    if is_saved && !assess::is_overdue(cx, stand)? {
        offer::close(cx, stand.account)?;
    }
    Ok(())
}

fn guard(
    cx: &mut Ctx<'_>,
    stand: &Stand,
    goods: &mut Goods,
    sheet: &mut Sheet,
    back_s: u32,
) -> Result<(), Halt> {
    let now = TimeMs::new(cx.store.block().time_ms);
    for horizon_ms in HORIZONS_MS {
        let later = now.after_ms(horizon_ms)?;
        let all = stand.valued_until(cx, goods, Question::Block, later)?;
        let (longs, shorts) = exposure(&all)?;
        if let Some(slack) = Slack::of(longs, shorts)? {
            return set(cx, stand.account, sheet, &all, &slack, (horizon_ms, back_s));
        }
    }
    let all = stand.valued(cx, goods, Question::Block)?;
    if assess::sum(&all)?.is_healthy() {
        let within = (DEFER_MS, back_s);
        return set(cx, stand.account, sheet, &all, &Slack::NONE, within);
    }
    // Whoever is on offer waits for buyers, anybody else is looked at in the next block.
    let look_by_s = if is_on_offer(cx, stand.account)? {
        back_s
    } else {
        seconds_down(now)
    };
    sheet.look_by_s = look_by_s.max(1);
    Ok(())
}

/// Writes triggers and the time to look by for what may move. `within`: for how long `slack` holds, in milliseconds, and
/// when the block comes back if the account has to wait, in seconds.
fn set(
    cx: &mut Ctx<'_>,
    account: AccountId,
    sheet: &mut Sheet,
    all: &[Valued],
    slack: &Slack,
    within: (u64, u32),
) -> Result<(), Halt> {
    let (horizon_ms, back_s) = within;
    let now = TimeMs::new(cx.store.block().time_ms);
    let growth = growth_per_year_up(cx, all)?;
    let by_interest = look_by(now, horizon_ms, slack.interest, growth)?;
    let by_schedule_s = match overdue_from(cx, account, all)? {
        // Its collateral waits for buyers already.
        Some(past) if past < now && is_on_offer(cx, account)? => back_s,
        Some(time) => seconds_down(time),
        None => u32::MAX,
    };
    let (triggers, are_whole) = triggers(cx, all, slack)?;
    for (row, trigger) in sheet.rows.iter_mut().zip(triggers) {
        row.trigger = trigger;
    }
    let has_to_wait = !are_whole || !assess::is_judged(all);
    let by_doubt_s = if has_to_wait { back_s } else { u32::MAX };
    sheet.look_by_s = seconds_down(by_interest).min(by_schedule_s).min(by_doubt_s);
    Ok(())
}

fn is_on_offer(cx: &mut Ctx<'_>, account: AccountId) -> Result<bool, Halt> {
    Ok(offer::opened(cx, account)?.is_some())
}

/// What counts of assets of which more is held than owed and of liquidity, and what is owed of the others beyond what is
/// held.
pub(super) fn exposure(all: &[Valued]) -> Result<(Usd, Usd), Halt> {
    let (mut longs, mut shorts) = (Usd::ZERO, Usd::ZERO);
    for valued in all {
        longs = longs.add(valued.liquidity_adjusted)?;
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

/// When the price of each asset calls the block, and whether that is all there is to say: where less than a tick is left,
/// the block has to come back within a minute as well.
pub(super) fn triggers(
    cx: &mut Ctx<'_>,
    all: &[Valued],
    slack: &Slack,
) -> Result<(Vec<Trigger>, bool), Halt> {
    let (mut triggers, mut are_whole) = (Vec::with_capacity(all.len()), true);
    for valued in all {
        let mut edges = Edges::of(cx, valued, slack)?;
        are_whole &= !edges.clear_present_price(cx, valued, slack)?;
        triggers.push(edges.trigger(valued));
    }
    Ok((triggers, are_whole))
}

/// The ticks at which the price of one asset calls the block.
#[derive(Clone, Copy, Debug)]
struct Edges {
    low: Option<PriceTick>,
    high: Option<PriceTick>,
}

impl Edges {
    /// As far as a slack lets the price move. What liquidity counts falls by no more than the coin that falls most, so each
    /// of them calls as collateral does; one that is owed besides calls both ways.
    fn of(cx: &mut Ctx<'_>, valued: &Valued, slack: &Slack) -> Result<Self, Halt> {
        let counts = valued.adjusted_down()?;
        let is_coin = valued.row.kinds & assess::kind_bit(registry::LIQUIDITY) != 0;
        let low = if counts > valued.owed_value || is_coin {
            let price = fallen_up(valued.held_price, slack.fall)?;
            Some(after_haircut(cx, valued.row, PriceTick::up(price))?)
        } else {
            None
        };
        let high = if counts < valued.owed_value {
            risen_down(valued.owed_price, slack.rise).map(PriceTick::down)
        } else {
            None
        };
        Ok(Self { low, high })
    }

    /// Moves what the present price has passed already to the next tick beyond it; answers whether anything had to move.
    fn clear_present_price(
        &mut self,
        cx: &mut Ctx<'_>,
        valued: &Valued,
        slack: &Slack,
    ) -> Result<bool, Halt> {
        let (close, mut has_moved) = (Ray::from_bps(CLOSE_BPS), false);
        if let Some(low) = self.low.filter(|_| slack.fall < close) {
            let tick = PriceTick::down(valued.held_price);
            let row = valued.row;
            let now = index::after_losses(cx, row.asset, is_supplied(row), tick)?;
            if low >= now {
                self.low = Some(PriceTick::new(now.get().saturating_sub(1)));
                has_moved = true;
            }
        }
        if let Some(high) = self.high.filter(|_| slack.rise < close) {
            let now = PriceTick::up(valued.owed_price);
            if high <= now {
                self.high = Some(PriceTick::new(now.get().saturating_add(1)));
                has_moved = true;
            }
        }
        Ok(has_moved)
    }

    fn trigger(self, valued: &Valued) -> Trigger {
        match (self.low, self.high) {
            (None, None) => Trigger::Never,
            (Some(low), None) => Trigger::Falls(low),
            (None, Some(high)) => Trigger::Rises(high),
            (Some(low), Some(high)) => {
                Trigger::leaves(low, high, PriceTick::down(valued.held_price))
            }
        }
    }
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
