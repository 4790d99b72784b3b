//! One round of one asset, pure: from counted observations to a price or a doubt.
//!
//! ```text
//!   Counted.. ─► Round { median, confidence, time } ─► Book::settle ─► Accepted
//!                   └─ NoQuorum                          └─ LowConfidence · Stuck · OutOfBand
//! ```

use capstan_units::{NumberError, Price};

use super::{
    error::Unusable,
    feed::Feed,
    math::{
        band_bps_down, distance_bps_up, grown_down, median_down, smoothed_toward, within_factor,
    },
    params::{FeedParams, GROWTH_AHEAD_MS, JUMP_FACTOR_MAX},
    state::{Ceiling, Observation, Trail},
};
use crate::mutant::mutant;

const MS_PER_MIN: u64 = 60 * 1_000;

/// What the counted observations say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Median of the prices, the mean of two rounded down.
    pub(super) median: Price,
    /// Median of the confidences, the worse of two.
    pub(super) confidence_bps: u16,
    /// Time of the `quorum`-th newest observation: since then a quorum has spoken.
    pub(super) time_ms: u64,
    /// Time of the newest observation.
    pub(super) newest_ms: u64,
}

impl Round {
    /// The round of these observations; the doubt if they are fewer than a quorum.
    pub(super) fn of(counted: &[Observation], quorum: u8) -> Result<Self, Unusable> {
        let too_few = || Unusable::NoQuorum {
            have: u16::try_from(counted.len()).unwrap_or(u16::MAX),
            need: quorum.into(),
        };
        let mut prices: Vec<_> = counted.iter().map(|one| one.price).collect();
        prices.sort_unstable();
        let mut confidences: Vec<_> = counted.iter().map(|one| one.confidence_bps).collect();
        confidences.sort_unstable();
        let mut times: Vec<_> = counted.iter().map(|one| one.time_ms).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        let quorumth = usize::from(quorum).saturating_sub(1);
        Ok(Self {
            time_ms: *times.get(quorumth).ok_or_else(too_few)?,
            newest_ms: *times.first().ok_or_else(too_few)?,
            median: median_down(&prices).ok_or_else(too_few)?,
            confidence_bps: *confidences
                .get(counted.len().div_euclid(2))
                .ok_or_else(too_few)?,
        })
    }
}

/// Everything that is stored of one asset's price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) feed: Feed,
    pub(super) trail: Trail,
    pub(super) ceiling: Ceiling,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A price was accepted.
    Accepted {
        /// The growth cap binds.
        capped: bool,
        /// A grace period begins.
        grace: bool,
        /// How unsure the reporters are.
        confidence_bps: u16,
    },
    /// Nothing was accepted.
    Doubted(Unusable),
}

impl Book {
    /// A feed that was listed or reset: no price yet, and a reference that the first one is held against.
    pub(super) fn begun(reference: Price, params: &FeedParams, frozen: bool, round: u64) -> Self {
        Self {
            feed: Feed {
                spot: reference,
                smoothed: reference,
                raw: reference,
                stale_ms: params.stale_ms,
                frozen,
                ..Feed::default()
            },
            trail: Trail {
                round,
                ..Trail::default()
            },
            ceiling: Ceiling::default(),
        }
    }

    /// Takes one round in.
    pub(super) fn settle(
        &mut self,
        params: &FeedParams,
        counted: &[Observation],
        now_ms: u64,
    ) -> Result<Fate, NumberError> {
        self.feed.stale_ms = params.stale_ms;
        let doubt = match Round::of(counted, params.quorum) {
            Err(too_few) => Some(too_few),
            Ok(round) => match self.doubt(params, &round) {
                None => return self.accept(params, &round, now_ms),
                doubt => doubt,
            },
        };
        self.feed.set_doubt(doubt);
        // Only a level that is confirmed round after round is on trial.
        if !matches!(doubt, Some(Unusable::OutOfBand { .. })) {
            self.trail.trial_rounds = 0;
        }
        Ok(Fate::Doubted(doubt.unwrap_or(Unusable::NotListed)))
    }

