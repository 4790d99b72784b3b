//! Accounts and their storage at a block.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, hex};
use alloy_serde::JsonStorageKey;
use capstan_evm::{AccountInfo, StateRead};
use serde::{Deserialize, Deserializer};
use std::{collections::BTreeMap, sync::Arc};

use super::proof::SLOTS_MAX;
use super::refusal::state_unreadable;
use super::{blocks, scene};
use crate::RpcContext;
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};
use crate::methods::Methods;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "eth_getBalance",
        ["address", "block?"],
        "Gas coins of an account, in wei.",
        |cx, (address, id): (Address, Option<BlockId>)| {
            Ok(account(cx, address, id)?.map_or(U256::ZERO, |account| account.balance))
        },
    );
    table.blocking(
        "eth_getCode",
        ["address", "block?"],
        "Code of an account; one byte 0xfe at the address of a native contract.",
        get_code,
    );
    table.blocking(
        "eth_getStorageAt",
        ["address", "slot", "block?"],
        "One storage word.",
        |cx, (address, slot, id): (Address, StorageKey, Option<BlockId>)| {
            let word = state(cx, id)?
                .storage(address, slot.0.into())
                .map_err(state_unreadable)?;
            Ok(B256::from(word))
        },
    );
    table.blocking(
        "eth_getStorageValues",
        ["slots", "block?"],
        "Storage words of several accounts at once: {address: [slot, ...]} is answered by {address: [word, ...]}.",
        get_storage_values,
    );
    table.blocking(
        "eth_getTransactionCount",
        ["address", "block?"],
        "Nonce of an account; at `pending`, after its transactions that wait.",
        get_transaction_count,
    );
}

/// A storage key: a quantity, or 32 bytes as clients send them, with or without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StorageKey(pub(crate) B256);

impl<'de> Deserialize<'de> for StorageKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(&text);
        if digits.len() > 64 {
            return Err(D::Error::custom(format!(
                "storage key too long (want at most 32 bytes): {} digits",
                digits.len()
            )));
        }
        let mut word = [0; 32];
        hex::decode_to_slice(format!("{digits:0>64}"), &mut word)
            .map_err(|_| D::Error::custom("unable to decode storage key: hex string invalid"))?;
        Ok(Self(word.into()))
    }
}

impl From<StorageKey> for JsonStorageKey {
    fn from(key: StorageKey) -> Self {
        Self::Hash(key.0)
    }
}

/// State at a block; `latest` if none is named.
pub(crate) fn state(cx: &RpcContext, id: Option<BlockId>) -> RpcResult<Arc<dyn StateRead>> {
    let id = id.unwrap_or_default();
    let at = match scene::state_of(id, B256::ZERO) {
        // Named by number or hash: it must exist, and be canonical if the caller says so.
        capstan_chain::At::Hash(_) => {
            let block = blocks::find(cx, id)?.ok_or_else(RpcError::header_not_found)?;
            capstan_chain::At::Hash(block.hash())
        }
        tag => tag,
    };
    cx.chain().state_at(at).map_err(chain_error)
}

fn account(
    cx: &RpcContext,
    address: Address,
    id: Option<BlockId>,
) -> RpcResult<Option<AccountInfo>> {
    state(cx, id)?.account(address).map_err(state_unreadable)
}

fn get_code(cx: &RpcContext, (address, id): (Address, Option<BlockId>)) -> RpcResult<Bytes> {
    let state = state(cx, id)?;
    match state.account(address).map_err(state_unreadable)? {
        Some(account) if account.code_hash != KECCAK256_EMPTY => {
            state.code(account.code_hash).map_err(state_unreadable)
        }
        _ => Ok(Bytes::new()),
    }
}

fn get_storage_values(
    cx: &RpcContext,
    (asked, id): (BTreeMap<Address, Vec<StorageKey>>, Option<BlockId>),
) -> RpcResult<BTreeMap<Address, Vec<B256>>> {
    let slot_count: usize = asked.values().map(Vec::len).sum();
    if slot_count == 0 {
        return Err(RpcError::invalid_params("empty request"));
    }
    if slot_count > SLOTS_MAX {
        return Err(RpcError::invalid_params(format!(
            "too many slots: {slot_count} are more than the limit of {SLOTS_MAX}"
        )));
    }
    let state = state(cx, id)?;
    let word = |address, slot: StorageKey| {
        let word = state.storage(address, slot.0.into());
        word.map(B256::from).map_err(state_unreadable)
    };
    asked
        .into_iter()
        .map(|(address, slots)| {
            let words: RpcResult<_> = slots.into_iter().map(|slot| word(address, slot)).collect();
            Ok((address, words?))
        })
        .collect()
}

/// The pool counts for `pending`: a sender's next nonce is after its transactions that can run.
fn get_transaction_count(
    cx: &RpcContext,
    (address, id): (Address, Option<BlockId>),
) -> RpcResult<U64> {
    let pending = matches!(id, Some(BlockId::Number(BlockNumberOrTag::Pending)));
    let settled = if pending {
        Some(BlockNumberOrTag::Latest.into())
    } else {
        id
    };
    let nonce = account(cx, address, settled)?.map_or(0, |account| account.nonce);
    let waiting = if pending {
        cx.chain().pool().next_nonce(address)
    } else {
        None
    };
    Ok(U64::from(nonce.max(waiting.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_keys_come_in_many_lengths() {
        let check = |text: &str, expected: Option<U256>| {
            let key: Option<StorageKey> = serde_json::from_str(&format!("\"{text}\"")).ok();
            assert_eq!(
                key.map(|key| U256::from_be_bytes(key.0.0)),
                expected,
                "{text}"
            );
        };
        check("0x0", Some(U256::ZERO));
        check("0x01", Some(U256::ONE));
        check("0x", Some(U256::ZERO));
        check("a", Some(U256::from(10)));
        check(&format!("0x{:064x}", 7), Some(U256::from(7)));
        check(&format!("0x{:065x}", 7), None);
        check("0xzz", None);
        check("0xé", None);
    }
}
