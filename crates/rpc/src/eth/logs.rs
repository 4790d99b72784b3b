//! `eth_getLogs`: which logs, where, and at what cost.
//!
//! Blocks are fast here, so a range is not capped by its length but by what it costs: results and time. An
//! answer is whole, or it is an error that says how far it came.

use alloy_rpc_types_eth::Log;
use capstan_chain::{Budget, LogQuery, LogRange};

use crate::RpcContext;
use crate::convert;
use crate::error::{RpcError, RpcResult};
use crate::filters::{Ends, LogFilter, log_query, log_range};
use crate::methods::Methods;
use crate::native::chain_error;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "eth_getLogs",
        ["filter"],
        "Logs of a block or a range of blocks, by emitter and topics.",
        |cx, (filter,): (LogFilter,)| fetch(cx, &query(cx, &filter)?),
    );
}

/// The logs of a query, in order.
fn fetch(cx: &RpcContext, query: &LogQuery) -> RpcResult<Vec<Log>> {
    if let LogRange::Block(hash) = query.range
        && cx.chain().block(hash).map_err(chain_error)?.is_none()
    {
        return Err(RpcError::server("unknown block"));
    }
    let time = cx
        .deadline()
        .saturating_duration_since(std::time::Instant::now());
    let budget = Budget {
        results: cx.limits().logs_max,
        time,
    };
    let found = cx.chain().logs(query, &budget).map_err(chain_error)?;
    Ok(found.into_iter().map(convert::log).collect())
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
