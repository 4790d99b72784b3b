//! Consensus bytes: what hashes and roots are made from.

use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes};

use crate::RpcContext;
use crate::error::{RpcError, RpcResult};
use crate::eth::blocks;
use crate::methods::Methods;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.quick(
        "debug_getBadBlocks",
        [],
        "Always empty: a block that does not hold is refused and never stored.",
        |_, ()| Ok(Vec::<Bytes>::new()),
    );
    table.blocking(
        "debug_getRawHeader",
        ["block"],
        "RLP of a header.",
        |cx, (id,): (BlockId,)| {
            let block = known(cx, id)?;
            Ok(Bytes::from(alloy_rlp::encode(block.header.inner())))
        },
    );
    table.blocking(
        "debug_getRawBlock",
        ["block"],
        "RLP of a block: header, transactions, no ommers, no withdrawals.",
        |cx, (id,): (BlockId,)| Ok(known(cx, id)?.ethereum_rlp()),
    );
    table.blocking(
        "debug_getRawReceipts",
        ["block"],
        "The EIP-2718 encoding of each receipt of a block.",
        |cx, (id,): (BlockId,)| {
            let block = known(cx, id)?;
            Ok(block
                .receipts
                .iter()
                .map(|r| r.encoded_2718().into())
                .collect::<Vec<Bytes>>())
        },
    );
    table.blocking(
        "debug_getRawTransaction",
        ["hash"],
        "The EIP-2718 encoding of a transaction, mined or waiting.",
        |cx, (hash,): (B256,)| Ok(blocks::raw_transaction(cx, hash)?.unwrap_or_default()),
    );
    table.blocking(
        "debug_getRawBlockAccessList",
        ["block"],
        "RLP of the block's access list (EIP-7928); its keccak is in the header.",
        |cx, (id,): (BlockId,)| Ok(known(cx, id)?.access_list.clone()),
    );
}

fn known(cx: &RpcContext, id: BlockId) -> RpcResult<std::sync::Arc<capstan_chain::Block>> {
    blocks::find(cx, id)?.ok_or_else(RpcError::header_not_found)
}
