//! Why a call or a transaction cannot run, in geth's words.
//!
//! One table for `eth_call`, `eth_estimateGas`, `eth_simulateV1` and traces. Simulation has codes of its own
//! for the same facts ([`Refusal::simulate_code`]); everywhere else they are -32000.

use alloy_primitives::{Address, U256};
use capstan_evm::{ExecError, StateError, TxRefused};
use revm::context::TxEnv;
use revm::context_interface::result::{HaltReason, InvalidTransaction};

use crate::error::{RpcError, code};

/// EIP-3860.
const INITCODE_BYTES_MAX: usize = 49_152;

/// Codes of `eth_simulateV1` (execution-apis), one for each fact.
pub(crate) mod simulate_code {
    /// Nonce below the account's.
    pub(crate) const NONCE_TOO_LOW: i64 = -38010;
    /// Nonce above the account's.
    pub(crate) const NONCE_TOO_HIGH: i64 = -38011;
    /// Fee cap below the base fee.
    pub(crate) const BASE_FEE_TOO_LOW: i64 = -38012;
    /// Gas limit below what the transaction costs before it runs.
    pub(crate) const INTRINSIC_GAS: i64 = -38013;
    /// Sender cannot pay value and gas.
    pub(crate) const INSUFFICIENT_FUNDS: i64 = -38014;
    /// The block has not that much gas left.
    pub(crate) const BLOCK_GAS: i64 = -38015;
    /// Block numbers do not rise.
    pub(crate) const BLOCK_NUMBER: i64 = -38020;
    /// Block times do not rise.
    pub(crate) const BLOCK_TIME: i64 = -38021;
    /// A precompile is moved onto itself.
    pub(crate) const MOVE_TO_SELF: i64 = -38022;
    /// Two precompiles are moved to one address.
    pub(crate) const MOVE_TWICE: i64 = -38023;
    /// Sender has code.
    pub(crate) const SENDER_HAS_CODE: i64 = -38024;
    /// Init code beyond EIP-3860.
    pub(crate) const INITCODE_SIZE: i64 = -38025;
    /// More blocks or gas than one simulation may use.
    pub(crate) const LIMIT: i64 = -38026;
}

/// A refused transaction: geth's sentence, and the code that simulation has for it.
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) simulate_code: i64,
}

