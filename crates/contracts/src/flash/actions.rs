//! What the verbs of `flash` do.

use alloy_primitives::{Address, B256, Bytes, U256, b256};
use alloy_sol_types::SolCall;
use capstan_state::{CallKind, CallRequest, Ctx, Halt};

use super::{
    ADDRESS as FLASH,
    IFlash::{FlashFeeOfSet, FlashFeeSet, FlashLoan},
    IFlashBorrower::onFlashLoanCall,
    IFlashManyBorrower::onFlashLoanManyCall,
    error::*,
    math::fee_up,
    params::{Params, TOKENS_MAX},
    source::Source,
    state::FlashState,
};
use crate::{admin, contract::emit, revert};

const STATE: FlashState = FlashState::new();

/// `keccak256("ERC3156FlashBorrower.onFlashLoan")`.
pub(super) const MAGIC: B256 =
    b256!("439148f0bbc682ca079e46d6e2c2f0c1e3b820f1a291b069d8882abf8cf18dd9");
/// `keccak256("FlashManyBorrower.onFlashLoanMany")`.
pub(super) const MAGIC_MANY: B256 =
    b256!("000d9092eecc752a7c34e41039d4be4cbed00e69e3ef1b50dfe12a261b302293");

pub(super) fn found(cx: &mut Ctx<'_>, params: Params) -> Result<(), Halt> {
    let Params { fee_bps } = params.checked()?;
    STATE.fee_bps.save(cx, fee_bps)?;
    emit(cx, &FlashFeeSet { feeBps: fee_bps })
}

/// Sets the fee of tokens without one of their own.
///
/// # Errors
/// `AdminNotOwner`, `FlashFeeTooHigh`.
pub(super) fn set_fee_bps(cx: &mut Ctx<'_>, fee_bps: u16) -> Result<(), Halt> {
    admin::expect_owner(cx, FLASH, cx.caller())?;
    found(cx, Params { fee_bps })
}

/// Sets the fee of one token.
///
/// # Errors
/// `AdminNotOwner`, `FlashFeeTooHigh`.
pub(super) fn set_fee_bps_of(cx: &mut Ctx<'_>, token: Address, fee_bps: u16) -> Result<(), Halt> {
    admin::expect_owner(cx, FLASH, cx.caller())?;
    let Params { fee_bps } = Params { fee_bps }.checked()?;
    let biased = fee_bps.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.fee_bps_of.at(token).save(cx, biased)?;
    emit(
        cx,
        &FlashFeeOfSet {
            token,
            feeBps: fee_bps,
        },
    )
}

pub(super) fn fee_bps(cx: &mut Ctx<'_>) -> Result<u16, Halt> {
    STATE.fee_bps.load(cx)
}

pub(super) fn fee_bps_of(cx: &mut Ctx<'_>, token: Address) -> Result<u16, Halt> {
    match STATE.fee_bps_of.at(token).load(cx)?.checked_sub(1) {
        Some(fee_bps) => Ok(fee_bps),
        None => fee_bps(cx),
    }
}

/// Most that may be borrowed now (FLASH-2, FLASH-6).
pub(super) fn max_flash_loan(cx: &mut Ctx<'_>, token: Address) -> Result<U256, Halt> {
    match STATE.running.at(token).check(cx) {
        Ok(()) => {}
        Err(Halt::Revert(_)) => return Ok(U256::ZERO),
        Err(halt) => return Err(halt),
    }
    match Source::of(cx, token)? {
        Some(source) => source.room(cx, token),
        None => Ok(U256::ZERO),
    }
}

/// Fee of a loan.
///
/// # Errors
/// `FlashTokenUnsupported`.
pub(super) fn flash_fee(cx: &mut Ctx<'_>, token: Address, amount: U256) -> Result<U256, Halt> {
    Ok(Part::of(cx, token, amount)?.fee)
}

/// One token of a loan, with the fee that stood when the loan began (FLASH-5).
#[derive(Clone, Copy, Debug)]
struct Part {
    token: Address,
    amount: U256,
    fee: U256,
    source: Source,
}

impl Part {
    fn of(cx: &mut Ctx<'_>, token: Address, amount: U256) -> Result<Self, Halt> {
        let Some(source) = Source::of(cx, token)? else {
            return Err(revert(&FlashTokenUnsupported { token }));
        };
        Ok(Self {
            token,
            amount,
            fee: fee_up(amount, fee_bps_of(cx, token)?)?,
            source,
        })
    }
}

