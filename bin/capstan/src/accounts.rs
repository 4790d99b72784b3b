//! Development accounts. Their keys are public knowledge.

use alloy_primitives::{Address, keccak256};
use alloy_signer_local::{
    LocalSignerError, MnemonicBuilder, PrivateKeySigner,
    coins_bip39::{English, Mnemonic},
};
use capstan_chain::DEV_MNEMONIC;
use eyre::{OptionExt, Result, WrapErr};

/// The words behind the accounts of a seed: the well-known ones for 0, others for every other number.
pub(crate) fn mnemonic(seed: u64) -> Result<String> {
    if seed == 0 {
        return Ok(DEV_MNEMONIC.to_owned());
    }
    let entropy = keccak256(format!("capstan development accounts of seed {seed}"));
    let (half, _) = entropy
        .split_first_chunk::<16>()
        .ok_or_eyre("a hash has 32 bytes")?;
    Ok(Mnemonic::<English>::new_from_entropy((*half).into()).to_phrase())
}

/// The accounts `m/44'/60'/0'/0/0..count` of the words.
pub(crate) fn signers(mnemonic: &str, count: u32) -> Result<Vec<PrivateKeySigner>> {
    // The seed costs thousands of hash rounds, so the children share a parent.
    let derive = || {
        let parent = MnemonicBuilder::from_phrase(mnemonic).build_parent_key()?;
        (0..count)
            .map(|index| Ok(parent.child(index)?.signer()))
            .collect::<Result<_, LocalSignerError>>()
    };
    derive().wrap_err("the development accounts cannot be derived")
}

/// Their addresses.
pub(crate) fn addresses(signers: &[PrivateKeySigner]) -> Vec<Address> {
    signers.iter().map(PrivateKeySigner::address).collect()
}
