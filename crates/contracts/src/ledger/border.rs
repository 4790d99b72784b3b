//! The border between wallets and the ledger: pulls, pushes, and what stops them.
//!
//! ```text
//!   pull   lock ─ held? ─ token.transferFrom ─ held? ─ unlock ─ credit min(requested, arrived)
//!   push   debit ─ limit ─ lock ─ held? ─ token.transfer ─ held? ─ unlock
//! ```
//!
//! While a token runs, units are as before a pull and as after a push; either way they sum up (LED-1). The coin and native
//! tokens run no code of others, so what they move needs neither lock nor measure.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Frame, Halt, Scratch};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    ADDRESS,
    ILedger::{AssetFrozen, AssetUnfrozen, Pulled, Pushed, probeReturn},
    Kind,
    actions::{Asset, STATE, asset, known, set_frozen, take},
    error::*,
    foreign,
    math::Bucket,
    params::Limits,
    state::Flow,
};
use crate::{admin, contract::emit, revert};

/// Takes `amount` of a token from a wallet and credits what arrives of it (LED-3). Answers that.
///
/// The wallet allowed it to the contract whose frame this is, or is its caller, who needs to allow
/// nothing for native tokens and the coin.
///
/// # Errors
/// - `LedgerUnknownAsset`, `LedgerFrozen`, `LedgerZeroAmount`, `LedgerValueWithPull` (LED-8).
/// - `LedgerTokenRefused`, `LedgerNothingArrived`, or the native token's own ERC-20 errors.
/// - `LedgerShort`: the ledger holds too little of this token (LED-4).
/// - `ReentrantCall`: this asset is crossing the border already.
pub fn pull(
    cx: &mut Ctx<'_>,
    id: AssetId,
    wallet: Address,
    to: AccountId,
    amount: Assets,
) -> Result<Assets, Halt> {
    if !cx.frame.value.is_zero() {
        let value = cx.frame.value;
        return Err(revert(&LedgerValueWithPull { value }));
    }
    let asker = foreign::Asker {
        contract: cx.this(),
        caller: cx.caller(),
    };
    let listed = open(cx, id, amount)?;
    let cx = &mut cx.enter(ADDRESS);
    let credited = if listed.kind == Kind::Foreign {
        pull_foreign(cx, id, &listed, asker, wallet, amount)?
    } else {
        foreign::take_native(cx, listed.token, asker, wallet, amount)?;
        amount
    };
    STATE.free.at((id, to)).add(cx, credited)?;
    STATE.claims.at(id).add(cx, credited)?;
    count_in(cx, id, credited)?;
    emit(
        cx,
        &Pulled {
            assetId: id.get(),
            wallet,
            owner: to.owner,
            index: to.index,
            requested: amount.to_u256(),
            credited: credited.to_u256(),
        },
    )?;
    Ok(credited)
}

/// Supposes units on an account, in a world that is thrown away: for previews of what they would do there.
///
/// # Errors
/// The store's.
pub fn suppose(
    world: &mut Scratch<'_>,
    id: AssetId,
    to: AccountId,
    amount: Assets,
) -> Result<(), Halt> {
    let frame = Frame {
        this: ADDRESS,
        caller: ADDRESS,
        value: U256::ZERO,
    };
    let cx = &mut Ctx::new(world, frame);
    STATE.free.at((id, to)).add(cx, amount)?;
    STATE.claims.at(id).add(cx, amount)
}

/// Sends units of an account to a wallet.
///
/// # Errors
/// - `LedgerUnknownAsset`, `LedgerFrozen`, `LedgerZeroAmount`, `LedgerBadWallet`, `LedgerInsufficient`.
/// - `LedgerOutflowLimit` (LED-5).
/// - `LedgerTokenRefused`, `LedgerWrongAmountLeft`, or the native token's own ERC-20 errors.
/// - `LedgerShort`: the ledger would hold too little of this token (LED-4).
/// - `ReentrantCall`: this asset is crossing the border already.
pub fn push(
    cx: &mut Ctx<'_>,
    id: AssetId,
    from: AccountId,
    wallet: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let listed = open(cx, id, amount)?;
    if wallet.is_zero() || wallet == ADDRESS {
        return Err(revert(&LedgerBadWallet { wallet }));
    }
    let cx = &mut cx.enter(ADDRESS);
    if listed.kind == Kind::Foreign {
        STATE.borders.at(id).hold(cx, |cx| {
            debit(cx, id, from, amount)?;
            push_foreign(cx, id, &listed, wallet, amount)
        })?;
    } else {
        debit(cx, id, from, amount)?;
        foreign::give_native(cx, listed.token, wallet, amount)?;
    }
    emit(
        cx,
        &Pushed {
            assetId: id.get(),
            wallet,
            owner: from.owner,
            index: from.index,
            amount: amount.to_u256(),
        },
    )
}

