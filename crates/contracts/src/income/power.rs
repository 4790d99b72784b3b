//! What a machine can borrow: the least of what its income carries, of what faking it would have cost, and of what its
//! market has. The frame is that of `income`.

use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    Pause, account_of, book, days,
    days::Window,
    market::{self, FIRST_LOSS},
    math::{DAY_MS, carried_down, day_of, part_down, whole_down},
    params::{self, Params},
    state::{Book, Market},
};
use crate::{
    machines::{self, Facts, State},
    mutant::mutant,
    term,
};

const MS_PER_S: u64 = 1_000;

/// Which limit binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Bound {
    TooFewDays,
    #[default]
    Income,
    BondAndFees,
    Idle,
    FirstLoss,
    State,
    Paused,
    LoanMin,
}

impl Bound {
    /// The number under which it is told, for ever.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::TooFewDays => 1,
            Self::Income => 2,
            Self::BondAndFees => 3,
            Self::Idle => 4,
            Self::FirstLoss => 5,
            Self::State => 6,
            Self::Paused => 7,
            Self::LoanMin => 8,
        }
    }
}

/// What a machine can borrow, and why no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) today: Assets,
    pub(super) later: Assets,
    pub(super) verified: u16,
    pub(super) needed: u16,
    pub(super) net_per_day: Assets,
    pub(super) by_income: Assets,
    pub(super) by_escrow: Assets,
    pub(super) by_bond_and_fees: Assets,
    pub(super) by_market: Assets,
    pub(super) bound: Bound,
}

/// What the limits are made of.
struct Basis {
    params: Params,
    facts: Facts,
    window: Window,
    life_ms: u64,
    remaining_ms: u64,
}

/// What a machine's income, escrow, bond and fees carry.
#[derive(Clone, Copy)]
struct Limits {
    income: Assets,
    escrow: Assets,
    bond_and_fees: Assets,
}

impl Limits {
    /// Income alone could be the owner's own money going round (INC-11).
    fn least(&self) -> Result<Assets, Halt> {
        let income = self.income.add(self.escrow)?;
        Ok(mutant!(IncomeAlone, income.min(self.bond_and_fees), income))
    }
}

