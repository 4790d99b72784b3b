//! Pure arithmetic of prices; all rounding of `oracle` is here.

use alloy_primitives::U256;
use capstan_units::{NumberError, Price, mul_div_down};

/// One whole, in hundredths of a percent.
const BPS: u64 = 10_000;
const MS_PER_MIN: u64 = 60 * 1_000;
/// 365 days, as rates are quoted.
const MS_PER_YEAR: u64 = 365 * 24 * 60 * MS_PER_MIN;

/// The median of sorted prices; of an even number, the mean of the two in the middle, rounded down.
/// `None` of nothing.
pub(super) fn median_down(sorted: &[Price]) -> Option<Price> {
    let high = sorted.get(sorted.len().div_euclid(2))?;
    if sorted.len() % 2 == 1 {
        return Some(*high);
    }
    let low = sorted.get(sorted.len().div_euclid(2).checked_sub(1)?)?;
    // Two prices below 2^112 add up within 128 bits; their mean is below 2^112 again.
    let mean = low.get().saturating_add(high.get()).div_euclid(2);
    Some(Price::new(mean).unwrap_or(Price::MAX))
}

/// By how much the larger price exceeds the smaller one, in parts of the smaller, rounded up. Nothing is
/// infinitely far from zero.
pub(super) fn distance_bps_up(a: Price, b: Price) -> u64 {
    let (small, large) = (a.min(b).to_u256(), a.max(b).to_u256());
    // Prices are below 2^112, so the product fits.
    let excess = large.saturating_sub(small).saturating_mul(U256::from(BPS));
    if small.is_zero() {
        return if excess.is_zero() { 0 } else { u64::MAX };
    }
    u64::try_from(excess.div_ceil(small)).unwrap_or(u64::MAX)
}

/// How far a median may be from a price that was accepted `elapsed_ms` before.
pub(super) fn band_bps_down(band_bps: u16, widen_bps_per_min: u16, elapsed_ms: u64) -> u64 {
    let widened = u64::from(widen_bps_per_min)
        .saturating_mul(elapsed_ms)
        .div_euclid(MS_PER_MIN);
    u64::from(band_bps).saturating_add(widened)
}

/// Whether the larger price is at most `factor` times the smaller one.
pub(super) fn within_factor(a: Price, b: Price, factor: u64) -> bool {
    let (small, large) = (a.min(b).to_u256(), a.max(b).to_u256());
    large <= small.saturating_mul(U256::from(factor))
}

/// The smoothed price `dt_ms` later: `dt / (smooth + dt)` of the way to the spot, rounded toward where it was, so
/// that it never passes the spot (ORC-11).
pub(super) fn smoothed_toward(
    from: Price,
    spot: Price,
    dt_ms: u64,
    smooth_ms: u32,
) -> Result<Price, NumberError> {
    let whole = u128::from(dt_ms).saturating_add(smooth_ms.into());
    if whole == 0 {
        return Ok(spot);
    }
    let way = U256::from(from.get().abs_diff(spot.get()));
    let step = mul_div_down(way, U256::from(dt_ms), U256::from(whole))?;
    Price::from_u256(if from <= spot {
        from.to_u256().saturating_add(step)
    } else {
        from.to_u256().saturating_sub(step)
    })
}

/// A rate that accrued at most `growth_bps_per_year` for a time, rounded down and cut at the largest price.
pub(super) fn grown_down(
    price: Price,
    growth_bps_per_year: u16,
    elapsed_ms: u64,
) -> Result<Price, NumberError> {
    let part = u128::from(growth_bps_per_year).saturating_mul(elapsed_ms.into());
    let whole = U256::from(BPS).saturating_mul(U256::from(MS_PER_YEAR));
    let growth = mul_div_down(price.to_u256(), U256::from(part), whole)?;
    let grown = price.to_u256().saturating_add(growth);
    Ok(Price::from_u256(grown).unwrap_or(Price::MAX))
}
