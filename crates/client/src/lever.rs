//! Leverage as one batch, and its way back: verbs that are there already, in their order, with a swap between.
//!
//! ```text
//!   lever     borrow ─► swap all of it ─► supply                         long of what is bought, short of what is owed
//!   unlever   redeem what it takes ─► swap just the debt ─► repay                  what is left over stays as units
//!
//!   refinance   a debt:        borrow of the new asset what it takes ─► swap just the old debt ─► repay
//!               a collateral:  redeem what it takes ─► swap all of it ─► back to the market, if it came from there
//! ```
//!
//! A short is the same with the assets changed over. Pure: the way through the pools comes from a quote, and its bounds are
//! the signer's.

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

/// Takes out of the market what the way may pay beyond free units, swaps it into what is owed, and repays. What the swap did
/// not need stays as units: a market that is full or paused must not keep anybody from paying a debt. `whole`: nothing
/// shall be left of the debt.
pub fn unlever(batch: &mut Batch, long: &mut There, against: &mut There, way: &Way, whole: bool) {
    redeem_for(batch, long, way.bounds.paidMax);
    batch.swap(way);
    long.units = long.units.saturating_sub(way.bounds.paidMax);
    // What stood there as units was not bought, and pays too.
    let paid = against.units.saturating_add(way.bounds.receivedMin);
    let amount = if whole { U256::MAX } else { paid };
    batch.act(Verb::Repay, against.asset_id, amount);
    against.units = paid.saturating_sub(against.owed);
    against.owed = against.owed.saturating_sub(paid);
}

/// Borrows what the way may pay, or mints it, swaps it into just what is owed of another asset, and repays that. What the
/// swap does not need stays as units. `whole`: nothing shall be left of the old debt.
pub fn refinance_debt(
    batch: &mut Batch,
    old: &mut There,
    new: &mut There,
    way: &Way,
    whole: bool,
    is_minted: bool,
) {
    let amount = way.bounds.paidMax;
    if is_minted {
        batch.mint(amount);
    } else {
        batch.act(Verb::Borrow, new.asset_id, amount);
    }
    new.owed = new.owed.saturating_add(amount);
    batch.swap(way);
    let bought = way.bounds.receivedMin;
    let amount = if whole { U256::MAX } else { bought };
    batch.act(Verb::Repay, old.asset_id, amount);
    old.units = old.units.saturating_add(bought.saturating_sub(old.owed));
    old.owed = old.owed.saturating_sub(bought);
}

/// Swaps collateral into another, and lends what came if any of it was lent before; with it what stood there as units.
/// `whole`: nothing shall be left in the old market.
pub fn refinance_collateral(
    batch: &mut Batch,
    old: &mut There,
    new: &mut There,
    way: &Way,
    whole: bool,
) {
    let amount = way.bounds.paidMax;
    let was_lent = if whole && !old.supplied.is_zero() {
        batch.act(Verb::Redeem, old.asset_id, U256::MAX);
        old.units = old.units.saturating_add(old.supplied);
        old.supplied = U256::ZERO;
        true
    } else {
        !redeem_for(batch, old, amount).is_zero()
    };
    batch.swap(way);
    old.units = old.units.saturating_sub(amount);
    new.units = new.units.saturating_add(way.bounds.receivedMin);
    if was_lent {
        batch.act(Verb::Supply, new.asset_id, U256::MAX);
        new.supplied = new.supplied.saturating_add(new.units);
        new.units = U256::ZERO;
    }
}

/// Takes out of the market what an account lacks of so many units; answers how many.
fn redeem_for(batch: &mut Batch, held: &mut There, units: U256) -> U256 {
    let missing = units.saturating_sub(held.units);
    let redeemed = missing.min(held.supplied);
    if !redeemed.is_zero() {
        batch.act(Verb::Redeem, held.asset_id, redeemed);
        held.supplied = held.supplied.saturating_sub(redeemed);
        held.units = held.units.saturating_add(redeemed);
    }
    redeemed
}
