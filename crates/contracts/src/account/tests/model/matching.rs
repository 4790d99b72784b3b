//! Accounts of one look that must sell the opposite pay each other's debts.

use std::cmp::Reverse;

use alloy_primitives::U256;
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, Model, Told, UNITS, ceil, floor, one, whole},
    offer::due,
    sheet::{Asker, Line, Sum, sum_of},
};

/// Venue of two accounts.
const MATCH: u8 = 5;

/// What somebody must sell, and what he owes.
struct Wants {
    account: AccountId,
    sells: Vec<u32>,
    owes: Vec<u32>,
}

/// One of two, after it paid what it could by itself.
struct Side {
    account: AccountId,
    health: U256,
    steps: Vec<Told>,
    lines: Vec<Line>,
    sum: Sum,
}

/// A debt to pay and a collateral to sell for it.
#[derive(Clone, Copy)]
struct Order {
    account: AccountId,
    debt: Line,
    sold: Line,
    sum: Sum,
    overdue: U256,
}

/// What the first gives up and what it gets.
type Deal = (U256, U256);

fn is_long(line: &Line) -> bool {
    line.is_priced && line.held > line.owed
}

fn is_short(line: &Line) -> bool {
    line.is_judged && line.owed > line.held
}

fn nothing<T>() -> Answer<T> {
    Err(Halt::Revert(Bytes::new()))
}

impl Order {
    fn wanted(&self) -> U256 {
        let debt = &self.debt;
        let mut units = due(debt, &self.sold, self.sum, one(), self.overdue);
        if debt.owed - units < debt.least() {
            units = debt.owed;
        }
        ceil(units, debt.owed_price, whole(debt.asset))
    }

    fn paid(&self, value: U256) -> U256 {
        let debt = &self.debt;
        floor(value, whole(debt.asset), debt.owed_price).min(debt.owed)
    }

    fn without_dust(&self, value: U256) -> U256 {
        let debt = &self.debt;
        let rest = debt.owed - self.paid(value);
        if rest.is_zero() || rest >= debt.least() {
            return value;
        }
        let most = debt.owed.saturating_sub(debt.least());
        floor(most, debt.owed_price, whole(debt.asset)).min(value)
    }
}

fn size(mine: &Order, theirs: &Order) -> Option<Deal> {
    let mut value = U256::MAX;
    for order in [mine, theirs] {
        value = value.min(order.wanted()).min(order.sold.held_value);
    }
    for order in [mine, theirs, mine] {
        value = order.without_dust(value);
    }
    if theirs.without_dust(value) != value {
        return None;
    }
    let (given, got) = (theirs.paid(value), mine.paid(value));
    (!given.is_zero() && !got.is_zero()).then_some((given, got))
}

impl Model {
    /// Every pair of opposite wants is tried, in order.
    pub(super) fn meet(&mut self, accounts: &[AccountId]) {
        let mut all: Vec<Wants> = Vec::new();
        // Read in one world, in which everybody's liquidity is units already, and which is thrown away.
        let mut scratch = self.clone();
        for who in accounts {
            if !all.iter().any(|known| known.account == *who) {
                let wants = scratch.attempt(|next| next.wants(*who));
                all.extend(wants.ok().flatten());
            }
        }
        for (place, one) in all.iter().enumerate() {
            for other in &all[place + 1..] {
                let sells = |one: &Wants, other: &Wants| {
                    one.sells.iter().any(|asset| other.owes.contains(asset))
                };
                if sells(one, other) && sells(other, one) {
                    let _ = self.attempt(|next| next.match_two(one.account, other.account));
                }
            }
        }
    }

    fn wants(&mut self, who: AccountId) -> Answer<Option<Wants>> {
        let lines = self.lines(who, Asker::Block)?;
        if sum_of(&lines).is_healthy() && !self.is_overdue(who) {
            return Ok(None);
        }
        let lines = self.apart_for_look(who, lines)?;
        let those = |is_meant: fn(&Line) -> bool| {
            let meant = lines.iter().filter(|line| is_meant(line));
            meant.map(|line| line.asset).collect()
        };
        Ok(Some(Wants {
            account: who,
            sells: those(is_long),
            owes: those(is_short),
        }))
    }

