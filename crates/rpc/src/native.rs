//! What the rooms below add to answers: the chain's refusals, and names for reverts of native contracts.

use capstan_chain::ChainError;
use capstan_contracts::decode_error;
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
        .map(|error| error.to_string())
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
        let message = error.to_string();
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
