//! The one door through which a machine's income leaves this room.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::POT;
use crate::{ledger, machines};

/// What a machine earned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payment {
    /// Which machine.
    pub(super) machine: u64,
    /// Who paid.
    pub(super) customer: Address,
    /// Since when he is a customer.
    pub(super) customer_since_ms: u64,
    /// In what.
    pub(super) asset: AssetId,
    /// How much, after the fee; in the pot.
    pub(super) amount: Assets,
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
        customer_since_ms,
        asset,
        amount,
        earned_ms,
    } = *payment;
    // Whose money it was, and when it was earned, decides what income may back; a holder's account does not ask.
    let _ = (customer, customer_since_ms, earned_ms);
    let holder = machines::holder_of(cx, machine)?;
    ledger::shift(cx, asset, POT, AccountId::new(holder, 0), amount)
}
