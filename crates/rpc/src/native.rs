//! What the protocol's own contracts add to answers: names for reverts.

use alloy_sol_types as _;
use capstan_chain::ChainError;

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

/// The words of an error that a native contract declares.
pub(crate) fn decode_error(_output: &[u8]) -> Option<String> {
    None
}
