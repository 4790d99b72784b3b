//! The buyer of last resort: what nobody bought from an offer in time, the stake of the debt's asset buys.
//!
//! ```text
//!   budget = what the stake has - what it would lose here if all collateral were sold at the floor
//! ```
//!
//! It pays the floor, as any buyer would have at the end, and its room sells the goods on. Bearing losses comes first: what
//! it spent on goods could pay for no loss, so it spends only what is left beyond the one that is in sight (LIQ-10). One
//! purchase a look, so that looks are bounded; the next one is a minute later.

use core::cmp::Reverse;

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, Usd, assets_up, value_down};

use super::{
    assess::{self, Assessment, Valued},
    desk::Desk,
    error::AccountUnderpaid,
    math::Cost,
    moves,
    offer::{self, Step, Trade, Venue},
    params::OFFER_MS,
};
use crate::{backstop, registry, revert};

/// A debt for which a stake may pay.
struct Order<'a> {
    debt: &'a Valued,
    /// The balance sheet before anything is sold.
    before: Assessment,
    /// What of the debt is overdue.
    overdue: Assets,
    /// What the stake may spend.
    budget: Assets,
}

/// Lets a stake buy, the largest debt's first and of the largest collateral; answers whether one did.
///
/// # Errors
/// The store's.
pub(super) fn buy(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    all: &[Valued],
    before: Assessment,
) -> Result<bool, Halt> {
    let deficit = deficit(all, before)?;
    let owed = all.iter().filter(|v| v.is_judged && !v.line.owed.is_zero());
    let mut debts: Vec<&Valued> = owed.collect();
    debts.sort_by_key(|debt| Reverse(debt.owed_value));
    let mut goods: Vec<&Valued> = all.iter().filter(|v| is_for_sale(v)).collect();
    goods.sort_by_key(|goods| Reverse(goods.held_value));
    for debt in debts {
        let order = Order {
            debt,
            before,
            overdue: assess::overdue(cx, account, debt.row)?,
            budget: budget(cx, debt, deficit)?,
        };
        if order.budget.is_zero() || before.is_healthy() && order.overdue.is_zero() {
            continue;
        }
        for collateral in goods.iter().filter(|goods| goods.asset() != debt.asset()) {
            // What fails is rewound in storage, so that is where everything is by then.
            desk.close(cx)?;
            match cx.attempt(|cx| buy_one(cx, desk, account, &order, collateral))? {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // The stake has less than the debt takes as a payment, whatever it would get for it.
                Err(_) => {
                    desk.forget();
                    break;
                }
            }
        }
    }
    Ok(false)
}

fn is_for_sale(valued: &Valued) -> bool {
    valued.is_priced && !valued.line.held.is_zero()
}

/// What a sale takes off at the end of an offer.
fn floor(collateral: &Valued) -> Result<Cost, Halt> {
    Cost::after_ms(OFFER_MS, collateral.terms.discount_max)
}

/// What would be left of all debts if all collateral were sold at the floor.
fn deficit(all: &[Valued], before: Assessment) -> Result<Usd, Halt> {
    let mut deficit = before.debt;
    for collateral in all.iter().filter(|valued| is_for_sale(valued)) {
        let proceeds = floor(collateral)?.paid_up(collateral.held_value)?;
        deficit = deficit.sub(proceeds).unwrap_or(Usd::ZERO);
    }
    Ok(deficit)
}

/// What the stake of a debt may spend on goods.
fn budget(cx: &mut Ctx<'_>, debt: &Valued, deficit: Usd) -> Result<Assets, Halt> {
    let available = backstop::available_down(cx, debt.asset())?;
    if available.is_zero() {
        return Ok(available);
    }
    let loss = deficit.min(debt.owed_value);
    let mut to_bear = assets_up(loss, debt.owed_price, debt.decimals)?;
    for (number, kind) in registry::positions() {
        if debt.row.kinds & assess::kind_bit(number) != 0 {
            to_bear = to_bear.sub_or_zero(kind.reserve_down(cx, debt.asset())?);
        }
    }
    Ok(available.sub_or_zero(to_bear))
}

/// Sells one collateral to the stake of one debt, as far as it can be turned into units now.
///
/// # Errors
/// `AccountUnderpaid`: the debt takes nothing of so little.
fn buy_one(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    order: &Order<'_>,
    collateral: &Valued,
) -> Result<bool, Halt> {
    let wanted = size(cx, order, collateral)?;
    let units = moves::unwind(cx, desk, account, collateral.row, wanted.given_up)?;
    let Trade { paid, given_up, .. } = if units < wanted.given_up {
        size(cx, order, &with_held(collateral, units)?)?
    } else {
        wanted
    };
    if paid.is_zero() || given_up.is_zero() {
        return Ok(false);
    }
    let (id, goods_id) = (order.debt.asset(), collateral.asset());
    backstop::take_over(cx, id, paid, account, goods_id, given_up, account)?;
    desk.mark(cx, account, goods_id, registry::UNITS)?;
    // What a debt does not take of its price stays with the account, as units.
    let repaid = moves::pay(cx, desk, account, account, id, paid)?;
    if repaid.is_zero() {
        return Err(revert(&AccountUnderpaid {
            assetId: id.get(),
            paid: repaid.to_u256(),
            price: paid.to_u256(),
        }));
    }
    let step = Step {
        venue: Venue::Backstop,
        debt: id,
        paid: repaid,
        collateral: goods_id,
        taken: given_up,
        to_reserve: Assets::ZERO,
        discount_bps: floor(collateral)?.discount.get(),
        buyer: backstop::POT,
    };
    offer::report(cx, desk, account, order.before.health_down(), &[step])?;
    Ok(true)
}

fn size(cx: &mut Ctx<'_>, order: &Order<'_>, collateral: &Valued) -> Result<Trade, Halt> {
    let &Order {
        debt,
        before,
        overdue,
        budget,
    } = order;
    let cost = floor(collateral)?;
    let due = offer::due(debt, collateral, before, cost, overdue)?;
    offer::trade(cx, debt, collateral, due, cost, budget)
}

/// The same collateral, if so much of it were held.
fn with_held(collateral: &Valued, held: Assets) -> Result<Valued, Halt> {
    let mut less = *collateral;
    less.line.held = held;
    less.held_value = value_down(held, collateral.held_price, collateral.decimals)?;
    Ok(less)
}
