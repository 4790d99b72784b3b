use super::*;
use crate::error::code;

fn entry(text: &str) -> &RawValue {
    serde_json::from_str(text).expect("the case is JSON")
}

/// A request that is understood: its id, method and parameters.
fn check(text: &str, id: Option<&str>, method: &str, params: Option<&str>) {
    let request = request(entry(text)).unwrap_or_else(|bad| panic!("{text}: {:?}", bad.error));
    assert_eq!(request.id, id, "{text}");
    assert_eq!(request.method, method, "{text}");
    assert_eq!(request.params.map(RawValue::get), params, "{text}");
}

/// A request that is not: the id that it is answered under, and part of the reason.
fn check_bad(text: &str, id: &str, part: &str) {
    let bad = request(entry(text))
        .map(|request| request.method.into_owned())
        .expect_err(text);
    assert_eq!(
        (bad.id, bad.error.code),
        (id, code::INVALID_REQUEST),
        "{text}"
    );
    assert!(
        bad.error.message.contains(part),
        "{text}: {}",
        bad.error.message
    );
}

/// RPC-2: ids are answered as they were written; a request without one is a notification.
#[test]
fn rpc_2_ids_of_every_kind() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#,
        Some("1"),
        "m",
        None,
    );
    check(
        r#"{"jsonrpc":"2.0","id":"a\u0062","method":"m"}"#,
        Some(r#""a\u0062""#),
        "m",
        None,
    );
    check(
        r#"{"jsonrpc":"2.0","id":-1.5e3,"method":"m"}"#,
        Some("-1.5e3"),
        "m",
        None,
    );
    check(
        r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
        Some("null"),
        "m",
        None,
    );
    check(r#"{"jsonrpc":"2.0","method":"m"}"#, None, "m", None);
    for id in ["true", "[1]", "{}"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
        check_bad(&text, "null", "id must be");
    }
}

/// RPC-1: what is not a request is answered with -32600 and the reason.
#[test]
fn rpc_1_malformed_requests_are_named() {
    check_bad("1", "null", "a request is an object");
    check_bad("[]", "null", "a request is an object");
    check_bad(r#"{"id":1,"method":"m"}"#, "1", "jsonrpc");
    check_bad(r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#, "1", "jsonrpc");
    check_bad(r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, "1", "jsonrpc");
    check_bad(r#"{"jsonrpc":"2.0","id":1}"#, "1", "method is missing");
    check_bad(
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        "1",
        "method must be a string",
    );
}

#[test]
fn odd_but_legal_requests_are_understood() {
    let unknown = r#"{"jsonrpc":"2.0","extra":{"a":[1]},"id":1,"method":"m","params":[1]}"#;
    check(unknown, Some("1"), "m", Some("[1]"));
    let repeated = r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a","method":"b"}"#;
    check(repeated, Some("2"), "b", None);
    let escaped = r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"\u0065th"}"#;
    check(escaped, Some("1"), "eth", None);
    let spaced = "{ \"jsonrpc\" : \"2.0\" ,\n\"id\" : 1 , \"method\" : \"m\" , \"params\" : null }";
    check(spaced, Some("1"), "m", Some("null"));
}

#[test]
fn bodies_are_split_or_refused() {
    let count = |body: &str| match split(body, 3) {
        Ok(Incoming::One(_)) => Ok(1),
        Ok(Incoming::Batch(entries)) => Ok(entries.len() * 10),
        Err(error) => Err(error.code),
    };
    assert_eq!(count(" {} "), Ok(1));
    assert_eq!(count("7"), Ok(1));
    assert_eq!(count("\n[1, {}, []]"), Ok(30));
    assert_eq!(count("[]"), Err(code::INVALID_REQUEST));
    assert_eq!(count("[1,2,3,4]"), Err(code::INVALID_REQUEST));
    for broken in [
        "",
        "{",
        "[1",
        "[1,]",
        "{} {}",
        "[1] 2",
        "nul",
        "[1,2,3,4",
        "\u{feff}{}",
    ] {
        assert_eq!(count(broken), Err(code::PARSE), "{broken:?}");
    }
}

#[test]
fn nesting_does_not_reach_the_stack() {
    let deep = 1_000_000;
    let nested = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    assert!(matches!(split(&nested, 3), Ok(Incoming::Batch(entries)) if entries.len() == 1));
    assert!(matches!(split(&"[".repeat(deep), 3), Err(error) if error.code == code::PARSE));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(deep), "}".repeat(deep));
    let Ok(Incoming::One(entry)) = split(&objects, 3) else {
        panic!("one value")
    };
    assert!(request(entry).is_err());
}

#[test]
fn answers_are_json() {
    let mut out = Vec::new();
    write_answer(&mut out, "1", &Ok(b"\"0x1\"".to_vec()));
    assert_eq!(out, br#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#);
    out.clear();
    write_answer(
        &mut out,
        "\"x\"",
        &Err(RpcError::server("a \"quoted\" reason").with_data(&7)),
    );
    let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(value["error"]["message"], "a \"quoted\" reason");
    assert_eq!(value["error"]["data"], 7);
}
