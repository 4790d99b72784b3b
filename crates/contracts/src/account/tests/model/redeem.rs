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
        for served in 0..SERVED_MAX {
            if served > 0 && self.usd.queue.is_empty() {
                break;
            }
            let paid = self.attempt(|next| next.pay_first(debtor));
            match paid {
                Ok(()) => {}
                Err(halt) if served == 0 => return Err(halt),
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn pay_first(&mut self, debtor: AccountId) -> Answer<()> {
        let refused = AccountNotRedeemable {
            owner: debtor.owner,
            index: debtor.index,
        };
        let Some(first) = self.usd.queue.front().copied() else {
            return no(&refused);
        };
        let Some((goods, units)) = self.pick(debtor, first.left)? else {
            return no(&refused);
        };
        let wanted = self.goods_for(goods.asset, units);
        self.unwind(debtor, goods.asset, goods.kinds, wanted)?;
        self.fulfil(debtor, goods.asset, units)?;
        self.note(debtor, goods.asset, UNITS);
        self.note(debtor, USD_ASSET, DOLLAR);
        Ok(())
    }

    /// With what a debtor pays, and how many dollars; `None` if he is not the one to pay.
    fn pick(&mut self, debtor: AccountId, wanted: U256) -> Answer<Option<(Line, U256)>> {
        let lines = self.lines(debtor, Asker::Owner)?;
        if !sum_of(&lines).is_healthy()
            || self.is_overdue(debtor)
            || self.offers.contains_key(&debtor)
        {
            return Ok(None);
        }
        let debt = lines.iter().find(|line| line.asset == USD_ASSET).copied();
        // What has no price he does not owe either.
        let Some(debt) = debt.filter(|line| !line.owed_price.is_zero()) else {
            return Ok(None);
        };
        let minted = self.usd.owed(debtor, self.now_ms);
        let due = wanted.min(minted);
        let Some((goods, worth)) = self.enough(debtor, lines, due)? else {
            return Ok(None);
        };
        let mut units = due.min(worth);
        let least = ceil(n(DEBT_MIN), whole(USD_ASSET), debt.owed_price);
        let rest = debt.owed.saturating_sub(units);
        if !rest.is_zero() && rest < least {
            units = units.min(debt.owed.saturating_sub(least));
        }
        let redemption_min = self.usd.params.redemptionMin;
        let is_worth_it = units >= redemption_min || units == minted;
        Ok((is_worth_it && !units.is_zero()).then_some((goods, units)))
    }

    /// What pays most; where that is too little, so much of a piece becomes units as makes one of its coins enough.
    fn enough(
        &mut self,
        debtor: AccountId,
        mut lines: Vec<Line>,
        due: U256,
    ) -> Answer<Option<(Line, U256)>> {
        for tries_left in (0..=self.pieces(debtor).len()).rev() {
            let mut goods = Vec::new();
            for line in lines.iter().filter(|line| line.asset != USD_ASSET) {
                let Some((_, price)) = self.quotes[&line.asset].lend else {
                    continue;
                };
                let mut scratch = self.clone();
                let free = scratch.unwind(debtor, line.asset, line.kinds, line.held)?;
                goods.push((*line, n(price), free));
            }
            let dollars = |(line, price, free): &(Line, U256, U256), more: U256| {
                floor(*free + more, *price, whole(line.asset))
            };
            let mut best: Option<(Line, U256)> = None;
            for one in &goods {
                let worth = dollars(one, U256::ZERO);
                if best.is_none_or(|(_, most)| worth > most) {
                    best = Some((one.0, worth));
                }
            }
            let mut most = best.map_or(U256::ZERO, |(_, worth)| worth);
            if best.is_some() && most >= due || tries_left == 0 {
                return Ok(best);
            }
            let mut part = None;
            for id in self.pieces(debtor) {
                let pool = &self.pools[&id];
                let own = pool.own(debtor);
                for (coin, amount) in pool.coins.into_iter().zip(pool.worth(own)) {
                    let Some(one) = goods.iter().find(|(line, ..)| line.asset == coin) else {
                        continue;
                    };
                    let worth = dollars(one, amount);
                    if worth <= most {
                        continue;
                    }
                    most = worth;
                    let needed = ceil(due, whole(coin), one.1).saturating_sub(one.2);
                    part = Some((id, ceil(needed.min(amount), own, amount)));
                }
            }
            let Some((id, shares)) = part else {
                return Ok(best);
            };
            self.take_apart(debtor, id, shares)?;
            lines = self.lines(debtor, Asker::Owner)?;
        }
        unreachable!("the last try answers")
    }
}
