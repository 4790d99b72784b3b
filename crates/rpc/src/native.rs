//! What the rooms below add to answers: the chain's refusals, and names for reverts of native contracts.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use capstan_chain::ChainError;
use capstan_contracts::{Decoded, decode::Argument, decode_error, pause_word};
use serde::Serialize;

use crate::error::RpcError;

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

/// What the contracts call Solidity's own `Error` and `Panic`.
const SOLIDITY: &str = "solidity";

/// An error of a native contract in one line; Solidity's own have words that every client knows.
pub(crate) fn revert_line(output: &[u8]) -> Option<String> {
    decode_error(output)
        .filter(|error| error.contract != SOLIDITY)
        .map(|error| sentence(&error))
}

/// Numbers of milliseconds from here on are moments, below it lengths of time: the year 2001.
const MOMENTS_FROM_MS: u64 = 1_000_000_000_000;

/// An error in one line: its numbers as they are, and beside those that nobody reads their words.
fn sentence(error: &Decoded) -> String {
    let argument = |argument: &Argument| {
        let named = match argument.name.as_str() {
            "" => argument.value.clone(),
            name => format!("{name}: {}", argument.value),
        };
        match words(error, argument) {
            Some(words) => format!("{named} ({words})"),
            None => named,
        }
    };
    let arguments: Vec<_> = error.arguments.iter().map(argument).collect();
    format!("{}({})", error.name, arguments.join(", "))
}

/// A moment or a length of time, or which verb is paused.
fn words(error: &Decoded, argument: &Argument) -> Option<String> {
    if argument.kind == "uint8" && argument.name == "verb" {
        let word = pause_word(error.contract, argument.value.parse().ok()?)?;
        return Some(word.to_owned());
    }
    if argument.kind != "uint64" || !argument.name.ends_with("Ms") {
        return None;
    }
    time_words(argument.value.parse().ok()?)
}

/// A moment as a date, a shorter number as a length of time; nothing for what lies behind the calendar's end.
pub(crate) fn time_words(ms: u64) -> Option<String> {
    let length = Duration::from_millis(ms);
    if ms < MOMENTS_FROM_MS {
        return Some(humantime::format_duration(length).to_string());
    }
    let at = UNIX_EPOCH.checked_add(length)?;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_seconds(at)).ok()?;
    Some(text)
}

/// A revert in words, as `capstan_decodeError` answers it.
#[derive(Serialize)]
pub(crate) struct ErrorInWords {
    contract: &'static str,
    name: String,
    signature: String,
    args: Vec<ArgInWords>,
    message: String,
    help: String,
}

#[derive(Serialize)]
struct ArgInWords {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl ErrorInWords {
    pub(crate) fn read(output: &[u8]) -> Option<Self> {
        let error = decode_error(output)?;
        let message = sentence(&error);
        let args = error.arguments.into_iter().map(|argument| ArgInWords {
            name: argument.name,
            kind: argument.kind,
            value: argument.value,
        });
        Some(Self {
            contract: error.contract,
            name: error.name,
            signature: error.signature,
            args: args.collect(),
            message,
            help: error.help,
        })
    }
}

#[cfg(test)]
mod tests;
