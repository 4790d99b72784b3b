//! What the verbs of `flash` do.

use alloy_primitives::{Address, B256, Bytes, U256, b256};
use alloy_sol_types::SolCall;
use capstan_state::{CallKind, CallRequest, Ctx, Halt};

use super::{
    ADDRESS as FLASH,
    IFlash::{FlashFeeSet, FlashLoan},
    IFlashBorrower::onFlashLoanCall,
    error::*,
    math::fee_up,
    params::Params,
    state::FlashState,
};
use crate::{admin, contract::emit, revert, token};

const STATE: FlashState = FlashState::new();

/// `keccak256("ERC3156FlashBorrower.onFlashLoan")`.
pub(super) const MAGIC: B256 =
    b256!("439148f0bbc682ca079e46d6e2c2f0c1e3b820f1a291b069d8882abf8cf18dd9");

pub(super) fn found(cx: &mut Ctx<'_>, params: Params) -> Result<(), Halt> {
    let Params { fee_bps } = params.checked()?;
    STATE.fee_bps.save(cx, fee_bps)?;
    emit(cx, &FlashFeeSet { feeBps: fee_bps })
}

/// Sets the fee.
///
/// # Errors
/// `AdminNotOwner`, `FlashFeeTooHigh`.
pub(super) fn set_fee_bps(cx: &mut Ctx<'_>, fee_bps: u16) -> Result<(), Halt> {
    admin::expect_owner(cx, FLASH, cx.caller())?;
    found(cx, Params { fee_bps })
}

pub(super) fn fee_bps(cx: &mut Ctx<'_>) -> Result<u16, Halt> {
    STATE.fee_bps.load(cx)
}

/// Most that may be borrowed now (FLASH-2).
pub(super) fn max_flash_loan(cx: &mut Ctx<'_>, token: Address) -> Result<U256, Halt> {
    if !lends(cx, token)? {
        return Ok(U256::ZERO);
    }
    token::mintable(&mut cx.enter(token))
}

/// Fee of a loan.
///
/// # Errors
/// `FlashTokenUnsupported`.
pub(super) fn flash_fee(cx: &mut Ctx<'_>, token: Address, amount: U256) -> Result<U256, Halt> {
    expect_lends(cx, token)?;
    fee_up(amount, STATE.fee_bps.load(cx)?)
}

/// Lends, calls the receiver, and takes everything back.
///
/// # Errors
/// - `FlashTokenUnsupported`: the token's owner does not let this contract mint and burn it.
/// - `FlashAmountTooHigh`: more than may be minted; carries what may.
/// - `FlashCallbackRefused`: the receiver answered something else than the magic word.
/// - `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`: the receiver cannot pay back.
/// - `ReentrantCall`: a loan is running already.
/// - whatever the receiver reverts with.
pub(super) fn flash_loan(
    cx: &mut Ctx<'_>,
    receiver: Address,
    token: Address,
    amount: U256,
    data: Bytes,
) -> Result<bool, Halt> {
    STATE.running.hold(cx, |cx| {
        let fee = flash_fee(cx, token, amount)?;
        let max = token::mintable(&mut cx.enter(token))?;
        if amount > max {
            return Err(revert(&FlashAmountTooHigh { token, amount, max }));
        }
        let initiator = cx.caller();
        token::mint(&mut cx.enter(token), receiver, amount)?;
        call_back(
            cx,
            receiver,
            &onFlashLoanCall {
                initiator,
                token,
                amount,
                fee,
                data,
            },
        )?;
        token::burn_from(&mut cx.enter(token), receiver, amount)?;
        if !fee.is_zero() {
            let sink = admin::owner_of(cx, token)?;
            token::transfer_from(&mut cx.enter(token), receiver, sink, fee)?;
        }
        emit(
            cx,
            &FlashLoan {
                receiver,
                token,
                initiator,
                amount,
                fee,
            },
        )?;
        Ok(true)
    })
}

/// Runs the receiver's code and expects the magic word (FLASH-4). Its revert is ours.
fn call_back(cx: &mut Ctx<'_>, receiver: Address, call: &onFlashLoanCall) -> Result<(), Halt> {
    let outcome = cx.store.call(CallRequest {
        kind: CallKind::Call,
        from: cx.frame.this,
        target: receiver,
        value: U256::ZERO,
        input: call.abi_encode().into(),
        gas_limit: None,
    })?;
    if !outcome.success {
        return Err(Halt::Revert(outcome.output));
    }
    if outcome.output.get(..32) != Some(MAGIC.as_slice()) {
        return Err(revert(&FlashCallbackRefused {
            receiver,
            answer: outcome.output,
        }));
    }
    Ok(())
}

fn expect_lends(cx: &mut Ctx<'_>, token: Address) -> Result<(), Halt> {
    if lends(cx, token)? {
        Ok(())
    } else {
        Err(revert(&FlashTokenUnsupported { token }))
    }
}

fn lends(cx: &mut Ctx<'_>, token: Address) -> Result<bool, Halt> {
    Ok(token::is_token(cx, token)?
        && admin::has_role(cx, token, token::MINT, FLASH)?
        && admin::has_role(cx, token, token::BURN, FLASH)?)
}
