//! The genesis block and its state.

use std::collections::BTreeMap;

use alloy_consensus::{EMPTY_ROOT_HASH, Header, constants::EMPTY_WITHDRAWALS};
use alloy_eips::{eip2935, eip4788, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Sealable as _, U256, keccak256};
use capstan_contracts::Place;
use capstan_evm::{AccountDiff, AccountInfo, StateDiff};

use capstan_state::{Halt, Store as _, mem::MemStore};

use super::{Genesis, GenesisError};
use crate::block::{Block, split_time_ms};

/// Hash of an access list without entries.
pub(crate) const EMPTY_ACCESS_LIST: [u8; 1] = [alloy_rlp::EMPTY_LIST_CODE];

/// Ethereum's own system contracts: ancestors' hashes, and the beacon roots that tools expect to exist.
fn ethereum_contracts() -> [(Address, Bytes); 2] {
    [
        (
            eip2935::HISTORY_STORAGE_ADDRESS,
            eip2935::HISTORY_STORAGE_CODE.clone(),
        ),
        (
            eip4788::BEACON_ROOTS_ADDRESS,
            eip4788::BEACON_ROOTS_CODE.clone(),
        ),
    ]
}

/// Whether genesis gives this address its content itself.
pub(super) fn is_reserved(address: Address) -> bool {
    address == capstan_evm::SYSTEM_SENDER
        || capstan_contracts::resolve(address).is_some()
        || ethereum_contracts()
            .iter()
            .any(|(reserved, _)| *reserved == address)
}

/// State after genesis, as what it changes over nothing.
pub(crate) fn genesis_diff(genesis: &Genesis) -> Result<StateDiff, GenesisError> {
    let mut diff = StateDiff::default();
    for (address, account) in &genesis.alloc {
        let words = account.storage.iter();
        let storage: BTreeMap<U256, U256> = words
            .map(|(slot, word)| (U256::from_be_bytes(slot.0), U256::from_be_bytes(word.0)))
            .filter(|(_, word)| !word.is_zero())
            .collect();
        put(
            &mut diff,
            *address,
            account.balance,
            account.nonce,
            &account.code,
            storage,
        );
    }
    for (address, code) in ethereum_contracts() {
        put(&mut diff, address, U256::ZERO, 1, &code, BTreeMap::new());
    }
    add_natives(genesis, &mut diff)?;
    Ok(diff)
}

/// Native contracts write their first state through the same trait as always, here over memory.
fn add_natives(genesis: &Genesis, diff: &mut StateDiff) -> Result<(), GenesisError> {
    let failed = |halt: Halt| GenesisError::Field {
        field: "native".into(),
        reason: format!("a contract refuses it: {halt:?}"),
    };
    let mut store = MemStore::new();
    let block = store.block_mut();
    block.chain_id = genesis.chain_id;
    block.number = 0;
    block.time_ms = genesis.time_ms;
    block.version = genesis.rules().version_at(0);
    capstan_contracts::genesis(&mut store, &genesis.native.contracts()).map_err(failed)?;
    let mut storage: BTreeMap<Address, BTreeMap<U256, U256>> = BTreeMap::new();
    for contract in capstan_contracts::all() {
        if let Place::At(at) = contract.place {
            storage.entry(at).or_default();
        }
    }
    for (at, slot, word) in store.words() {
        storage.entry(at).or_default().insert(slot, word);
    }
    for (at, storage) in storage {
        if store.code_size(at).map_err(failed)? > 0 {
            put(diff, at, store.coins(at), 0, &MARKER_CODE.into(), storage);
        }
    }
    Ok(())
}

/// What stands at every native address, so that it is not empty and Solidity finds code there.
const MARKER_CODE: [u8; 1] = [0xfe];

fn put(
    diff: &mut StateDiff,
    address: Address,
    balance: U256,
    nonce: u64,
    code: &Bytes,
    storage: BTreeMap<U256, U256>,
) {
    let mut info = AccountInfo {
        balance,
        nonce,
        code_hash: KECCAK256_EMPTY,
    };
    if !code.is_empty() {
        info.code_hash = keccak256(code);
        diff.codes.insert(info.code_hash, code.clone());
    }
    if !info.is_empty() || !storage.is_empty() {
        diff.accounts.insert(
            address,
            AccountDiff {
                info: Some(info),
                storage,
            },
        );
    }
}

/// The genesis block over the root of its state.
pub(crate) fn genesis_block(genesis: &Genesis, state_root: B256) -> Block {
    let (timestamp, extra_data) = split_time_ms(genesis.time_ms);
    let header = Header {
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        gas_limit: genesis.rules().gas_limit(),
        timestamp,
        extra_data,
        mix_hash: genesis.digest(),
        base_fee_per_gas: Some(genesis.initial_base_fee_wei),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        block_access_list_hash: Some(keccak256(EMPTY_ACCESS_LIST)),
        ..Header::default()
    };
    Block::new(
        header.seal_slow(),
        Vec::new(),
        Vec::new(),
        EMPTY_ACCESS_LIST.into(),
    )
}
