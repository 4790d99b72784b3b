//! Schedules, standing and payments. Pure: what is owed is a function of terms, payments and time (TERM-4). All
//! rounding of `term` is here, and the odd unit is always the lender's.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, Bps, MS_PER_YEAR, NumberError, Ray, mul_div_down, mul_div_up};

use super::{
    Amortisation,
    state::{Loan, Terms},
};

const MS_PER_S: u64 = 1_000;
const DAYS_PER_YEAR: u64 = 365;

/// For how long the oldest instalment of a loan that is not paid may stay so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpaidWindow {
    /// When it is or was due.
    pub due_ms: u64,
    /// How long from then, by the loan's own terms.
    pub window_ms: u64,
}

impl UnpaidWindow {
    /// Its last moment, by the clock.
    pub(super) fn by_clock_ms(&self) -> u64 {
        self.due_ms.saturating_add(self.window_ms)
    }
}

/// Interest at a rate per year for a time.
fn interest_up(balance: Assets, rate_bps: u32, ms: u64) -> Result<Assets, Halt> {
    let weight = balance.to_u256().saturating_mul(U256::from(ms));
    fee_up(weight, rate_bps)
}

/// What amounts times milliseconds cost at a rate per year, rounded up once.
fn fee_up(weight: U256, rate_bps: u32) -> Result<Assets, Halt> {
    let whole = Bps::ONE.to_u256().saturating_mul(U256::from(MS_PER_YEAR));
    let fee = mul_div_up(weight, U256::from(rate_bps), whole)?;
    Ok(Assets::from_u256(fee)?)
}

/// The most that debts grow by at a rate, per year, during a day: late fees run on interest that falls due meanwhile.
/// `rate * (1 + rate / 365)`, more than the exponential makes of it, rounded up.
pub(super) fn most_within_a_day(rate_bps: u32) -> Result<Ray, Halt> {
    let rate = Ray::from_bps(rate_bps);
    let square = mul_div_up(rate.to_u256(), rate.to_u256(), Ray::ONE.to_u256())?;
    let more = square.div_ceil(U256::from(DAYS_PER_YEAR));
    Ok(rate.add(Ray::from_u256(more)?)?)
}

impl Terms {
    pub(super) fn period_ms(&self) -> u64 {
        u64::from(self.period_s).saturating_mul(MS_PER_S)
    }

    fn grace_ms(&self) -> u64 {
        u64::from(self.grace_s).saturating_mul(MS_PER_S)
    }

    /// How long an instalment may be unpaid.
    fn default_ms(&self) -> u64 {
        u64::from(self.default_s).saturating_mul(MS_PER_S)
    }

    /// The principal part or payment of each of `count` instalments that pay `balance` off.
    fn step(&self, balance: Assets, count: u16) -> Result<Assets, Halt> {
        match Amortisation::from_number(self.amortisation)? {
            Amortisation::EqualPrincipal => {
                let part = mul_div_down(balance.to_u256(), U256::ONE, U256::from(count.max(1)))?;
                Ok(Assets::from_u256(part)?)
            }
            Amortisation::Annuity => self.annuity_up(balance, count),
            Amortisation::Bullet => Ok(Assets::ZERO),
        }
    }

    /// The payment that pays `balance` off in `count` equal instalments: `balance * r q^m / (q^m - 1)`, with `r`
    /// rounded up, `q^m` down at each step, and the payment up: it is never less than the interest. A rate of nothing is equal parts.
    fn annuity_up(&self, balance: Assets, count: u16) -> Result<Assets, Halt> {
        let one = Ray::ONE.to_u256();
        let per_year = Ray::from_bps(self.rate_bps).to_u256();
        let (period, year) = (U256::from(self.period_ms()), U256::from(MS_PER_YEAR));
        let rate = mul_div_up(per_year, period, year)?;
        let factor = one.saturating_add(rate);
        let mut power = one;
        for _ in 0..count {
            power = mul_div_down(power, factor, one)?;
        }
        let over = power.saturating_sub(one);
        let payment = if over.is_zero() {
            mul_div_up(balance.to_u256(), U256::ONE, U256::from(count.max(1)))?
        } else {
            let per_period = mul_div_up(rate, power, over)?;
            mul_div_up(balance.to_u256(), per_period, one)?
        };
        // A payment beyond any amount is paid by the last instalment.
        Ok(Assets::from_u256(payment).unwrap_or(Assets::MAX))
    }
}

/// One payment of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instalment {
    /// When it falls due.
    pub due_ms: u64,
    /// What of it is principal.
    pub principal: Assets,
    /// What of it is interest.
    pub interest: Assets,
    /// What has not fallen due behind it.
    pub balance: Assets,
}

