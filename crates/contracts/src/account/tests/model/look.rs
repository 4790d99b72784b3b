//! What the block does with an account that it looks at: net, put on offer, let a stake buy, or forgive and let the tiers
//! bear it in order.

use std::cmp::Reverse;

use alloy_primitives::U256;
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, DOLLAR, KINDS, MARKET, Model, TERM, Told, UNITS, ceil, most, one, whole},
    offer::{OFFER_MS, Trade, trade},
    sheet::{Asker, Line, Sum, sum_of},
};
use crate::{
    backstop,
    testkit::market::{no, of},
};

/// When a stake buys what nobody bought.
const LAST_BUYER_MS: u64 = OFFER_MS + 600_000;
/// What is dust, in dollars, and what nobody wanted for so long.
const DUST: u128 = USD;
const UNWANTED: u128 = 10 * USD;
const UNWANTED_MS: u64 = 86_400_000;
/// Venues.
const NETTING: u8 = 1;
const STAKE: u8 = 4;

/// A debt for which a stake may pay.
struct Order {
    debt: Line,
    sum: Sum,
    overdue: U256,
    /// What would be missing if all collateral were sold at the floor.
    deficit: U256,
}

impl Model {
    /// An account that cannot be looked at stays as it is. Answers whether it could be.
    pub(super) fn look(&mut self, who: AccountId) -> bool {
        self.attempt(|next| next.try_look(who)).is_ok()
    }

    /// Whether it is healthy and nothing is overdue; its offer ends then, unless a debt has no price.
    fn is_left_alone(&mut self, who: AccountId, lines: &[Line]) -> bool {
        if !sum_of(lines).is_healthy() || self.is_overdue(who) {
            return false;
        }
        if lines.iter().all(|line| line.is_judged) {
            self.offers.remove(&who);
        }
        true
    }

    /// Whoever a batch or a payment saved has nothing on offer any more.
    pub(super) fn end_offer(&mut self, who: AccountId) {
        if self.offers.contains_key(&who)
            && let Ok(lines) = self.lines(who, Asker::Block)
        {
            self.is_left_alone(who, &lines);
        }
    }

    fn try_look(&mut self, who: AccountId) -> Answer<()> {
        let lines = self.lines(who, Asker::Block)?;
        if self.is_left_alone(who, &lines) {
            return Ok(());
        }
        let sum = sum_of(&lines);
        let lines = self.apart_for_look(who, lines)?;
        let steps = self.net_all(who, &lines, sum)?;
        if !steps.is_empty() {
            self.tell(who, sum.health(), steps)?;
        }
        let lines = self.lines(who, Asker::Block)?;
        if self.is_left_alone(who, &lines) {
            return Ok(());
        }
        self.sell_or_forgive(who, &lines)
    }

    /// Pays each debt with what is held of its asset; of a healthy account, what is overdue.
    pub(super) fn net_all(
        &mut self,
        who: AccountId,
        lines: &[Line],
        sum: Sum,
    ) -> Answer<Vec<Told>> {
        let mut steps = Vec::new();
        for line in lines {
            let most = if sum.is_healthy() {
                self.overdue(who, line.asset)
            } else {
                most()
            };
            let paid = self.net(who, line.asset, line.kinds, most)?;
            if !paid.is_zero() {
                steps.push(Told::Step {
                    venue: NETTING,
                    debt: line.asset,
                    paid,
                    collateral: line.asset,
                    taken: paid,
                    to_reserve: U256::ZERO,
                    discount_bps: 0,
                    buyer: who,
                });
            }
        }
        Ok(steps)
    }

    fn sell_or_forgive(&mut self, who: AccountId, lines: &[Line]) -> Answer<()> {
        let Some(since_ms) = self.offers.get(&who).copied() else {
            if is_dust(lines, DUST) {
                return self.bear(who, lines);
            }
            self.offers.insert(who, self.now_ms);
            return Ok(());
        };
        let on_offer_ms = self.now_ms - since_ms;
        let dust = if on_offer_ms < UNWANTED_MS {
            DUST
        } else {
            UNWANTED
        };
        if is_dust(lines, dust) {
            return self.bear(who, lines);
        }
        if on_offer_ms < LAST_BUYER_MS || !self.stake_pays(who, lines)? {
            return Ok(());
        }
        let lines = self.lines(who, Asker::Block)?;
        if is_dust(&lines, dust) {
            return self.bear(who, &lines);
        }
        Ok(())
    }

    // The buyer of last resort.

