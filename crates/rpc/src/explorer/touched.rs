//! What each transaction of a block touched, whom it waited for, and where a projection on several cores puts it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_eip7928::{AccountChanges, BlockAccessIndex};
use alloy_primitives::{Bytes, U64, U256};
use capstan_chain::Block;
use capstan_evm::record::{Access, Location, Slot};
use serde::Serialize;

use super::{
    kept::{CORES, Whole},
    place::{NamedPlace, Names},
};
use crate::{RpcContext, error::RpcResult};

/// Touches that one answer tells.
const TOUCHES_MAX: usize = 50_000;
/// Places that one answer names.
const PLACES_MAX: usize = 10_000;
/// Hot places that one answer names.
const HOT_MAX: usize = 20;
/// Cores on which transactions are laid out.
const SCHEDULE_CORES: usize = 16;

/// The record as a whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Touched {
    sidecar: Bytes,
    place_count: U64,
    touch_count: U64,
    critical_gas: U64,
    largest_gas: U64,
    critical_path: Vec<usize>,
    parallelism_milli: u64,
    projected: Vec<Projected>,
    schedule_cores: usize,
    places: Vec<Numbered>,
    hot: Vec<HotPlace>,
    runs: Option<Runs>,
    next_transaction: Option<usize>,
}

/// A projection, never a measurement.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Projected {
    pub(super) cores: usize,
    pub(super) produce_milli: u64,
    pub(super) verify_milli: u64,
}

#[derive(Serialize)]
struct Numbered {
    /// In the sidecar.
    number: u32,
    #[serde(flatten)]
    place: NamedPlace,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HotPlace {
    /// Its position in `places`.
    place: usize,
    read_count: U64,
    write_count: U64,
    delta_count: U64,
    wait_count: U64,
}

/// Measured, of a block that this node built.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Runs {
    transaction_count: U64,
    run_count: U64,
    in_vain_count: U64,
}

/// One transaction's part.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowTouched {
    core: usize,
    start_gas: U64,
    is_critical: bool,
    waits_for: Vec<WaitsFor>,
    accesses: Option<Vec<Touch>>,
}

#[derive(Serialize)]
struct WaitsFor {
    index: usize,
    place: Option<usize>,
}

#[derive(Serialize)]
struct Touch {
    place: usize,
    kind: &'static str,
    #[serde(flatten)]
    after: After,
}

/// What a transaction left, as the access list says.
#[derive(Default, Serialize)]
struct After {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Bytes>,
}

/// Projections from gas until all is done, for each of [`CORES`].
pub(super) fn projected(gas: u64, ends: impl IntoIterator<Item = (u64, u64)>) -> Vec<Projected> {
    let each = CORES.iter().zip(ends);
    each.map(|(cores, (produce, verify))| Projected {
        cores: *cores,
        produce_milli: ratio_milli(gas, produce),
        verify_milli: ratio_milli(gas, verify),
    })
    .collect()
}

pub(super) fn ratio_milli(whole: u64, part: u64) -> u64 {
    let ratio = (u128::from(whole) * 1_000).checked_div(u128::from(part));
    ratio.map_or(1_000, |ratio| u64::try_from(ratio).unwrap_or(u64::MAX))
}

/// Tells the record, with touches from a transaction on, as many as fit an answer.
pub(super) fn told(
    cx: &RpcContext,
    block: &Block,
    whole: &Whole,
    from: usize,
) -> RpcResult<(Touched, Vec<RowTouched>)> {
    let found = &whole.analysis;
    let (until, mut numbers) = span(whole, from);
    let hot: Vec<_> = found.hot.iter().take(HOT_MAX).collect();
    numbers.extend(hot.iter().map(|hot| hot.place));
    let at: BTreeMap<u32, usize> = numbers.iter().copied().zip(0..).collect();
    let mut names = Names::new(cx)?;
    // What is hot has its symbols, however many places there are.
    for hot in &hot {
        if let Some(location) = whole.locations.get(hot.place) {
            names.of(location)?;
        }
    }
    let places = numbers.iter().filter_map(|&number| {
        let place = names.of(whole.locations.get(number)?);
        Some(place.map(|place| Numbered { number, place }))
    });
    let touched = Touched {
        sidecar: whole.sidecar.encode().into(),
        place_count: U64::from(whole.locations.len()),
        touch_count: U64::from(touch_count(whole)),
        critical_gas: U64::from(found.critical_gas),
        largest_gas: U64::from(found.largest_gas),
        critical_path: found.critical_path.clone(),
        parallelism_milli: found.parallelism_milli(),
        projected: projected(
            found.gas,
            CORES.map(|cores| (found.makespan(cores), found.verify_makespan(cores))),
        ),
        schedule_cores: SCHEDULE_CORES,
        places: places.collect::<RpcResult<_>>()?,
        hot: hot
            .into_iter()
            .map(|hot| HotPlace {
                place: at[&hot.place],
                read_count: U64::from(hot.read_count),
                write_count: U64::from(hot.write_count),
                delta_count: U64::from(hot.delta_count),
                wait_count: U64::from(hot.wait_count),
            })
            .collect(),
        runs: cx.chain().runs(block.hash()).map(|counts| Runs {
            transaction_count: U64::from(counts.transactions),
            run_count: U64::from(counts.runs),
            in_vain_count: U64::from(counts.stale),
        }),
        next_transaction: (until < whole.sidecar.rows.len()).then_some(until),
    };
    Ok((touched, rows(whole, from..until, &at)))
}

