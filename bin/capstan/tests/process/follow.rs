//! A second node: it has its leader's chain, outlives its absence, believes none of its words, and survives `kill -9`.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, hex};
use capstan_chain::RawBlock;
use capstan_testing::process::{Node, Said, run, text};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Longest wait for a follower to be where it should.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the door between the two does with an answer of the leader.
#[derive(Clone)]
enum Way {
    /// Hands it on.
    Open,
    /// Closes without a word.
    Shut,
    /// Hands on something else.
    Bent(fn(&mut Value)),
    /// Hands on other bytes.
    Said(&'static str),
    /// Sends whoever asks somewhere else.
    Moved,
}

/// A door to a leader: its address stays while the leader goes and comes, and what goes through can be bent.
struct Door {
    url: String,
    leader: Arc<Mutex<(String, Way)>>,
}

impl Door {
    async fn to(leader: &Node) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new((leader.url().to_owned(), Way::Open)));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (leader, way) = shared.lock().expect("a lock").clone();
                tokio::spawn(serve(stream, leader, way));
            }
        });
        Self { url, leader: state }
    }

    fn leads_to(&self, leader: &Node) {
        self.leader.lock().expect("a lock").0 = leader.url().to_owned();
    }

    fn set(&self, way: Way) {
        self.leader.lock().expect("a lock").1 = way;
    }
}

/// One request, one answer, one connection.
async fn serve(mut stream: TcpStream, leader: String, way: Way) -> Option<()> {
    let body = request(&mut stream).await?;
    let answer = match way {
        Way::Shut => return None,
        Way::Said(words) => words.as_bytes().to_vec(),
        Way::Moved => Vec::new(),
        Way::Open | Way::Bent(_) => {
            let post = reqwest::Client::new().post(leader).body(body);
            let post = post.header("content-type", "application/json");
            post.send().await.ok()?.bytes().await.ok()?.to_vec()
        }
    };
    let answer = match way {
        Way::Bent(bend) => {
            let mut value: Value = serde_json::from_slice(&answer).ok()?;
            bend(&mut value["result"]);
            serde_json::to_vec(&value).ok()?
        }
        _ => answer,
    };
    let status = match way {
        Way::Moved => "307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/",
        _ => "200 OK",
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&answer).await.ok()
}

