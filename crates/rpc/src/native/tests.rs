use alloy_sol_types::SolError;
use capstan_contracts::{
    account::IAccount::{AccountRampTooShort, AccountSignatureExpired},
    dollar::IDollar::DollarPausedNow,
    lending::ILending::{LendingPaused, LendingUnknownMarket},
};

use super::revert_line;

fn check(error: &impl SolError, line: &str) {
    assert_eq!(revert_line(&error.abi_encode()).as_deref(), Some(line));
}

#[test]
fn numbers_that_nobody_reads_have_words_beside_them() {
    check(
        &LendingPaused {
            assetId: 1,
            verb: 4,
        },
        "LendingPaused(assetId: 1, verb: 4 (borrow))",
    );
    check(
        &DollarPausedNow { verb: 2 },
        "DollarPausedNow(verb: 2 (swap in))",
    );
    check(
        &AccountSignatureExpired {
            deadlineMs: 1_700_000_000_000,
            nowMs: u64::MAX,
        },
        "AccountSignatureExpired(deadlineMs: 1700000000000 (2023-11-14T22:13:20Z), nowMs: 18446744073709551615)",
    );
    check(
        &AccountRampTooShort {
            rampMs: 90_500,
            minMs: 604_800_000,
        },
        "AccountRampTooShort(rampMs: 90500 (1m 30s 500ms), minMs: 604800000 (7days))",
    );
    check(
        &LendingUnknownMarket { assetId: 9 },
        "LendingUnknownMarket(assetId: 9)",
    );
}

#[test]
fn a_bit_that_names_no_verb_stays_a_number() {
    check(
        &LendingPaused {
            assetId: 1,
            verb: 3,
        },
        "LendingPaused(assetId: 1, verb: 3)",
    );
}
