//! `capstan wallet`, as somebody at a terminal, or a program without one, sees it.

use std::fs;

use capstan_testing::process::{Said, capstan, text};
use serde_json::Value;

/// Runs with wallets in a folder of the test's own, and without a terminal.
fn run(folder: &std::path::Path, words: &[&str], password: Option<&str>) -> Said {
    let mut command = capstan(words).expect("the program");
    command.env("CAPSTAN_KEYSTORE", folder);
    command.env_remove("CAPSTAN_PASSWORD");
    if let Some(password) = password {
        command.env("CAPSTAN_PASSWORD", password);
    }
    let output = command.output().expect("ran");
    Said {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// CLI-3, CLI-4
#[test]
fn a_key_is_made_kept_and_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    let none = run(&keys, &["wallet", "list"], None);
    assert!(none.stdout.contains("capstan wallet new"), "{none:?}");
    let made = run(&keys, &["wallet", "new", "alice"], Some("correct horse"));
    assert!(made.status.success(), "{made:?}");
    // The well-known key of Hardhat's and anvil's first account, under a password from a file.
    let (key, password) = (folder.path().join("key"), folder.path().join("password"));
    let known = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n";
    fs::write(&key, known).expect("written");
    fs::write(&password, "battery staple\nnot this\n").expect("written");
    let words = [
        "wallet",
        "import",
        "bob",
        "--key-file",
        text(&key),
        "--password-file",
        text(&password),
    ];
    let imported = run(&keys, &words, None);
    assert!(
        imported
            .stdout
            .contains("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        "{imported:?}"
    );
    let listed = run(&keys, &["wallet", "list"], None);
    let rows: Vec<_> = listed.stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{listed:?}");
    assert!(
        rows[1].starts_with("alice") && rows[2].starts_with("bob"),
        "{listed:?}"
    );
    let listed = run(&keys, &["wallet", "list", "--json"], None);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(
        listed[1]["address"],
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    );
    for entry in fs::read_dir(&keys).expect("a folder") {
        let kept = fs::read_to_string(entry.expect("an entry").path()).expect("a file");
        assert!(!kept.contains("ac0974be"), "a key lies open");
    }
}

#[test]
fn what_cannot_be_kept_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |words: &[&str], password, why: &str| {
        let said = run(folder.path(), words, password);
        assert!(
            !said.status.success() && said.stderr.contains(why),
            "{words:?}: {said:?}"
        );
    };
    refused(&["wallet", "new", "alice"], None, "--password-file");
    refused(
        &["wallet", "new", "alice"],
        Some(""),
        "the password is empty",
    );
    refused(&["wallet", "new", "a/b"], Some("x"), "no name");
    refused(&["wallet", "import", "alice"], Some("x"), "--key-file");
    let made = run(folder.path(), &["wallet", "new", "alice"], Some("x"));
    assert!(made.status.success(), "{made:?}");
    refused(
        &["wallet", "new", "alice"],
        Some("x"),
        "choose another name",
    );
}
