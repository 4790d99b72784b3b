use alloy_primitives::{Address, U256};
use alloy_sol_types::{Panic, Revert, SolCall, SolError, SolEvent};

use super::*;
use crate::{by_name, erc20::IErc20, error};

fn check_error(error: &impl SolError, contract: &str, shown: &str) {
    let decoded = decode_error(&error.abi_encode()).expect("decodes");
    assert_eq!(
        (decoded.contract, decoded.to_string().as_str()),
        (contract, shown)
    );
    assert!(
        contract == "solidity" || !decoded.help.is_empty(),
        "{shown} explains nothing"
    );
}

#[test]
fn errors_read_as_words() {
    let (sender, balance, needed) = (Address::ZERO, U256::from(5), U256::from(7));
    check_error(
        &IErc20::ERC20InsufficientBalance {
            sender,
            balance,
            needed,
        },
        "erc20",
        "ERC20InsufficientBalance(sender: 0x0000000000000000000000000000000000000000, balance: 5, needed: 7)",
    );
    check_error(
        &error::NativeDelegateCall {},
        "native",
        "NativeDelegateCall()",
    );
    check_error(
        &capstan_state::ReentrantCall {},
        "native",
        "ReentrantCall()",
    );
    check_error(
        &Revert {
            reason: "no \"way\"".into(),
        },
        "solidity",
        "Error(reason: \"no \\\"way\\\"\")",
    );
    check_error(
        &Panic {
            code: U256::from(0x11),
        },
        "solidity",
        "Panic(code: 17)",
    );
}

#[test]
fn errors_of_the_handles_are_repeated_here() {
    let there = [
        capstan_state::ReentrantCall::SELECTOR,
        capstan_state::CallInSystemPhase::SELECTOR,
        capstan_state::TextTooLong::SELECTOR,
        capstan_state::ListFull::SELECTOR,
        capstan_state::ListIndexOutOfRange::SELECTOR,
    ];
    for selector in there {
        assert!(index().errors.contains_key(&selector), "{selector:?}");
    }
}

#[test]
fn calls_answers_and_events_read_as_words() {
    let token = by_name("token").expect("registered");
    let call = IErc20::transferCall {
        to: Address::ZERO,
        value: U256::from(3),
    };
    let decoded = decode_call(token, &call.abi_encode()).expect("decodes");
    assert_eq!(decoded.signature, "transfer(address,uint256)");
    assert_eq!(decoded.arguments[1].value, "3");
    let answer = IErc20::transferCall::abi_encode_returns(&true);
    let decoded = decode_answer(token, IErc20::transferCall::SELECTOR, &answer).expect("decodes");
    assert_eq!(decoded.to_string(), "transfer(true)");
    let event = IErc20::Transfer {
        from: Address::ZERO,
        to: Address::ZERO,
        value: U256::from(9),
    };
    let decoded = decode_event(token, &event.encode_log_data()).expect("decodes");
    assert_eq!(decoded.arguments[2].value, "9");
}

#[test]
fn foreign_and_broken_bytes_decode_to_nothing() {
    assert_eq!(decode_error(&[]), None);
    assert_eq!(decode_error(&[1, 2, 3, 4]), None);
    let cut = IErc20::ERC20InvalidSender {
        sender: Address::ZERO,
    }
    .abi_encode();
    assert_eq!(decode_error(&cut[..20]), None);
    let multicall = by_name("multicall").expect("registered");
    assert_eq!(
        decode_call(multicall, &IErc20::nameCall {}.abi_encode()),
        None
    );
}

#[test]
fn every_declaration_has_a_sentence() {
    let rows = index();
    let errors = rows.errors.values().filter(|row| row.0 != "solidity");
    let mute: Vec<_> = errors
        .map(|row| (row.0, &row.1.name, &row.2))
        .chain(rows.calls.values().map(|row| (row.0, &row.1.name, &row.2)))
        .chain(rows.events.values().map(|row| (row.0, &row.1.name, &row.2)))
        .filter(|(_, _, help)| help.is_empty())
        .collect();
    assert!(mute.is_empty(), "{mute:?}");
}