/// What arrives of a foreign token.
fn pull_foreign(
    cx: &mut Ctx<'_>,
    id: AssetId,
    listed: &Asset,
    asker: foreign::Asker,
    wallet: Address,
    amount: Assets,
) -> Result<Assets, Halt> {
    STATE.borders.at(id).hold(cx, |cx| {
        let before = foreign::held(cx, listed.token)?;
        foreign::transfer_from(cx, listed.token, asker.contract, wallet, amount)?;
        let held = foreign::held(cx, listed.token)?;
        let arrived = held.saturating_sub(before).min(amount.to_u256());
        if arrived.is_zero() {
            return Err(revert(&LedgerNothingArrived {
                assetId: id.get(),
                wallet,
                requested: amount.to_u256(),
            }));
        }
        let claims = STATE.claims.at(id).load(cx)?.to_u256();
        expect_backed(id, held, claims.saturating_add(arrived))?;
        Ok(Assets::from_u256(arrived)?)
    })
}

fn push_foreign(
    cx: &mut Ctx<'_>,
    id: AssetId,
    listed: &Asset,
    wallet: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let before = foreign::held(cx, listed.token)?;
    foreign::transfer(cx, listed.token, wallet, amount)?;
    let after = foreign::held(cx, listed.token)?;
    if before.checked_sub(amount.to_u256()) != Some(after) {
        return Err(revert(&LedgerWrongAmountLeft {
            assetId: id.get(),
            told: amount.to_u256(),
            heldBefore: before,
            heldAfter: after,
        }));
    }
    let claims = STATE.claims.at(id).load(cx)?.to_u256();
    expect_backed(id, after, claims)
}

/// Takes what leaves from an account, if the limit lets it out.
fn debit(cx: &mut Ctx<'_>, id: AssetId, from: AccountId, amount: Assets) -> Result<(), Halt> {
    count_out(cx, id, amount)?;
    take(cx, id, from, amount)?;
    if STATE.claims.at(id).sub_bounded(cx, amount, Assets::ZERO)? {
        return Ok(());
    }
    Err(Halt::Fatal(format!("{id}: claims below a balance")))
}

/// Makes units together with their tokens, for the contract whose frame this is and which holds MINT of the token.
/// Nothing comes from a wallet, so the limit does not count it.
///
/// # Errors
/// `LedgerUnknownAsset`, `LedgerFrozen`, `LedgerZeroAmount`, `LedgerUnknownToken` if the factory did not make the
/// token, and the token's own.
pub fn issue(cx: &mut Ctx<'_>, id: AssetId, to: AccountId, amount: Assets) -> Result<(), Halt> {
    let issuer = cx.this();
    let listed = open(cx, id, amount)?;
    expect_native(&listed)?;
    let cx = &mut cx.enter(ADDRESS);
    foreign::mint_native(cx, listed.token, issuer, amount)?;
    STATE.free.at((id, to)).add(cx, amount)?;
    STATE.claims.at(id).add(cx, amount)
}

/// Destroys units together with their tokens, for the contract whose frame this is and which holds BURN of the
/// token. No wallet gets anything, so neither the limit nor a closed border stops it: who owes can always pay.
///
/// # Errors
/// `LedgerUnknownAsset`, `LedgerInsufficient`, `LedgerUnknownToken`, and the token's own.
pub fn retire(cx: &mut Ctx<'_>, id: AssetId, from: AccountId, amount: Assets) -> Result<(), Halt> {
    let issuer = cx.this();
    let listed = asset(cx, id)?;
    expect_native(&listed)?;
    let cx = &mut cx.enter(ADDRESS);
    take(cx, id, from, amount)?;
    if !STATE.claims.at(id).sub_bounded(cx, amount, Assets::ZERO)? {
        return Err(Halt::Fatal(format!("{id}: claims below a balance")));
    }
    foreign::burn_native(cx, listed.token, issuer, amount)
}

fn expect_native(listed: &Asset) -> Result<(), Halt> {
    if listed.kind == Kind::NativeToken {
        return Ok(());
    }
    let token = listed.token;
    Err(revert(&LedgerUnknownToken { token }))
}

