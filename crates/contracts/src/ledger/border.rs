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
    math::{self, Drain, Flow},
    params::Limits,
    state::Bucket,
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
    count_in(cx, id, credited)?;
    STATE.free.at((id, to)).add(cx, credited)?;
    STATE.claims.at(id).add(cx, credited)?;
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
    present_bucket(cx, id)?;
    STATE.flows.at(id).add(cx, amount.to_u256())
}

fn count_out(cx: &mut Ctx<'_>, id: AssetId, amount: Assets) -> Result<(), Halt> {
    let bucket = present_bucket(cx, id)?;
    if leaves(cx, id, amount, bucket)? {
        return Ok(());
    }
    // More may have come to be held, or have drained, since that was reckoned.
    let left = math::left(bucket.size, flow(cx, id)?);
    let bucket = settle(cx, id)?;
    if leaves(cx, id, amount, bucket)? {
        return Ok(());
    }
    let (drain, flow) = (drain(cx, id)?, flow(cx, id)?);
    Err(revert(&LedgerOutflowLimit {
        assetId: id.get(),
        amount: amount.to_u256(),
        left: math::left(bucket.size, flow).max(left).to_u256(),
        resetsMs: drain.resets_ms(flow, amount, bucket.at_ms)?,
    }))
}

/// Counts what leaves, if the bucket lets it out (LED-5).
fn leaves(cx: &mut Ctx<'_>, id: AssetId, amount: Assets, bucket: Bucket) -> Result<bool, Halt> {
    let least = math::least_word(bucket.size);
    STATE.flows.at(id).sub_bounded(cx, amount.to_u256(), least)
}

/// The bucket that a crossing is held against: as it was reckoned, for a step, so that crossings of a block need no order
/// among themselves.
fn present_bucket(cx: &mut Ctx<'_>, id: AssetId) -> Result<Bucket, Halt> {
    let bucket = STATE.buckets.at(id).load(cx)?;
    if cx.store.block().time_ms < bucket.due_ms {
        return Ok(bucket);
    }
    settle(cx, id)
}

/// Reckons the bucket anew: what has flowed drains until now, and the limit is of the claims as they are. The frame is the
/// ledger's.
pub(super) fn settle(cx: &mut Ctx<'_>, id: AssetId) -> Result<Bucket, Halt> {
    let now_ms = cx.store.block().time_ms;
    let (drain, flow) = settled(cx, id)?;
    let (kept, word) = (STATE.flows.at(id), flow.to_word());
    let before = kept.load(cx)?;
    match before.checked_sub(word) {
        Some(drained) if !kept.sub_bounded(cx, drained, word)? => {
            return Err(Halt::Fatal(format!("{id}: a flow below itself")));
        }
        Some(_) => (),
        None => kept.add(cx, word.saturating_sub(before))?,
    }
    let bucket = drain.bucket(flow, now_ms)?;
    STATE.buckets.at(id).save(cx, &bucket)?;
    Ok(bucket)
}

/// What [`settle`] would make of a bucket and a flow.
fn settled(cx: &mut Ctx<'_>, id: AssetId) -> Result<(Drain, Flow), Halt> {
    let now_ms = cx.store.block().time_ms;
    let at_ms = STATE.buckets.at(id).load(cx)?.at_ms;
    let (limits, claims) = (Limits::load(cx, id)?, STATE.claims.at(id).load(cx)?);
    // By the limit of that time: one that came into force since is no looser for the time before.
    let drain = Drain::new(&limits, claims, at_ms);
    let flow = drain.drained(flow(cx, id)?, now_ms.saturating_sub(at_ms))?;
    Ok((Drain::new(&limits, claims, now_ms), flow))
}

fn flow(cx: &mut Ctx<'_>, id: AssetId) -> Result<Flow, Halt> {
    STATE.flows.at(id).load(cx).map(Flow::from_word)
}

fn drain(cx: &mut Ctx<'_>, id: AssetId) -> Result<Drain, Halt> {
    let now_ms = cx.store.block().time_ms;
    let limits = Limits::load(cx, id)?;
    let claims = STATE.claims.at(id).load(cx)?;
    Ok(Drain::new(&limits, claims, now_ms))
}

/// A border that nothing has crossed. The frame is the ledger's.
pub(super) fn open_first(cx: &mut Ctx<'_>, id: AssetId) -> Result<(), Halt> {
    STATE.flows.at(id).add(cx, Flow::NONE)?;
    settle(cx, id).map(drop)
}

/// The limit as it is now. The frame is the ledger's.
pub(super) fn limit_now(cx: &mut Ctx<'_>, id: AssetId) -> Result<Assets, Halt> {
    let (drain, flow) = settled(cx, id)?;
    drain.size(flow)
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
    let (drain, drained) = settled(cx, id)?;
    let anew = math::left(drain.size(drained)?, drained);
    let bucket = STATE.buckets.at(id).load(cx)?;
    if cx.store.block().time_ms >= bucket.due_ms {
        return Ok(anew);
    }
    let as_reckoned = math::left(bucket.size, flow(cx, id)?);
    Ok(anew.max(as_reckoned))
}
