//! Golden JSON: the fields that viem, ethers, MetaMask and Hardhat read, with their exact forms.

use alloy_consensus::{
    EthereumTxEnvelope, Header, Receipt, ReceiptEnvelope, Sealed, SignableTransaction, TxEip1559,
    TxLegacy, transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256, address, b256};
use capstan_chain::Block;
use serde_json::{Value, json};

use super::*;

const ALICE: Address = address!("f39fd6e51aad88f6f4ce6ab8827279cfffb92266");
const BOB: Address = address!("70997970c51812dc3a010c7d01b50e0d17dc79c8");
const TOPIC: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

fn two_transactions() -> Block {
    let header = Header {
        number: 7,
        timestamp: 0x6553_f100,
        base_fee_per_gas: Some(1_000),
        gas_limit: 160_000_000,
        gas_used: 96_000,
        extra_data: Bytes::from_static(&[0, 250]),
        mix_hash: B256::repeat_byte(9),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        withdrawals_root: Some(alloy_consensus::EMPTY_ROOT_HASH),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(alloy_eips::eip7685::EMPTY_REQUESTS_HASH),
        block_access_list_hash: Some(B256::repeat_byte(3)),
        ..Header::default()
    };
    // The block's own work: r = s = 0, no chain id.
    let system = TxLegacy {
        gas_price: 0,
        to: TxKind::Call(BOB),
        ..TxLegacy::default()
    };
    let system = system.into_signed(Signature::new(U256::ZERO, U256::ZERO, false));
    let user = TxEip1559 {
        chain_id: 31337,
        nonce: 4,
        gas_limit: 60_000,
        max_fee_per_gas: 5_000,
        max_priority_fee_per_gas: 200,
        to: TxKind::Create,
        ..TxEip1559::default()
    };
    let user = user.into_signed(Signature::new(U256::from(1), U256::from(2), true));
    let logs = |count: usize| vec![Log::new_unchecked(BOB, vec![TOPIC], Bytes::new()); count];
    let receipt = |cumulative_gas_used, logs| {
        Receipt {
            status: true.into(),
            cumulative_gas_used,
            logs,
        }
        .with_bloom()
    };
    Block::new(
        Sealed::new(header),
        vec![
            Recovered::new_unchecked(EthereumTxEnvelope::Legacy(system), ALICE),
            Recovered::new_unchecked(EthereumTxEnvelope::Eip1559(user), ALICE),
        ],
        vec![
            ReceiptEnvelope::Legacy(receipt(36_000, logs(2))),
            ReceiptEnvelope::Eip1559(receipt(96_000, logs(1))),
        ],
        Bytes::from_static(&[0xc0]),
    )
}

#[test]
fn a_block_has_every_field_that_clients_read() {
    let made = two_transactions();
    let json = serde_json::to_value(block(&made, Transactions::Hashes)).unwrap();
    let expected = json!({
        "number": "0x7", "timestamp": "0x6553f100", "baseFeePerGas": "0x3e8", "gasLimit": "0x9896800",
        "gasUsed": "0x17700", "difficulty": "0x0", "nonce": "0x0000000000000000", "extraData": "0x00fa",
        "mixHash": B256::repeat_byte(9), "blobGasUsed": "0x0", "excessBlobGas": "0x0",
        "blockAccessListHash": B256::repeat_byte(3), "uncles": [], "withdrawals": [],
        "hash": made.hash(), "transactions": [made.transactions[0].tx_hash(), made.transactions[1].tx_hash()],
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&json[field], value, "{field}");
    }
    for field in [
        "parentHash",
        "sha3Uncles",
        "miner",
        "stateRoot",
        "transactionsRoot",
        "receiptsRoot",
        "logsBloom",
        "size",
        "withdrawalsRoot",
        "parentBeaconBlockRoot",
        "requestsHash",
    ] {
        assert!(json[field].is_string(), "{field} is missing");
    }
}

#[test]
fn full_transactions_stand_in_their_block() {
    let made = two_transactions();
    let json = serde_json::to_value(block(&made, Transactions::Full)).unwrap();
    let [system, user] = json["transactions"].as_array().unwrap().as_slice() else {
        panic!()
    };
    let expected = json!({
        "type": "0x0", "from": ALICE, "to": BOB, "nonce": "0x0", "r": "0x0", "s": "0x0", "v": "0x1b",
        "gasPrice": "0x0", "transactionIndex": "0x0", "blockNumber": "0x7", "blockHash": made.hash(),
    });
    check_fields(system, &expected);
    let expected = json!({
        "type": "0x2", "to": null, "gas": "0xea60", "maxFeePerGas": "0x1388", "maxPriorityFeePerGas": "0xc8",
        "gasPrice": "0x4b0", "chainId": "0x7a69", "input": "0x", "value": "0x0", "yParity": "0x1",
        "accessList": [], "transactionIndex": "0x1", "blockTimestamp": "0x6553f100",
    });
    check_fields(user, &expected);
}

#[test]
fn a_waiting_transaction_has_no_place() {
    let made = two_transactions();
    let json = serde_json::to_value(pending_transaction(&made.transactions[1])).unwrap();
    let expected = json!({
        "blockHash": null, "blockNumber": null, "transactionIndex": null, "gasPrice": "0x1388",
    });
    check_fields(&json, &expected);
}

#[test]
fn receipts_count_gas_and_logs_through_the_block() {
    let made = two_transactions();
    let all = receipts(&made);
    let json = serde_json::to_value(&all).unwrap();
    check_fields(
        &json[0],
        &json!({
            "type": "0x0", "status": "0x1", "gasUsed": "0x8ca0", "cumulativeGasUsed": "0x8ca0",
            "effectiveGasPrice": "0x0", "contractAddress": null, "to": BOB, "transactionIndex": "0x0",
        }),
    );
    check_fields(
        &json[1],
        &json!({
            "type": "0x2", "gasUsed": "0xea60", "cumulativeGasUsed": "0x17700", "effectiveGasPrice": "0x4b0",
            "contractAddress": ALICE.create(4), "to": null, "blockNumber": "0x7", "blockHash": made.hash(),
        }),
    );
    check_fields(
        &json[1]["logs"][0],
        &json!({
            "address": BOB, "topics": [TOPIC], "data": "0x", "logIndex": "0x2", "transactionIndex": "0x1",
            "blockTimestamp": "0x6553f100", "removed": false, "transactionHash": made.transactions[1].tx_hash(),
        }),
    );
    for (index, expected) in all.iter().enumerate() {
        assert_eq!(
            receipt(&made, index).as_ref(),
            Some(expected),
            "one by one is the same as all"
        );
    }
    assert_eq!(receipt(&made, 2), None);
    assert_eq!(transaction(&made, 2), None);
}

fn check_fields(json: &Value, expected: &Value) {
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(json.get(field), Some(value), "{field} in {json:#}");
    }
}
