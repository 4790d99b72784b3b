use alloy_primitives::{Address, I256, U256};
use alloy_sol_types::SolError;
use capstan_contracts::{
    account::IAccount::{
        AccountCoolingOff, AccountHealthy, AccountRampTooShort, AccountSignatureExpired,
    },
    decode_error,
    dollar::IDollar::DollarPausedNow,
    lending::ILending::{LendingNoCash, LendingPaused, LendingUnknownMarket},
};

use super::{Unit, revert_line, sentence};

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

#[test]
fn dollars_and_health_are_told_without_asking_anybody() {
    let wad = U256::from(10_u64.pow(18));
    check(
        &AccountCoolingOff {
            owner: Address::ZERO,
            index: 0,
            loss: -I256::from_raw(wad * U256::from(3) / U256::from(2)),
            lossMax: wad,
            untilMs: 0,
        },
        "AccountCoolingOff(owner: 0x0000000000000000000000000000000000000000, index: 0, \
         loss: -1500000000000000000 (-1.5 USD), lossMax: 1000000000000000000 (1 USD), untilMs: 0 (0s))",
    );
    check(
        &AccountHealthy {
            owner: Address::ZERO,
            index: 0,
            health: wad * U256::from(5) / U256::from(4),
        },
        "AccountHealthy(owner: 0x0000000000000000000000000000000000000000, index: 0, health: 1250000000000000000 (1.25))",
    );
}

#[test]
fn amounts_are_told_where_their_asset_is_known() {
    let error = LendingNoCash {
        assetId: 1,
        wanted: U256::from(2_500_000),
        cash: U256::ZERO,
    };
    let error = decode_error(&error.abi_encode()).expect("a native error");
    let usdc = Unit {
        symbol: "USDC".to_owned(),
        decimals: 6,
    };
    assert_eq!(
        sentence(&error, Some(&usdc)),
        "LendingNoCash(assetId: 1, wanted: 2500000 (2.5 USDC), cash: 0 (0 USDC))"
    );
    assert_eq!(
        sentence(&error, None),
        "LendingNoCash(assetId: 1, wanted: 2500000, cash: 0)"
    );
}