/// Lends, calls the receiver, and takes everything back.
///
/// # Errors
/// - `FlashTokenUnsupported`: the token has no market, and its owner does not let this contract mint and burn it.
/// - `FlashAmountTooHigh`: more than can be lent now; carries what can.
/// - `FlashCallbackRefused`: the receiver answered something else than the magic word.
/// - `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`, `LedgerTokenRefused`, `LedgerNothingArrived`,
///   `LendingNotPaidBack`: the receiver cannot pay back, or the token keeps a part.
/// - `LendingPaused`, `LedgerFrozen` and the other errors of `lending::lend_out`.
/// - `ReentrantCall`: a loan of this token is running already.
/// - whatever the receiver reverts with.
pub(super) fn flash_loan(
    cx: &mut Ctx<'_>,
    receiver: Address,
    token: Address,
    amount: U256,
    data: Bytes,
) -> Result<bool, Halt> {
    let part = Part::of(cx, token, amount)?;
    let call = onFlashLoanCall {
        initiator: cx.caller(),
        token,
        amount,
        fee: part.fee,
        data,
    };
    lend_each(cx, receiver, &[part], &mut |cx| {
        call_back(cx, receiver, call.abi_encode(), MAGIC)
    })?;
    Ok(true)
}

/// The same with several tokens (FLASH-8).
///
/// # Errors
/// `FlashBadList`, `FlashTokenTwice`, and those of [`flash_loan`].
pub(super) fn flash_loan_many(
    cx: &mut Ctx<'_>,
    receiver: Address,
    tokens: Vec<Address>,
    amounts: Vec<U256>,
    data: Bytes,
) -> Result<bool, Halt> {
    if tokens.is_empty() || tokens.len() > TOKENS_MAX || tokens.len() != amounts.len() {
        return Err(revert(&FlashBadList {
            tokens: U256::from(tokens.len()),
            amounts: U256::from(amounts.len()),
            max: U256::from(TOKENS_MAX),
        }));
    }
    let mut parts = Vec::<Part>::with_capacity(tokens.len());
    for (token, amount) in tokens.iter().zip(&amounts) {
        if parts.iter().any(|part| part.token == *token) {
            return Err(revert(&FlashTokenTwice { token: *token }));
        }
        parts.push(Part::of(cx, *token, *amount)?);
    }
    let call = onFlashLoanManyCall {
        initiator: cx.caller(),
        tokens,
        amounts,
        fees: parts.iter().map(|part| part.fee).collect(),
        data,
    };
    lend_each(cx, receiver, &parts, &mut |cx| {
        call_back(cx, receiver, call.abi_encode(), MAGIC_MANY)
    })?;
    Ok(true)
}

/// Lends one part after the other, each under its token's lock (FLASH-3), runs `inside` when all are lent, and takes
/// them back from the last to the first.
fn lend_each(
    cx: &mut Ctx<'_>,
    receiver: Address,
    parts: &[Part],
    inside: &mut dyn FnMut(&mut Ctx<'_>) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let Some((part, rest)) = parts.split_first() else {
        return inside(cx);
    };
    let Part {
        token,
        amount,
        fee,
        source,
    } = *part;
    STATE.running.at(token).hold(cx, |cx| {
        source.lend(cx, token, receiver, amount)?;
        lend_each(cx, receiver, rest, inside)?;
        source.take_back(cx, token, receiver, amount, fee)?;
        emit(
            cx,
            &FlashLoan {
                receiver,
                token,
                initiator: cx.caller(),
                amount,
                fee,
            },
        )
    })
}

/// Runs the receiver's code and expects the magic word (FLASH-4). Its revert is ours.
fn call_back(cx: &mut Ctx<'_>, receiver: Address, input: Vec<u8>, magic: B256) -> Result<(), Halt> {
    let outcome = cx.store.call(CallRequest {
        kind: CallKind::Call,
        from: cx.frame.this,
        target: receiver,
        value: U256::ZERO,
        input: input.into(),
        gas_limit: None,
    })?;
    if !outcome.success {
        return Err(Halt::Revert(outcome.output));
    }
    if outcome.output.get(..32) != Some(magic.as_slice()) {
        return Err(revert(&FlashCallbackRefused {
            receiver,
            answer: outcome.output,
        }));
    }
    Ok(())
}
