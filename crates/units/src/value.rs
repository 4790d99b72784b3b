//! What amounts are worth, and back.
//!
//! ```text
//!   assets (smallest unit) * price (USD * 10^18 per whole token) / 10^decimals = value (USD * 10^18)
//! ```
//!
//! Collateral is valued down and debt up; what a value buys is counted down when it is paid out and up
//! when it is owed.

use alloy_primitives::U256;

use crate::{Assets, NumberError, Price, Usd, mul_div_down, mul_div_up};

impl Usd {
    /// Whether this is nothing.
    pub fn is_zero(self) -> bool {
        self.get().is_zero()
    }

    /// The sum, if it is in range.
    #[allow(
        clippy::should_implement_trait,
        reason = "fallible: `+` could only panic"
    )]
    pub fn add(self, more: Self) -> Result<Self, NumberError> {
        let sum = self.get().checked_add(more.get());
        Self::new(sum.ok_or(NumberError::TooLarge {
            kind: "10^-18 dollars",
            value: U256::MAX,
            max: U256::MAX,
        })?)
    }

    /// The difference, if it is not negative.
    #[allow(
        clippy::should_implement_trait,
        reason = "fallible: `-` could only panic"
    )]
    pub fn sub(self, less: Self) -> Result<Self, NumberError> {
        let difference = self.get().checked_sub(less.get());
        Self::new(difference.ok_or(NumberError::BelowZero {
            kind: "10^-18 dollars",
            from: self.get(),
            less: less.get(),
        })?)
    }
}

/// What `assets` are worth, rounded down: collateral.
pub fn value_down(assets: Assets, price: Price, decimals: u8) -> Result<Usd, NumberError> {
    mul_div_down(assets.to_u256(), price.to_u256(), whole(decimals)?).and_then(Usd::new)
}

/// What `assets` are worth, rounded up: debt.
pub fn value_up(assets: Assets, price: Price, decimals: u8) -> Result<Usd, NumberError> {
    mul_div_up(assets.to_u256(), price.to_u256(), whole(decimals)?).and_then(Usd::new)
}

/// How much of an asset `value` buys, rounded down: paid out.
pub fn assets_down(value: Usd, price: Price, decimals: u8) -> Result<Assets, NumberError> {
    Assets::from_u256(mul_div_down(
        value.get(),
        whole(decimals)?,
        price.to_u256(),
    )?)
}

/// How much of an asset is worth at least `value`: owed.
pub fn assets_up(value: Usd, price: Price, decimals: u8) -> Result<Assets, NumberError> {
    Assets::from_u256(mul_div_up(value.get(), whole(decimals)?, price.to_u256())?)
}

/// Smallest units of one whole token. 64 bits are enough for nearly all of them, in a twentieth of the instructions that
/// a power of 256 takes.
fn whole(decimals: u8) -> Result<U256, NumberError> {
    if let Some(narrow) = 10_u64.checked_pow(u32::from(decimals)) {
        return Ok(U256::from(narrow));
    }
    U256::from(10)
        .checked_pow(U256::from(decimals))
        .ok_or(NumberError::TooLarge {
            kind: "number of decimals",
            value: U256::from(decimals),
            max: U256::from(77),
        })
}
