//! Pools of the exchange as buyers: the borrower sells to them himself, before anybody else can take the goods at a
//! discount and do the same.
//!
//! ```text
//!   floor    price * (1 - max(discount_max / 4, discount of the offer now))       no slice below it
//!   pools    bought B for P,  both at the oracle's prices;  discount = what a bidder would have had who pays P for B
//!   account  gives up V:  V * reserve to the reserve,  B = V * (1 - reserve) to the pools,  which pay V * (1 - discount - reserve)
//! ```
//!
//! So pools are a bidder who takes the smallest discount that he can live with, at once: what is left of the largest one is
//! shared out between reserve and account as it is with any bidder. What they may take grows with the offer's time, so whoever
//! pushes a price before the block looks gains a quarter of the largest discount at most, and later no more than any
//! bidder could have had.

use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Bps, value_down};

use super::{
    desk::Desk,
    error::AccountUnderpaid,
    math::Cost,
    moves,
    offer::{self, Trade},
    params::{DUST, SALE_HEAD_START_DIVISOR, SALES_GAS, dollars},
    venue::{Number, Order, Step, Venue},
};
use crate::{
    exchange::{self, Plan, PriceMin, Sale},
    mutant::mutant,
    registry, revert,
};

/// Whoever provides to pools.
pub(super) struct Pools {
    /// For how long the account has been on offer.
    pub(super) on_offer_ms: u64,
    /// Gas that was left before the first sale of the look.
    pub(super) gas: u64,
}

/// A sale to pools.
pub(super) struct Quote {
    plan: Plan,
    cost: Cost,
    trade: Trade,
}

impl Pools {
    /// The most that a sale may take off the price now.
    fn discount_max(&self, largest: Bps) -> Result<Bps, Halt> {
        let start = largest.get().checked_div(SALE_HEAD_START_DIVISOR);
        let start = Bps::new(start.unwrap_or_default())?;
        Ok(Cost::after_ms(self.on_offer_ms, largest)?
            .discount
            .max(start))
    }
}

impl Venue for Pools {
    type Quote = Quote;

    fn quote(&self, cx: &mut Ctx<'_>, order: &Order<'_>) -> Result<Option<Quote>, Halt> {
        if self.gas.saturating_sub(cx.store.gas_left()) > SALES_GAS {
            return Ok(None);
        }
        let (debt, collateral) = (order.debt, order.collateral);
        let largest = collateral.terms.discount_max;
        let discount = self.discount_max(largest)?;
        let most = order.size(cx, Cost::at(discount, largest)?, Assets::MAX)?;
        let floor = PriceMin::of_prices(
            (collateral.held_price, collateral.decimals),
            (debt.owed_price, debt.decimals),
            discount,
        )?;
        let sale = Sale {
            sold: collateral.asset(),
            received: debt.asset(),
            amount_max: most.bought()?,
            price_min: mutant!(NoSaleFloor, floor, PriceMin::ANY),
        };
        let plan = exchange::plan_sale(cx, sale)?;
        if plan.sold.is_zero() {
            return Ok(None);
        }
        let paid = value_down(plan.received, debt.owed_price, debt.decimals)?;
        let bought = value_down(plan.sold, collateral.held_price, collateral.decimals)?;
        // At a better price than the floor's less must be sold, and that brings a price no worse.
        let cost = Cost::of_sale_up(paid, bought, largest)?;
        let mut trade = order.size(cx, cost, plan.received)?;
        if trade.too_small_rest.is_some() {
            let least = offer::debt_min_up(cx, debt)?;
            let most = debt.line.owed.sub_or_zero(least).min(plan.received);
            trade = order.size(cx, cost, most)?;
        }
        Ok(is_worth_it(order, &trade)?.then_some(Quote { plan, cost, trade }))
    }

    /// # Errors
    /// `AccountUnderpaid`: nothing of the collateral can be turned into units, or the debt takes nothing of what it brings.
    fn sell(
        &self,
        cx: &mut Ctx<'_>,
        desk: &mut Desk,
        order: &Order<'_>,
        quote: Quote,
    ) -> Result<Option<Step>, Halt> {
        let Quote { plan, cost, trade } = quote;
        let (account, collateral) = (order.account, order.collateral);
        let (debt_id, goods_id) = (order.debt.asset(), collateral.asset());
        let wanted = trade.bought()?.min(plan.sold);
        let units = moves::unwind(cx, desk, account, collateral.row, wanted)?;
        let (trade, bought) = if units < wanted {
            // The reserve's part need not be units.
            let held = cost.given_up_for_down(units)?.min(collateral.line.held);
            let less = order.size_of_held(cx, held, cost, plan.received)?;
            (less, less.bought()?.min(units))
        } else {
            (trade, wanted)
        };
        if !is_worth_it(order, &trade)? || bought.is_zero() {
            return Err(underpaid(debt_id.get(), Assets::ZERO, trade.paid));
        }
        let swapped = exchange::sell(cx, account, account, &plan, bought)?;
        desk.mark(cx, account, goods_id, registry::UNITS)?;
        desk.mark(cx, account, debt_id, registry::UNITS)?;
        // What pools gave beyond the price, and what a debt does not take of it, stays with the account as units.
        let price = trade.paid.min(swapped.received);
        let paid = moves::pay(cx, desk, account, account, debt_id, price)?;
        if paid.is_zero() {
            return Err(underpaid(debt_id.get(), paid, price));
        }
        let to_reserve = offer::give_to_reserve(cx, desk, account, collateral, trade.to_reserve)?;
        Ok(Some(Step {
            venue: Number::Exchange,
            debt: debt_id,
            paid,
            collateral: goods_id,
            taken: swapped.paid,
            to_reserve,
            discount_bps: cost.discount.get(),
            buyer: exchange::VAULT,
        }))
    }
}

/// Whether a sale pays a dollar at least, or all of a debt.
fn is_worth_it(order: &Order<'_>, trade: &Trade) -> Result<bool, Halt> {
    let debt = order.debt;
    let worth = value_down(trade.paid, debt.owed_price, debt.decimals)?;
    let is_enough = worth >= dollars(DUST) || trade.paid == debt.line.owed;
    Ok(is_enough && !trade.paid.is_zero())
}

fn underpaid(asset_id: u32, paid: Assets, price: Assets) -> Halt {
    revert(&AccountUnderpaid {
        assetId: asset_id,
        paid: paid.to_u256(),
        price: price.to_u256(),
    })
}