impl Instalment {
    /// All of it.
    ///
    /// # Errors
    /// More than any amount may be.
    pub fn amount(&self) -> Result<Assets, NumberError> {
        self.principal.add(self.interest)
    }
}

impl Loan {
    /// A loan that is taken now.
    pub(super) fn new(
        parties: (capstan_units::AccountId, capstan_units::AccountId),
        offer: u64,
        terms: &Terms,
        principal: Assets,
        now_ms: u64,
    ) -> Result<Self, Halt> {
        let (lender, borrower) = parties;
        Ok(Self {
            lender,
            offer,
            borrower,
            done: 0,
            start_ms: now_ms,
            balance: principal,
            step: terms.step(principal, terms.instalments)?,
            paid: Assets::ZERO,
            late: Assets::ZERO,
            from_ms: now_ms,
            late_ms: now_ms,
            principal,
        })
    }

    /// When instalment `number` falls due; they count from one.
    fn due_ms(&self, terms: &Terms, number: u16) -> u64 {
        let after = terms.period_ms().saturating_mul(number.into());
        self.start_ms.saturating_add(after)
    }

    /// Instalment `number`, which follows on `balance` with interest since `from_ms`.
    fn instalment(
        &self,
        terms: &Terms,
        number: u16,
        balance: Assets,
        from_ms: u64,
    ) -> Result<Instalment, Halt> {
        let due_ms = self.due_ms(terms, number);
        let elapsed_ms = due_ms.saturating_sub(from_ms);
        let interest = interest_up(balance, terms.rate_bps, elapsed_ms)?;
        let principal = if number >= terms.instalments {
            balance
        } else {
            match Amortisation::from_number(terms.amortisation)? {
                Amortisation::EqualPrincipal => self.step.min(balance),
                Amortisation::Annuity => self.step.sub_or_zero(interest).min(balance),
                Amortisation::Bullet => Assets::ZERO,
            }
        };
        Ok(Instalment {
            due_ms,
            principal,
            interest,
            balance: balance.sub(principal)?,
        })
    }

    /// The instalments behind those that are paid.
    pub(super) fn schedule(&self, terms: &Terms) -> Result<Vec<Instalment>, Halt> {
        let (mut balance, mut from_ms) = (self.balance, self.from_ms);
        let mut all = Vec::new();
        for number in self.done.saturating_add(1)..=terms.instalments {
            let one = self.instalment(terms, number, balance, from_ms)?;
            (balance, from_ms) = (one.balance, one.due_ms);
            all.push(one);
        }
        Ok(all)
    }

    /// The first instalment that has not fallen due.
    pub(super) fn next_instalment(
        &self,
        terms: &Terms,
        standing: &Standing,
    ) -> Result<Option<Instalment>, Halt> {
        if standing.done >= terms.instalments {
            return Ok(None);
        }
        let number = standing.done.saturating_add(1);
        let one = self.instalment(terms, number, standing.balance, standing.from_ms)?;
        Ok(Some(one))
    }

    /// How many instalments fell due and are not known to be paid: what `standing` walks over.
    pub(super) fn steps(&self, terms: &Terms, now_ms: u64) -> u64 {
        let elapsed_ms = now_ms.saturating_sub(self.start_ms);
        let fallen = elapsed_ms
            .checked_div(terms.period_ms())
            .unwrap_or_default();
        fallen
            .min(terms.instalments.into())
            .saturating_sub(self.done.into())
    }

    /// How the loan stands now.
    pub(super) fn standing(&self, terms: &Terms, now_ms: u64) -> Result<Standing, Halt> {
        let mut standing = Standing {
            done: self.done,
            balance: self.balance,
            from_ms: self.from_ms,
            ..Standing::default()
        };
        let (mut paid, mut weight) = (self.paid, U256::ZERO);
        while standing.done < terms.instalments {
            let number = standing.done.saturating_add(1);
            let one = self.instalment(terms, number, standing.balance, standing.from_ms)?;
            if one.due_ms > now_ms {
                break;
            }
            (standing.done, standing.balance, standing.from_ms) = (number, one.balance, one.due_ms);
            let amount = one.amount()?;
            let unpaid = amount.sub_or_zero(paid);
            paid = paid.sub_or_zero(amount);
            if unpaid.is_zero() {
                continue;
            }
            standing.due = standing.due.add(unpaid)?;
            let interest = one.interest.sub_or_zero(amount.sub(unpaid)?);
            standing.due_interest = standing.due_interest.add(interest)?;
            standing.oldest_due_ms.get_or_insert(one.due_ms);
            let late_from_ms = one.due_ms.saturating_add(terms.grace_ms());
            if late_from_ms < now_ms {
                standing.overdue = standing.overdue.add(unpaid)?;
            }
            let late_ms = now_ms.saturating_sub(late_from_ms.max(self.late_ms));
            let more = unpaid.to_u256().saturating_mul(U256::from(late_ms));
            weight = weight.saturating_add(more);
        }
        standing.late = self.late.add(fee_up(weight, terms.late_bps)?)?;
        let elapsed_ms = now_ms.saturating_sub(standing.from_ms);
        standing.accrued = interest_up(standing.balance, terms.rate_bps, elapsed_ms)?;
        Ok(standing)
    }

