//! Transfers, allowances, and units made and destroyed.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    Book,
    IErc20::{self, *},
    Issued,
};
use crate::{contract::emit, revert};

/// Moves units of the caller.
///
/// # Errors
/// `ERC20InvalidSender`, `ERC20InvalidReceiver`, `ERC20InsufficientBalance`.
pub fn transfer<B: Book>(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<bool, Halt> {
    let from = cx.caller();
    shift::<B>(cx, from, to, amount)
}

/// Moves units of `from`, who allowed the caller to.
///
/// # Errors
/// Those of [`spend_allowance`] and [`transfer`].
pub fn transfer_from<B: Book>(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    amount: U256,
) -> Result<bool, Halt> {
    let spender = cx.caller();
    spend_allowance::<B>(cx, from, spender, amount)?;
    shift::<B>(cx, from, to, amount)
}

fn shift<B: Book>(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    amount: U256,
) -> Result<bool, Halt> {
    if from.is_zero() {
        return Err(revert(&ERC20InvalidSender { sender: from }));
    }
    if to.is_zero() {
        return Err(revert(&ERC20InvalidReceiver { receiver: to }));
    }
    if !B::shift(cx, from, to, amount)? {
        return Err(insufficient_balance::<B>(cx, from, amount)?);
    }
    moved(cx, from, to, amount)?;
    Ok(true)
}

/// Makes units for `to`. Who may do it, the caller checks.
///
/// # Errors
/// `ERC20InvalidReceiver`, `ERC20ExceededCap` (TOK-2).
pub fn mint<B: Issued>(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<(), Halt> {
    if to.is_zero() {
        return Err(revert(&ERC20InvalidReceiver { receiver: to }));
    }
    if !B::holdings().issue(cx, to, amount)? {
        let supply = B::holdings().total(cx)?;
        return Err(revert(&ERC20ExceededCap {
            increasedSupply: supply.saturating_add(amount),
            cap: Assets::MAX.to_u256(),
        }));
    }
    moved(cx, Address::ZERO, to, amount)
}

/// Destroys units of `from`. Who may do it, the caller checks.
///
/// # Errors
/// `ERC20InvalidSender`, `ERC20InsufficientBalance`.
pub fn burn<B: Issued>(cx: &mut Ctx<'_>, from: Address, amount: U256) -> Result<(), Halt> {
    if from.is_zero() {
        return Err(revert(&ERC20InvalidSender { sender: from }));
    }
    if !B::holdings().retire(cx, from, amount)? {
        return Err(insufficient_balance::<B>(cx, from, amount)?);
    }
    moved(cx, from, Address::ZERO, amount)
}

fn moved(cx: &mut Ctx<'_>, from: Address, to: Address, value: U256) -> Result<(), Halt> {
    emit(cx, &IErc20::Transfer { from, to, value })
}

/// The error that tells how much is missing.
fn insufficient_balance<B: Book>(
    cx: &mut Ctx<'_>,
    sender: Address,
    needed: U256,
) -> Result<Halt, Halt> {
    let balance = B::balance_of(cx, sender)?;
    Ok(revert(&ERC20InsufficientBalance {
        sender,
        balance,
        needed,
    }))
}

/// Takes `amount` off an allowance; the largest number stands for "without limit" and stays (TOK-4).
///
/// # Errors
/// `ERC20InsufficientAllowance`, `ERC20InvalidApprover`, `ERC20InvalidSpender`.
pub fn spend_allowance<B: Book>(
    cx: &mut Ctx<'_>,
    owner: Address,
    spender: Address,
    amount: U256,
) -> Result<(), Halt> {
    let allowance = B::allowance(owner, spender).load(cx)?;
    if allowance == U256::MAX {
        return Ok(());
    }
    let Some(left) = allowance.checked_sub(amount) else {
        return Err(revert(&ERC20InsufficientAllowance {
            spender,
            allowance,
            needed: amount,
        }));
    };
    set_allowance::<B>(cx, owner, spender, left)
}

fn set_allowance<B: Book>(
    cx: &mut Ctx<'_>,
    owner: Address,
    spender: Address,
    amount: U256,
) -> Result<(), Halt> {
    if owner.is_zero() {
        return Err(revert(&ERC20InvalidApprover { approver: owner }));
    }
    if spender.is_zero() {
        return Err(revert(&ERC20InvalidSpender { spender }));
    }
    B::allowance(owner, spender).save(cx, amount)
}

/// Lets `spender` take up to `amount` from the caller.
///
/// # Errors
/// `ERC20InvalidApprover`, `ERC20InvalidSpender`.
pub fn approve<B: Book>(cx: &mut Ctx<'_>, spender: Address, amount: U256) -> Result<bool, Halt> {
    let owner = cx.caller();
    allow::<B>(cx, owner, spender, amount)?;
    Ok(true)
}

/// Sets an allowance and says so.
pub(super) fn allow<B: Book>(
    cx: &mut Ctx<'_>,
    owner: Address,
    spender: Address,
    value: U256,
) -> Result<(), Halt> {
    set_allowance::<B>(cx, owner, spender, value)?;
    emit(
        cx,
        &IErc20::Approval {
            owner,
            spender,
            value,
        },
    )
}
