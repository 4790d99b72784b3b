//! What stands on offer, who buys it, and at which price.

use alloy_primitives::{Address, U256};
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, Model, Told, ceil, floor, one, whole},
    sheet::{Asker, DEBT_MIN, Line, Sum, sum_of},
};
use crate::testkit::market::no;

/// How long a discount grows.
pub(super) const OFFER_MS: u64 = 1_200_000;
/// Venue of a buyer.
const OFFER: u8 = 3;

/// What somebody bids.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offered {
    pub(super) account: AccountId,
    pub(super) debt: u32,
    pub(super) most: U256,
    pub(super) collateral: u32,
    pub(super) least: U256,
}

/// What a sale costs the account, in hundredths of a percent of what it gives up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) discount: U256,
    reserve: U256,
}

impl Cost {
    /// What is paid per value given up.
    pub(super) fn kept(&self) -> U256 {
        one() - self.discount - self.reserve
    }
}

/// What is paid and given up, and what would be left of the debt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trade {
    pub(super) paid: U256,
    pub(super) given: U256,
    rest: U256,
}

/// What of a debt is for sale: as much as lifts health to 1.05, of a healthy account what is overdue.
pub(super) fn due(debt: &Line, sold: &Line, sum: Sum, kept: U256, overdue: U256) -> U256 {
    if sum.is_healthy() {
        return overdue.min(debt.owed);
    }
    let target = n(USD) * n(105) / n(100);
    let lost = ceil(sold.factor, n(USD), kept);
    if lost >= target {
        return debt.owed;
    }
    let missing = ceil(sum.debt, target, n(USD)).saturating_sub(sum.adjusted);
    let value = ceil(missing, n(USD), target - lost).min(sum.debt);
    ceil(value, whole(debt.asset), debt.owed_price).min(debt.owed)
}

/// No more than is due and the dust behind it, no more than there is.
pub(super) fn trade(
    debt: &Line,
    sold: &Line,
    sum: Sum,
    kept: U256,
    overdue: U256,
    most: U256,
) -> Trade {
    let mut wanted = due(debt, sold, sum, kept, overdue);
    if debt.owed - wanted < debt.least() {
        wanted = debt.owed;
    }
    let paid = wanted.min(most);
    let value = floor(paid, debt.owed_price, whole(debt.asset));
    let value = floor(value, one(), kept);
    let given = floor(value, whole(sold.asset), sold.held_price);
    if given <= sold.held {
        let rest = debt.owed - paid;
        return Trade { paid, given, rest };
    }
    let price = ceil(sold.held_value, kept, one());
    Trade {
        paid: ceil(price, whole(debt.asset), debt.owed_price).min(paid),
        given: sold.held,
        rest: U256::ZERO,
    }
}

impl Model {
    pub(super) fn cost(&self, asset: u32, since_ms: u64) -> Cost {
        let most = U256::from(self.terms[&asset].said.discountMaxBps);
        let ms = (self.now_ms - since_ms).min(OFFER_MS);
        let discount = most * U256::from(ms) / U256::from(OFFER_MS);
        Cost {
            discount,
            reserve: (most - discount) / n(2),
        }
    }

    pub(super) fn bid(
        &mut self,
        caller: Address,
        bidder: AccountId,
        bid: &Offered,
    ) -> Answer<U256> {
        let who = bid.account;
        if self.touched.iter().any(|one| one.account == who) {
            return no(&AccountInFlight {});
        }
        let Some(since_ms) = self.offers.get(&who).copied() else {
            return no(&AccountNotOffered {
                owner: who.owner,
                index: who.index,
            });
        };
        let lines = self.lines(who, Asker::Block)?;
        let sum = sum_of(&lines);
        let (debt, sold) = self.find(who, &lines, sum, bid)?;
        let cost = self.cost(sold.asset, since_ms);
        let overdue = self.overdue(who, debt.asset);
        let Trade { paid, given, rest } = trade(&debt, &sold, sum, cost.kept(), overdue, bid.most);
        if !rest.is_zero() && rest < debt.least() {
            return no(&AccountDebtTooSmall {
                assetId: debt.asset,
                value: ceil(rest, debt.owed_price, whole(debt.asset)),
                min: n(DEBT_MIN),
            });
        }
        if paid.is_zero() {
            return no(&AccountBidEmpty {
                assetId: debt.asset,
            });
        }
        let to_reserve = floor(given, cost.reserve, one());
        self.touch_sold(caller, who);
        let price = paid;
        let paid = self.pay(bidder, who, debt.asset, price)?;
        if paid < price {
            return no(&AccountUnderpaid {
                assetId: debt.asset,
                paid,
                price,
            });
        }
        let bought = given - to_reserve;
        let to_reserve = self.give_to_reserve(who, sold.asset, sold.kinds, to_reserve)?;
        let taken = self.hand_over(who, sold.asset, sold.kinds, bidder, bought)?;
        if taken < bid.least {
            return no(&AccountBidTooDear {
                taken,
                takenMin: bid.least,
            });
        }
        let step = Told::Step {
            venue: OFFER,
            debt: debt.asset,
            paid,
            collateral: sold.asset,
            taken,
            to_reserve,
            discount_bps: cost.discount.to(),
            buyer: bidder,
        };
        self.tell(who, sum.health(), vec![step])?;
        Ok(taken)
    }

    /// The debt and the collateral of a bid, if they are for sale.
    fn find(
        &self,
        who: AccountId,
        lines: &[Line],
        sum: Sum,
        bid: &Offered,
    ) -> Answer<(Line, Line)> {
        let find = |asset: u32, stands: fn(&Line) -> bool| {
            let mut lines = lines.iter().copied();
            match lines.find(|line| line.asset == asset && stands(line)) {
                Some(line) => Ok(line),
                None => no(&AccountNothingOwed { assetId: asset }),
            }
        };
        let unpriced = |asset: u32| AccountPriceUnusable {
            owner: who.owner,
            index: who.index,
            assetId: asset,
        };
        let debt = find(bid.debt, |line| !line.owed.is_zero())?;
        if sum.is_healthy() && self.overdue(who, debt.asset).is_zero() {
            return no(&AccountHealthy {
                owner: who.owner,
                index: who.index,
                health: sum.health(),
            });
        }
        if !debt.is_judged {
            return no(&unpriced(debt.asset));
        }
        let sold = find(bid.collateral, |line| !line.held.is_zero())?;
        if !sold.is_priced {
            return no(&unpriced(sold.asset));
        }
        Ok((debt, sold))
    }

    /// Writes down a liquidation, and ends the offer of whom it saved.
    pub(super) fn tell(&mut self, who: AccountId, before: U256, steps: Vec<Told>) -> Answer<()> {
        self.told.extend(steps);
        let lines = self.lines(who, Asker::Block)?;
        let sum = sum_of(&lines);
        let is_judged = lines.iter().all(|line| line.is_judged);
        if sum.is_healthy() && is_judged && !self.is_overdue(who) {
            self.offers.remove(&who);
        }
        self.told.push(Told::Done {
            account: who,
            before,
            after: sum.health(),
        });
        Ok(())
    }
}
