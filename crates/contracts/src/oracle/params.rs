//! What may be tuned per feed. Both ends of every range are here, which way is stricter, and how far one step goes.

use alloy_primitives::U256;
use capstan_state::Halt;

use super::{
    abi::IOracle,
    error::{OracleParamOutOfRange, OracleParamStepTooLarge},
};
use crate::revert;

/// Most reporters in the list. Fixed by the protocol: it bounds the work of a block.
pub const REPORTERS_MAX: u32 = 16;
/// Most entries of one report: one for each asset that there can be.
pub const ENTRIES_MAX: usize = 256;
/// The highest number of an asset.
pub const ASSET_ID_MAX: u32 = 255;
/// Age up to which a report counts.
pub const REPORT_AGE_MS_MAX: u64 = 5 * 60 * 1_000;
/// Most by which confirmation alone moves a price, as a factor.
pub(super) const JUMP_FACTOR_MAX: u64 = 10;
/// How far the ceiling of a rate may run ahead of the spot, in time of its own growth.
pub(super) const GROWTH_AHEAD_MS: u64 = 30 * DAY_MS;
/// Length of a feed's description.
pub(super) const DESCRIPTION_BYTES_MAX: u32 = 31;
/// Role of a reporter, in the scope of this contract.
pub const REPORT: u32 = 1;
/// Role whose delay a looser parameter waits. Nobody needs to hold it: the owner of the scope tunes.
pub const LOOSEN: u32 = 2;

const SECOND_MS: u64 = 1_000;
const DAY_MS: u64 = 24 * 60 * 60 * SECOND_MS;
/// How much looser one step may make a parameter.
const STEP_FACTOR_MAX: u64 = 4;

/// Everything that may be tuned of one feed, by the owner of the scope. One word of storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub struct FeedParams {
    /// Reporters that must count.
    pub quorum: u8,
    /// Rounds that confirm a price outside the band.
    pub reaccept_rounds: u8,
    /// How far a median may be from the last price.
    pub band_bps: u16,
    /// By how much that widens with each minute without a price.
    pub band_widen_bps_per_min: u16,
    /// How unsure reporters may be.
    pub confidence_bps_max: u16,
    /// How fast a rate can accrue; zero is no rate.
    pub growth_bps_per_year: u16,
    /// Age up to which a price counts.
    pub stale_ms: u32,
    /// Time constant of the smoothed price.
    pub smooth_ms: u32,
    /// Time without a price after which a grace period follows.
    pub outage_ms: u32,
    /// Length of the grace period.
    pub grace_ms: u32,
    /// Time for which the median may be the same to the unit; zero is for ever.
    pub still_ms: u32,
}

/// Which way a parameter is stricter, and where its steps are counted from when it is smaller.
#[derive(Clone, Copy)]
enum Strict {
    /// Less is stricter; steps count from at least this.
    Less(u64),
    /// More is stricter.
    More,
    /// Less is stricter, but zero switches the rule off, which is loosest.
    LessButZero,
}

struct Rule {
    name: &'static str,
    value: fn(&FeedParams) -> u64,
    min: u64,
    max: u64,
    strict: Strict,
}

/// One rule per parameter. `FeedParams::stricter` is destructured whole, so a new parameter does not compile until it
/// is handled there; a test counts the rules.
const RULES: [Rule; 11] = [
    rule("quorum", |p| p.quorum.into(), 1, 16, Strict::More),
    rule(
        "reacceptRounds",
        |p| p.reaccept_rounds.into(),
        2,
        100,
        Strict::More,
    ),
    rule("bandBps", |p| p.band_bps.into(), 1, 10_000, Strict::Less(1)),
    rule(
        "bandWidenBpsPerMin",
        |p| p.band_widen_bps_per_min.into(),
        0,
        10_000,
        Strict::Less(5),
    ),
    rule(
        "confidenceBpsMax",
        |p| p.confidence_bps_max.into(),
        1,
        5_000,
        Strict::Less(1),
    ),
    rule(
        "growthBpsPerYear",
        |p| p.growth_bps_per_year.into(),
        0,
        10_000,
        Strict::LessButZero,
    ),
    rule(
        "staleMs",
        |p| p.stale_ms.into(),
        SECOND_MS,
        2 * DAY_MS,
        Strict::Less(1),
    ),
    rule("smoothMs", |p| p.smooth_ms.into(), 0, DAY_MS, Strict::More),
    rule(
        "outageMs",
        |p| p.outage_ms.into(),
        SECOND_MS,
        7 * DAY_MS,
        Strict::Less(1),
    ),
    rule("graceMs", |p| p.grace_ms.into(), 0, DAY_MS, Strict::More),
    rule(
        "stillMs",
        |p| p.still_ms.into(),
        0,
        7 * DAY_MS,
        Strict::LessButZero,
    ),
];

const fn rule(
    name: &'static str,
    value: fn(&FeedParams) -> u64,
    min: u64,
    max: u64,
    strict: Strict,
) -> Rule {
    Rule {
        name,
        value,
        min,
        max,
        strict,
    }
}

/// Shortest `stillMs` that is not off: a market may rest for a moment.
const STILL_MS_MIN: u64 = 10 * SECOND_MS;

