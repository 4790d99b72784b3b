//! The verbs of wallets: they pay with tokens, by `ledger::pull`, and are paid in tokens, by `ledger::push`.
//!
//! A pull comes before anything here has changed, a push after everything has; so whatever the token runs sees whole
//! streams.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, StreamId};

use super::{
    IStreams::{openCall, openSettledCall},
    POT,
    actions::{self, Payer, STATE, Terms},
    error::*,
    state::Stream,
};
use crate::{ledger, revert};

/// Opens a timed stream with what arrives of the caller's tokens.
///
/// # Errors
/// Those of [`actions::open`] and of `ledger::pull`.
pub(super) fn open(cx: &mut Ctx<'_>, call: &openCall) -> Result<u64, Halt> {
    let terms = Terms {
        asset: AssetId::new(call.assetId),
        owner: AccountId::new(call.owner, call.ownerIndex),
        amount: Assets::from_u256(call.amount)?,
        start_ms: call.startMs,
        cliff_ms: call.cliffMs,
        end_ms: call.endMs,
        is_final: call.isFinal,
    };
    let terms = actions::checked(cx, terms)?;
    let caller = cx.caller();
    let amount = ledger::pull(cx, terms.asset, caller, POT, terms.amount)?;
    let id = actions::begin(cx, Payer::Wallet(caller), Terms { amount, ..terms })?;
    Ok(id.get())
}

/// Opens a settled stream.
///
/// # Errors
/// Those of [`actions::open_settled`].
pub(super) fn open_settled(cx: &mut Ctx<'_>, call: &openSettledCall) -> Result<u64, Halt> {
    let (asset, payer) = (AssetId::new(call.assetId), Payer::Wallet(cx.caller()));
    let owner = AccountId::new(call.owner, call.ownerIndex);
    Ok(actions::begin_settled(cx, payer, asset, owner)?.get())
}

/// Pays tokens of the caller in. Answers what arrived.
///
/// # Errors
/// Those of [`actions::pay_in`] and of `ledger::pull`.
pub(super) fn pay_in(cx: &mut Ctx<'_>, id: StreamId, amount: U256) -> Result<U256, Halt> {
    let stream = actions::known(cx, id)?;
    let caller = cx.caller();
    let amount = ledger::pull(cx, stream.asset, caller, POT, Assets::from_u256(amount)?)?;
    actions::take_in(cx, id, AccountId::new(caller, 0), amount)?;
    Ok(amount.to_u256())
}

/// Stops a stream; what has not flowed waits for [`cancel`], so that a closed border cannot keep it flowing.
///
/// # Errors
/// `StreamsUnknown`, `StreamsNotPayer`, `StreamsStopped`, `StreamsFinal`.
pub(super) fn stop(cx: &mut Ctx<'_>, id: StreamId) -> Result<(), Halt> {
    let stream = paid_by_caller(cx, id)?;
    let rest = actions::stop(cx, id, stream)?;
    STATE.returnable.at(id).add(cx, rest)
}

/// Stops a stream, if it is not, and sends the payer what has not flowed. Answers that.
///
/// # Errors
/// Those of [`stop`] and of `ledger::push`. `StreamsStopped` also where nothing is left to return.
pub(super) fn cancel(cx: &mut Ctx<'_>, id: StreamId) -> Result<U256, Halt> {
    let stream = paid_by_caller(cx, id)?;
    let place = STATE.returnable.at(id);
    let waiting = place.load(cx)?;
    let rest = if waiting.is_zero() {
        actions::stop(cx, id, stream)?
    } else if place.sub_bounded(cx, waiting, Assets::ZERO)? {
        waiting
    } else {
        return Err(Halt::overflow());
    };
    if !rest.is_zero() {
        ledger::push(cx, stream.asset, POT, stream.payer.owner, rest)?;
    }
    Ok(rest.to_u256())
}

/// Sends what is due to the caller, who owns the stream.
///
/// # Errors
/// `StreamsUnknown`, `StreamsNotOwner`, `StreamsAssigned`, `StreamsNothingDue`, and those of `ledger::push`.
pub(super) fn collect(cx: &mut Ctx<'_>, id: StreamId) -> Result<U256, Halt> {
    let stream = owned_by_caller(cx, id)?;
    if !stream.assigned.owner.is_zero() {
        return Err(revert(&StreamsAssigned {
            streamId: id.get(),
            account: stream.assigned.owner,
            index: stream.assigned.index,
        }));
    }
    let amount = actions::take_due(cx, id, &stream, Assets::MAX)?;
    if amount.is_zero() {
        return Err(revert(&StreamsNothingDue { streamId: id.get() }));
    }
    actions::say_collected(cx, id, stream.owner, true, amount)?;
    ledger::push(cx, stream.asset, POT, stream.owner.owner, amount)?;
    Ok(amount.to_u256())
}

/// Makes an account of another the owner.
///
/// # Errors
/// `StreamsUnknown`, `StreamsNotOwner`, `StreamsBadOwner`.
pub(super) fn transfer(cx: &mut Ctx<'_>, id: StreamId, to: Address, index: u8) -> Result<(), Halt> {
    let stream = owned_by_caller(cx, id)?;
    actions::hand_over(cx, id, stream, AccountId::new(to, index))
}

fn paid_by_caller(cx: &mut Ctx<'_>, id: StreamId) -> Result<Stream, Halt> {
    let stream = actions::known(cx, id)?;
    if stream.is_from_wallet && stream.payer.owner == cx.caller() {
        return Ok(stream);
    }
    Err(actions::not_payer(id, &stream, cx.caller()))
}

fn owned_by_caller(cx: &mut Ctx<'_>, id: StreamId) -> Result<Stream, Halt> {
    let stream = actions::known(cx, id)?;
    if stream.owner.owner == cx.caller() {
        return Ok(stream);
    }
    Err(actions::not_owner(id, &stream, cx.caller()))
}
