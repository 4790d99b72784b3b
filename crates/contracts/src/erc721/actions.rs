//! Who owns a token and who may move it. The order of checks and the errors are those of OpenZeppelin's ERC721,
//! version 5.

use alloy_primitives::{Address, Bytes, FixedBytes, U256};
use alloy_sol_types::SolCall;
use capstan_state::{CallKind, CallRequest, Ctx, Halt};

use super::{
    Book,
    abi::{IErc721::*, IReceiver::onERC721ReceivedCall},
};
use crate::{contract::emit, revert};

/// Standards that are answered: ERC-165, ERC-721, its metadata.
const STANDARDS: [u32; 3] = [0x01ff_c9a7, 0x80ac_58cd, 0x5b5e_139f];

pub(super) fn supports<B: Book>(id: FixedBytes<4>) -> bool {
    let id = u32::from_be_bytes(id.0);
    STANDARDS.contains(&id) || B::STANDARDS.contains(&id)
}

/// The number of a token, which is not yet known to exist.
fn number(token: U256) -> Result<u64, Halt> {
    u64::try_from(token).map_err(|_| nothing(token))
}

fn nothing(token: U256) -> Halt {
    revert(&ERC721NonexistentToken { tokenId: token })
}

/// Who owns a token.
///
/// # Errors
/// `ERC721NonexistentToken`.
pub fn owner_of<B: Book>(cx: &mut Ctx<'_>, token: U256) -> Result<Address, Halt> {
    let owner = B::tokens().owners.at(number(token)?).load(cx)?;
    if owner.is_zero() {
        return Err(nothing(token));
    }
    Ok(owner)
}

pub(super) fn uri<B: Book>(cx: &mut Ctx<'_>, token: U256) -> Result<String, Halt> {
    owner_of::<B>(cx, token)?;
    B::uri(cx, number(token)?)
}

pub(super) fn count_of<B: Book>(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    if owner.is_zero() {
        return Err(revert(&ERC721InvalidOwner { owner }));
    }
    Ok(U256::from(B::tokens().counts.at(owner).load(cx)?))
}

pub(super) fn approved_of<B: Book>(cx: &mut Ctx<'_>, token: U256) -> Result<Address, Halt> {
    owner_of::<B>(cx, token)?;
    B::tokens().approved.at(number(token)?).load(cx)
}

pub(super) fn is_operator<B: Book>(
    cx: &mut Ctx<'_>,
    owner: Address,
    operator: Address,
) -> Result<bool, Halt> {
    B::tokens().operators.at((owner, operator)).load(cx)
}

/// Refuses who may not move a token. Answers its owner.
///
/// # Errors
/// `ERC721NonexistentToken`, `ERC721InsufficientApproval`.
pub fn expect_may<B: Book>(cx: &mut Ctx<'_>, who: Address, token: U256) -> Result<Address, Halt> {
    let owner = owner_of::<B>(cx, token)?;
    let approved = B::tokens().approved.at(number(token)?).load(cx)?;
    let is_approved = approved == who && !approved.is_zero();
    if who == owner || is_approved || is_operator::<B>(cx, owner, who)? {
        return Ok(owner);
    }
    Err(revert(&ERC721InsufficientApproval {
        operator: who,
        tokenId: token,
    }))
}

pub(super) fn approve<B: Book>(cx: &mut Ctx<'_>, to: Address, token: U256) -> Result<(), Halt> {
    let (owner, approver) = (owner_of::<B>(cx, token)?, cx.caller());
    if approver != owner && !is_operator::<B>(cx, owner, approver)? {
        return Err(revert(&ERC721InvalidApprover { approver }));
    }
    B::expect_free(cx, token)?;
    B::tokens().approved.at(number(token)?).save(cx, to)?;
    emit(
        cx,
        &Approval {
            owner,
            approved: to,
            tokenId: token,
        },
    )
}

