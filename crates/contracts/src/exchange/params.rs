//! What may be chosen, and in which range.

use alloy_primitives::U256;

/// Millionths: the unit of fees.
pub(super) const PIPS: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);
/// Fees that a pool may have: 0.01 %, 0.05 %, 0.3 %, 1 %. Few, so that liquidity meets.
pub const FEE_TIERS_PIPS: [u32; 4] = [100, 500, 3_000, 10_000];
/// In place of a fee: it follows how far the price went lately. Pools of ranges alone.
pub const FEE_DYNAMIC: u32 = 0;
/// The least of such a fee: 0.05 %.
pub const FEE_DYNAMIC_MIN_PIPS: u32 = 500;
/// The most: 1 %.
pub const FEE_DYNAMIC_MAX_PIPS: u32 = 10_000;
/// What it rises by for each tick: a tenth of what the price moves by.
pub(super) const FEE_PIPS_PER_TICK: u32 = 10;
/// Parts of a tick in which the swing of a price is kept.
pub(super) const SWING_PARTS: u32 = 16;
/// A swing that makes the fee its highest, in parts.
pub(super) const SWING_MAX: u32 =
    (FEE_DYNAMIC_MAX_PIPS - FEE_DYNAMIC_MIN_PIPS) / FEE_PIPS_PER_TICK * SWING_PARTS;
/// Flattest stable curve.
pub const AMPLIFICATION_MAX: u32 = 10_000;
/// Most assets of a stable pool.
pub const COINS_MAX: usize = 4;
/// Most decimals of a stable pool's assets: they are counted in units of 10^-18.
pub(super) const STABLE_DECIMALS_MAX: u8 = 18;
/// Shares of a first deposit that belong to nobody: a pool never becomes empty, and a share never becomes dear.
pub const LOCKED_SHARES: u128 = 1_000;

/// Most legs of one swap.
pub const LEGS_MAX: usize = 16;
/// Pools of a pair that its list holds.
pub(super) const POOLS_OF_PAIR_MAX: u32 = 16;
/// Places of that list that stable pools may take: their shapes are too many, and those of others always fit.
pub(super) const STABLE_POOLS_OF_PAIR_MAX: u32 = 7;

/// Most of every fee that the protocol may take: a quarter.
pub const PROTOCOL_SHARE_MAX_BPS: u16 = 2_500;
/// How long a larger part is announced before it counts.
pub const CHANGE_DELAY_MS: u64 = 86_400_000;

/// Sums of prices that are kept of each pool.
pub(super) const OBSERVATIONS: u32 = 128;
/// Time between two of them, at least. Together they reach back half an hour even if every block trades.
pub(super) const OBSERVE_EVERY_MS: u64 = 15_000;
/// Longest window of a mean price.
pub const WINDOW_MAX_MS: u64 = 1_800_000;
/// Half-life of the exponential mean.
pub const HALF_LIFE_MS: u64 = 600_000;

/// Most marks and empty stretches that one swap passes in a pool of ranges.
pub const STEPS_MAX: u32 = 64;
/// Gas of one, beside storage: two powers of a tick and six divisions of 512 bits.
pub(super) const RANGE_STEP_GAS: u64 = 700;
/// Gas of a leg, beside storage and steps: its pool in memory, two divisions of 512 bits, a logarithm at times.
pub(super) const LEG_GAS: u64 = 400;
/// Gas of a step of Newton's iteration: a division of 512 bits per coin and four more.
pub(super) const NEWTON_STEP_GAS: u64 = 150;

/// Most by which sales of one block lower the price of one pool, until the owner says otherwise: 1 %. Arbitrage brings back
/// so much within blocks at the usual fees, and a cascade does not feed itself.
pub const SALE_IMPACT_BPS: u16 = 100;
/// The least that the owner may say: 0.1 %.
pub const SALE_IMPACT_MIN_BPS: u16 = 10;
/// The most: 10 %.
pub const SALE_IMPACT_MAX_BPS: u16 = 1_000;
/// Most coins through which a sale may take two steps.
pub const COMMON_COINS_MAX: usize = 3;
/// Most ways of one sale.
pub(super) const SALE_WAYS_MAX: usize = 4;
/// Into so many slices a sale is cut where one way does not take it well.
pub(super) const SALE_SLICES: u128 = 8;
/// Most slices, those that were halved included.
pub(super) const SALE_SLICES_MAX: usize = 16;
/// The smallest slice is one part of so many.
pub(super) const SALE_PARTS: u128 = 64;
/// No smaller part is tried, if there is so much: rounding would hide its price.
pub(super) const SALE_AMOUNT_MIN: u128 = 10_000;
/// A sale that loses less than this against its smallest part goes by one way: 0.2 %.
pub(super) const SALE_FLAT_BPS: u16 = 20;
/// Gas after which a search takes no more pools or slices.
pub(super) const SALE_SEARCH_GAS: u64 = 2_000_000;
/// A way that takes more gas to try is none: a pool of ranges with marks by the dozen.
pub(super) const SALE_RUN_GAS: u64 = 250_000;
/// Gas of a last try of all legs, of which every word is warm by then: it bounds the marks that the sale itself passes.
pub(super) const SALE_LEGS_GAS: u64 = 150_000;
