//! Filters over polling: `eth_newFilter` and its kin. What a filter is: [`crate::filters`].

use alloy_rpc_types_eth::FilterBlockOption;
use capstan_chain::{LogEntry, LogRange};
use serde::{Serialize, Serializer};

use super::logs;
use crate::{
    RpcContext, convert,
    error::{RpcError, RpcResult},
    filters::{Changes, Ends, FilterId, LogFilter, log_range, standing_query},
    methods::Methods,
};

pub(crate) fn register(table: &mut Methods) {
    table
        .quick(
            "eth_newFilter",
            ["filter"],
            "Installs a filter of logs; answers its id.",
            new_filter,
        )
        .writes();
    table
        .quick(
            "eth_newBlockFilter",
            [],
            "Installs a filter of new block hashes.",
            |cx, ()| cx.filters().watch_blocks(cx.chain().head().number()),
        )
        .writes();
    table
        .quick(
            "eth_newPendingTransactionFilter",
            ["full?"],
            "Installs a filter of transactions that enter the pool: hashes, or whole if `full`.",
            |cx, (full,): (Option<bool>,)| cx.filters().watch_pending(full.unwrap_or_default()),
        )
        .writes();
    table
        .quick(
            "eth_uninstallFilter",
            ["filter"],
            "Removes a filter; false if there is none.",
            |cx, (id,): (FilterId,)| Ok(cx.filters().uninstall(id)),
        )
        .writes();
    table
        .blocking(
            "eth_getFilterChanges",
            ["filter"],
            "What is new since the last poll; logs that a rewind removed come first.",
            changes,
        )
        .heavy()
        .writes();
    table
        .blocking(
            "eth_getFilterLogs",
            ["filter"],
            "All logs that a filter of logs matches, old and new.",
            filter_logs,
        )
        .heavy();
}

fn new_filter(cx: &RpcContext, (filter,): (LogFilter,)) -> RpcResult<FilterId> {
    let FilterBlockOption::Range { to_block, .. } = filter.block_option else {
        return Err(RpcError::invalid_params(
            "a filter watches blocks to come: use fromBlock and toBlock, or eth_getLogs with blockHash",
        ));
    };
    let head = cx.chain().head().number();
    // Only a number ends a filter: up to "latest" means for ever.
    let ends = Ends {
        open_from: head,
        open_to: u64::MAX,
        head,
    };
    let range = match log_range(&filter, ends) {
        Ok(LogRange::Numbers { from, to }) => {
            let ends_at_number = to_block.is_some_and(|to| to.is_number());
            LogRange::Numbers {
                from,
                to: if ends_at_number { to } else { u64::MAX },
            }
        }
        other => other?,
    };
    let query = capstan_chain::LogQuery {
        range,
        ..standing_query(&filter)?
    };
    cx.filters().watch_logs(query, head)
}

/// What a poll answers, on the wire.
enum Answer {
    Logs(Vec<alloy_rpc_types_eth::Log>),
    Hashes(Vec<alloy_primitives::B256>),
    Transactions(Vec<convert::RpcTransaction>),
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Logs(logs) => logs.serialize(serializer),
            Self::Hashes(hashes) => hashes.serialize(serializer),
            Self::Transactions(transactions) => transactions.serialize(serializer),
        }
    }
}

fn changes(cx: &RpcContext, (id,): (FilterId,)) -> RpcResult<Answer> {
    Ok(
        match cx.filters().changes(id, cx.chain(), &logs::budget(cx))? {
            Changes::Logs { removed, new } => {
                let gone = removed.into_iter().map(|entry| log(entry, true));
                let new = new.into_iter().map(|entry| log(entry, false));
                Answer::Logs(gone.chain(new).collect())
            }
            Changes::Blocks(hashes) => Answer::Hashes(hashes),
            Changes::Pending {
                hashes,
                full: false,
            } => Answer::Hashes(hashes),
            Changes::Pending { hashes, full: true } => {
                let waiting = hashes.iter().filter_map(|hash| cx.chain().pool().get(hash));
                Answer::Transactions(
                    waiting
                        .map(|pooled| convert::pending_transaction(&pooled.tx))
                        .collect(),
                )
            }
        },
    )
}

fn log(entry: LogEntry, removed: bool) -> alloy_rpc_types_eth::Log {
    let mut log = convert::log(entry);
    log.removed = removed;
    log
}

fn filter_logs(cx: &RpcContext, (id,): (FilterId,)) -> RpcResult<Vec<alloy_rpc_types_eth::Log>> {
    logs::fetch(cx, &cx.filters().query(id)?)
}
