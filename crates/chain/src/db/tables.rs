//! Tables and the bytes of their keys and values. Heights are big-endian, so that keys sort by them.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use capstan_evm::AccountInfo;

use super::{DbError, TxPosition};
use crate::{
    kv::{Schema, Table},
    trie::{NodeKey, Owner},
};

/// Version of the tables; a database of another version is refused.
pub const DB_VERSION: u32 = 1;

/// Names of the tables, in the order of the constants below.
pub const SCHEMA: Schema = &[
    "meta",
    "accounts",
    "storage",
    "code",
    "account_history",
    "storage_history",
    "changed",
    "trie_state",
    "trie_storage",
    "block_hash",
    "block_height",
    "transactions",
    "account_transactions",
    "log_blocks",
    "indexed",
];

/// Version, tip, floor of history, snapshots of derived indexes.
pub(super) const META: Table = Table(0);
/// address -> account.
pub(super) const ACCOUNTS: Table = Table(1);
/// address | slot -> value.
pub(super) const STORAGE: Table = Table(2);
/// hash -> code.
pub(super) const CODE: Table = Table(3);
/// address | height -> account after that block, empty if there was none.
pub(super) const ACCOUNT_HISTORY: Table = Table(4);
/// address | slot | height -> value after that block, empty for zero.
pub(super) const STORAGE_HISTORY: Table = Table(5);
/// height -> keys that the block changed.
pub(super) const CHANGED: Table = Table(6);
/// path -> node of the trie of accounts.
pub(super) const TRIE_STATE: Table = Table(7);
/// address | path -> node of a storage trie.
pub(super) const TRIE_STORAGE: Table = Table(8);
/// height -> hash | state root.
pub(super) const BLOCK_HASH: Table = Table(9);
/// hash -> height.
pub(super) const BLOCK_HEIGHT: Table = Table(10);
/// first 8 bytes of the hash | height | index -> nothing.
pub(super) const TRANSACTIONS: Table = Table(11);
/// address | height -> indexes in the block.
pub(super) const ACCOUNT_TRANSACTIONS: Table = Table(12);
/// fingerprint of an address or topic | height -> nothing.
pub(super) const LOG_BLOCKS: Table = Table(13);

/// height -> keys of the three tables above that the block added, so that a rewind can remove them.
pub(super) const INDEXED: Table = Table(14);