    /// For how long its oldest instalment may be unpaid: behind that the loan is in default if nobody pays.
    pub(super) fn unpaid_window(&self, terms: &Terms, standing: &Standing) -> UnpaidWindow {
        let next = standing.done.saturating_add(1).min(terms.instalments);
        let oldest = standing.oldest_due_ms;
        let due_ms = oldest.unwrap_or_else(|| self.due_ms(terms, next));
        UnpaidWindow {
            due_ms,
            window_ms: terms.default_ms(),
        }
    }

    /// Pays with at most `amount`: late fees, instalments, then, at the terms' fee, early.
    pub(super) fn pay(
        &self,
        terms: &Terms,
        amount: Assets,
        now_ms: u64,
    ) -> Result<(Self, Payment), Halt> {
        let standing = self.standing(terms, now_ms)?;
        let late = amount.min(standing.late);
        let rest = amount.sub(late)?;
        let due = rest.min(standing.due);
        let rest = rest.sub(due)?;
        let mut loan = Self {
            paid: self.paid.add(due)?,
            late: standing.late.sub(late)?,
            late_ms: now_ms,
            ..*self
        };
        let mut payment = Payment {
            late,
            due,
            ..Payment::default()
        };
        if due < standing.due {
            return Ok((loan, payment));
        }
        // All that fell due is paid: the schedule goes on from there.
        loan.done = standing.done;
        loan.balance = standing.balance;
        loan.from_ms = standing.from_ms;
        loan.paid = Assets::ZERO;
        let rest = rest.sub_or_zero(standing.accrued);
        let principal = early_down(rest, terms.early_fee)?.min(standing.balance);
        if principal.is_zero() {
            return Ok((loan, payment));
        }
        payment.accrued = standing.accrued;
        payment.principal = principal;
        payment.fee = Assets::from_u256(terms.early_fee.of_up(principal.to_u256())?)?;
        loan.balance = loan.balance.sub(principal)?;
        loan.from_ms = now_ms;
        let to_come = terms.instalments.saturating_sub(loan.done);
        loan.step = terms.step(loan.balance, to_come)?;
        Ok((loan, payment))
    }
}

/// The largest principal that `amount` pays together with its fee.
fn early_down(amount: Assets, fee: Bps) -> Result<Assets, Halt> {
    let one = Bps::ONE.to_u256();
    let with_fee = one.saturating_add(fee.to_u256());
    Ok(Assets::from_u256(mul_div_down(
        amount.to_u256(),
        one,
        with_fee,
    )?)?)
}

/// How a loan stands at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Instalments that fell due, paid or not.
    pub done: u16,
    /// Principal that has not fallen due.
    pub balance: Assets,
    /// Interest that runs on it, since `from_ms`.
    pub accrued: Assets,
    /// Since when.
    pub from_ms: u64,
    /// What fell due and is unpaid.
    pub due: Assets,
    /// What of it is interest: a payment on an instalment pays that first.
    pub due_interest: Assets,
    /// What of it is beyond its grace.
    pub overdue: Assets,
    /// Late fees that are unpaid.
    pub late: Assets,
    /// Since when the oldest unpaid instalment is due.
    pub oldest_due_ms: Option<u64>,
}

impl Standing {
    /// Principal that is unpaid, fallen due or not.
    ///
    /// # Errors
    /// More than any amount may be.
    pub fn principal(&self) -> Result<Assets, NumberError> {
        self.balance.add(self.due.sub(self.due_interest)?)
    }

    /// All that is owed now.
    ///
    /// # Errors
    /// More than any amount may be.
    pub fn owed_up(&self) -> Result<Assets, NumberError> {
        self.balance
            .add(self.accrued)?
            .add(self.due)?
            .add(self.late)
    }
}

/// What a payment paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// Late fees.
    pub late: Assets,
    /// Instalments.
    pub due: Assets,
    /// Running interest, with an early part.
    pub accrued: Assets,
    /// Principal that had not fallen due.
    pub principal: Assets,
    /// What paying that early cost.
    pub fee: Assets,
}

impl Payment {
    /// All of it.
    ///
    /// # Errors
    /// More than any amount may be.
    pub fn total(&self) -> Result<Assets, NumberError> {
        self.late
            .add(self.due)?
            .add(self.accrued)?
            .add(self.principal)?
            .add(self.fee)
    }
}
