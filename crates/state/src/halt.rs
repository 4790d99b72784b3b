//! Ready-made halts.

use alloy_primitives::U256;
use alloy_sol_types::{Panic, SolError, sol};
use capstan_units::NumberError;

use crate::Halt;

sol! {
    /// A verb that must not be re-entered was entered again before it ended.
    #[derive(Debug, PartialEq, Eq)]
    error ReentrantCall();
    /// System work never calls other code: a foreign contract could stop the block.
    #[derive(Debug, PartialEq, Eq)]
    error CallInSystemPhase(address target);
    /// A text is longer than its field allows, in bytes.
    #[derive(Debug, PartialEq, Eq)]
    error TextTooLong(uint256 length, uint256 max);
    /// A list holds as many items as it may.
    #[derive(Debug, PartialEq, Eq)]
    error ListFull(uint256 max);
    /// No such place in a list.
    #[derive(Debug, PartialEq, Eq)]
    error ListIndexOutOfRange(uint256 index, uint256 length);
}

/// Solidity's panic codes that native code uses.
pub mod panic_code {
    /// Arithmetic left the range of its type.
    pub const ARITHMETIC: u8 = 0x11;
    /// Division by zero.
    pub const DIVISION_BY_ZERO: u8 = 0x12;
}

impl Halt {
    /// Reverts with a typed error, ABI-encoded as Solidity's custom errors are.
    pub fn revert(error: &impl SolError) -> Self {
        Self::Revert(error.abi_encode().into())
    }

    /// Reverts as Solidity's `Panic(uint256)`.
    pub fn panic_code(code: u8) -> Self {
        Self::revert(&Panic {
            code: U256::from(code),
        })
    }

    /// Checked arithmetic that failed: `Panic(0x11)`.
    pub fn overflow() -> Self {
        Self::panic_code(panic_code::ARITHMETIC)
    }

    /// A stored word that no writer of its field can have written: the database is damaged.
    #[cold]
    pub(crate) fn corrupt(what: &str, word: U256) -> Self {
        Self::Fatal(format!("corrupt storage: {word:#066x} is not a {what}"))
    }
}

/// Arithmetic that a contract did not turn into an error of its own.
impl From<NumberError> for Halt {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::TooLarge { .. } | NumberError::BelowZero { .. } => Self::overflow(),
            NumberError::DividedByZero(_) => Self::panic_code(panic_code::DIVISION_BY_ZERO),
        }
    }
}