fn touch_count(whole: &Whole) -> usize {
    let rows = whole.sidecar.rows.iter();
    rows.map(|row| row.accesses.len()).sum()
}

/// Up to which transaction touches are told, and the places that they name. One transaction is always told whole.
fn span(whole: &Whole, from: usize) -> (usize, BTreeSet<u32>) {
    let mut numbers = BTreeSet::new();
    let mut touches = 0;
    for (index, row) in whole.sidecar.rows.iter().enumerate().skip(from) {
        touches += row.accesses.len();
        let new = row.accesses.iter().map(|(number, _)| *number);
        let new: Vec<u32> = new.filter(|number| !numbers.contains(number)).collect();
        let is_full = touches > TOUCHES_MAX || numbers.len() + new.len() > PLACES_MAX;
        if is_full && index > from {
            return (index, numbers);
        }
        numbers.extend(new);
    }
    (whole.sidecar.rows.len(), numbers)
}

fn rows(whole: &Whole, told: std::ops::Range<usize>, at: &BTreeMap<u32, usize>) -> Vec<RowTouched> {
    let found = &whole.analysis;
    let critical: BTreeSet<usize> = found.critical_path.iter().copied().collect();
    let schedule = found.schedule(SCHEDULE_CORES);
    let each = whole.sidecar.rows.iter().zip(schedule).enumerate();
    each.map(|(index, (row, Slot { core, start_gas }))| {
        let waits = found.waits(index).into_iter();
        let touch = |&(number, access): &(u32, Access)| {
            Some(Touch {
                place: *at.get(&number)?,
                kind: kind(access),
                after: after(whole, index, number, access),
            })
        };
        RowTouched {
            core,
            start_gas: U64::from(start_gas),
            is_critical: critical.contains(&index),
            waits_for: waits
                .map(|wait| WaitsFor {
                    index: wait.behind,
                    place: at.get(&wait.place).copied(),
                })
                .collect(),
            accesses: told
                .contains(&index)
                .then(|| row.accesses.iter().filter_map(touch).collect()),
        }
    })
    .collect()
}

fn kind(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Delta => "delta",
    }
}

/// What the transaction left at a place, from the access list.
fn after(whole: &Whole, index: usize, number: u32, access: Access) -> After {
    let Some(Location { address, slot }) = whole.locations.get(number) else {
        return After::default();
    };
    let list = &whole.list;
    let account = list.binary_search_by_key(&address, |account| account.address);
    let (Ok(account), true) = (account, access != Access::Read) else {
        return After::default();
    };
    let at = index as u64 + 1;
    match slot {
        Some(slot) => After {
            value: word_after(&list[account], slot, at),
            ..After::default()
        },
        None => account_after(&list[account], at),
    }
}

fn word_after(account: &AccountChanges, slot: U256, at: u64) -> Option<U256> {
    let words = &account.storage_changes;
    let word = words.binary_search_by_key(&slot, |word| word.slot).ok()?;
    let changes = &words[word].changes;
    Some(entry(changes, at, |change| change.block_access_index)?.new_value)
}

fn account_after(account: &AccountChanges, at: u64) -> After {
    let balance = entry(&account.balance_changes, at, |c| c.block_access_index);
    let nonce = entry(&account.nonce_changes, at, |c| c.block_access_index);
    let code = entry(&account.code_changes, at, |c| c.block_access_index);
    After {
        value: balance.map(|change| change.post_balance),
        nonce: nonce.map(|change| U64::from(change.new_nonce)),
        code: code.map(|change| change.new_code.clone()),
    }
}

fn entry<T>(entries: &[T], at: u64, index_of: impl Fn(&T) -> BlockAccessIndex) -> Option<&T> {
    let found = entries.binary_search_by_key(&at, |entry| index_of(entry).get());
    found.ok().map(|place| &entries[place])
}
