//! Fixed-point numbers. The type says where the point is, so two scales cannot be mixed.

use core::fmt;

use alloy_primitives::U256;

use crate::{NumberError, mul_div_down, mul_div_up};

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident($inner:ident), $kind:literal, one = $one:expr, max = $max:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($inner);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self($inner::MIN);
            /// One whole.
            pub const ONE: Self = Self($one);
            /// Largest number.
            pub const MAX: Self = Self($max);
            const KIND: &'static str = $kind;

            /// The number of these units, if it is in range.
            #[inline]
            pub fn new(units: $inner) -> Result<Self, NumberError> {
                if units > Self::MAX.0 {
                    Err(Self::too_large(U256::from(units)))
                } else {
                    Ok(Self(units))
                }
            }

            /// The number from an ABI word, if it is in range.
            #[inline]
            pub fn from_u256(value: U256) -> Result<Self, NumberError> {
                match $inner::try_from(value) {
                    Ok(units) => Self::new(units),
                    Err(_) => Err(Self::too_large(value)),
                }
            }

            /// A number that is in range already.
            #[allow(dead_code, reason = "each kind gets the same parts")]
            pub(crate) const fn from_parts(units: $inner) -> Self {
                Self(units)
            }

            /// How many units it is.
            pub const fn get(self) -> $inner {
                self.0
            }

            /// How many units it is, as an ABI word.
            #[inline]
            pub fn to_u256(self) -> U256 {
                U256::from(self.0)
            }

            #[cold]
            fn too_large(value: U256) -> NumberError {
                NumberError::TooLarge { kind: Self::KIND, value, max: Self::MAX.to_u256() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, Self::KIND)
            }
        }
    )*};
}

/// 10^18.
const WAD: u64 = 1_000_000_000_000_000_000;
/// 10^27.
const RAY: u128 = 1_000_000_000_000_000_000_000_000_000;

fixed! {
    /// Hundredths of a percent: fees, bonuses, factors. At most one whole.
    Bps(u16), "hundredths of a percent", one = 10_000, max = 10_000;
    /// US dollars per whole token, times 10^18. Below 2^112, so that a price times an amount fits 256 bits.
    Price(u128), "10^-18 dollars per token", one = 1_000_000_000_000_000_000, max = u128::MAX >> 16;
    /// A sum of money: US dollars times 10^18.
    Usd(U256), "10^-18 dollars", one = U256::from_limbs([WAD, 0, 0, 0]), max = U256::MAX;
    /// A ratio in units of 10^-18: health factors, utilisation.
    Wad(U256), "10^-18", one = U256::from_limbs([WAD, 0, 0, 0]), max = U256::MAX;
    /// A ratio in units of 10^-27: rates per year, and the indexes by which shares grow for years.
    Ray(u128), "10^-27", one = RAY, max = u128::MAX;
}

/// What may be taken of any amount. A price is not among them: what an amount is worth depends on the decimals of
/// its token too.
macro_rules! ratios {
    ($($name:ident)*) => {$(
        impl $name {
            /// `floor(amount * self)`.
            pub fn of_down(self, amount: U256) -> Result<U256, NumberError> {
                mul_div_down(amount, self.to_u256(), Self::ONE.to_u256())
            }

            /// `ceil(amount * self)`.
            pub fn of_up(self, amount: U256) -> Result<U256, NumberError> {
                mul_div_up(amount, self.to_u256(), Self::ONE.to_u256())
            }
        }
    )*};
}
ratios!(Bps Wad Ray);