impl Refusal {
    /// Puts the refusal of `tx` into words. `base_fee_wei` is that of the block it was tried in.
    pub(crate) fn new(refused: &TxRefused, tx: &TxEnv, base_fee_wei: u128) -> Self {
        use simulate_code as code_of;
        let sender = tx.caller;
        let say = |simulate_code, message| Self {
            message,
            simulate_code,
        };
        let TxRefused::Invalid(invalid) = refused else {
            let code = match refused {
                TxRefused::BlockFull { .. } => code_of::BLOCK_GAS,
                _ => code::INVALID_PARAMS,
            };
            return say(code, refused.to_string());
        };
        match invalid {
            InvalidTransaction::NonceTooLow { tx, state } => say(
                code_of::NONCE_TOO_LOW,
                format!("nonce too low: address {sender}, tx: {tx} state: {state}"),
            ),
            InvalidTransaction::NonceTooHigh { tx, state } => say(
                code_of::NONCE_TOO_HIGH,
                format!("nonce too high: address {sender}, tx: {tx} state: {state}"),
            ),
            InvalidTransaction::GasPriceLessThanBasefee => say(
                code_of::BASE_FEE_TOO_LOW,
                format!(
                    "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {}, baseFee: \
                     {base_fee_wei}",
                    tx.gas_price
                ),
            ),
            InvalidTransaction::PriorityFeeGreaterThanMaxFee => say(
                code_of::BASE_FEE_TOO_LOW,
                format!(
                    "max priority fee per gas higher than max fee per gas: address {sender}, \
                     maxPriorityFeePerGas: {}, maxFeePerGas: {}",
                    tx.gas_priority_fee.unwrap_or_default(),
                    tx.gas_price
                ),
            ),
            InvalidTransaction::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            } => say(
                code_of::INTRINSIC_GAS,
                format!("intrinsic gas too low: have {gas_limit}, want {initial_gas}"),
            ),
            InvalidTransaction::GasFloorMoreThanGasLimit {
                gas_floor,
                gas_limit,
            } => say(
                code_of::INTRINSIC_GAS,
                format!(
                    "insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}"
                ),
            ),
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => say(
                code_of::INSUFFICIENT_FUNDS,
                insufficient_funds(sender, **balance, **fee),
            ),
            InvalidTransaction::CallerGasLimitMoreThanBlock => {
                say(code_of::BLOCK_GAS, "gas limit reached".to_owned())
            }
            InvalidTransaction::TxGasLimitGreaterThanCap { gas_limit, cap } => say(
                code_of::BLOCK_GAS,
                format!("transaction gas limit too high (cap: {cap}, tx: {gas_limit})"),
            ),
            InvalidTransaction::RejectCallerWithCode => say(
                code_of::SENDER_HAS_CODE,
                format!("sender not an eoa: address {sender}"),
            ),
            InvalidTransaction::CreateInitCodeSizeLimit => say(
                code_of::INITCODE_SIZE,
                format!(
                    "max initcode size exceeded: code size {} limit {INITCODE_BYTES_MAX}",
                    tx.data.len()
                ),
            ),
            InvalidTransaction::NonceOverflowInTransaction => say(
                code_of::NONCE_TOO_HIGH,
                format!("nonce has max value: address {sender}, nonce: {}", tx.nonce),
            ),
            other => say(code::INVALID_PARAMS, other.to_string()),
        }
    }
}

impl Refusal {
    /// A call that could not even start, with the gas that it was given.
    pub(crate) fn with_gas(self, tx: &TxEnv) -> String {
        format!("err: {} (supplied gas {})", self.message, tx.gas_limit)
    }
}

/// geth's words for a sender that is too poor.
pub(crate) fn insufficient_funds(sender: Address, have: U256, want: U256) -> String {
    format!("insufficient funds for gas * price + value: address {sender} have {have} want {want}")
}

/// A call that could not even start, as `eth_call` says it: with the gas that it was given.
pub(crate) fn call_failed(error: ExecError, tx: &TxEnv, base_fee_wei: u128) -> RpcError {
    match error {
        ExecError::Refused(refused) => {
            RpcError::server(Refusal::new(&refused, tx, base_fee_wei).with_gas(tx))
        }
        other => execution(other),
    }
}

/// The executor itself failed.
pub(crate) fn execution(error: ExecError) -> RpcError {
    match error {
        ExecError::State(state) => state_unreadable(state),
        ExecError::Refused(refused) => RpcError::server(refused.to_string()),
        stopped @ ExecError::Stopped => RpcError::new(code::TIMEOUT, stopped.to_string()),
        other => RpcError::internal(other.to_string()),
    }
}

/// The state that a request needs cannot be read.
pub(crate) fn state_unreadable(error: StateError) -> RpcError {
    match error {
        StateError::Pruned { height, oldest } => RpcError::state_pruned(height, oldest),
        other => RpcError::internal(other.to_string()),
    }
}

/// How geth names the end of an execution that neither returned nor reverted.
pub(crate) fn halt_words(halt: &HaltReason) -> String {
    match halt {
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::OpcodeNotFound => "invalid opcode".into(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::StackOverflow => "stack limit reached 1024 (1023)".into(),
        HaltReason::OutOfOffset => "return data out of bounds".into(),
        HaltReason::CreateCollision => "contract address collision".into(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".into(),
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded".into(),
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            "write protection".into()
        }
        HaltReason::OutOfFunds => "insufficient balance for transfer".into(),
        HaltReason::CallTooDeep => "max call depth exceeded".into(),
        HaltReason::NonceOverflow => "nonce uint64 overflow".into(),
        other => other.to_string(),
    }
}
