//! How dollars come into savings and leave (ERC-4626). The frame is that of savings.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Shares};

use super::{ADDRESS, SavingsBook};
use crate::{
    dollar::{
        self,
        book::{self, STATE as DOLLAR},
        error::DollarTooSmall,
        state::Book as DollarBook,
    },
    erc20::{self, Book},
    erc4626::{self, Exit, Vault},
    revert, token,
};

fn now(cx: &mut Ctx<'_>) -> Result<DollarBook, Halt> {
    book::now(&mut cx.enter(dollar::ADDRESS))
}

impl Vault for SavingsBook {
    fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt> {
        let inside = &mut cx.enter(dollar::ADDRESS);
        book::stored(inside)?;
        DOLLAR.token.load(inside)
    }

    fn shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.savings_index.into_down(assets)?)
    }

    fn shares_up(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.savings_index.into_up(assets)?)
    }

    fn assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.savings_index.of_down(shares)?)
    }

    fn assets_up(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.savings_index.of_up(shares)?)
    }

    /// Asks no allowance: the dollar's book moves what its own savings take.
    ///
    /// # Errors
    /// `DollarNotOpen`, `DollarTooSmall`, `ERC20InsufficientBalance`, `ERC20InvalidReceiver`.
    fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt> {
        let shares = Self::shares_down(cx, assets)?;
        put_in(cx, assets, shares, receiver)?;
        Ok(shares)
    }

    /// # Errors
    /// As `deposit`.
    fn mint(cx: &mut Ctx<'_>, shares: U256, receiver: Address) -> Result<U256, Halt> {
        let assets = Self::assets_up(cx, shares)?;
        put_in(cx, assets, shares, receiver)?;
        Ok(assets)
    }

    /// Never paused (DOL-5).
    ///
    /// # Errors
    /// `DollarNotOpen`, `DollarTooSmall`, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`,
    /// `ERC20InvalidReceiver`.
    fn leave(cx: &mut Ctx<'_>, exit: Exit) -> Result<(), Halt> {
        refuse_none(cx, exit.assets, exit.shares)?;
        // Before any share is burned: what accrued is owed to all that there were.
        let book = book::accrue(&mut cx.enter(dollar::ADDRESS))?;
        erc4626::spend::<Self>(cx, &exit)?;
        erc20::burn::<Self>(cx, exit.owner, exit.shares)?;
        let amount = Assets::from_u256(exit.assets)?;
        let inside = &mut cx.enter(dollar::ADDRESS);
        let savings = book.savings.sub(amount)?;
        DOLLAR.book.save(inside, &DollarBook { savings, ..book })?;
        let usd = DOLLAR.token.load(inside)?;
        token::transfer(&mut cx.enter(usd), exit.receiver, exit.assets)?;
        erc4626::left(cx, &exit)
    }

    /// What fits the pot.
    fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        let book = now(cx)?;
        Ok(Assets::MAX.sub_or_zero(book.savings).to_u256())
    }

    /// All that the owner's shares are worth: the pot holds it.
    fn max_withdraw(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        let shares = Self::balance_of(cx, owner)?;
        Self::assets_down(cx, shares)
    }
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
    erc4626::came(cx, owner, assets, shares)
}

/// Nothing for something is no bargain for either side: neither shares nor dollars may be zero.
fn refuse_none(cx: &mut Ctx<'_>, assets: U256, shares: U256) -> Result<(), Halt> {
    if !assets.is_zero() && !shares.is_zero() {
        return Ok(());
    }
    Err(revert(&DollarTooSmall {
        amount: assets,
        least: SavingsBook::assets_up(cx, U256::ONE)?,
    }))
}
