//! Development accounts. Their keys are public knowledge.

use alloy_primitives::{Address, keccak256};
use alloy_signer_local::{
    LocalSignerError, MnemonicBuilder, PrivateKeySigner,
    coins_bip39::{English, Mnemonic},
};
use capstan_chain::DEV_MNEMONIC;
use eyre::{OptionExt, Result, WrapErr};

/// Words of the BIP-39 list whose last one agrees with the others.
pub(crate) fn parse_mnemonic(text: &str) -> Result<String, String> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match Mnemonic::<English>::new_from_phrase(&words) {
        Ok(_) => Ok(words),
        Err(error) => Err(format!(
            "these are no words of an account ({error}): write 12 to 24 words of the English BIP-39 list, the last of \
             which is a checksum"
        )),
    }
}

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
