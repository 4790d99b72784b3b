//! Offers, claims, and what the owner of the scope may.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets};

use super::{
    ADDRESS, ESCROW,
    ITerm::{ClaimMoved, OfferCancelled, OfferTerms, Offered, TermPaused},
    Pause, STATE,
    error::*,
    loans, params,
    state::{Offer, Terms},
};
use crate::{admin::Pausing, contract::emit, ledger, revert};

/// Offers free units of an account. Answers the offer's id.
///
/// # Errors
/// `TermPausedNow`, `TermOutOfRange`, `TermZeroAmount`, `LedgerUnknownAsset`, `LedgerInsufficient`.
pub fn offer(
    cx: &mut Ctx<'_>,
    lender: AccountId,
    terms: &OfferTerms,
    amount: Assets,
) -> Result<u64, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let checked = open(cx, terms)?;
    ledger::shift(cx, checked.asset, lender, ESCROW, amount)?;
    enter(cx, lender, checked, terms, amount)
}

/// Offers tokens of the caller's wallet.
///
/// # Errors
/// As [`offer`], and those of a pull.
pub(super) fn offer_verb(
    cx: &mut Ctx<'_>,
    terms: &OfferTerms,
    amount: U256,
    index: u8,
) -> Result<u64, Halt> {
    let wallet = cx.caller();
    let checked = open(cx, terms)?;
    // The token runs before anything here changes.
    let amount = Assets::from_u256(amount)?;
    let arrived = ledger::pull(cx, checked.asset, wallet, ESCROW, amount)?;
    enter(cx, AccountId::new(wallet, index), checked, terms, arrived)
}

fn open(cx: &mut Ctx<'_>, terms: &OfferTerms) -> Result<Terms, Halt> {
    refuse_paused(cx, Pause::Offer)?;
    let checked = Terms::checked(terms)?;
    ledger::asset(cx, checked.asset)?;
    Ok(checked)
}

/// Writes an offer whose units are in escrow.
fn enter(
    cx: &mut Ctx<'_>,
    lender: AccountId,
    checked: Terms,
    terms: &OfferTerms,
    amount: Assets,
) -> Result<u64, Halt> {
    if amount.is_zero() {
        return Err(revert(&TermZeroAmount {}));
    }
    let now_ms = cx.store.block().time_ms;
    let out_of_range = |what: &str, value: U256, min: U256, max: U256| {
        let what = what.to_owned();
        revert(&TermOutOfRange {
            what,
            value,
            min,
            max,
        })
    };
    let most = amount.to_u256();
    let least = Assets::from_u256(terms.least)
        .ok()
        .filter(|least| !least.is_zero() && *least <= amount)
        .ok_or_else(|| out_of_range("least", terms.least, U256::ONE, most))?;
    if terms.expiresMs <= now_ms {
        let min = U256::from(now_ms.saturating_add(1));
        let (value, max) = (U256::from(terms.expiresMs), U256::from(u64::MAX));
        return Err(out_of_range("expiresMs", value, min, max));
    }
    let id = STATE.offer_count.load(cx)?.checked_add(1);
    let id = id.ok_or_else(Halt::overflow)?;
    STATE.offer_count.save(cx, id)?;
    STATE.terms.at(id).save(cx, &checked)?;
    let offer = Offer {
        lender,
        expires_ms: terms.expiresMs,
        left: amount,
        least,
    };
    STATE.offers.at(id).save(cx, &offer)?;
    STATE.offered.at(checked.asset).add(cx, amount)?;
    emit(
        cx,
        &Offered {
            id,
            lender: lender.owner,
            lenderIndex: lender.index,
            amount: amount.to_u256(),
            terms: checked.to_abi(least, terms.expiresMs),
        },
    )?;
    Ok(id)
}

/// Takes back what the caller's offer has left, into the account that offered it. Never paused.
///
/// # Errors
/// `TermNoOffer`, `TermNotLender`.
pub(super) fn cancel_verb(cx: &mut Ctx<'_>, id: u64) -> Result<U256, Halt> {
    let offer = standing_offer(cx, id)?;
    expect_lender(id, offer.lender, cx.caller())?;
    cancel(cx, id, offer)
}

fn cancel(cx: &mut Ctx<'_>, id: u64, offer: Offer) -> Result<U256, Halt> {
    let terms = STATE.terms.at(id).load(cx)?;
    release(cx, &terms, offer.left)?;
    STATE.offers.at(id).save(cx, &NO_OFFER)?;
    ledger::shift(cx, terms.asset, ESCROW, offer.lender, offer.left)?;
    let left = offer.left.to_u256();
    emit(cx, &OfferCancelled { id, left })?;
    Ok(left)
}

/// Takes back what an account's offer has left, for the account room.
///
/// # Errors
/// `TermNoOffer`, `TermNotLender`.
pub fn cancel_offer(cx: &mut Ctx<'_>, lender: AccountId, id: u64) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let offer = standing_offer(cx, id)?;
    if offer.lender != lender {
        return Err(not_lender(id, offer.lender));
    }
    cancel(cx, id, offer)?;
    Ok(offer.left)
}

