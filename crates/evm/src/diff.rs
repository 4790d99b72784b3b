//! What a block left behind: post-values only, in one fixed order.

use std::collections::BTreeMap;

use alloy_eip7928::{AccountChanges, BlockAccessList};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};

use revm::state::EvmState;

use crate::overlay::plain;
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
    /// Adds what the next transaction left, as far as one transaction tells: an account that went is passed over, and code is
    /// not collected. It is for whoever follows a block that still runs, and compares with its whole difference at the end.
    pub fn follow(&mut self, state: &EvmState) {
        for (address, account) in state {
            let is_gone =
                account.is_selfdestructed() || account.is_empty() && !account.is_created();
            if !account.is_touched() || is_gone {
                continue;
            }
            let mut slots = account.changed_storage_slots().peekable();
            if !account.is_changed() && slots.peek().is_none() {
                continue;
            }
            let left = self.accounts.entry(*address).or_default();
            left.info = Some(plain(&account.info));
            left.storage
                .extend(slots.map(|(slot, word)| (*slot, word.present_value)));
        }
    }

    /// Adds what the next transactions, or a next block, left together.
    pub fn follow_all(&mut self, next: &Self) {
        for (address, account) in &next.accounts {
            let left = self.accounts.entry(*address).or_default();
            left.info = account.info;
            left.storage
                .extend(account.storage.iter().map(|(slot, word)| (*slot, *word)));
        }
    }

    /// Reads the diff off an access list (EIP-7928): the last value of everything that it says was
    /// written. `base` is the state before the block, for the fields that the block did not write.
    ///
    /// A block's own diff is made by this same function, so redoing a block from its record after a
    /// crash cannot differ from having executed it.
    pub fn from_access_list(
        list: &BlockAccessList,
        base: &dyn StateRead,
    ) -> Result<Self, StateError> {
        let found = |id: usize| Ok(base.account(list[id].address)?.unwrap_or_default());
        Self::of_list(list, found)
    }

    /// The same, where the account of each place in the list is known otherwise.
    pub(crate) fn of_list(
        list: &[AccountChanges],
        found: impl Fn(usize) -> Result<AccountInfo, StateError>,
    ) -> Result<Self, StateError> {
        let mut codes = BTreeMap::new();
        // In order, so the map is built at once and not entry by entry.
        let mut accounts = Vec::with_capacity(list.len());
        for (id, changes) in list.iter().enumerate() {
            accounts.extend(Self::account_of(changes, || found(id), &mut codes)?);
        }
        let accounts = accounts.into_iter().collect();
        Ok(Self { accounts, codes })
    }

    /// What a list says was written of one account; `None`: nothing. `found`: the account, for the fields that were not written.
    /// Code that appeared is added to `codes`.
    pub(crate) fn account_of(
        changes: &AccountChanges,
        found: impl FnOnce() -> Result<AccountInfo, StateError>,
        codes: &mut BTreeMap<B256, Bytes>,
    ) -> Result<Option<(Address, AccountDiff)>, StateError> {
        let storage: BTreeMap<U256, U256> = changes.storage_post_states().collect();
        let balance = changes.balance_post_state();
        let nonce = changes.nonce_post_state();
        let code = changes.code_post_state();
        if storage.is_empty() && balance.is_none() && nonce.is_none() && code.is_none() {
            return Ok(None);
        }
        let mut info = found()?;
        info.balance = balance.unwrap_or(info.balance);
        info.nonce = nonce.unwrap_or(info.nonce);
        if let Some(code) = code {
            info.code_hash = if code.is_empty() {
                KECCAK256_EMPTY
            } else {
                keccak256(code)
            };
            if !code.is_empty() {
                codes.insert(info.code_hash, code.clone());
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
        Ok(Some((changes.address, account)))
    }
}
