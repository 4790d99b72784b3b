//! What the program says when something is wrong: in words, and as JSON for whoever asked for JSON.

use capstan_testing::process::{Said, run};
use serde_json::Value;

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn last_line(said: &Said) -> Option<Value> {
    serde_json::from_str(said.stderr.lines().last()?).ok()
}

/// With `--json` it ends with the same code as without, says the same, and says it as JSON.
#[track_caller]
fn check(words: &[&str], code: i32, message: &str, hint: &str) {
    let plain = run(words).expect("runs");
    assert_eq!(plain.status.code(), Some(code), "{plain:?}");
    let is_said = plain.stderr.contains("error: ") && plain.stderr.contains(message);
    assert!(is_said && last_line(&plain).is_none(), "{plain:?}");
    let told = run(&[words, &["--json"]].concat()).expect("runs");
    assert_eq!(told.status.code(), Some(code), "{told:?}");
    assert_eq!(told.stdout, "");
    let error = &last_line(&told).unwrap_or_else(|| panic!("no JSON: {told:?}"))["error"];
    let told_message = error["message"].as_str().expect("a message");
    assert!(told_message.contains(message), "{error}");
    let told_hint = error["hint"].as_str().expect("a hint");
    assert!(told_hint.contains(hint), "{error}");
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let dev = "`capstan dev` starts one";
    check(
        &["market", "list", "--rpc", NOWHERE],
        1,
        "does not answer",
        dev,
    );
    check(
        &["pool", "list", "--rpc", NOWHERE],
        1,
        "does not answer",
        dev,
    );
    let words = ["market", "show", "--rpc", NOWHERE];
    check(&words, 2, "<ASSET>", "Usage: capstan market show");
    let words = ["market", "list", "--nonsense"];
    check(&words, 2, "'--nonsense'", "Usage:");
    // Help is no error, and neither is a word behind `--` a wish for JSON.
    let help = run(&["market", "list", "--help", "--json"]).expect("runs");
    assert!(
        help.status.success() && help.stdout.contains("Usage:"),
        "{help:?}"
    );
    let behind = run(&["market", "list", "--rpc", NOWHERE, "--", "--json"]).expect("runs");
    assert!(last_line(&behind).is_none(), "{behind:?}");
}
