//! The bounds of the contract. Nothing here is tuned: an order keeps the rules that it was placed under.

use alloy_primitives::U256;

use super::Kind;

/// Ticks of a price step: a 64th of a doubling, about 1.09 %. Orders of one step fire together, so the list of orders
/// tells no finer price.
pub const STEP_TICKS: u32 = 1_024;
/// The highest step that a price can have.
pub(super) const STEP_MAX: u16 = 112 * 64;
/// Most orders of one account.
pub const ORDERS_MAX: u32 = 16;
/// Most orders of kind 1 at one step of an asset's price, in one direction: what one step can make the block do.
pub const STEP_ORDERS_MAX: u32 = 1_024;
/// Most orders in one `Triggers` transaction.
pub const LOOKS_MAX: usize = 256;
/// A look begins only with so much gas left: more than any order needs.
pub const LOOK_GAS: u64 = 16_000_000;
/// Gas that one attempt is expected to take, for what must be prepaid.
pub const ATTEMPT_GAS: u64 = 600_000;
/// What must be prepaid is counted at so many times the present base fee.
pub const PREPAID_FACTOR: u64 = 2;
/// Attempts beside those that fire, for which coins must be prepaid.
const SPARE_ATTEMPTS: u64 = 2;
/// Moves of the best price that a trailing order must have prepaid.
const RATCHETS: u64 = 16;
/// Most slices of an order, and most times that one of kind 4 fires.
pub const COUNT_MAX: u32 = 1_000;
/// Longest life of an order: a year.
pub(super) const LIFE_MS_MAX: u64 = capstan_units::MS_PER_YEAR;
/// Shortest and longest time between slices.
pub(super) const INTERVAL_S: (u32, u32) = (1, 31 * 86_400);
/// Largest limit of a sale: half of its value.
pub(super) const LIMIT_BPS_MAX: u16 = 5_000;
/// Floors of health: 1.01 to 10.
pub(super) const FLOOR_BPS: (u32, u32) = (10_100, 100_000);
/// A target lies so far above its floor at least, and at most at 20.
pub(super) const TARGET_ABOVE_BPS: u32 = 100;
/// See [`TARGET_ABOVE_BPS`].
pub(super) const TARGET_BPS_MAX: u32 = 200_000;
/// Health within so much of its floor counts as at it, in hundredths of a percent: a guard never creeps up to it.
pub(super) const NEAR_BPS: u32 = 50;
/// Most steps from the best price.
pub(super) const DISTANCE_MAX: u16 = 64;

/// The least that must be prepaid, in wei.
pub fn prepaid_min_wei(kind: Kind, count: u32, base_fee_wei: U256) -> U256 {
    let fires = match kind {
        Kind::Price => 1,
        Kind::Trailing => RATCHETS,
        Kind::Slices | Kind::Health => u64::from(count),
    };
    let gas = ATTEMPT_GAS.saturating_mul(fires.saturating_add(SPARE_ATTEMPTS));
    let gas = U256::from(gas.saturating_mul(PREPAID_FACTOR));
    gas.saturating_mul(base_fee_wei)
}
