//! `capstan_contention`: what a block, or a range of them, waited for.
//!
//! ```text
//!   blocks ──► sum of each record, kept ──► places by how many waited there ──► by field of their contract
//! ```

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use capstan_chain::Block;
use capstan_evm::record::{Hot, Location};
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::Value;

use super::{
    kept::{CORES, Sum},
    place::{NamedPlace, Names, field_at},
    touched::{Projected, projected, ratio_milli},
};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult, chain_error},
    eth::blocks::find,
    methods::Methods,
};

/// Blocks that one call looks at.
const BLOCKS_MAX: usize = 1_024;
/// Places and fields that one answer names.
const NAMED_MAX: usize = 20;

pub(super) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_contention",
            ["blocks"],
            "What a block, or {from, to}, waited for: hottest words by contract and field, critical path, parallelism, measured runs, and projected speed-up for 2 to 64 cores.",
            contention,
        )
        .heavy();
}

/// What is asked about.
enum Blocks {
    One(BlockId),
    Range(Range),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: BlockNumberOrTag,
    to: BlockNumberOrTag,
}

impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let is_range = ["from", "to"].iter().any(|end| value.get(end).is_some());
        let read = match is_range {
            true => serde_json::from_value(value).map(Self::Range),
            false => serde_json::from_value(value).map(Self::One),
        };
        read.map_err(D::Error::custom)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Contention {
    from: U64,
    to: U64,
    next: Option<U64>,
    block_count: U64,
    transaction_count: U64,
    gas_used: U64,
    critical_gas: U64,
    largest_gas: U64,
    parallelism_milli: u64,
    projected: Vec<Projected>,
    runs: Option<Runs>,
    hot: Vec<HotPlace>,
    fields: Vec<HotField>,
    blocks: Vec<BlockLine>,
}

/// Measured, of those blocks that this node built.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Runs {
    block_count: U64,
    transaction_count: U64,
    run_count: U64,
    in_vain_count: U64,
}

#[derive(Serialize)]
struct HotPlace {
    #[serde(flatten)]
    place: NamedPlace,
    #[serde(flatten)]
    touches: Touches,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HotField {
    contract: &'static str,
    field: &'static str,
    word_count: U64,
    #[serde(flatten)]
    touches: Touches,
}

#[derive(Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Touches {
    /// Blocks in which somebody waited there.
    block_count: U64,
    read_count: U64,
    write_count: U64,
    delta_count: U64,
    wait_count: U64,
}

impl Touches {
    fn add(&mut self, hot: &Hot) {
        self.block_count += U64::from(1);
        self.read_count += U64::from(hot.read_count);
        self.write_count += U64::from(hot.write_count);
        self.delta_count += U64::from(hot.delta_count);
        self.wait_count += U64::from(hot.wait_count);
    }

