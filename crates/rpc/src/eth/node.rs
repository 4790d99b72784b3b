//! What this node is: its forks (EIP-7910), and which of the past it can answer for.
//!
//! EIP-7910 schedules by time, this chain by height. So each configuration says its height too, and the time of one
//! that is to come is an estimate: the head's time and the chain's pace for each block until then. What changes a
//! configuration is an Ethereum fork or a version of the protocol.

use std::collections::BTreeMap;

use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::BEACON_ROOTS_ADDRESS,
    eip7840::BlobParams,
    eip7910::{EthForkConfig, SystemContract},
};
use alloy_primitives::{B256, U64};
use capstan_evm::Fork;
use revm::precompile::{PrecompileSpecId, Precompiles};
use serde::Serialize;

use crate::RpcContext;
use crate::error::RpcResult;
use crate::error::chain_error;
use crate::methods::Methods;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.quick(
        "eth_coinbase",
        [],
        "Who earns the priority fees of the blocks that this node makes.",
        |cx, ()| Ok(cx.chain().next_context().info.beneficiary),
    );
    table.blocking(
        "eth_config",
        [],
        "Ethereum fork and protocol version in force, the next and the last scheduled ones (EIP-7910).",
        config,
    );
    table.quick(
        "eth_capabilities",
        [],
        "From which block on this node answers for states, transactions, logs, receipts, blocks and proofs.",
        capabilities,
    );
}

/// What EIP-7910 asks for, and what it has no field for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    #[serde(flatten)]
    ethereum: EthForkConfig,
    /// First height.
    activation_block: U64,
    protocol_version: U64,
}

#[derive(Serialize)]
struct Configurations {
    current: Configuration,
    next: Option<Configuration>,
    last: Option<Configuration>,
}

fn config(cx: &RpcContext, (): ()) -> RpcResult<Configurations> {
    let rules = cx.chain().rules();
    let head = cx.chain().head().number();
    let heights = rules.activation_heights();
    let first = heights.range(..=head).next_back().copied();
    let of = |height: Option<&u64>| {
        height
            .map(|height| configuration(cx, *height, head))
            .transpose()
    };
    Ok(Configurations {
        current: configuration(cx, first.unwrap_or(0), head)?,
        next: of(heights.range(head + 1..).next())?,
        last: of(heights.range(head + 1..).next_back())?,
    })
}

/// The configuration that is in force from `first` on.
fn configuration(cx: &RpcContext, first: u64, head: u64) -> RpcResult<Configuration> {
    let rules = cx.chain().rules();
    let fork = rules.fork_at(first);
    let mut system_contracts =
        BTreeMap::from([(SystemContract::BeaconRoots, BEACON_ROOTS_ADDRESS)]);
    if fork >= Fork::Prague {
        system_contracts.insert(SystemContract::HistoryStorage, HISTORY_STORAGE_ADDRESS);
    }
    let no_blobs = BlobParams {
        target_blob_count: 0,
        max_blob_count: 0,
        ..BlobParams::prague()
    };
    Ok(Configuration {
        ethereum: EthForkConfig {
            activation_time: activation_time(cx, first, head)?,
            blob_schedule: no_blobs,
            chain_id: rules.chain_id,
            fork_id: fork_id(cx, first)?.to_vec().into(),
            precompiles: precompiles(fork),
            system_contracts,
        },
        activation_block: U64::from(first),
        protocol_version: U64::from(rules.version_at(first).0),
    })
}

/// Seconds: the time that a block had, or is expected to have.
fn activation_time(cx: &RpcContext, first: u64, head: u64) -> RpcResult<u64> {
    // What is in force from the start has time zero, whatever the genesis block says.
    if first == 0 {
        return Ok(0);
    }
    let known = first.min(head);
    let block = cx.chain().block(known).map_err(chain_error)?;
    let time_ms = block.map_or(0, |block| block.time_ms());
    let ahead_ms = cx.chain().genesis().pace_ms.saturating_mul(first - known);
    Ok(time_ms.saturating_add(ahead_ms) / 1000)
}

/// EIP-2124: the genesis hash, and the heights at which the rules have changed up to one.
fn fork_id(cx: &RpcContext, upto: u64) -> RpcResult<[u8; 4]> {
    let genesis = cx.chain().block(0).map_err(chain_error)?;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(genesis.map_or(B256::ZERO, |block| block.hash()).as_slice());
    for first in cx.chain().rules().activation_heights() {
        if (1..=upto).contains(&first) {
            checksum.update(&first.to_be_bytes());
        }
    }
    Ok(checksum.finalize().to_be_bytes())
}

fn precompiles(fork: Fork) -> BTreeMap<String, alloy_primitives::Address> {
    let known = Precompiles::new(PrecompileSpecId::from_spec_id(fork.spec()));
    let named = known.inner().iter();
    named
        .map(|(address, precompile)| (precompile.id().name().to_owned(), *address))
        .collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Capabilities {
    head: Head,
    state: Kept,
    tx: Kept,
    logs: Kept,
    receipts: Kept,
    blocks: Kept,
    stateproofs: Kept,
}

#[derive(Serialize)]
struct Head {
    number: U64,
    hash: B256,
}

/// What is kept of one kind of data.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    disabled: bool,
    oldest_block: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_strategy: Option<Window>,
}

/// Only the newest so many blocks.
#[derive(Serialize)]
#[serde(tag = "type", rename = "window", rename_all = "camelCase")]
struct Window {
    retention_blocks: U64,
}

impl Kept {
    fn since(oldest: u64, window_blocks: Option<u64>) -> Self {
        Self {
            disabled: false,
            oldest_block: U64::from(oldest),
            delete_strategy: window_blocks.map(|blocks| Window {
                retention_blocks: U64::from(blocks),
            }),
        }
    }
}

fn capabilities(cx: &RpcContext, (): ()) -> RpcResult<Capabilities> {
    let chain = cx.chain();
    let head = chain.head();
    let whole = || Kept::since(0, None);
    Ok(Capabilities {
        head: Head {
            number: U64::from(head.number()),
            hash: head.hash(),
        },
        state: Kept::since(chain.oldest_state(), chain.config().history_blocks),
        tx: whole(),
        logs: whole(),
        receipts: whole(),
        blocks: whole(),
        stateproofs: Kept::since(chain.oldest_proof(), Some(capstan_chain::PROOF_WINDOW)),
    })
}