pub(super) fn set_operator<B: Book>(
    cx: &mut Ctx<'_>,
    operator: Address,
    approved: bool,
) -> Result<(), Halt> {
    if operator.is_zero() {
        return Err(revert(&ERC721InvalidOperator { operator }));
    }
    let owner = cx.caller();
    B::tokens()
        .operators
        .at((owner, operator))
        .save(cx, approved)?;
    emit(
        cx,
        &ApprovalForAll {
            owner,
            operator,
            approved,
        },
    )
}

pub(super) fn transfer_from<B: Book>(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    token: U256,
) -> Result<(), Halt> {
    expect_receiver(to)?;
    let sender = cx.caller();
    let owner = expect_may::<B>(cx, sender, token)?;
    B::expect_free(cx, token)?;
    pass::<B>(cx, owner, from, to, token)
}

/// Gives a new token to somebody. The frame is the contract's, as in all functions here.
///
/// # Errors
/// `ERC721InvalidReceiver`.
pub fn mint<B: Book>(cx: &mut Ctx<'_>, to: Address, id: u64) -> Result<(), Halt> {
    expect_receiver(to)?;
    give::<B>(cx, Address::ZERO, to, id)
}

/// Hands a token from its owner to somebody else, without asking who takes it, or whether it is free to move. For native
/// contracts, which ask whether the owner agreed.
///
/// # Errors
/// `ERC721NonexistentToken`, `ERC721IncorrectOwner`, `ERC721InvalidReceiver`.
pub fn hand_over<B: Book>(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    id: u64,
) -> Result<(), Halt> {
    expect_receiver(to)?;
    let token = U256::from(id);
    let owner = owner_of::<B>(cx, token)?;
    pass::<B>(cx, owner, from, to, token)
}

fn expect_receiver(to: Address) -> Result<(), Halt> {
    if to.is_zero() {
        return Err(revert(&ERC721InvalidReceiver { receiver: to }));
    }
    Ok(())
}

/// Who was approved is so no longer.
fn pass<B: Book>(
    cx: &mut Ctx<'_>,
    owner: Address,
    from: Address,
    to: Address,
    token: U256,
) -> Result<(), Halt> {
    if owner != from {
        return Err(revert(&ERC721IncorrectOwner {
            sender: from,
            tokenId: token,
            owner,
        }));
    }
    let id = number(token)?;
    B::tokens().approved.at(id).save(cx, Address::ZERO)?;
    give::<B>(cx, from, to, id)
}

/// Hands a token over, or makes it where `from` is zero.
fn give<B: Book>(cx: &mut Ctx<'_>, from: Address, to: Address, id: u64) -> Result<(), Halt> {
    if !from.is_zero() {
        let count = B::tokens().counts.at(from);
        let fewer = count.load(cx)?.checked_sub(1).ok_or_else(Halt::overflow)?;
        count.save(cx, fewer)?;
    }
    let count = B::tokens().counts.at(to);
    let more = count.load(cx)?.checked_add(1).ok_or_else(Halt::overflow)?;
    count.save(cx, more)?;
    B::tokens().owners.at(id).save(cx, to)?;
    emit(
        cx,
        &Transfer {
            from,
            to,
            tokenId: U256::from(id),
        },
    )
}

/// Moves a token and asks the contract that gets it, last of all.
pub(super) fn safe_transfer_from<B: Book>(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    token: U256,
    data: Bytes,
) -> Result<(), Halt> {
    transfer_from::<B>(cx, from, to, token)?;
    if cx.store.code_size(to)? == 0 {
        return Ok(());
    }
    let question = onERC721ReceivedCall {
        operator: cx.caller(),
        from,
        tokenId: token,
        data,
    };
    let request = CallRequest {
        kind: CallKind::Call,
        from: cx.this(),
        target: to,
        value: U256::ZERO,
        input: question.abi_encode().into(),
        gas_limit: None,
    };
    let outcome = cx.store.call(request)?;
    let answer = onERC721ReceivedCall::abi_decode_returns_validate(&outcome.output);
    let agrees = answer.is_ok_and(|answer| answer.0 == onERC721ReceivedCall::SELECTOR);
    if outcome.success && agrees {
        return Ok(());
    }
    Err(revert(&ERC721InvalidReceiver { receiver: to }))
}