impl Basis {
    fn read(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<Self, Halt> {
        let params = params::in_force(cx, book.asset)?;
        let now_ms = cx.store.block().time_ms;
        let (since_ms, end_ms) = book::life_of(cx, id, book, &params)?;
        Ok(Self {
            facts: machines::facts(cx, id)?,
            window: days::window(cx, id, book, &params)?,
            life_ms: end_ms.saturating_sub(since_ms),
            remaining_ms: end_ms.saturating_sub(now_ms),
            params,
        })
    }

    /// The limits with so much net income and so many fees in a window, so many days from now.
    fn limits(
        &self,
        book: &Book,
        net: Assets,
        fees: Assets,
        after_days: u16,
    ) -> Result<Limits, Halt> {
        let params = &self.params;
        let after_ms = u64::from(after_days).saturating_mul(DAY_MS);
        let remaining_ms = self.remaining_ms.saturating_sub(after_ms);
        let loan_ms = u64::from(params.period_s)
            .saturating_mul(params.instalments.into())
            .saturating_mul(MS_PER_S);
        let proven_ms = self.facts.proven_ms.saturating_add(after_ms);
        let days_ms = loan_ms.min(proven_ms).min(remaining_ms);
        let income = carried_down(
            net,
            params.window_days,
            days_ms.checked_div(DAY_MS).unwrap_or_default(),
            params.fraction_bps,
            remaining_ms,
            self.life_ms,
        )?;
        let bond = match self.facts.asset == book.asset {
            true => part_down(self.facts.bond, params.bond_bps.into())?,
            false => Assets::ZERO,
        };
        let fees = part_down(fees, params.fee_bps.into())?;
        Ok(Limits {
            income,
            escrow: part_down(book.escrow, params.escrow_bps.into())?,
            bond_and_fees: bond.add(fees)?,
        })
    }
}

/// What a machine can borrow now and later.
pub(super) fn offer(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<Offer, Halt> {
    let basis = Basis::read(cx, id, book)?;
    let (params, window) = (&basis.params, &basis.window);
    let limits = basis.limits(book, window.net, window.fees, 0)?;
    let market = market::known(cx, book.asset)?;
    let (idle, insured) = market_limits(cx, id, book, &market, params)?;
    let own = limits.least()?.sub_or_zero(book.principal);
    let today = own.min(idle).min(insured);
    let bound = if today < own {
        if idle < insured {
            Bound::Idle
        } else {
            Bound::FirstLoss
        }
    } else if limits.least()? < limits.income.add(limits.escrow)? {
        Bound::BondAndFees
    } else {
        Bound::Income
    };
    let refused = refusal(cx, id, book, &market, &basis)?;
    let (today, bound) = match refused {
        Some(why) => (Assets::ZERO, why),
        None if today < params.loan_min => (
            Assets::ZERO,
            if today == own && own < params.loan_min && !own.is_zero() {
                Bound::LoanMin
            } else {
                bound
            },
        ),
        None => (today, bound),
    };
    Ok(Offer {
        today,
        later: later(cx, id, book, &basis)?,
        verified: window.verified,
        needed: params.verified_days,
        net_per_day: per_day_down(window.net, params.window_days),
        by_income: limits.income,
        by_escrow: limits.escrow,
        by_bond_and_fees: limits.bond_and_fees,
        by_market: idle.min(insured),
        bound,
    })
}

/// Why nothing can be borrowed now, whatever the figures.
fn refusal(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    market: &Market,
    basis: &Basis,
) -> Result<Option<Bound>, Halt> {
    let is_live = matches!(machines::status(cx, id)?.state, State::Live | State::Late);
    let by = machines::locked_by(cx, id)?;
    let is_locked_elsewhere = by.is_some_and(|by| by != super::ADDRESS);
    Ok(if !is_live || book.case_id != 0 || is_locked_elsewhere {
        Some(Bound::State)
    } else if market.paused & Pause::Borrow.bit() != 0 {
        Some(Bound::Paused)
    } else if basis.window.verified < basis.params.verified_days {
        Some(Bound::TooFewDays)
    } else {
        None
    })
}

/// What idle units and the first loss allow (INC-5).
fn market_limits(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    market: &Market,
    params: &Params,
) -> Result<(Assets, Assets), Halt> {
    let first = market::tranche(cx, book.asset, FIRST_LOSS)?.units;
    let others = market.uncovered.sub_or_zero(book.uncovered);
    let covered = bond_of(cx, id, book)?;
    let insured = if others > first {
        Assets::ZERO
    } else {
        let most = first.sub(others)?.add(covered).unwrap_or(Assets::MAX);
        most.sub_or_zero(book.principal)
    };
    let in_proportion = whole_down(first, params.first_loss_bps.into()).sub_or_zero(market.lent);
    let insured = mutant!(Uninsured, insured.min(in_proportion), Assets::MAX);
    Ok((market.idle, insured))
}

/// The bond, where it is in the asset of the debt.
pub(super) fn bond_of(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<Assets, Halt> {
    let facts = machines::facts(cx, id)?;
    Ok(match facts.asset == book.asset {
        true => facts.bond,
        false => Assets::ZERO,
    })
}

/// What it will be when there are as many verified days as are needed, at the use of those so far; of today, where there
/// are none.
fn later(cx: &mut Ctx<'_>, id: u64, book: &Book, basis: &Basis) -> Result<Assets, Halt> {
    let params = &basis.params;
    let (mut net, mut fees) = (basis.window.net, basis.window.fees);
    let mut days = basis.window.verified;
    if days == 0 {
        let today = day_of(cx.store.block().time_ms);
        let end = today.saturating_add(1);
        let so_far = days::range(cx, id, params, today.max(book.clean_from), end)?;
        (net, fees, days) = (so_far.net, so_far.fees, 1);
    }
    let whole = |sum: Assets| -> Result<Assets, Halt> {
        let per_day = per_day_down(sum, days);
        let whole = per_day.get().saturating_mul(params.verified_days.into());
        Ok(Assets::new(whole)?)
    };
    let limits = basis.limits(book, whole(net)?, whole(fees)?, params.verified_days)?;
    Ok(limits.least()?.sub_or_zero(book.principal))
}

pub(super) fn per_day_down(sum: Assets, days: u16) -> Assets {
    let per_day = sum.get().checked_div(days.into()).unwrap_or_default();
    Assets::new(per_day).unwrap_or(Assets::MAX)
}

/// Principal that a machine owes, as `term` has it.
pub(super) fn principal_of(cx: &mut Ctx<'_>, id: u64) -> Result<Assets, Halt> {
    let mut sum = Assets::ZERO;
    for loan in term::loans_of(cx, account_of(id))? {
        sum = sum.add(term::standing(cx, loan)?.principal()?)?;
    }
    Ok(sum)
}
