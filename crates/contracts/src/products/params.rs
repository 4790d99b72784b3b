//! The bounds of the contract. Nothing here is tuned: a product keeps the policy that it was made with.

use alloy_primitives::U256;

/// Units of a new product that belong to nobody, with 18 digits: the seed is worth as many dollars at least.
pub const SEED_UNITS: u128 = 100_000_000_000_000_000_000;
/// Leverage of long products, in hundredths of a percent: 1.1 to 10.
pub(super) const LONG_BPS: (u32, u32) = (11_000, 100_000);
/// Leverage of short ones: 0.1 to 5.
pub(super) const SHORT_BPS: (u32, u32) = (1_000, 50_000);
/// Health of loops: 1.03 to 10.
pub(super) const HEALTH_BPS: (u32, u32) = (10_300, 100_000);
/// Largest limit of a sale: 5 %.
pub(super) const LIMIT_BPS_MAX: u16 = 500;
/// Largest fee of who comes or goes: 1 %.
pub(super) const FEE_BPS_MAX: u16 = 100;
/// Ends of the bands of neutral ones: what is owed per half of the liquidity, 0.5 to 1.5.
pub(super) const NEUTRAL_BPS: (u32, u32) = (5_000, 15_000);
/// Their only target: as much is owed as the liquidity is made of.
pub(super) const NEUTRAL_TARGET_BPS: u32 = 10_000;
/// An exposure, or what a slice lacks of its hedge, is left as it is below this part of what it is a part of.
pub(super) const SPECK_PART: u64 = 1_000;
/// The highest ratio of a band lies so far below what may be borrowed against the collateral, as a part of it.
pub(super) const BAND_DISTANCE_BPS: u16 = 300;
/// Each side of a band is at least so wide, in steps of `2^(1/65536)`: 1.09 %.
pub(super) const BAND_LOGS_MIN: i32 = 1_024;
/// A ratio that is nearer to the end of its band than this part of that side counts as beyond: a guard never creeps up to it.
pub(super) const NEAR_PART: i32 = 8;
/// Of what the ratio may move, so many of four parts are for the price that is not the base asset's; the rest for the other.
pub(super) const MOVING_PARTS: i32 = 3;
/// A debt that would be worth less dollars than this is none: the account's smallest debt lies below it.
pub(super) const DEBT_USD_MIN: u128 = 20_000_000_000_000_000_000;
/// A sale of a deposit or a redemption may leave this part of itself, since a way takes whole slices.
pub(super) const UNSOLD_PART: u128 = 1_000;
/// What a closing product could not turn into base units is left aside below so many dollars.
pub(super) const LEFTOVER_USD_MAX: u128 = 1_000_000_000_000_000_000;
/// Sales of a redemption that buys its debt back: what the first one lacked for its costs, the second brings.
pub(super) const BUY_ROUNDS: u32 = 2;
/// The block looks at the latest after so many seconds: a day of interest moves no ratio far.
pub(super) const LOOK_S: u32 = 86_400;
/// To a product at rest, which no price calls for, it comes back after so many.
pub(super) const REST_S: u32 = 3_600;
/// Where nothing but a time calls and no price may be used, it comes back after so many.
pub(super) const UNPRICED_S: u32 = 600;
/// Most products in one `Rebalance` transaction.
pub const LOOKS_MAX: usize = 64;
/// A look begins only with so much gas left: more than any rebalance needs.
pub const LOOK_GAS: u64 = 16_000_000;
/// Gas that one attempt is expected to take.
pub const ATTEMPT_GAS: u64 = 1_500_000;

/// Coins that pay for so many attempts at twice a base fee.
pub fn reserve_wei(attempts: u64, base_fee_wei: U256) -> U256 {
    let gas = U256::from(ATTEMPT_GAS).saturating_mul(U256::from(attempts));
    gas.saturating_mul(U256::from(2))
        .saturating_mul(base_fee_wei)
}
