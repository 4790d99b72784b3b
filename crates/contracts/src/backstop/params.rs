//! What may be tuned. Both ends of every range are here, and who may move it.
//!
//! The owner of the scope sets a stake's parameters. A change that only lowers the cap counts at once, any other a day
//! after it was announced (BACK-12). No largest step: whoever requests to leave within the day keeps the times of then.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::Assets;

use super::{IBackstop::StakeParams, error::BackstopParamOutOfRange};

pub use super::state::Params;
use crate::revert;

/// How long a change waits that does more than lower the cap.
pub const CHANGE_DELAY_MS: u64 = 86_400_000;
/// Smallest seed of a stake, in smallest units.
pub const SEED_MIN: u128 = 1_000;
/// Highest cap: a thousandth of the largest amount, since shares have three digits more.
pub const CAP_MAX: u128 = Assets::MAX.get() / 1_000;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Shortest and longest cooldown.
pub const COOLDOWN_MS: (u64, u64) = (HOUR_MS, 90 * DAY_MS);
/// Shortest and longest window.
pub const WINDOW_MS: (u64, u64) = (HOUR_MS, 30 * DAY_MS);
/// Shortest and longest time of a reward.
pub const REWARD_MS: (u64, u64) = (HOUR_MS, 365 * DAY_MS);
/// Shortest and longest time of a sale.
pub const SALE_MS: (u64, u64) = (60_000, 30 * DAY_MS);
/// Lowest and highest beginning of the price of goods.
pub const START_BPS: (u64, u64) = (10_000, 20_000);
/// Lowest and highest end of it.
pub const FLOOR_BPS: (u64, u64) = (1_000, 10_000);

pub(super) fn refuse(what: &str, value: U256, min: u64, max: U256) -> Halt {
    let (what, min) = (what.to_owned(), U256::from(min));
    revert(&BackstopParamOutOfRange {
        what,
        value,
        min,
        max,
    })
}

fn within(what: &str, value: u64, (min, max): (u64, u64)) -> Result<(), Halt> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(refuse(what, U256::from(value), min, U256::from(max)))
}

impl Params {
    /// From the ABI, if every part is in its range.
    pub(super) fn checked(params: &StakeParams) -> Result<Self, Halt> {
        let StakeParams {
            cap,
            cooldownMs: cooldown_ms,
            windowMs: window_ms,
            rewardMs: reward_ms,
            saleMs: sale_ms,
            saleStartBps: sale_start_bps,
            saleFloorBps: sale_floor_bps,
        } = *params;
        let cap_max = U256::from(CAP_MAX);
        if cap > cap_max {
            return Err(refuse("cap", cap, 0, cap_max));
        }
        within("cooldownMs", cooldown_ms, COOLDOWN_MS)?;
        within("windowMs", window_ms, WINDOW_MS)?;
        within("rewardMs", reward_ms, REWARD_MS)?;
        within("saleMs", sale_ms, SALE_MS)?;
        within("saleStartBps", sale_start_bps.into(), START_BPS)?;
        within("saleFloorBps", sale_floor_bps.into(), FLOOR_BPS)?;
        Ok(Self {
            cap: Assets::from_u256(cap)?,
            cooldown_ms,
            window_ms,
            reward_ms,
            sale_ms,
            sale_start_bps,
            sale_floor_bps,
        })
    }

    /// Whether this differs from `other` in a lower cap alone.
    pub(super) fn is_tighter(self, other: Self) -> bool {
        self.cap <= other.cap
            && self
                == Self {
                    cap: self.cap,
                    ..other
                }
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> StakeParams {
        let Self {
            cap,
            cooldown_ms,
            window_ms,
            reward_ms,
            sale_ms,
            sale_start_bps,
            sale_floor_bps,
        } = self;
        StakeParams {
            cap: cap.to_u256(),
            cooldownMs: cooldown_ms,
            windowMs: window_ms,
            rewardMs: reward_ms,
            saleMs: sale_ms,
            saleStartBps: sale_start_bps,
            saleFloorBps: sale_floor_bps,
        }
    }
}
