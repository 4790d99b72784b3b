//! What machines sign (EIP-712), so that anybody may carry it.

use alloy_primitives::{Address, B256, U256, b256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{IMachines::Signature, error::*};
use crate::revert;

/// `keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")`.
const DOMAIN_TYPEHASH: B256 =
    b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");
const DOMAIN_NAME: &str = "Capstan Machines";
const DOMAIN_VERSION: &str = "1";

/// A key agrees to be a machine whose title somebody holds.
pub const REGISTRATION_TYPE: &str = "Registration(address holder,uint64 deadlineMs)";
/// Two keys agree that one follows the other.
pub const ROTATION_TYPE: &str = "Rotation(uint64 machineId,address newKey,uint64 deadlineMs)";
/// A key says something else about its machine.
pub const SPECIFICATION_TYPE: &str = "Specification(uint64 machineId,uint16 kind,uint32 region,bytes32 hash,string uri,uint64 sequence)";
/// A key says that its machine is there.
pub const BEAT_TYPE: &str = "Beat(uint64 machineId,uint64 timeMs)";
/// A key says what its machine measured.
pub const READINGS_TYPE: &str = "Readings(uint64 machineId,uint64 sequence,uint64 fromMs,uint64 toMs,bytes32 root,uint32 count,uint32 watts,uint16 decikelvin,uint16 utilisationBps)";
/// A key commits to the output of a challenge.
pub const ANSWER_TYPE: &str = "Answer(uint64 machineId,uint64 number,bytes32 commitment)";

/// What is signed: a type and its fields, each in a word.
pub(super) fn digest(cx: &mut Ctx<'_>, kind: &str, fields: &impl SolValue) -> Result<B256, Halt> {
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
    let domain = (
        DOMAIN_TYPEHASH,
        name_hash,
        version_hash,
        chain_id,
        super::ADDRESS,
    )
        .abi_encode();
    cx.store.keccak(&domain)
}

/// Whether a key signed this.
pub(super) fn is_signed(
    cx: &mut Ctx<'_>,
    key: Address,
    kind: &str,
    fields: &impl SolValue,
    signature: &Signature,
) -> Result<bool, Halt> {
    let digest = digest(cx, kind, fields)?;
    let signer = cx
        .store
        .recover(digest, signature.v, signature.r, signature.s)?;
    Ok(signer == Some(key) && !key.is_zero())
}

/// Refuses what a key did not sign.
///
/// # Errors
/// `MachinesBadSignature`.
pub(super) fn expect_signed(
    cx: &mut Ctx<'_>,
    key: Address,
    kind: &str,
    fields: &impl SolValue,
    signature: &Signature,
) -> Result<(), Halt> {
    if is_signed(cx, key, kind, fields, signature)? {
        return Ok(());
    }
    Err(revert(&MachinesBadSignature { key }))
}

pub(super) fn expect_in_time(cx: &Ctx<'_>, deadline_ms: u64) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    if now_ms <= deadline_ms {
        return Ok(());
    }
    Err(revert(&MachinesExpired {
        deadlineMs: deadline_ms,
        nowMs: now_ms,
    }))
}
