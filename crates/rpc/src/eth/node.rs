//! What this node is: its forks (EIP-7910), and which of the past it can answer for.
//!
//! Forks are scheduled by height here, so the time of a coming one is not known. EIP-7910 wants times, and says
//! to leave out what has none: `next` and `last` are null.

use std::collections::BTreeMap;

use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::BEACON_ROOTS_ADDRESS,
    eip7840::BlobParams,
    eip7910::{EthConfig, EthForkConfig, SystemContract},
};
use alloy_primitives::{B256, U64};
use capstan_evm::Fork;
use revm::precompile::{PrecompileSpecId, Precompiles};
use serde::Serialize;

use crate::RpcContext;
use crate::error::RpcResult;
use crate::methods::Methods;
use crate::native::chain_error;

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
        "The Ethereum fork in force, with its precompiles and system contracts (EIP-7910).",
        config,
    );
    table.quick(
        "eth_capabilities",
        [],
        "From which block on this node answers for states, transactions, logs, receipts, blocks and proofs.",
        capabilities,
    );
}

fn config(cx: &RpcContext, (): ()) -> RpcResult<EthConfig> {
    let (rules, head) = (cx.chain().rules(), cx.chain().head());
    let in_force = rules
        .forks
        .iter()
        .filter(|(first, _)| *first <= head.number());
    let first = in_force.map(|(first, _)| *first).max().unwrap_or(0);
    let first_block = cx.chain().block(first).map_err(chain_error)?;
    let fork = rules.fork_at(head.number());
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
    let current = EthForkConfig {
        // A fork of the first hour has time zero, whatever the genesis block says.
        activation_time: first_block
            .filter(|_| first > 0)
            .map_or(0, |block| block.header.timestamp),
        blob_schedule: no_blobs,
        chain_id: rules.chain_id,
        fork_id: fork_id(cx, head.number())?.to_vec().into(),
        precompiles: precompiles(fork),
        system_contracts,
    };
    Ok(EthConfig {
        current,
        next: None,
        last: None,
    })
}

/// EIP-2124: the genesis hash, and the heights of the forks that came since.
fn fork_id(cx: &RpcContext, head: u64) -> RpcResult<[u8; 4]> {
    let genesis = cx.chain().block(0).map_err(chain_error)?;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(genesis.map_or(B256::ZERO, |block| block.hash()).as_slice());
    for (first, _) in &cx.chain().rules().forks {
        if (1..=head).contains(first) {
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
