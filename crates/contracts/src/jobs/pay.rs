//! The one door through which a machine's income leaves this room.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{POT, STATE};
use crate::{ledger, machines};

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
    /// When the epoch ended in which it was earned.
    pub(super) earned_ms: u64,
}

/// Pays a machine's income to the account of whoever holds its title.
///
/// # Errors
/// `ERC721NonexistentToken`, `LedgerInsufficient`.
pub(super) fn pay_income(cx: &mut Ctx<'_>, payment: &Payment) -> Result<(), Halt> {
    let Payment {
        machine,
        customer,
        first_seen_ms,
        asset,
        amount,
        fee,
        earned_ms,
    } = *payment;
    // Whose money it was, and when it was earned, decides what income may back; a holder's account does not ask.
    let _ = (customer, first_seen_ms, fee, earned_ms);
    let holder = machines::holder_of(cx, machine)?;
    ledger::shift(cx, asset, POT, AccountId::new(holder, 0), amount)
}

/// Changes what customers have bound to a machine's work and what of it is claimed: income that is funded and not yet earned.
pub(super) fn change_funded(
    cx: &mut Ctx<'_>,
    machine: u64,
    change: impl FnOnce(Assets) -> Result<Assets, Halt>,
) -> Result<(), Halt> {
    let saved = STATE.standings.at(machine).update(cx, |standing| {
        standing.funded = change(standing.funded)?;
        Ok(())
    });
    saved.map(drop)
}
