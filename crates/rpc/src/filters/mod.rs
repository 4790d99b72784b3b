//! Filters that clients poll: new logs, new blocks, new pending transactions.
//!
//! A filter is a cursor, not a mailbox: what it answers is read from the chain when it is asked for, so
//! a thousand filters that nobody polls cost a thousand cursors. The two things that the chain does not
//! keep are held here, bounded: hashes that entered the pool (one ring for all filters), and logs that a
//! rewind of a development chain removed.
//!
//! A filter that is not polled for five minutes is removed, as in geth.

mod query;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U128};
use capstan_chain::{Block, Budget, Chain, LogEntry, LogQuery, LogRange, Pooled};
use parking_lot::Mutex;

pub(crate) use query::{Ends, LogFilter, log_query, log_range, standing_query};

use crate::{
    config::Limits,
    error::{RpcError, RpcResult},
};

/// Hashes of pending transactions that are kept for pollers.
const PENDING_KEPT: usize = 1 << 16;

/// Names one filter; random, so that it cannot be guessed.
pub(crate) type FilterId = U128;

/// What a filter watches, and how far it has read.
enum Watch {
    Logs {
        query: Box<LogQuery>,
        next_block: u64,
        removed: Vec<LogEntry>,
    },
    Blocks {
        next_block: u64,
    },
    Pending {
        next_arrival: u64,
        full: bool,
    },
}

struct Filter {
    watch: Watch,
    polled_at: Instant,
}

/// What a poll answers.
pub(crate) enum Changes {
    /// Logs that a rewind removed, then new ones.
    Logs {
        removed: Vec<LogEntry>,
        new: Vec<LogEntry>,
    },
    /// Hashes of new blocks.
    Blocks(Vec<B256>),
    /// Hashes of new pending transactions, and whether the transactions themselves were asked for.
    Pending { hashes: Vec<B256>, full: bool },
}

/// Arrivals in the pool, numbered from the start of the process.
#[derive(Default)]
struct Arrivals {
    hashes: VecDeque<B256>,
    /// Number of the first hash that is still here.
    first: u64,
}

impl Arrivals {
    fn next(&self) -> u64 {
        self.first + self.hashes.len() as u64
    }

    fn since(&self, arrival: u64) -> Vec<B256> {
        let skip = arrival.saturating_sub(self.first);
        self.hashes
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
            .copied()
            .collect()
    }
}

/// All installed filters.
pub(crate) struct Filters {
    filters: Mutex<HashMap<FilterId, Filter>>,
    arrivals: Mutex<Arrivals>,
    count_max: usize,
    idle_max: Duration,
    logs_max: usize,
}

