//! Names of native contracts and their verbs, for traces and access lists.

use alloy_primitives::Address;
use capstan_contracts::{Entry, SystemKind, resolve};

/// What the block's own work is called where contracts have a name.
const SYSTEM: &str = "system";

/// Name of the native contract at an address, if there is one.
pub(crate) fn contract_at(address: Address) -> Option<&'static str> {
    if SystemKind::of_target(address).is_some() {
        return Some(SYSTEM);
    }
    resolve(address).map(|contract| contract.name)
}

/// Signature of the verb that a call into the native contract at `address` runs. The block's own work has no
/// selectors: its verb is the kind of work.
pub(crate) fn verb(address: Address, input: &[u8]) -> Option<&'static str> {
    if let Some(kind) = SystemKind::of_target(address) {
        return Some(kind.name());
    }
    let Entry::Verbs(verbs) = resolve(address)?.entry else {
        return None;
    };
    let selector = input.first_chunk::<4>()?;
    verbs
        .iter()
        .find(|verb| verb.selector == *selector)
        .map(|verb| verb.signature)
}
