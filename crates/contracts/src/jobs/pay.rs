//! The one door through which a machine's income leaves this room, and through which is told what is funded.
//!
//! `income` decides where a payment goes: to the machine's debt first, then to whoever holds its title. Nothing that it
//! decides holds a settlement up: a payment whose sharing out fails waits in the machine's own stream. What remains is
//! words that are damaged, of one machine: claims of others are looked at by themselves.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{POT, STATE, params};
use crate::income::{self, Earning};

/// What a machine earned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payment {
    /// Which machine.
    pub(super) machine: u64,
    /// Who paid.
    pub(super) customer: Address,
    /// Since when he is known.
    pub(super) first_seen_ms: u64,
    /// In what.
    pub(super) asset: AssetId,
    /// How much, after the fee; in the pot.
    pub(super) amount: Assets,
    /// What settlement took besides.
    pub(super) fee: Assets,
}

/// Pays a machine's income.
///
/// # Errors
/// `ERC721NonexistentToken`, `LedgerInsufficient`.
pub(super) fn pay_income(cx: &mut Ctx<'_>, payment: &Payment) -> Result<(), Halt> {
    let earning = Earning {
        machine_id: payment.machine,
        asset: payment.asset,
        from: POT,
        amount: payment.amount,
        fee: payment.fee,
        customer: payment.customer,
        first_seen_ms: payment.first_seen_ms,
    };
    income::earned(cx, &earning).map(drop)
}

/// Changes what customers have bound to a machine's work and what of it is claimed: income that is funded and not yet earned.
pub(super) fn change_funded(
    cx: &mut Ctx<'_>,
    machine: u64,
    change: impl FnOnce(Assets) -> Result<Assets, Halt>,
) -> Result<(), Halt> {
    STATE.standings.at(machine).update(cx, |standing| {
        standing.funded = change(standing.funded)?;
        Ok(())
    })?;
    tell_funded(cx, machine)
}

/// Tells what is funded, once everything else of a change stands. Nothing stops a claim, a release or a refund (JOB-13):
/// where `income` cannot be told, it knows too much or too little until the next change, and nobody waits for that.
pub(super) fn tell_funded(cx: &mut Ctx<'_>, machine: u64) -> Result<(), Halt> {
    let funded = STATE.standings.at(machine).load(cx)?.funded;
    let asset = params::known(cx)?.asset;
    let told = cx.attempt_item(|cx| income::escrow_left(cx, machine, asset, funded))?;
    drop(told);
    Ok(())
}

/// Tells who topped up a customer's balance for the first time. A deposit waits for that as little.
pub(super) fn tell_funder(cx: &mut Ctx<'_>, customer: Address, by: Address) -> Result<(), Halt> {
    let told = cx.attempt_item(|cx| income::funded(cx, customer, by))?;
    drop(told);
    Ok(())
}