impl Filters {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            filters: Mutex::default(),
            arrivals: Mutex::default(),
            count_max: limits.filters_max,
            idle_max: limits.filter_idle_max,
            logs_max: limits.logs_max,
        }
    }

    /// Installed filters.
    pub(crate) fn count(&self) -> usize {
        self.filters.lock().len()
    }

    /// Watches logs from the next block on.
    pub(crate) fn watch_logs(&self, query: LogQuery, head: u64) -> RpcResult<FilterId> {
        self.install(Watch::Logs {
            query: Box::new(query),
            next_block: head + 1,
            removed: Vec::new(),
        })
    }

    /// Watches blocks from the next one on.
    pub(crate) fn watch_blocks(&self, head: u64) -> RpcResult<FilterId> {
        self.install(Watch::Blocks {
            next_block: head + 1,
        })
    }

    /// Watches the pool from now on.
    pub(crate) fn watch_pending(&self, full: bool) -> RpcResult<FilterId> {
        let next_arrival = self.arrivals.lock().next();
        self.install(Watch::Pending { next_arrival, full })
    }

    fn install(&self, watch: Watch) -> RpcResult<FilterId> {
        let mut filters = self.filters.lock();
        if filters.len() >= self.count_max {
            self.drop_idle(&mut filters);
        }
        if filters.len() >= self.count_max {
            return Err(RpcError::limit(format!(
                "too many filters: {} are installed; uninstall some, or wait until idle ones expire",
                self.count_max
            )));
        }
        let id = U128::from(rand::random::<u128>());
        filters.insert(
            id,
            Filter {
                watch,
                polled_at: Instant::now(),
            },
        );
        Ok(id)
    }

    /// Removes a filter; answers whether there was one.
    pub(crate) fn uninstall(&self, id: FilterId) -> bool {
        self.filters.lock().remove(&id).is_some()
    }

    /// Removes the filters that nobody polls.
    pub(crate) fn remove_idle(&self) {
        self.drop_idle(&mut self.filters.lock());
    }

    fn drop_idle(&self, filters: &mut HashMap<FilterId, Filter>) {
        filters.retain(|_, filter| filter.polled_at.elapsed() < self.idle_max);
    }

    /// The query of a log filter.
    pub(crate) fn query(&self, id: FilterId) -> RpcResult<LogQuery> {
        match self.filters.lock().get_mut(&id) {
            Some(Filter {
                watch: Watch::Logs { query, .. },
                polled_at,
            }) => {
                *polled_at = Instant::now();
                Ok(query.as_ref().clone())
            }
            _ => Err(not_found()),
        }
    }

    /// What is new since the last poll.
    ///
    /// The cursor moves only when the answer is complete: a query that fails is asked again. Two polls of
    /// one filter at once may both answer the same news.
    pub(crate) fn changes(
        &self,
        id: FilterId,
        chain: &Chain,
        budget: &Budget,
    ) -> RpcResult<Changes> {
        let head = chain.head().number();
        let (query, from, removed) = match self.filters.lock().get_mut(&id) {
            None => return Err(not_found()),
            Some(filter) => {
                filter.polled_at = Instant::now();
                match &mut filter.watch {
                    Watch::Logs {
                        query,
                        next_block,
                        removed,
                    } => (Some(query.clone()), *next_block, removed.clone()),
                    Watch::Blocks { next_block } => (None, *next_block, Vec::new()),
                    Watch::Pending { next_arrival, full } => {
                        let arrivals = self.arrivals.lock();
                        let hashes = arrivals.since(*next_arrival);
                        *next_arrival = arrivals.next();
                        return Ok(Changes::Pending {
                            hashes,
                            full: *full,
                        });
                    }
                }
            }
        };
        // The chain is read without the lock: other filters are served meanwhile.
        let changes = match query {
            Some(query) => {
                let new = new_logs(chain, &query, from, head, budget)?;
                Changes::Logs { removed, new }
            }
            None => Changes::Blocks(block_hashes(chain, from, head, budget)?),
        };
        self.advance(id, from, head);
        Ok(changes)
    }

    fn advance(&self, id: FilterId, from: u64, head: u64) {
        match self
            .filters
            .lock()
            .get_mut(&id)
            .map(|filter| &mut filter.watch)
        {
            // A rewind meanwhile has set the cursor back: it stays there.
            Some(Watch::Logs {
                next_block,
                removed,
                ..
            }) if *next_block == from => {
                *next_block = (head + 1).max(from);
                removed.clear();
            }
            Some(Watch::Blocks { next_block }) if *next_block == from => {
                *next_block = (head + 1).max(from);
            }
            _ => {}
        }
    }

    /// Transactions entered the pool.
    pub(crate) fn arrived(&self, arrived: &[Arc<Pooled>]) {
        let watched = self
            .filters
            .lock()
            .values()
            .any(|filter| matches!(filter.watch, Watch::Pending { .. }));
        if !watched {
            return;
        }
        let mut arrivals = self.arrivals.lock();
        arrivals
            .hashes
            .extend(arrived.iter().map(|pooled| pooled.hash()));
        let surplus = arrivals.hashes.len().saturating_sub(PENDING_KEPT);
        arrivals.hashes.drain(..surplus);
        arrivals.first += surplus as u64;
    }

    /// A development chain went back to block `to`; `removed` are gone, newest first.
    pub(crate) fn rewound(&self, to: u64, removed_blocks: &[Arc<Block>]) {
        for filter in self.filters.lock().values_mut() {
            match &mut filter.watch {
                Watch::Logs {
                    query,
                    next_block,
                    removed,
                } => {
                    // Only what was answered before can be taken back.
                    let told = removed_blocks
                        .iter()
                        .filter(|block| block.number() < *next_block);
                    let taken_back = told
                        .flat_map(|block| block.logs())
                        .filter(|log| query.matches(&log.log));
                    let space = self.logs_max.saturating_sub(removed.len());
                    removed.extend(taken_back.take(space));
                    *next_block = (*next_block).min(to + 1);
                }
                Watch::Blocks { next_block } => *next_block = (*next_block).min(to + 1),
                Watch::Pending { .. } => {}
            }
        }
    }
}

fn not_found() -> RpcError {
    RpcError::server("filter not found")
}

/// Logs of the blocks `from..=head` that the query's own range includes.
fn new_logs(
    chain: &Chain,
    query: &LogQuery,
    from: u64,
    head: u64,
    budget: &Budget,
) -> RpcResult<Vec<LogEntry>> {
    let LogRange::Numbers {
        from: first,
        to: last,
    } = query.range
    else {
        return Ok(Vec::new());
    };
    let range = LogRange::Numbers {
        from: from.max(first),
        to: head.min(last),
    };
    if let LogRange::Numbers { from, to } = range
        && from > to
    {
        return Ok(Vec::new());
    }
    let query = LogQuery {
        range,
        ..query.clone()
    };
    chain
        .logs(&query, budget)
        .map_err(crate::error::chain_error)
}

fn block_hashes(chain: &Chain, from: u64, head: u64, budget: &Budget) -> RpcResult<Vec<B256>> {
    let count = (head + 1).saturating_sub(from);
    if usize::try_from(count).is_ok_and(|count| count > budget.results) {
        return Err(RpcError::limit(format!(
            "{count} blocks since the last poll, the limit is {}: install the filter anew",
            budget.results
        )));
    }
    let block = |number| chain.block(number).map_err(crate::error::chain_error);
    (from..=head)
        .filter_map(|number| {
            block(number)
                .map(|found| found.map(|block| block.hash()))
                .transpose()
        })
        .collect()
}

#[cfg(test)]
mod tests;
