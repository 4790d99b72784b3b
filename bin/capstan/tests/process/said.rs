//! What the program said, and the prepared world in which it says it.

use capstan_testing::process::{Node, Said};
use serde_json::Value;

/// `capstan dev` with its markets and pools, where prices stand still and nobody acts but the test.
pub(crate) async fn world() -> Node {
    let words = ["dev", "--feed", "fixed", "--bots", "0"];
    let node = Node::start(&[&words[..], &["--block-time", "100ms"]].concat()).await;
    node.expect("started")
}

/// It worked, and said all of this.
#[track_caller]
pub(crate) fn says(said: &Said, expected: &[&str]) {
    assert!(said.status.success(), "{said:?}");
    for text in expected {
        assert!(said.stdout.contains(text), "no `{text}` in {said:?}");
    }
}

/// It did nothing, and said all of this of why.
#[track_caller]
pub(crate) fn refuses(said: &Said, expected: &[&str]) {
    assert!(!said.status.success(), "{said:?}");
    for text in expected {
        assert!(said.stderr.contains(text), "no `{text}` in {said:?}");
    }
}

/// It worked, and said something in JSON.
#[track_caller]
pub(crate) fn json_of(said: &Said) -> Value {
    assert!(said.status.success(), "{said:?}");
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}
