//! Leverage as one batch, and its way back: verbs that are there already, in their order, with a swap between.
//!
//! ```text
//!   lever     borrow ─► swap all of it ─► supply                         long of what is bought, short of what is owed
//!   unlever   redeem what it takes ─► swap just the debt ─► repay ─► what is left over back to the market
//! ```
//!
//! A short is the same with the assets changed over; a debt is refinanced by `borrow`, `swap`, `repay`. Pure: the way
//! through the pools comes from a quote, and its bounds are the signer's.

use alloy_primitives::U256;
use capstan_contracts::account::Verb;

use crate::{Batch, There, Way, plan::GROWTH_DIVISOR};

/// What must be bought to pay a whole debt that grows until its block.
pub fn owed_with_growth(owed: U256) -> U256 {
    if owed.is_zero() {
        return owed;
    }
    owed + owed / U256::from(GROWTH_DIVISOR) + U256::from(1)
}

/// Borrows what the way pays, swaps it, and supplies what was bought, with what stood there as units before.
pub fn lever(batch: &mut Batch, against: &mut There, long: &mut There, way: &Way) {
    let amount = way.bounds.paidMax;
    batch.act(Verb::Borrow, against.asset_id, amount);
    against.owed = against.owed.saturating_add(amount);
    batch.swap(way);
    batch.act(Verb::Supply, long.asset_id, U256::MAX);
    let bought = long.units.saturating_add(way.bounds.receivedMin);
    long.supplied = long.supplied.saturating_add(bought);
    long.units = U256::ZERO;
}

/// Takes out of the market what the way may pay beyond free units, swaps it into what is owed, repays, and supplies again
/// what the swap did not need. `whole`: nothing shall be left of the debt.
pub fn unlever(batch: &mut Batch, long: &mut There, against: &mut There, way: &Way, whole: bool) {
    let missing = way.bounds.paidMax.saturating_sub(long.units);
    let redeemed = missing.min(long.supplied);
    if !redeemed.is_zero() {
        batch.act(Verb::Redeem, long.asset_id, redeemed);
        long.supplied = long.supplied.saturating_sub(redeemed);
        long.units = long.units.saturating_add(redeemed);
    }
    batch.swap(way);
    long.units = long.units.saturating_sub(way.bounds.paidMax);
    let bought = way.bounds.receivedMin;
    let amount = if whole { U256::MAX } else { bought };
    batch.act(Verb::Repay, against.asset_id, amount);
    against.owed = against.owed.saturating_sub(bought.min(against.owed));
    if !redeemed.is_zero() {
        batch.act(Verb::Supply, long.asset_id, U256::MAX);
        long.supplied = long.supplied.saturating_add(long.units);
        long.units = U256::ZERO;
    }
}
