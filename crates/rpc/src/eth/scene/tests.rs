//! What a request says, as the EVM gets it.

use alloy_primitives::{Bytes, address, uint};
use alloy_rpc_types_eth::TransactionInput;
use serde_json::json;

use super::*;

fn request(json: serde_json::Value) -> TransactionRequest {
    serde_json::from_value(json).expect("a request")
}

#[test]
fn fees_are_read_and_mistakes_named() {
    let check = |json, expected: Result<(u128, Option<u128>), &str>| {
        let read = fees(&request(json));
        let read = read
            .map(|fees| (fees.cap_wei, fees.tip_wei))
            .map_err(|e| e.message.into_owned());
        assert_eq!(read, expected.map_err(str::to_owned));
    };
    check(json!({}), Ok((0, None)));
    check(json!({"gasPrice": "0x9"}), Ok((9, None)));
    check(json!({"maxFeePerGas": "0x9"}), Ok((9, Some(0))));
    check(json!({"maxPriorityFeePerGas": "0x2"}), Ok((2, Some(2))));
    check(
        json!({"maxFeePerGas": "0x9", "maxPriorityFeePerGas": "0x2"}),
        Ok((9, Some(2))),
    );
    check(
        json!({"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}),
        Err("maxFeePerGas (1) < maxPriorityFeePerGas (2)"),
    );
    check(
        json!({"gasPrice": "0x9", "maxFeePerGas": "0x9"}),
        Err("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"),
    );
}

#[test]
fn the_type_follows_from_the_fields() {
    let check = |json, tx_type| {
        assert_eq!(
            tx_env(&request(json), 1, 21_000, 0).expect("valid").tx_type,
            tx_type
        );
    };
    check(json!({}), 0);
    check(json!({"gasPrice": "0x1"}), 0);
    check(json!({"accessList": []}), 1);
    check(json!({"gasPrice": "0x1", "accessList": []}), 1);
    check(json!({"maxFeePerGas": "0x1"}), 2);
    check(json!({"authorizationList": []}), 4);
}

#[test]
fn impossible_requests_are_refused_in_words() {
    let check = |json, words: &str| {
        let error = tx_env(&request(json), 31_337, 21_000, 0).expect_err(words);
        assert!(
            error.message.contains(words),
            "{} does not say {words:?}",
            error.message
        );
    };
    check(
        json!({"chainId": "0x1"}),
        "chainId does not match node's (have=1, want=31337)",
    );
    check(
        json!({"data": "0x01", "input": "0x02"}),
        "both \"data\" and \"input\" are set",
    );
    check(
        json!({"maxFeePerBlobGas": "0x1"}),
        "blob transactions are not supported",
    );
    let both = TransactionRequest {
        input: TransactionInput::both(Bytes::from_static(&[1])),
        ..TransactionRequest::default()
    };
    assert_eq!(
        tx_env(&both, 1, 0, 0).expect("equal is fine").data,
        Bytes::from_static(&[1])
    );
}

#[test]
fn gas_is_bounded_by_what_the_sender_can_pay() {
    let check = |balance: u64, value: u64, cap_wei, expected: Option<Option<u64>>| {
        let fees = Fees {
            cap_wei,
            tip_wei: None,
        };
        let got = affordable_gas(U256::from(balance), U256::from(value), fees).ok();
        assert_eq!(got, expected);
    };
    check(1_000, 100, 0, Some(None));
    check(1_000, 100, 9, Some(Some(100)));
    check(100, 100, 9, Some(Some(0)));
    check(99, 100, 9, None);
    check(0, 100, 0, Some(None));
}

#[test]
fn block_overrides_replace_fields_and_refuse_what_does_not_fit() {
    let info = || BlockInfo {
        chain_id: 1,
        number: 7,
        time_ms: 1_250,
        beneficiary: Address::ZERO,
        base_fee_wei: 5,
        prevrandao: Default::default(),
        gas_limit: 100,
        version: capstan_state::ProtocolVersion(1),
    };
    let miner = address!("00000000000000000000000000000000000000aa");
    let overrides: BlockOverrides = serde_json::from_value(json!({
        "number": "0x9", "time": "0xa", "gasLimit": "0xb", "feeRecipient": miner, "baseFeePerGas": "0xc",
    }))
    .expect("overrides");
    let mut changed = info();
    override_block(&mut changed, &overrides).expect("fits");
    let expected = BlockInfo {
        number: 9,
        time_ms: 10_000,
        gas_limit: 11,
        beneficiary: miner,
        base_fee_wei: 12,
        ..info()
    };
    assert_eq!(changed, expected);

    let refused = |overrides: BlockOverrides| override_block(&mut info(), &overrides).is_err();
    let beyond = uint!(0x1_0000_0000_0000_0000_U256);
    assert!(refused(BlockOverrides {
        number: Some(beyond),
        ..Default::default()
    }));
    assert!(refused(BlockOverrides {
        base_fee: Some(beyond),
        ..Default::default()
    }));
    assert!(refused(BlockOverrides {
        time: Some(u64::MAX),
        ..Default::default()
    }));
    assert!(refused(BlockOverrides {
        blob_base_fee: Some(beyond),
        ..Default::default()
    }));
}
