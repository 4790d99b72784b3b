//! The state below a block: what execution reads, and nothing else.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};

use crate::StateError;

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Gas coins, in wei.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Keccak-256 of the code; [`KECCAK256_EMPTY`] if there is none.
    pub code_hash: B256,
}

impl Default for AccountInfo {
    fn default() -> Self {
        Self {
            balance: U256::ZERO,
            nonce: 0,
            code_hash: KECCAK256_EMPTY,
        }
    }
}

impl AccountInfo {
    /// Whether EIP-161 counts this account as absent.
    pub fn is_empty(&self) -> bool {
        self.balance.is_zero() && self.nonce == 0 && self.code_hash == KECCAK256_EMPTY
    }
}

/// State at one block, as execution sees it. Object-safe; answers never change under a reader.
pub trait StateRead: Send + Sync {
    /// The account, or `None` where there is none.
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError>;
    /// A storage word; zero where nothing is stored.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;
    /// Code by its hash. Asked only for hashes that an account names.
    fn code(&self, hash: B256) -> Result<Bytes, StateError>;
    /// Hash of an ancestor block, for the 256 most recent heights; zero for what is older.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;
}

impl<S: StateRead + ?Sized> StateRead for std::sync::Arc<S> {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        (**self).account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        (**self).storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        (**self).code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        (**self).block_hash(number)
    }
}
