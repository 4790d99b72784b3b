//! Names of native contracts and their verbs, for traces and access lists.

use alloy_primitives::Address;
use capstan_contracts::{Entry, resolve};

/// Name of the native contract at an address, if there is one.
pub(crate) fn contract_at(address: Address) -> Option<&'static str> {
    resolve(address).map(|contract| contract.name)
}

/// Signature of the verb that a call into the native contract at `address` runs.
pub(crate) fn verb(address: Address, input: &[u8]) -> Option<&'static str> {
    let Entry::Verbs(verbs) = resolve(address)?.entry else {
        return None;
    };
    let selector = input.first_chunk::<4>()?;
    verbs
        .iter()
        .find(|verb| verb.selector == *selector)
        .map(|verb| verb.signature)
}
