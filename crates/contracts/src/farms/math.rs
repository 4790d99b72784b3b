//! How rewards flow and who is due what: pure. Fine parts are 2^-128 of a unit.
//!
//! All that was ever paid into one reward of a farm is at most 2^112 units, so 2^240 fine parts, and nobody's weight times
//! the flow per weight while he had it is more than what flowed: no product here leaves a word.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, Wad, mul_div_down, mul_div_up};

use super::{
    params::EXTRA_MAX_HALVES,
    state::{Farm, Flow},
};

const FINE_BITS: usize = 128;

/// Whole units as fine parts.
pub(super) fn fine(amount: Assets) -> U256 {
    amount.to_u256().wrapping_shl(FINE_BITS)
}

/// The whole units in fine parts.
pub(super) fn units_down(fine: U256) -> Result<Assets, Halt> {
    Ok(Assets::from_u256(fine.wrapping_shr(FINE_BITS))?)
}

/// What a weight is due of a growth of the flow per weight.
pub(super) fn earned_fine(weight: u128, grown_fine: U256) -> Result<U256, Halt> {
    let earned = U256::from(weight).checked_mul(grown_fine);
    earned.ok_or_else(Halt::overflow)
}

impl Flow {
    /// Lets `ms` pass while `weight` is staked. Without any, nothing flows and no time passes (FARM-3).
    pub(super) fn run(&mut self, weight: u128, ms: u64) -> Result<(), Halt> {
        let ms = ms.min(self.left_ms);
        if weight == 0 || ms == 0 {
            return Ok(());
        }
        let weight = U256::from(weight);
        let moved = mul_div_down(self.left_fine, U256::from(ms), U256::from(self.left_ms))?;
        let grown = moved.wrapping_div(weight);
        let flowed = grown.checked_mul(weight).ok_or_else(Halt::overflow)?;
        // What the division leaves is less than a fine part for each unit of weight; it stays and flows later.
        self.left_fine = self.left_fine.saturating_sub(flowed);
        let per_weight = self.per_weight_fine.checked_add(grown);
        self.per_weight_fine = per_weight.ok_or_else(Halt::overflow)?;
        self.left_ms = self.left_ms.saturating_sub(ms);
        Ok(())
    }

    /// Takes more in, to flow over `period_ms`. What flows already and what comes share one time: the mean of both, weighed
    /// by how much they are, but never so long that what flows per second would fall (FARM-6). So a crumb over a year
    /// neither thins out a stream nor holds up the next one.
    pub(super) fn take_in(&mut self, amount: Assets, period_ms: u64) -> Result<(), Halt> {
        self.paid_in = self.paid_in.add(amount)?;
        let (left, more) = (self.left_fine, fine(amount));
        let whole = left.checked_add(more).ok_or_else(Halt::overflow)?;
        self.left_fine = whole;
        if self.left_ms == 0 || left.is_zero() {
            self.left_ms = period_ms;
            return Ok(());
        }
        let present_ms = U256::from(self.left_ms);
        let mean_ms = mul_div_up(left, present_ms, whole)?.saturating_add(mul_div_up(
            more,
            U256::from(period_ms),
            whole,
        )?);
        // At least the present time, since `whole` is more than `left`.
        let as_fast_ms = mul_div_down(present_ms, whole, left).unwrap_or(U256::MAX);
        self.left_ms = u64::try_from(mean_ms.min(as_fast_ms)).map_err(|_| Halt::overflow())?;
        Ok(())
    }
}

impl Farm {
    /// What a lock adds to a stake: what it lifts, and at most one and a half times the stake (FARM-4).
    pub(super) fn extra_down(&self, amount: u128, locked: Assets) -> Result<u128, Halt> {
        let wad = Wad::ONE.to_u256();
        let lifts = mul_div_down(locked.to_u256(), U256::from(self.lift_wad), wad)?;
        let most = amount
            .checked_mul(EXTRA_MAX_HALVES)
            .ok_or_else(Halt::overflow)?
            >> 1;
        Ok(u128::try_from(lifts).unwrap_or(u128::MAX).min(most))
    }
}
