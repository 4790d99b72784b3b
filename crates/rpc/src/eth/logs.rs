//! `eth_getLogs`: which logs, where, and at what cost.
//!
//! Blocks are fast here, so a range is not capped by its length but by what it costs: results and time. An
//! answer is whole, or it is an error that says how far it came.

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use capstan_chain::{At, Budget, LogQuery, LogRange};

use super::refusal::chain_failed;
use crate::RpcContext;
use crate::convert;
use crate::error::{RpcError, RpcResult};
use crate::methods::Methods;

/// Addresses, and topics per position, in one filter: as geth.
const FILTER_ENTRIES_MAX: usize = 1_000;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "eth_getLogs",
        ["filter"],
        "Logs of a block or a range of blocks, by emitter and topics.",
        |cx, (filter,): (Filter,)| fetch(cx, &query(cx, &filter)?),
    );
}

/// The logs of a query, in order.
pub(crate) fn fetch(cx: &RpcContext, query: &LogQuery) -> RpcResult<Vec<Log>> {
    if let LogRange::Block(hash) = query.range {
        if cx.chain().block(hash).map_err(chain_failed)?.is_none() {
            return Err(RpcError::server("unknown block"));
        }
    }
    let time = cx.deadline().saturating_duration_since(std::time::Instant::now());
    let budget = Budget { results: cx.limits().logs_max, time };
    let found = cx.chain().logs(query, &budget).map_err(chain_failed)?;
    Ok(found.into_iter().map(convert::log).collect())
}

/// The chain's form of a filter, its range resolved against the newest block.
pub(crate) fn query(cx: &RpcContext, filter: &Filter) -> RpcResult<LogQuery> {
    Ok(LogQuery { range: range(cx, &filter.block_option)?, ..matching(filter)? })
}

/// Emitters and topics of a filter, the range left open.
pub(crate) fn matching(filter: &Filter) -> RpcResult<LogQuery> {
    let most = filter.topics.iter().map(|topic| topic.len()).max().unwrap_or(0);
    if most.max(filter.address.len()) > FILTER_ENTRIES_MAX {
        return Err(RpcError::invalid_params(format!(
            "exceed max addresses or topics per search position: the limit is {FILTER_ENTRIES_MAX}"
        )));
    }
    Ok(LogQuery {
        range: LogRange::default(),
        addresses: filter.address.iter().copied().collect(),
        topics: filter.topics.each_ref().map(|topic| topic.iter().copied().collect()),
    })
}

fn range(cx: &RpcContext, asked: &FilterBlockOption) -> RpcResult<LogRange> {
    let (from, to) = match asked {
        FilterBlockOption::AtBlockHash(hash) => return Ok(LogRange::Block(*hash)),
        FilterBlockOption::Range { from_block, to_block } => (from_block, to_block),
    };
    let head = cx.chain().head().number();
    let height = |tag: &Option<BlockNumberOrTag>| match At::from(tag.unwrap_or_default()) {
        At::Number(number) => number,
        At::Earliest => 0,
        _ => head,
    };
    let (from, to) = (height(from), height(to));
    if from > to {
        return Err(RpcError::invalid_params("invalid block range params"));
    }
    if to > head {
        return Err(RpcError::invalid_params("block range extends beyond current head block"));
    }
    Ok(LogRange::Numbers { from, to })
}
