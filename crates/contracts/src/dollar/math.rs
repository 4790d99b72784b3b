//! Fees, savings, headroom and par. Pure; all rounding of `dollar` is here, and the odd unit always stays with the
//! protocol.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, DebtShares, Ray, Shares, mul_div_down, mul_div_up};

use super::{
    params::DECIMALS,
    state::{Book, Config, Used},
};

const MS_PER_S: u64 = 1_000;
const DAYS_PER_YEAR: u64 = 365;

/// Debt shares that a mint makes.
pub(super) fn debt_shares_up(amount: Assets, index: Ray) -> Result<DebtShares, Halt> {
    Ok(DebtShares::from_u256(index.into_up(amount.to_u256())?)?)
}

/// Debt shares that a repayment burns.
pub(super) fn debt_shares_down(amount: Assets, index: Ray) -> Result<DebtShares, Halt> {
    Ok(DebtShares::from_u256(index.into_down(amount.to_u256())?)?)
}

/// What debt shares owe.
pub(super) fn debt_up(shares: DebtShares, index: Ray) -> Result<Assets, Halt> {
    Ok(Assets::from_u256(index.of_up(shares.to_u256())?)?)
}

/// Most debt shares under a ceiling.
pub(super) fn cap_shares_down(ceiling: Assets, index: Ray) -> DebtShares {
    index
        .into_down(ceiling.to_u256())
        .ok()
        .and_then(|shares| DebtShares::from_u256(shares).ok())
        .unwrap_or(DebtShares::MAX)
}

/// What accrues besides the book: it stays the same while time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stock {
    /// Debt shares of all accounts.
    pub(super) debt_shares: DebtShares,
    /// Shares of all savers.
    pub(super) savings_shares: Shares,
    /// Dollars that fit the token's supply.
    pub(super) room: Assets,
}

/// The dollar after an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accrued {
    pub(super) book: Book,
    /// Fee income that filled the hole: never minted.
    pub(super) filled: Assets,
    /// Fee income that is minted to the surplus.
    pub(super) earned: Assets,
    /// What left the surplus for the pot of savings.
    pub(super) saved: Assets,
}

impl Accrued {
    /// Nothing happened yet.
    pub(super) const fn none(book: Book) -> Self {
        Self {
            book,
            filled: Assets::ZERO,
            earned: Assets::ZERO,
            saved: Assets::ZERO,
        }
    }

    /// Goes on until `until_ms` under one set of parameters.
    pub(super) fn then(self, stock: Stock, config: Config, until_ms: u64) -> Result<Self, Halt> {
        let before = self.book;
        let elapsed_ms = until_ms.saturating_sub(before.accrued_ms);
        let rate = Ray::from_bps(config.stability_bps);
        let borrow_index = grown_index(before.borrow_index, stock.debt_shares, rate, elapsed_ms);
        let income = borrow_index
            .sub(before.borrow_index)?
            .of_down(stock.debt_shares.to_u256())?;
        let income = Assets::from_u256(income)?;
        let filled = income.min(before.hole);
        let room = stock.room.sub_or_zero(self.earned);
        let earned = income.sub_or_zero(filled).min(room);
        let book = Book {
            borrow_index,
            accrued_ms: until_ms,
            surplus: before.surplus.add(earned)?,
            hole: before.hole.sub_or_zero(filled),
            ..before
        };
        let (book, saved) = pay_savings(book, stock.savings_shares, config, elapsed_ms)?;
        Ok(Self {
            book,
            filled: self.filled.add(filled)?,
            earned: self.earned.add(earned)?,
            saved: self.saved.add(saved)?,
        })
    }
}

/// The borrow index after an interval, rounded up. One that would leave the range of numbers stays where it is: a
/// debt that cannot be counted any more stops growing, so that it can still be paid.
fn grown_index(index: Ray, shares: DebtShares, rate: Ray, elapsed_ms: u64) -> Ray {
    if shares.is_zero() {
        return index;
    }
    rate.compound_growth(elapsed_ms)
        .and_then(|growth| growth.of_up(index.to_u256()))
        .and_then(Ray::from_u256)
        .ok()
        .filter(|grown| debt_up(shares, *grown).is_ok())
        .unwrap_or(index)
}

/// Pays savers for an interval, as far as the surplus above its floor goes (DOL-7).
fn pay_savings(
    book: Book,
    shares: Shares,
    config: Config,
    elapsed_ms: u64,
) -> Result<(Book, Assets), Halt> {
    if shares.is_zero() || !book.hole.is_zero() {
        return Ok((book, Assets::ZERO));
    }
    let wanted = Ray::from_bps(config.savings_bps)
        .compound_growth(elapsed_ms)
        .and_then(|growth| growth.mul_down(book.savings_index))
        .unwrap_or(book.savings_index);
    let Ok(needed) = Assets::from_u256(wanted.of_up(shares.to_u256())?) else {
        return Ok((book, Assets::ZERO));
    };
    let needed = needed.sub_or_zero(book.savings);
    let available = book.surplus.sub_or_zero(config.surplus_floor);
    let paid = needed.min(available);
    let savings = book.savings.add(paid)?;
    let savings_index = if paid == needed {
        wanted
    } else {
        let affordable = mul_div_down(savings.to_u256(), Ray::ONE.to_u256(), shares.to_u256())?;
        Ray::from_u256(affordable)?
            .min(wanted)
            .max(book.savings_index)
    };
    let book = Book {
        savings_index,
        savings,
        surplus: book.surplus.sub(paid)?,
        ..book
    };
    Ok((book, paid))
}