/// Takes `amount` out of an offer, whose lender and terms it answers (TERM-11).
pub(super) fn draw(cx: &mut Ctx<'_>, id: u64, amount: Assets) -> Result<(AccountId, Terms), Halt> {
    refuse_paused(cx, Pause::Take)?;
    let offer = standing_offer(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    if now_ms >= offer.expires_ms {
        return Err(revert(&TermExpired {
            id,
            expiresMs: offer.expires_ms,
        }));
    }
    if amount > offer.left {
        return Err(revert(&TermOfferShort {
            id,
            left: offer.left.to_u256(),
            wanted: amount.to_u256(),
        }));
    }
    // The last part of an offer may be smaller than the least, or it could never be taken.
    if amount < offer.least.min(offer.left) {
        return Err(revert(&TermTooSmall {
            id,
            amount: amount.to_u256(),
            least: offer.least.min(offer.left).to_u256(),
        }));
    }
    let terms = STATE.terms.at(id).load(cx)?;
    release(cx, &terms, amount)?;
    let left = offer.left.sub(amount)?;
    let after = if left.is_zero() {
        NO_OFFER
    } else {
        Offer { left, ..offer }
    };
    STATE.offers.at(id).save(cx, &after)?;
    Ok((offer.lender, terms))
}

/// What an offer leaves behind: nothing but its terms.
const NO_OFFER: Offer = Offer {
    lender: AccountId::new(Address::ZERO, 0),
    expires_ms: 0,
    left: Assets::ZERO,
    least: Assets::ZERO,
};

fn release(cx: &mut Ctx<'_>, terms: &Terms, amount: Assets) -> Result<(), Halt> {
    let offered = STATE.offered.at(terms.asset);
    if offered.sub_bounded(cx, amount, Assets::ZERO)? {
        return Ok(());
    }
    Err(Halt::Fatal("term: escrow below an offer".into()))
}

/// An offer that stands.
pub(super) fn standing_offer(cx: &mut Ctx<'_>, id: u64) -> Result<Offer, Halt> {
    let offer = STATE.offers.at(id).load(cx)?;
    if offer.left.is_zero() {
        return Err(revert(&TermNoOffer { id }));
    }
    Ok(offer)
}

/// Hands a claim to another account (TERM-12), for the account room.
///
/// # Errors
/// `TermNoLoan`, `TermNotLender`.
pub fn transfer_claim(
    cx: &mut Ctx<'_>,
    id: u64,
    from: AccountId,
    to: AccountId,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (mut loan, _) = loans::stored(cx, id)?;
    if loan.lender != from {
        return Err(not_lender(id, loan.lender));
    }
    loan.lender = to;
    STATE.loans.at(id).save(cx, &loan)?;
    emit(
        cx,
        &ClaimMoved {
            id,
            lender: to.owner,
            lenderIndex: to.index,
        },
    )
}

/// Hands a claim of the caller's account to another account.
///
/// # Errors
/// `TermNoLoan`, `TermNotLender`, `TermOutOfRange` for nobody.
pub(super) fn transfer_claim_verb(
    cx: &mut Ctx<'_>,
    id: u64,
    to: Address,
    index: u8,
) -> Result<(), Halt> {
    let (loan, _) = loans::stored(cx, id)?;
    expect_lender(id, loan.lender, cx.caller())?;
    if to.is_zero() {
        return Err(revert(&TermOutOfRange {
            what: "to".to_owned(),
            value: U256::ZERO,
            min: U256::ONE,
            max: U256::MAX,
        }));
    }
    transfer_claim(cx, id, loan.lender, AccountId::new(to, index))
}

fn expect_lender(id: u64, lender: AccountId, caller: Address) -> Result<(), Halt> {
    if lender.owner == caller {
        return Ok(());
    }
    Err(not_lender(id, lender))
}

fn not_lender(id: u64, lender: AccountId) -> Halt {
    revert(&TermNotLender {
        id,
        lender: lender.owner,
    })
}

fn refuse_paused(cx: &mut Ctx<'_>, verb: Pause) -> Result<(), Halt> {
    if STATE.paused.load(cx)? & verb.bit() == 0 {
        return Ok(());
    }
    Err(revert(&TermPausedNow { verb: verb.bit() }))
}

/// Stops verbs or lets them go on.
///
/// # Errors
/// `AdminMissingRole`, `AdminNotOwner`, `TermOutOfRange`.
pub(super) fn pause(cx: &mut Ctx<'_>, change: Pausing) -> Result<(), Halt> {
    change.check(cx, ADDRESS, Pause::ALL, |verbs, all| {
        params::refuse("verbs", verbs, 1, all)
    })?;
    let paused = change.after(STATE.paused.load(cx)?);
    STATE.paused.save(cx, paused)?;
    emit(cx, &TermPaused { paused })
}
