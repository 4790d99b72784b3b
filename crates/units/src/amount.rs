//! Amounts in smallest units: of tokens, of shares in what tokens were put into, of shares in a debt.

use core::fmt;

use alloy_primitives::U256;

use crate::NumberError;

macro_rules! amounts {
    ($($(#[$doc:meta])* $name:ident, $kind:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// The range is [0, 2^112): wide enough for 5 * 10^15 whole units of 18 decimals, narrow enough that a
        /// product of two amounts, or of an amount and a price, fits 256 bits, and that two amounts share a
        /// word. An amount beyond it is refused by name at the door instead of overflowing deep inside.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// Largest amount: 2^112 - 1.
            pub const MAX: Self = Self(u128::MAX >> 16);
            const KIND: &'static str = $kind;

            /// An amount, if it is in range.
            #[inline]
            pub fn new(value: u128) -> Result<Self, NumberError> {
                if value > Self::MAX.0 {
                    Err(Self::too_large(U256::from(value)))
                } else {
                    Ok(Self(value))
                }
            }

            /// An amount from an ABI word, if it is in range.
            #[inline]
            pub fn from_u256(value: U256) -> Result<Self, NumberError> {
                match u128::try_from(value) {
                    Ok(narrow) => Self::new(narrow),
                    Err(_) => Err(Self::too_large(value)),
                }
            }

            /// The amount as an integer.
            pub const fn get(self) -> u128 {
                self.0
            }

            /// The amount as an ABI word.
            #[inline]
            pub fn to_u256(self) -> U256 {
                U256::from(self.0)
            }

            /// Whether this is nothing.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The sum, if it is in range.
            #[allow(clippy::should_implement_trait, reason = "fallible: `+` could only panic")]
            #[inline]
            pub fn add(self, more: Self) -> Result<Self, NumberError> {
                // Two values below 2^112 cannot overflow 128 bits; saturation only names that for the compiler.
                Self::new(self.0.saturating_add(more.0))
            }

            /// The difference, if it is not negative.
            #[allow(clippy::should_implement_trait, reason = "fallible: `-` could only panic")]
            #[inline]
            pub fn sub(self, less: Self) -> Result<Self, NumberError> {
                self.0.checked_sub(less.0).map(Self).ok_or(NumberError::BelowZero {
                    kind: Self::KIND,
                    from: self.to_u256(),
                    less: less.to_u256(),
                })
            }

            /// The difference, or nothing where it would be negative.
            pub const fn sub_or_zero(self, less: Self) -> Self {
                Self(self.0.saturating_sub(less.0))
            }

            #[cold]
            fn too_large(value: U256) -> NumberError {
                NumberError::TooLarge { kind: Self::KIND, value, max: Self::MAX.to_u256() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for U256 {
            fn from(amount: $name) -> Self {
                amount.to_u256()
            }
        }
    )*};
}

amounts! {
    /// An amount of one token, in its smallest unit.
    Assets, "asset amount";
    /// A part of what a pool of assets is worth: what depositors hold.
    Shares, "share amount";
    /// A part of what a pool of debts has grown to: what borrowers owe.
    DebtShares, "debt share amount";
}
