//! Prices on a running node: reports at the door, in a block, through the faces, and again in a replay.

use alloy_primitives::{Address, Bytes, I256, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError};
use capstan_contracts::{
    SystemKind,
    admin::{self, IAdmin::grantRoleCall},
    oracle::{
        self, IFeed,
        IOracle::{
            Entry, FeedParams, OraclePriceUnusable, Report, addReporterCall,
            liquidationPriceOfCall, listFeedCall,
        },
    },
};
use capstan_units::AssetId;
use serde_json::{Value, json};

use super::node::{Node, Send, bytes, quantity};

const USD: u128 = 1_000_000_000_000_000_000;
const PRICE: u128 = 2_000 * USD;
/// Accounts of the development chain that report; account 0 owns the protocol.
const REPORTERS: [usize; 3] = [1, 2, 3];

/// A node whose oracle lists asset 1 and has three reporters.
async fn node_with_feed() -> Node {
    let node = Node::start().await;
    let mut calls: Vec<(Address, Vec<u8>)> = Vec::new();
    for index in REPORTERS {
        let reporter = node.address(index);
        let grant = grantRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            holder: reporter,
            expiresMs: 0,
        };
        calls.push((admin::ADDRESS, grant.abi_encode()));
        calls.push((oracle::ADDRESS, addReporterCall { reporter }.abi_encode()));
    }
    let list = listFeedCall {
        assetId: 1,
        description: "ETH / USD".into(),
        referencePrice: PRICE,
        params: FeedParams {
            quorum: 2,
            reacceptRounds: 2,
            bandBps: 500,
            bandWidenBpsPerMin: 100,
            confidenceBpsMax: 100,
            growthBpsPerYear: 0,
            staleMs: 60_000,
            smoothMs: 60_000,
            outageMs: 300_000,
            graceMs: 0,
            stillMs: 0,
        },
    };
    calls.push((oracle::ADDRESS, list.abi_encode()));
    for (to, input) in calls {
        node.send(Send::to(0, to).input(input));
    }
    let block = node.mine().await;
    assert!(block.receipts.iter().all(|receipt| receipt.status()));
    node
}

/// What reporter `signer` submits now, as JSON parameters.
fn signed(node: &Node, signer: &PrivateKeySigner, change: impl Fn(&mut Report)) -> Value {
    use alloy_signer::SignerSync as _;
    let time_ms = node.chain.head().time_ms();
    let mut report = Report {
        round: time_ms,
        timeMs: time_ms,
        entries: vec![Entry {
            assetId: 1,
            price: PRICE,
            confidenceBps: 5,
        }],
    };
    change(&mut report);
    let digest = oracle::digest(node.chain.rules().chain_id, &report);
    let signature = signer.sign_hash_sync(&digest).expect("signed");
    let entries: Vec<_> = report
        .entries
        .iter()
        .map(|entry| {
            json!({
                "assetId": entry.assetId,
                "price": U256::from(entry.price),
                "confidenceBps": entry.confidenceBps,
            })
        })
        .collect();
    json!([
        {"round": format!("{:#x}", report.round), "timeMs": report.timeMs, "entries": entries},
        hex::encode_prefixed(signature.as_bytes()),
    ])
}

/// All reporters say the price of now.
async fn report(node: &Node, price: u128) {
    for index in REPORTERS {
        let asked = signed(node, &node.signers[index], |report| {
            report.entries[0].price = price
        });
        let answer = node.ok("capstan_submitReport", asked).await;
        assert_eq!(answer, json!(node.address(index)));
    }
}

