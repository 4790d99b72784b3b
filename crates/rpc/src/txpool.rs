//! `txpool_`: what waits for a block.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U64};
use capstan_chain::{PoolContent, Pooled};
use serde::Serialize;

use crate::{RpcContext, convert, error::RpcResult, methods::Methods};

/// Transactions of one sender by nonce, in decimal as geth writes them.
type ByNonce<T> = BTreeMap<String, T>;

#[derive(Serialize)]
struct Content<T> {
    pending: BTreeMap<Address, ByNonce<T>>,
    queued: BTreeMap<Address, ByNonce<T>>,
}

#[derive(Serialize)]
struct ContentFrom<T> {
    pending: ByNonce<T>,
    queued: ByNonce<T>,
}

#[derive(Serialize)]
struct Status {
    pending: U64,
    queued: U64,
}

pub(crate) fn register(table: &mut Methods) {
    table.quick(
        "txpool_status",
        [],
        "How many transactions wait.",
        |cx, ()| {
            let status = cx.chain().pool().status();
            Ok(Status {
                pending: U64::from(status.pending),
                queued: U64::from(status.queued),
            })
        },
    );
    table.blocking(
        "txpool_content",
        [],
        "All waiting transactions.",
        |cx, ()| {
            Ok(content(cx.chain().pool().content(), |tx| {
                convert::pending_transaction(&tx.tx)
            }))
        },
    );
    table.blocking(
        "txpool_contentFrom",
        ["address"],
        "Waiting transactions of one sender.",
        content_from,
    );
    table.blocking(
        "txpool_inspect",
        [],
        "All waiting transactions, one line each.",
        |cx, ()| Ok(content(cx.chain().pool().content(), line)),
    );
}

fn content_from(
    cx: &RpcContext,
    (sender,): (Address,),
) -> RpcResult<ContentFrom<convert::RpcTransaction>> {
    let mut all = content(cx.chain().pool().content_from(sender), |tx| {
        convert::pending_transaction(&tx.tx)
    });
    Ok(ContentFrom {
        pending: all.pending.remove(&sender).unwrap_or_default(),
        queued: all.queued.remove(&sender).unwrap_or_default(),
    })
}

fn content<T>(content: PoolContent, show: impl Fn(&Pooled) -> T) -> Content<T> {
    let by_sender = |list: Vec<(Address, Vec<Arc<Pooled>>)>| {
        list.into_iter()
            .map(|(sender, txs)| {
                (
                    sender,
                    txs.iter()
                        .map(|tx| (tx.nonce().to_string(), show(tx)))
                        .collect(),
                )
            })
            .collect()
    };
    Content {
        pending: by_sender(content.pending),
        queued: by_sender(content.queued),
    }
}

fn line(pooled: &Pooled) -> String {
    let tx = &pooled.tx;
    let to = tx
        .to()
        .map_or_else(|| "contract creation".to_owned(), |to| to.to_checksum(None));
    format!(
        "{to}: {} wei + {} gas × {} wei",
        tx.value(),
        tx.gas_limit(),
        tx.max_fee_per_gas()
    )
}
