//! Transactions on their way in: raw, as a batch, waited for, or made from a request with an unlocked key.
//!
//! Recovering the sender costs more than everything else here together, so it happens once, at this
//! door, and a batch does it on all cores. The pool and the blocks take [`Recovered`] transactions.

use std::time::{Duration, Instant};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{B256, U64, hex};
use capstan_chain::{Event, PoolError};
use capstan_evm::Tx;
use rayon::prelude::*;
use serde_json::value::RawValue;
use tokio::sync::broadcast::error::RecvError;

use crate::{
    RpcContext, convert,
    error::{RpcError, RpcResult, code},
    methods::{Methods, split_params},
};

/// How long `eth_sendRawTransactionSync` waits unless told otherwise.
const SYNC_WAIT: Duration = Duration::from_secs(10);
/// Kept back from the time of the call, so that the answer with the hash still gets out.
const SYNC_MARGIN: Duration = Duration::from_millis(500);

pub(crate) fn register(table: &mut Methods) {
    table
        .quick(
            "eth_sendRawTransaction",
            ["transaction"],
            "Gives a signed transaction to the pool; answers its hash.",
            |cx, (raw,): (Box<RawValue>,)| {
                let tx = decode(cx, &raw_bytes(raw.get())?)?;
                cx.chain().submit(tx).map_err(pool_refused)
            },
        )
        .writes();
    table
        .later(
            "eth_sendRawTransactionSync",
            ["transaction", "timeoutMs?"],
            "Gives a signed transaction to the pool and answers its receipt (EIP-7966).",
            send_raw_sync,
        )
        .writes();
}

/// The one argument of `eth_sendRawTransaction`, read without detours.
pub(crate) fn raw_argument(params: Option<&RawValue>) -> RpcResult<Vec<u8>> {
    let args = split_params(params)?;
    match args.as_slice() {
        [arg] => raw_bytes(arg.get()),
        [] => Err(RpcError::missing_argument(0, "transaction")),
        _ => Err(RpcError::invalid_params(
            "too many arguments, want at most 1: transaction",
        )),
    }
}

/// The bytes in a JSON string of hex digits.
fn raw_bytes(arg: &str) -> RpcResult<Vec<u8>> {
    let invalid = |reason: &str| RpcError::invalid_argument(0, "transaction", reason);
    let digits = arg
        .strip_prefix("\"0x")
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| invalid("want a hex string with 0x prefix"))?;
    hex::decode(digits).map_err(|reason| invalid(&reason.to_string()))
}

/// Decodes one transaction and recovers its sender.
///
/// # Errors
/// Bytes that are not exactly one canonical transaction, a type that is not accepted, a signature that
/// recovers to nobody, a fee above the configured cap.
pub(crate) fn decode(cx: &RpcContext, raw: &[u8]) -> RpcResult<Recovered<Tx>> {
    match raw.first() {
        None => return Err(RpcError::server("typed transaction too short")),
        Some(3) => return Err(pool_refused(PoolError::Blob)),
        Some(kind) if *kind < 0xc0 && !matches!(kind, 1 | 2 | 4) => {
            return Err(RpcError::server(format!(
                "transaction type not supported: {kind}"
            )));
        }
        Some(_) => {}
    }
    let tx = Tx::decode_2718_exact(raw)
        .map_err(|reason| RpcError::server(format!("invalid transaction encoding: {reason}")))?;
    check_fee(cx, &tx)?;
    capstan_chain::recover(tx, cx.chain().dev().is_some())
        .map_err(|reason| RpcError::server(format!("invalid sender: {reason}")))
}

pub(crate) fn check_fee(cx: &RpcContext, tx: &Tx) -> RpcResult<()> {
    let fee_wei_max = cx.config().fee_wei_max;
    let fee_wei = tx
        .max_fee_per_gas()
        .saturating_mul(u128::from(tx.gas_limit()));
    if fee_wei_max > 0 && fee_wei > fee_wei_max {
        return Err(RpcError::server(format!(
            "tx fee ({fee_wei} wei) exceeds the configured cap ({fee_wei_max} wei)"
        )));
    }
    Ok(())
}

/// Decodes and recovers on all cores, then submits as one, keeping the order.
pub(crate) fn submit_raw_many(
    cx: &RpcContext,
    raw: Vec<RpcResult<Vec<u8>>>,
) -> Vec<RpcResult<B256>> {
    // Not on the threads that hash tries: a block must not wait for the batches that came before it.
    let decoded: Vec<RpcResult<Recovered<Tx>>> = cx.shared.recovery.install(|| {
        raw.into_par_iter()
            .map(|bytes| bytes.and_then(|bytes| decode(cx, &bytes)))
            .collect()
    });
    let mut good = Vec::with_capacity(decoded.len());
    let bad: Vec<Option<RpcError>> = decoded
        .into_iter()
        .map(|result| result.map(|tx| good.push(tx)).err())
        .collect();
    let mut submitted = cx.chain().submit_many(good).into_iter();
    bad.into_iter()
        .map(|error| match error {
            Some(error) => Err(error),
            None => submitted
                .next()
                .unwrap_or(Err(PoolError::Stopping))
                .map_err(pool_refused),
        })
        .collect()
}

/// The pool's refusals are in geth's words already.
pub(crate) fn pool_refused(error: PoolError) -> RpcError {
    match error {
        PoolError::State(reason) => RpcError::internal(reason),
        // What may be taken later.
        late @ (PoolError::Stopping | PoolError::Full { .. }) => RpcError::limit(late.to_string()),
        other => RpcError::server(other.to_string()),
    }
}

async fn send_raw_sync(
    cx: RpcContext,
    (raw, timeout_ms): (Box<RawValue>, Option<U64>),
) -> RpcResult<convert::RpcReceipt> {
    let tx = decode(&cx, &raw_bytes(raw.get())?)?;
    let time_left = cx.deadline().saturating_duration_since(Instant::now());
    let wait_max = time_left.saturating_sub(SYNC_MARGIN);
    let wait = timeout_ms
        .map_or(SYNC_WAIT, |ms| Duration::from_millis(ms.to()))
        .min(wait_max);
    // Listening starts before submitting, so that no block falls in between.
    let mut events = cx.chain().subscribe();
    let hash = cx.chain().submit(tx).map_err(pool_refused)?;
    let included = async {
        loop {
            match events.recv().await {
                Ok(Event::Block(block)) => {
                    if let Some(index) = block.position(&hash) {
                        return Ok((block, index));
                    }
                }
                Ok(Event::Rewound { .. }) => {}
                Err(RecvError::Lagged(_)) => {
                    let found = cx
                        .chain()
                        .transaction(hash)
                        .map_err(crate::error::chain_error)?;
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
                Err(RecvError::Closed) => return Err(RpcError::internal("the node is stopping")),
            }
        }
    };
    let (block, index) = tokio::time::timeout(wait, included)
        .await
        .unwrap_or_else(|_| {
            let message = format!(
                "the transaction was added to the pool but not included within {} ms",
                wait.as_millis()
            );
            Err(RpcError::new(code::SYNC_TIMEOUT, message).with_data(&hash))
        })?;
    convert::receipt(&block, index)
        .ok_or_else(|| RpcError::internal("the block has no receipt for its transaction"))
}