/// Compares what is held with what is claimed, for anyone; freezes what is short (LED-4).
///
/// # Errors
/// `LedgerUnknownAsset`, `ReentrantCall`.
pub(super) fn probe(cx: &mut Ctx<'_>, number: u32) -> Result<probeReturn, Halt> {
    let id = known(cx, number)?;
    let (held, claims) = weigh(cx, id)?;
    if held < claims && !asset(cx, id)?.is_frozen {
        set_frozen(cx, id, true)?;
        emit(
            cx,
            &AssetFrozen {
                assetId: number,
                held,
                claims,
            },
        )?;
    }
    Ok(probeReturn { held, claims })
}

/// Opens a border, for the owner, if the asset is not short.
///
/// # Errors
/// `AdminNotOwner`, `LedgerUnknownAsset`, `LedgerShort`, `ReentrantCall`.
pub(super) fn unfreeze(cx: &mut Ctx<'_>, number: u32) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let id = known(cx, number)?;
    let (held, claims) = weigh(cx, id)?;
    expect_backed(id, held, claims)?;
    set_frozen(cx, id, false)?;
    emit(cx, &AssetUnfrozen { assetId: number })
}

/// What is held and what is claimed, between crossings only. The frame is the ledger's.
fn weigh(cx: &mut Ctx<'_>, id: AssetId) -> Result<(U256, U256), Halt> {
    STATE.borders.at(id).check(cx)?;
    let listed = asset(cx, id)?;
    let held = foreign::held(cx, listed.token)?;
    let claims = STATE.claims.at(id).load(cx)?.to_u256();
    Ok((held, claims))
}

fn expect_backed(id: AssetId, held: U256, claims: U256) -> Result<(), Halt> {
    if held >= claims {
        return Ok(());
    }
    Err(revert(&LedgerShort {
        assetId: id.get(),
        held,
        claims,
    }))
}

/// An asset whose border is open for this amount.
fn open(cx: &mut Ctx<'_>, id: AssetId, amount: Assets) -> Result<Asset, Halt> {
    let listed = asset(cx, id)?;
    if listed.is_frozen {
        return Err(revert(&LedgerFrozen { assetId: id.get() }));
    }
    if amount.is_zero() {
        return Err(revert(&LedgerZeroAmount {}));
    }
    Ok(listed)
}

fn count_in(cx: &mut Ctx<'_>, id: AssetId, amount: Assets) -> Result<(), Halt> {
    let flow = flow_now(cx, id)?;
    STATE.flows.at(id).save(cx, &Bucket::into(flow, amount))
}

fn count_out(cx: &mut Ctx<'_>, id: AssetId, amount: Assets) -> Result<(), Halt> {
    let flow = flow_now(cx, id)?;
    // What came lately goes out first, and no limit is asked for it.
    if let Some(flow) = Bucket::back_out(flow, amount) {
        return STATE.flows.at(id).save(cx, &flow);
    }
    match bucket(cx, id)?.out(flow, amount)? {
        Ok(flow) => STATE.flows.at(id).save(cx, &flow),
        Err(blocked) => Err(revert(&LedgerOutflowLimit {
            assetId: id.get(),
            amount: amount.to_u256(),
            left: blocked.left.to_u256(),
            resetsMs: blocked.resets_ms,
        })),
    }
}

/// The flow as it is now. Within a block nothing drains, nor does nothing at any time: then no limit is read.
fn flow_now(cx: &mut Ctx<'_>, id: AssetId) -> Result<Flow, Halt> {
    let now_ms = cx.store.block().time_ms;
    let flow = STATE.flows.at(id).load(cx)?;
    if flow.at_ms == now_ms {
        return Ok(flow);
    }
    if flow.net.is_zero() {
        return Ok(Flow {
            at_ms: now_ms,
            ..flow
        });
    }
    bucket(cx, id)?.drained(flow, now_ms)
}

/// The bucket as it is now. The frame is the ledger's.
pub(super) fn bucket(cx: &mut Ctx<'_>, id: AssetId) -> Result<Bucket, Halt> {
    let now_ms = cx.store.block().time_ms;
    let limit = Limits::load(cx, id)?.at(now_ms);
    let claims = STATE.claims.at(id).load(cx)?;
    Bucket::new(limit, claims)
}

/// What may leave the ledger of an asset now; nothing while its border is closed.
///
/// # Errors
/// `LedgerUnknownAsset`.
pub fn may_leave(cx: &mut Ctx<'_>, id: AssetId) -> Result<Assets, Halt> {
    if asset(cx, id)?.is_frozen {
        return Ok(Assets::ZERO);
    }
    let cx = &mut cx.enter(ADDRESS);
    let flow = STATE.flows.at(id).load(cx)?;
    let bucket = bucket(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    Ok(bucket.left(bucket.drained(flow, now_ms)?))
}