async fn view<C: SolCall>(node: &Node, to: Address, call: &C) -> C::Return {
    let params = json!([{"to": to, "input": Bytes::from(call.abi_encode())}, "latest"]);
    C::abi_decode_returns(&bytes(&node.ok("eth_call", params).await)).expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_become_prices_of_the_next_block() {
    let node = node_with_feed().await;
    for round in 1..=3_u64 {
        report(&node, PRICE + u128::from(round) * USD).await;
        node.send(Send::to(4, Address::repeat_byte(7)).value(1));
        let block = node.mine().await;
        // Access-list index 1: before the users, with the whole input as calldata.
        assert!(block.is_system(0) && !block.is_system(1));
        assert_eq!(block.transactions.len(), 2);
        let target = alloy_consensus::Transaction::to(block.transactions[0].inner());
        assert_eq!(target, Some(SystemKind::Prices.target()));
        assert!(block.receipts[0].status());
    }
    assert!(
        node.mine().await.transactions.is_empty(),
        "reports count once"
    );

    let face = oracle::feed_address(AssetId::new(1));
    let data = view(&node, face, &IFeed::latestRoundDataCall {}).await;
    let answer = I256::try_from((PRICE + 3 * USD) / 10_000_000_000).expect("fits");
    assert_eq!(data.answer, answer);
    let sides = view(
        &node,
        oracle::ADDRESS,
        &liquidationPriceOfCall { assetId: 1 },
    )
    .await;
    assert_eq!(sides.collateral, PRICE + 3 * USD);

    // The first round was a trial: two prices were accepted. Pages of one, newest first.
    let first = node
        .ok("capstan_priceHistory", json!([1, {"limit": 1}]))
        .await;
    let item = &first["items"][0];
    assert_eq!(quantity(&item["round"]), 2);
    assert_eq!(item["spot"], json!(U256::from(PRICE + 3 * USD)));
    assert_eq!(item["decimals"], 18);
    let page = json!({"limit": 5, "cursor": first["cursor"]});
    let rest = node.ok("capstan_priceHistory", json!([1, page])).await;
    let rest_items = rest["items"].as_array().expect("a list");
    assert_eq!(rest_items.len(), 1);
    assert_eq!(quantity(&rest_items[0]["round"]), 1);
    assert!(rest["cursor"].is_null());
    assert_eq!(
        node.ok("capstan_priceHistory", json!([2])).await["items"],
        json!([])
    );
    assert!(
        node.fault("capstan_priceHistory", json!([1, {"limit": 0}]))
            .await
            .message
            .contains("limit")
    );

    // Execution of every block again, from calldata alone, gives the same roots.
    let chain = node.chain.clone();
    let replayed = tokio::task::spawn_blocking(move || chain.replay(0, &mut |_, _| {}))
        .await
        .expect("no panic")
        .expect("replayed");
    assert_eq!((replayed.blocks, replayed.roots), (5, true));

    // An old price is refused, with its age.
    node.ok("evm_increaseTime", json!([120])).await;
    node.mine().await;
    let input = Bytes::from(IFeed::latestAnswerCall {}.abi_encode());
    let fault = node
        .fault("eth_call", json!([{"to": face, "input": input}, "latest"]))
        .await;
    assert_eq!(fault.code, 3);
    let error = OraclePriceUnusable::abi_decode(&bytes(&fault.data)).expect("the oracle's error");
    assert_eq!((error.assetId, error.reason), (1, 3));
    assert!(error.detail > U256::from(100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_refuses_what_no_block_would_take() {
    let node = node_with_feed().await;
    node.mine().await;
    let fault = async |params: Value| node.fault("capstan_submitReport", params).await.message;
    let reporter = &node.signers[1];
    let stranger = fault(signed(&node, &node.signers[5], |_| ())).await;
    assert!(stranger.contains("not from a reporter"), "{stranger}");
    let early = fault(signed(&node, reporter, |report| report.timeMs += 3_600_000)).await;
    assert!(early.starts_with("not yet"), "{early}");
    let expired = fault(signed(&node, reporter, |report| report.timeMs -= 600_000)).await;
    assert!(expired.contains("ms old"), "{expired}");
    let empty = fault(signed(&node, reporter, |report| report.entries.clear())).await;
    assert!(empty.contains("entry 0 of 0"), "{empty}");
    // A signature over another price is the signature of somebody unknown.
    let mut altered = signed(&node, reporter, |_| ());
    altered[0]["entries"][0]["price"] = json!("0x1");
    let altered = fault(altered).await;
    assert!(altered.contains("not from a reporter"), "{altered}");
    let mut cut = signed(&node, reporter, |_| ());
    cut[1] = json!("0x1234");
    assert!(fault(cut).await.contains("signature"));
    let mut wide = signed(&node, reporter, |_| ());
    wide[0]["entries"][0]["confidenceBps"] = json!(70_000);
    assert!(
        fault(wide)
            .await
            .contains("confidenceBps 70000 is out of range")
    );

    // A later report takes an earlier one's place; the same round does not, waiting or mined.
    let good = signed(&node, reporter, |_| ());
    node.ok("capstan_submitReport", good.clone()).await;
    let again = fault(good.clone()).await;
    assert!(again.contains("is not after round"), "{again}");
    let later = signed(&node, reporter, |report| report.round += 1);
    node.ok("capstan_submitReport", later).await;
    let block = node.mine().await;
    assert_eq!(block.transactions.len(), 1);
    let mined = fault(good).await;
    assert!(mined.contains("is not after round"), "{mined}");
}
