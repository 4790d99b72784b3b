//! Who buys what an account must sell, in one order.
//!
//! | number | who | at which price | room |
//! |---|---|---|---|
//! | 1 | the account itself: what it holds of what it owes | none | `look` |
//! | 5 | an account of the same block that must sell the opposite | the oracle's | `matching` |
//! | 2 | pools of the exchange | theirs, above a floor that sinks with time | `pools` |
//! | 3 | anybody, from an offer | the oracle's less a discount that grows | `offer` |
//! | 4 | the stake of the debt's asset | the oracle's less the largest discount | `last_buyer` |
//!
//! Whoever buys one collateral of one debt is a [`Venue`]: it says what it would trade before anything moves, then trades.
//! A new one is a room of its own, a number that nobody had, and the place in `look` where it is asked.

use core::cmp::Reverse;

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, value_down};

use super::{
    assess::{self, Assessment, Valued},
    desk::Desk,
    math::Cost,
    offer::{self, Trade},
};

/// The numbers of venues in events. They are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// The account paid with what it held of the same asset.
    Netting,
    /// Pools bought.
    Exchange,
    /// Somebody bought from the offer.
    Offer,
    /// A stake bought what nobody had bought.
    Backstop,
    /// Two accounts that had to sell the opposite paid each other's debts.
    Match,
}

impl Number {
    pub(super) const fn get(self) -> u8 {
        match self {
            Self::Netting => 1,
            Self::Exchange => 2,
            Self::Offer => 3,
            Self::Backstop => 4,
            Self::Match => 5,
        }
    }
}

/// A debt to be paid and a collateral to be sold for it.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) account: AccountId,
    pub(super) debt: &'a Valued,
    pub(super) collateral: &'a Valued,
    /// The balance sheet before anything is sold.
    pub(super) before: Assessment,
    /// What of the debt is overdue.
    pub(super) overdue: Assets,
}

impl Order<'_> {
    /// What is traded at a cost: as much as is due, at most what the buyer may pay.
    pub(super) fn size(
        &self,
        cx: &mut Ctx<'_>,
        cost: Cost,
        pay_max: Assets,
    ) -> Result<Trade, Halt> {
        let (debt, collateral) = (self.debt, self.collateral);
        let due = offer::due(debt, collateral, self.before, cost, self.overdue)?;
        offer::trade(cx, debt, collateral, due, cost, pay_max)
    }

    /// The same as if so much of the collateral were held.
    pub(super) fn size_of_held(
        &self,
        cx: &mut Ctx<'_>,
        held: Assets,
        cost: Cost,
        pay_max: Assets,
    ) -> Result<Trade, Halt> {
        let less = with_held(self.collateral, held)?;
        let order = Order {
            collateral: &less,
            ..*self
        };
        order.size(cx, cost, pay_max)
    }
}

/// The same collateral, if so much of it were held.
pub(super) fn with_held(collateral: &Valued, held: Assets) -> Result<Valued, Halt> {
    let mut less = *collateral;
    less.line.held = held;
    less.held_value = value_down(held, collateral.held_price, collateral.decimals)?;
    Ok(less)
}

/// One step of a liquidation, for its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) venue: Number,
    pub(super) debt: AssetId,
    pub(super) paid: Assets,
    pub(super) collateral: AssetId,
    pub(super) taken: Assets,
    pub(super) to_reserve: Assets,
    pub(super) discount_bps: u16,
    pub(super) buyer: AccountId,
}

/// Who buys one collateral for one debt.
pub(super) trait Venue {
    /// What it would trade.
    type Quote;

    /// What it would buy now; `None` is nothing. Moves nothing.
    ///
    /// # Errors
    /// Why it does not, for who asked by name.
    fn quote(&self, cx: &mut Ctx<'_>, order: &Order<'_>) -> Result<Option<Self::Quote>, Halt>;

    /// Buys what it said; answers what it came to, if anything.
    ///
    /// # Errors
    /// What it refuses: then nothing was sold.
    fn sell(
        &self,
        cx: &mut Ctx<'_>,
        desk: &mut Desk,
        order: &Order<'_>,
        quote: Self::Quote,
    ) -> Result<Option<Step>, Halt>;
}

/// Debts that can be sold for, the largest first.
pub(super) fn debts(all: &[Valued]) -> Vec<&Valued> {
    let owed = all.iter().filter(|v| v.is_judged && !v.line.owed.is_zero());
    let mut debts: Vec<&Valued> = owed.collect();
    debts.sort_by_key(|debt| Reverse(debt.owed_value));
    debts
}

/// Collateral that can be sold, the largest first.
pub(super) fn goods(all: &[Valued]) -> Vec<&Valued> {
    let mut goods: Vec<&Valued> = all.iter().filter(|v| is_for_sale(v)).collect();
    goods.sort_by_key(|goods| Reverse(goods.held_value));
    goods
}

/// Whether something is there that has a price.
pub(super) fn is_for_sale(valued: &Valued) -> bool {
    valued.is_priced && !valued.line.held.is_zero()
}

/// Lets a venue buy once, the largest debt's first and of the largest collateral; answers whether it did. What it fails at
/// changes nothing and holds up no other collateral.
///
/// # Errors
/// Gas.
pub(super) fn ask<V: Venue>(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    venue: &V,
    account: AccountId,
    all: &[Valued],
    before: Assessment,
) -> Result<bool, Halt> {
    let goods = goods(all);
    for debt in debts(all) {
        let overdue = assess::overdue(cx, account, debt.row)?;
        if before.is_healthy() && overdue.is_zero() {
            continue;
        }
        let others = goods.iter().copied();
        for collateral in others.filter(|goods| goods.asset() != debt.asset()) {
            let order = Order {
                account,
                debt,
                collateral,
                before,
                overdue,
            };
            // What fails is rewound in storage, so that is where everything is by then.
            desk.close(cx)?;
            match cx.attempt_item(|cx| buy(cx, desk, venue, &order))? {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(_) => desk.forget(),
            }
        }
    }
    Ok(false)
}

fn buy<V: Venue>(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    venue: &V,
    order: &Order<'_>,
) -> Result<bool, Halt> {
    let Some(quote) = venue.quote(cx, order)? else {
        return Ok(false);
    };
    let Some(step) = venue.sell(cx, desk, order, quote)? else {
        return Ok(false);
    };
    let health = order.before.health_down();
    offer::report(cx, desk, order.account, health, &[step])?;
    Ok(true)
}
