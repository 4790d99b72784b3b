//! Customers: what they bring in and take out, and what their keys may spend.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets};

use super::{
    IJobs::{Deposited, KeyLimits, KeyRevoked, KeySet, Withdrawn},
    KEYS_MAX, POT, STATE,
    classes::full,
    error::*,
    params::{self, refuse},
    pay::tell_funder,
    state::{Channel, Customer, Key},
};
use crate::{contract::emit, ledger, revert};

/// Shortest and longest period of a key.
pub(super) const PERIOD_MS: (u64, u64) = (60_000, 366 * 86_400_000);

/// Brings tokens of the caller in for a customer. Answers what arrived.
///
/// # Errors
/// `JobsNotOpen`, `JobsZeroAmount`, and those of `ledger::pull`.
pub(super) fn deposit(cx: &mut Ctx<'_>, who: Address, amount: U256) -> Result<U256, Halt> {
    let params = params::known(cx)?;
    if amount.is_zero() || who.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    let from = cx.caller();
    let amount = ledger::pull(cx, params.asset, from, POT, Assets::from_u256(amount)?)?;
    STATE.escrow.add(cx, amount)?;
    let now_ms = cx.store.block().time_ms;
    let mut is_first = false;
    // Loaded after the pull: the token may have run its payer's code.
    let customer = change(cx, who, |customer| {
        customer.free = customer.free.add(amount)?;
        is_first = customer.since_ms == 0;
        if is_first {
            customer.since_ms = now_ms;
        }
        Ok(())
    })?;
    if is_first {
        tell_funder(cx, who, from)?;
    }
    emit(
        cx,
        &Deposited {
            customer: who,
            from,
            amount: amount.to_u256(),
            free: customer.free.to_u256(),
        },
    )?;
    Ok(amount.to_u256())
}

/// Sends free units to the wallet of the caller. What is not bound is promised to nobody, so nothing has to be waited for.
///
/// # Errors
/// Those of [`take_out`] and of `ledger::push`.
pub(super) fn withdraw(cx: &mut Ctx<'_>, amount: U256) -> Result<(), Halt> {
    let amount = take_out(cx, amount)?;
    let (asset, to) = (params::known(cx)?.asset, cx.caller());
    ledger::push(cx, asset, POT, to, amount).map(drop)
}

/// The same to one of his accounts: a closed border keeps nobody here.
///
/// # Errors
/// Those of [`take_out`].
pub(super) fn withdraw_to_account(cx: &mut Ctx<'_>, index: u8, amount: U256) -> Result<(), Halt> {
    let amount = take_out(cx, amount)?;
    let (asset, to) = (params::known(cx)?.asset, AccountId::new(cx.caller(), index));
    ledger::shift(cx, asset, POT, to, amount)
}

/// Takes free units of the caller; who calls this moves them.
///
/// # Errors
/// `JobsNotOpen`, `JobsZeroAmount`, `JobsPoor`.
fn take_out(cx: &mut Ctx<'_>, amount: U256) -> Result<Assets, Halt> {
    params::known(cx)?;
    if amount.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    let (who, need) = (cx.caller(), amount);
    let customer = STATE.customers.at(who).load(cx)?;
    let amount = Assets::from_u256(amount).unwrap_or(Assets::MAX);
    if customer.free < amount {
        return Err(poor(who, &customer, need));
    }
    let free = customer.free.sub(amount)?;
    let customer = Customer { free, ..customer };
    STATE.customers.at(who).save(cx, &customer)?;
    leave_escrow(cx, amount)?;
    emit(
        cx,
        &Withdrawn {
            customer: who,
            amount: amount.to_u256(),
            free: free.to_u256(),
        },
    )?;
    Ok(amount)
}

/// Units leave what belongs to customers (JOB-1).
pub(super) fn leave_escrow(cx: &mut Ctx<'_>, amount: Assets) -> Result<(), Halt> {
    if STATE.escrow.sub_bounded(cx, amount, Assets::ZERO)? {
        return Ok(());
    }
    Err(Halt::overflow())
}

pub(super) fn poor(who: Address, customer: &Customer, need: U256) -> Halt {
    revert(&JobsPoor {
        customer: who,
        free: customer.free.to_u256(),
        need,
    })
}

pub(super) fn change(
    cx: &mut Ctx<'_>,
    who: Address,
    change: impl FnOnce(&mut Customer) -> Result<(), Halt>,
) -> Result<Customer, Halt> {
    let place = STATE.customers.at(who);
    let mut customer = place.load(cx)?;
    change(&mut customer)?;
    place.save(cx, &customer)?;
    Ok(customer)
}

