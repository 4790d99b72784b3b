//! Makes a development chain ready for a feeder: roles, the list of reporters, feeds. It acts as the owner of the oracle,
//! which only a node that holds the owner's key unlocked lets it do.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use capstan_client::{ClientError, Node};
use capstan_contracts::{
    admin::{self, IAdmin},
    oracle::{self, IOracle},
};
use serde_json::json;

use super::{FeedError, Quote};

/// Parameters that suit a development chain: quick to accept, slow to doubt.
pub const DEV_PARAMS: IOracle::FeedParams = IOracle::FeedParams {
    quorum: 1,
    reacceptRounds: 2,
    bandBps: 1_000,
    bandWidenBpsPerMin: 500,
    confidenceBpsMax: 500,
    growthBpsPerYear: 0,
    staleMs: 60_000,
    smoothMs: 60_000,
    outageMs: 600_000,
    graceMs: 5_000,
    stillMs: 0,
};
/// How long a transaction may take to be mined, and how often that is asked.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Grants the role to each reporter, puts him into the list, and lists a feed for each quote with its price as reference.
/// What is there already stays.
///
/// # Errors
/// The node refuses: it does not hold the owner's key, or a transaction fails.
pub async fn setup(node: &Node, reporters: &[Address], quotes: &[Quote]) -> Result<(), FeedError> {
    let scope = oracle::ADDRESS;
    let owner = node
        .view(admin::ADDRESS, &IAdmin::ownerOfCall { scope })
        .await?;
    if owner.is_zero() {
        return Err(FeedError::Settings(
            "nobody administers this chain, so nobody can list reporters and feeds: its genesis file must name \
             an owner (`capstan genesis init --owner ADDRESS`)"
                .to_owned(),
        ));
    }
    let present = node.view(scope, &IOracle::reportersCall {}).await?;
    for &reporter in reporters {
        let role = oracle::REPORT;
        let held = IAdmin::hasRoleCall {
            scope,
            role,
            account: reporter,
        };
        if !node.view(admin::ADDRESS, &held).await? {
            let grant = IAdmin::grantRoleCall {
                scope,
                role,
                holder: reporter,
                expiresMs: 0,
            };
            send(node, owner, admin::ADDRESS, &grant).await?;
        }
        if !present.contains(&reporter) {
            send(node, owner, scope, &IOracle::addReporterCall { reporter }).await?;
        }
    }
    let feeds: U256 = node.view(scope, &IOracle::feedsCall {}).await?;
    for quote in quotes {
        if feeds.bit(quote.asset_id as usize) {
            continue;
        }
        let list = IOracle::listFeedCall {
            assetId: quote.asset_id,
            description: format!("asset {} / USD", quote.asset_id),
            referencePrice: quote.price,
            params: DEV_PARAMS,
        };
        send(node, owner, scope, &list).await?;
    }
    Ok(())
}

/// Sends a transaction of an unlocked account and waits for it.
async fn send<C: SolCall>(
    node: &Node,
    from: Address,
    to: Address,
    call: &C,
) -> Result<(), FeedError> {
    let tx = json!([{"from": from, "to": to, "input": Bytes::from(call.abi_encode())}]);
    let hash = node.call("eth_sendTransaction", tx).await?;
    let failed = |message: String| ClientError::Refused {
        method: C::SIGNATURE.to_owned(),
        message,
        data: None,
    };
    for _ in 0..TRIES {
        let receipt = node
            .call("eth_getTransactionReceipt", json!([hash]))
            .await?;
        match receipt["status"].as_str() {
            Some("0x1") => return Ok(()),
            Some(_) => return Err(failed(format!("transaction {hash} failed")).into()),
            None => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(failed(format!("transaction {hash} was not mined")).into())
}
