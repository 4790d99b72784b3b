//! What keys sign (EIP-712), so that anybody may carry it.

use alloy_primitives::{Address, B256, U256, b256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS,
    IJobs::{Hold, OfferTerms, Signature, Voucher},
    error::JobsBadSignature,
};
use crate::revert;

/// `keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")`.
const DOMAIN_TYPEHASH: B256 =
    b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");
const DOMAIN_NAME: &str = "Capstan Jobs";
const DOMAIN_VERSION: &str = "1";

/// A machine says what it offers.
pub const OFFER_TYPE: &str = "Offer(uint64 machineId,uint32 classId,uint256 inputFloor,uint256 outputFloor,bool isOpen,uint64 sequence,string endpoint)";
/// A spending key binds units to a machine.
pub const HOLD_TYPE: &str = "Hold(address customer,address key,uint64 machineId,uint32 classId,uint64 sequence,uint256 amount,uint64 untilMs)";
/// A machine lets go of what is bound to it.
pub const CLOSE_TYPE: &str = "Close(bytes32 channel,uint64 sequence)";
/// A spending key and a machine agree what a channel owes for an epoch.
pub const VOUCHER_TYPE: &str = "Voucher(bytes32 channel,uint64 epoch,uint256 cost,uint256 largest,uint64 inputUnits,uint64 outputUnits,uint32 receipts,bytes32 root)";

/// What is signed: a type and its fields, each in a word.
fn digest(cx: &mut Ctx<'_>, kind: &str, fields: &impl SolValue) -> Result<B256, Halt> {
    let typehash = cx.store.keccak(kind.as_bytes())?;
    let message = [typehash.as_slice(), &fields.abi_encode()].concat();
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
    let domain = (DOMAIN_TYPEHASH, name_hash, version_hash, chain_id, ADDRESS).abi_encode();
    cx.store.keccak(&domain)
}

pub(super) fn offer_digest(cx: &mut Ctx<'_>, terms: &OfferTerms) -> Result<B256, Halt> {
    let endpoint_hash = cx.store.keccak(terms.endpoint.as_bytes())?;
    let fields = (
        terms.machineId,
        U256::from(terms.classId),
        terms.inputFloor,
        terms.outputFloor,
        U256::from(terms.isOpen),
        terms.sequence,
        endpoint_hash,
    );
    digest(cx, OFFER_TYPE, &fields)
}

pub(super) fn hold_digest(cx: &mut Ctx<'_>, terms: &Hold) -> Result<B256, Halt> {
    let fields = (
        terms.customer,
        terms.key,
        terms.machineId,
        U256::from(terms.classId),
        terms.sequence,
        terms.amount,
        terms.untilMs,
    );
    digest(cx, HOLD_TYPE, &fields)
}

pub(super) fn close_digest(cx: &mut Ctx<'_>, channel: B256, sequence: u64) -> Result<B256, Halt> {
    digest(cx, CLOSE_TYPE, &(channel, sequence))
}

pub(super) fn voucher_digest(cx: &mut Ctx<'_>, voucher: &Voucher) -> Result<B256, Halt> {
    let fields = (
        voucher.channel,
        voucher.epoch,
        voucher.cost,
        voucher.largest,
        voucher.inputUnits,
        voucher.outputUnits,
        U256::from(voucher.receipts),
        voucher.root,
    );
    digest(cx, VOUCHER_TYPE, &fields)
}

/// Whether somebody says this: he calls, or signed it (JOB-7).
pub(super) fn is_said(
    cx: &mut Ctx<'_>,
    who: Address,
    digest: B256,
    signature: &Signature,
) -> Result<bool, Halt> {
    if cx.caller() == who {
        return Ok(true);
    }
    let signer = cx
        .store
        .recover(digest, signature.v, signature.r, signature.s)?;
    Ok(signer == Some(who) && !who.is_zero())
}

/// Refuses what somebody does not say.
///
/// # Errors
/// `JobsBadSignature`.
pub(super) fn expect_said(
    cx: &mut Ctx<'_>,
    who: Address,
    digest: B256,
    signature: &Signature,
) -> Result<(), Halt> {
    if is_said(cx, who, digest, signature)? {
        return Ok(());
    }
    Err(revert(&JobsBadSignature { key: who }))
}
