//! Dollars for the length of one call: minted to a wallet and destroyed when they come back, for `flash` (DOL-15).
//!
//! What they may do meanwhile they could do without: swaps and redemptions take dollars that must be found again, at
//! whatever price, before the call ends. The ceiling bounds them all the same, so that no single call can be larger than
//! what the dollar was made for.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    ADDRESS, Pause,
    book::{self, STATE},
    math,
};
use crate::token;

/// Most that may be lent now: what the ceiling leaves. `None` if `token` is not the dollar.
///
/// # Errors
/// The store's.
pub fn flash_room(cx: &mut Ctx<'_>, token: Address) -> Result<Option<Assets>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    if book::is_none(&STATE.book.load(cx)?) || STATE.token.load(cx)? != token {
        return Ok(None);
    }
    let book::Projection {
        accrued, config, ..
    } = book::projected(cx)?;
    if accrued.book.paused & Pause::Mint.bit() != 0 {
        return Ok(Some(Assets::ZERO));
    }
    let debt = math::debt_up(STATE.total_debts.load(cx)?, accrued.book.borrow_index)?;
    let mintable = token::mintable(&mut cx.enter(token))?;
    let mintable = Assets::from_u256(mintable).unwrap_or(Assets::MAX);
    Ok(Some(config.ceiling.sub_or_zero(debt).min(mintable)))
}

/// Makes dollars for a wallet. Whoever calls this calls [`take_back`] with the same amount in the same frame, or reverts.
///
/// # Errors
/// `DollarNotOpen`, `DollarZeroAmount`, `DollarPausedNow`.
pub fn lend_out(cx: &mut Ctx<'_>, receiver: Address, amount: Assets) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    book::refuse_zero(amount)?;
    let book = book::accrue(cx)?;
    book::refuse_paused(&book, Pause::Mint)?;
    book::mint(cx, receiver, amount)
}

/// Destroys what was lent and counts the fee, once both are in this contract's wallet.
///
/// # Errors
/// `ERC20InsufficientBalance`.
pub fn take_back(cx: &mut Ctx<'_>, amount: Assets, fee: Assets) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    book::burn(cx, amount)?;
    book::earn(cx, fee)
}
