//! Batches by signature (EIP-712): somebody else pays the gas, the signer's bounds hold.

use alloy_primitives::{B256, Bytes, U256, b256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::AccountId;

use super::{
    IAccount::executeSignedCall,
    batch,
    error::{
        AccountBoundsMissed, AccountNonceUsed, AccountSignatureExpired, AccountSignatureInvalid,
    },
    operators, preview,
    state::AccountState,
};
use crate::revert;

const STATE: AccountState = AccountState::new();

/// `keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")`.
const DOMAIN_TYPEHASH: B256 =
    b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");

/// What a wallet shows and signs.
pub const BATCH_TYPE: &str = "Batch(address owner,uint8 index,bytes32 actionsHash,uint256 minHealth,uint256 maxDebt,uint256 nonce,uint64 deadlineMs)";
/// Name of the EIP-712 domain.
pub const DOMAIN_NAME: &str = "Capstan Account";
/// Version of the EIP-712 domain.
pub const DOMAIN_VERSION: &str = "1";

/// Runs a signed batch (ACC-8).
///
/// # Errors
/// `AccountInFlight`, `AccountSignatureExpired`, `AccountNonceUsed`, `AccountSignatureInvalid`, `AccountNotAuthorised`,
/// `AccountBoundsMissed`, and whatever the batch answers.
pub(super) fn execute(cx: &mut Ctx<'_>, call: executeSignedCall) -> Result<Vec<Bytes>, Halt> {
    let account: AccountId = call.account.clone().into();
    // The bounds hold at the end of the outermost batch; inside another one there is no such end yet.
    batch::expect_settled(cx)?;
    let now_ms = cx.store.block().time_ms;
    if now_ms > call.deadlineMs {
        return Err(revert(&AccountSignatureExpired {
            deadlineMs: call.deadlineMs,
            nowMs: now_ms,
        }));
    }
    let next = STATE.nonces.at(account).load(cx)?;
    if call.nonce != next {
        return Err(revert(&AccountNonceUsed {
            nonce: call.nonce,
            next,
        }));
    }
    let digest = digest(cx, &call)?;
    let signer = cx.store.recover(digest, call.v, call.r, call.s)?;
    if signer != Some(call.signer) || call.signer.is_zero() {
        return Err(revert(&AccountSignatureInvalid {
            signer: call.signer,
        }));
    }
    operators::expect_authorised(cx, account, call.signer)?;
    let used = next.checked_add(U256::ONE).ok_or_else(Halt::overflow)?;
    STATE.nonces.at(account).save(cx, used)?;
    let results = batch::run(
        &mut batch::in_name_of(cx, call.signer),
        account,
        &call.actions,
    )?;
    let report = preview::report(cx, account)?;
    if report.healthInitial < call.bounds.minHealth || report.debt > call.bounds.maxDebt {
        return Err(revert(&AccountBoundsMissed {
            health: report.healthInitial,
            minHealth: call.bounds.minHealth,
            debt: report.debt,
            maxDebt: call.bounds.maxDebt,
        }));
    }
    Ok(results)
}

/// What is signed: one function for whoever signs, checks or shows it.
pub(super) fn digest(cx: &mut Ctx<'_>, call: &executeSignedCall) -> Result<B256, Halt> {
    let actions_hash = cx.store.keccak(&call.actions.abi_encode())?;
    let typehash = cx.store.keccak(BATCH_TYPE.as_bytes())?;
    let message = (
        typehash,
        call.account.owner,
        U256::from(call.account.index),
        actions_hash,
        call.bounds.minHealth,
        call.bounds.maxDebt,
        call.nonce,
        U256::from(call.deadlineMs),
    )
        .abi_encode();
    let message_hash = cx.store.keccak(&message)?;
    let domain = domain_separator(cx)?;
    cx.store
        .keccak(&[b"\x19\x01".as_slice(), &domain.0, &message_hash.0].concat())
}

/// Ties a signature to this contract on this chain.
pub(super) fn domain_separator(cx: &mut Ctx<'_>) -> Result<B256, Halt> {
    let name_hash = cx.store.keccak(DOMAIN_NAME.as_bytes())?;
    let version_hash = cx.store.keccak(DOMAIN_VERSION.as_bytes())?;
    let chain_id = U256::from(cx.store.block().chain_id);
    let domain = (
        DOMAIN_TYPEHASH,
        name_hash,
        version_hash,
        chain_id,
        cx.this(),
    )
        .abi_encode();
    cx.store.keccak(&domain)
}

pub(super) fn nonce_of(cx: &mut Ctx<'_>, account: AccountId) -> Result<U256, Halt> {
    STATE.nonces.at(account).load(cx)
}
