//! What a node that follows another asks.

use alloy_primitives::Bytes;
use capstan_chain::{Genesis, RawBlock};
use serde_json::{Value, json};

use super::node::{Node, Send, quantity};

fn raw(answer: &Value) -> Vec<RawBlock> {
    let blocks: Vec<Bytes> = serde_json::from_value(answer["blocks"].clone()).expect("bytes");
    let blocks = blocks.iter();
    blocks
        .map(|bytes| RawBlock::decode(bytes).expect("a block"))
        .collect()
}

/// RPC-41
#[tokio::test(flavor = "multi_thread")]
async fn rpc_41_blocks_travel_in_order() {
    let node = Node::start().await;
    for nth in 0..300 {
        if nth % 50 == 0 {
            node.send(Send::to(1, node.address(2)).value(1));
        }
        node.mine().await;
    }
    let told = node.ok("capstan_genesis", json!([])).await;
    let genesis = Genesis::from_json(&told["genesis"].to_string()).expect("a genesis");
    assert_eq!(&genesis, node.chain.genesis());
    let first = node.ok("capstan_blocks", json!(["0x0"])).await;
    assert_eq!(first["genesisHash"], told["hash"]);
    assert_eq!(quantity(&first["chainId"]), genesis.chain_id);
    let head = node.chain.head();
    assert_eq!(quantity(&first["head"]["number"]), head.number());
    assert_eq!(first["head"]["hash"], json!(head.hash()));
    let blocks = raw(&first);
    assert_eq!(
        blocks.len(),
        256,
        "genesis is made from its file, and an answer has an end"
    );
    for (raw, number) in blocks.iter().zip(1..) {
        let block = node.chain.block(number).expect("stored").expect("there");
        assert_eq!(*raw, block.raw());
    }
    let rest = node.ok("capstan_blocks", json!(["0x101"])).await;
    assert_eq!(raw(&rest).len() as u64, head.number() - 256);
    let one = node.ok("capstan_blocks", json!(["0x5", "0x1"])).await;
    assert_eq!(
        raw(&one),
        [node.chain.block(5).expect("stored").expect("there").raw()]
    );
    let none = node.ok("capstan_blocks", json!(["0xffffff"])).await;
    assert_eq!(none["blocks"], json!([]));
}