    /// Blocks of a field are counted by its busiest word: how many words shared a block is not known here.
    fn join(&mut self, other: &Self) {
        self.block_count = self.block_count.max(other.block_count);
        self.read_count += other.read_count;
        self.write_count += other.write_count;
        self.delta_count += other.delta_count;
        self.wait_count += other.wait_count;
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockLine {
    block_number: U64,
    hash: B256,
    transaction_count: U64,
    gas_used: U64,
    critical_gas: U64,
    parallelism_milli: u64,
    hottest: Option<NamedPlace>,
}

impl BlockLine {
    fn of(sum: &Sum, names: &mut Names<'_>) -> RpcResult<Self> {
        let hottest = sum.hot.first();
        Ok(Self {
            block_number: U64::from(sum.number),
            hash: sum.hash,
            transaction_count: U64::from(sum.transaction_count),
            gas_used: U64::from(sum.gas),
            critical_gas: U64::from(sum.critical_gas),
            parallelism_milli: ratio_milli(sum.gas, sum.critical_gas),
            hottest: match hottest {
                Some((location, _)) => Some(names.of(*location)?),
                None => None,
            },
        })
    }
}

fn contention(cx: &RpcContext, (blocks,): (Blocks,)) -> RpcResult<Option<Contention>> {
    let (from, to) = match blocks {
        Blocks::One(id) => match find(cx, id)? {
            Some(block) => return look(cx, &block, block.number()).map(Some),
            None => return Ok(None),
        },
        Blocks::Range(Range { from, to }) => (find(cx, from.into())?, find(cx, to.into())?),
    };
    let (Some(first), Some(last)) = (from, to) else {
        return Err(RpcError::invalid_params(format!(
            "the range ends beyond the head, block {}",
            cx.chain().head().number()
        )));
    };
    let (from, to) = (first.number(), last.number());
    if from > to {
        return Err(RpcError::invalid_params(format!(
            "the range from {from} to {to} is empty"
        )));
    }
    look(cx, &first, to).map(Some)
}

/// Looks at blocks until the last one, as many as one call looks at, or for half of the time that it has.
fn look(cx: &RpcContext, first: &Block, to: u64) -> RpcResult<Contention> {
    let began = Instant::now();
    let half: Duration = cx.deadline().saturating_duration_since(began) / 2;
    let mut sums = vec![cx.shared.records.sum(cx, first)?];
    for number in first.number() + 1..=to {
        cx.check_deadline()?;
        if began.elapsed() > half || sums.len() >= BLOCKS_MAX {
            break;
        }
        let block = cx.chain().block(number).map_err(chain_error)?;
        let block = block.ok_or_else(RpcError::header_not_found)?;
        sums.push(cx.shared.records.sum(cx, &block)?);
    }
    told(cx, &sums, to)
}

fn told(cx: &RpcContext, sums: &[std::sync::Arc<Sum>], to: u64) -> RpcResult<Contention> {
    let total = |of: fn(&Sum) -> u64| sums.iter().map(|sum| of(sum)).sum::<u64>();
    let (gas, critical_gas) = (total(|sum| sum.gas), total(|sum| sum.critical_gas));
    let mut ends = [(0, 0); CORES.len()];
    for sum in sums {
        for (all, one) in ends.iter_mut().zip(sum.projected) {
            *all = (all.0 + one.0, all.1 + one.1);
        }
    }
    let last = sums.last().map_or(to, |sum| sum.number);
    let mut names = Names::new(cx)?;
    let (hot, fields) = hottest(sums, &mut names)?;
    let blocks = sums.iter().map(|sum| BlockLine::of(sum, &mut names));
    let blocks = blocks.collect::<RpcResult<_>>()?;
    Ok(Contention {
        from: U64::from(sums.first().map_or(to, |sum| sum.number)),
        to: U64::from(last),
        next: (last < to).then(|| U64::from(last + 1)),
        block_count: U64::from(sums.len()),
        transaction_count: U64::from(total(|sum| sum.transaction_count)),
        gas_used: U64::from(gas),
        critical_gas: U64::from(critical_gas),
        largest_gas: U64::from(total(|sum| sum.largest_gas)),
        parallelism_milli: ratio_milli(gas, critical_gas),
        projected: projected(gas, ends),
        runs: runs(cx, sums),
        hot,
        fields,
        blocks,
    })
}

fn runs(cx: &RpcContext, sums: &[std::sync::Arc<Sum>]) -> Option<Runs> {
    let known = sums.iter().filter_map(|sum| cx.chain().runs(sum.hash));
    let mut all: Option<Runs> = None;
    for counts in known {
        let all = all.get_or_insert_default();
        all.block_count += U64::from(1);
        all.transaction_count += U64::from(counts.transactions);
        all.run_count += U64::from(counts.runs);
        all.in_vain_count += U64::from(counts.stale);
    }
    all
}

fn hottest(
    sums: &[std::sync::Arc<Sum>],
    names: &mut Names<'_>,
) -> RpcResult<(Vec<HotPlace>, Vec<HotField>)> {
    let mut places = BTreeMap::<Location, Touches>::new();
    for (location, hot) in sums.iter().flat_map(|sum| &sum.hot) {
        places.entry(*location).or_default().add(hot);
    }
    let mut fields = BTreeMap::<(&str, &str), (u64, Touches)>::new();
    for (location, touches) in &places {
        if let Some(field) = field_at(*location) {
            let (word_count, all) = fields.entry(field).or_default();
            *word_count += 1;
            all.join(touches);
        }
    }
    let fields = fields
        .into_iter()
        .map(|((contract, field), (word_count, touches))| HotField {
            contract,
            field,
            word_count: U64::from(word_count),
            touches,
        });
    let mut fields: Vec<HotField> = fields.collect();
    fields.sort_by_key(|hot| Reverse(hot.touches.wait_count));
    fields.truncate(NAMED_MAX);
    let mut places: Vec<_> = places.into_iter().collect();
    places.sort_by_key(|(_, touches)| Reverse(touches.wait_count));
    let named = places.into_iter().take(NAMED_MAX);
    let named = named.map(|(location, touches)| {
        let place = names.of(location)?;
        Ok(HotPlace { place, touches })
    });
    Ok((named.collect::<RpcResult<_>>()?, fields))
}