/// The body of a request.
async fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length?.trim().parse().ok()?;
            if bytes.len() >= end + 4 + length {
                return Some(bytes[end + 4..end + 4 + length].to_vec());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn leader(data: &Path, pace: &str) -> Node {
    let words = ["dev", "--empty", "--block-time", pace, "--data", text(data)];
    Node::start(&words).await.expect("a leader")
}

async fn follower(url: &str, data: &Path) -> Node {
    let words = ["follow", "--rpc", url, "--data", text(data)];
    Node::start(&words).await.expect("a follower")
}

async fn height(node: &Node) -> u64 {
    let height = node.quantity("eth_blockNumber", json!([])).await;
    u64::try_from(height.expect("a height")).expect("small")
}

async fn reaches(node: &Node, number: u64) {
    let start = Instant::now();
    while height(node).await < number {
        assert!(
            start.elapsed() < PATIENCE,
            "not at block {number}:\n{}",
            node.said()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Payments, so that blocks hold something.
async fn pay(leader: &Node, count: usize) {
    let accounts = leader
        .rpc("eth_accounts", json!([]))
        .await
        .expect("accounts");
    for nth in 0..count {
        let to = format!("{:#042x}", 0xc0de + nth % 7);
        let send =
            json!([{ "from": accounts[nth % 10], "to": to, "value": "0x1", "gas": "0x5208" }]);
        leader.rpc("eth_sendTransaction", send).await.expect("sent");
    }
}

/// Waits until nothing waits for a block.
async fn mined(leader: &Node) {
    let start = Instant::now();
    loop {
        let waiting = leader
            .rpc("txpool_status", json!([]))
            .await
            .expect("an answer");
        if waiting == json!({ "pending": "0x0", "queued": "0x0" }) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{waiting}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that two nodes say of a block.
async fn same_block(one: &Node, other: &Node, number: u64) {
    let tag = format!("{number:#x}");
    for (method, params) in [
        ("eth_getBlockByNumber", json!([tag, true])),
        ("eth_getBlockReceipts", json!([tag])),
        ("debug_getRawBlockAccessList", json!([tag])),
        (
            "eth_getBalance",
            json!(["0x000000000000000000000000000000000000c0de", tag]),
        ),
    ] {
        let mine = one.rpc(method, params.clone()).await.expect("an answer");
        let theirs = other.rpc(method, params).await.expect("an answer");
        assert_eq!(mine, theirs, "{method} of block {number}");
    }
    let mut records = Vec::new();
    for node in [one, other] {
        let mut told = node
            .rpc("capstan_record", json!([tag]))
            .await
            .expect("a record");
        // Only who built a block knows how often its transactions ran.
        if let Some(record) = told["record"].as_object_mut() {
            record.remove("runs");
        }
        records.push(told);
    }
    assert_eq!(records[0], records[1], "record of block {number}");
}

fn good(words: &[&str]) -> Said {
    let said = run(words).expect("run");
    assert!(said.status.success(), "{words:?}: {}", said.stderr);
    said
}

/// FOL-1, PER-14
#[tokio::test]
async fn fol_1_a_second_node_has_the_same_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let leader = leader(&first, "100ms").await;
    pay(&leader, 30).await;
    let mut second_node = follower(leader.url(), &second).await;
    assert!(
        second_node
            .says("taking the chain as the leader names it")
            .await
    );
    pay(&leader, 60).await;
    mined(&leader).await;
    let newest = height(&leader).await;
    reaches(&second_node, newest).await;
    for number in 1..=newest {
        same_block(&leader, &second_node, number).await;
    }
    let drawn = folder.path().join("lanes.html");
    let (to, url) = (newest.to_string(), second_node.url().to_owned());
    let words = [
        "blocks", "analyse", "--from", "1", "--to", &to, "--rpc", &url,
    ];
    let told = good(&[&words[..], &["--html", text(&drawn)]].concat());
    assert!(told.stdout.contains("90 transactions"), "{}", told.stdout);
    assert!(
        told.stdout.contains("PROJECTED from gas, not measured"),
        "{}",
        told.stdout
    );
    assert!(told.stdout.contains("runs: not known"), "{}", told.stdout);
    let page = std::fs::read_to_string(&drawn).expect("a page");
    assert!(
        page.contains("<svg") && page.contains("core 0") && page.contains("send "),
        "{page}"
    );
    let json = good(&[&words[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["transactionCount"], "0x5a");

    let status = second_node.signal("TERM").expect("stopped");
    assert!(status.success(), "{}", second_node.said());
    for words in [
        &["db", "verify"][..],
        &["replay"],
        &["replay", "--from-records"],
    ] {
        good(&[words, &["--data", text(&second)]].concat());
    }
    let redone = good(&["replay", "--from-records", "--data", text(&second)]).stdout;
    assert!(
        redone.starts_with("redid ") && redone.contains("the state roots behind them agree"),
        "{redone}"
    );
}

/// FOL-2
#[tokio::test]
async fn fol_2_the_leader_comes_and_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let mut first_node = leader(&first, "50ms").await;
    let door = Door::to(&first_node).await;
    let second_node = follower(&door.url, &second).await;
    reaches(&second_node, 3).await;
    // Silence: it says so once, and serves on.
    door.set(Way::Shut);
    assert!(
        second_node.says("does not answer").await,
        "{}",
        second_node.said()
    );
    let before = height(&second_node).await;
    door.set(Way::Open);
    reaches(&second_node, before + 3).await;
    assert!(second_node.says("following again").await);
    assert_eq!(second_node.said().matches("does not answer").count(), 1);
    // Gone, and back with the same chain.
    first_node.kill().expect("killed");
    let before = height(&second_node).await;
    let again = leader(&first, "50ms").await;
    door.leads_to(&again);
    reaches(&second_node, before + 3).await;
    same_block(&again, &second_node, before + 1).await;
}

fn blocks(page: &mut Value) -> Vec<RawBlock> {
    let blocks = page["blocks"].as_array().expect("blocks").iter();
    let raw = blocks.map(|block| hex::decode(block.as_str().expect("bytes")).expect("hex"));
    raw.map(|raw| RawBlock::decode(&raw).expect("a block"))
        .collect()
}

fn send(page: &mut Value, blocks: &[RawBlock]) {
    let bytes = blocks.iter().map(|block| Bytes::from(block.encode()));
    page["blocks"] = json!(bytes.collect::<Vec<_>>());
}

/// FOL-3
#[tokio::test]
async fn fol_3_garbage_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let first_node = leader(&first, "50ms").await;
    let door = Door::to(&first_node).await;
    let second_node = follower(&door.url, &second).await;
    let cases: [(Way, &str); 11] = [
        (
            Way::Said("<html>"),
            "capstan_blocks is answered by something else",
        ),
        (
            Way::Said(r#"{"error": {"code": -32601, "message": "no such method"}}"#),
            "no such method",
        ),
        (
            Way::Bent(|page| page["chainId"] = json!("0x1")),
            "another chain: id 1 and",
        ),
        (
            Way::Bent(|page| page["genesisHash"] = json!(B256::ZERO)),
            "genesis block 0x0000000000000000",
        ),
        (
            Way::Bent(|page| page["blocks"] = json!(["0x00"])),
            "is no block",
        ),
        (
            Way::Bent(|page| page["blocks"] = json!(vec!["0x00"; 257])),
            "257 blocks, of 256",
        ),
        (
            Way::Bent(|page| {
                let mut all = blocks(page);
                all.iter_mut().for_each(|block| block.header.number += 1);
                send(page, &all);
            }),
            "was asked for, and the header of block",
        ),
        (
            Way::Bent(|page| {
                let mut all = blocks(page);
                all.iter_mut()
                    .for_each(|block| block.header.parent_hash = B256::ZERO);
                send(page, &all);
            }),
            "and this node made",
        ),
        (
            Way::Bent(|page| {
                let mut all = blocks(page);
                all.iter_mut()
                    .for_each(|block| block.header.state_root = B256::ZERO);
                send(page, &all);
            }),
            "does not hold: stateRoot",
        ),
        (
            Way::Bent(|page| {
                let mut all = blocks(page);
                all.iter_mut()
                    .for_each(|block| block.access_list = vec![0xc0].into());
                send(page, &all);
            }),
            "does not hold: accessList",
        ),
        (
            Way::Bent(|page| {
                let mut all = blocks(page);
                all.iter_mut().for_each(|block| block.header.gas_used += 1);
                send(page, &all);
            }),
            "does not hold: gasUsed",
        ),
    ];
    let mut refused = 0;
    for (way, words) in cases {
        pay(&first_node, 3).await;
        door.set(way);
        // A page that was asked for before may still be under way.
        assert!(
            second_node.says(words).await,
            "{words}:\n{}",
            second_node.said()
        );
        let stands = height(&second_node).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(
            height(&second_node).await,
            stands,
            "it took a block by {words:?}"
        );
        door.set(Way::Open);
        let newest = height(&first_node).await;
        reaches(&second_node, newest).await;
        same_block(&first_node, &second_node, newest).await;
        refused += 1;
    }
    let metrics = reqwest::get(format!("{}/metrics", second_node.url())).await;
    let metrics = metrics.expect("an answer").text().await.expect("text");
    let counted = metrics
        .lines()
        .find_map(|line| line.strip_prefix("capstan_follow_refused_total "));
    let counted: u32 = counted
        .and_then(|count| count.parse().ok())
        .unwrap_or_default();
    assert!(counted >= refused, "{counted} of {refused}");
    // Who sends it elsewhere is no leader.
    door.set(Way::Moved);
    assert!(
        second_node
            .says("it redirects to http://127.0.0.1:1/")
            .await,
        "{}",
        second_node.said()
    );
    door.set(Way::Open);
    let newest = height(&first_node).await;
    reaches(&second_node, newest).await;
    // It never goes back on a block.
    let forks = || second_node.said().matches("and this node made").count();
    let before = forks();
    let rolled = first_node.rpc("anvil_rollback", json!(["0x3"])).await;
    rolled.expect("went back");
    let start = Instant::now();
    while forks() == before {
        assert!(start.elapsed() < PATIENCE, "{}", second_node.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// FOL-4
#[tokio::test]
async fn fol_4_killed_and_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let first_node = leader(&first, "20ms").await;
    let mut told = 0;
    for round in 0..5_u64 {
        let mut second_node = follower(first_node.url(), &second).await;
        assert!(height(&second_node).await >= told, "round {round}");
        pay(&first_node, 10).await;
        reaches(&second_node, told + 5).await;
        told = height(&second_node).await;
        second_node.kill().expect("killed");
    }
    let second_node = follower(first_node.url(), &second).await;
    let newest = height(&first_node).await;
    reaches(&second_node, newest).await;
    for number in (1..=newest).step_by(7) {
        same_block(&first_node, &second_node, number).await;
    }
}

/// FOL-5
#[tokio::test]
async fn fol_5_transactions_reach_the_leader() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let first_node = leader(&first, "50ms").await;
    let door = Door::to(&first_node).await;
    let second_node = follower(&door.url, &second).await;
    reaches(&second_node, 1).await;
    let accounts = first_node
        .rpc("eth_accounts", json!([]))
        .await
        .expect("accounts");
    let busy = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"too busy"}}"#;
    let ways = [
        Way::Open,
        Way::Shut,
        Way::Said("<html>"),
        Way::Said(busy),
        Way::Moved,
    ];
    for (nth, way) in ways.into_iter().enumerate() {
        let tx = json!([{
            "from": accounts[0], "to": accounts[1], "value": "0x7", "gas": "0x5208", "nonce": format!("{nth:#x}"),
        }]);
        let signed = first_node
            .rpc("eth_signTransaction", tx)
            .await
            .expect("signed");
        door.set(way);
        let raw = signed["raw"].clone();
        let hash = second_node
            .rpc("eth_sendRawTransaction", json!([raw]))
            .await
            .expect("taken");
        tokio::time::sleep(Duration::from_millis(300)).await;
        door.set(Way::Open);
        let start = Instant::now();
        loop {
            let receipt = second_node
                .rpc("eth_getTransactionReceipt", json!([hash]))
                .await;
            if receipt.expect("an answer")["status"] == "0x1" {
                break;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{hash} is in no block:\n{}",
                second_node.said()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let theirs = first_node
            .rpc("eth_getTransactionReceipt", json!([hash]))
            .await;
        assert_eq!(theirs.expect("an answer")["status"], "0x1");
    }
}

/// PER-11
#[tokio::test]
async fn per_11_workers_that_are_killed_cost_no_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let token = folder.path().join("token");
    let first_node = leader(&first, "200ms").await;
    let words = [
        "follow",
        "--rpc",
        first_node.url(),
        "--data",
        text(&second),
        "--verify-from-gas",
        "1",
        "--verify-listen",
        "127.0.0.1:0",
        "--verify-token",
        text(&token),
    ];
    let second_node = Node::start(&words).await.expect("a follower");
    assert!(
        second_node.says("waiting for workers").await,
        "{}",
        second_node.said()
    );
    let said = second_node.said();
    let line = said
        .lines()
        .find(|line| line.contains("waiting for workers"))
        .expect("a line");
    let address = line
        .split("address=")
        .nth(1)
        .expect("an address")
        .split_whitespace()
        .next();
    let address = address.expect("an address").to_owned();
    let words = [
        "verify-worker",
        "--connect",
        &address,
        "--token-file",
        text(&token),
    ];
    // Others may read this one.
    let open = folder.path().join("open");
    std::fs::write(&open, "0".repeat(64)).expect("written");
    let refused = run(&[
        "verify-worker",
        "--connect",
        &address,
        "--token-file",
        text(&open),
    ]);
    let refused = refused.expect("run");
    assert!(
        !refused.status.success() && refused.stderr.contains("others may read"),
        "{}",
        refused.stderr
    );
    // And this is another node's.
    let wrong = folder.path().join("wrong");
    capstan_chain::Token::read_or_make(&wrong).expect("made");
    let refused = run(&[
        "verify-worker",
        "--connect",
        &address,
        "--token-file",
        text(&wrong),
    ]);
    let refused = refused.expect("run");
    assert!(
        !refused.status.success() && refused.stderr.contains("does not know this token"),
        "{}",
        refused.stderr
    );
    for round in 0..4 {
        let mut worker = capstan_testing::process::capstan(&words).expect("the program");
        let mut worker = worker.spawn().expect("a worker");
        has_workers(&second_node, 1).await;
        pay(&first_node, 120).await;
        let newest = height(&first_node).await;
        if round % 2 == 0 {
            reaches(&second_node, newest + 1).await;
        }
        worker.kill().expect("killed");
        worker.wait().expect("ended");
        // It is missed whether a block wants it or not.
        has_workers(&second_node, 0).await;
        pay(&first_node, 60).await;
        let newest = height(&first_node).await;
        reaches(&second_node, newest).await;
        same_block(&first_node, &second_node, newest).await;
    }
    assert_eq!(
        metric(&second_node, "capstan_verify_disagreements_total").await,
        0
    );
    assert!(!second_node.said().contains("refused what the leader sent"));
}

async fn has_workers(node: &Node, count: u64) {
    let start = Instant::now();
    while metric(node, "capstan_verify_workers").await != count {
        assert!(start.elapsed() < PATIENCE, "{}", node.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A number of `/metrics`; zero where it was never counted.
async fn metric(node: &Node, name: &str) -> u64 {
    let text = reqwest::get(format!("{}/metrics", node.url()))
        .await
        .expect("an answer");
    let text = text.text().await.expect("text");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|count| count.parse().ok())
        .unwrap_or_default()
}
