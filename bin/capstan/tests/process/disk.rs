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
    let words = [
        "dev",
        "--empty",
        "--block-time",
        "20ms",
        "--data",
        text(&data),
    ];
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
        if let Err(error) = node.rpc("eth_sendTransaction", send).await {
            println!("the last answer: {error:#}");
            break;
        }
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
    let mut node = Node::start(&[
        "dev",
        "--empty",
        "--block-time",
        "20ms",
        "--data",
        text(&data),
    ])
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

/// The database alone proves that blocks were final. A log that is not there (a volume that is not mounted) is told,
/// and nothing is written over what is left.
#[tokio::test]
async fn a_missing_block_log_is_refused_and_may_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (genesis, data) = (
        folder.path().join("genesis.json"),
        folder.path().join("data"),
    );
    let made = run(&["genesis", "init", "--out", text(&genesis)]).expect("run");
    assert!(made.status.success(), "{made:?}");
    assert!(made.stdout.contains("--owner"), "{made:?}");
    let words = ["node", "--genesis", text(&genesis), "--data", text(&data)];
    let mut node = Node::start(&words).await.expect("started");
    let mut newest = 0;
    for _ in 0..500 {
        newest = node
            .quantity("eth_blockNumber", json!([]))
            .await
            .expect("answer");
        if newest >= 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(newest >= 4, "no blocks");
    assert!(node.signal("TERM").expect("ended").success());

    let (blocks, away) = (data.join("blocks"), folder.path().join("away"));
    fs::rename(&blocks, &away).expect("moved away");
    // Nothing there, and an empty folder as a mount point has it.
    for _ in 0..2 {
        let refused = Node::start(&words).await.expect_err("refused").to_string();
        for needed in ["error:", "blocks/", "the database knows block", "mounted"] {
            assert!(refused.contains(needed), "lacks {needed}: {refused}");
        }
        fs::create_dir_all(&blocks).expect("a folder");
    }
    fs::remove_dir_all(&blocks).expect("removed");
    fs::rename(&away, &blocks).expect("moved back");
    let node = Node::start(&words).await.expect("started again");
    let now = node
        .quantity("eth_blockNumber", json!([]))
        .await
        .expect("answer");
    assert!(
        now >= newest,
        "block {newest} was there, now the newest is {now}"
    );
}

/// Damage anywhere in the database is an error in words with the way out, never a panic.
#[tokio::test]
async fn damage_in_the_database_is_told_in_words() {
    const PLACES: u64 = 40;
    const PAGE: usize = 4096;
    let folder = tempfile::tempdir().expect("a folder");
    let data = a_chain(folder.path()).await;
    let path = data.join("state.redb");
    let good = fs::read(&path).expect("readable");
    let mut told = 0;
    for place in 1..PLACES {
        let mut bad = good.clone();
        let at = usize::try_from(good.len() as u64 * place / PLACES).expect("small") / PAGE * PAGE;
        let end = good.len().min(at + PAGE);
        bad[at..end].fill(if place.is_multiple_of(2) { 0 } else { 0xff });
        fs::write(&path, &bad).expect("written");
        for command in [&["db", "verify"][..], &["replay"]] {
            let words = [command, &["--data", text(&data)]].concat();
            let said = run(&words).expect("run");
            assert!(
                !said.stderr.contains("please report") && matches!(said.status.code(), Some(0 | 1)),
                "{command:?} with damage at {at}: {said:?}"
            );
            if !said.status.success() {
                let error = said.stderr.lines().find(|line| line.starts_with("error:"));
                let error = error.unwrap_or_else(|| panic!("no words: {}", said.stderr));
                assert!(
                    error.contains("state.redb") || error.contains("database"),
                    "{error}"
                );
                told += 1;
            }
        }
    }
    assert!(told > 4, "only {told} commands met the damage");
    fs::remove_file(&path).expect("removed");
    let said = run(&["db", "verify", "--data", text(&data)]).expect("run");
    let rebuilt = run(&["replay", "--data", text(&data)]).expect("run");
    assert!(
        rebuilt.status.success(),
        "the way out does not work: {rebuilt:?} after {said:?}"
    );
}
