//! `capstan_record`: a block as its access list tells it: what each transaction wrote, which share a word and which
//! could run side by side, and the words that most of them want.
//!
//! ```text
//!   access list ──► writers of each word ──► transactions that share one: a lane
//!                                       └──► words with several writers: hot
//! ```
//!
//! The list says who wrote, and of reads only that there were some. So two lanes wrote nothing in common, and one may
//! still have read what the other wrote. Coins of the block's beneficiary do not count: every fee goes there. Who read is
//! told beside it, by a run of the block from its list ([`touched`]).

use std::{cmp::Reverse, collections::BTreeMap};

use alloy_consensus::Transaction as _;
use alloy_eip7928::{AccountChanges, BlockAccessList};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U64, U256};
use alloy_rpc_types_eth::Index;
use capstan_chain::Block;
use capstan_evm::record::Location;
use serde::Serialize;

use super::{
    place::{NamedPlace, Names},
    told::Teller,
    touched::{self, RowTouched, Touched},
};
use crate::{
    RpcContext,
    error::RpcResult,
    eth::blocks::{access_list, find},
    labels,
    methods::Methods,
};

/// Hot words that one answer names.
const HOT_MAX: usize = 20;

pub(super) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_record",
            ["block", "fromTransaction?"],
            "A block by its access list and its sidecar: transactions in words with what each read and wrote and whom it waited for, lanes that wrote nothing in common, and the words with most writers by name.",
            record,
        )
        .heavy();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    block_number: U64,
    hash: B256,
    time_ms: U64,
    gas_used: U64,
    gas_limit: U64,
    user_gas_used: U64,
    access_list_bytes: U64,
    account_count: U64,
    /// Storage words that were written, and those that were only read.
    written_count: U64,
    read_count: U64,
    /// Groups of transactions of which no two wrote the same word.
    lane_count: U64,
    access_list_hash: B256,
    transactions: Vec<Row>,
    hot: Vec<Hot>,
    /// What the sidecar says; null where the state before the block is no longer kept.
    record: Option<Touched>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    index: U64,
    hash: B256,
    from: Address,
    to: Option<Address>,
    to_name: Option<&'static str>,
    is_system: bool,
    is_success: bool,
    /// In one line.
    title: String,
    gas_used: U64,
    event_count: U64,
    /// Words and coin balances that it wrote.
    written_count: U64,
    lane: U64,
    #[serde(flatten)]
    touched: Option<RowTouched>,
}

/// A word that several transactions wrote.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hot {
    #[serde(flatten)]
    place: NamedPlace,
    writer_count: U64,
}

/// A storage word, or the balance where there is no slot.
type Word = (Address, Option<U256>);

fn record(cx: &RpcContext, (id, from): (BlockId, Option<Index>)) -> RpcResult<Option<Record>> {
    let Some(block) = find(cx, id)? else {
        return Ok(None);
    };
    let whole = cx.shared.records.whole(cx, &block)?;
    let from = from.map_or(0, usize::from);
    let (made, rows) = match &whole {
        Some(whole) => {
            let (made, rows) = touched::told(cx, &block, whole, from)?;
            (Some(made), rows)
        }
        None => (None, Vec::new()),
    };
    let mut rows = rows.into_iter();
    let list = access_list(&block)?;
    let writers = writers(&block, &list);
    let lanes = Lanes::of(block.transactions.len(), writers.values());
    let mut written = vec![0_u64; block.transactions.len()];
    for index in writers.values().flatten() {
        written[*index] += 1;
    }
    let mut teller = Teller::new(cx)?;
    let mut transactions = Vec::with_capacity(block.transactions.len());
    for (index, (tx, receipt)) in block.transactions.iter().zip(&block.receipts).enumerate() {
        cx.check_deadline()?;
        transactions.push(Row {
            index: U64::from(index),
            hash: *tx.tx_hash(),
            from: tx.signer(),
            to: tx.to(),
            to_name: tx.to().and_then(labels::contract_at),
            is_system: block.is_system(index),
            is_success: receipt.status(),
            title: teller.work(tx)?.title,
            gas_used: U64::from(block.gas_used_by(index)),
            event_count: U64::from(receipt.logs().len()),
            written_count: U64::from(written[index]),
            lane: U64::from(lanes.numbers[index]),
            touched: rows.next(),
        });
    }
    let count =
        |of: &dyn Fn(&AccountChanges) -> usize| U64::from(list.iter().map(of).sum::<usize>());
    Ok(Some(Record {
        block_number: U64::from(block.number()),
        hash: block.hash(),
        time_ms: U64::from(block.time_ms()),
        gas_used: U64::from(block.header.gas_used),
        gas_limit: U64::from(block.header.gas_limit),
        user_gas_used: U64::from(block.user_gas_used),
        access_list_bytes: U64::from(block.access_list.len()),
        account_count: U64::from(list.len()),
        written_count: count(&|account| account.storage_changes.len()),
        read_count: count(&|account| account.storage_reads.len()),
        lane_count: U64::from(lanes.count),
        access_list_hash: block.header.block_access_list_hash.unwrap_or_default(),
        transactions,
        hot: hot(cx, &writers)?,
        record: made,
    }))
}

