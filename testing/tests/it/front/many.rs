//! Many transactions of one key at once.

use std::time::Duration;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use capstan_chain::{ChainConfig, Genesis, Mining};
use capstan_client::{Call, ClientError, send_all};
use capstan_contracts::jobs::{
    self,
    IJobs::{JobsNotOpen, withdrawCall},
};

use super::node::{Node, config};

const CALLS: usize = 20;
const REFUSED: usize = 3;

/// None of them waits for another's block, and one that a contract refuses leaves no gap behind it.
#[tokio::test(flavor = "multi_thread")]
async fn many_are_sent_to_a_block_and_a_refusal_keeps_none_back() {
    let mining = Mining::Interval(Duration::from_millis(500));
    let chain = ChainConfig::dev(Genesis::dev(5, 0));
    let node = Node::with(config(), chain, mining).await;
    let client = capstan_client::Node::new(node.url()).expect("an address");
    let pay = Call {
        to: Address::repeat_byte(0xb0),
        value_wei: U256::from(1),
        ..Call::default()
    };
    let mut calls = vec![pay; CALLS];
    let refused = withdrawCall { amount: U256::ONE };
    calls[REFUSED] = Call {
        to: jobs::ADDRESS,
        input: refused.abi_encode().into(),
        ..Call::default()
    };
    let done = send_all(&client, &node.signers[0], &calls).await;
    assert_eq!(done.len(), CALLS);
    let mut blocks = std::collections::BTreeSet::new();
    for (place, done) in done.into_iter().enumerate() {
        match done {
            Ok(sent) => drop(blocks.insert(sent.block_number)),
            Err(error) => {
                assert_eq!(place, REFUSED, "{error}");
                assert!(error.is::<JobsNotOpen>(), "{error}");
                assert!(matches!(error, ClientError::Reverted(_)));
            }
        }
    }
    assert!(blocks.len() <= 6, "{CALLS} in blocks {blocks:?}");
}
