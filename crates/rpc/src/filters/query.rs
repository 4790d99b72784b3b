//! The filter object of `eth_getLogs`, `eth_newFilter` and `eth_subscribe`.

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, FilterSet};
use capstan_chain::{LogQuery, LogRange};
use std::hash::Hash;

use crate::error::{RpcError, RpcResult};

/// The filter object as clients write it. `null` topics match anything, arrays mean "any of".
pub(crate) type LogFilter = Filter;

/// Most addresses, and most topics at one position.
const ALTERNATIVES_MAX: usize = 1_000;

/// What the filter asks of the chain. Tags stay open ends: `latest` as a lower end is the caller's to set.
pub(crate) fn log_query(filter: &LogFilter) -> RpcResult<LogQuery> {
    Ok(LogQuery {
        range: LogRange::default(),
        addresses: alternatives("address", &filter.address)?,
        topics: [
            alternatives("topics", &filter.topics[0])?,
            alternatives("topics", &filter.topics[1])?,
            alternatives("topics", &filter.topics[2])?,
            alternatives("topics", &filter.topics[3])?,
        ],
    })
}

/// The same for a filter that stays: all that it names together is bounded, since many of them are kept.
pub(crate) fn standing_query(filter: &LogFilter) -> RpcResult<LogQuery> {
    let query = log_query(filter)?;
    let topics = query.topics.iter().map(Vec::len).sum::<usize>();
    let named = query.addresses.len() + topics;
    if named > ALTERNATIVES_MAX {
        return Err(RpcError::invalid_params(format!(
            "exceed max criteria: {named} addresses and topics given, the limit is {ALTERNATIVES_MAX} for a filter that stays"
        )));
    }
    Ok(query)
}

fn alternatives<T: Copy + Eq + Hash>(what: &str, set: &FilterSet<T>) -> RpcResult<Vec<T>> {
    let all: Vec<T> = set.iter().copied().collect();
    if all.len() > ALTERNATIVES_MAX {
        return Err(RpcError::invalid_params(format!(
            "exceed max {what}: {} given, the limit is {ALTERNATIVES_MAX}",
            all.len()
        )));
    }
    Ok(all)
}

/// How an open or named end of a range is understood.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    /// A missing `fromBlock`.
    pub(crate) open_from: u64,
    /// A missing `toBlock`.
    pub(crate) open_to: u64,
    /// `latest`, `safe`, `finalized`, `pending`.
    pub(crate) head: u64,
}

/// The range of a filter; an empty one is refused in the specification's words.
pub(crate) fn log_range(filter: &LogFilter, ends: Ends) -> RpcResult<LogRange> {
    let (from, to) = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => return Ok(LogRange::Block(hash)),
        FilterBlockOption::Range {
            from_block,
            to_block,
        } => (from_block, to_block),
    };
    let height = |tag: Option<BlockNumberOrTag>, open: u64| match tag {
        None => open,
        Some(BlockNumberOrTag::Number(number)) => number,
        Some(BlockNumberOrTag::Earliest) => 0,
        Some(_) => ends.head,
    };
    let (from, to) = (height(from, ends.open_from), height(to, ends.open_to));
    if from > to {
        return Err(RpcError::invalid_params("invalid block range params"));
    }
    Ok(LogRange::Numbers { from, to })
}
