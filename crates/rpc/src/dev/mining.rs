//! When blocks are made, at what time, and going back.

use std::time::Duration;

use alloy_primitives::{Address, B256, U64};
use capstan_chain::Mining;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{dev, done, quantity::Quantity, refused, verb};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    methods::Methods,
};

/// Most blocks of one `hardhat_mine`.
const BLOCKS_MAX: u64 = 10_000;

pub(crate) fn register(table: &mut Methods) {
    register_history(table);
    register_mining(table);
    register_time(table);
    register_next_block(table);
    register_pool(table);
}

fn register_history(table: &mut Methods) {
    let about = "Remembers the newest block and what was overridden since; answers an id.";
    verb(
        table,
        &["evm_snapshot", "anvil_snapshot"],
        [],
        about,
        |cx, ()| dev(cx)?.snapshot().map(U64::from).map_err(refused),
    );
    let about = "Goes back to a snapshot, which is used up by it; false if there is none.";
    verb(
        table,
        &["evm_revert", "anvil_revert"],
        ["snapshot"],
        about,
        |cx, (id,): (Quantity,)| dev(cx)?.revert(id.saturating_u64()).map_err(refused),
    );
    let about = "Takes back the newest blocks: one, unless more are asked for.";
    verb(table, &["anvil_rollback"], ["blocks?"], about, rollback);
    let about = "Goes back to genesis and empties the pool. Forking another chain is not offered.";
    verb(
        table,
        &["hardhat_reset", "anvil_reset"],
        ["options?"],
        about,
        reset,
    );
}

fn register_mining(table: &mut Methods) {
    let about = "Makes one block now, at a time in seconds if given; or {timestamp, blocks}.";
    verb(
        table,
        &["evm_mine", "anvil_evm_mine"],
        ["options?"],
        about,
        evm_mine,
    );
    let about = "Makes blocks now, so many seconds apart if given.";
    verb(
        table,
        &["hardhat_mine", "anvil_mine"],
        ["blocks?", "seconds?"],
        about,
        mine,
    );
    let about = "Makes a block for each transaction, or stops making blocks.";
    verb(
        table,
        &["evm_setAutomine", "anvil_setAutomine"],
        ["on"],
        about,
        |cx, (on,): (bool,)| {
            let mining = if on { Mining::Instant } else { Mining::Manual };
            done(dev(cx)?.set_mining(mining))
        },
    );
    let about = "Makes a block every so many milliseconds; 0 stops.";
    verb(
        table,
        &["evm_setIntervalMining"],
        ["milliseconds"],
        about,
        |cx, (ms,): (Quantity,)| set_interval(cx, Duration::from_millis(ms.saturating_u64())),
    );
    let about = "Makes a block every so many seconds; 0 stops.";
    verb(
        table,
        &["anvil_setIntervalMining"],
        ["seconds"],
        about,
        |cx, (s,): (Quantity,)| set_interval(cx, Duration::from_secs(s.saturating_u64())),
    );
    let about = "Refused: the gas limit of a block is fixed by the genesis file.";
    verb(
        table,
        &["evm_setBlockGasLimit", "anvil_setBlockGasLimit"],
        ["gasLimit"],
        about,
        gas_limit_is_fixed,
    );
    for name in ["hardhat_getAutomine", "anvil_getAutomine"] {
        let about = "Whether each transaction gets its block at once.";
        table
            .quick(name, [], about, |cx, ()| {
                Ok(matches!(dev(cx)?.mining(), Mining::Instant))
            })
            .dev();
    }
    let about = "Seconds between blocks; null unless they are made at intervals.";
    table
        .quick("anvil_getIntervalMining", [], about, |cx, ()| {
            Ok(match dev(cx)?.mining() {
                Mining::Interval(pace) => Some(pace.as_secs_f64()),
                _ => None,
            })
        })
        .dev();
}

fn register_time(table: &mut Methods) {
    let about = "Moves the clock of later blocks ahead; answers by how many seconds in all.";
    verb(
        table,
        &["evm_increaseTime", "anvil_increaseTime"],
        ["seconds"],
        about,
        |cx, (seconds,): (Quantity,)| {
            let by = Duration::from_secs(seconds.saturating_u64());
            let ahead = dev(cx)?.increase_time(by).map_err(refused)?;
            Ok(ahead.as_secs())
        },
    );
    let about = "Sets the time of the next block, in seconds; the clock goes on from there.";
    verb(
        table,
        &["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"],
        ["seconds"],
        about,
        |cx, (seconds,): (Quantity,)| {
            dev(cx)?
                .set_next_block_timestamp(seconds.saturating_u64())
                .map_err(refused)
        },
    );
    let about = "Sets the clock of later blocks, in seconds; answers by how many it moved.";
    verb(
        table,
        &["evm_setTime", "anvil_setTime"],
        ["seconds"],
        about,
        |cx, (seconds,): (Quantity,)| dev(cx)?.set_time(seconds.saturating_u64()).map_err(refused),
    );
}