/// Joins the parts of a key.
pub(super) fn key(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A key that ends with a height.
pub(super) fn at_height(prefix: &[u8], height: u64) -> Vec<u8> {
    key(&[prefix, &height.to_be_bytes()])
}

/// The height at the end of a key.
pub(super) fn height_of(key: &[u8]) -> Result<u64, DbError> {
    key.last_chunk::<8>()
        .map(|bytes| u64::from_be_bytes(*bytes))
        .ok_or_else(|| DbError::damaged("a key without a height"))
}

/// Key of a slot.
pub(super) fn slot_key(address: &Address, slot: &U256) -> Vec<u8> {
    key(&[address.as_slice(), &slot.to_be_bytes::<32>()])
}

/// Table and key of a trie node: one byte per nibble.
pub(super) fn node_key(node: &NodeKey) -> (Table, Vec<u8>) {
    let path = node.path.to_vec();
    match node.owner {
        Owner::State => (TRIE_STATE, path),
        Owner::Account(address) => (TRIE_STORAGE, key(&[address.as_slice(), &path])),
    }
}

/// An account; `None` becomes nothing at all.
pub(super) fn put_account(info: Option<&AccountInfo>) -> Vec<u8> {
    let Some(info) = info else { return Vec::new() };
    let mut out = Vec::with_capacity(64);
    let code = (info.code_hash != KECCAK256_EMPTY).then_some(info.code_hash);
    out.push(u8::from(code.is_some()));
    out.extend_from_slice(&info.nonce.to_be_bytes());
    out.extend_from_slice(code.as_ref().map_or(&[][..], |hash| hash.as_slice()));
    out.extend_from_slice(&put_word(info.balance));
    out
}

/// Reads an account.
pub(super) fn take_account(bytes: &[u8]) -> Result<Option<AccountInfo>, DbError> {
    let damaged = || DbError::damaged("an account that cannot be read");
    let Some((&has_code, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let (nonce, mut rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
    let mut code_hash = KECCAK256_EMPTY;
    if has_code == 1 {
        let (hash, after) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        code_hash = B256::from(*hash);
        rest = after;
    }
    let balance = take_word(rest)?;
    Ok(Some(AccountInfo {
        nonce: u64::from_be_bytes(*nonce),
        balance,
        code_hash,
    }))
}

/// A word without its leading zeros; zero becomes nothing at all.
pub(super) fn put_word(word: U256) -> Vec<u8> {
    word.to_be_bytes_trimmed_vec()
}

/// Reads a word.
pub(super) fn take_word(bytes: &[u8]) -> Result<U256, DbError> {
    U256::try_from_be_slice(bytes).ok_or_else(|| DbError::damaged("a word longer than 32 bytes"))
}

/// Eight bytes that stand for an emitter (`position` 4) or a topic at its position. Different ones may
/// share a fingerprint; then a block is looked at in vain, and nothing is missed.
pub(super) fn log_fingerprint(position: u8, bytes: &[u8]) -> [u8; 8] {
    let hash = keccak256([&[position], bytes].concat());
    let mut out = [0; 8];
    out.copy_from_slice(&hash[..8]);
    out
}

/// Position that stands for the emitter in [`log_fingerprint`].
pub(super) const EMITTER: u8 = 4;

/// Key of a transaction.
pub(super) fn transaction_key(hash: &B256, position: TxPosition) -> Vec<u8> {
    key(&[
        &hash[..8],
        &position.height.to_be_bytes(),
        &position.index.to_be_bytes(),
    ])
}

/// Indexes of an account's transactions in a block.
pub(super) fn put_indexes(indexes: &[u32]) -> Vec<u8> {
    indexes
        .iter()
        .flat_map(|index| index.to_be_bytes())
        .collect()
}

/// Reads indexes.
pub(super) fn take_indexes(bytes: &[u8]) -> Result<Vec<u32>, DbError> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(DbError::damaged(
            "a list of transactions that cannot be read",
        ));
    }
    Ok(chunks
        .iter()
        .map(|chunk| u32::from_be_bytes(*chunk))
        .collect())
}

/// Accounts that a block changed, and which of their slots.
pub(super) type ChangedKeys = Vec<(Address, Vec<U256>)>;

pub(super) fn put_changed(changed: &ChangedKeys) -> Vec<u8> {
    let mut out = Vec::new();
    for (address, slots) in changed {
        out.extend_from_slice(address.as_slice());
        // A block cannot hold four billion changes.
        out.extend_from_slice(&(slots.len() as u32).to_be_bytes());
        for slot in slots {
            out.extend_from_slice(&slot.to_be_bytes::<32>());
        }
    }
    out
}

pub(super) fn take_changed(mut bytes: &[u8]) -> Result<ChangedKeys, DbError> {
    let damaged = || DbError::damaged("a list of changes that cannot be read");
    let mut changed = Vec::new();
    while !bytes.is_empty() {
        let (address, rest) = bytes.split_first_chunk::<20>().ok_or_else(damaged)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let slot_bytes = u32::from_be_bytes(*count) as usize * 32;
        let (slots, rest) = rest.split_at_checked(slot_bytes).ok_or_else(damaged)?;
        let slots = slots
            .as_chunks::<32>()
            .0
            .iter()
            .map(|slot| U256::from_be_bytes(*slot))
            .collect();
        changed.push((Address::from(*address), slots));
        bytes = rest;
    }
    Ok(changed)
}

/// Keys of several tables.
pub(super) fn put_keys(keys: &[(Table, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (table, key) in keys {
        // No key of an index is longer than 28 bytes.
        out.extend_from_slice(&[table.0, key.len() as u8]);
        out.extend_from_slice(key);
    }
    out
}

pub(super) fn take_keys(mut bytes: &[u8]) -> Result<Vec<(Table, Vec<u8>)>, DbError> {
    let damaged = || DbError::damaged("a list of index keys that cannot be read");
    let mut keys = Vec::new();
    while !bytes.is_empty() {
        let ([table, len], rest) = bytes.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (key, rest) = rest
            .split_at_checked(usize::from(*len))
            .ok_or_else(damaged)?;
        keys.push((Table(*table), key.to_vec()));
        bytes = rest;
    }
    Ok(keys)
}
