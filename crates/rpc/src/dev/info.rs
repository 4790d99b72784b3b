//! What development tools ask to find out whom they talk to.

use alloy_primitives::{B256, U64, U256};
use serde::Serialize;

use crate::{RpcContext, error::RpcResult, methods::Methods};

pub(crate) fn register(table: &mut Methods) {
    table
        .quick(
            "anvil_nodeInfo",
            [],
            "The development node in figures.",
            node_info,
        )
        .dev();
    for name in ["hardhat_metadata", "anvil_metadata"] {
        table
            .quick(name, [], "Name, version and place of this chain.", metadata)
            .dev();
    }
    for name in ["hardhat_setLoggingEnabled", "anvil_setLoggingEnabled"] {
        let about = "Accepted without effect: logs go to the node's own output.";
        table
            .quick(name, ["on"], about, |_, (_,): (bool,)| Ok(true))
            .dev();
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeInfo {
    current_block_number: U64,
    current_block_timestamp: u64,
    current_block_hash: B256,
    hard_fork: &'static str,
    transaction_order: &'static str,
    environment: Environment,
    fork_config: ForkConfig,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    base_fee: U256,
    chain_id: u64,
    gas_limit: U64,
    gas_price: U256,
}

/// Another chain that this one forked: there is none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForkConfig {
    fork_url: Option<String>,
    fork_block_number: Option<u64>,
    fork_retry_backoff: Option<u64>,
}

fn node_info(cx: &RpcContext, (): ()) -> RpcResult<NodeInfo> {
    let head = cx.chain().head();
    let next = cx.chain().next_context();
    let base_fee = U256::from(next.info.base_fee_wei);
    Ok(NodeInfo {
        current_block_number: U64::from(head.number()),
        current_block_timestamp: head.header.timestamp,
        current_block_hash: head.hash(),
        hard_fork: "osaka",
        transaction_order: "fees",
        environment: Environment {
            base_fee,
            chain_id: cx.chain().rules().chain_id,
            gas_limit: U64::from(next.info.gas_limit),
            gas_price: base_fee,
        },
        fork_config: ForkConfig {
            fork_url: None,
            fork_block_number: None,
            fork_retry_backoff: None,
        },
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    client_version: String,
    chain_id: u64,
    instance_id: B256,
    latest_block_number: u64,
    latest_block_hash: B256,
    forked_network: Option<()>,
    snapshots: [(); 0],
}

fn metadata(cx: &RpcContext, (): ()) -> RpcResult<Metadata> {
    let head = cx.chain().head();
    let genesis = cx.chain().block(0).map_err(crate::error::chain_error)?;
    Ok(Metadata {
        client_version: cx.config().client_version.clone(),
        chain_id: cx.chain().rules().chain_id,
        // Tools notice by it that they talk to another chain than before.
        instance_id: genesis.map_or(B256::ZERO, |block| block.hash()),
        latest_block_number: head.number(),
        latest_block_hash: head.hash(),
        forked_network: None,
        snapshots: [],
    })
}
