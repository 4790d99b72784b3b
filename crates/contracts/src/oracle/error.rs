//! Why something does not count: one variant per fact, carrying the numbers. Errors are declared beside the
//! verbs, so that Solidity sees them too; here are the two families of reasons that events carry as well.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::AssetId;

pub(super) use super::abi::IOracle::{
    OracleAssetOutOfRange, OracleFeedListed, OracleFeedUnknown, OracleParamOutOfRange,
    OracleParamStepTooLarge, OraclePriceOutOfRange, OraclePriceUnusable, OracleReporterListed,
    OracleReporterUnknown, OracleReporterZero, OracleReportsMalformed, OracleTooManyReports,
};
use crate::revert;

/// Why a price cannot be used. The numbers of the reasons are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The asset has no feed.
    #[error("there is no feed")]
    NotListed,
    /// Nothing was accepted yet.
    #[error("no price was ever accepted")]
    NeverReported,
    /// Too few reporters spoke lately.
    #[error("the price is {age_ms} ms old, at most {max_ms} ms are allowed")]
    Stale {
        /// Since a quorum spoke last.
        age_ms: u64,
        /// The age up to which it counts.
        max_ms: u64,
    },
    /// The latest median is too far from the last price, and not confirmed yet.
    #[error("the median is {bps} bps away from the last price, {max_bps} are allowed")]
    OutOfBand {
        /// How far, at most 65,535.
        bps: u16,
        /// How far it may be, at most 65,535.
        max_bps: u16,
    },
    /// Too few reporters counted in the latest round.
    #[error("{have} reporters counted, {need} are needed")]
    NoQuorum {
        /// How many counted.
        have: u16,
        /// How many must.
        need: u16,
    },
    /// The reporters themselves are unsure.
    #[error("the reporters are unsure by {bps} bps, {max_bps} are allowed")]
    LowConfidence {
        /// How unsure.
        bps: u16,
        /// How unsure they may be.
        max_bps: u16,
    },
    /// A grace period runs.
    #[error("a grace period runs until {until_ms} ms")]
    Grace {
        /// When it ends.
        until_ms: u64,
    },
    /// The owner froze it.
    #[error("the feed is frozen")]
    Frozen,
    /// The median has been the same to the unit for too long.
    #[error("the median has not moved for {minutes} min, {max_minutes} are allowed")]
    Stuck {
        /// For how long, at most 65,535.
        minutes: u16,
        /// For how long it may.
        max_minutes: u16,
    },
}

impl Unusable {
    /// Its permanent number; zero is usable.
    pub const fn reason(self) -> u8 {
        match self {
            Self::NotListed => 1,
            Self::NeverReported => 2,
            Self::Stale { .. } => 3,
            Self::OutOfBand { .. } => 4,
            Self::NoQuorum { .. } => 5,
            Self::LowConfidence { .. } => 6,
            Self::Grace { .. } => 7,
            Self::Frozen => 8,
            Self::Stuck { .. } => 9,
        }
    }

    /// What was found, and what is allowed.
    pub fn numbers(self) -> (U256, U256) {
        let pair = |found: u64, allowed: u64| (U256::from(found), U256::from(allowed));
        match self {
            Self::NotListed | Self::NeverReported | Self::Frozen => pair(0, 0),
            Self::Stale { age_ms, max_ms } => pair(age_ms, max_ms),
            Self::Grace { until_ms } => pair(until_ms, 0),
            Self::OutOfBand {
                bps: found,
                max_bps: allowed,
            }
            | Self::NoQuorum {
                have: found,
                need: allowed,
            }
            | Self::LowConfidence {
                bps: found,
                max_bps: allowed,
            }
            | Self::Stuck {
                minutes: found,
                max_minutes: allowed,
            } => pair(found.into(), allowed.into()),
        }
    }

    /// The reason with this number, from what events, views and errors say of it; `None` if it is usable.
    pub fn read(reason: u8, found: U256, allowed: U256) -> Option<Self> {
        let (wide, widest) = (found.saturating_to(), allowed.saturating_to());
        let (narrow, most) = (found.saturating_to(), allowed.saturating_to());
        Some(match reason {
            1 => Self::NotListed,
            2 => Self::NeverReported,
            3 => Self::Stale {
                age_ms: wide,
                max_ms: widest,
            },
            4 => Self::OutOfBand {
                bps: narrow,
                max_bps: most,
            },
            5 => Self::NoQuorum {
                have: narrow,
                need: most,
            },
            6 => Self::LowConfidence {
                bps: narrow,
                max_bps: most,
            },
            7 => Self::Grace { until_ms: wide },
            8 => Self::Frozen,
            9 => Self::Stuck {
                minutes: narrow,
                max_minutes: most,
            },
            _ => return None,
        })
    }

    /// The revert of a verb that needs the price.
    pub fn halt(self, asset_id: AssetId) -> Halt {
        let (detail, limit) = self.numbers();
        revert(&OraclePriceUnusable {
            assetId: asset_id.get(),
            reason: self.reason(),
            detail,
            limit,
        })
    }
}

/// Why a report does not count. The numbers of the reasons are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its reporter is not in the list, or does not hold the role now.
    #[error(
        "not from a reporter that counts now: the oracle's owner lists him with addReporter, and admin grants him the role REPORT"
    )]
    NotAReporter,
    /// Another key signed it, or over something else: chain, contract, purpose, content.
    #[error("not signed by its reporter for this chain")]
    WrongSigner,
    /// A report of this round or a later one counted already.
    #[error("round {round} is not after round {latest}")]
    OldRound {
        /// The report's.
        round: u64,
        /// The latest that counted.
        latest: u64,
    },
    /// It is from after the block.
    #[error("it is of {time_ms} ms, the block of {now_ms} ms")]
    Early {
        /// The report's time.
        time_ms: u64,
        /// The block's.
        now_ms: u64,
    },
    /// It is too old to say anything about now.
    #[error("it is {age_ms} ms old, at most {max_ms} ms are allowed")]
    Expired {
        /// Its age.
        age_ms: u64,
        /// The age up to which it counts.
        max_ms: u64,
    },
    /// It is of a time before the reporter's latest.
    #[error("it is of {time_ms} ms, the reporter's latest of {latest_ms} ms")]
    TimeFell {
        /// The report's time.
        time_ms: u64,
        /// The latest that counted.
        latest_ms: u64,
    },
    /// The entry at `index` is out of order, or its numbers out of range; or there are too few or too many.
    #[error("entry {index} of {count} is not as it must be")]
    Malformed {
        /// The first bad entry.
        index: u64,
        /// How many there are.
        count: u64,
    },
}

impl Refusal {
    /// Its permanent number.
    pub const fn reason(self) -> u8 {
        match self {
            Self::NotAReporter => 1,
            Self::WrongSigner => 2,
            Self::OldRound { .. } => 3,
            Self::Early { .. } => 4,
            Self::Expired { .. } => 5,
            Self::TimeFell { .. } => 6,
            Self::Malformed { .. } => 7,
        }
    }

    /// What was found, and what is allowed.
    pub fn numbers(self) -> (U256, U256) {
        let (found, allowed) = match self {
            Self::NotAReporter | Self::WrongSigner => (0, 0),
            Self::OldRound { round, latest } => (round, latest),
            Self::Early { time_ms, now_ms } => (time_ms, now_ms),
            Self::Expired { age_ms, max_ms } => (age_ms, max_ms),
            Self::TimeFell { time_ms, latest_ms } => (time_ms, latest_ms),
            Self::Malformed { index, count } => (index, count),
        };
        (U256::from(found), U256::from(allowed))
    }
}
