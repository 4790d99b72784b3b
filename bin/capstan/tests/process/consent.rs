//! What somebody at a terminal is asked before his key signs; `script` of util-linux is the terminal.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use capstan_testing::process::{Node, Said, binary};
use serde_json::json;

use crate::said::{refuses, says, world};

/// Nobody was ever there.
const NEW: &str = "0x00000000000000000000000000000000000abc12";

/// Runs the program at a terminal where somebody types these lines.
fn typed(node: &Node, words: &str, answers: &str) -> Said {
    let program = binary().expect("built");
    let line = format!(
        "{} {words} --dev-account 2 --rpc {}",
        program.display(),
        node.url()
    );
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script of util-linux");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(answers.as_bytes()).expect("typed");
    drop(stdin);
    let output = child.wait_with_output().expect("ended");
    // A terminal has one stream.
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Said {
        status: output.status,
        stdout: said.clone(),
        stderr: said,
    }
}

/// CLI-16: whatever signs asks in the same way, and twice for what is large or new.
#[tokio::test]
async fn cli_16_every_command_asks_in_one_way() {
    let node = world().await;
    let large = [
        ("swap 5 eth usdc", "15000 USD are swapped; type 15000"),
        ("lp add 0 \"2 eth\"", "USD are provided; type 1"),
        ("product mint 1 12000", "12000 USD are paid in; type 12000"),
        (
            "trigger add 4 eth usdc --below 1500",
            "12000 USD would be sold; type 12000",
        ),
    ];
    for (words, question) in large {
        refuses(&typed(&node, words, "y\nno\n"), &[question, "not signed"]);
    }
    let send = format!("wallet send 4 eth {NEW}");
    let both = [
        "nothing was ever at 0x00000000000000000000000000000000000",
        "not signed",
    ];
    refuses(&typed(&node, &send, "y\nno\n"), &both);
    // Small, and to somebody who is known: once is enough, and `n` is no.
    refuses(&typed(&node, "swap 1 eth usdc", "n\n"), &["not signed"]);
    let nonce = json!(["0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "latest"]);
    let nonce = node.quantity("eth_getTransactionCount", nonce).await;
    assert_eq!(nonce.expect("a nonce"), 0, "nothing was sent");

    says(
        &typed(&node, "swap 1 eth usdc", "y\n"),
        &["sign this? [y/N]", "done in block"],
    );
    says(
        &typed(&node, "swap 5 eth usdc", "y\n15000\n"),
        &["done in block"],
    );
}
