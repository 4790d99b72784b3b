//! The curves: pure functions of reserves. All rounding of prices is here, and all of it is for the pool.

pub(super) mod product;
pub(super) mod range;
pub(super) mod stable;

use alloy_primitives::U256;
use capstan_state::Halt;

/// A curve by its number in storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// `x * y` stays.
    Product,
    /// Flat where the reserves are even, steep where they are not.
    Stable,
    /// `x * y` stays within ranges of prices, each with its own liquidity.
    Range,
}

impl Curve {
    /// Its number; zero is no curve.
    pub const fn number(self) -> u8 {
        match self {
            Self::Product => 1,
            Self::Stable => 2,
            Self::Range => 3,
        }
    }

    /// The curve with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Product),
            2 => Some(Self::Stable),
            3 => Some(Self::Range),
            _ => None,
        }
    }
}

/// A sum that fits, or a panic of the contract.
pub(super) fn add(a: U256, b: U256) -> Result<U256, Halt> {
    a.checked_add(b).ok_or_else(Halt::overflow)
}

/// A difference that is not negative, or a panic of the contract.
pub(super) fn sub(a: U256, b: U256) -> Result<U256, Halt> {
    a.checked_sub(b).ok_or_else(Halt::overflow)
}

/// A product that fits, or a panic of the contract.
pub(super) fn mul(a: U256, b: U256) -> Result<U256, Halt> {
    a.checked_mul(b).ok_or_else(Halt::overflow)
}
