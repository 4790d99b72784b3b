//! A full disk, and files that are not what they should be: a clean stop, clear words, nothing lost.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use capstan_testing::process::{Node, binary, run, text};
use serde_json::json;

const FIRST_ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

/// Files may grow to this many kilobytes; then writes fail as they do on a full disk.
const FILE_LIMIT_KB: u32 = 3_000;

#[tokio::test]
async fn a_full_disk_ends_the_node_in_words_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    // Makes the files, so that the limit is met by their growth.
    let words = ["dev", "--block-time", "20ms", "--data", text(&data)];
    let mut node = Node::start(&words).await.expect("started");
    assert!(node.signal("TERM").expect("ended").success());

    // With the signal ignored, a write beyond the limit fails with an error, as on a full disk.
    let mut limited = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -f {FILE_LIMIT_KB}; exec \"$0\" \"$@\"");
    limited
        .args(["-c", &script])
        .arg(binary().expect("built"))
        .args(words);
    let mut node = Node::start_with(limited)
        .await
        .expect("started under a limit");
    let mut reported = Vec::new();
    let mut nonce = 0_u32;
    // Each transaction carries 100 kB, so the limit comes soon; the bound is against a limit that does nothing.
    let payload = format!("0x{}", "ff".repeat(100_000));
    for _ in 0..2_000 {
        let send = json!([{ "from": FIRST_ACCOUNT, "to": FIRST_ACCOUNT, "data": payload, "gas": "0x500000" }]);
        let Ok(_) = node.rpc("eth_sendTransaction", send).await else {
            break;
        };
        nonce += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        let Ok(block) = node
            .rpc("eth_getBlockByNumber", json!(["latest", false]))
            .await
        else {
            break;
        };
        reported.push((block["number"].clone(), block["hash"].clone()));
    }
    let status = node.wait().expect("the node ends by itself");
    let said = node.said();
    assert!(nonce > 5, "the limit came before the load:\n{said}");
    assert_eq!(
        status.code(),
        Some(1),
        "a stop in order, not by a signal or a panic:\n{said}"
    );
    let error = said
        .lines()
        .find(|line| line.starts_with("error:"))
        .unwrap_or_else(|| panic!("no words:\n{said}"));
    assert!(
        error.contains(text(&data)) || error.contains("blocks") || error.contains("redb"),
        "which file? {error}"
    );
    assert!(
        !said.contains("panicked") && !said.contains("internal error"),
        "{said}"
    );

    let node = Node::start(&words).await.expect("started with space again");
    for (number, hash) in reported {
        let block = node
            .rpc("eth_getBlockByNumber", json!([number, false]))
            .await
            .expect("an answer");
        assert_eq!(
            block["hash"], hash,
            "block {number} was reported before the disk was full"
        );
    }
}

/// A folder with a stopped chain of some blocks.
async fn a_chain(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    let mut node = Node::start(&["dev", "--block-time", "20ms", "--data", text(&data)])
        .await
        .expect("started");
    for _ in 0..10 {
        let send = json!([{ "from": FIRST_ACCOUNT, "to": FIRST_ACCOUNT, "value": "0x1" }]);
        node.rpc("eth_sendTransaction", send).await.expect("sent");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(node.signal("TERM").expect("ended").success());
    data
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found
}

#[tokio::test]
async fn garbage_in_any_file_is_refused_in_words_or_repaired() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = a_chain(folder.path()).await;
    let mut refused = 0;
    for path in files(&data) {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let good = fs::read(&path).expect("readable");
        if good.is_empty() || name.eq_ignore_ascii_case("lock") {
            continue;
        }
        fs::write(
            &path,
            b"this is no chain at all, but some text that somebody put here",
        )
        .expect("written");
        let said = run(&["replay", "--data", text(&data)]).expect("run");
        assert!(!said.stderr.contains("panicked"), "{name}: {}", said.stderr);
        if said.status.success() {
            // What is derived may be made anew; then the chain is whole.
            assert!(said.stdout.contains("agrees"), "{name}: {said:?}");
        } else {
            refused += 1;
            let error = said.stderr.lines().find(|line| line.starts_with("error:"));
            let error = error.unwrap_or_else(|| panic!("{name}: no words: {}", said.stderr));
            assert!(error.len() > 40, "{name}: {error}");
        }
        fs::write(&path, good).expect("written");
        let log_was_touched = name.contains("log") || name.contains("seg");
        let said = run(&["replay", "--data", text(&data)]).expect("run");
        assert!(
            said.status.success() || log_was_touched,
            "{name} was put back: {}",
            said.stderr
        );
    }
    assert!(
        refused > 0,
        "nothing was refused: this test does not reach the files"
    );
}
