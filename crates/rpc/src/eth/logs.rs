//! `eth_getLogs`: which logs, where, and at what cost.
//!
//! Blocks are fast here, so a range is not capped by its length but by what it costs: results and time. An
//! answer is whole, or it is an error that says which range would have fitted.

use alloy_primitives::U64;
use alloy_rpc_types_eth::Log;
use capstan_chain::{Budget, ChainError, LogQuery, LogRange};
use serde::Serialize;

use crate::RpcContext;
use crate::convert;
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};
use crate::filters::{Ends, LogFilter, log_query, log_range};
use crate::methods::Methods;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table
        .blocking(
            "eth_getLogs",
            ["filter"],
            "Logs of a block or a range of blocks, by emitter and topics.",
            |cx, (filter,): (LogFilter,)| fetch(cx, &query(cx, &filter)?),
        )
        .heavy();
}

/// The logs of a query, in order.
pub(super) fn fetch(cx: &RpcContext, query: &LogQuery) -> RpcResult<Vec<Log>> {
    if let LogRange::Block(hash) = query.range
        && cx.chain().block(hash).map_err(chain_error)?.is_none()
    {
        return Err(RpcError::server("unknown block"));
    }
    let found = cx.chain().logs(query, &budget(cx));
    let found = found.map_err(|error| too_much(error, query.range))?;
    Ok(found.into_iter().map(convert::log).collect())
}

/// What one search may cost. It ends before the call does, so that the caller hears how far it came.
pub(super) fn budget(cx: &RpcContext) -> Budget {
    let time_left = cx
        .deadline()
        .saturating_duration_since(std::time::Instant::now());
    Budget {
        results: cx.limits().logs_max,
        time: time_left / 4 * 3,
    }
}

/// A search that was cut, with the range that would have fitted. Indexers look for it in the words.
fn too_much(error: ChainError, range: LogRange) -> RpcError {
    let (what, cut_at) = match error {
        ChainError::TooManyResults { limit, last_block } => (
            format!("query returns more than {limit} results"),
            last_block,
        ),
        ChainError::QueryTimeout { limit, reached } => {
            (format!("query took longer than {limit:.1?}"), reached)
        }
        other => return chain_error(other),
    };
    // The block of the cut is whole only by chance.
    match range {
        LogRange::Numbers { from, .. } if from < cut_at => {
            let to = cut_at - 1;
            let hint = format!("{what}. Try with this block range [{from:#x}, {to:#x}].");
            RpcError::limit(hint).with_data(&Narrower {
                from_block: U64::from(from),
                to_block: U64::from(to),
            })
        }
        _ => RpcError::limit(format!(
            "{what} in one block. Try with fewer addresses or topics."
        )),
    }
}

/// A range that fits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Narrower {
    from_block: U64,
    to_block: U64,
}

/// The chain's form of a filter; a missing end is the newest block, and none may lie beyond it.
fn query(cx: &RpcContext, filter: &LogFilter) -> RpcResult<LogQuery> {
    let head = cx.chain().head().number();
    let range = log_range(
        filter,
        Ends {
            open_from: head,
            open_to: head,
            head,
        },
    )?;
    if matches!(range, LogRange::Numbers { to, .. } if to > head) {
        return Err(RpcError::invalid_params(
            "block range extends beyond current head block",
        ));
    }
    Ok(LogQuery {
        range,
        ..log_query(filter)?
    })
}
