//! The verbs of ERC-4626. The frame is that of savings.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Shares};

use super::{
    ADDRESS,
    ISavings::{Deposit, Withdraw},
    SavingsBook,
};
use crate::{
    contract::emit,
    dollar::{
        self,
        book::{self, STATE as DOLLAR},
        error::DollarTooSmall,
        state::Book as DollarBook,
    },
    erc20::{self, Book},
    revert, token,
};

pub(super) fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt> {
    let inside = &mut cx.enter(dollar::ADDRESS);
    book::stored(inside)?;
    DOLLAR.token.load(inside)
}

fn now(cx: &mut Ctx<'_>) -> Result<DollarBook, Halt> {
    book::now(&mut cx.enter(dollar::ADDRESS))
}

pub(super) fn total_assets(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let supply = SavingsBook::total_supply(cx)?;
    to_assets_down(cx, supply)
}

pub(super) fn to_shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.savings_index.into_down(assets)?)
}

pub(super) fn to_shares_up(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.savings_index.into_up(assets)?)
}

pub(super) fn to_assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.savings_index.of_down(shares)?)
}

pub(super) fn to_assets_up(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.savings_index.of_up(shares)?)
}

/// Takes dollars and makes the shares that they are worth.
///
/// # Errors
/// `DollarNotOpen`, `DollarTooSmall`, `ERC20InsufficientBalance`, `ERC20InvalidReceiver`.
pub(super) fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt> {
    let shares = to_shares_down(cx, assets)?;
    put_in(cx, assets, shares, receiver)?;
    Ok(shares)
}

/// Makes exactly these shares and takes what they cost.
///
/// # Errors
/// As [`deposit`].
pub(super) fn mint(cx: &mut Ctx<'_>, shares: U256, receiver: Address) -> Result<U256, Halt> {
    let assets = to_assets_up(cx, shares)?;
    put_in(cx, assets, shares, receiver)?;
    Ok(assets)
}

fn put_in(cx: &mut Ctx<'_>, assets: U256, shares: U256, owner: Address) -> Result<(), Halt> {
    let (sender, amount) = (cx.caller(), Assets::from_u256(assets)?);
    Shares::from_u256(shares)?;
    refuse_none(cx, assets, shares)?;
    let inside = &mut cx.enter(dollar::ADDRESS);
    let book = book::accrue(inside)?;
    book::take(inside, sender, ADDRESS, amount)?;
    let savings = book.savings.add(amount)?;
    DOLLAR.book.save(inside, &DollarBook { savings, ..book })?;
    erc20::mint::<SavingsBook>(cx, owner, shares)?;
    emit(
        cx,
        &Deposit {
            sender,
            owner,
            assets,
            shares,
        },
    )
}

/// Sends exactly these dollars and burns what they cost. Never paused (DOL-5).
///
/// # Errors
/// `DollarNotOpen`, `DollarTooSmall`, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`,
/// `ERC20InvalidReceiver`.
pub(super) fn withdraw(
    cx: &mut Ctx<'_>,
    assets: U256,
    receiver: Address,
    owner: Address,
) -> Result<U256, Halt> {
    let shares = to_shares_up(cx, assets)?;
    take_out(cx, assets, shares, receiver, owner)?;
    Ok(shares)
}

/// Burns exactly these shares and sends what they are worth. Never paused (DOL-5).
///
/// # Errors
/// As [`withdraw`].
pub(super) fn redeem(
    cx: &mut Ctx<'_>,
    shares: U256,
    receiver: Address,
    owner: Address,
) -> Result<U256, Halt> {
    let assets = to_assets_down(cx, shares)?;
    take_out(cx, assets, shares, receiver, owner)?;
    Ok(assets)
}

fn take_out(
    cx: &mut Ctx<'_>,
    assets: U256,
    shares: U256,
    receiver: Address,
    owner: Address,
) -> Result<(), Halt> {
    let sender = cx.caller();
    refuse_none(cx, assets, shares)?;
    // Before any share is burned: what accrued is owed to all that there were.
    let book = book::accrue(&mut cx.enter(dollar::ADDRESS))?;
    if sender != owner {
        erc20::spend_allowance::<SavingsBook>(cx, owner, sender, shares)?;
    }
    erc20::burn::<SavingsBook>(cx, owner, shares)?;
    let amount = Assets::from_u256(assets)?;
    let inside = &mut cx.enter(dollar::ADDRESS);
    let savings = book.savings.sub(amount)?;
    DOLLAR.book.save(inside, &DollarBook { savings, ..book })?;
    let usd = DOLLAR.token.load(inside)?;
    token::transfer(&mut cx.enter(usd), receiver, assets)?;
    emit(
        cx,
        &Withdraw {
            sender,
            receiver,
            owner,
            assets,
            shares,
        },
    )
}

/// Nothing for something is no bargain for either side: neither shares nor dollars may be zero.
fn refuse_none(cx: &mut Ctx<'_>, assets: U256, shares: U256) -> Result<(), Halt> {
    if !assets.is_zero() && !shares.is_zero() {
        return Ok(());
    }
    Err(revert(&DollarTooSmall {
        amount: assets,
        least: to_assets_up(cx, U256::ONE)?,
    }))
}

/// What fits the pot.
pub(super) fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let book = now(cx)?;
    Ok(Assets::MAX.sub_or_zero(book.savings).to_u256())
}

/// Shares for what fits the pot.
pub(super) fn max_mint(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let room = max_deposit(cx)?;
    to_shares_down(cx, room)
}

/// All that the owner's shares are worth: the pot holds it.
pub(super) fn max_withdraw(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    let shares = SavingsBook::balance_of(cx, owner)?;
    to_assets_down(cx, shares)
}

/// All of the owner's shares, if they are worth anything.
pub(super) fn max_redeem(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    let shares = SavingsBook::balance_of(cx, owner)?;
    let is_dust = to_assets_down(cx, shares)?.is_zero();
    Ok(if is_dust { U256::ZERO } else { shares })
}
