//! How the program starts, ends and refuses, as somebody at a terminal sees it.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    time::{Duration, Instant},
};

use capstan_testing::process::{Node, capstan, run, text};
use serde_json::json;

/// The promise of the README.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

const FIRST_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const SECOND_ACCOUNT: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

#[tokio::test]
async fn dev_answers_within_a_second_and_says_what_a_person_needs() {
    let mut node = Node::start(&["dev", "--empty"]).await.expect("started");
    // Other tests share the machine's two cores, so the best of three counts.
    let mut fastest = node.answered_after;
    for _ in 0..2 {
        fastest = fastest.min(
            Node::start(&["dev", "--empty"])
                .await
                .expect("started")
                .answered_after,
        );
    }
    assert!(
        fastest < ANSWER_WITHIN,
        "the first answer came after {fastest:?}"
    );
    assert_eq!(
        node.rpc("eth_chainId", json!([])).await.expect("answer"),
        json!("0x7a69")
    );
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("answer");
    assert_eq!(accounts.as_array().map(Vec::len), Some(20));
    let balance = node
        .quantity("eth_getBalance", json!([FIRST_ACCOUNT, "latest"]))
        .await
        .expect("answer");
    assert_eq!(balance, 10_000 * 10_u128.pow(18));

    let status = node.signal("TERM").expect("ended");
    assert_eq!(status.code(), Some(0), "{}", node.said());
    let said = node.said();
    for needed in [
        FIRST_ACCOUNT,
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        "test test test test test test test test test test test junk",
        "WARNING: everybody knows these keys",
        "31337",
        "0xcA11bde05977b3631167028862bE2a173976CA11",
        node.url(),
        "Stop with Ctrl-C",
    ] {
        assert!(said.contains(needed), "the banner lacks {needed}:\n{said}");
    }
}

#[tokio::test]
async fn flags_of_dev_do_what_they_say() {
    let words = [
        "dev",
        "--empty",
        "--accounts",
        "3",
        "--seed",
        "7",
        "--chain-id",
        "99",
        "--balance",
        "5",
        "--block-time",
        "instant",
    ];
    let node = Node::start(&words).await.expect("started");
    assert_eq!(
        node.rpc("eth_chainId", json!([])).await.expect("answer"),
        json!("0x63")
    );
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("answer");
    let accounts = accounts.as_array().expect("a list");
    assert_eq!(accounts.len(), 3);
    assert!(
        !accounts.contains(&json!(FIRST_ACCOUNT.to_lowercase())),
        "another seed gives other accounts"
    );
    for account in accounts {
        let balance = node
            .quantity("eth_getBalance", json!([account, "latest"]))
            .await
            .expect("answer");
        assert_eq!(balance, 5 * 10_u128.pow(18));
    }
    // On demand means: nothing happens without a transaction, and one block with one.
    let before = node
        .quantity("eth_blockNumber", json!([]))
        .await
        .expect("answer");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        node.quantity("eth_blockNumber", json!([]))
            .await
            .expect("answer"),
        before
    );
    let send = json!([{ "from": accounts[0], "to": accounts[1], "value": "0x1" }]);
    let hash = node.rpc("eth_sendTransaction", send).await.expect("sent");
    wait_for_receipt(&node, &hash).await;
    assert_eq!(
        node.quantity("eth_blockNumber", json!([]))
            .await
            .expect("answer"),
        before + 1
    );
}

