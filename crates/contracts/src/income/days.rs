//! What a machine earned, day by day and customer by customer. A ring of days, and of periods of thirty days within which
//! customers are compared; the frame is that of `income`.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    RING_DAYS,
    market::STATE,
    math::{day_of, less_excess_down, part_down, period_of, power_up},
    params::Params,
    state::{Book, Day, Sum, Top},
};
use crate::machines;

/// Places of periods: a window of sixty days touches three.
const PERIODS: u32 = 4;

/// An amount that a machine was paid.
pub(super) struct Paid {
    pub(super) customer: Address,
    pub(super) amount: Assets,
    pub(super) counted: Assets,
    pub(super) fee: Assets,
}

fn slot(number: u32, of: u32) -> u8 {
    let slot = number.checked_rem(of).unwrap_or_default();
    u8::try_from(slot).unwrap_or_default()
}

/// Puts a payment into its day, and what counts into its period.
pub(super) fn record(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    params: &Params,
    paid: &Paid,
) -> Result<(), Halt> {
    let today = day_of(cx.store.block().time_ms);
    let place = STATE.days.at((id, slot(today, RING_DAYS)));
    let mut day = place.load(cx)?;
    if day.day != today {
        day = Day {
            day: today,
            ..Day::default()
        };
    }
    day.gross = day.gross.add(paid.amount)?;
    day.counted = day.counted.add(paid.counted)?;
    if !paid.counted.is_zero() {
        day.fees = day.fees.add(paid.fee)?;
    }
    let watts = machines::facts(cx, id)?.watts;
    let watts = watts.max(book.watts).max(params.watts_min);
    let price = book.kwh_price.max(params.kwh_price_min);
    day.power = day.power.max(power_up(watts, price));
    place.save(cx, &day)?;
    if paid.counted.is_zero() {
        return Ok(());
    }
    compare(cx, id, period_of(today), paid.customer, paid.counted)
}

/// Counts an amount to its customer in a period, and keeps the largest ones.
fn compare(
    cx: &mut Ctx<'_>,
    id: u64,
    period: u32,
    customer: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let at = (id, slot(period, PERIODS));
    let add = |sum: &mut Sum| -> Result<bool, Halt> {
        let is_new = sum.period != period;
        if is_new {
            *sum = Sum {
                period,
                amount: Assets::ZERO,
            };
        }
        sum.amount = sum.amount.add(amount)?;
        Ok(is_new)
    };
    let (all, his) = (STATE.periods.at(at), STATE.customers.at((at, customer)));
    let mut sum = all.load(cx)?;
    if add(&mut sum)? {
        let old = STATE.tops.at(at);
        while old.pop(cx)?.is_some() {}
    }
    all.save(cx, &sum)?;
    let mut sum = his.load(cx)?;
    add(&mut sum)?;
    his.save(cx, &sum)?;
    let top = Top {
        customer,
        amount: sum.amount,
    };
    rank(cx, at, top)
}

/// Amounts of customers only grow, so whoever is among the largest was put there when he came to be.
fn rank(cx: &mut Ctx<'_>, at: (u64, u8), top: Top) -> Result<(), Halt> {
    let list = STATE.tops.at(at);
    let (mut place, mut least) = (None, None);
    for (index, one) in (0..).zip(list.load(cx)?) {
        if one.customer == top.customer {
            place = Some(index);
        }
        if least.is_none_or(|(_, amount)| one.amount < amount) {
            least = Some((index, one.amount));
        }
    }
    if let Some(index) = place {
        return list.set(cx, index, top);
    }
    if list.len(cx)? < super::TOP {
        return list.push(cx, top).map(|_| ());
    }
    match least {
        Some((index, amount)) if top.amount > amount => list.set(cx, index, top),
        _ => Ok(()),
    }
}

/// What counts in a period, its largest customers, and what of it is beyond the concentration that counts.
pub(super) fn concentration(
    cx: &mut Ctx<'_>,
    id: u64,
    period: u32,
    params: &Params,
) -> Result<(Assets, Assets, Vec<Top>), Halt> {
    let at = (id, slot(period, PERIODS));
    let sum = STATE.periods.at(at).load(cx)?;
    if sum.period != period {
        return Ok((Assets::ZERO, Assets::ZERO, Vec::new()));
    }
    let most = part_down(sum.amount, params.concentration_bps.into())?;
    let tops = STATE.tops.at(at).load(cx)?;
    let mut excess = Assets::ZERO;
    for top in &tops {
        excess = excess.add(top.amount.sub_or_zero(most))?;
    }
    Ok((sum.amount, excess, tops))
}

/// A day as it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) day: Day,
    pub(super) net: Assets,
}

/// What a machine's window has.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    pub(super) days: Vec<Counted>,
    pub(super) verified: u16,
    pub(super) net: Assets,
    pub(super) fees: Assets,
}

/// The whole days of a machine's window.
pub(super) fn window(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    params: &Params,
) -> Result<Window, Halt> {
    let today = day_of(cx.store.block().time_ms);
    let first = today.saturating_sub(params.window_days.into());
    range(cx, id, params, first.max(book.clean_from), today)
}

/// Days from one to before another.
pub(super) fn range(
    cx: &mut Ctx<'_>,
    id: u64,
    params: &Params,
    first: u32,
    end: u32,
) -> Result<Window, Halt> {
    let mut window = Window::default();
    let mut of_period = None;
    for number in first..end {
        let day = STATE.days.at((id, slot(number, RING_DAYS))).load(cx)?;
        if day.day != number {
            continue;
        }
        let period = period_of(number);
        let (total, excess) = match of_period {
            Some((known, total, excess)) if known == period => (total, excess),
            _ => {
                let (total, excess, _) = concentration(cx, id, period, params)?;
                of_period = Some((period, total, excess));
                (total, excess)
            }
        };
        let net = less_excess_down(day.counted, excess, total)?.sub_or_zero(day.power);
        window.net = window.net.add(net)?;
        window.fees = window.fees.add(day.fees)?;
        if !net.is_zero() {
            window.verified = window.verified.saturating_add(1);
        }
        window.days.push(Counted { day, net });
    }
    Ok(window)
}