/// Says what a key may spend for the caller. A key that was revoked comes back by this; what it has bound still counts.
///
/// # Errors
/// `JobsZeroAmount`, `JobsParamOutOfRange`, `JobsFull`.
pub(super) fn set_key(cx: &mut Ctx<'_>, key: Address, limits: &KeyLimits) -> Result<(), Halt> {
    let who = cx.caller();
    let now_ms = cx.store.block().time_ms;
    if key.is_zero() || limits.total.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    params::within("periodMs", limits.periodMs, PERIOD_MS)?;
    if limits.untilMs <= now_ms {
        return Err(refuse(
            "untilMs",
            U256::from(limits.untilMs),
            now_ms,
            U256::from(u64::MAX),
        ));
    }
    let place = STATE.keys.at((who, key));
    let before = place.load(cx)?;
    if before.period_ms == 0 {
        let list = STATE.key_lists.at(who);
        if list.len(cx)? >= KEYS_MAX {
            return Err(full("keys", KEYS_MAX));
        }
        list.push(cx, key)?;
    }
    // A period of another length begins anew, full: what was bound in this one still counts in it.
    let period = now_ms.checked_div(limits.periodMs).unwrap_or_default();
    let in_period = before.in_period_at(now_ms);
    let next = Key {
        total: Assets::from_u256(limits.total)?,
        per_period: Assets::from_u256(limits.perPeriod)?,
        period_ms: limits.periodMs,
        until_ms: limits.untilMs,
        spent: before.spent,
        period,
        in_period,
        is_revoked: false,
    };
    place.save(cx, &next)?;
    emit(
        cx,
        &KeySet {
            customer: who,
            key,
            limits: limits.clone(),
        },
    )
}

/// Ends a key of the caller: it binds nothing from now on. Vouchers by its word go on as far as it has bound.
///
/// # Errors
/// `JobsKeyInvalid`.
pub(super) fn revoke_key(cx: &mut Ctx<'_>, key: Address) -> Result<(), Halt> {
    let who = cx.caller();
    let place = STATE.keys.at((who, key));
    let before = place.load(cx)?;
    if before.period_ms == 0 || before.is_revoked {
        return Err(invalid(who, key, &before));
    }
    let next = Key {
        is_revoked: true,
        ..before
    };
    place.save(cx, &next)?;
    emit(cx, &KeyRevoked { customer: who, key })
}

fn invalid(customer: Address, key: Address, stored: &Key) -> Halt {
    revert(&JobsKeyInvalid {
        customer,
        key,
        untilMs: stored.until_ms,
    })
}

impl Key {
    /// When the period that runs began.
    pub(super) fn period_from_ms(&self, now_ms: u64) -> u64 {
        let period = now_ms.checked_div(self.period_ms).unwrap_or_default();
        period.saturating_mul(self.period_ms)
    }

    /// What it bound in the period that runs.
    pub(super) fn in_period_at(&self, now_ms: u64) -> Assets {
        let period = now_ms.checked_div(self.period_ms).unwrap_or_default();
        if period == self.period {
            self.in_period
        } else {
            Assets::ZERO
        }
    }

    /// What it may bind now.
    pub(super) fn left_at(&self, now_ms: u64) -> Assets {
        if self.period_ms == 0 || self.is_revoked || now_ms > self.until_ms {
            return Assets::ZERO;
        }
        let in_all = self.total.sub_or_zero(self.spent);
        let in_period = self.per_period.sub_or_zero(self.in_period_at(now_ms));
        in_all.min(in_period)
    }
}

/// Counts what a key binds (JOB-3). This is the only way out of an escrow but its owner's. Answers when the key's period began.
///
/// # Errors
/// `JobsKeyInvalid`, `JobsKeyLimit`.
pub(super) fn spend(
    cx: &mut Ctx<'_>,
    who: Address,
    key: Address,
    amount: Assets,
) -> Result<u64, Halt> {
    let now_ms = cx.store.block().time_ms;
    let place = STATE.keys.at((who, key));
    let stored = place.load(cx)?;
    if stored.period_ms == 0 || stored.is_revoked || now_ms > stored.until_ms {
        return Err(invalid(who, key, &stored));
    }
    let left = stored.left_at(now_ms);
    if amount > left {
        return Err(revert(&JobsKeyLimit {
            customer: who,
            key,
            left: left.to_u256(),
            need: amount.to_u256(),
        }));
    }
    let next = Key {
        spent: stored.spent.add(amount)?,
        period: now_ms.checked_div(stored.period_ms).unwrap_or_default(),
        in_period: stored.in_period_at(now_ms).add(amount)?,
        ..stored
    };
    place.save(cx, &next)?;
    Ok(stored.period_from_ms(now_ms))
}

/// What was released counts no more in all, nor in the period that runs what was bound in it. What an earlier period bound
/// counts there: given back to this one, what a key saved in many periods could be bound in one.
pub(super) fn unbind(cx: &mut Ctx<'_>, channel: &Channel, amount: Assets) -> Result<(), Halt> {
    unspend(cx, channel.customer, channel.key, amount)?;
    let now_ms = cx.store.block().time_ms;
    let place = STATE.keys.at((channel.customer, channel.key));
    let saved = place.update(cx, |stored| {
        if stored.period_from_ms(now_ms) == channel.fresh_from_ms {
            let fresh = channel.fresh.min(amount);
            stored.in_period = stored.in_period.sub_or_zero(fresh);
        }
        Ok(())
    });
    saved.map(drop)
}

/// What came back of a claim counts no more in all; in its period it still does.
pub(super) fn unspend(
    cx: &mut Ctx<'_>,
    who: Address,
    key: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let saved = STATE.keys.at((who, key)).update(cx, |stored| {
        stored.spent = stored.spent.sub(amount)?;
        Ok(())
    });
    saved.map(drop)
}
