//! The buyer of last resort: what nobody bought from an offer in time, the stake of the debt's asset buys.
//!
//! ```text
//!   budget = what the stake has - what it would lose here if all collateral were sold at the floor
//! ```
//!
//! It pays the floor, as any buyer would have at the end, and its room sells the goods on. Bearing losses comes first: what
//! it spent on goods could pay for no loss, so it spends only what is left beyond the one that is in sight (LIQ-10). One
//! purchase a look, so that looks are bounded; the next one is a minute later.

use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Usd, assets_up};

use super::{
    assess::{self, Assessment, Valued},
    desk::Desk,
    error::AccountUnderpaid,
    math::Cost,
    moves,
    offer::Trade,
    params::OFFER_MS,
    venue::{self, Number, Order, Step, Venue},
};
use crate::{backstop, registry, revert};

/// The stakes of an account's debts.
pub(super) struct Stakes {
    /// What would be left of all debts if all collateral were sold at the floor.
    deficit: Usd,
}

/// What a stake would buy.
pub(super) struct Quote {
    trade: Trade,
    budget: Assets,
    cost: Cost,
}

impl Stakes {
    /// Those of an account as it stands.
    pub(super) fn of(all: &[Valued], before: Assessment) -> Result<Self, Halt> {
        let mut deficit = before.debt;
        for collateral in all.iter().filter(|valued| venue::is_for_sale(valued)) {
            let proceeds = floor(collateral)?.paid_up(collateral.held_value)?;
            deficit = deficit.sub(proceeds).unwrap_or(Usd::ZERO);
        }
        Ok(Self { deficit })
    }

    /// What the stake of a debt may spend on goods.
    fn budget(&self, cx: &mut Ctx<'_>, debt: &Valued) -> Result<Assets, Halt> {
        let available = backstop::available_down(cx, debt.asset())?;
        if available.is_zero() {
            return Ok(available);
        }
        let loss = self.deficit.min(debt.owed_value);
        let mut to_bear = assets_up(loss, debt.owed_price, debt.decimals)?;
        for (number, kind) in registry::positions() {
            if debt.row.kinds & assess::kind_bit(number) != 0 {
                to_bear = to_bear.sub_or_zero(kind.reserve_down(cx, debt.asset())?);
            }
        }
        Ok(available.sub_or_zero(to_bear))
    }
}

/// What a sale takes off at the end of an offer.
fn floor(collateral: &Valued) -> Result<Cost, Halt> {
    Cost::after_ms(OFFER_MS, collateral.terms.discount_max)
}

impl Venue for Stakes {
    type Quote = Quote;

    fn quote(&self, cx: &mut Ctx<'_>, order: &Order<'_>) -> Result<Option<Quote>, Halt> {
        let budget = self.budget(cx, order.debt)?;
        if budget.is_zero() {
            return Ok(None);
        }
        let cost = floor(order.collateral)?;
        let trade = order.size(cx, cost, budget)?;
        Ok(Some(Quote {
            trade,
            budget,
            cost,
        }))
    }

    /// As far as the collateral can be turned into units now.
    ///
    /// # Errors
    /// `AccountUnderpaid`: the debt takes nothing of so little.
    fn sell(
        &self,
        cx: &mut Ctx<'_>,
        desk: &mut Desk,
        order: &Order<'_>,
        quote: Quote,
    ) -> Result<Option<Step>, Halt> {
        let Quote {
            trade,
            budget,
            cost,
        } = quote;
        let (account, collateral) = (order.account, order.collateral);
        let units = moves::unwind(cx, desk, account, collateral.row, trade.given_up)?;
        let Trade { paid, given_up, .. } = if units < trade.given_up {
            order.size_of_held(cx, units, cost, budget)?
        } else {
            trade
        };
        if paid.is_zero() || given_up.is_zero() {
            return Ok(None);
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
        Ok(Some(Step {
            venue: Number::Backstop,
            debt: id,
            paid: repaid,
            collateral: goods_id,
            taken: given_up,
            to_reserve: Assets::ZERO,
            discount_bps: cost.discount.get(),
            buyer: backstop::POT,
        }))
    }
}
