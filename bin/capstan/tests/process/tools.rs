//! The tools around a data folder: replay, export, import, db.

use std::{fs, path::Path, time::Duration};

use capstan_testing::process::{Node, Said, run, text};
use serde_json::{Value, json};

use crate::said::json_of;

const FIRST_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

async fn head(node: &Node) -> Value {
    node.rpc("eth_getBlockByNumber", json!(["latest", false]))
        .await
        .expect("an answer")["hash"]
        .clone()
}

/// Makes a chain with transfers and developer overrides, and returns the hash of its newest block.
async fn make_chain(data: &Path) -> Value {
    let mut node = Node::start(&[
        "dev",
        "--empty",
        "--block-time",
        "instant",
        "--data",
        text(data),
    ])
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

    let scratch = path("scratch");
    std::fs::create_dir(&scratch).expect("made");
    let replayed = |data: &Path| {
        let said = good(&["replay", "--data", text(data), "--scratch", text(&scratch)]);
        assert!(
            said.stdout.contains("agrees") && said.stdout.contains(hash_text),
            "{said:?}"
        );
    };
    replayed(&data);
    let verify = good(&["db", "verify", "--data", text(&data)]);
    assert!(verify.stdout.contains("state root"), "{verify:?}");
    let verified = json_of(&good(&["db", "verify", "--data", text(&data), "--json"]));
    let root = verified["stateRoot"].as_str().expect("a root");
    assert!(verify.stdout.contains(root), "{verified}");
    let compact = good(&["db", "compact", "--data", text(&data)]);
    assert!(compact.stdout.contains("bytes before"), "{compact:?}");
    let compacted = json_of(&good(&["db", "compact", "--data", text(&data), "--json"]));
    assert!(compacted["bytesAfter"].is_u64(), "{compacted}");
    replayed(&data);

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
    assert!(
        imported.stdout.contains("appended") && imported.stdout.contains(hash_text),
        "{imported:?}"
    );
    replayed(&copy);
    let again = json_of(&good(&[
        "import",
        "--data",
        text(&copy),
        text(&file),
        "--json",
    ]));
    assert_eq!(
        (again["added"].as_u64(), again["blockHash"].as_str()),
        (Some(0), Some(hash_text))
    );
    let again = good(&["import", "--data", text(&copy), text(&file)]);
    assert!(again.stdout.contains("appended 0 blocks"), "{again:?}");

    // Into another chain it does not go, and neither does a file that was cut.
    let other = path("other.json");
    good(&["genesis", "init", "--out", text(&other)]);
    let other_data = path("other");
    let words = [
        "import",
        "--data",
        text(&other_data),
        "--genesis",
        text(&other),
        text(&file),
    ];
    let refused = run(&words).expect("run");
    assert!(
        !refused.status.success() && refused.stderr.contains("genesis"),
        "{refused:?}"
    );
    let cut = path("cut");
    let bytes = fs::read(&file).expect("read");
    fs::write(&cut, &bytes[..bytes.len() - 1]).expect("written");
    let third_data = path("third");
    let words = [
        "import",
        "--data",
        text(&third_data),
        "--genesis",
        text(&genesis),
        text(&cut),
    ];
    let refused = run(&words).expect("run");
    assert!(
        !refused.status.success() && refused.stderr.contains("cut short"),
        "{refused:?}"
    );

    let backup = path("backup");
    let kept = [
        "db",
        "backup",
        "--data",
        text(&data),
        "--to",
        text(&backup),
        "--json",
    ];
    assert_eq!(json_of(&good(&kept))["path"], text(&backup));
    let restored = path("restored");
    good(&[
        "db",
        "restore",
        "--data",
        text(&restored),
        "--from",
        text(&backup),
    ]);
    replayed(&restored);
    let twice = run(&[
        "db",
        "restore",
        "--data",
        text(&restored),
        "--from",
        text(&backup),
    ])
    .expect("run");
    assert!(
        !twice.status.success(),
        "a folder with a chain was overwritten"
    );
    let node = Node::start(&[
        "dev",
        "--empty",
        "--block-time",
        "instant",
        "--data",
        text(&restored),
    ])
    .await
    .expect("started");
    assert_eq!(head(&node).await, hash);
    drop(node);

    // A damaged backup is noticed, and nothing is left where a node could start on it.
    damage(&backup.join("blocks"));
    let target = path("again");
    let refused = run(&[
        "db",
        "restore",
        "--data",
        text(&target),
        "--from",
        text(&backup),
    ])
    .expect("run");
    assert!(!refused.status.success(), "{refused:?}");
    assert!(!target.exists());
}

/// Changes one byte in the middle of the largest file.
fn damage(folder: &Path) {
    let files = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path());
    let size = |path: &std::path::PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    let largest = files.max_by_key(size).expect("a file");
    let mut bytes = fs::read(&largest).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&largest, bytes).expect("written");
}
