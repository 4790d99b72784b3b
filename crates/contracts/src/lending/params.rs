//! What may be tuned. Both ends of every range are here, and who may move it.
//!
//! The owner of the scope sets a market's parameters. A change that only lowers caps counts at once, any other a
//! day after it was announced (LEND-12), so that nobody is surprised while he holds a position. No largest step:
//! the day is for leaving.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, Bps};

use super::{
    ILending::MarketParams,
    error::LendingParamOutOfRange,
    rates::{Kinked, RateModel},
    state::Config,
};
use crate::revert;

/// How long a change waits that is not tighter in every part.
pub const CHANGE_DELAY_MS: u64 = 86_400_000;
/// Smallest seed of a market, in smallest units.
pub const SEED_MIN: u128 = 1_000;
/// Lowest supply index at which a market takes supply: 10^-9. Below it a loss took nearly everything.
pub const SUPPLY_INDEX_MIN: u128 = 1_000_000_000_000_000_000;
/// Highest borrow rate per year of the kinked model: 1,000 %.
pub const RATE_BPS_MAX: u32 = 100_000;
/// Utilisation at the kink.
pub const OPTIMAL_BPS: (u32, u32) = (100, 9_900);

/// Numbers of the rate models in storage and ABI.
const KINKED: u8 = 0;
const ADAPTIVE: u8 = 1;

/// Everything that may be tuned in one market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// How the rate follows utilisation.
    pub model: RateModel,
    /// Part of interest that goes to the reserve; up to the whole.
    pub reserve_factor: Bps,
    /// Most assets that may be supplied, interest included.
    pub supply_cap: Assets,
    /// Most assets that may be owed, interest included.
    pub borrow_cap: Assets,
}

pub(super) fn refuse(what: &str, value: U256, min: u32, max: U256) -> Halt {
    let (what, min) = (what.to_owned(), U256::from(min));
    revert(&LendingParamOutOfRange {
        what,
        value,
        min,
        max,
    })
}

fn within(what: &str, value: u32, (min, max): (u32, u32)) -> Result<u32, Halt> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(refuse(what, U256::from(value), min, U256::from(max)))
}

fn cap(what: &str, value: U256) -> Result<Assets, Halt> {
    Assets::from_u256(value).map_err(|_| refuse(what, value, 0, Assets::MAX.to_u256()))
}

impl Params {
    /// From the ABI, if every part is in its range.
    ///
    /// # Errors
    /// `LendingParamOutOfRange`.
    pub fn checked(params: &MarketParams) -> Result<Self, Halt> {
        let MarketParams {
            reserveFactorBps,
            supplyCap,
            borrowCap,
            rateModel,
            baseBps,
            slope1Bps,
            slope2Bps,
            optimalBps,
        } = params;
        let model = match *rateModel {
            KINKED => {
                let slope1_bps = within("slope1Bps", *slope1Bps, (0, RATE_BPS_MAX))?;
                let rest = RATE_BPS_MAX.saturating_sub(slope1_bps);
                let slope2_bps = within("slope2Bps", *slope2Bps, (slope1_bps, rest))?;
                let rest = rest.saturating_sub(slope2_bps);
                let base_bps = within("baseBps", *baseBps, (0, rest))?;
                RateModel::Kinked(Kinked {
                    base_bps,
                    slope1_bps,
                    slope2_bps,
                    optimal_bps: within("optimalBps", *optimalBps, OPTIMAL_BPS)?,
                })
            }
            ADAPTIVE => {
                for (what, value) in [
                    ("baseBps", *baseBps),
                    ("slope1Bps", *slope1Bps),
                    ("slope2Bps", *slope2Bps),
                    ("optimalBps", *optimalBps),
                ] {
                    within(what, value, (0, 0))?;
                }
                RateModel::Adaptive
            }
            other => {
                let max = U256::from(ADAPTIVE);
                return Err(refuse("rateModel", U256::from(other), 0, max));
            }
        };
        let factor = u32::from(*reserveFactorBps);
        let reserve_factor = Bps::new(*reserveFactorBps).map_err(|_| {
            refuse(
                "reserveFactorBps",
                U256::from(factor),
                0,
                Bps::ONE.to_u256(),
            )
        })?;
        Ok(Self {
            model,
            reserve_factor,
            supply_cap: cap("supplyCap", *supplyCap)?,
            borrow_cap: cap("borrowCap", *borrowCap)?,
        })
    }

    /// Whether this differs from `other` in lower caps alone.
    pub(super) fn is_tighter(self, other: Self) -> bool {
        let Self {
            model,
            reserve_factor,
            supply_cap,
            borrow_cap,
        } = self;
        model == other.model
            && reserve_factor == other.reserve_factor
            && supply_cap <= other.supply_cap
            && borrow_cap <= other.borrow_cap
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> MarketParams {
        let Config {
            supply_cap,
            borrow_cap,
            reserve_factor,
            model,
            base_bps,
            slope1_bps,
            slope2_bps,
            optimal_bps,
        } = self.to_config();
        MarketParams {
            reserveFactorBps: reserve_factor.get(),
            supplyCap: supply_cap.to_u256(),
            borrowCap: borrow_cap.to_u256(),
            rateModel: model,
            baseBps: base_bps,
            slope1Bps: slope1_bps,
            slope2Bps: slope2_bps,
            optimalBps: optimal_bps,
        }
    }

    /// As storage has it.
    pub(super) fn to_config(self) -> Config {
        let Self {
            model,
            reserve_factor,
            supply_cap,
            borrow_cap,
        } = self;
        let (number, [base_bps, slope1_bps, slope2_bps, optimal_bps]) = match model {
            RateModel::Adaptive => (ADAPTIVE, [0; 4]),
            RateModel::Kinked(Kinked {
                base_bps,
                slope1_bps,
                slope2_bps,
                optimal_bps,
            }) => (KINKED, [base_bps, slope1_bps, slope2_bps, optimal_bps]),
        };
        Config {
            supply_cap,
            borrow_cap,
            reserve_factor,
            model: number,
            base_bps,
            slope1_bps,
            slope2_bps,
            optimal_bps,
        }
    }

    /// From storage.
    pub(super) fn of_config(config: Config) -> Result<Self, Halt> {
        let Config {
            supply_cap,
            borrow_cap,
            reserve_factor,
            model,
            base_bps,
            slope1_bps,
            slope2_bps,
            optimal_bps,
        } = config;
        let model = match model {
            KINKED => RateModel::Kinked(Kinked {
                base_bps,
                slope1_bps,
                slope2_bps,
                optimal_bps,
            }),
            ADAPTIVE => RateModel::Adaptive,
            other => {
                return Err(Halt::Fatal(format!(
                    "corrupt storage: {other} is no rate model"
                )));
            }
        };
        Ok(Self {
            model,
            reserve_factor,
            supply_cap,
            borrow_cap,
        })
    }
}