    fn side(&mut self, who: AccountId) -> Answer<Side> {
        let lines = self.lines(who, Asker::Block)?;
        let sum = sum_of(&lines);
        let lines = self.apart_for_look(who, lines)?;
        let steps = self.net_all(who, &lines, sum)?;
        let health = sum.health();
        let lines = self.lines(who, Asker::Block)?;
        let sum = sum_of(&lines);
        if sum.is_healthy() && !self.is_overdue(who) {
            return nothing();
        }
        Ok(Side {
            account: who,
            health,
            steps,
            lines,
            sum,
        })
    }

    fn order(&self, side: &Side, debt: u32, sold: u32) -> Option<Order> {
        let find = |asset: u32, is_meant: fn(&Line) -> bool| {
            let mut lines = side.lines.iter().copied();
            lines.find(|line| line.asset == asset && is_meant(line))
        };
        let (debt, sold) = find(debt, is_short).zip(find(sold, is_long))?;
        let overdue = self.overdue(side.account, debt.asset);
        (!side.sum.is_healthy() || !overdue.is_zero()).then_some(Order {
            account: side.account,
            debt,
            sold,
            sum: side.sum,
            overdue,
        })
    }

    /// The largest debt that the other can pay, for the largest collateral that the other owes.
    fn find_deal(&self, one: &Side, other: &Side) -> Option<(Order, Order, Deal)> {
        let mut debts: Vec<Line> = one.lines.iter().copied().filter(is_short).collect();
        debts.sort_by_key(|line| Reverse(line.owed_value));
        let mut goods: Vec<Line> = one.lines.iter().copied().filter(is_long).collect();
        goods.sort_by_key(|line| Reverse(line.held_value));
        for debt in &debts {
            for sold in &goods {
                let mine = self.order(one, debt.asset, sold.asset);
                let theirs = self.order(other, sold.asset, debt.asset);
                let Some((mine, theirs)) = mine.zip(theirs) else {
                    continue;
                };
                if let Some(deal) = size(&mine, &theirs) {
                    return Some((mine, theirs, deal));
                }
            }
        }
        None
    }

    fn match_two(&mut self, first: AccountId, second: AccountId) -> Answer<()> {
        let mut one = self.side(first)?;
        let mut other = self.side(second)?;
        let Some((mine, theirs, deal)) = self.find_deal(&one, &other) else {
            return nothing();
        };
        let mut turned = [U256::ZERO; 2];
        for (order, (units, wanted)) in [&mine, &theirs]
            .into_iter()
            .zip(turned.iter_mut().zip([deal.0, deal.1]))
        {
            *units = self.unwind(order.account, order.sold.asset, order.sold.kinds, wanted)?;
        }
        let (given, got) = if turned == [deal.0, deal.1] {
            deal
        } else {
            let less = |order: &Order, units: U256| Order {
                sold: order.sold.with_held(units),
                ..*order
            };
            match size(&less(&mine, turned[0]), &less(&theirs, turned[1])) {
                Some(deal) => deal,
                None => return nothing(),
            }
        };
        let (given_id, got_id) = (mine.sold.asset, theirs.sold.asset);
        self.shift(given_id, first, second, given)?;
        self.shift(got_id, second, first, got)?;
        self.note(first, given_id, UNITS);
        self.note(second, got_id, UNITS);
        let step = |debt, paid, collateral, taken, buyer| Told::Step {
            venue: MATCH,
            debt,
            paid,
            collateral,
            taken,
            to_reserve: U256::ZERO,
            discount_bps: 0,
            buyer,
        };
        let paid = self.pay(first, first, got_id, got)?;
        one.steps.push(step(got_id, paid, given_id, given, second));
        let repaid = self.pay(second, second, given_id, given)?;
        other.steps.push(step(given_id, repaid, got_id, got, first));
        if paid.is_zero() || repaid.is_zero() {
            return nothing();
        }
        self.tell(first, one.health, one.steps)?;
        self.tell(second, other.health, other.steps)
    }
}
