//! The tools around a data folder: replay, export, import, db.

use std::{fs, path::Path, time::Duration};

use capstan_testing::process::{Node, Said, run, text};
use serde_json::{Value, json};

const FIRST_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

async fn head(node: &Node) -> Value {
    node.rpc("eth_getBlockByNumber", json!(["latest", false]))
        .await
        .expect("an answer")["hash"]
        .clone()
}

/// Makes a chain with transfers and developer overrides, and returns the hash of its newest block.
async fn make_chain(data: &Path) -> Value {
    let mut node = Node::start(&["dev", "--block-time", "instant", "--data", text(data)])
        .await
        .expect("started");
    for round in 0..5 {
        let send = json!([{ "from": FIRST_ACCOUNT, "to": FIRST_ACCOUNT, "value": "0x1" }]);
        node.rpc("eth_sendTransaction", send).await.expect("sent");
        let balance = format!("{:#x}", 1000 + round);
        node.rpc(
            "anvil_setBalance",
            json!(["0x00000000000000000000000000000000000000aa", balance]),
        )
        .await
        .expect("set");
        node.rpc("evm_mine", json!([])).await.expect("mined");
    }
    node.rpc("evm_increaseTime", json!([86_400]))
        .await
        .expect("time");
    node.rpc("evm_mine", json!([])).await.expect("mined");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let hash = head(&node).await;
    assert!(node.signal("TERM").expect("ended").success());
    hash
}

#[track_caller]
fn good(words: &[&str]) -> Said {
    let said = run(words).expect("run");
    assert!(said.status.success(), "{words:?}: {}", said.stderr);
    said
}

#[tokio::test]
async fn a_chain_is_replayed_exported_imported_backed_up_and_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (data, file) = (path("data"), path("blocks"));
    let hash = make_chain(&data).await;
    let hash_text = hash.as_str().expect("a hash");

    let replay = good(&["replay", "--data", text(&data)]);
    assert!(replay.stdout.contains("agrees"), "{replay:?}");
    let verify = good(&["db", "verify", "--data", text(&data)]);
    assert!(verify.stdout.contains(hash_text), "{verify:?}");
    good(&["db", "compact", "--data", text(&data)]);
    assert!(
        good(&["db", "verify", "--data", text(&data)])
            .stdout
            .contains(hash_text)
    );

    good(&["export", "--data", text(&data), "--out", text(&file)]);
    let twice = run(&["export", "--data", text(&data), "--out", text(&file)]).expect("run");
    assert!(!twice.status.success(), "an existing file was overwritten");
    let copy = path("copy");
    let genesis = data.join("genesis.json");
    let imported = good(&[
        "import",
        "--data",
        text(&copy),
        "--genesis",
        text(&genesis),
        text(&file),
    ]);
    assert!(imported.stdout.contains("appended"), "{imported:?}");
    assert!(
        good(&["db", "verify", "--data", text(&copy)])
            .stdout
            .contains(hash_text)
    );
    let again = good(&["import", "--data", text(&copy), text(&file)]);
    assert!(again.stdout.contains("appended 0 blocks"), "{again:?}");

    // Into another chain it does not go.
    let other = path("other.json");
    good(&["genesis", "init", "--out", text(&other)]);
    let refused = run(&[
        "import",
        "--data",
        text(&path("other")),
        "--genesis",
        text(&other),
        text(&file),
    ])
    .expect("run");
    assert!(
        !refused.status.success() && refused.stderr.contains("genesis block"),
        "{refused:?}"
    );

    let backup = path("backup");
    good(&["db", "backup", "--data", text(&data), "--to", text(&backup)]);
    let restored = path("restored");
    good(&[
        "db",
        "restore",
        "--data",
        text(&restored),
        "--from",
        text(&backup),
    ]);
    let node = Node::start(&["dev", "--block-time", "instant", "--data", text(&restored)])
        .await
        .expect("started");
    assert_eq!(head(&node).await, hash);
    drop(node);

    // A damaged backup is noticed by its manifest.
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(backup.join("manifest.json")).expect("read"))
            .expect("JSON");
    let (name, _) = manifest["files"]
        .as_object()
        .expect("files")
        .iter()
        .next_back()
        .expect("a file");
    let damaged = backup.join(name);
    let mut bytes = fs::read(&damaged).expect("read");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&damaged, bytes).expect("written");
    let refused = run(&[
        "db",
        "restore",
        "--data",
        text(&path("again")),
        "--from",
        text(&backup),
    ])
    .expect("run");
    assert!(
        !refused.status.success() && refused.stderr.contains(name.as_str()),
        "{refused:?}"
    );
}
