//! Channels: what of a customer's units stands for one machine, and until when.
//!
//! Units are bound before work begins, by the word of a spending key. So a machine knows that it will be paid, whatever the
//! customer promises others; and a customer knows what he can lose at most.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    IJobs::{Held, Hold, Released, Signature},
    Pause, STATE, classes,
    customers::{self, poor, spend},
    error::*,
    listing, offers,
    params::{self, Params},
    pay::change_funded,
    signed,
    state::Channel,
};
use crate::{contract::emit, machines, mutant::mutant, revert};

/// The number of a channel.
pub(super) fn id_of(
    cx: &mut Ctx<'_>,
    customer: Address,
    key: Address,
    machine: u64,
    class: u32,
) -> Result<B256, Halt> {
    let parts = (customer, key, machine, class).abi_encode();
    cx.store.keccak(&parts)
}

/// A channel that there is.
///
/// # Errors
/// `JobsNoChannel`.
pub(super) fn known(cx: &mut Ctx<'_>, id: B256) -> Result<Channel, Halt> {
    let channel = STATE.channels.at(id).load(cx)?;
    if channel.sequence == 0 {
        return Err(revert(&JobsNoChannel { channel: id }));
    }
    Ok(channel)
}

/// Binds units of a customer to a machine, by his spending key's word.
///
/// # Errors
/// `JobsPaused`, `JobsNotOpen`, `JobsZeroAmount`, `JobsBadSignature`, `JobsHoldOutOfRange`, `JobsUnknownClass`,
/// `JobsClassClosed`, `JobsNoOffer`, `JobsNotServing`, `JobsSequenceUsed`, `JobsKeyInvalid`, `JobsKeyLimit`, `JobsPoor`.
pub(super) fn hold(cx: &mut Ctx<'_>, terms: &Hold, signature: &Signature) -> Result<B256, Halt> {
    listing::expect_not_paused(cx, Pause::Hold)?;
    let params = params::known(cx)?;
    if terms.amount.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    let digest = signed::hold_digest(cx, terms)?;
    signed::expect_said(cx, terms.key, digest, signature)?;
    expect_in_range(cx, terms.untilMs, &params)?;
    classes::open_one(cx, terms.classId)?;
    if !offers::known(cx, terms.machineId, terms.classId)?.is_open {
        return Err(revert(&JobsNoOffer {
            machineId: terms.machineId,
            classId: terms.classId,
        }));
    }
    offers::expect_serving(cx, terms.machineId)?;
    let id = id_of(
        cx,
        terms.customer,
        terms.key,
        terms.machineId,
        terms.classId,
    )?;
    let mut channel = begun(cx, id, terms)?;
    let amount = Assets::from_u256(terms.amount)?;
    let from_ms = bind(cx, terms.customer, terms.key, amount)?;
    change_funded(cx, terms.machineId, |funded| Ok(funded.add(amount)?))?;
    channel.sequence = terms.sequence;
    channel.until_ms = channel.until_ms.max(terms.untilMs);
    channel.held = channel.held.add(amount)?;
    channel.bound = channel.bound.add(amount)?;
    let fresh = if channel.fresh_from_ms == from_ms {
        channel.fresh
    } else {
        Assets::ZERO
    };
    channel.fresh = fresh.add(amount)?;
    channel.fresh_from_ms = from_ms;
    STATE.channels.at(id).save(cx, &channel)?;
    emit(
        cx,
        &Held {
            channel: id,
            customer: terms.customer,
            machineId: terms.machineId,
            sequence: terms.sequence,
            amount: terms.amount,
            bound: channel.bound.to_u256(),
            untilMs: channel.until_ms,
        },
    )?;
    Ok(id)
}

fn expect_in_range(cx: &Ctx<'_>, until_ms: u64, params: &Params) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    let latest_ms = now_ms.saturating_add(params.hold_ms);
    if until_ms > now_ms && until_ms <= latest_ms {
        return Ok(());
    }
    Err(revert(&JobsHoldOutOfRange {
        untilMs: until_ms,
        nowMs: now_ms,
        latestMs: latest_ms,
    }))
}

/// The channel of a hold, which it opens if it is the first.
fn begun(cx: &mut Ctx<'_>, id: B256, terms: &Hold) -> Result<Channel, Halt> {
    let mut channel = STATE.channels.at(id).load(cx)?;
    if terms.sequence <= channel.sequence {
        return Err(revert(&JobsSequenceUsed {
            sequence: terms.sequence,
            last: channel.sequence,
        }));
    }
    if channel.sequence == 0 {
        let last = STATE.last_channels.at(terms.customer);
        channel = Channel {
            customer: terms.customer,
            key: terms.key,
            machine: terms.machineId,
            class: terms.classId,
            previous: last.load(cx)?,
            ..Channel::default()
        };
        last.save(cx, id)?;
    }
    Ok(channel)
}

/// Moves units from free to bound, as far as the customer has them and his key may. Answers when the key's period began.
fn bind(cx: &mut Ctx<'_>, who: Address, key: Address, amount: Assets) -> Result<u64, Halt> {
    let from_ms = spend(cx, who, key, amount)?;
    customers::change(cx, who, |customer| {
        if customer.free < amount {
            return Err(poor(who, customer, amount.to_u256()));
        }
        // Whoever is promised the same units twice is paid once, and then never.
        let left = mutant!(
            EscrowPromisedTwice,
            customer.free.sub(amount)?,
            customer.free
        );
        customer.free = left;
        customer.bound = customer.bound.add(amount)?;
        Ok(())
    })?;
    Ok(from_ms)
}

/// Gives back what is bound and not claimed: by the machine's word at any time, by anybody once nothing can be claimed.
///
/// # Errors
/// `JobsNotOpen`, `JobsNoChannel`, `JobsZeroAmount`, `JobsNotReleasable`.
pub(super) fn release(
    cx: &mut Ctx<'_>,
    id: B256,
    by_machine: &Signature,
) -> Result<alloy_primitives::U256, Halt> {
    let (params, mut channel) = (params::known(cx)?, known(cx, id)?);
    let amount = channel.bound;
    if amount.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    let free_from_ms = channel.free_from_ms(cx, &params)?;
    let now_ms = cx.store.block().time_ms;
    if now_ms < free_from_ms {
        let key = machines::key_of(cx, channel.machine)?;
        let digest = signed::close_digest(cx, id, channel.sequence)?;
        if !signed::is_said(cx, key, digest, by_machine)? {
            return Err(revert(&JobsNotReleasable {
                channel: id,
                freeFromMs: free_from_ms,
                nowMs: now_ms,
            }));
        }
    }
    customers::unbind(cx, &channel, amount)?;
    channel.bound = Assets::ZERO;
    channel.fresh = Assets::ZERO;
    channel.returned = channel.returned.add(amount)?;
    // A closing counts once: the hold that follows has another number.
    channel.sequence = channel.sequence.saturating_add(1);
    STATE.channels.at(id).save(cx, &channel)?;
    change_funded(cx, channel.machine, |funded| Ok(funded.sub(amount)?))?;
    customers::change(cx, channel.customer, |customer| {
        customer.bound = customer.bound.sub(amount)?;
        customer.free = customer.free.add(amount)?;
        Ok(())
    })?;
    emit(
        cx,
        &Released {
            channel: id,
            customer: channel.customer,
            amount: amount.to_u256(),
        },
    )?;
    Ok(amount.to_u256())
}
