//! The ERC-20 face: transfers, allowances and permits over any [`Book`] of balances.
//!
//! The order of checks, the errors and the events are those of OpenZeppelin's contracts, version 5, so that code
//! written against them sees no difference.

use alloy_primitives::{Address, B256, FixedBytes, U256, b256, uint};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt, Map, Value};

use crate::{contract::emit, revert};

/// Errors of ERC-6093, EIP-2612 and signatures.
pub(crate) use super::abi::token::IToken as errors;
/// Events of ERC-20.
pub(crate) use super::abi::token::IToken as events;
use errors::*;

/// Where the balances are.
pub(crate) trait Book {
    fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt>;
    /// Moves `amount`; answers `false`, and moves nothing, if `from` has too little.
    fn shift(cx: &mut Ctx<'_>, from: Address, to: Address, amount: U256) -> Result<bool, Halt>;
    fn total_supply(cx: &mut Ctx<'_>) -> Result<U256, Halt>;
    fn allowance(owner: Address, spender: Address) -> Value<U256>;
    fn nonces() -> Map<Address, Value<U256>>;
    fn name(cx: &mut Ctx<'_>) -> Result<String, Halt>;
    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt>;
    fn decimals(cx: &mut Ctx<'_>) -> Result<u8, Halt>;
}

pub(crate) fn transfer<B: Book>(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<bool, Halt> {
    let from = cx.caller();
    shift::<B>(cx, from, to, amount)
}

pub(crate) fn transfer_from<B: Book>(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    amount: U256,
) -> Result<bool, Halt> {
    let spender = cx.caller();
    spend_allowance::<B>(cx, from, spender, amount)?;
    shift::<B>(cx, from, to, amount)
}

fn shift<B: Book>(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    amount: U256,
) -> Result<bool, Halt> {
    if from.is_zero() {
        return Err(revert(&ERC20InvalidSender { sender: from }));
    }
    if to.is_zero() {
        return Err(revert(&ERC20InvalidReceiver { receiver: to }));
    }
    if !B::shift(cx, from, to, amount)? {
        return Err(insufficient_balance::<B>(cx, from, amount)?);
    }
    emit(
        cx,
        &events::Transfer {
            from,
            to,
            value: amount,
        },
    )?;
    Ok(true)
}

/// The error that tells how much is missing.
pub(crate) fn insufficient_balance<B: Book>(
    cx: &mut Ctx<'_>,
    sender: Address,
    needed: U256,
) -> Result<Halt, Halt> {
    let balance = B::balance_of(cx, sender)?;
    Ok(revert(&ERC20InsufficientBalance {
        sender,
        balance,
        needed,
    }))
}

/// Takes `amount` off an allowance; the largest number stands for "without limit" and stays (TOK-4).
pub(crate) fn spend_allowance<B: Book>(
    cx: &mut Ctx<'_>,
    owner: Address,
    spender: Address,
    amount: U256,
) -> Result<(), Halt> {
    let allowance = B::allowance(owner, spender).load(cx)?;
    if allowance == U256::MAX {
        return Ok(());
    }
    let Some(left) = allowance.checked_sub(amount) else {
        return Err(revert(&ERC20InsufficientAllowance {
            spender,
            allowance,
            needed: amount,
        }));
    };
    set_allowance::<B>(cx, owner, spender, left)
}

fn set_allowance<B: Book>(
    cx: &mut Ctx<'_>,
    owner: Address,
    spender: Address,
    amount: U256,
) -> Result<(), Halt> {
    if owner.is_zero() {
        return Err(revert(&ERC20InvalidApprover { approver: owner }));
    }
    if spender.is_zero() {
        return Err(revert(&ERC20InvalidSpender { spender }));
    }
    B::allowance(owner, spender).save(cx, amount)
}

pub(crate) fn approve<B: Book>(
    cx: &mut Ctx<'_>,
    spender: Address,
    amount: U256,
) -> Result<bool, Halt> {
    let owner = cx.caller();
    set_allowance::<B>(cx, owner, spender, amount)?;
    emit(
        cx,
        &events::Approval {
            owner,
            spender,
            value: amount,
        },
    )?;
    Ok(true)
}

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
pub(crate) struct Permit {
    pub(crate) owner: Address,
    pub(crate) spender: Address,
    pub(crate) value: U256,
    pub(crate) deadline: U256,
    pub(crate) v: u8,
    pub(crate) r: B256,
    pub(crate) s: B256,
}

/// Sets an allowance by the owner's signature (TOK-5).
pub(crate) fn permit<B: Book>(cx: &mut Ctx<'_>, permit: &Permit) -> Result<(), Halt> {
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
    set_allowance::<B>(cx, owner, spender, value)?;
    emit(
        cx,
        &events::Approval {
            owner,
            spender,
            value,
        },
    )
}

/// What ties a signature to this token on this chain.
pub(crate) fn domain_separator<B: Book>(cx: &mut Ctx<'_>) -> Result<B256, Halt> {
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
pub(crate) fn eip712_domain<B: Book>(cx: &mut Ctx<'_>) -> Result<eip712DomainReturn, Halt> {
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
