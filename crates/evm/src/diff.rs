//! What a block left behind: post-values only, in one fixed order.

use std::collections::BTreeMap;

use alloy_eip7928::BlockAccessList;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};

use crate::{AccountInfo, StateError, StateRead};

/// What a block left behind of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDiff {
    /// The account after the block. `None`: it does not exist (any more), and has no storage.
    pub info: Option<AccountInfo>,
    /// Written slots with their values after the block. Zero means: delete.
    pub storage: BTreeMap<U256, U256>,
}

/// What a block left behind: values after it, by address. Applying it twice is the same as once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Accounts with anything written.
    pub accounts: BTreeMap<Address, AccountDiff>,
    /// Code that appeared, by hash.
    pub codes: BTreeMap<B256, Bytes>,
}

impl StateDiff {
    /// Reads the diff off an access list (EIP-7928): the last value of everything that it says was
    /// written. `base` is the state before the block, for the fields that the block did not write.
    ///
    /// A block's own diff is made by this same function, so redoing a block from its record after a
    /// crash cannot differ from having executed it.
    pub fn from_access_list(
        list: &BlockAccessList,
        base: &dyn StateRead,
    ) -> Result<Self, StateError> {
        let mut diff = Self::default();
        for changes in list {
            let storage: BTreeMap<U256, U256> = changes.storage_post_states().collect();
            let balance = changes.balance_post_state();
            let nonce = changes.nonce_post_state();
            let code = changes.code_post_state();
            if storage.is_empty() && balance.is_none() && nonce.is_none() && code.is_none() {
                continue;
            }
            let mut info = base.account(changes.address)?.unwrap_or_default();
            info.balance = balance.unwrap_or(info.balance);
            info.nonce = nonce.unwrap_or(info.nonce);
            if let Some(code) = code {
                info.code_hash = if code.is_empty() {
                    KECCAK256_EMPTY
                } else {
                    keccak256(code)
                };
                if !code.is_empty() {
                    diff.codes.insert(info.code_hash, code.clone());
                }
            }
            let ended = info.is_empty();
            let account = AccountDiff {
                info: (!ended).then_some(info),
                // An account that ends takes its storage with it, also what the block wrote there.
                storage: match ended {
                    true => storage.into_keys().map(|slot| (slot, U256::ZERO)).collect(),
                    false => storage,
                },
            };
            diff.accounts.insert(changes.address, account);
        }
        Ok(diff)
    }
}
