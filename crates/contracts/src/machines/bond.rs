//! What stands for a machine's word: put in, added to, slashed, taken out.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    ADDRESS, FORFEIT,
    IMachines::{BondAdded, BondSlashed, ForfeitSent, MachineGone, MachineLeaving},
    POT, audit,
    error::*,
    params,
    record::{held_by_caller, known, refuse_gone, save},
    security::expect_unlocked,
    state::Machine,
    status::Reason,
};
use crate::{admin, contract::emit, ledger, revert, still};

/// Adds tokens of the caller, whoever he is. Answers what arrived.
///
/// # Errors
/// `MachinesUnknown`, `MachinesLeft`, and those of `ledger::pull`.
pub(super) fn add(cx: &mut Ctx<'_>, id: u64, amount: U256) -> Result<U256, Halt> {
    let asset = known(cx, id)?.asset;
    let from = cx.caller();
    let amount = ledger::pull(cx, asset, from, POT, Assets::from_u256(amount)?)?;
    // After the pull the machine is no longer what it was before: the token may have run its payer's code.
    let mut machine = known(cx, id)?;
    refuse_gone(id, &machine)?;
    machine.bond = machine.bond.add(amount)?;
    if machine.bond >= machine.bond_min {
        machine.barred_ms = 0;
    }
    save(cx, id, &machine)?;
    emit(
        cx,
        &BondAdded {
            machineId: id,
            from,
            amount: amount.to_u256(),
            bond: machine.bond.to_u256(),
        },
    )?;
    Ok(amount.to_u256())
}

/// Begins to leave; never stopped but by a debt of the machine (MACH-10).
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotHolder`, `MachinesLocked`, `MachinesLeft`.
pub(super) fn leave(cx: &mut Ctx<'_>, id: u64) -> Result<u64, Halt> {
    let machine = held_by_caller(cx, id)?;
    expect_unlocked(cx, id)?;
    if machine.left_ms != 0 {
        return Err(revert(&MachinesLeft { machineId: id }));
    }
    let (params, now_ms) = (params::known(cx)?, cx.store.block().time_ms);
    let machine = Machine {
        left_ms: now_ms,
        withdraw_from_ms: now_ms.saturating_add(params.unbond_ms),
        ..machine
    };
    save(cx, id, &machine)?;
    let withdraw_from_ms = machine.withdraw_from_ms(cx)?;
    emit(
        cx,
        &MachineLeaving {
            machineId: id,
            withdrawFromMs: withdraw_from_ms,
        },
    )?;
    Ok(withdraw_from_ms)
}

impl Machine {
    /// From when the bond of one that leaves may be taken, by what is known now; zero where it does not leave. What may still slash it
    /// waits for longer where the chain stood still (MACH-14), so it does too.
    pub(super) fn withdraw_from_ms(&self, cx: &mut Ctx<'_>) -> Result<u64, Halt> {
        let window_ms = self.withdraw_from_ms.saturating_sub(self.left_ms);
        match self.left_ms {
            0 => Ok(0),
            left_ms => still::until_ms(cx, left_ms, window_ms),
        }
    }
}

/// Sends the bond of a machine that left to its holder's wallet.
///
/// # Errors
/// Those of [`take_out`] and of `ledger::push`.
pub(super) fn withdraw(cx: &mut Ctx<'_>, id: u64) -> Result<U256, Halt> {
    let (asset, bond) = take_out(cx, id)?;
    if !bond.is_zero() {
        let holder = cx.caller();
        ledger::push(cx, asset, POT, holder, bond)?;
    }
    Ok(bond.to_u256())
}

/// The same to one of his accounts: a closed border keeps nobody here.
///
/// # Errors
/// Those of [`take_out`].
pub(super) fn withdraw_to_account(cx: &mut Ctx<'_>, id: u64, index: u8) -> Result<U256, Halt> {
    let (asset, bond) = take_out(cx, id)?;
    let to = AccountId::new(cx.caller(), index);
    ledger::shift(cx, asset, POT, to, bond)?;
    Ok(bond.to_u256())
}

/// Takes the bond out of a record; the caller moves it.
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotHolder`, `MachinesNotLeaving`, `MachinesLeft`, `MachinesNotRipe`,
/// `MachinesChallengeOpen`, `MachinesLocked`.
fn take_out(cx: &mut Ctx<'_>, id: u64) -> Result<(AssetId, Assets), Halt> {
    let machine = held_by_caller(cx, id)?;
    refuse_gone(id, &machine)?;
    expect_unlocked(cx, id)?;
    if machine.left_ms == 0 {
        return Err(revert(&MachinesNotLeaving { machineId: id }));
    }
    let (now_ms, from_ms) = (cx.store.block().time_ms, machine.withdraw_from_ms(cx)?);
    if now_ms < from_ms {
        return Err(revert(&MachinesNotRipe {
            machineId: id,
            withdrawFromMs: from_ms,
            nowMs: now_ms,
        }));
    }
    audit::expect_none_open(cx, id)?;
    // A challenge that was decided and that nobody settled has taken its part by now.
    let machine = known(cx, id)?;
    let bond = machine.bond;
    let gone = Machine {
        bond: Assets::ZERO,
        gone_ms: now_ms,
        ..machine
    };
    save(cx, id, &gone)?;
    emit(
        cx,
        &MachineGone {
            machineId: id,
            holder: cx.caller(),
            bond: bond.to_u256(),
        },
    )?;
    Ok((machine.asset, bond))
}

/// Takes up to `amount` of a machine's bond for an account (MACH-4). Answers what was taken. For rooms above (`jobs`, `income`), which say why.
///
/// # Errors
/// `MachinesUnknown`.
pub fn slash(
    cx: &mut Ctx<'_>,
    id: u64,
    amount: Assets,
    to: AccountId,
    why: Reason,
) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut machine = known(cx, id)?;
    let amount = amount.min(machine.bond);
    if amount.is_zero() {
        return Ok(amount);
    }
    machine.bond = machine.bond.sub(amount)?;
    if machine.bond < machine.bond_min && machine.barred_ms == 0 {
        machine.barred_ms = cx.store.block().time_ms;
    }
    save(cx, id, &machine)?;
    ledger::shift(cx, machine.asset, POT, to, amount)?;
    emit(
        cx,
        &BondSlashed {
            machineId: id,
            to: to.owner,
            index: to.index,
            amount: amount.to_u256(),
            bond: machine.bond.to_u256(),
            reason: why.number(),
        },
    )?;
    Ok(amount)
}

/// Sends on what challenges took, for the owner of the scope.
///
/// # Errors
/// `AdminNotOwner`, `MachinesZeroAmount`, `LedgerInsufficient`.
pub(super) fn send_forfeit(
    cx: &mut Ctx<'_>,
    asset: u32,
    to: Address,
    index: u8,
    amount: U256,
) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    if amount.is_zero() || to.is_zero() {
        return Err(revert(&MachinesZeroAmount {}));
    }
    let amount = Assets::from_u256(amount)?;
    ledger::shift(
        cx,
        AssetId::new(asset),
        FORFEIT,
        AccountId::new(to, index),
        amount,
    )?;
    emit(
        cx,
        &ForfeitSent {
            assetId: asset,
            to,
            index,
            amount: amount.to_u256(),
        },
    )
}
