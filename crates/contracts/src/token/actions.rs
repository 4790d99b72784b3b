//! A factory token: its balances behind the ERC-20 face, and mint and burn.
//!
//! Public functions take a context whose frame is the token's: other contracts `enter` it first.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Map, Value};
use capstan_units::Assets;

use super::{
    erc20::{self, Book, errors::*},
    params::{BURN, MINT},
    state::TokenState,
};
use crate::{admin, contract::emit, revert};

pub(super) const STATE: TokenState = TokenState::new();

/// Balances of a factory token.
pub(crate) struct TokenBook;

impl Book for TokenBook {
    fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        Ok(STATE.balances.at(owner).load(cx)?.to_u256())
    }

    fn shift(cx: &mut Ctx<'_>, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        // No balance is wider than `Assets`, so a wider amount is more than there is.
        let Ok(assets) = Assets::from_u256(amount) else {
            return Ok(false);
        };
        if !STATE
            .balances
            .at(from)
            .sub_bounded(cx, assets, Assets::ZERO)?
        {
            return Ok(false);
        }
        STATE.balances.at(to).add(cx, assets)?;
        Ok(true)
    }

    fn total_supply(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Ok(STATE.supply.load(cx)?.to_u256())
    }

    fn allowance(owner: Address, spender: Address) -> Value<U256> {
        STATE.allowances.at((owner, spender))
    }

    fn nonces() -> Map<Address, Value<U256>> {
        STATE.nonces
    }

    fn name(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        STATE.name.load(cx)
    }

    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        STATE.symbol.load(cx)
    }

    fn decimals(cx: &mut Ctx<'_>) -> Result<u8, Halt> {
        STATE.decimals.load(cx)
    }
}

/// Balance of `owner`.
///
/// # Errors
/// The store's.
pub fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    TokenBook::balance_of(cx, owner)
}

/// Moves tokens of the caller.
///
/// # Errors
/// As the verb `transfer`.
pub fn transfer(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<bool, Halt> {
    erc20::transfer::<TokenBook>(cx, to, amount)
}

/// Makes tokens (TOK-6).
///
/// # Errors
/// `AdminMissingRole`, `ERC20InvalidReceiver`, `ERC20ExceededCap` (TOK-2).
pub fn mint(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<(), Halt> {
    admin::expect_role(cx, cx.this(), MINT, cx.caller())?;
    if to.is_zero() {
        return Err(revert(&ERC20InvalidReceiver { receiver: to }));
    }
    let within = match Assets::from_u256(amount) {
        Ok(assets) => STATE
            .supply
            .add_capped(cx, assets, Assets::MAX)?
            .then_some(assets),
        Err(_) => None,
    };
    let Some(assets) = within else {
        let increased = STATE.supply.load(cx)?.to_u256().saturating_add(amount);
        let cap = Assets::MAX.to_u256();
        return Err(revert(&ERC20ExceededCap {
            increasedSupply: increased,
            cap,
        }));
    };
    STATE.balances.at(to).add(cx, assets)?;
    emit(
        cx,
        &erc20::events::Transfer {
            from: Address::ZERO,
            to,
            value: amount,
        },
    )
}

/// Destroys tokens of the caller (TOK-6).
///
/// # Errors
/// `AdminMissingRole`, `ERC20InsufficientBalance`.
pub(super) fn burn(cx: &mut Ctx<'_>, amount: U256) -> Result<(), Halt> {
    admin::expect_role(cx, cx.this(), BURN, cx.caller())?;
    let owner = cx.caller();
    destroy(cx, owner, amount)
}

/// Destroys tokens of `owner`, who allowed the caller to (TOK-6).
///
/// # Errors
/// `AdminMissingRole`, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`, `ERC20InvalidSender`.
pub fn burn_from(cx: &mut Ctx<'_>, owner: Address, amount: U256) -> Result<(), Halt> {
    admin::expect_role(cx, cx.this(), BURN, cx.caller())?;
    let spender = cx.caller();
    erc20::spend_allowance::<TokenBook>(cx, owner, spender, amount)?;
    destroy(cx, owner, amount)
}

fn destroy(cx: &mut Ctx<'_>, owner: Address, amount: U256) -> Result<(), Halt> {
    if owner.is_zero() {
        return Err(revert(&ERC20InvalidSender { sender: owner }));
    }
    let short = |cx: &mut Ctx<'_>| erc20::insufficient_balance::<TokenBook>(cx, owner, amount);
    let Ok(assets) = Assets::from_u256(amount) else {
        return Err(short(cx)?);
    };
    if !STATE
        .balances
        .at(owner)
        .sub_bounded(cx, assets, Assets::ZERO)?
    {
        return Err(short(cx)?);
    }
    // TOK-1: the supply holds every balance, so it holds this one.
    if !STATE.supply.sub_bounded(cx, assets, Assets::ZERO)? {
        return Err(Halt::Fatal(format!(
            "token {}: supply below a balance",
            cx.this()
        )));
    }
    emit(
        cx,
        &erc20::events::Transfer {
            from: owner,
            to: Address::ZERO,
            value: amount,
        },
    )
}

/// What may still be minted under the cap.
///
/// # Errors
/// The store's.
pub fn mintable(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let supply = STATE.supply.load(cx)?;
    Ok(Assets::MAX.to_u256().saturating_sub(supply.to_u256()))
}
