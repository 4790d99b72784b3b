//! What the program said, and the prepared world in which it says it.

use capstan_testing::process::{Node, Said};
use serde_json::Value;

/// `capstan dev` with its markets, pools and people.
pub(crate) async fn world() -> Node {
    let node = Node::start(&["dev", "--block-time", "100ms"]).await;
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
