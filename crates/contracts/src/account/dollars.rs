//! The verbs that mint dollars against an account, and take them back.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    desk::Desk,
    error::AccountNothingOwed,
    moves::{amount_or, expect_debt_worth_liquidating},
};
use crate::{
    dollar,
    registry::{DOLLAR, UNITS},
    revert,
};

/// New dollars -> units, as debt.
///
/// # Errors
/// `AccountDebtTooSmall`, and those of the dollar: its ceiling, its headroom.
pub(super) fn mint(cx: &mut Ctx<'_>, desk: &mut Desk, amount: U256) -> Result<Assets, Halt> {
    let (account, usd) = (desk.account(), dollar::asset(cx)?);
    let amount = Assets::from_u256(amount)?;
    dollar::mint(cx, account, amount)?;
    desk.mark(cx, account, usd, UNITS)?;
    desk.mark(cx, account, usd, DOLLAR)?;
    expect_debt_worth_liquidating(cx, desk, account, usd)?;
    Ok(amount)
}

/// Units -> debt in minted dollars, and of no other kind; at most that debt.
///
/// # Errors
/// `AccountNothingOwed`, `AccountDebtTooSmall`: the rest would be dust.
pub(super) fn burn(cx: &mut Ctx<'_>, desk: &mut Desk, amount: U256) -> Result<Assets, Halt> {
    let (account, usd) = (desk.account(), dollar::asset(cx)?);
    let owed = dollar::debt_up(cx, account)?;
    if owed.is_zero() {
        return Err(revert(&AccountNothingOwed { assetId: usd.get() }));
    }
    let amount = amount_or(cx, amount, |_| Ok(owed))?;
    let paid = dollar::repay(cx, account, account, amount)?;
    desk.mark(cx, account, usd, UNITS)?;
    desk.mark(cx, account, usd, DOLLAR)?;
    expect_debt_worth_liquidating(cx, desk, account, usd)?;
    Ok(paid)
}
