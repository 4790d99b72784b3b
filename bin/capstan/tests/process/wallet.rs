//! `capstan wallet`, as somebody at a terminal, or a program without one, sees it.

use std::fs;

use alloy_primitives::U256;
use capstan_testing::process::{Node, Said, capstan, text};
use serde_json::{Value, json};

use crate::said::{json_of, refuses, says, world};

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
    let carol = run(
        &keys,
        &["wallet", "new", "carol", "--json"],
        Some("correct horse"),
    );
    let carol = json_of(&carol);
    assert_eq!(carol["name"], "carol");
    fs::remove_file(carol["path"].as_str().expect("a path")).expect("a file was written");
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

/// CLI-19: coins and tokens are sent as shown; what would be lost is refused.
#[tokio::test]
async fn cli_19_coins_and_tokens_are_sent_as_shown() {
    const TO: &str = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65";
    let node = world().await;
    let send = |words: &[&str]| {
        let mut all = vec!["wallet", "send"];
        all.extend(words);
        all.extend(["--dev-account", "2", "--rpc", node.url()]);
        capstan_testing::process::run(&all).expect("ran")
    };
    let shown = send(&["1.5", "eth", TO, "--preview"]);
    says(&shown, &["send      1.5 ETH\n", "to        0x15d3"]);
    let coins = async |node: &Node| {
        let balance = node.rpc("eth_getBalance", json!([TO, "latest"])).await;
        serde_json::from_value::<U256>(balance.expect("a balance")).expect("a word")
    };
    let before = coins(&node).await;
    says(&send(&["1.5", "eth", TO, "--yes"]), &["done in block"]);
    let half = U256::from(10).pow(U256::from(17)) * U256::from(15);
    assert_eq!(coins(&node).await - before, half);

    let told = json_of(&send(&["25.5", "usdc", TO, "--yes", "--json"]));
    assert_eq!(told["sent"]["text"], "25.5");
    let token = told["sent"]["token"].as_str().expect("an address");
    let input = format!("0x70a08231{:0>64}", &TO[2..]);
    let asked = json!([{"to": token, "input": input}, "latest"]);
    let held = node.rpc("eth_call", asked).await.expect("a balance");
    let held: U256 = serde_json::from_value(held).expect("a word");
    // He began with 100,000 of them.
    assert_eq!(held, U256::from(100_025_500_000_u64));

    for (words, why) in [
        (
            &[
                "1",
                "eth",
                "0xca957a000000000000000000000b000000000000",
                "--yes",
            ][..],
            "native contract account",
        ),
        (
            &[
                "1",
                "eth",
                "0x0000000000000000000000000000000000000000",
                "--yes",
            ],
            "zero address",
        ),
        (&["20000", "eth", TO, "--yes"], "to spend"),
        (&["0", "usdc", TO, "--yes"], "the amount is zero"),
        (&["1", "doge", TO, "--yes"], "no asset is called"),
        (&["1", TO, TO, "--yes"], "is no token"),
        (&["1", "eth", TO], "--yes"),
    ] {
        refuses(&send(words), &[why]);
    }
}
