//! Subscriptions: what happens on the chain, pushed over WebSocket.
//!
//! ```text
//!   Chain events ──► run_hub ──► Hub: each subscriber's topic ──► its connection's bounded queue
//!                        └─────► Filters: rewinds and pending hashes
//! ```
//!
//! One task hears the chain and serves everybody. It never waits for a client: a queue that is full
//! means a client that reads too slowly, which is disconnected with that reason (RPC-12). If the task
//! itself falls behind the chain, it reads the blocks it missed, from where the chain left what was told, so no
//! subscriber sees a gap or a head twice.

mod connection;
mod hub;
mod told;

pub(crate) use connection::{Backlog, Connection, Outgoing};
pub(crate) use hub::{Hub, run_hub};

use alloy_primitives::U128;
use capstan_chain::LogQuery;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    filters::{LogFilter, standing_query},
    methods::Methods,
};

/// Names one subscription; random, so that it cannot be guessed.
pub(crate) type SubscriptionId = U128;

/// What a subscriber wants to hear.
#[derive(Clone, Debug)]
pub(crate) enum Topic {
    /// Each new block's header.
    Heads,
    /// Logs of new blocks, and those that a rewind removed.
    Logs(Box<LogQuery>),
    /// Hashes of transactions that enter the pool.
    PendingHashes,
    /// The transactions themselves.
    PendingTransactions,
    /// Whether the node is behind: it says so once, since a single node never is.
    Syncing,
}

pub(crate) fn register(table: &mut Methods) {
    table
        .quick(
            "eth_subscribe",
            ["topic", "options?"],
            "Starts pushing newHeads, logs, newPendingTransactions or syncing over this WebSocket.",
            subscribe,
        )
        .writes();
    table
        .quick(
            "eth_unsubscribe",
            ["subscription"],
            "Ends a subscription of this WebSocket; false if there is none.",
            unsubscribe,
        )
        .writes();
}

fn topic(name: &str, options: Option<&RawValue>) -> RpcResult<Topic> {
    let options = options.map(RawValue::get).filter(|text| *text != "null");
    let invalid = |reason: serde_json::Error| RpcError::invalid_argument(1, "options", reason);
    match name {
        "newHeads" => Ok(Topic::Heads),
        "syncing" => Ok(Topic::Syncing),
        "logs" => {
            let filter = match options {
                None => LogFilter::default(),
                Some(text) => LogFilter::deserialize(&mut serde_json::Deserializer::from_str(text))
                    .map_err(invalid)?,
            };
            Ok(Topic::Logs(Box::new(standing_query(&filter)?)))
        }
        "newPendingTransactions" => {
            let full = match options {
                None => false,
                Some(text) => serde_json::from_str(text).map_err(invalid)?,
            };
            Ok(if full {
                Topic::PendingTransactions
            } else {
                Topic::PendingHashes
            })
        }
        other => Err(RpcError::invalid_params(format!(
            "no \"{}\" subscription in eth namespace: there are newHeads, logs, \
             newPendingTransactions and syncing",
            crate::error::shorten(other)
        ))),
    }
}

fn subscribe(
    cx: &RpcContext,
    (name, options): (String, Option<Box<RawValue>>),
) -> RpcResult<SubscriptionId> {
    let topic = topic(&name, options.as_deref())?;
    let Some(connection) = &cx.scope.connection else {
        return Err(RpcError::not_supported(
            "notifications not supported: subscribe over a WebSocket, or install a filter \
             (eth_newFilter) and poll it",
        ));
    };
    let id = cx.shared.hub.add(connection, topic, cx.limits())?;
    cx.scope.subscribed.lock().push(id);
    Ok(id)
}

fn unsubscribe(cx: &RpcContext, (id,): (SubscriptionId,)) -> RpcResult<bool> {
    let Some(connection) = &cx.scope.connection else {
        return Ok(false);
    };
    Ok(cx.shared.hub.remove(connection, id))
}
