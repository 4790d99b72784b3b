//! The verbs of fixed-term debt.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    desk::Desk,
    error::AccountOtherLoan,
    moves::{amount_or, expect_debt_worth_liquidating},
};
use crate::{
    registry::{TERM, UNITS},
    revert, term,
};

/// An offer, or a part of it, -> units, as debt; answers the loan's id.
///
/// # Errors
/// `AccountDebtTooSmall`, and those of the offer.
pub(super) fn take(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    offer: u64,
    amount: U256,
) -> Result<u64, Halt> {
    let account = desk.account();
    let id = term::take(cx, account, offer, Assets::from_u256(amount)?)?;
    let debt = term::debt_of(cx, id)?;
    desk.mark(cx, account, debt.asset, UNITS)?;
    desk.mark(cx, account, debt.asset, TERM)?;
    expect_debt_worth_liquidating(cx, desk, account, debt.asset)?;
    Ok(id)
}

/// Units -> a loan of this account, at most what would end it; answers what was paid.
///
/// # Errors
/// `AccountOtherLoan`, `AccountDebtTooSmall`: the rest would be dust.
pub(super) fn repay(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    id: u64,
    amount: U256,
) -> Result<Assets, Halt> {
    let (account, debt) = (desk.account(), term::debt_of(cx, id)?);
    if debt.borrower != account {
        return Err(revert(&AccountOtherLoan {
            id,
            owner: debt.borrower.owner,
            index: debt.borrower.index,
        }));
    }
    let amount = amount_or(cx, amount, |_| Ok(debt.ending))?;
    let paid = term::repay(cx, account, id, amount)?.total()?;
    desk.mark(cx, account, debt.asset, UNITS)?;
    desk.mark(cx, account, debt.asset, TERM)?;
    expect_debt_worth_liquidating(cx, desk, account, debt.asset)?;
    Ok(paid)
}
