//! `capstan audit run` beside the machines of the prepared world: a process of its own, with a model file of its own.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use alloy_primitives::address;
use alloy_sol_types::SolCall as _;
use capstan_compute::testkit::tiny;
use capstan_contracts::{
    admin::{self, IAdmin::grantRoleCall},
    jobs,
};
use capstan_testing::process::{Node, capstan, text};
use serde_json::json;

/// The well-known account 5, which audits here.
const AUDITOR: alloy_primitives::Address = address!("9965507D1a55bcC2695C58ba16FB37d819B0A4dc");

struct Auditor(Child);

impl Drop for Auditor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it, and reads lines until one has these words.
fn audits(chain: &str, model: &Path, words: &str) -> (Auditor, Vec<String>) {
    let asked = [
        "audit",
        "run",
        "--rpc",
        chain,
        "--dev-account",
        "5",
        "--never-ask",
        "--engine-threads",
        "1",
        "--model",
        text(model),
    ];
    let mut child = capstan(&asked)
        .expect("built")
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let out = BufReader::new(child.stdout.take().expect("stdout"));
    let auditor = Auditor(child);
    let begun = Instant::now();
    let mut lines = Vec::new();
    for line in out.lines() {
        let line = line.expect("a line");
        println!("{line}");
        let is_it = line.contains(words);
        lines.push(line);
        if is_it {
            return (auditor, lines);
        }
        assert!(begun.elapsed() < Duration::from_secs(150), "{lines:#?}");
    }
    panic!("it ended: {lines:#?}");
}

/// AUD-9, CLI-30: it computes what was drawn, says that it is right, and shows that in time; without the model it says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn aud_9_an_auditor_of_its_own_says_what_it_computed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (same, other) = (
        folder.path().join("same.gguf"),
        folder.path().join("other.gguf"),
    );
    // The tiny model of the prepared world, and another.
    tiny(1, "Q4_1").write(&same).expect("written");
    tiny(9, "Q4_1").write(&other).expect("written");
    let words = ["dev", "--machines", "3", "--bots", "1", "--feed", "fixed"];
    let node = Node::start(&words).await.expect("a node");
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("accounts");
    let owner = accounts[19].clone();
    let grant = grantRoleCall {
        scope: jobs::ADDRESS,
        role: jobs::AUDIT,
        holder: AUDITOR,
        expiresMs: 0,
    };
    let input = alloy_primitives::hex::encode_prefixed(grant.abi_encode());
    let sent = json!([{"from": owner, "to": admin::ADDRESS, "input": input}]);
    node.rpc("eth_sendTransaction", sent).await.expect("sent");
    let (auditor, lines) = audits(node.url(), &same, "revealed `right`");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("groups of states agree")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("committed to `right`")),
        "{lines:#?}"
    );
    drop(auditor);
    let (_auditor, lines) = audits(
        node.url(),
        &other,
        "nothing is said: no model here has the hash",
    );
    assert!(
        lines.iter().all(|line| !line.contains("committed")),
        "{lines:#?}"
    );
}
