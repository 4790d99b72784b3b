//! Files that people bring: a genesis, state tests.

use capstan_chain::{Chain, ChainConfig, Genesis};
use capstan_evm::statetest;
use serde_json::Value;

/// What is accepted says the same when it is written and read again, and makes a chain or a refusal in words.
pub(crate) fn genesis(input: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(input) else {
        return "not UTF-8".to_owned();
    };
    let genesis = match Genesis::from_json(text) {
        Ok(genesis) => genesis,
        Err(error) => return error.to_string(),
    };
    let again = Genesis::from_json(&genesis.to_json()).expect("what was written");
    assert_eq!(again, genesis);
    let config = ChainConfig {
        dev: false,
        ..ChainConfig::dev(genesis)
    };
    match Chain::open(config) {
        Ok(chain) => {
            assert_eq!(chain.head().number(), 0);
            "ok".to_owned()
        }
        Err(error) => format!("ok, and no chain: {error}"),
    }
}

/// As Ethereum's clients write it.
const ETHEREUM: &str = r#"{"config":{"chainId":7,"osakaTime":0},"timestamp":"0x5","gasLimit":"0x5f5e100",
"baseFeePerGas":"0x7","difficulty":"0x0","alloc":{"1111111111111111111111111111111111111111":
{"balance":"0x10","nonce":"0x1","code":"0x00","storage":{"0x00":"0x01"}}}}"#;

pub(crate) fn genesis_seeds() -> Vec<Vec<u8>> {
    vec![
        Genesis::new(7).to_json().into_bytes(),
        Genesis::dev(2, 0).to_json().into_bytes(),
        ETHEREUM.as_bytes().to_vec(),
    ]
}

/// Gas of a case that the target may execute: with more, a loop takes longer than any finding is worth.
const GAS_MAX: u64 = 5_000_000;

/// Each case passes, fails by name or is skipped.
pub(crate) fn statetest(input: &[u8]) -> String {
    let Ok(cases) = serde_json::from_slice::<Value>(input) else {
        return "not JSON".to_owned();
    };
    if !is_affordable(&cases) {
        return "too much gas to run".to_owned();
    }
    let summary = statetest::run_text("input", "input", input);
    match summary.failed.first() {
        Some(failure) => failure.why.clone(),
        None => format!("ok {} {}", summary.passed > 0, summary.skipped > 0),
    }
}

fn is_affordable(cases: &Value) -> bool {
    let limits = cases
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::values)
        .filter_map(|case| case["transaction"]["gasLimit"].as_array())
        .flatten();
    limits.into_iter().all(|limit| {
        limit
            .as_str()
            .and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok())
            .is_some_and(|gas| gas <= GAS_MAX)
    })
}

/// One is kept as a file: `fuzz/seeds/statetest`.
pub(crate) fn statetest_seeds() -> Vec<Vec<u8>> {
    Vec::new()
}
