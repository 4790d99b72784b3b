//! `eth_getProof`, verified with alloy-trie against the header's state root.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rpc_types_eth::EIP1186AccountProofResponse;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, proof::verify_proof};
use serde_json::json;

use super::code;
use super::node::{Node, Send};

fn verify(root: B256, key: &[u8], value: Option<Vec<u8>>, nodes: &[Bytes]) {
    let path = Nibbles::unpack(keccak256(key));
    verify_proof(root, path, value, nodes).unwrap_or_else(|error| panic!("{error}"));
}

async fn check(node: &Node, address: Address, slots: &[(u64, u64)], block: &str) {
    let keys: Vec<B256> = slots
        .iter()
        .map(|(slot, _)| B256::from(U256::from(*slot)))
        .collect();
    let answer = node.ok("eth_getProof", json!([address, keys, block])).await;
    let proof: EIP1186AccountProofResponse = serde_json::from_value(answer).expect("a proof");
    let header = node.ok("eth_getBlockByNumber", json!([block, false])).await;
    let root: B256 = header["stateRoot"].as_str().unwrap().parse().unwrap();
    let account = TrieAccount {
        nonce: proof.nonce,
        balance: proof.balance,
        storage_root: proof.storage_hash,
        code_hash: proof.code_hash,
    };
    let exists = account != TrieAccount::default();
    let leaf = exists.then(|| alloy_rlp::encode(account));
    verify(root, address.as_slice(), leaf, &proof.account_proof);
    assert_eq!(proof.storage_proof.len(), slots.len());
    for ((slot, expected), proven) in slots.iter().zip(&proof.storage_proof) {
        assert_eq!(proven.value, U256::from(*expected), "slot {slot}");
        let value = (*expected != 0).then(|| alloy_rlp::encode(U256::from(*expected)));
        if proof.storage_hash == EMPTY_ROOT_HASH {
            assert_eq!(value, None);
            continue;
        }
        let key = B256::from(U256::from(*slot));
        verify(proof.storage_hash, key.as_slice(), value, &proven.proof);
    }
    let balance = node.ok("eth_getBalance", json!([address, block])).await;
    assert_eq!(balance, json!(proof.balance));
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_verify_against_the_state_root() {
    let node = Node::start().await;
    let slots = node.deploy(&code::eight_slots()).await;
    node.send(Send::to(0, slots).input(U256::from(7).to_be_bytes_vec()));
    node.mine().await;
    check(
        &node,
        slots,
        &[(0, 7), (7, 7), (8, 0), (1 << 40, 0)],
        "latest",
    )
    .await;
    check(&node, node.address(0), &[], "latest").await;
    check(&node, node.address(0), &[(0, 0)], "latest").await;
    check(&node, Address::repeat_byte(0x77), &[(3, 0)], "latest").await;
    let absent = node
        .ok(
            "eth_getProof",
            json!([Address::repeat_byte(0x77), [], "latest"]),
        )
        .await;
    assert_eq!(absent["codeHash"], json!(KECCAK256_EMPTY));
    assert_eq!(absent["storageHash"], json!(EMPTY_ROOT_HASH));
    let many: Vec<String> = (0..1_025).map(|slot| format!("{slot:#x}")).collect();
    assert_eq!(
        node.fault("eth_getProof", json!([slots, many, "latest"]))
            .await
            .code,
        -32602
    );
}

/// Native contracts keep their state as any account does, so it can be proven.
#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_native_contracts_is_proven() {
    let node = Node::start().await;
    let list = node.ok("capstan_contracts", json!([])).await;
    let ether = list
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == json!("ether"))
        .unwrap();
    let ether: Address = ether["address"].as_str().unwrap().parse().unwrap();
    // approve(spender, 5): the allowance is a slot of the contract.
    let mut approve = vec![0x09, 0x5e, 0xa7, 0xb3];
    approve.extend(node.address(1).into_word());
    approve.extend(B256::from(U256::from(5)));
    node.send(Send::to(0, ether).input(approve));
    node.mine().await;
    let touched = node.ok("eth_getBlockAccessList", json!(["latest"])).await;
    let account = touched
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["address"] == json!(ether))
        .unwrap();
    let slots: Vec<String> = account["storageChanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            change["key"]
                .as_str()
                .or(change["slot"].as_str())
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(!slots.is_empty(), "{account}");
    let answer = node
        .ok("eth_getProof", json!([ether, slots, "latest"]))
        .await;
    let proof: EIP1186AccountProofResponse = serde_json::from_value(answer).expect("a proof");
    assert_ne!(proof.storage_hash, EMPTY_ROOT_HASH);
    assert_ne!(proof.code_hash, KECCAK256_EMPTY, "the marker stands there");
    let header = node.chain.head().header.clone();
    let leaf = alloy_rlp::encode(TrieAccount {
        nonce: proof.nonce,
        balance: proof.balance,
        storage_root: proof.storage_hash,
        code_hash: proof.code_hash,
    });
    verify(
        header.state_root,
        ether.as_slice(),
        Some(leaf),
        &proof.account_proof,
    );
    for proven in &proof.storage_proof {
        let key = proven.key.as_b256();
        let value = (!proven.value.is_zero()).then(|| alloy_rlp::encode(proven.value));
        verify(proof.storage_hash, key.as_slice(), value, &proven.proof);
        let word = node
            .ok("eth_getStorageAt", json!([ether, key, "latest"]))
            .await;
        assert_eq!(word, json!(B256::from(proven.value)));
    }
    assert!(
        proof
            .storage_proof
            .iter()
            .any(|proven| proven.value == U256::from(5))
    );
}