async fn wait_for_receipt(node: &Node, hash: &serde_json::Value) -> serde_json::Value {
    for _ in 0..500 {
        let receipt = node
            .rpc("eth_getTransactionReceipt", json!([hash]))
            .await
            .expect("answer");
        if !receipt.is_null() {
            return receipt;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{hash} is not mined:\n{}", node.said());
}

#[tokio::test]
async fn blocks_come_at_the_pace_asked_for() {
    let node = Node::start(&["dev", "--empty", "--block-time", "50ms"])
        .await
        .expect("started");
    let before = node
        .quantity("eth_blockNumber", json!([]))
        .await
        .expect("answer");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let made = node
        .quantity("eth_blockNumber", json!([]))
        .await
        .expect("answer")
        - before;
    // A busy machine may be late, but never early.
    assert!(
        (10..=42).contains(&made),
        "{made} blocks in two seconds at 50 ms"
    );
}

#[tokio::test]
async fn a_data_folder_is_kept_over_a_clean_stop_and_belongs_to_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = [
        "dev",
        "--empty",
        "--block-time",
        "instant",
        "--data",
        text(folder.path()),
    ];
    let mut node = Node::start(&words).await.expect("started");
    let send = json!([{ "from": FIRST_ACCOUNT, "to": SECOND_ACCOUNT, "value": "0x5" }]);
    let hash = node.rpc("eth_sendTransaction", send).await.expect("sent");
    let receipt = wait_for_receipt(&node, &hash).await;

    let second = Node::start(&words)
        .await
        .expect_err("the folder is in use")
        .to_string();
    assert!(
        second.contains("error:") && second.contains(text(folder.path())),
        "{second}"
    );
    assert!(
        second.contains("another process") || second.contains("in use") || second.contains("lock"),
        "{second}"
    );

    assert_eq!(
        node.signal("INT").expect("ended").code(),
        Some(0),
        "{}",
        node.said()
    );
    let node = Node::start(&words).await.expect("started again");
    assert_eq!(
        wait_for_receipt(&node, &hash).await["blockHash"],
        receipt["blockHash"]
    );
}

#[tokio::test]
async fn a_node_without_toys_follows_its_genesis_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let genesis = folder.path().join("genesis.json");
    let data = folder.path().join("data");
    let fund = format!("{FIRST_ACCOUNT}=1000000000000000000");
    let made = run(&[
        "genesis",
        "init",
        "--out",
        text(&genesis),
        "--chain-id",
        "77",
        "--fund",
        &fund,
    ])
    .expect("run");
    assert!(made.status.success(), "{made:?}");
    let words = ["node", "--genesis", text(&genesis), "--data", text(&data)];
    let mut node = Node::start(&words).await.expect("started");
    assert_eq!(
        node.rpc("eth_chainId", json!([])).await.expect("answer"),
        json!("0x4d")
    );
    let balance = node
        .quantity("eth_getBalance", json!([FIRST_ACCOUNT, "latest"]))
        .await
        .expect("answer");
    assert_eq!(balance, 10_u128.pow(18));
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("answer");
    assert_eq!(accounts, json!([]));
    for toy in [
        "evm_mine",
        "anvil_setBalance",
        "hardhat_impersonateAccount",
        "evm_snapshot",
    ] {
        assert!(node.rpc(toy, json!([])).await.is_err(), "{toy} on a node");
    }
    assert_eq!(
        node.signal("TERM").expect("ended").code(),
        Some(0),
        "{}",
        node.said()
    );

    // Another chain in the same folder is refused, with both named.
    let other = folder.path().join("other.json");
    let made = run(&["genesis", "init", "--out", text(&other), "--chain-id", "78"]).expect("run");
    assert!(made.status.success(), "{made:?}");
    let refused = Node::start(&["node", "--genesis", text(&other), "--data", text(&data)])
        .await
        .expect_err("another chain");
    assert!(refused.to_string().contains("another folder"), "{refused}");
}

#[test]
fn genesis_init_writes_what_node_reads_and_never_overwrites_by_accident() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("genesis.json");
    let words = ["genesis", "init", "--dev", "--out", text(&path)];
    assert!(run(&words).expect("run").status.success());
    let first = fs::read_to_string(&path).expect("written");
    assert!(first.contains(&FIRST_ACCOUNT.to_lowercase()), "{first}");
    let again = run(&words).expect("run");
    assert!(
        !again.status.success() && again.stderr.contains("--force"),
        "{again:?}"
    );
    let forced = run(&["genesis", "init", "--dev", "--force", "--out", text(&path)]).expect("run");
    assert!(forced.status.success());
    assert_eq!(fs::read_to_string(&path).expect("written"), first);
    let bare = folder.path().join("bare.json");
    let told = run(&[
        "genesis",
        "init",
        "--chain-id",
        "77",
        "--out",
        text(&bare),
        "--json",
    ]);
    let told = crate::said::json_of(&told.expect("run"));
    assert_eq!(
        (told["chainId"].as_u64(), told["path"].as_str()),
        (Some(77), Some(text(&bare)))
    );
    assert_eq!(told["notes"].as_array().map(Vec::len), Some(2), "{told}");
    assert_eq!(
        run(&["genesis", "init", "--dev"]).expect("run").stdout,
        first
    );
}