    /// The largest debt's stake buys of the largest collateral, with what it has beyond the loss in sight.
    fn stake_pays(&mut self, who: AccountId, lines: &[Line]) -> Answer<bool> {
        let sum = sum_of(lines);
        let mut deficit = sum.debt;
        let mut goods: Vec<Line> = lines
            .iter()
            .copied()
            .filter(|line| line.is_priced && !line.held.is_zero())
            .collect();
        for line in &goods {
            let proceeds = ceil(line.held_value, self.kept_at_the_floor(line), one());
            deficit = deficit.saturating_sub(proceeds);
        }
        goods.sort_by_key(|line| Reverse(line.held_value));
        let mut debts: Vec<Line> = lines
            .iter()
            .copied()
            .filter(|line| line.is_judged && !line.owed.is_zero())
            .collect();
        debts.sort_by_key(|line| Reverse(line.owed_value));
        for debt in debts {
            let order = Order {
                debt,
                sum,
                overdue: self.overdue(who, debt.asset),
                deficit,
            };
            if sum.is_healthy() && order.overdue.is_zero() {
                continue;
            }
            for sold in goods.iter().filter(|sold| sold.asset != debt.asset) {
                // What it fails at holds up no other collateral.
                let bought = self.attempt(|next| next.stake_buys_one(who, &order, sold));
                if bought.unwrap_or(false) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn kept_at_the_floor(&self, line: &Line) -> U256 {
        one() - U256::from(self.terms[&line.asset].said.discountMaxBps)
    }

    fn budget(&mut self, debt: &Line, deficit: U256) -> Answer<U256> {
        let available = self.available(debt.asset);
        if available.is_zero() {
            return Ok(available);
        }
        let loss = deficit.min(debt.owed_value);
        let mut to_bear = ceil(loss, whole(debt.asset), debt.owed_price);
        for kind in KINDS.into_iter().filter(|kind| debt.kinds & kind != 0) {
            to_bear = to_bear.saturating_sub(self.first_loss(kind, debt.asset)?);
        }
        Ok(available.saturating_sub(to_bear))
    }

    fn stake_buys_one(&mut self, who: AccountId, order: &Order, sold: &Line) -> Answer<bool> {
        let Order {
            debt,
            sum,
            overdue,
            deficit,
        } = order;
        let budget = self.budget(debt, *deficit)?;
        if budget.is_zero() {
            return Ok(false);
        }
        let kept = self.kept_at_the_floor(sold);
        let size = |sold: &Line| trade(debt, sold, *sum, kept, *overdue, budget);
        let wanted = size(sold);
        let units = self.unwind(who, sold.asset, sold.kinds, wanted.given)?;
        let Trade { paid, given, .. } = if units < wanted.given {
            size(&sold.with_held(units))
        } else {
            wanted
        };
        if paid.is_zero() || given.is_zero() {
            return Ok(false);
        }
        self.stake_buys(debt.asset, paid, sold.asset, given, who)?;
        self.note(who, sold.asset, UNITS);
        let repaid = self.pay(who, who, debt.asset, paid)?;
        if repaid.is_zero() {
            return no(&AccountUnderpaid {
                assetId: debt.asset,
                paid: repaid,
                price: paid,
            });
        }
        let step = Told::Step {
            venue: STAKE,
            debt: debt.asset,
            paid: repaid,
            collateral: sold.asset,
            taken: given,
            to_reserve: U256::ZERO,
            discount_bps: self.terms[&sold.asset].said.discountMaxBps,
            buyer: backstop::POT,
        };
        self.tell(who, sum.health(), vec![step])?;
        Ok(true)
    }

    // The waterfall.

    /// What a loss of one kind falls on before anybody else. Whoever asks a market has it accrue.
    fn first_loss(&mut self, kind: u8, asset: u32) -> Answer<U256> {
        Ok(match kind {
            MARKET => self.accrued(asset)?.first_loss(),
            DOLLAR => self.usd.ahead(self.now_ms).surplus,
            _ => U256::ZERO,
        })
    }

    /// Dust goes to the reserve; each debt is borne by its reserve, then its stake, then its lenders.
    fn bear(&mut self, who: AccountId, lines: &[Line]) -> Answer<()> {
        for line in lines.iter().filter(|line| !line.held.is_zero()) {
            self.give_to_reserve(who, line.asset, line.kinds, line.held)?;
        }
        self.tell(who, sum_of(lines).health(), Vec::new())?;
        for line in lines.iter().filter(|line| !line.owed.is_zero()) {
            for kind in KINDS.into_iter().filter(|kind| line.kinds & kind != 0) {
                let (_, owed) = self.in_kind(kind, who, line.asset);
                if owed.is_zero() {
                    continue;
                }
                let borne = self.forgive(kind, who, line.asset, owed)?;
                self.note(who, line.asset, kind);
                let tiers = (1..).zip(borne);
                let losses = tiers.filter(|(_, amount)| !amount.is_zero());
                self.told.extend(losses.map(|(tier, amount)| Told::Loss {
                    account: who,
                    asset: line.asset,
                    tier,
                    amount,
                }));
            }
        }
        self.offers.remove(&who);
        Ok(())
    }

    /// Ends a debt; answers what the reserve, the stake and lenders bore.
    fn forgive(&mut self, kind: u8, who: AccountId, asset: u32, owed: U256) -> Answer<[U256; 3]> {
        let beyond = owed.saturating_sub(self.first_loss(kind, asset)?);
        let staked = self.cover(asset, beyond, |model, payer, most| {
            model.repay_in(kind, asset, payer, who, most)
        })?;
        let (_, left) = self.in_kind(kind, who, asset);
        if left.is_zero() {
            return Ok([U256::ZERO, staked, U256::ZERO]);
        }
        let (debt, lenders) = match kind {
            MARKET => {
                let market = self.accrued(asset)?;
                assert!(!of(&market.debts, who).is_zero(), "something is owed");
                let borne = market.absorb(who)?;
                (borne.debt, borne.lenders)
            }
            DOLLAR => self.usd.write_off(who, self.now_ms)?,
            TERM => {
                let lost = self.loans.write_off(who, asset);
                (lost, lost)
            }
            _ => unreachable!("nothing else is owed"),
        };
        Ok([debt.saturating_sub(lenders), staked, lenders])
    }
}

/// Whether nobody would trouble to buy what is left beside debts that it does not carry.
fn is_dust(lines: &[Line], dust: u128) -> bool {
    let sum = sum_of(lines);
    let mut held = lines.iter().filter(|line| !line.held.is_zero());
    !sum.is_healthy() && sum.collateral < n(dust) && held.all(|line| line.is_priced)
}
