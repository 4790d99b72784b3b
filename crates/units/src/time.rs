//! Consensus time.

use core::fmt;

use alloy_primitives::U256;

use crate::NumberError;

const MS_PER_S: u64 = 1_000;

/// A point in consensus time: milliseconds since the Unix epoch.
///
/// Blocks come several times a second, so accrual and staleness need more than the header's seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeMs(u64);

impl TimeMs {
    const KIND: &'static str = "time in ms";

    /// The point `ms` milliseconds after the epoch.
    pub const fn new(ms: u64) -> Self {
        Self(ms)
    }

    /// The start of second `s`.
    pub fn from_secs(s: u64) -> Result<Self, NumberError> {
        let too_large = || Self::too_large(U256::from(s).saturating_mul(U256::from(MS_PER_S)));
        s.checked_mul(MS_PER_S).map(Self).ok_or_else(too_large)
    }

    /// Milliseconds since the epoch.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: what `block.timestamp` says at this point.
    pub const fn secs_down(self) -> u64 {
        self.0.saturating_div(MS_PER_S)
    }

    /// The point `ms` milliseconds later.
    pub fn after_ms(self, ms: u64) -> Result<Self, NumberError> {
        let sum = || U256::from(self.0).saturating_add(U256::from(ms));
        self.0
            .checked_add(ms)
            .map(Self)
            .ok_or_else(|| Self::too_large(sum()))
    }

    /// Milliseconds from `earlier` to here; consensus time never runs backwards, so a later point is an
    /// error of the caller.
    pub fn ms_since(self, earlier: Self) -> Result<u64, NumberError> {
        self.0.checked_sub(earlier.0).ok_or(NumberError::BelowZero {
            kind: Self::KIND,
            from: U256::from(self.0),
            less: U256::from(earlier.0),
        })
    }

    fn too_large(value: U256) -> NumberError {
        NumberError::TooLarge {
            kind: Self::KIND,
            value,
            max: U256::from(u64::MAX),
        }
    }
}

impl fmt::Display for TimeMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
