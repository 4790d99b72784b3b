//! What a developer changed by hand: visible at once as an overlay, written by the next block.

use std::sync::Arc;

use alloy_primitives::{Bytes, KECCAK256_EMPTY, keccak256};
use alloy_sol_types::SolValue as _;
use capstan_contracts::system::{AccountOverride, DevOverride};
use capstan_evm::{StateDiff, StateError, StateRead};

/// One change of one account.
pub(crate) type Override = AccountOverride;

/// Changes of one transaction, so that its gas suffices; and of one block, so that the block's does.
const PER_TRANSACTION: usize = 256;
pub(crate) const PER_BLOCK: usize = 3 * PER_TRANSACTION;

/// Calldata of the `DevOverride` transactions that write them.
pub(super) fn calldata(overrides: &[Override]) -> Vec<Bytes> {
    let encode = |accounts: &[Override]| {
        DevOverride {
            accounts: accounts.to_vec(),
        }
        .abi_encode()
    };
    overrides
        .chunks(PER_TRANSACTION)
        .map(|chunk| encode(chunk).into())
        .collect()
}

/// Lays one change over `overlay`, which lies over `base`.
pub(crate) fn apply(
    overlay: &mut Arc<StateDiff>,
    change: &Override,
    base: &dyn StateRead,
) -> Result<(), StateError> {
    let info = match overlay.accounts.get(&change.account) {
        Some(account) => account.info,
        None => base.account(change.account)?,
    };
    let mut info = info.unwrap_or_default();
    let overlay = Arc::make_mut(overlay);
    if change.hasBalance {
        info.balance = change.balance;
    }
    if change.hasNonce {
        info.nonce = change.nonce;
    }
    if change.hasCode {
        info.code_hash = KECCAK256_EMPTY;
        if !change.code.is_empty() {
            info.code_hash = keccak256(&change.code);
            overlay.codes.insert(info.code_hash, change.code.clone());
        }
    }
    let account = overlay.accounts.entry(change.account).or_default();
    // An account with storage alone is kept visible too, though Ethereum counts it as empty.
    account.info = (!info.is_empty()).then_some(info);
    account
        .storage
        .extend(change.slots.iter().map(|slot| (slot.slot, slot.word)));
    Ok(())
}
