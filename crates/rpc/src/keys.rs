//! Unlocked accounts of a development chain: keys derived from the well-known mnemonic.
//!
//! Not here: keys of a real node (there are none; wallets sign), impersonation (no key at all, see
//! `dev/`).

use std::collections::HashMap;

use alloy_primitives::Address;
use alloy_signer_local::{LocalSignerError, MnemonicBuilder, PrivateKeySigner};

use crate::config::DevKeysConfig;

/// Why the development keys could not be derived.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The words or the path are wrong.
    #[error("cannot derive development account {index}: {reason}; check the words of the mnemonic")]
    Derive {
        /// Number of the account.
        index: u32,
        /// What the derivation said.
        reason: String,
    },
}

/// The unlocked accounts, in order of derivation.
#[derive(Clone, Debug, Default)]
pub struct DevKeys {
    signers: Vec<PrivateKeySigner>,
    by_address: HashMap<Address, usize>,
}

impl DevKeys {
    /// Derives the accounts `m/44'/60'/0'/0/{0..count}`.
    pub fn derive(config: &DevKeysConfig) -> Result<Self, KeysError> {
        let failed = |index| {
            move |reason: LocalSignerError| KeysError::Derive {
                index,
                reason: reason.to_string(),
            }
        };
        // The seed costs thousands of hash rounds, so the children share a parent.
        let parent = MnemonicBuilder::from_phrase(config.mnemonic.as_str())
            .build_parent_key()
            .map_err(failed(0))?;
        let mut keys = Self::default();
        for index in 0..config.account_count {
            let signer = parent.child(index).map_err(failed(index))?.signer();
            keys.by_address.insert(signer.address(), keys.signers.len());
            keys.signers.push(signer);
        }
        Ok(keys)
    }

    /// Addresses in order.
    pub fn addresses(&self) -> Vec<Address> {
        self.signers.iter().map(PrivateKeySigner::address).collect()
    }

    /// The key of `address`, if it is one of ours.
    pub fn signer(&self, address: Address) -> Option<&PrivateKeySigner> {
        self.by_address
            .get(&address)
            .map(|&index| &self.signers[index])
    }

    /// All keys in order.
    pub fn signers(&self) -> &[PrivateKeySigner] {
        &self.signers
    }
}
