//! What accrues: growth at a rate per year, and the arithmetic of rates.
//!
//! Amounts never meet half-up rounding: whoever chooses an amount could choose its remainder. Only rates
//! and indexes do, which nobody chooses.

use alloy_primitives::{U256, uint};

use crate::{Bps, NumberError, Ray, mul_div_down, mul_div_up};

/// Milliseconds of a year of 365 days: what "per year" means in rates.
pub const MS_PER_YEAR: u64 = 31_536_000_000;

const ONE: U256 = uint!(1_000_000_000_000_000_000_000_000_000_U256);
const HALF: U256 = uint!(500_000_000_000_000_000_000_000_000_U256);

impl Bps {
    /// What is missing to the whole.
    pub const fn complement(self) -> Self {
        Self::from_parts(Self::ONE.get().saturating_sub(self.get()))
    }
}

impl Ray {
    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.get() == 0
    }

    /// The same part as so many hundredths of a percent; rates may be more than the whole.
    pub fn from_bps(bps: u32) -> Self {
        // A number of 32 bits times 10^23 is below 2^109.
        Self::from_parts(u128::from(bps).saturating_mul(100_000_000_000_000_000_000_000))
    }

    /// The sum, if it is in range.
    #[allow(
        clippy::should_implement_trait,
        reason = "fallible: `+` could only panic"
    )]
    pub fn add(self, more: Self) -> Result<Self, NumberError> {
        Self::from_u256(self.to_u256().saturating_add(more.to_u256()))
    }

    /// The difference, if it is not negative.
    #[allow(
        clippy::should_implement_trait,
        reason = "fallible: `-` could only panic"
    )]
    pub fn sub(self, less: Self) -> Result<Self, NumberError> {
        self.get()
            .checked_sub(less.get())
            .map(Self::from_parts)
            .ok_or(NumberError::BelowZero {
                kind: "10^-27",
                from: self.to_u256(),
                less: less.to_u256(),
            })
    }

    /// `floor(value / self)`.
    pub fn into_down(self, value: U256) -> Result<U256, NumberError> {
        mul_div_down(value, ONE, self.to_u256())
    }

    /// `ceil(value / self)`.
    pub fn into_up(self, value: U256) -> Result<U256, NumberError> {
        mul_div_up(value, ONE, self.to_u256())
    }

    /// `self * by`, to the nearest; half rounds up.
    pub fn mul_half_up(self, by: Self) -> Result<Self, NumberError> {
        // A product of two numbers of 128 bits, plus half of 10^27, fits 256 bits.
        let product = self
            .to_u256()
            .saturating_mul(by.to_u256())
            .saturating_add(HALF);
        Self::from_u256(product.wrapping_div(ONE))
    }

    /// `self * by`, rounded down.
    pub fn mul_down(self, by: Self) -> Result<Self, NumberError> {
        Self::from_u256(by.of_down(self.to_u256())?)
    }

    /// `self / by`, to the nearest; half rounds up.
    pub fn div_half_up(self, by: Self) -> Result<Self, NumberError> {
        Self::ratio_half_up(self.to_u256(), by.to_u256())
    }

    /// `part / whole`, to the nearest; half rounds up. Both below 2^160.
    pub fn ratio_half_up(part: U256, whole: U256) -> Result<Self, NumberError> {
        let half = whole.wrapping_shr(1);
        let scaled = part
            .checked_mul(ONE)
            .and_then(|scaled| scaled.checked_add(half))
            .ok_or(NumberError::TooLarge {
                kind: "10^-27",
                value: U256::MAX,
                max: U256::from(u128::MAX),
            })?;
        let quotient = scaled
            .checked_div(whole)
            .ok_or(NumberError::DividedByZero(part))?;
        Self::from_u256(quotient)
    }

    /// `self * by`, to the nearest; half rounds up.
    pub fn percent_half_up(self, by: Bps) -> Result<Self, NumberError> {
        let product = self
            .to_u256()
            .saturating_mul(by.to_u256())
            .saturating_add(U256::from(5_000));
        Self::from_u256(product.wrapping_div(Bps::ONE.to_u256()))
    }

    /// This rate per year, over `ms` milliseconds: `floor(rate * ms / year)`.
    pub fn over_ms_down(self, ms: u64) -> Result<Self, NumberError> {
        let product = self.to_u256().saturating_mul(U256::from(ms));
        Self::from_u256(product.wrapping_div(U256::from(MS_PER_YEAR)))
    }

    /// Growth at this rate per year without compounding: `1 + rate * ms / year`, rounded down.
    pub fn linear_growth_down(self, ms: u64) -> Result<Self, NumberError> {
        Self::ONE.add(self.over_ms_down(ms)?)
    }

    /// Growth at this rate per year, compounded continuously to three terms:
    /// `1 + x + x * (x/2 + x * x/6)` with `x = rate * ms / year`; products round half up, quotients down.
    /// Below `e^x` by about `x^4 / 24`.
    pub fn compound_growth(self, ms: u64) -> Result<Self, NumberError> {
        let x = self.over_ms_down(ms)?;
        let third = x.mul_half_up(Self::from_parts(x.get().saturating_div(6)))?;
        let second = x.mul_half_up(Self::from_parts(x.get().saturating_div(2)).add(third)?)?;
        Self::ONE.add(x)?.add(second)
    }
}
