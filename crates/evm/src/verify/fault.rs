//! What is wrong with a block's access list, by name.

use std::fmt;

use alloy_eip7928::{BlockAccessListGasError, BlockAccessListValidationError};
use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_contracts::resolve;
use capstan_state::describe;

use crate::ExecError;

/// A field of an account, or the account as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// That it was touched.
    Account,
    /// Coins.
    Balance,
    /// Nonce.
    Nonce,
    /// Code.
    Code,
    /// A storage word.
    Word(U256),
}

/// What a field became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of balances, nonces and words.
    Number(U256),
    /// Of code.
    Code(Bytes),
}

/// One place of the state, at one index of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0 is before the first transaction, 1 the first transaction. None: not of one index.
    pub index: Option<u64>,
    /// Whose.
    pub address: Address,
    /// What of it.
    pub field: Field,
}

/// How a list differs from what its block does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are no list.
    Undecodable(alloy_rlp::Error),
    /// Encoding the list gives other bytes.
    NotCanonical,
    /// Another list than the header names.
    Hash {
        /// Of the bytes.
        is: B256,
        /// In the header.
        must: B256,
    },
    /// Order, uniqueness, or range of indices.
    Structure(Box<BlockAccessListValidationError>),
    /// More accounts and words than the block's gas can touch.
    TooLong(BlockAccessListGasError),
    /// Touched, and not in the list.
    Undeclared(Place),
    /// Written, and not in the list.
    Missing {
        /// Where.
        at: Place,
        /// What it became.
        made: Box<Value>,
    },
    /// Written, with another value in the list.
    Wrong {
        /// Where.
        at: Place,
        /// In the list.
        listed: Box<Value>,
        /// What it became.
        made: Box<Value>,
    },
    /// In the list, and nothing of the block does it.
    Unused(Place),
}

/// Why a verification ended without an outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The list is not that of the block.
    #[error("access list: {0}")]
    List(#[from] Fault),
    /// A transaction may not stand where it stands.
    #[error("transaction {index}: {error}")]
    Transaction {
        /// Its place in the block, from 0.
        index: usize,
        /// Why: [`ExecError::Refused`] or [`ExecError::System`].
        error: ExecError,
    },
    /// The parent's state could not be read, or the header is impossible.
    #[error(transparent)]
    Own(ExecError),
    /// A worker panicked. It says nothing about the block: run it in sequence.
    #[error("a worker panicked: {0}")]
    Panicked(String),
}

impl std::error::Error for Fault {}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("account"),
            Self::Balance => f.write_str("balance"),
            Self::Nonce => f.write_str("nonce"),
            Self::Code => f.write_str("code"),
            Self::Word(slot) => write!(f, "word {slot:#x}"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number:#x}"),
            Self::Code(code) if code.len() > 32 => write!(f, "{} bytes of code", code.len()),
            Self::Code(code) => write!(f, "{code}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            address,
            field,
        } = self;
        write!(f, "{field} of {address}")?;
        if let Field::Word(slot) = field
            && let Some(contract) = resolve(*address)
            && let Some(name) = describe(contract.layout, *slot)
        {
            write!(f, " ({} {name})", contract.name)?;
        }
        match index {
            None => Ok(()),
            Some(0) => write!(f, " before the first transaction"),
            Some(index) => write!(f, " at index {index}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecodable(error) => write!(f, "cannot be decoded: {error}"),
            Self::NotCanonical => f.write_str("its bytes are not the canonical ones"),
            Self::Hash { is, must } => write!(f, "its hash is {is}, the header says {must}"),
            Self::Structure(error) => error.fmt(f),
            Self::TooLong(error) => error.fmt(f),
            Self::Undeclared(at) => write!(f, "{at} is touched and not declared"),
            Self::Missing { at, made } => write!(f, "{at} becomes {made}, which is not listed"),
            Self::Wrong { at, listed, made } => {
                write!(f, "{at} becomes {made}, the list says {listed}")
            }
            Self::Unused(at) => write!(f, "{at} is listed, and nothing does it"),
        }
    }
}
