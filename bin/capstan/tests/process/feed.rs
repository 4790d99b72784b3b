//! `capstan feed` against `capstan dev`, as somebody at two terminals sees it.

use std::{fs, time::Duration};

use capstan_testing::process::{Node, capstan, run, text};
use serde_json::{Value, json};

/// The face of asset 1, and `latestAnswer()`.
const FACE: &str = "0xca957A0000000000000000000007000000000001";
const LATEST_ANSWER: &str = "0x50d25bcd";

async fn answer(node: &Node) -> Option<u128> {
    let call = json!([{"to": FACE, "input": LATEST_ANSWER}, "latest"]);
    let word: Value = node.rpc("eth_call", call).await.ok()?;
    let digits = word
        .as_str()?
        .trim_start_matches("0x")
        .trim_start_matches('0');
    u128::from_str_radix(digits, 16).ok()
}

/// FEED-3: what is reported is taken by the chain at once, block after block.
#[tokio::test]
async fn a_market_and_a_file_become_prices_on_the_chain() {
    let node = Node::start(&["dev", "--empty", "--block-time", "50ms"])
        .await
        .expect("started");
    let words = [
        "feed",
        "--rpc",
        node.url(),
        "--dev-account",
        "1",
        "--dev-account",
        "2",
        "--dev-account",
        "3",
        "market",
        "--setup",
        "--asset",
        "1=2000:10",
        "--asset",
        "2=60000",
        "--every",
        "100ms",
        "--jumps-per-day",
        "0",
    ];
    let mut market = capstan(&words)
        .expect("the program")
        .spawn()
        .expect("started");
    let mut seen = None;
    for _ in 0..300 {
        seen = answer(&node).await;
        if seen.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    market.kill().expect("ended");
    market.wait().expect("ended");
    let seen = seen.expect("the face answers");
    assert!((199_000_000_000..201_000_000_000).contains(&seen), "{seen}");

    // The same reporters go on with a recording.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prices.csv");
    let rows: String = (0..5)
        .map(|at| format!("{},1,{}.5\n", at * 200, 2_010 + at))
        .collect();
    fs::write(&file, format!("timeMs,assetId,price\n{rows}")).expect("written");
    let said = run(&[
        "feed",
        "--rpc",
        node.url(),
        "--dev-account",
        "1",
        "file",
        text(&file),
    ])
    .expect("ran");
    assert!(said.status.success(), "{said:?}");
    assert!(
        said.stdout.contains("5 reports taken, 0 refused"),
        "{said:?}"
    );
    let history = node
        .rpc("capstan_priceHistory", json!([1, {"limit": 1}]))
        .await
        .expect("history");
    assert_eq!(history["items"][0]["decimals"], 18);
}

#[tokio::test]
async fn a_feeder_says_what_is_wrong() {
    let node = Node::start(&["dev", "--empty"]).await.expect("started");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prices.csv");
    fs::write(&file, "0,1,2000\n").expect("written");
    let refused = |words: &[&str], why: &str| {
        let said = run(words).expect("ran");
        assert!(
            !said.status.success() && said.stderr.contains(why),
            "{words:?}: {said:?}"
        );
    };
    refused(
        &[
            "feed",
            "--rpc",
            "http://127.0.0.1:1",
            "--dev-account",
            "1",
            "file",
            text(&file),
        ],
        "is it running there",
    );
    refused(
        &["feed", "--rpc", node.url(), "file", text(&file)],
        "no key",
    );
    refused(
        &[
            "feed",
            "--rpc",
            node.url(),
            "--dev-account",
            "1",
            "file",
            "/nowhere",
        ],
        "/nowhere",
    );
    refused(
        &[
            "feed",
            "--rpc",
            node.url(),
            "--dev-account",
            "1",
            "file",
            text(&file),
        ],
        "took no report",
    );
    refused(
        &[
            "feed",
            "--rpc",
            node.url(),
            "--dev-account",
            "1",
            "file",
            text(&file),
        ],
        "the oracle has no feed of this asset",
    );
    refused(
        &[
            "feed",
            "--rpc",
            node.url(),
            "--dev-account",
            "1",
            "file",
            "/dev/null",
        ],
        "it holds no price",
    );
    refused(&["feed", "market", "--asset", "x"], "is no asset");
}
