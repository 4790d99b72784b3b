//! Places of the state by name.

use alloy_primitives::{Address, U256};
use capstan_contracts::resolve;
use capstan_evm::record::Location;
use capstan_state::{describe, field_of};
use serde::Serialize;

use crate::labels;

/// An account or a word, as its contract calls it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamedPlace {
    pub(super) address: Address,
    /// Null unless it is a native contract's.
    pub(super) contract: Option<&'static str>,
    /// Null for the account itself: coins, nonce and code.
    pub(super) slot: Option<U256>,
    /// The field of the contract's layout.
    pub(super) field: Option<&'static str>,
    /// The word within the field.
    pub(super) name: Option<String>,
}

impl NamedPlace {
    pub(super) fn of(Location { address, slot }: Location) -> Self {
        let layout = resolve(address).map(|contract| contract.layout);
        let word = layout.zip(slot);
        Self {
            address,
            contract: labels::contract_at(address),
            slot,
            field: word.and_then(|(layout, slot)| Some(field_of(layout, slot)?.name)),
            name: word.and_then(|(layout, slot)| describe(layout, slot)),
        }
    }
}
