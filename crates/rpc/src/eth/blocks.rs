//! Blocks, transactions and receipts: lookups by number, hash and index.
//!
//! What is not there is answered with `null`, as the specification says; only a block that a request names
//! together with `requireCanonical` is an error when it is known but not part of the chain.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rlp::Decodable;
use alloy_rpc_types_eth::{Header, Index};
use capstan_chain::{At, Block};

use crate::RpcContext;
use crate::convert::{self, RpcBlock, RpcReceipt, RpcTransaction};
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};
use crate::methods::Methods;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.quick(
        "eth_blockNumber",
        [],
        "Height of the newest block.",
        |cx, ()| Ok(U64::from(cx.chain().head().number())),
    );
    table.quick(
        "eth_syncing",
        [],
        "Always false: what this node knows, it has executed.",
        |_, ()| Ok(false),
    );
    table.blocking(
        "eth_getBlockByNumber",
        ["block", "full?"],
        "A block by number or tag, with transactions or their hashes.",
        |cx, (tag, full): (BlockNumberOrTag, Option<bool>)| block(cx, tag.into(), full),
    );
    table.blocking(
        "eth_getBlockByHash",
        ["hash", "full?"],
        "A block by hash, with transactions or their hashes.",
        |cx, (hash, full): (B256, Option<bool>)| block(cx, hash.into(), full),
    );
    table.blocking(
        "eth_getHeaderByNumber",
        ["block"],
        "A header by number or tag.",
        |cx, (tag,): (BlockNumberOrTag,)| header(cx, tag.into()),
    );
    table.blocking(
        "eth_getHeaderByHash",
        ["hash"],
        "A header by hash.",
        |cx, (hash,): (B256,)| header(cx, hash.into()),
    );
    table.blocking(
        "eth_getBlockTransactionCountByNumber",
        ["block"],
        "How many transactions a block holds, the chain's own included.",
        |cx, (tag,): (BlockNumberOrTag,)| transaction_count(cx, tag.into()),
    );
    table.blocking(
        "eth_getBlockTransactionCountByHash",
        ["hash"],
        "How many transactions a block holds, the chain's own included.",
        |cx, (hash,): (B256,)| transaction_count(cx, hash.into()),
    );
    register_uncles(table);
    table.blocking(
        "eth_getBlockReceipts",
        ["block"],
        "All receipts of a block, in order.",
        |cx, (id,): (BlockId,)| Ok(find(cx, id)?.map(|block| convert::receipts(&block))),
    );
    table.blocking(
        "eth_getBlockAccessList",
        ["block"],
        "The block's access list (EIP-7928): every account and slot that it touched, with the values written.",
        block_access_list,
    );
    register_transactions(table);
}

/// There are no uncles. A block that exists has zero of them; one that does not is `null`.
fn register_uncles(table: &mut Methods) {
    let none = |cx: &RpcContext, id| Ok(find(cx, id)?.map(|_| U64::ZERO));
    table.blocking(
        "eth_getUncleCountByBlockNumber",
        ["block"],
        "Always zero: there are no uncles.",
        move |cx, (tag,): (BlockNumberOrTag,)| none(cx, tag.into()),
    );
    table.blocking(
        "eth_getUncleCountByBlockHash",
        ["hash"],
        "Always zero: there are no uncles.",
        move |cx, (hash,): (B256,)| none(cx, hash.into()),
    );
    table.quick(
        "eth_getUncleByBlockNumberAndIndex",
        ["block", "index"],
        "Always null: there are no uncles.",
        |_, (_, _): (BlockNumberOrTag, Index)| Ok(None::<RpcBlock>),
    );
    table.quick(
        "eth_getUncleByBlockHashAndIndex",
        ["hash", "index"],
        "Always null: there are no uncles.",
        |_, (_, _): (B256, Index)| Ok(None::<RpcBlock>),
    );
}

fn register_transactions(table: &mut Methods) {
    table.blocking(
        "eth_getTransactionByHash",
        ["hash"],
        "A transaction, mined or waiting.",
        transaction_by_hash,
    );
    table.blocking(
        "eth_getTransactionByBlockNumberAndIndex",
        ["block", "index"],
        "A transaction by its place.",
        |cx, (tag, index): (BlockNumberOrTag, Index)| transaction_at(cx, tag.into(), index),
    );
    table.blocking(
        "eth_getTransactionByBlockHashAndIndex",
        ["hash", "index"],
        "A transaction by its place.",
        |cx, (hash, index): (B256, Index)| transaction_at(cx, hash.into(), index),
    );
    table.blocking(
        "eth_getTransactionBySenderAndNonce",
        ["sender", "nonce"],
        "A transaction, mined or waiting, by who sent it and its nonce.",
        transaction_by_sender,
    );
    table.blocking(
        "eth_getRawTransactionByHash",
        ["hash"],
        "The bytes of a transaction, mined or waiting.",
        |cx, (hash,): (B256,)| raw_transaction(cx, hash),
    );
    table.blocking(
        "eth_getRawTransactionByBlockNumberAndIndex",
        ["block", "index"],
        "The bytes of a transaction by its place.",
        |cx, (tag, index): (BlockNumberOrTag, Index)| raw_transaction_at(cx, tag.into(), index),
    );
    table.blocking(
        "eth_getRawTransactionByBlockHashAndIndex",
        ["hash", "index"],
        "The bytes of a transaction by its place.",
        |cx, (hash, index): (B256, Index)| raw_transaction_at(cx, hash.into(), index),
    );
    table.blocking(
        "eth_getTransactionReceipt",
        ["hash"],
        "The receipt of a mined transaction.",
        transaction_receipt,
    );
}

