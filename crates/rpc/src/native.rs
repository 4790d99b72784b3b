//! What the protocol's own contracts add to answers: names for reverts.

use std::{collections::HashMap, fmt, sync::LazyLock};

use alloy_dyn_abi::{DynSolValue, ErrorExt};
use alloy_json_abi::Error as ErrorAbi;
use alloy_primitives::Selector;
use capstan_chain::ChainError;
use capstan_contracts::{Contract, registry};
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

/// Every error of every native contract by selector. The first contract that declares one names it:
/// a shared error reads the same everywhere.
static ERRORS: LazyLock<HashMap<Selector, (&'static Contract, ErrorAbi)>> = LazyLock::new(|| {
    let mut errors = HashMap::new();
    for contract in registry::all() {
        for error in (contract.abi)().errors.into_values().flatten() {
            errors.entry(error.selector()).or_insert((*contract, error));
        }
    }
    errors
});

/// An argument of a decoded error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DecodedArg {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// A revert of a native contract in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DecodedError {
    pub(crate) contract: &'static str,
    pub(crate) name: String,
    pub(crate) signature: String,
    pub(crate) args: Vec<DecodedArg>,
}

impl fmt::Display for DecodedError {
    /// `NativeNotPayable(value: 5)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, DecodedArg { name, value, .. }) in self.args.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let colon = if name.is_empty() { "" } else { ": " };
            write!(f, "{comma}{name}{colon}{value}")?;
        }
        f.write_str(")")
    }
}

/// The error that a native contract declares with these bytes, if one does.
pub(crate) fn decode_error(output: &[u8]) -> Option<DecodedError> {
    let selector = Selector::from(*output.first_chunk::<4>()?);
    let (contract, abi) = ERRORS.get(&selector)?;
    let values = abi.decode_error(output).ok()?;
    let args = abi
        .inputs
        .iter()
        .zip(&values.body)
        .map(|(param, value)| DecodedArg {
            name: param.name.clone(),
            kind: param.ty.clone(),
            value: show(value),
        });
    Some(DecodedError {
        contract: contract.name,
        name: abi.name.clone(),
        signature: abi.signature(),
        args: args.collect(),
    })
}

fn show(value: &DynSolValue) -> String {
    let list = |items: &[DynSolValue]| {
        let items: Vec<String> = items.iter().map(show).collect();
        format!("[{}]", items.join(", "))
    };
    match value {
        DynSolValue::Bool(truth) => truth.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::FixedBytes(word, size) => {
            alloy_primitives::hex::encode_prefixed(&word[..*size])
        }
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Function(function) => function.to_string(),
        DynSolValue::Bytes(bytes) => alloy_primitives::hex::encode_prefixed(bytes),
        DynSolValue::String(text) => format!("{text:?}"),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            list(items)
        }
    }
}
