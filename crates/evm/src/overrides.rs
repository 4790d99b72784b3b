//! What a developer sets by hand (`anvil_setBalance` and its like), applied inside a block.
//!
//! It goes through the journal as any write does, so the access list, tracers and replays see it. Whether
//! a chain takes such transactions at all is decided above: a production chain refuses every one.

use alloy_primitives::{Bytes, KECCAK256_EMPTY};
use alloy_sol_types::SolValue;
use capstan_contracts::error::NativeBadCalldata;
use capstan_contracts::revert;
use capstan_contracts::system::{AccountOverride, DevOverride};
use capstan_state::{Halt, Store};
use revm::Inspector;
use revm::bytecode::Bytecode;
use revm::context::{ContextTr, JournalTr};
use revm::context_interface::journaled_state::account::JournaledAccountTr;

use crate::StateError;
use crate::store::RevmStore;
use crate::trace::EvmContext;

/// Metered like the dearest thing that it may be: a fresh storage word.
const WORD_GAS: u64 = 22_100;

/// Applies the calldata of a `DevOverride` transaction.
pub(crate) fn apply<I: Inspector<EvmContext>>(
    store: &mut RevmStore<'_, '_, I>,
    input: &[u8],
) -> Result<Bytes, Halt> {
    let wanted = DevOverride::abi_decode(input).map_err(|_| {
        revert(&NativeBadCalldata {
            selector: Default::default(),
        })
    })?;
    for account in &wanted.accounts {
        let words = u64::try_from(account.slots.len())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        store.charge(words.saturating_mul(WORD_GAS))?;
        if let Err(error) = write(store.ctx(), account) {
            return Err(store.fatal(error.into()));
        }
    }
    Ok(Bytes::new())
}

fn write(ctx: &mut EvmContext, wanted: &AccountOverride) -> Result<(), StateError> {
    let journal = ctx.journal_mut();
    let mut account = journal.load_account_with_code_mut(wanted.account)?.data;
    account.touch();
    if wanted.hasBalance {
        account.set_balance(wanted.balance);
    }
    if wanted.hasNonce {
        account.set_nonce(wanted.nonce);
    }
    if wanted.hasCode {
        if wanted.code.is_empty() {
            account.set_code(KECCAK256_EMPTY, Bytecode::default());
        } else {
            // Bytes that only look like an EIP-7702 delegation are plain code.
            let code = Bytecode::new_raw_checked(wanted.code.clone())
                .unwrap_or_else(|_| Bytecode::new_legacy(wanted.code.clone()));
            account.set_code_and_hash_slow(code);
        }
    }
    for slot in &wanted.slots {
        journal.sstore(wanted.account, slot.slot, slot.word)?;
    }
    Ok(())
}
