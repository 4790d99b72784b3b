//! What a request is answered with when it fails, in the words that Ethereum clients expect.
//!
//! Wallets and libraries match on codes and on fragments of messages ("nonce too low", "execution
//! reverted", "header not found"), so the same mistake reads as it does on geth. The code table is in
//! specs/rpc.md.

use std::borrow::Cow;

use alloy_primitives::{Bytes, U256, hex};
use alloy_sol_types::{Panic, Revert, SolError};
use capstan_chain::ChainError;
use serde_json::value::RawValue;

/// What every method answers.
pub type RpcResult<T> = Result<T, RpcError>;

/// Codes of JSON-RPC 2.0, EIP-1474 and geth. One row each in specs/rpc.md.
pub mod code {
    /// The text is not JSON.
    pub const PARSE: i64 = -32700;
    /// JSON, but not a request; or a batch that is empty or too long.
    pub const INVALID_REQUEST: i64 = -32600;
    /// No such method here.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// An argument is missing, too many, or not what the method takes.
    pub const INVALID_PARAMS: i64 = -32602;
    /// Our own failure.
    pub const INTERNAL: i64 = -32603;
    /// A well-formed request that the chain cannot satisfy: geth's code for most refusals.
    pub const SERVER: i64 = -32000;
    /// Something named by the request does not exist (or is pruned).
    pub const NOT_FOUND: i64 = -32001;
    /// The call ran into its time limit.
    pub const TIMEOUT: i64 = -32002;
    /// The answer would exceed its size limit.
    pub const TOO_LARGE: i64 = -32003;
    /// The method exists, but this node does not offer it in the way asked.
    pub const NOT_SUPPORTED: i64 = -32004;
    /// A limit on counts (filters, subscriptions, queued calls) is reached.
    pub const LIMIT: i64 = -32005;
    /// The EVM reverted; `data` holds the revert bytes.
    pub const REVERTED: i64 = 3;
    /// EIP-7966: the transaction was accepted but not included in time; `data` holds its hash.
    pub const SYNC_TIMEOUT: i64 = 4;
}

/// An error object of JSON-RPC.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct RpcError {
    /// One of [`code`].
    pub code: i64,
    /// What happened, with the numbers.
    pub message: Cow<'static, str>,
    /// More for programs: revert bytes, a transaction hash.
    pub data: Option<Box<RawValue>>,
}

impl RpcError {
    /// An error with a code of your own choice; prefer the named constructors.
    pub fn new(code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// Adds `data`. What cannot be written as JSON is left out.
    #[must_use]
    pub fn with_data(mut self, data: &impl serde::Serialize) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// The text is not JSON. The parser's reason says where.
    pub fn parse(reason: impl std::fmt::Display) -> Self {
        Self::new(code::PARSE, format!("parse error: {reason}"))
    }

    /// JSON, but not a JSON-RPC request.
    pub fn invalid_request(reason: impl std::fmt::Display) -> Self {
        Self::new(code::INVALID_REQUEST, format!("invalid request: {reason}"))
    }

    /// No such method.
    pub fn method_not_found(name: &str) -> Self {
        let name = shorten(name);
        Self::new(
            code::METHOD_NOT_FOUND,
            format!("the method {name} does not exist/is not available"),
        )
    }

    /// A development method on a node that is not `capstan dev` (R13).
    pub fn dev_only(name: &str) -> Self {
        Self::new(
            code::METHOD_NOT_FOUND,
            format!(
                "the method {name} does not exist/is not available: it changes the chain at will, \
                 which only a development chain allows (start one with `capstan dev`)"
            ),
        )
    }

    /// Argument number `index`, called `name`, is not what the method takes.
    pub fn invalid_argument(index: usize, name: &str, reason: impl std::fmt::Display) -> Self {
        Self::new(
            code::INVALID_PARAMS,
            format!("invalid argument {index} ({name}): {reason}"),
        )
    }

    /// Argument number `index`, called `name`, is missing.
    pub fn missing_argument(index: usize, name: &str) -> Self {
        Self::new(
            code::INVALID_PARAMS,
            format!("missing value for required argument {index} ({name})"),
        )
    }

    /// Arguments that are each well formed but wrong together or out of range.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INVALID_PARAMS, message)
    }

