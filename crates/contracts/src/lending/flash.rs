//! Cash that leaves a market for the length of a call, and comes back with a fee.
//!
//! ```text
//!   flash ── lend_out ──► out += amount ── push ──► receiver         foreign code runs from here ...
//!   flash ── take_back ─► pull due, measured ─► out -= amount        ... to here
//!                                               fees += fee          shared out by the next accrual
//! ```
//!
//! Meanwhile the market is as it was: cash that is out counts as cash (LEND-13), and it accrued before, so nothing
//! accrues. Only whoever wants to take cash finds less.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    ADDRESS,
    ILending::FlashFeeTaken,
    Pause,
    actions::{refuse_paused, refuse_zero},
    error::{LendingNoCash, LendingNotPaidBack},
    market::{self, CASH, STATE},
};
use crate::{contract::emit, ledger, mutant::mutant, revert};

/// Most that a flash loan may take now: cash that lies there and may leave the ledger. `None` without a market.
///
/// # Errors
/// The store's.
pub fn flash_room(cx: &mut Ctx<'_>, id: AssetId) -> Result<Option<Assets>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let market = STATE.markets.at(id).load(cx)?;
    if market::is_none(&market) {
        return Ok(None);
    }
    if market.paused & Pause::Flash.bit() != 0 {
        return Ok(Some(Assets::ZERO));
    }
    let cash = ledger::free(cx, id, CASH)?;
    Ok(Some(cash.min(ledger::may_leave(cx, id)?)))
}

/// Sends cash to a wallet. Whoever calls this calls [`take_back`] with the same amount in the same frame, or reverts.
///
/// # Errors
/// `LendingUnknownMarket`, `LendingZeroAmount`, `LendingPaused`, `LendingNoCash`, and those of `ledger::push`.
pub fn lend_out(
    cx: &mut Ctx<'_>,
    id: AssetId,
    receiver: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    refuse_zero(amount)?;
    let market = market::accrue(cx, id)?;
    refuse_paused(id, &market, Pause::Flash)?;
    let cash = ledger::free(cx, id, CASH)?;
    if amount > cash {
        return Err(revert(&LendingNoCash {
            assetId: id.get(),
            wanted: amount.to_u256(),
            cash: cash.to_u256(),
        }));
    }
    // Before the token's code runs, which may look at the market.
    let out = STATE.out.at(id);
    let more = out.load(cx)?.add(amount)?;
    out.save(cx, more)?;
    ledger::push(cx, id, CASH, receiver, amount)
}

/// Takes a loan back with its fee from a wallet, which allowed both to the contract whose frame this is.
///
/// # Errors
/// `LendingNotPaidBack` if the token moved less than it was told to, and those of `ledger::pull`.
pub fn take_back(
    cx: &mut Ctx<'_>,
    id: AssetId,
    wallet: Address,
    amount: Assets,
    fee: Assets,
) -> Result<(), Halt> {
    let due = amount.add(fee)?;
    let arrived = mutant!(
        CashIsRepayment,
        ledger::pull(cx, id, wallet, CASH, due)?,
        ledger::free(cx, id, CASH)?.min(due)
    );
    if arrived != due {
        return Err(revert(&LendingNotPaidBack {
            assetId: id.get(),
            due: due.to_u256(),
            arrived: arrived.to_u256(),
        }));
    }
    let cx = &mut cx.enter(ADDRESS);
    let out = STATE.out.at(id);
    let less = out.load(cx)?.sub(amount)?;
    out.save(cx, less)?;
    if fee.is_zero() {
        return Ok(());
    }
    STATE.fees.at(id).add(cx, fee)?;
    emit(
        cx,
        &FlashFeeTaken {
            assetId: id.get(),
            fee: fee.to_u256(),
        },
    )
}
