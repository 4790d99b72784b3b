//! What anyone may ask. Answers are as of this block.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets};

use super::{
    ITerm::{self, OfferTerms},
    STATE,
    error::TermNoOffer,
    loans,
    math::Instalment,
    params::INSTALMENT_GAS,
    state::{Loan, Offer, Terms},
};
use crate::revert;

/// Most ids that one answer looks at.
const OFFERS_MAX: u64 = 100;

pub(super) fn offer_of(cx: &mut Ctx<'_>, id: u64) -> Result<ITerm::Offer, Halt> {
    let terms = STATE.terms.at(id).load(cx)?;
    if terms.instalments == 0 {
        return Err(revert(&TermNoOffer { id }));
    }
    let offer = STATE.offers.at(id).load(cx)?;
    Ok(said(id, offer, &terms))
}

fn said(id: u64, offer: Offer, terms: &Terms) -> ITerm::Offer {
    let Offer {
        lender,
        expires_ms,
        left,
        least,
    } = offer;
    ITerm::Offer {
        id,
        lender: lender.owner,
        lenderIndex: lender.index,
        left: left.to_u256(),
        terms: terms.to_abi(least, expires_ms),
    }
}

pub(super) fn offers(cx: &mut Ctx<'_>, behind: u64) -> Result<Vec<ITerm::Offer>, Halt> {
    let last = behind
        .saturating_add(OFFERS_MAX)
        .min(STATE.offer_count.load(cx)?);
    let mut found = Vec::new();
    for id in behind.saturating_add(1)..=last {
        let offer = STATE.offers.at(id).load(cx)?;
        if !offer.left.is_zero() {
            let terms = STATE.terms.at(id).load(cx)?;
            found.push(said(id, offer, &terms));
        }
    }
    Ok(found)
}

pub(super) fn loan_of(cx: &mut Ctx<'_>, id: u64) -> Result<ITerm::Loan, Halt> {
    let (loan, terms) = loans::stored(cx, id)?;
    let standing = loans::standing_of(cx, &loan, &terms)?;
    let now_ms = cx.store.block().time_ms;
    Ok(ITerm::Loan {
        id,
        offer: loan.offer,
        lender: loan.lender.owner,
        lenderIndex: loan.lender.index,
        borrower: loan.borrower.owner,
        borrowerIndex: loan.borrower.index,
        assetId: terms.asset.get(),
        rateBps: terms.rate_bps,
        lateBps: terms.late_bps,
        principal: loan.principal.to_u256(),
        startMs: loan.start_ms,
        done: standing.done,
        owed: standing.owed_up()?.to_u256(),
        balance: standing.balance.to_u256(),
        accrued: standing.accrued.to_u256(),
        due: standing.due.to_u256(),
        overdue: standing.overdue.to_u256(),
        late: standing.late.to_u256(),
        defaultMs: loan.unpaid_window(&terms, &standing).by_clock_ms(),
        inDefault: loans::is_default(&loan, &terms, &standing, now_ms),
    })
}

pub(super) fn schedule_of(cx: &mut Ctx<'_>, id: u64) -> Result<Vec<ITerm::Instalment>, Halt> {
    let (loan, terms) = loans::stored(cx, id)?;
    list(cx, &loan, &terms)
}

pub(super) fn plan(
    cx: &mut Ctx<'_>,
    terms: &OfferTerms,
    principal: U256,
) -> Result<Vec<ITerm::Instalment>, Halt> {
    let (terms, principal) = (Terms::checked(terms)?, Assets::from_u256(principal)?);
    let nobody = AccountId::default();
    let now_ms = cx.store.block().time_ms;
    let loan = Loan::new((nobody, nobody), 0, &terms, principal, now_ms)?;
    list(cx, &loan, &terms)
}

fn list(cx: &mut Ctx<'_>, loan: &Loan, terms: &Terms) -> Result<Vec<ITerm::Instalment>, Halt> {
    cx.store
        .charge(INSTALMENT_GAS.saturating_mul(terms.instalments.into()))?;
    let all = loan.schedule(terms)?;
    Ok(all.into_iter().map(instalment).collect())
}

fn instalment(one: Instalment) -> ITerm::Instalment {
    let Instalment {
        due_ms,
        principal,
        interest,
        balance,
    } = one;
    ITerm::Instalment {
        dueMs: due_ms,
        principal: principal.to_u256(),
        interest: interest.to_u256(),
        balance: balance.to_u256(),
    }
}

pub(super) fn loans_of(cx: &mut Ctx<'_>, owner: Address, index: u8) -> Result<Vec<u64>, Halt> {
    loans::ids_of(cx, AccountId::new(owner, index))
}
