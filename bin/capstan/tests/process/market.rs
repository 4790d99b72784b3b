//! `capstan market` against `capstan dev`.

use capstan_testing::process::{Node, run};

#[tokio::test]
async fn a_chain_without_markets_says_so() {
    let node = Node::start(&["dev", "--empty"]).await.expect("started");
    let listed = run(&["market", "list", "--rpc", node.url()]).expect("ran");
    assert_eq!(listed.stdout, "no asset has a market here\n", "{listed:?}");
    let listed = run(&["market", "list", "--json", "--rpc", node.url()]).expect("ran");
    assert_eq!(listed.stdout, "[]\n", "{listed:?}");
    let refused = |words: &[&str], why: &str| {
        let said = run(words).expect("ran");
        assert!(
            !said.status.success() && said.stderr.contains(why),
            "{words:?}: {said:?}"
        );
    };
    refused(
        &["market", "show", "usdc", "--rpc", node.url()],
        "nothing is listed",
    );
    refused(
        &["market", "list", "--rpc", "http://127.0.0.1:1"],
        "is it running there",
    );
    refused(
        &["market", "list", "--rpc", "https://example.org"],
        "no address of a node here",
    );
}
