use super::*;

#[track_caller]
fn check(answer: &str, part: &str) {
    let error = read::<BlockPage>("capstan_blocks", answer.as_bytes()).expect_err("garbage");
    let words = error.to_string();
    assert!(matches!(error, PullError::Garbage(_)), "{words}");
    assert!(words.contains(part), "{words}");
    assert!(words.len() < 2 * WORDS_MAX, "{words}");
}

#[test]
fn what_is_no_answer_is_named() {
    let hash = B256::ZERO;
    check("", "EOF");
    check("<html>", "expected value");
    check("{}", "neither a result nor an error");
    check(r#"{"result": {}}"#, "missing field `chainId`");
    check(
        &format!(r#"{{"error": "{}"}}"#, "x".repeat(100_000)),
        "invalid type",
    );
    let no = format!(
        r#"{{"error": {{"code": -32601, "message": "no {}"}}}}"#,
        "x".repeat(100_000)
    );
    let refused = read::<BlockPage>("capstan_blocks", no.as_bytes()).expect_err("a refusal");
    assert!(
        refused
            .to_string()
            .contains("answered by an error, -32601: no xxx"),
        "{refused}"
    );
    assert!(refused.to_string().len() < 2 * WORDS_MAX);
    let page = |blocks: &str| {
        format!(
            r#"{{"result": {{"chainId": "0x1", "genesisHash": "{hash}", "head": {{"number": "0x1", "hash": "{hash}"}}, "blocks": {blocks}}}}}"#
        )
    };
    check(&page("[\"0xzz\"]"), "invalid");
    check(&page("7"), "invalid type");
    let good: BlockPage = read("capstan_blocks", page("[\"0x01\"]").as_bytes()).expect("a page");
    assert_eq!((good.blocks.len(), good.head.number), (1, U64::from(1)));
}