fn register_next_block(table: &mut Methods) {
    let about = "Sets the base fee of the next block alone, in wei.";
    verb(
        table,
        &[
            "hardhat_setNextBlockBaseFeePerGas",
            "anvil_setNextBlockBaseFeePerGas",
        ],
        ["wei"],
        about,
        |cx, (wei,): (Quantity,)| {
            let wei = u64::try_from(wei.0)
                .map_err(|_| RpcError::invalid_argument(0, "wei", "a base fee has 64 bits"))?;
            done(dev(cx)?.set_next_base_fee(wei))
        },
    );
    let about = "Sets who earns the priority fees of later blocks.";
    verb(
        table,
        &["hardhat_setCoinbase", "anvil_setCoinbase"],
        ["address"],
        about,
        |cx, (account,): (Address,)| done(dev(cx)?.set_beneficiary(account)),
    );
    let about = "Sets the randomness of the next block alone.";
    verb(
        table,
        &["hardhat_setPrevRandao", "anvil_setPrevRandao"],
        ["word"],
        about,
        |cx, (word,): (B256,)| done(dev(cx)?.set_prevrandao(word)),
    );
}

fn register_pool(table: &mut Methods) {
    let about = "Forgets a waiting transaction; false if it does not wait.";
    verb(
        table,
        &["hardhat_dropTransaction", "anvil_dropTransaction"],
        ["hash"],
        about,
        |cx, (hash,): (B256,)| Ok(dev(cx)?.drop_transaction(hash)),
    );
    let about = "Forgets all waiting transactions; answers how many.";
    verb(
        table,
        &["anvil_dropAllTransactions"],
        [],
        about,
        |cx, ()| Ok(dev(cx)?.drop_all_transactions()),
    );
}

fn rollback(cx: &RpcContext, (blocks,): (Option<Quantity>,)) -> RpcResult<bool> {
    let head = cx.chain().head().number();
    let blocks = blocks.map_or(1, Quantity::saturating_u64);
    let to = head.checked_sub(blocks).ok_or_else(|| {
        RpcError::invalid_params(format!(
            "cannot take back {blocks} blocks: the chain has {head}"
        ))
    })?;
    done(dev(cx)?.rewind_to(to))
}

fn reset(cx: &RpcContext, (options,): (Option<ResetOptions>,)) -> RpcResult<bool> {
    // viem says `forking: {}` where it means none.
    let source = options
        .and_then(|options| options.forking)
        .and_then(|forking| forking.source);
    if source.is_some() {
        return Err(RpcError::not_supported(
            "forking another chain is not offered: reset without `forking` goes back to genesis",
        ));
    }
    let dev = dev(cx)?;
    dev.drop_all_transactions();
    done(dev.rewind_to(0))
}

#[derive(Deserialize)]
struct ResetOptions {
    forking: Option<Forking>,
}

#[derive(Deserialize)]
struct Forking {
    #[serde(rename = "jsonRpcUrl")]
    source: Option<Box<RawValue>>,
}

/// `evm_mine` takes nothing, a time, or an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum MineOptions {
    At(Quantity),
    Object {
        timestamp: Option<Quantity>,
        blocks: Option<Quantity>,
    },
}

fn evm_mine(cx: &RpcContext, (options,): (Option<MineOptions>,)) -> RpcResult<&'static str> {
    let (at, blocks) = match options {
        None => (None, None),
        Some(MineOptions::At(seconds)) => (Some(seconds), None),
        Some(MineOptions::Object { timestamp, blocks }) => (timestamp, blocks),
    };
    let count = block_count(blocks)?;
    let dev = dev(cx)?;
    if let Some(at) = at {
        dev.set_next_block_timestamp(at.saturating_u64())
            .map_err(refused)?;
    }
    dev.mine(count, None).map_err(refused)?;
    // What Ganache answered once, and tools have expected since.
    Ok("0x0")
}

fn mine(
    cx: &RpcContext,
    (blocks, seconds): (Option<Quantity>, Option<Quantity>),
) -> RpcResult<bool> {
    let step = seconds.map(|seconds| Duration::from_secs(seconds.saturating_u64()));
    dev(cx)?.mine(block_count(blocks)?, step).map_err(refused)?;
    Ok(true)
}

fn block_count(blocks: Option<Quantity>) -> RpcResult<u64> {
    let count = blocks.map_or(1, Quantity::saturating_u64);
    if count > BLOCKS_MAX {
        return Err(RpcError::invalid_params(format!(
            "{count} blocks at once, the limit is {BLOCKS_MAX}: mine in several calls"
        )));
    }
    Ok(count)
}

fn set_interval(cx: &RpcContext, pace: Duration) -> RpcResult<bool> {
    let mining = if pace.is_zero() {
        Mining::Manual
    } else {
        Mining::Interval(pace)
    };
    done(dev(cx)?.set_mining(mining))
}

fn gas_limit_is_fixed(cx: &RpcContext, (_,): (Quantity,)) -> RpcResult<bool> {
    let rules = cx.chain().rules();
    Err(RpcError::not_supported(format!(
        "the gas limit of a block is fixed by the genesis file: {} for users, {} for the system; \
         make a chain with another genesis",
        rules.user_gas_limit, rules.system_gas_limit
    )))
}
