use super::*;

/// A fixture in the official format: one transfer under two forks, with its real root.
fn fixture(root: &str, logs: &str, exception: Option<&str>) -> String {
    let exception = exception
        .map(|text| format!(r#""expectException": "{text}","#))
        .unwrap_or_default();
    let post = format!(
        r#"[{{"hash": "{root}", "logs": "{logs}", {exception}
            "indexes": {{"data": 0, "gas": 0, "value": 0}}, "txbytes": "0x"}}]"#
    );
    format!(
        r#"{{"one": {{
        "env": {{"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentGasLimit": "0x05f5e100",
            "currentNumber": "0x01", "currentTimestamp": "0x03e8", "currentBaseFee": "0x07",
            "currentDifficulty": "0x00", "currentRandom": "0x0000000000000000000000000000000000000000000000000000000000000000",
            "currentExcessBlobGas": "0x00"}},
        "pre": {{"0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b":
            {{"balance": "0x0de0b6b3a7640000", "code": "0x", "nonce": "0x00", "storage": {{}}}}}},
        "transaction": {{"data": ["0x"], "gasLimit": ["0x5208"], "gasPrice": "0x0a", "nonce": "0x00",
            "secretKey": "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8",
            "to": "0x1000000000000000000000000000000000000000", "value": ["0x01"]}},
        "post": {{"Osaka": {post}, "Amsterdam": {post}}}
    }}}}"#
    )
}

const NO_LOGS: &str = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";

fn expected_root() -> B256 {
    let mut state = MemState::new();
    let put = |state: &mut MemState, at: &str, balance: u128, nonce| {
        state.put(
            at.parse().expect("address"),
            U256::from(balance),
            nonce,
            Bytes::new(),
            [],
        );
    };
    let eth = 1_000_000_000_000_000_000u128;
    put(
        &mut state,
        "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b",
        eth - 1 - 210_000,
        1,
    );
    put(
        &mut state,
        "0x1000000000000000000000000000000000000000",
        1,
        0,
    );
    put(
        &mut state,
        "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba",
        3 * 21_000,
        0,
    );
    state.root()
}

fn run_text(text: &str) -> Summary {
    let folder = std::env::temp_dir().join(format!("capstan-statetest-{}", keccak256(text)));
    let nested = folder.join("a/b");
    fs::create_dir_all(&nested).expect("temp folder");
    fs::write(nested.join("one.json"), text).expect("written");
    fs::write(nested.join("readme.txt"), "not a fixture").expect("written");
    fs::create_dir_all(folder.join(".meta")).expect("temp folder");
    fs::write(folder.join(".meta/index.json"), "{}").expect("written");
    let calls = AtomicUsize::new(0);
    let summary = run_paths(std::slice::from_ref(&folder), &|progress| {
        assert_eq!(progress.files, 1);
        calls.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(calls.into_inner(), 1);
    fs::remove_dir_all(&folder).expect("removed");
    summary.expect("listed")
}

#[test]
fn counts_passes_failures_and_skips() {
    let root = expected_root().to_string();
    let passed = run_text(&fixture(&root, NO_LOGS, None));
    assert_eq!(
        (passed.passed, passed.failed.as_slice(), passed.skipped),
        (1, &[][..], 1)
    );

    let wrong = format!("{}", B256::ZERO);
    for (text, why) in [
        (fixture(&wrong, NO_LOGS, None), "state root is"),
        (fixture(&root, &wrong, None), "logs hash to"),
        (
            fixture(&root, NO_LOGS, Some("TR_TypeNotSupported")),
            "was accepted",
        ),
        ("{".to_owned(), "is not a GeneralStateTest"),
        (
            fixture(&root, NO_LOGS, None).replace(r#""gas": 0"#, r#""gas": 7"#),
            "names gasLimit 7 of 1",
        ),
        (
            fixture(&root, NO_LOGS, None).replace(
                r#""gasPrice": "0x0a""#,
                &format!(
                    r#""maxFeePerGas": "0x0a", "maxPriorityFeePerGas": "{:#x}""#,
                    U256::MAX
                ),
            ),
            "has a fee of",
        ),
    ] {
        let summary = run_text(&text);
        assert_eq!(summary.passed, 0);
        assert!(
            summary.failed[0].why.starts_with(why),
            "{:?}",
            summary.failed
        );
    }
}
