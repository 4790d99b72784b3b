//! What can go wrong, in words that say what to do next.

use alloy_primitives::{Address, B256, U256};
use revm::context_interface::result::InvalidTransaction;
use revm::database_interface::DBErrorMarker;

/// The parent state could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The store below failed. Execution stops before anything is written.
    #[error("reading state failed: {0}")]
    Storage(String),
    /// An account names code that the store does not hold: the data folder is damaged.
    #[error("code {0} is named by an account but not stored; run `capstan db verify`")]
    MissingCode(B256),
    /// That height is outside the kept history.
    #[error("state at block {height} is pruned; the oldest block with state is {oldest}")]
    Pruned {
        /// Height asked for.
        height: u64,
        /// Oldest height that can be answered.
        oldest: u64,
    },
    /// A block reads what its access list does not declare: the block is bad.
    #[error("{} of account {address} is not in the block's access list", match slot {
        Some(slot) => format!("word {slot:#x}"),
        None => "nothing".to_owned(),
    })]
    Undeclared {
        /// Whose.
        address: Address,
        /// Which word; none, if the account itself is missing.
        slot: Option<U256>,
    },
}

impl DBErrorMarker for StateError {}

/// Why a transaction may not stand in this block. Nothing has changed; the block run goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxRefused {
    /// EIP-4844.
    #[error("blob transactions are not supported on this chain; send type 0, 1, 2 or 4")]
    Blob,
    /// A legacy signature without a chain id, replayable on other chains.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// The shape that is reserved for the block's own transactions (r = s = 0).
    #[error("signature r and s are zero: this shape is reserved for system transactions")]
    SystemShape,
    /// A native contract cannot send transactions.
    #[error("sender {0} is a native contract")]
    NativeSender(Address),
    /// The transaction does not fit into what is left of the block.
    #[error("transaction gas limit {gas_limit} exceeds the {gas_left} gas left in the block")]
    BlockFull {
        /// What the transaction asks for.
        gas_limit: u64,
        /// What is left for users in this block.
        gas_left: u64,
    },
    /// A rule of the protocol: nonce, balance, fees, intrinsic gas, caps.
    #[error(transparent)]
    Invalid(#[from] InvalidTransaction),
}

/// Why a block run stopped. Only [`ExecError::Refused`] leaves the run usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// This transaction may not stand here; the block run goes on without it.
    #[error(transparent)]
    Refused(#[from] TxRefused),
    /// The parent state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A system transaction that breaks the rules of the block: the block is bad.
    #[error("system transaction {ordinal} of block {number}: {why}")]
    System {
        /// Height of the block.
        number: u64,
        /// Position among the block's system transactions.
        ordinal: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The header is impossible (base fee beyond 64 bits, a fork that is not scheduled).
    #[error("block {number}: {why}")]
    Header {
        /// Height of the block.
        number: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The caller gave up before the end ([`crate::call::Session::stop_when`]).
    #[error("execution aborted: its caller gave up")]
    Stopped,
    /// A fault inside the executor itself. The node stops and shows it.
    #[error("execution failed: {0}; this is a fault of the node, please report it")]
    Internal(String),
}