    /// The chain refuses a well-formed request: geth's -32000.
    pub fn server(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::SERVER, message)
    }

    /// The block that the request names is not known.
    pub fn header_not_found() -> Self {
        Self::server("header not found")
    }

    /// State of a block that is no longer kept.
    pub fn state_pruned(number: u64, oldest: u64) -> Self {
        Self::new(
            code::NOT_SUPPORTED,
            format!(
                "required historical state unavailable: state of block {number} is pruned, the \
                 oldest kept is that of block {oldest}"
            ),
        )
    }

    /// Something named by the request does not exist.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::NOT_FOUND, message)
    }

    /// A method or form that this node does not offer.
    pub fn not_supported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::NOT_SUPPORTED, message)
    }

    /// A limit on counts is reached.
    pub fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::LIMIT, message)
    }

    /// The call ran into its time limit.
    pub fn timed_out(limit_ms: u128) -> Self {
        Self::new(
            code::TIMEOUT,
            format!("request timed out: the limit per call is {limit_ms} ms"),
        )
    }

    /// The answer is too big to send.
    pub fn response_too_large(limit_bytes: usize) -> Self {
        Self::new(
            code::TOO_LARGE,
            format!(
                "response too large: the limit is {limit_bytes} bytes, ask for a smaller range"
            ),
        )
    }

    /// Our own failure. The details belong into the log; the caller gets one line.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INTERNAL, message)
    }

    /// The EVM reverted with `output`: code 3, the reason in words, the bytes as data.
    ///
    /// `Error(string)` and `Panic(uint256)` are spelled out as geth spells them; errors that a native
    /// contract declares are named with their arguments.
    pub fn reverted(output: &Bytes) -> Self {
        let message = match revert_words(output) {
            Some(words) => format!("execution reverted: {words}"),
            None => "execution reverted".to_owned(),
        };
        Self::new(code::REVERTED, message).with_data(&hex::encode_prefixed(output))
    }
}

/// A question to the chain failed.
pub(crate) fn chain_error(error: ChainError) -> RpcError {
    match error {
        ChainError::UnknownBlock(_) | ChainError::UnknownParent(_) => RpcError::header_not_found(),
        ChainError::StatePruned { number, oldest } => RpcError::state_pruned(number, oldest),
        ChainError::ProofWindow { .. } => RpcError::not_supported(error.to_string()),
        ChainError::TooManyResults { .. } | ChainError::QueryTimeout { .. } => {
            RpcError::limit(error.to_string())
        }
        other => RpcError::internal(other.to_string()),
    }
}

/// The revert bytes in words, if they are of a known kind. Bytes of no known kind stay bytes, printable or not.
fn revert_words(output: &[u8]) -> Option<String> {
    if let Some(line) = crate::words::revert_line(output) {
        return Some(line);
    }
    if let Ok(revert) = Revert::abi_decode(output) {
        return Some(revert.reason);
    }
    Panic::abi_decode(output)
        .ok()
        .map(|panic| panic_words(panic.code))
}

/// How geth names the codes of Solidity's `Panic(uint256)`.
fn panic_words(code: U256) -> String {
    let words = match u64::try_from(code).unwrap_or(u64::MAX) {
        0x00 => "generic panic",
        0x01 => "assert(false)",
        0x11 => "arithmetic underflow or overflow",
        0x12 => "division or modulo by zero",
        0x21 => "enum overflow",
        0x22 => "invalid encoded storage byte array accessed",
        0x31 => "out-of-bounds array access; popping on an empty array",
        0x32 => "out-of-bounds access of an array or bytesN",
        0x41 => "out of memory",
        0x51 => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    words.to_owned()
}

/// Echoes of what the caller sent stay short, so that an error cannot be used as an amplifier.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    const ECHO_CHARS_MAX: usize = 64;
    match text.char_indices().nth(ECHO_CHARS_MAX) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
    }
}

impl serde::Serialize for RpcError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(2 + usize::from(self.data.is_some())))?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("message", &self.message)?;
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}
