//! What a node that follows this one asks: the chain's genesis, and blocks as they travel.

use alloy_primitives::{B256, Bytes, U64};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    RpcContext,
    error::{RpcError, RpcResult, chain_error},
    methods::Methods,
};

/// Blocks of one answer.
const BLOCKS_MAX: u64 = 256;
/// Bytes of blocks in one answer; one block is always whole.
const BYTES_MAX: usize = 16 << 20;

pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_genesis",
        [],
        "The chain's genesis, as its file has it, and the hash of its block.",
        genesis,
    );
    table
        .blocking(
            "capstan_blocks",
            ["from", "limit?"],
            "Blocks from a height on, each as RLP [header, transactions, access list]: at most 256 and 16 MiB; and which block is the newest.",
            blocks,
        )
        .heavy();
}

#[derive(Serialize)]
struct GenesisTold {
    genesis: Box<RawValue>,
    hash: B256,
}

fn genesis(cx: &RpcContext, (): ()) -> RpcResult<GenesisTold> {
    let json = RawValue::from_string(cx.chain().genesis().to_json());
    Ok(GenesisTold {
        genesis: json.map_err(|error| RpcError::internal(error.to_string()))?,
        hash: genesis_hash(cx)?,
    })
}

fn genesis_hash(cx: &RpcContext) -> RpcResult<B256> {
    let block = cx.chain().block(0).map_err(chain_error)?;
    Ok(block.ok_or_else(RpcError::header_not_found)?.hash())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blocks {
    chain_id: U64,
    genesis_hash: B256,
    head: Head,
    blocks: Vec<Bytes>,
}

#[derive(Serialize)]
struct Head {
    number: U64,
    hash: B256,
}

fn blocks(cx: &RpcContext, (from, limit): (U64, Option<U64>)) -> RpcResult<Blocks> {
    let head = cx.chain().head();
    let from: u64 = from.to();
    let limit = limit.map_or(BLOCKS_MAX, |limit| limit.to::<u64>().min(BLOCKS_MAX));
    let mut blocks = Vec::new();
    let mut bytes = 0;
    for number in (from.max(1)..=head.number()).take(usize::try_from(limit).unwrap_or(0)) {
        cx.check_deadline()?;
        let Some(block) = cx.chain().block(number).map_err(chain_error)? else {
            break;
        };
        let raw = block.raw().encode();
        bytes += raw.len();
        if bytes > BYTES_MAX && !blocks.is_empty() {
            break;
        }
        blocks.push(raw.into());
    }
    Ok(Blocks {
        chain_id: U64::from(cx.chain().rules().chain_id),
        genesis_hash: genesis_hash(cx)?,
        head: Head {
            number: U64::from(head.number()),
            hash: head.hash(),
        },
        blocks,
    })
}