/// The block that an id names; `None` if there is none.
pub(crate) fn find(cx: &RpcContext, id: BlockId) -> RpcResult<Option<Arc<Block>>> {
    let found = cx.chain().block(At::from(id)).map_err(chain_error)?;
    if let (BlockId::Hash(wanted), Some(block)) = (id, &found)
        && wanted.require_canonical == Some(true)
    {
        let canonical = cx.chain().block(block.number()).map_err(chain_error)?;
        if canonical.is_none_or(|canonical| canonical.hash() != wanted.block_hash) {
            return Err(RpcError::server(format!(
                "hash {} is not currently canonical",
                wanted.block_hash
            )));
        }
    }
    Ok(found)
}

fn block(cx: &RpcContext, id: BlockId, full: Option<bool>) -> RpcResult<Option<RpcBlock>> {
    let form = full.unwrap_or(false).into();
    Ok(find(cx, id)?.map(|block| convert::block(&block, form)))
}

fn header(cx: &RpcContext, id: BlockId) -> RpcResult<Option<Header>> {
    Ok(find(cx, id)?.map(|block| convert::header(&block)))
}

fn transaction_count(cx: &RpcContext, id: BlockId) -> RpcResult<Option<U64>> {
    Ok(find(cx, id)?.map(|block| U64::from(block.transactions.len())))
}

fn block_access_list(
    cx: &RpcContext,
    (id,): (BlockId,),
) -> RpcResult<Option<alloy_eip7928::BlockAccessList>> {
    let Some(block) = find(cx, id)? else {
        return Ok(None);
    };
    access_list(&block).map(Some)
}

/// What a block touched, as it is stored.
pub(crate) fn access_list(block: &Block) -> RpcResult<alloy_eip7928::BlockAccessList> {
    Decodable::decode(&mut block.access_list.as_ref()).map_err(|reason| {
        RpcError::internal(format!(
            "stored access list of block {}: {reason}",
            block.number()
        ))
    })
}

/// A mined transaction's block and index.
pub(crate) fn mined(cx: &RpcContext, hash: B256) -> RpcResult<Option<(Arc<Block>, usize)>> {
    cx.chain().transaction(hash).map_err(chain_error)
}

fn transaction_by_hash(cx: &RpcContext, (hash,): (B256,)) -> RpcResult<Option<RpcTransaction>> {
    if let Some((block, index)) = mined(cx, hash)? {
        return Ok(convert::transaction(&block, index));
    }
    Ok(cx
        .chain()
        .pool()
        .get(&hash)
        .map(|pooled| convert::pending_transaction(&pooled.tx)))
}

fn transaction_at(cx: &RpcContext, id: BlockId, index: Index) -> RpcResult<Option<RpcTransaction>> {
    Ok(find(cx, id)?.and_then(|block| convert::transaction(&block, index.into())))
}

/// The newest first: wallets ask for what they have just sent.
fn transaction_by_sender(
    cx: &RpcContext,
    (sender, nonce): (Address, U64),
) -> RpcResult<Option<RpcTransaction>> {
    const PAGE: usize = 1_000;
    let nonce = nonce.to::<u64>();
    let waiting = cx.chain().pool().content_from(sender);
    let waiting = waiting
        .pending
        .iter()
        .chain(&waiting.queued)
        .flat_map(|(_, list)| list);
    if let Some(found) = waiting.into_iter().find(|pooled| pooled.nonce() == nonce) {
        return Ok(Some(convert::pending_transaction(&found.tx)));
    }
    let mut cursor = None;
    loop {
        cx.check_deadline()?;
        let page = cx
            .chain()
            .account_transactions(sender, cursor, PAGE)
            .map_err(chain_error)?;
        for place in page.items {
            let Some(block) = find(cx, place.block_number.into())? else {
                continue;
            };
            let index = place.tx_index as usize;
            let Some(tx) = block.transactions.get(index) else {
                continue;
            };
            if tx.signer() != sender {
                continue;
            }
            match alloy_consensus::Transaction::nonce(&**tx) {
                found if found == nonce => return Ok(convert::transaction(&block, index)),
                // Nonces fall from here on.
                found if found < nonce => return Ok(None),
                _ => {}
            }
        }
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => return Ok(None),
        }
    }
}

/// The bytes of a transaction, mined or waiting.
pub(crate) fn raw_transaction(cx: &RpcContext, hash: B256) -> RpcResult<Option<Bytes>> {
    if let Some((block, index)) = mined(cx, hash)? {
        return Ok(block
            .transactions
            .get(index)
            .map(|tx| tx.encoded_2718().into()));
    }
    Ok(cx
        .chain()
        .pool()
        .get(&hash)
        .map(|pooled| pooled.tx.encoded_2718().into()))
}

fn raw_transaction_at(cx: &RpcContext, id: BlockId, index: Index) -> RpcResult<Option<Bytes>> {
    let raw = |block: Arc<Block>| Some(block.transactions.get(index.0)?.encoded_2718().into());
    Ok(find(cx, id)?.and_then(raw))
}

fn transaction_receipt(cx: &RpcContext, (hash,): (B256,)) -> RpcResult<Option<RpcReceipt>> {
    Ok(mined(cx, hash)?.and_then(|(block, index)| convert::receipt(&block, index)))
}