/// Every refusal is one line that says what is wrong and what to do.
#[track_caller]
fn check_refusal(words: &[&str], expected: &[&str]) {
    let said = run(words).expect("run");
    assert!(!said.status.success(), "{words:?} was accepted");
    let errors: Vec<&str> = said
        .stderr
        .lines()
        .filter(|line| line.starts_with("error:"))
        .collect();
    assert_eq!(errors.len(), 1, "{words:?}: {}", said.stderr);
    for needed in expected {
        assert!(
            errors[0].contains(needed),
            "{words:?} lacks `{needed}`: {}",
            errors[0]
        );
    }
    assert!(
        !said.stderr.contains("panicked") && !said.stderr.contains("backtrace"),
        "{}",
        said.stderr
    );
}

#[test]
fn refusals_say_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad_json = folder.path().join("bad.json");
    fs::write(&bad_json, "{").expect("written");
    let bad_field = folder.path().join("field.json");
    let mut genesis: serde_json::Value =
        serde_json::from_str(&run(&["genesis", "init", "--dev"]).expect("run").stdout)
            .expect("JSON");
    genesis["chainId"] = json!(0);
    fs::write(&bad_field, genesis.to_string()).expect("written");
    let empty = text(folder.path());
    let nowhere = folder.path().join("nowhere");

    check_refusal(
        &["node", "--genesis", text(&nowhere), "--data", empty],
        &[text(&nowhere)],
    );
    check_refusal(
        &["node", "--genesis", text(&bad_json), "--data", empty],
        &["genesis init", text(&bad_json)],
    );
    check_refusal(
        &["genesis", "init", "--out", text(&nowhere.join("g.json"))],
        &["its folder does not exist"],
    );
    check_refusal(
        &["node", "--genesis", text(&bad_field), "--data", empty],
        &["chainId", "at least 1"],
    );
    check_refusal(&["replay", "--data", empty], &["holds no chain", "--data"]);
    check_refusal(
        &["export", "--data", empty, "--out", text(&nowhere)],
        &["holds no chain"],
    );
    check_refusal(
        &["import", "--data", empty, text(&bad_json)],
        &["--genesis"],
    );
    check_refusal(
        &["db", "restore", "--data", text(&nowhere), "--from", empty],
        &["is no backup"],
    );
    check_refusal(&["statetest", text(&nowhere)], &["does not exist"]);
    // The folder holds JSON that is no fixture: named as a failure, not passed over.
    check_refusal(&["statetest", empty], &["their names are above"]);
    let bare = tempfile::tempdir().expect("a folder");
    check_refusal(
        &["statetest", text(bare.path())],
        &["no state test was run"],
    );
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let node = Node::start(&["dev", "--empty"]).await.expect("started");
    let port = node.url().rsplit(':').next().expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("chain");
    let output = capstan(&["dev", "--empty", "--port", port, "--data", text(&data)])
        .expect("built")
        .output()
        .expect("run");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        stderr.contains(port) && stderr.contains("error:"),
        "{stderr}"
    );
    assert!(!data.exists(), "a folder was made for nothing");
}

