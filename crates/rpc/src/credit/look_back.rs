//! Pages of events, newest first.

use std::time::Instant;

use alloy_primitives::{Address, B256, U64};
use capstan_chain::{Budget, LogEntry, LogQuery, LogRange};

use crate::{
    RpcContext,
    error::{RpcResult, chain_error},
    page::{Page, PageAsked},
};

/// Heights of the first look back; each further look is twice as long.
const FIRST_SPAN: u64 = 1_024;
/// A position, which is a cursor too: a height, and the index of a log in that block.
const LOG_INDEX_BITS: u32 = 24;

/// Where a log stands among all.
pub(super) fn position(entry: &LogEntry) -> u64 {
    (entry.block_number << LOG_INDEX_BITS).saturating_add(entry.log_index)
}

/// Looks back from the cursor in growing spans until the page is full. `between` answers what the blocks from one
/// height to another hold, by position and in any order.
pub(super) fn look_back<T>(
    cx: &RpcContext,
    page: PageAsked,
    mut between: impl FnMut(u64, u64) -> RpcResult<Vec<(u64, T)>>,
) -> RpcResult<Page<T>> {
    let limit = page.limit()?;
    let newest = page.cursor().unwrap_or(u64::MAX);
    let head = cx.chain().head().number();
    let mut next = Some((newest >> LOG_INDEX_BITS).min(head));
    let mut span = FIRST_SPAN;
    let mut found: Vec<(u64, T)> = Vec::new();
    while let Some(to) = next
        && found.len() <= limit
    {
        let from = to.saturating_sub(span - 1);
        let mut items = between(from, to)?;
        items.retain(|(position, _)| *position <= newest);
        items.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        // One log may be found in two ways.
        items.dedup_by_key(|(position, _)| *position);
        found.extend(items);
        next = from.checked_sub(1);
        span = span.saturating_mul(2);
    }
    let cursor = found.get(limit).map(|(position, _)| U64::from(*position));
    found.truncate(limit);
    Ok(Page {
        items: found.into_iter().map(|(_, item)| item).collect(),
        cursor,
    })
}

/// Logs of a contract.
pub(super) fn logs_between(
    cx: &RpcContext,
    address: Address,
    topics: [Vec<B256>; 4],
    from: u64,
    to: u64,
) -> RpcResult<Vec<LogEntry>> {
    let query = LogQuery {
        range: LogRange::Numbers { from, to },
        addresses: vec![address],
        topics,
    };
    let budget = Budget {
        results: cx.limits().logs_max,
        time: cx.deadline().saturating_duration_since(Instant::now()),
    };
    cx.chain().logs(&query, &budget).map_err(chain_error)
}
