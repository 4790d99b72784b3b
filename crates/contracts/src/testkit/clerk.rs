//! One loan of `term` as its lender's clerk would keep it: every instalment by itself and every moment as a fraction,
//! from the formulas of its specification. What models predict with.

use alloy_primitives::U256;
use capstan_units::AccountId;

use crate::term::ITerm::OfferTerms;

fn n(value: u128) -> U256 {
    U256::from(value)
}

pub(crate) const YEAR_MS: u128 = 31_536_000_000;

pub(crate) fn cost_up(weight: U256, bps: u32) -> U256 {
    (weight * U256::from(bps)).div_ceil(n(10_000 * YEAR_MS))
}

/// An instalment that fell due, and what of it is unpaid.
#[derive(Clone, Debug)]
pub(crate) struct Bill {
    pub(crate) due_ms: u64,
    pub(crate) unpaid: U256,
    /// Amounts times milliseconds beyond the grace, since the last payment.
    pub(crate) weight: U256,
}

/// A loan as a lender's clerk would keep it: he writes a bill on each due date.
#[derive(Clone, Debug)]
pub(crate) struct Clerk {
    pub(crate) terms: OfferTerms,
    pub(crate) lender: AccountId,
    pub(crate) borrower: AccountId,
    pub(crate) start_ms: u64,
    pub(crate) bills: Vec<Bill>,
    pub(crate) written: u16,
    pub(crate) balance: U256,
    /// Each later part (equal principal) or payment (annuity).
    pub(crate) step: U256,
    pub(crate) from_ms: u64,
    pub(crate) late: U256,
    pub(crate) seen_ms: u64,
}

pub(crate) fn level(terms: &OfferTerms, balance: U256, count: u16) -> U256 {
    match terms.amortisation {
        0 => balance / U256::from(count.max(1)),
        1 => {
            let ray = n(10).pow(n(27));
            let year = n(YEAR_MS);
            let rate = (U256::from(terms.rateBps)
                * n(10).pow(n(23))
                * U256::from(terms.periodS)
                * n(1_000))
            .div_ceil(year);
            let mut power = ray;
            for _ in 0..count {
                power = power * (ray + rate) / ray;
            }
            if power == ray {
                return balance.div_ceil(U256::from(count.max(1)));
            }
            let per_period = (rate * power).div_ceil(power - ray);
            (balance * per_period).div_ceil(ray)
        }
        _ => n(0),
    }
}

impl Clerk {
    pub(crate) fn due_ms(&self, number: u16) -> u64 {
        self.start_ms + u64::from(self.terms.periodS) * 1_000 * u64::from(number)
    }

    /// Lets time pass, one due date at a time.
    pub(crate) fn go(&mut self, now_ms: u64) {
        while self.written < self.terms.instalments && self.due_ms(self.written + 1) <= now_ms {
            let number = self.written + 1;
            let due_ms = self.due_ms(number);
            let weight = self.balance * U256::from(due_ms - self.from_ms);
            let interest = cost_up(weight, self.terms.rateBps);
            let principal = if number == self.terms.instalments {
                self.balance
            } else {
                match self.terms.amortisation {
                    0 => self.step.min(self.balance),
                    1 => self.step.saturating_sub(interest).min(self.balance),
                    _ => n(0),
                }
            };
            self.balance -= principal;
            let unpaid = principal + interest;
            if !unpaid.is_zero() {
                let weight = n(0);
                self.bills.push(Bill {
                    due_ms,
                    unpaid,
                    weight,
                });
            }
            (self.written, self.from_ms) = (number, due_ms);
        }
        for bill in &mut self.bills {
            let free_ms = bill.due_ms + u64::from(self.terms.graceS) * 1_000;
            let from_ms = free_ms.max(self.seen_ms);
            bill.weight += bill.unpaid * U256::from(now_ms.saturating_sub(from_ms));
        }
        self.seen_ms = now_ms;
    }

    pub(crate) fn late(&self) -> U256 {
        let weight: U256 = self.bills.iter().map(|bill| bill.weight).sum();
        self.late + cost_up(weight, self.terms.lateBps)
    }

    pub(crate) fn due(&self) -> U256 {
        self.bills.iter().map(|bill| bill.unpaid).sum()
    }

    pub(crate) fn accrued(&self) -> U256 {
        let weight = self.balance * U256::from(self.seen_ms - self.from_ms);
        cost_up(weight, self.terms.rateBps)
    }

    pub(crate) fn owed(&self) -> U256 {
        self.balance + self.accrued() + self.due() + self.late()
    }

    pub(crate) fn early_fee(&self) -> U256 {
        (self.balance * U256::from(self.terms.earlyFeeBps)).div_ceil(n(10_000))
    }

    /// Pays; answers late fees, instalments, running interest, principal and fee.
    pub(crate) fn pay(&mut self, amount: U256, fee_bps: u16) -> [U256; 5] {
        let late = self.late().min(amount);
        let mut rest = amount - late;
        self.late = self.late() - late;
        let mut due = n(0);
        for bill in &mut self.bills {
            bill.weight = n(0);
            let part = bill.unpaid.min(rest);
            bill.unpaid -= part;
            rest -= part;
            due += part;
        }
        self.bills.retain(|bill| !bill.unpaid.is_zero());
        let accrued = self.accrued();
        if !self.bills.is_empty() || rest <= accrued {
            return [late, due, n(0), n(0), n(0)];
        }
        let rest = rest - accrued;
        let one = n(10_000);
        let principal = (rest * one / (one + U256::from(fee_bps))).min(self.balance);
        if principal.is_zero() {
            return [late, due, n(0), n(0), n(0)];
        }
        let fee = (principal * U256::from(fee_bps)).div_ceil(one);
        self.balance -= principal;
        self.from_ms = self.seen_ms;
        self.step = level(
            &self.terms,
            self.balance,
            self.terms.instalments - self.written,
        );
        [late, due, accrued, principal, fee]
    }

    pub(crate) fn default_ms(&self) -> u64 {
        let next = (self.written + 1).min(self.terms.instalments);
        let due_ms = self
            .bills
            .first()
            .map_or(self.due_ms(next), |bill| bill.due_ms);
        due_ms + u64::from(self.terms.defaultS) * 1_000
    }

    pub(crate) fn in_default(&self) -> bool {
        !self.bills.is_empty() && self.seen_ms > self.default_ms()
    }
}