/// The most that a debt can grow by at a rate, per year, during a day: `rate * (1 + rate / 365)`, more than three terms
/// of the exponential make of it, rounded up.
pub(super) fn most_within_a_day(rate_bps: u32) -> Result<Ray, Halt> {
    let rate = Ray::from_bps(rate_bps);
    let day = U256::from(DAYS_PER_YEAR);
    let more = mul_div_up(rate.to_u256(), rate.to_u256(), Ray::ONE.to_u256())?.div_ceil(day);
    Ok(rate.add(Ray::from_u256(more)?)?)
}

/// How a loss is borne: by the surplus, then by the hole (DOL-6).
pub(super) fn bear(book: Book, loss: Assets) -> Result<(Book, Assets), Halt> {
    let surplus = loss.min(book.surplus);
    let book = Book {
        surplus: book.surplus.sub(surplus)?,
        hole: book.hole.add(loss.sub(surplus)?)?,
        ..book
    };
    Ok((book, surplus))
}

/// What may be made at once, and how fast that refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Headroom {
    size: Assets,
    refill_ms: u64,
}

/// Why the headroom refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// What may be made now.
    pub(super) left: Assets,
    /// When the amount may be made; the largest number means never.
    pub(super) resets_ms: u64,
}

impl Headroom {
    pub(super) fn new(size: Assets, refill_s: u32) -> Self {
        Self {
            size,
            refill_ms: u64::from(refill_s).saturating_mul(MS_PER_S),
        }
    }

    /// What is still used at a later time.
    pub(super) fn drained(&self, used: Used, now_ms: u64) -> Result<Used, Halt> {
        let elapsed = U256::from(now_ms.saturating_sub(used.at_ms));
        let back = mul_div_down(self.size.to_u256(), elapsed, U256::from(self.refill_ms))?;
        let back = Assets::from_u256(back).unwrap_or(Assets::MAX);
        Ok(Used {
            amount: used.amount.sub_or_zero(back),
            at_ms: now_ms,
        })
    }

    /// What may be made, given what is used now.
    pub(super) const fn left(&self, used: Used) -> Assets {
        self.size.sub_or_zero(used.amount)
    }

    /// What is used after `amount` was made, or why it may not (DOL-4).
    pub(super) fn take(&self, used: Used, amount: Assets) -> Result<Result<Used, Full>, Halt> {
        let sum = used.amount.add(amount).unwrap_or(Assets::MAX);
        if amount <= self.left(used) {
            return Ok(Ok(Used {
                amount: sum,
                ..used
            }));
        }
        let resets_ms = if amount > self.size {
            u64::MAX
        } else {
            let over = sum.sub_or_zero(self.size).to_u256();
            let wait_ms = mul_div_up(over, U256::from(self.refill_ms), self.size.to_u256())?;
            used.at_ms
                .saturating_add(u64::try_from(wait_ms).unwrap_or(u64::MAX))
        };
        Ok(Err(Full {
            left: self.left(used),
            resets_ms,
        }))
    }

    /// What is used after `amount` was taken back.
    pub(super) const fn give(used: Used, amount: Assets) -> Used {
        Used {
            amount: used.amount.sub_or_zero(amount),
            at_ms: used.at_ms,
        }
    }
}

/// Smallest units of one whole token. The ledger lists none with more decimals than fit.
fn whole(decimals: u8) -> Result<U256, Halt> {
    U256::from(10)
        .checked_pow(U256::from(decimals))
        .ok_or_else(Halt::overflow)
}

/// Dollars for a foreign dollar, one for one.
pub(super) fn par_down(assets: Assets, decimals: u8) -> Result<Assets, Halt> {
    let usd = mul_div_down(assets.to_u256(), whole(DECIMALS)?, whole(decimals)?)?;
    Ok(Assets::from_u256(usd)?)
}

/// A foreign dollar for dollars, one for one.
pub(super) fn foreign_down(usd: Assets, decimals: u8) -> Result<Assets, Halt> {
    let assets = mul_div_down(usd.to_u256(), whole(decimals)?, whole(DECIMALS)?)?;
    Ok(Assets::from_u256(assets)?)
}

/// The least amount of dollars that is worth a unit of a foreign dollar, or the other way round.
pub(super) fn least_unit(decimals_of: u8, decimals_for: u8) -> Result<U256, Halt> {
    Ok(whole(decimals_of)?.div_ceil(whole(decimals_for)?))
}
