//! Dollars that wait, paid with collateral of their debtors (RED-1).

use alloy_primitives::U256;
use capstan_units::AccountId;

use super::{
    super::*,
    USD_ASSET,
    book::{Answer, DOLLAR, Model, UNITS, ceil, floor, whole},
    sheet::{Asker, DEBT_MIN, Line, sum_of},
};
use crate::testkit::market::no;

/// Most requests that one debtor serves.
const SERVED_MAX: usize = 64;

impl Model {
    /// Pays who waits, debtor by debtor; answers how many paid.
    pub(super) fn redeem_from(&mut self, debtors: &[AccountId]) -> usize {
        let mut paid = 0;
        for debtor in debtors {
            if self.usd.queue.is_empty() {
                break;
            }
            paid += usize::from(self.attempt(|next| next.serve(*debtor)).is_ok());
        }
        paid
    }

    fn serve(&mut self, debtor: AccountId) -> Answer<()> {
        let mut served = 0;
        while let Some(first) = self.usd.queue.front().copied() {
            let Some((goods, units)) = self.pick(debtor, first.left)? else {
                break;
            };
            let wanted = self.goods_for(goods.asset, units);
            self.unwind(debtor, goods.asset, goods.kinds, wanted)?;
            self.fulfil(debtor, goods.asset, units)?;
            self.note(debtor, goods.asset, UNITS);
            self.note(debtor, USD_ASSET, DOLLAR);
            served += 1;
            if served == SERVED_MAX {
                break;
            }
        }
        if served == 0 {
            return no(&AccountNotRedeemable {
                owner: debtor.owner,
                index: debtor.index,
            });
        }
        Ok(())
    }

    /// With what a debtor pays, and how many dollars; `None` if he is not the one to pay.
    fn pick(&self, debtor: AccountId, wanted: U256) -> Answer<Option<(Line, U256)>> {
        let lines = self.lines(debtor, Asker::Owner)?;
        if !sum_of(&lines).is_healthy()
            || self.is_overdue(debtor)
            || self.offers.contains_key(&debtor)
        {
            return Ok(None);
        }
        let debt = lines.iter().find(|line| line.asset == USD_ASSET);
        // What has no price he does not owe either.
        let Some(debt) = debt.filter(|line| !line.owed_price.is_zero()) else {
            return Ok(None);
        };
        let minted = self.usd.owed(debtor, self.now_ms);
        let mut best: Option<(Line, U256)> = None;
        for goods in lines.iter().filter(|line| line.asset != USD_ASSET) {
            let worth = self.payable(debtor, goods)?;
            if best.is_none_or(|(_, most)| worth > most) {
                best = Some((*goods, worth));
            }
        }
        let Some((goods, worth)) = best else {
            return Ok(None);
        };
        let mut units = wanted.min(minted).min(worth);
        let least = ceil(n(DEBT_MIN), whole(USD_ASSET), debt.owed_price);
        let rest = debt.owed.saturating_sub(units);
        if !rest.is_zero() && rest < least {
            units = units.min(debt.owed.saturating_sub(least));
        }
        let redemption_min = self.usd.params.redemptionMin;
        let is_worth_it = units >= redemption_min || units == minted;
        Ok((is_worth_it && !units.is_zero()).then_some((goods, units)))
    }

    /// How many dollars the goods that can be made free now are worth.
    fn payable(&self, debtor: AccountId, goods: &Line) -> Answer<U256> {
        let Some((_, price)) = self.quotes[&goods.asset].lend else {
            return Ok(U256::ZERO);
        };
        let mut scratch = self.clone();
        let units = scratch.unwind(debtor, goods.asset, goods.kinds, goods.held)?;
        Ok(floor(units, n(price), whole(goods.asset)))
    }
}