impl FeedParams {
    /// Refuses values out of range (ORC-10).
    pub(super) fn checked(self) -> Result<Self, Halt> {
        for rule in &RULES {
            let min = match rule.name {
                // An outage cannot be shorter than the age at which a price ends.
                "outageMs" => u64::from(self.stale_ms).max(rule.min),
                "stillMs" if self.still_ms > 0 => STILL_MS_MIN,
                _ => rule.min,
            };
            let value = (rule.value)(&self);
            if !(min..=rule.max).contains(&value) {
                return Err(revert(&OracleParamOutOfRange {
                    name: rule.name.to_owned(),
                    value: U256::from(value),
                    min: U256::from(min),
                    max: U256::from(rule.max),
                }));
            }
        }
        Ok(self)
    }

    /// Refuses a change that loosens any parameter too far at once.
    pub(super) fn step_to(self, to: Self) -> Result<(), Halt> {
        for rule in &RULES {
            let (old, new) = ((rule.value)(&self), (rule.value)(&to));
            let farthest = rule.strict.farthest(old);
            if rule.strict.is_looser(new, farthest) {
                return Err(revert(&OracleParamStepTooLarge {
                    name: rule.name.to_owned(),
                    from: U256::from(old),
                    to: U256::from(new),
                    farthest: U256::from(farthest),
                }));
            }
        }
        Ok(())
    }

    /// Of each parameter the stricter of both: what counts at once when `self` becomes `to`.
    pub(super) fn stricter(self, to: Self) -> Self {
        let Self {
            quorum,
            reaccept_rounds,
            band_bps,
            band_widen_bps_per_min,
            confidence_bps_max,
            growth_bps_per_year,
            stale_ms,
            smooth_ms,
            outage_ms,
            grace_ms,
            still_ms,
        } = to;
        Self {
            quorum: self.quorum.max(quorum),
            reaccept_rounds: self.reaccept_rounds.max(reaccept_rounds),
            band_bps: self.band_bps.min(band_bps),
            band_widen_bps_per_min: self.band_widen_bps_per_min.min(band_widen_bps_per_min),
            confidence_bps_max: self.confidence_bps_max.min(confidence_bps_max),
            growth_bps_per_year: less_but_zero(self.growth_bps_per_year, growth_bps_per_year),
            stale_ms: self.stale_ms.min(stale_ms),
            smooth_ms: self.smooth_ms.max(smooth_ms),
            outage_ms: self.outage_ms.min(outage_ms),
            grace_ms: self.grace_ms.max(grace_ms),
            still_ms: less_but_zero(self.still_ms, still_ms),
        }
    }
}

/// The smaller one, where zero stands for no bound.
fn less_but_zero<T: Ord + Default>(a: T, b: T) -> T {
    let off = T::default();
    if a == off {
        b
    } else if b == off {
        a
    } else {
        a.min(b)
    }
}

impl Strict {
    /// The loosest value that one step from `old` reaches.
    fn farthest(self, old: u64) -> u64 {
        match self {
            Self::Less(from) => old.max(from).saturating_mul(STEP_FACTOR_MAX),
            Self::More => old.div_euclid(STEP_FACTOR_MAX),
            // From off, anything is a step to the stricter side.
            Self::LessButZero if old == 0 => 0,
            Self::LessButZero => old.saturating_mul(STEP_FACTOR_MAX),
        }
    }

    fn is_looser(self, new: u64, than: u64) -> bool {
        match self {
            Self::Less(_) => new > than,
            Self::More => new < than,
            Self::LessButZero => than != 0 && (new == 0 || new > than),
        }
    }
}

impl From<IOracle::FeedParams> for FeedParams {
    fn from(params: IOracle::FeedParams) -> Self {
        let IOracle::FeedParams {
            quorum,
            reacceptRounds: reaccept_rounds,
            bandBps: band_bps,
            bandWidenBpsPerMin: band_widen_bps_per_min,
            confidenceBpsMax: confidence_bps_max,
            growthBpsPerYear: growth_bps_per_year,
            staleMs: stale_ms,
            smoothMs: smooth_ms,
            outageMs: outage_ms,
            graceMs: grace_ms,
            stillMs: still_ms,
        } = params;
        Self {
            quorum,
            reaccept_rounds,
            band_bps,
            band_widen_bps_per_min,
            confidence_bps_max,
            growth_bps_per_year,
            stale_ms,
            smooth_ms,
            outage_ms,
            grace_ms,
            still_ms,
        }
    }
}

impl From<FeedParams> for IOracle::FeedParams {
    fn from(params: FeedParams) -> Self {
        let FeedParams {
            quorum,
            reaccept_rounds,
            band_bps,
            band_widen_bps_per_min,
            confidence_bps_max,
            growth_bps_per_year,
            stale_ms,
            smooth_ms,
            outage_ms,
            grace_ms,
            still_ms,
        } = params;
        Self {
            quorum,
            reacceptRounds: reaccept_rounds,
            bandBps: band_bps,
            bandWidenBpsPerMin: band_widen_bps_per_min,
            confidenceBpsMax: confidence_bps_max,
            growthBpsPerYear: growth_bps_per_year,
            staleMs: stale_ms,
            smoothMs: smooth_ms,
            outageMs: outage_ms,
            graceMs: grace_ms,
            stillMs: still_ms,
        }
    }
}
