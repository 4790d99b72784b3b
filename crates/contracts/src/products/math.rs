//! Ratios of debt to collateral, and what values come to.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Bps, LogRatio, Usd, Wad, mul_div_down, mul_div_up};

use super::Kind;

/// One, in wad.
pub(super) fn wad() -> U256 {
    Wad::ONE.to_u256()
}

/// Debt per collateral of a leverage, or of a health at a maintenance factor, in wad, rounded down.
pub(super) fn ratio_down(kind: Kind, bps: u32, maintenance: Bps) -> Result<u64, Halt> {
    let (bps, whole) = (U256::from(bps), U256::from(Bps::ONE.get()));
    let (part, of) = match kind {
        Kind::Long => (bps.saturating_sub(whole), bps),
        Kind::Short => (bps, bps.saturating_add(whole)),
        Kind::Loop => (maintenance.to_u256(), bps),
        // Half of liquidity is of the asset that is owed.
        Kind::Neutral => (bps, whole.saturating_mul(U256::from(2))),
    };
    let ratio = mul_div_down(part, wad(), of)?;
    u64::try_from(ratio).map_err(|_| Halt::overflow())
}

/// What is owed at a ratio by who has so much of his own: `equity * ratio / (1 - ratio)`, rounded down.
pub(super) fn debt_down(equity: Usd, ratio_wad: u64) -> Result<Usd, Halt> {
    let ratio = U256::from(ratio_wad);
    let own = wad().saturating_sub(ratio);
    Ok(Usd::from_u256(mul_div_down(equity.to_u256(), ratio, own)?)?)
}

/// What is held where so much is owed at a ratio: `debt / ratio`, rounded down.
pub(super) fn held_down(debt: Usd, ratio_wad: u64) -> Result<Usd, Halt> {
    let held = mul_div_down(debt.to_u256(), wad(), U256::from(ratio_wad))?;
    Ok(Usd::from_u256(held)?)
}

/// A ratio on a scale of equal steps: `floor(log2(part / whole) * 2^16)`. No part is the least of all, whatever the whole.
pub(super) fn log_down(part: U256, whole: U256) -> i32 {
    LogRatio::of_down(part, whole.max(U256::ONE)).get()
}

/// The same of a ratio in wad.
pub(super) fn log_of(ratio_wad: u64) -> i32 {
    log_down(U256::from(ratio_wad), wad())
}

/// `part / whole` in wad, rounded down; the largest number where there is no whole.
pub(super) fn wad_down(part: Usd, whole: Usd) -> U256 {
    mul_div_down(part.to_u256(), wad(), whole.to_u256()).unwrap_or(U256::MAX)
}

/// What is left of a value when a part stays behind, rounded down.
pub(super) fn less_down(value: Usd, part: Bps) -> Result<Usd, Halt> {
    let kept = part.complement();
    Ok(Usd::from_u256(kept.of_down(value.to_u256())?)?)
}

/// Units for a value that was added: in proportion to what there was, rounded down.
pub(super) fn units_down(supply: U256, added: Usd, before: Usd) -> Result<U256, Halt> {
    Ok(mul_div_down(supply, added.to_u256(), before.to_u256())?)
}

/// What must stay behind for the units that stay, rounded up.
pub(super) fn kept_up(before: Usd, units: U256, supply: U256) -> Result<Usd, Halt> {
    let stay = supply.checked_sub(units).ok_or_else(Halt::overflow)?;
    Ok(Usd::from_u256(mul_div_up(before.to_u256(), stay, supply)?)?)
}