#[tokio::test]
async fn an_operator_reads_start_blocks_and_stop_in_the_log() {
    let words = [
        "--log-format",
        "json",
        "dev",
        "--empty",
        "--block-time",
        "50ms",
    ];
    let mut node = Node::start(&words).await.expect("started");
    let send = json!([{ "from": FIRST_ACCOUNT, "to": SECOND_ACCOUNT, "value": "0x5" }]);
    let hash = node.rpc("eth_sendTransaction", send).await.expect("sent");
    wait_for_receipt(&node, &hash).await;
    // The line that sums up comes within a second.
    for _ in 0..500 {
        if node.said().contains("blocks made") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(node.signal("TERM").expect("ended").code(), Some(0));
    let said = node.said();
    let lines: Vec<serde_json::Value> = said
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let find = |words: &str| {
        let says = |line: &&serde_json::Value| {
            let message = line["fields"]["message"].as_str();
            message.is_some_and(|message| message.contains(words))
        };
        let found = lines.iter().find(says);
        found.unwrap_or_else(|| panic!("no line says {words}:\n{said}"))
    };
    assert!(find("ready after")["fields"]["address"].is_string());
    let sent = &find("transaction")["fields"];
    assert_eq!(sent["hash"], hash, "{sent}");
    assert_eq!(sent["gas_used"], json!(21_000), "{sent}");
    let made = &find("blocks made")["fields"];
    assert_eq!(made["transactions"], json!(1), "{made}");
    assert_eq!(made["gas_used"], json!(21_000), "{made}");
    find("SIGTERM: stopping");
    find("stopped");
    for line in &lines {
        assert_eq!(line["level"], json!("INFO"), "{line}");
    }
    assert!(lines.len() < 8, "too chatty:\n{said}");
}

/// Somebody who develops sees who called what, and why it failed.
#[tokio::test]
async fn a_development_chain_tells_why_a_transaction_failed() {
    // transfer(0x..aa, 2^200): more than there is.
    let ether = "0xca957a0000000000000000000003000000000000";
    let input = format!("0xa9059cbb{:064x}{}{:050x}", 0xaa, "00000000000001", 0);
    let words = [
        "--log-format",
        "json",
        "dev",
        "--bots",
        "0",
        "--block-time",
        "50ms",
    ];
    let node = Node::start(&words).await.expect("started");
    let send = json!([{ "from": FIRST_ACCOUNT, "to": ether, "gas": "0x186a0", "input": input }]);
    let hash = node.rpc("eth_sendTransaction", send).await.expect("sent");
    assert_eq!(wait_for_receipt(&node, &hash).await["status"], json!("0x0"));
    let told = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        (line["fields"]["message"] == "transaction failed").then(|| line["fields"].clone())
    };
    let mut found = None;
    for _ in 0..500 {
        found = node.said().lines().find_map(told);
        if found.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let found = found.unwrap_or_else(|| panic!("nothing is told:\n{}", node.said()));
    assert_eq!(found["hash"], hash, "{found}");
    assert_eq!(found["call"], json!("ether.transfer"), "{found}");
    let reason = found["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("ERC20InsufficientBalance"), "{found}");
}

/// Words of one's own, and the folder's own genesis.
#[tokio::test]
async fn words_and_folders_of_ones_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let node = Node::start(&["dev", "--mnemonic", words, "--client-version", "mine/1"])
        .await
        .expect("started");
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("answer");
    assert_eq!(
        accounts[0],
        json!("0x58a57ed9d8d624cbd12e2c467d34787555bb1b25"),
        "m/44'/60'/0'/0/0 of these words"
    );
    let name = node.rpc("web3_clientVersion", json!([])).await;
    assert_eq!(name.expect("answer"), json!("mine/1"));
    assert!(node.says("Stop with Ctrl-C").await, "{}", node.said());
    assert!(!node.said().contains("everybody knows these keys"));

    let (genesis, data) = (folder.path().join("g.json"), folder.path().join("data"));
    check_refusal(
        &["node", "--port", "0", "--data", text(&data)],
        &["holds no chain yet", "--genesis FILE"],
    );
    let init = run(&["genesis", "init", "--out", text(&genesis)]).expect("run");
    assert!(init.stdout.contains("--owner"), "{init:?}");
    let words = ["node", "--genesis", text(&genesis), "--data", text(&data)];
    let mut node = Node::start(&words).await.expect("started");
    assert!(node.signal("TERM").expect("ended").success());
    fs::remove_file(&genesis).expect("removed");
    let again = Node::start(&["node", "--data", text(&data)])
        .await
        .expect("started");
    assert!(again.says("Admin      nobody").await, "{}", again.said());
}

/// What an operator's tools expect of a stop: soon, whoever is connected.
#[tokio::test]
async fn a_stop_does_not_wait_for_those_who_are_connected() {
    const STOP_WITHIN: Duration = Duration::from_secs(2);
    let mut fastest = Duration::MAX;
    // Other tests share the machine's two cores, so the best of three counts.
    for signal in ["TERM", "INT", "TERM"] {
        let mut node = Node::start(&["dev", "--empty"]).await.expect("started");
        let address = node.url().trim_start_matches("http://").to_owned();
        let connections = [
            // Idle, in the middle of a request, and a WebSocket.
            "".to_owned(),
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{".to_owned(),
            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                .to_owned(),
        ]
        .map(|words| {
            let mut stream = TcpStream::connect(&address).expect("connected");
            stream.write_all(words.as_bytes()).expect("sent");
            stream
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = Instant::now();
        assert_eq!(
            node.signal(signal).expect("ended").code(),
            Some(0),
            "{}",
            node.said()
        );
        fastest = fastest.min(asked.elapsed());
        drop(connections);
    }
    assert!(fastest < STOP_WITHIN, "the stop took {fastest:?}");
}

/// A folder holds one chain: words that ask for another are refused, and without them the folder's own count.
#[tokio::test]
async fn a_development_folder_keeps_what_it_was_made_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = text(&data);
    let made = [
        "dev",
        "--empty",
        "--data",
        data,
        "--seed",
        "5",
        "--accounts",
        "3",
        "--balance",
        "7",
        "--chain-id",
        "9",
    ];
    let mut node = Node::start(&made).await.expect("started");
    assert!(node.signal("TERM").expect("ended").success());
    let again: [(&[&str], &str); 5] = [
        (&["--chain-id", "10", "--seed", "5"], "the chain with id 9"),
        (&["--balance", "8", "--seed", "5"], "leave --balance out"),
        (&["--seed", "6"], "no account of seed 6"),
        (&[], "no account of seed 0"),
        (&["--seed", "5", "--chain-id", "9", "--balance", "7"], ""),
    ];
    for (more, refusal) in again {
        let words = [&["dev", "--empty", "--port", "0", "--data", data], more].concat();
        if !refusal.is_empty() {
            check_refusal(&words, &[refusal, data]);
            continue;
        }
        let node = Node::start(&[&["dev", "--empty", "--data", data], more].concat())
            .await
            .expect("started");
        let accounts = node.rpc("eth_accounts", json!([])).await.expect("answer");
        assert_eq!(
            accounts.as_array().map(Vec::len),
            Some(3),
            "the three that it was made with"
        );
        let id = node.rpc("eth_chainId", json!([])).await.expect("answer");
        assert_eq!(id, json!("0x9"));
        assert!(node.says("Accounts, 7 ETH each").await, "{}", node.said());
    }

    let genesis = folder.path().join("genesis.json");
    let plain = folder.path().join("plain");
    let init = run(&["genesis", "init", "--out", text(&genesis)]).expect("run");
    assert!(init.status.success(), "{init:?}");
    let words = ["node", "--genesis", text(&genesis), "--data", text(&plain)];
    let mut node = Node::start(&words).await.expect("started");
    assert!(node.signal("TERM").expect("ended").success());
    check_refusal(
        &["dev", "--empty", "--port", "0", "--data", text(&plain)],
        &["holds a chain of `capstan node`", "capstan node --data"],
    );
}

/// Hardhat's network helpers and others look at the name before they use developer methods.
#[tokio::test]
async fn a_development_chain_has_a_name_that_tools_know() {
    let node = Node::start(&["dev", "--empty"]).await.expect("started");
    let name = node
        .rpc("web3_clientVersion", json!([]))
        .await
        .expect("answer");
    let name = name.as_str().expect("a text");
    assert!(
        name.starts_with("anvil/") && name.contains("Capstan-v"),
        "{name}"
    );
}

/// A stop finishes the block in progress, however long that takes. Who does not want to wait asks a second time; one
/// wish that arrives twice, as a terminal and a parent process send it, is not a second one.
#[tokio::test]
async fn a_second_signal_ends_a_slow_stop_at_once() {
    // Init code that hashes 64 KiB again and again until its gas is gone.
    const HASH_FOREVER: &str = "0x5b620100005f20505f56";
    const AT_ONCE: Duration = Duration::from_secs(2);
    let folder = tempfile::tempdir().expect("a folder");
    let (small, data) = (folder.path().join("small"), folder.path().join("data"));
    let mut node = Node::start(&["dev", "--empty", "--data", text(&small)])
        .await
        .expect("started");
    assert_eq!(node.signal("TERM").expect("ended").code(), Some(0));
    // The genesis of `dev`, with room for many seconds of work in one block.
    let genesis = fs::read_to_string(small.join("genesis.json")).expect("a genesis");
    let mut genesis: serde_json::Value = serde_json::from_str(&genesis).expect("JSON");
    genesis["userGasLimit"] = json!(3_000_000_000_u64);
    fs::create_dir_all(&data).expect("a folder");
    fs::write(data.join("genesis.json"), genesis.to_string()).expect("written");

    let words = [
        "dev",
        "--empty",
        "--block-time",
        "instant",
        "--data",
        text(&data),
    ];
    let mut node = Node::start(&words).await.expect("started");
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("answer");
    for account in accounts
        .as_array()
        .expect("a list")
        .iter()
        .cycle()
        .take(160)
    {
        let send = json!([{ "from": account, "data": HASH_FOREVER, "gas": "0xf42400" }]);
        node.rpc("eth_sendTransaction", send).await.expect("sent");
    }
    let reported = node
        .rpc("eth_getBlockByNumber", json!(["latest", false]))
        .await
        .expect("answer");
    node.tell("TERM").expect("told");
    node.tell("INT").expect("told");
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(
        node.is_running().expect("asked"),
        "the stop did not wait for the block in progress:\n{}",
        node.said()
    );
    let asked = Instant::now();
    let status = node.signal("TERM").expect("ended");
    assert_eq!(status.code(), Some(130), "{}", node.said());
    assert!(asked.elapsed() < AT_ONCE, "it took {:?}", asked.elapsed());
    assert!(node.said().contains("stopped by force"), "{}", node.said());

    let node = Node::start(&words).await.expect("started again");
    let kept = node
        .rpc("eth_getBlockByHash", json!([reported["hash"], false]))
        .await
        .expect("answer");
    assert_eq!(kept, reported, "a reported block is lost");
}

#[tokio::test]
async fn health_and_metrics_are_beside_the_rpc() {
    let node = Node::start(&["dev", "--empty", "--block-time", "50ms"])
        .await
        .expect("started");
    let get = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", node.url())).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("text")
    };
    let health: serde_json::Value = serde_json::from_str(&get("/health").await).expect("JSON");
    assert_eq!(health["status"], json!("ok"), "{health}");
    // There is a count of blocks from the first one on.
    let mut metrics = String::new();
    for _ in 0..200 {
        metrics = get("/metrics").await;
        if metrics.contains("capstan_blocks_total") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{metrics}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "here is a file already").expect("written");
    let below = file.join("data");
    check_refusal(
        &["dev", "--empty", "--port", "0", "--data", text(&file)],
        &[text(&file)],
    );
    check_refusal(
        &["dev", "--empty", "--port", "0", "--data", text(&below)],
        &[text(&file)],
    );
    // Where nobody may write, root or not.
    check_refusal(
        &["dev", "--empty", "--port", "0", "--data", "/proc/capstan"],
        &["/proc/capstan"],
    );
}

/// A genesis file with one thing changed is refused, and the refusal names it.
#[test]
fn hostile_genesis_files_are_refused_by_field() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("genesis.json");
    let good: serde_json::Value =
        serde_json::from_str(&run(&["genesis", "init", "--dev"]).expect("run").stdout)
            .expect("JSON");
    let data = folder.path().join("data");
    let check = |field: &str, value: serde_json::Value, expected: &str| {
        let mut genesis = good.clone();
        match field.rsplit_once('/') {
            Some((parent, name)) => {
                let parent = genesis.pointer_mut(parent).expect("a field");
                parent[name] = value;
            }
            None => genesis[field] = value,
        }
        fs::write(&path, genesis.to_string()).expect("written");
        check_refusal(
            &[
                "node",
                "--port",
                "0",
                "--genesis",
                text(&path),
                "--data",
                text(&data),
            ],
            &[expected],
        );
        assert!(!data.exists(), "{field}: a folder was made for no chain");
    };
    let native = "0xca957a0000000000000000000001000000000000";
    // The reader of JSON knows no fields; it shows the place.
    check("chainId", json!(-1), "chainId\":-1");
    check("chainID", json!(1), "chainID");
    check("paceMs", json!(0), "paceMs");
    check("paceMs", json!(u64::MAX), "paceMs");
    check("userGasLimit", json!(u64::MAX), "userGasLimit");
    check("/baseFee/denominator", json!(0), "baseFee.denominator");
    check("/baseFee/floorWei", json!(u64::MAX), "initialBaseFeeWei");
    check("forks", json!([]), "forks");
    check("forks", json!([{ "from": 5, "fork": "osaka" }]), "forks");
    check(
        "forks",
        json!([{ "from": 0, "fork": "frontier" }]),
        "frontier",
    );
    check(
        "versions",
        json!([{ "from": 0, "version": 1 }, { "from": 0, "version": 2 }]),
        "versions",
    );
    check(
        &format!("/alloc/{FIRST_ACCOUNT}"),
        json!({ "balance": "lots" }),
        "lots",
    );
    check(
        &format!("/alloc/{native}"),
        json!({ "balance": "0x1" }),
        "belongs to the chain",
    );
    check(
        &format!("/alloc/{SECOND_ACCOUNT}"),
        json!({ "balance": "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" }),
        "2^128",
    );
    check(
        &format!("/alloc/{SECOND_ACCOUNT}"),
        json!({ "balance": "0x1", "code": "0xef00" }),
        "EIP-3541",
    );
}

#[test]
fn shells_and_manuals_know_every_command() {
    let help = run(&["--help"]).expect("run").stdout;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .map_while(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !matches!(*name, "" | "help"))
        .collect();
    assert!(
        commands.contains(&"dev") && commands.contains(&"db"),
        "{help}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let made = run(&["man", "--out", text(folder.path())]).expect("run");
    assert!(made.status.success(), "{made:?}");
    let script = run(&["completions", "bash"]).expect("run").stdout;
    for command in commands {
        assert!(script.contains(command), "bash does not know {command}");
        let page = folder.path().join(format!("capstan-{command}.1"));
        assert!(page.exists(), "no page of {command}");
    }
}

/// EXEC-33: what Solidity says to `console.log` is shown at the terminal, by transactions and by calls.
#[tokio::test]
async fn dev_shows_console_log() {
    const CONSOLE: &str = "0x000000000000000000636F6e736F6c652e6c6f67";
    // log(string), as an ABI has it.
    let message = |text: &str| {
        let length = text.len();
        let text: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("0x41304fac{:064x}{length:064x}{text:0<64}", 32)
    };
    let words = ["dev", "--empty", "--block-time", "instant"];
    let node = Node::start(&words).await.expect("started");
    let request = |text: &str| json!({"from": FIRST_ACCOUNT, "to": CONSOLE, "data": message(text)});
    let sent = json!([request("said by a transaction")]);
    let hash = node.rpc("eth_sendTransaction", sent).await.expect("sent");
    wait_for_receipt(&node, &hash).await;
    let called = json!([request("said by a call"), "latest"]);
    node.rpc("eth_call", called).await.expect("answers");
    let estimated = json!([request("said by an estimate")]);
    node.rpc("eth_estimateGas", estimated)
        .await
        .expect("answers");
    let begun = Instant::now();
    let is_shown = |what: &str| node.said().contains(what);
    while !(is_shown("said by a transaction") && is_shown("said by a call")) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", node.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        !is_shown("said by an estimate"),
        "it is said again when it is sent"
    );
}
