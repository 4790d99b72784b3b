//! Life and rates.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, mul_div_down};

use super::{
    state::{Challenge, Life, Params},
    status::Reason,
};

const HOUR_MS: u64 = 3_600_000;
const BPS: u64 = 10_000;

impl Life {
    /// Of a machine that comes now.
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            last_ms: now_ms,
            since_ms: now_ms,
            trial_why: Reason::New.number(),
            ..Self::default()
        }
    }

    /// Seen at a time after the last one, from which so much counts. Answers whether the gap was too long (MACH-6).
    pub(super) fn beat(&mut self, at_ms: u64, gap_ms: u64, params: &Params) -> bool {
        let is_dark = gap_ms > params.silence_ms();
        if is_dark {
            self.dark_ms = self.dark_ms.saturating_add(gap_ms);
            self.dark_count = self.dark_count.saturating_add(1);
            self.dark_from_ms = self.last_ms;
            self.since_ms = at_ms;
        } else {
            self.proven_ms = self.proven_ms.saturating_add(gap_ms);
        }
        self.last_ms = at_ms;
        if self.passed_ms == 0 && self.trial_ms() >= params.probation_ms {
            self.passed_ms = at_ms;
        }
        is_dark
    }

    /// What it has proven of its probation.
    pub(super) fn trial_ms(&self) -> u64 {
        self.proven_ms.saturating_sub(self.trial_from_ms)
    }

    /// Begins its probation again.
    pub(super) fn try_again(&mut self, why: Reason) {
        self.passed_ms = 0;
        self.trial_from_ms = self.proven_ms;
        self.trial_why = why.number();
    }
}

impl Params {
    /// For how long a machine may be silent.
    pub(super) fn silence_ms(&self) -> u64 {
        self.interval_ms.saturating_add(self.grace_ms)
    }
}

impl Challenge {
    /// What its answer proves: units per hour since it was asked, never more than was asked (MACH-5). The time runs from the
    /// request, before the work was known, so that nobody gains by drawing late.
    pub(super) fn per_hour_down(&self) -> Result<u64, Halt> {
        let took_ms = self.answered_ms.saturating_sub(self.asked_ms);
        let took_ms = took_ms.max(self.within_ms).max(1);
        let rate = mul_div_down(
            U256::from(self.units),
            U256::from(HOUR_MS),
            U256::from(took_ms),
        )?;
        Ok(u64::try_from(rate).unwrap_or(u64::MAX))
    }
}

/// A part of a bond, in hundredths of a percent.
pub(super) fn part_down(bond: Assets, bps: u16) -> Result<Assets, Halt> {
    let part = mul_div_down(bond.to_u256(), U256::from(bps), U256::from(BPS))?;
    Ok(Assets::from_u256(part)?)
}
