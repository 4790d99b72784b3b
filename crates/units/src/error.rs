//! Why a number could not be made.

use alloy_primitives::U256;

/// An operation whose result is not a number of its kind. Each variant carries what was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The value does not fit the kind.
    #[error("{value} is more than the largest {kind}, {max}")]
    TooLarge {
        /// Kind of number.
        kind: &'static str,
        /// Value that does not fit; capped at 2^256 - 1.
        value: U256,
        /// Largest value of the kind.
        max: U256,
    },
    /// A subtraction went below zero.
    #[error("cannot take {less} {kind} from {from}")]
    BelowZero {
        /// Kind of number.
        kind: &'static str,
        /// What was there.
        from: U256,
        /// What was to be taken.
        less: U256,
    },
    /// A division by zero.
    #[error("{0} divided by zero")]
    DividedByZero(U256),
}