/// Which transactions wrote each word, in order.
fn writers(block: &Block, list: &BlockAccessList) -> BTreeMap<Word, Vec<usize>> {
    // Work before the first transaction has index 0 in the list, and work after the last one lies beyond.
    let transaction = |index: u64| {
        let index = usize::try_from(index.checked_sub(1)?).ok()?;
        (index < block.transactions.len()).then_some(index)
    };
    let mut writers = BTreeMap::new();
    for account in list {
        let address = account.address;
        for slot in &account.storage_changes {
            let by = slot.changes.iter();
            let by: Vec<usize> = by
                .filter_map(|change| transaction(change.block_access_index.get()))
                .collect();
            if !by.is_empty() {
                writers.insert((address, Some(slot.slot)), by);
            }
        }
        if address == block.header.beneficiary {
            continue;
        }
        let by = account.balance_changes.iter();
        let by: Vec<usize> = by
            .filter_map(|change| transaction(change.block_access_index.get()))
            .collect();
        if !by.is_empty() {
            writers.insert((address, None), by);
        }
    }
    writers
}

fn hot(cx: &RpcContext, writers: &BTreeMap<Word, Vec<usize>>) -> RpcResult<Vec<Hot>> {
    let mut names = Names::new(cx)?;
    let most = most_written(writers).into_iter();
    let named = most.map(|((address, slot), writer_count)| {
        Ok(Hot {
            place: names.of(Location { address, slot })?,
            writer_count: U64::from(writer_count),
        })
    });
    named.collect()
}

/// The words with most writers, of those that have several.
fn most_written(writers: &BTreeMap<Word, Vec<usize>>) -> Vec<(Word, usize)> {
    let counted = writers.iter().map(|(word, by)| (*word, by.len()));
    let mut several: Vec<_> = counted.filter(|(_, count)| *count > 1).collect();
    several.sort_by_key(|(_, count)| Reverse(*count));
    several.truncate(HOT_MAX);
    several
}

/// Transactions that share words, each group with a number, by its first transaction.
struct Lanes {
    numbers: Vec<usize>,
    count: usize,
}

impl Lanes {
    fn of<'w>(transaction_count: usize, words: impl Iterator<Item = &'w Vec<usize>>) -> Self {
        let mut earlier: Vec<usize> = (0..transaction_count).collect();
        for by in words {
            for pair in by.windows(2) {
                let (a, b) = (
                    first_of(&mut earlier, pair[0]),
                    first_of(&mut earlier, pair[1]),
                );
                earlier[a.max(b)] = a.min(b);
            }
        }
        let mut numbers = vec![0; transaction_count];
        let mut count = 0;
        for index in 0..transaction_count {
            let first = first_of(&mut earlier, index);
            numbers[index] = match first == index {
                true => {
                    count += 1;
                    count - 1
                }
                false => numbers[first],
            };
        }
        Self { numbers, count }
    }
}

/// The first transaction of a group; ways to it get shorter as they are gone.
fn first_of(earlier: &mut [usize], mut index: usize) -> usize {
    while earlier[index] != index {
        earlier[index] = earlier[earlier[index]];
        index = earlier[index];
    }
    index
}

#[cfg(test)]
mod tests;
