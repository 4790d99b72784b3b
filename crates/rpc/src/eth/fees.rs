//! What inclusion costs: base fee, tips, and their history.
//!
//! The suggested tip looks at the last 20 blocks. A block that had room took every transaction, so its price
//! of entry was the pool's minimum; a full block's price of entry was its lowest tips. The answer is the 60th
//! percentile of those prices, so a single full block does not move it.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U256};
use alloy_rpc_types_eth::FeeHistory;
use capstan_chain::{At, Block};

use crate::RpcContext;
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};
use crate::methods::Methods;

/// Blob base fee of a block without blobs (EIP-4844's minimum): what the BLOBBASEFEE opcode answers too.
pub(crate) const BLOB_BASE_FEE_WEI: u64 = 1;

const ORACLE_BLOCKS: u64 = 20;
const ORACLE_PERCENTILE: usize = 60;
/// Lowest tips of a full block that count.
const ORACLE_TIPS_PER_BLOCK: usize = 3;
/// A block is full when less than this share of the user gas limit is left, in percent.
const FULL_PERCENT: u64 = 95;
/// No suggestion above this, whatever others pay: 500 gwei.
const TIP_WEI_MAX: u128 = 500_000_000_000;

const HISTORY_BLOCKS_MAX: u64 = 1_024;
const HISTORY_PERCENTILES_MAX: usize = 100;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.quick("eth_chainId", [], "Chain id of EIP-155.", |cx, ()| {
        Ok(U64::from(cx.chain().rules().chain_id))
    });
    table.blocking(
        "eth_gasPrice",
        [],
        "A gas price for a legacy transaction: the next base fee with a quarter on top, and the suggested tip.",
        |cx, ()| {
            let base_fee_wei = next_base_fee_wei(cx);
            Ok(U256::from(base_fee_wei + base_fee_wei / 4 + suggested_tip_wei(cx)?))
        },
    );
    table.blocking(
        "eth_maxPriorityFeePerGas",
        [],
        "A tip that got transactions into the last 20 blocks.",
        |cx, ()| Ok(U256::from(suggested_tip_wei(cx)?)),
    );
    table.quick(
        "eth_baseFee",
        [],
        "Base fee per gas of the next block, in wei.",
        |cx, ()| Ok(U256::from(next_base_fee_wei(cx))),
    );
    table.quick(
        "eth_blobBaseFee",
        [],
        "Always the minimum of EIP-4844: this chain has no blobs.",
        |_, ()| Ok(U64::from(BLOB_BASE_FEE_WEI)),
    );
    table.blocking(
        "eth_feeHistory",
        ["blockCount", "newestBlock", "rewardPercentiles?"],
        "Base fees of past blocks and the next one, how full the blocks were, and tips at percentiles of gas.",
        fee_history,
    );
}

fn next_base_fee_wei(cx: &RpcContext) -> u128 {
    cx.chain().next_context().info.base_fee_wei
}

/// The tip that [the module](self) describes.
pub(crate) fn suggested_tip_wei(cx: &RpcContext) -> RpcResult<u128> {
    let chain = cx.chain();
    let tip_wei_min = chain.pool().config().min_tip_wei.max(1);
    let head = chain.head().number();
    let mut prices_wei = Vec::new();
    for number in head.saturating_sub(ORACLE_BLOCKS - 1)..=head {
        if let Some(block) = chain.block(number).map_err(chain_error)? {
            prices_of_entry(
                &block,
                chain.rules().user_gas_limit,
                tip_wei_min,
                &mut prices_wei,
            );
        }
    }
    prices_wei.sort_unstable();
    let at = prices_wei.len().saturating_sub(1) * ORACLE_PERCENTILE / 100;
    let price_wei = prices_wei.get(at).copied().unwrap_or(tip_wei_min);
    Ok(price_wei.clamp(tip_wei_min, TIP_WEI_MAX))
}

fn prices_of_entry(block: &Block, user_gas_limit: u64, tip_wei_min: u128, prices: &mut Vec<u128>) {
    if block.user_gas_used < user_gas_limit / 100 * FULL_PERCENT {
        prices.push(tip_wei_min);
        return;
    }
    let base_fee_wei = u128::from(block.base_fee_wei());
    let mut tips: Vec<u128> = (0..block.transactions.len())
        .filter(|index| !block.is_system(*index))
        .map(|index| {
            block
                .effective_gas_price_wei(index)
                .saturating_sub(base_fee_wei)
        })
        .collect();
    tips.sort_unstable();
    prices.extend(tips.into_iter().take(ORACLE_TIPS_PER_BLOCK));
}

fn fee_history(
    cx: &RpcContext,
    (block_count, newest, percentiles): (U64, BlockNumberOrTag, Option<Vec<f64>>),
) -> RpcResult<FeeHistory> {
    check_percentiles(percentiles.as_deref().unwrap_or_default())?;
    let chain = cx.chain();
    let head = chain.head().number();
    let newest = match At::from(newest) {
        At::Number(number) if number > head => {
            return Err(RpcError::server(format!(
                "request beyond head block: requested {number}, head {head}"
            )));
        }
        At::Number(number) => number,
        At::Earliest => 0,
        _ => head,
    };
    let block_count = block_count
        .to::<u64>()
        .min(HISTORY_BLOCKS_MAX)
        .min(newest + 1);
    if block_count == 0 {
        return Ok(FeeHistory::default());
    }
    let history = chain
        .fee_history(
            newest,
            block_count,
            percentiles.as_deref().unwrap_or_default(),
        )
        .map_err(chain_error)?;
    let count = history.gas_used_ratio.len();
    Ok(FeeHistory {
        oldest_block: history.oldest_block,
        base_fee_per_gas: history.base_fee_wei,
        gas_used_ratio: history.gas_used_ratio,
        base_fee_per_blob_gas: vec![u128::from(BLOB_BASE_FEE_WEI); count + 1],
        blob_gas_used_ratio: vec![0.0; count],
        reward: percentiles
            .filter(|asked| !asked.is_empty())
            .map(|_| history.tip_wei),
    })
}

fn check_percentiles(percentiles: &[f64]) -> RpcResult<()> {
    if percentiles.len() > HISTORY_PERCENTILES_MAX {
        return Err(RpcError::server(format!(
            "over the query limit {HISTORY_PERCENTILES_MAX}: {} reward percentiles",
            percentiles.len()
        )));
    }
    if let Some(wrong) = percentiles.iter().find(|p| !(0.0..=100.0).contains(*p)) {
        return Err(RpcError::server(format!(
            "invalid reward percentile: {wrong}"
        )));
    }
    for (index, pair) in percentiles.windows(2).enumerate() {
        let [low, high] = pair else { continue };
        if low >= high {
            return Err(RpcError::server(format!(
                "invalid reward percentile: #{index}:{low} >= #{}:{high}",
                index + 1
            )));
        }
    }
    Ok(())
}
