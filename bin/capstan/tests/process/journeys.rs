//! The journeys of machines with the real small model, by `cargo xtask test compute`, which fetches it (`CAPSTAN_TEST_MODEL` names the
//! file): whose machine sells, who builds on it, who lends to it. Everything is a process, as users start it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use capstan_testing::process::{Node, Said, capstan, run, text};
use serde_json::{Value, json};

use crate::{
    machines::{SMALL, owes_and_goes_dark},
    network::{Program, first_paid_jobs},
    said::json_of,
};

pub(crate) fn model() -> PathBuf {
    let file = std::env::var_os("CAPSTAN_TEST_MODEL");
    PathBuf::from(file.expect("cargo xtask test compute says where the model lies"))
}

fn ran(words: &[&str]) -> Said {
    let said = run(words).expect("ran");
    assert!(said.status.success(), "{words:?}: {said:?}");
    said
}

/// A machine's owner: what it can do, and from nothing to income within two minutes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the real model: cargo xtask test compute"]
async fn journey_of_who_owns_a_machine() {
    let words = [
        "provide", "scan", "--kwh", "0.12", "--watts", "50", "--json",
    ];
    let scanned = json_of(&ran(&words));
    assert!(
        scanned.as_object().is_some_and(|all| all.len() > 2),
        "{scanned}"
    );
    first_paid_jobs(&[(model(), "smollm2")]).await;
}

/// Who builds on it: a gateway, a key with a budget, the unmodified clients, a receipt that is computed again, and an end to the money.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the real model: cargo xtask test compute"]
async fn journey_of_who_builds_on_it() {
    let (file, folder) = (model(), tempfile::tempdir().expect("a folder"));
    let data = folder.path().join("gateway");
    let words = [
        "gateway",
        "--model",
        text(&file),
        "--port",
        "0",
        "--data",
        text(&data),
    ];
    let (_gateway, url) = Program::start(&words, " at ");
    let key = |total: &str| {
        let made = ran(&[
            "key",
            "new",
            "--total",
            total,
            "--day",
            "1usd",
            "--data",
            text(&data),
        ]);
        made.stdout.trim().to_owned()
    };
    let rich = key("1usd");
    clients(&url, &rich);

    let ask = |key: String| {
        let http = reqwest::Client::builder().no_proxy().build();
        let request = http
            .expect("a client")
            .post(format!("{url}/chat/completions"));
        let body = json!({"model": "smollm2", "max_tokens": 8, "temperature": 0,
                          "messages": [{"role": "user", "content": "What is a capstan?"}]});
        request.bearer_auth(key).json(&body).send()
    };
    let answer = ask(rich).await.expect("answered");
    assert_eq!(answer.status(), 200);
    let told = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    let (cost, receipt) = (told("x-capstan-cost"), told("x-capstan-receipt"));
    assert!(cost.ends_with("usd"), "{cost}");
    let verified = ran(&[
        "receipt",
        "verify",
        &receipt,
        "--data",
        text(&data),
        "--model",
        text(&file),
    ]);
    let hash = capstan_compute::model::hash_file(&file).expect("read");
    let hash = alloy_primitives::hex::encode(hash);
    assert!(verified.stdout.contains(&hash), "{verified:?}");

    // What is left of a millionth of a dollar pays for no answer.
    let refused = ask(key("0.000001usd")).await.expect("answered");
    assert_eq!(refused.status(), 402);
    let error: Value = refused.json().await.expect("JSON");
    assert_eq!(error["error"]["type"], "insufficient_quota", "{error}");
}

/// The clients of OpenAI, which the tests of the crate `compute` have installed; SKIP by name where they could not.
fn clients(url: &str, key: &str) {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let python = installed.join("openai-python/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../crates/compute/tests/it/clients/model.py");
    let javascript = installed.join("openai-javascript");
    let mut node = Command::new("node");
    node.current_dir(&javascript).arg("model.mjs");
    let mut with_python = Command::new(&python);
    with_python.arg(script);
    for (name, is_there, mut client) in [
        ("python", python.exists(), with_python),
        ("javascript", javascript.join("model.mjs").exists(), node),
    ] {
        if !is_there {
            println!("SKIP: the {name} client is not installed");
            continue;
        }
        let output = client.args([url, key, "smollm2"]).output().expect("ran");
        assert!(output.status.success(), "{name}: {output:?}");
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Who lends: a market with a machine that owes, what covers it, and what becomes of it when the machine goes dark.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the real model: cargo xtask test compute"]
async fn journey_of_who_lends_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = folder.path().join("capstan/models");
    std::fs::create_dir_all(&shelf).expect("made");
    std::os::unix::fs::symlink(model(), shelf.join("smollm2.gguf")).expect("linked");
    let mut command = capstan(&SMALL).expect("built");
    command.env("XDG_DATA_HOME", folder.path());
    let node = Node::start_with(command).await.expect("a node");
    let all = node
        .rpc("capstan_income", json!([]))
        .await
        .expect("answered");
    let market = &all["markets"][0];
    assert_eq!(market["lent"]["text"], "5", "{market:#}");
    assert_eq!(market["debtors"], 1);
    let said = ran(&["income", "market", "--rpc", node.url()]);
    assert!(said.stdout.contains("5 USDC"), "{said:?}");
    let lent = [
        "income",
        "supply",
        "1000",
        "usdc",
        "--dev-account",
        "3",
        "--yes",
        "--rpc",
        node.url(),
    ];
    ran(&lent);
    owes_and_goes_dark(node).await;
}
