//! A factory token: its book behind the ERC-20 face, and mint and burn by role.
//!
//! Public functions take a context whose frame is the token's: other contracts `enter` it first.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};

use super::{
    params::{BURN, MINT},
    state::TokenState,
};
use crate::{
    admin,
    erc20::{self, Book, Holdings, Issued},
};

pub(super) const STATE: TokenState = TokenState::new();

const HOLDINGS: Holdings = Holdings {
    supply: STATE.supply,
    balances: STATE.balances,
};

/// The book of a factory token.
pub(super) struct TokenBook;

impl Book for TokenBook {
    erc20::kept_in!(STATE);

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

impl Issued for TokenBook {
    fn holdings() -> Holdings {
        HOLDINGS
    }
}

/// Balance of `owner`.
///
/// # Errors
/// The store's.
pub fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    TokenBook::balance_of(cx, owner)
}

/// What all hold together.
///
/// # Errors
/// The store's.
pub fn total_supply(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    TokenBook::total_supply(cx)
}

/// Moves tokens of the caller.
///
/// # Errors
/// As the verb `transfer`.
pub fn transfer(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<bool, Halt> {
    erc20::transfer::<TokenBook>(cx, to, amount)
}

/// Moves tokens of `from`, who allowed the caller to.
///
/// # Errors
/// As the verb `transferFrom`.
pub fn transfer_from(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    amount: U256,
) -> Result<bool, Halt> {
    erc20::transfer_from::<TokenBook>(cx, from, to, amount)
}

/// Makes tokens (TOK-6).
///
/// # Errors
/// `AdminMissingRole`, `ERC20InvalidReceiver`, `ERC20ExceededCap` (TOK-2).
pub fn mint(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<(), Halt> {
    admin::expect_role(cx, cx.this(), MINT, cx.caller())?;
    erc20::mint::<TokenBook>(cx, to, amount)
}

/// Destroys tokens of the caller (TOK-6).
///
/// # Errors
/// `AdminMissingRole`, `ERC20InsufficientBalance`.
pub fn burn(cx: &mut Ctx<'_>, amount: U256) -> Result<(), Halt> {
    admin::expect_role(cx, cx.this(), BURN, cx.caller())?;
    let owner = cx.caller();
    erc20::burn::<TokenBook>(cx, owner, amount)
}

/// Destroys tokens of `owner`, who allowed the caller to (TOK-6).
///
/// # Errors
/// `AdminMissingRole`, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`, `ERC20InvalidSender`.
pub fn burn_from(cx: &mut Ctx<'_>, owner: Address, amount: U256) -> Result<(), Halt> {
    let spender = cx.caller();
    admin::expect_role(cx, cx.this(), BURN, spender)?;
    erc20::spend_allowance::<TokenBook>(cx, owner, spender, amount)?;
    erc20::burn::<TokenBook>(cx, owner, amount)
}

/// What may still be minted under the cap.
///
/// # Errors
/// The store's.
pub fn mintable(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    HOLDINGS.room(cx)
}
