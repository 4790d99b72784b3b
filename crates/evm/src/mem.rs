//! State in memory: for the state tests, for tests, and for whoever wants to execute without a chain.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::TrieAccount;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};

use crate::{AccountInfo, StateDiff, StateError, StateRead};

/// Accounts, storage and code in ordered maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemState {
    accounts: BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>,
    codes: BTreeMap<B256, Bytes>,
    hashes: BTreeMap<u64, B256>,
}

impl MemState {
    /// Nothing at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an account, replacing what was there.
    pub fn put(
        &mut self,
        address: Address,
        balance: U256,
        nonce: u64,
        code: Bytes,
        storage: impl IntoIterator<Item = (U256, U256)>,
    ) {
        let code_hash = if code.is_empty() {
            KECCAK256_EMPTY
        } else {
            keccak256(&code)
        };
        if !code.is_empty() {
            self.codes.insert(code_hash, code);
        }
        let storage = storage
            .into_iter()
            .filter(|(_, word)| !word.is_zero())
            .collect();
        self.accounts.insert(
            address,
            (
                AccountInfo {
                    balance,
                    nonce,
                    code_hash,
                },
                storage,
            ),
        );
    }

    /// Makes a block's hash known to BLOCKHASH.
    pub fn put_hash(&mut self, number: u64, hash: B256) {
        self.hashes.insert(number, hash);
    }

    /// Applies what a block left behind.
    pub fn apply(&mut self, diff: &StateDiff) {
        for (address, change) in &diff.accounts {
            let Some(info) = change.info else {
                self.accounts.remove(address);
                continue;
            };
            let account = self.accounts.entry(*address).or_default();
            account.0 = info;
            for (slot, word) in &change.storage {
                set_slot(&mut account.1, *slot, *word);
            }
        }
        self.codes
            .extend(diff.codes.iter().map(|(hash, code)| (*hash, code.clone())));
    }

    /// Writes one account as execution left it; `detached`: what was stored before is gone.
    pub(crate) fn settle(
        &mut self,
        address: Address,
        info: Option<AccountInfo>,
        detached: bool,
        storage: impl Iterator<Item = (U256, U256)>,
    ) {
        let Some(info) = info else {
            self.accounts.remove(&address);
            return;
        };
        let account = self.accounts.entry(address).or_default();
        account.0 = info;
        if detached {
            account.1.clear();
        }
        for (slot, word) in storage {
            set_slot(&mut account.1, slot, word);
        }
    }

    /// Ethereum's state root, computed from scratch.
    pub fn root(&self) -> B256 {
        state_root_unhashed(self.accounts.iter().map(|(address, (info, storage))| {
            let storage_root = storage_root_unhashed(
                storage
                    .iter()
                    .map(|(slot, word)| (B256::from(*slot), *word)),
            );
            let account = TrieAccount {
                nonce: info.nonce,
                balance: info.balance,
                storage_root,
                code_hash: info.code_hash,
            };
            (*address, account)
        }))
    }
}

fn set_slot(storage: &mut BTreeMap<U256, U256>, slot: U256, word: U256) {
    if word.is_zero() {
        storage.remove(&slot);
    } else {
        storage.insert(slot, word);
    }
}

impl StateRead for MemState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.accounts.get(&address).map(|(info, _)| *info))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let word = self
            .accounts
            .get(&address)
            .and_then(|(_, storage)| storage.get(&slot));
        Ok(word.copied().unwrap_or_default())
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.codes
            .get(&hash)
            .cloned()
            .ok_or(StateError::MissingCode(hash))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        Ok(self.hashes.get(&number).copied().unwrap_or_default())
    }
}
