//! How the program starts, ends and refuses, as somebody at a terminal sees it.

use std::{fs, time::Duration};

use capstan_testing::process::{Node, capstan, run, text};
use serde_json::json;

/// The promise of the README.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

const FIRST_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const SECOND_ACCOUNT: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

#[tokio::test]
async fn dev_answers_within_a_second_and_says_what_a_person_needs() {
    let mut node = Node::start(&["dev"]).await.expect("started");
    // Other tests share the machine's two cores, so the best of three counts.
    let mut fastest = node.answered_after;
    for _ in 0..2 {
        fastest = fastest.min(Node::start(&["dev"]).await.expect("started").answered_after);
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
    let node = Node::start(&["dev", "--block-time", "50ms"])
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
        &["genesis init"],
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
    let node = Node::start(&["dev"]).await.expect("started");
    let port = node.url().rsplit(':').next().expect("a port");
    let output = capstan(&["dev", "--port", port])
        .expect("built")
        .output()
        .expect("run");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        stderr.contains(port) && stderr.contains("error:"),
        "{stderr}"
    );
}

#[tokio::test]
async fn logs_are_lines_of_json_when_asked() {
    let mut command = capstan(&["--log-format", "json", "dev"]).expect("built");
    let output = command
        .args(["--port", "0"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let mut child = output.spawn().expect("started");
    tokio::time::sleep(Duration::from_millis(800)).await;
    let ended = std::process::Command::new("kill")
        .args(["-s", "TERM", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(ended.success());
    let output = {
        let stderr = child.stderr.take().expect("stderr");
        std::io::read_to_string(stderr).expect("text")
    };
    assert!(child.wait().expect("ended").success());
    assert!(!output.trim().is_empty());
    for line in output.lines() {
        let parsed: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(parsed["level"].is_string(), "{line}");
    }
}
