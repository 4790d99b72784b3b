//! Allowances by signature (EIP-2612), and what ties a signature to one token on one chain (EIP-712, ERC-5267).

use alloy_primitives::{Address, B256, FixedBytes, U256, b256, uint};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    Book,
    IErc20::{
        ECDSAInvalidSignature, ECDSAInvalidSignatureS, ERC2612ExpiredSignature,
        ERC2612InvalidSigner, eip712DomainReturn,
    },
    actions,
};
use crate::revert;

/// `keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")`.
const PERMIT_TYPEHASH: B256 =
    b256!("6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");
/// `keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")`.
const DOMAIN_TYPEHASH: B256 =
    b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");
/// `keccak256("1")`: the version that OpenZeppelin's tokens state, so that wallets need no special case.
const VERSION_HASH: B256 =
    b256!("c89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6");
/// Half the order of secp256k1: every signature has one form with `s` up to here.
const S_MAX: U256 = uint!(0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0_U256);

/// A permit as it was signed.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    /// Whose units.
    pub owner: Address,
    /// Who may take them.
    pub spender: Address,
    /// How many.
    pub value: U256,
    /// Last second at which it counts.
    pub deadline: U256,
    /// 27 or 28.
    pub v: u8,
    /// First half of the signature.
    pub r: B256,
    /// Second half of the signature.
    pub s: B256,
}

/// Sets an allowance by the owner's signature (TOK-5).
///
/// # Errors
/// `ERC2612ExpiredSignature`, `ECDSAInvalidSignatureS`, `ECDSAInvalidSignature`, `ERC2612InvalidSigner`,
/// `ERC20InvalidSpender`.
pub fn permit<B: Book>(cx: &mut Ctx<'_>, permit: &Permit) -> Result<(), Halt> {
    let &Permit {
        owner,
        spender,
        value,
        deadline,
        v,
        r,
        s,
    } = permit;
    if U256::from(cx.store.block().time_ms.div_euclid(1000)) > deadline {
        return Err(revert(&ERC2612ExpiredSignature { deadline }));
    }
    let nonce = B::nonces().at(owner).load(cx)?;
    let next = nonce.checked_add(U256::ONE).ok_or_else(Halt::overflow)?;
    B::nonces().at(owner).save(cx, next)?;
    let message = (PERMIT_TYPEHASH, owner, spender, value, nonce, deadline).abi_encode();
    let message_hash = cx.store.keccak(&message)?;
    let domain = domain_separator::<B>(cx)?;
    let digest = cx
        .store
        .keccak(&[b"\x19\x01".as_slice(), &domain.0, &message_hash.0].concat())?;
    if U256::from_be_bytes(s.0) > S_MAX {
        return Err(revert(&ECDSAInvalidSignatureS { s }));
    }
    let Some(signer) = cx
        .store
        .recover(digest, v, r, s)?
        .filter(|signer| !signer.is_zero())
    else {
        return Err(revert(&ECDSAInvalidSignature {}));
    };
    if signer != owner {
        return Err(revert(&ERC2612InvalidSigner { signer, owner }));
    }
    actions::allow::<B>(cx, owner, spender, value)
}

/// What ties a signature to this token on this chain.
///
/// # Errors
/// The store's.
pub fn domain_separator<B: Book>(cx: &mut Ctx<'_>) -> Result<B256, Halt> {
    let name = B::name(cx)?;
    let name_hash = cx.store.keccak(name.as_bytes())?;
    let chain_id = U256::from(cx.store.block().chain_id);
    let domain = (
        DOMAIN_TYPEHASH,
        name_hash,
        VERSION_HASH,
        chain_id,
        cx.this(),
    )
        .abi_encode();
    cx.store.keccak(&domain)
}

/// The same in parts, as ERC-5267 asks.
///
/// # Errors
/// The store's.
pub fn eip712_domain<B: Book>(cx: &mut Ctx<'_>) -> Result<eip712DomainReturn, Halt> {
    Ok(eip712DomainReturn {
        fields: FixedBytes([0x0f]),
        name: B::name(cx)?,
        version: "1".to_owned(),
        chainId: U256::from(cx.store.block().chain_id),
        verifyingContract: cx.this(),
        salt: B256::ZERO,
        extensions: Vec::new(),
    })
}
