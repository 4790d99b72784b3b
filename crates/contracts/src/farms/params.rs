//! Bounds of the contract. Nothing here can be tuned: nobody owns a farm.

/// Most different rewards of one farm: every action touches each of them.
pub const REWARDS_MAX: usize = 4;
/// Shortest and longest time over which somebody lets a reward flow: an hour, a year.
pub const PERIOD_MS: (u64, u64) = (3_600_000, 365 * 86_400_000);
/// The time over which harvested fees flow: seven days.
pub const FEE_PERIOD_MS: u64 = 7 * 86_400_000;

/// Locks end at multiples of this: 28 days. Few ends, so that a farm passes each of them exactly.
pub const EPOCH_MS: u64 = 28 * 86_400_000;
/// Ends that a lock may choose from, so also the most that a farm passes when it was left alone.
pub const LOCK_EPOCHS_MAX: u32 = 13;
/// The most that a lock adds to a stake, in halves of it: two and a half times together.
pub(super) const EXTRA_MAX_HALVES: u128 = 3;
/// The highest lift: one smallest unit of the lock lifts so many of the stake, times 10^18.
pub(super) const LIFT_WAD_MAX: u128 = 1_000_000_000_000_000_000_000_000_000_000_000_000;