    /// What speaks against this round.
    fn doubt(&mut self, params: &FeedParams, round: &Round) -> Option<Unusable> {
        if round.median != self.trail.median {
            self.trail.median = round.median;
            self.trail.changed_ms = round.newest_ms;
        }
        let max_bps = params.confidence_bps_max;
        if round.confidence_bps > max_bps {
            return Some(Unusable::LowConfidence {
                bps: round.confidence_bps,
                max_bps,
            });
        }
        let still_ms = round.newest_ms.saturating_sub(self.trail.changed_ms);
        let stuck = params.still_ms > 0 && still_ms > params.still_ms.into();
        if mutant!(StillPricesCount, stuck, false) {
            return Some(Unusable::Stuck {
                minutes: narrow(still_ms.div_euclid(MS_PER_MIN)),
                max_minutes: narrow(u64::from(params.still_ms).div_euclid(MS_PER_MIN)),
            });
        }
        let elapsed_ms = round.time_ms.saturating_sub(self.feed.time_ms);
        let (bps, max_bps) = (
            distance_bps_up(round.median, self.feed.raw),
            band_bps_down(params.band_bps, params.band_widen_bps_per_min, elapsed_ms),
        );
        let never = self.feed.time_ms == 0;
        if mutant!(
            FixedBand,
            (!never && bps <= max_bps) || self.confirm(params, round),
            bps <= params.band_bps.into()
        ) {
            return None;
        }
        Some(Unusable::OutOfBand {
            bps: narrow(bps),
            max_bps: narrow(if never { 0 } else { max_bps }),
        })
    }

    /// Puts a median outside the band on trial, or continues its trial; answers whether it is confirmed (ORC-5).
    fn confirm(&mut self, params: &FeedParams, round: &Round) -> bool {
        let trail = &mut self.trail;
        let agrees = distance_bps_up(round.median, trail.trial_price) <= params.band_bps.into();
        if trail.trial_rounds == 0 || !agrees {
            trail.trial_rounds = 1;
        } else if round.time_ms > trail.trial_ms {
            // A whole quorum spoke after everything that confirmed the level before.
            trail.trial_rounds = trail.trial_rounds.saturating_add(1);
        } else {
            return false;
        }
        trail.trial_price = round.median;
        trail.trial_ms = round.newest_ms;
        trail.trial_rounds >= params.reaccept_rounds
            && within_factor(round.median, self.feed.raw, JUMP_FACTOR_MAX)
    }

    fn accept(
        &mut self,
        params: &FeedParams,
        round: &Round,
        now_ms: u64,
    ) -> Result<Fate, NumberError> {
        let feed = &mut self.feed;
        let first = feed.time_ms == 0;
        let dt_ms = round.time_ms.saturating_sub(feed.time_ms);
        let spot = if params.growth_bps_per_year == 0 {
            round.median
        } else {
            self.ceiling = self
                .ceiling
                .raised(params.growth_bps_per_year, round, feed.spot)?;
            round.median.min(self.ceiling.price)
        };
        feed.smoothed = if first {
            spot
        } else {
            smoothed_toward(feed.smoothed, spot, dt_ms, params.smooth_ms)?
        };
        let grace = first || dt_ms > params.outage_ms.into();
        if grace {
            feed.open_grace(now_ms, params.grace_ms);
        }
        feed.spot = spot;
        feed.raw = round.median;
        feed.time_ms = round.time_ms;
        feed.set_doubt(None);
        self.trail.trial_rounds = 0;
        self.trail.round = self.trail.round.saturating_add(1);
        Ok(Fate::Accepted {
            capped: spot < round.median,
            grace,
            confidence_bps: round.confidence_bps,
        })
    }
}

impl Ceiling {
    /// The ceiling at a round: grown since it was drawn, not too far ahead of the spot, never lower (ORC-7).
    fn raised(self, growth_bps: u16, round: &Round, spot: Price) -> Result<Self, NumberError> {
        if self.time_ms == 0 {
            return Ok(Self {
                price: round.median,
                time_ms: round.time_ms,
            });
        }
        let elapsed_ms = round.time_ms.saturating_sub(self.time_ms);
        let grown = grown_down(self.price, growth_bps, elapsed_ms)?;
        let ahead = grown_down(spot, growth_bps, GROWTH_AHEAD_MS)?;
        Ok(Self {
            price: grown.min(ahead).max(self.price),
            time_ms: self.time_ms.max(round.time_ms),
        })
    }
}

fn narrow(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
