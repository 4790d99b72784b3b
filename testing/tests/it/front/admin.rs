//! What a client asks of administration, of a node that answers in small parts.

use alloy_sol_types::SolCall as _;
use capstan_contracts::{
    admin::{self, IAdmin},
    oracle,
};
use capstan_rpc::Limits;
use serde_json::json;

use super::node::Node;

/// More grants than one answer holds: they come by parts of the chain, each once.
#[tokio::test(flavor = "multi_thread")]
async fn roles_are_listed_by_parts() {
    const HOLDERS: u8 = 9;
    let limits = Limits {
        logs_max: 2,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    for holder in 1..=HOLDERS {
        let call = IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: alloy_primitives::Address::repeat_byte(holder),
            expiresMs: 0,
        };
        let data = alloy_primitives::hex::encode_prefixed(call.abi_encode());
        let request = json!({"from": node.account(0), "to": admin::ADDRESS, "data": data});
        node.ok("eth_sendTransaction", json!([request])).await;
        let block = node.mine().await;
        assert!(block.receipts.iter().all(|receipt| receipt.status()));
        for _ in 0..holder {
            node.mine().await;
        }
    }
    let filter = json!([{"fromBlock": "0x0", "address": admin::ADDRESS}]);
    node.refuses("eth_getLogs", filter, -32005, "more than 2 results")
        .await;
    let asked = capstan_client::Node::new(node.url()).expect("an address");
    let known = capstan_client::administration(&asked)
        .await
        .expect("answers");
    let holders: Vec<u8> = known.grants.iter().map(|grant| grant.holder[0]).collect();
    assert_eq!(holders, (1..=HOLDERS).collect::<Vec<_>>());
}
