//! `eth_getProof` (EIP-1186): an account, some of its slots, and the trie nodes that prove them.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};

use super::blocks;
use super::state::StorageKey;
use crate::RpcContext;
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};
use crate::methods::Methods;

/// Slots in one request: as geth.
pub(super) const SLOTS_MAX: usize = 1_024;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "eth_getProof",
        ["address", "slots", "block?"],
        "An account and some of its slots with their Merkle proofs against the block's state root.",
        get_proof,
    );
}

fn get_proof(
    cx: &RpcContext,
    (address, slots, id): (Address, Vec<StorageKey>, Option<BlockId>),
) -> RpcResult<EIP1186AccountProofResponse> {
    if slots.len() > SLOTS_MAX {
        return Err(RpcError::invalid_params(format!(
            "too many storage keys: {} are more than the limit of {SLOTS_MAX}",
            slots.len()
        )));
    }
    // A proof is against a root in a header, so it is for a block and never for what waits on top of it.
    let block = blocks::find(cx, id.unwrap_or_default())?.ok_or_else(RpcError::header_not_found)?;
    let keys: Vec<_> = slots.iter().map(|slot| slot.0).collect();
    let proof = cx
        .chain()
        .proof(block.hash(), address, &keys)
        .map_err(chain_error)?;
    // An account that does not exist is proven as the empty one.
    let account = proof.account.unwrap_or_default();
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account.balance,
        code_hash: account.code_hash,
        nonce: account.nonce,
        storage_hash: account.storage_root,
        account_proof: proof.proof,
        storage_proof: slots
            .into_iter()
            .zip(proof.storage)
            .map(|(slot, proven)| EIP1186StorageProof {
                key: slot.into(),
                value: proven.value,
                proof: proven.proof,
            })
            .collect(),
    })
}
