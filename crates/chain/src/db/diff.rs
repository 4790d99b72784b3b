//! What a block changed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::state::AccountInfo;

/// What a block changed, as values after it. What is not named did not change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Changed accounts.
    pub accounts: BTreeMap<Address, AccountDiff>,
    /// Code that appeared, by hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// What changed in one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDiff {
    /// The account after the block; `None` if it does not exist.
    pub info: Option<AccountInfo>,
    /// Changed slots after the block; zero is an empty slot.
    pub storage: BTreeMap<U256, U256>,
}
