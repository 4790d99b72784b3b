//! Fixed terms, as the contract's views answer them, and the calls of a lender's wallet.
//!
//! The chain lists what an account owes. What somebody is owed stands in no list: events name the loans of his offers and the
//! claims that were handed to him, and the loans say whether they are still his.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::term::{
    ADDRESS,
    ITerm::{
        ClaimMoved, Instalment, Loan, LoanTaken, Offer, OfferTerms, Offered, cancelOfferCall,
        loanOfCall, loansOfCall, offerCall, offerOfCall, offersCall, planCall, scheduleOfCall,
        transferClaimCall,
    },
};

use crate::{AccountName, Call, ClientError, Node, events_in, events_of};

/// Numbers that `offers` looks at in one call.
const OFFERS_PER_CALL: u64 = 100;

/// Offers of which something is left, by number.
///
/// # Errors
/// The node does not answer.
pub async fn loan_offers(node: &Node) -> Result<Vec<Offer>, ClientError> {
    let mut all = Vec::new();
    let mut behind = 0_u64;
    loop {
        let some = node.view(ADDRESS, &offersCall { behind }).await?;
        // A hundred offers that were taken whole look like the end; the number after them says whether it is.
        if some.is_empty() && loan_offer(node, behind.saturating_add(1)).await?.is_none() {
            return Ok(all);
        }
        all.extend(some);
        behind = behind.saturating_add(OFFERS_PER_CALL);
    }
}

/// An offer, whether or not anything is left of it; none if nobody ever made it.
///
/// # Errors
/// The node does not answer.
pub async fn loan_offer(node: &Node, id: u64) -> Result<Option<Offer>, ClientError> {
    known(node.view(ADDRESS, &offerOfCall { id }).await)
}

/// A loan as it stands now; none if nothing is owed on it.
///
/// # Errors
/// The node does not answer.
pub async fn loan(node: &Node, id: u64) -> Result<Option<Loan>, ClientError> {
    known(node.view(ADDRESS, &loanOfCall { id }).await)
}

/// What the contract does not know, it refuses.
fn known<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(ClientError::Reverted(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The payments of a loan that are to come, or unpaid.
///
/// # Errors
/// The node does not answer.
pub async fn loan_payments(node: &Node, id: u64) -> Result<Vec<Instalment>, ClientError> {
    node.view(ADDRESS, &scheduleOfCall { id }).await
}

/// The payments that a loan on these terms would have.
///
/// # Errors
/// The terms are out of range, or the node does not answer.
pub async fn loan_plan(
    node: &Node,
    terms: OfferTerms,
    principal: U256,
) -> Result<Vec<Instalment>, ClientError> {
    node.view(ADDRESS, &planCall { terms, principal }).await
}

/// What an account owes at fixed terms.
///
/// # Errors
/// The node does not answer.
pub async fn loans_of(node: &Node, of: AccountName) -> Result<Vec<Loan>, ClientError> {
    let (owner, index) = (of.owner, of.index);
    let ids = node.view(ADDRESS, &loansOfCall { owner, index }).await?;
    standing(node, ids).await
}

/// What any of somebody's accounts is owed at fixed terms.
///
/// # Errors
/// The node does not answer, or has forgotten its beginning.
pub async fn claims_of(node: &Node, lender: Address) -> Result<Vec<Loan>, ClientError> {
    let word = lender.into_word();
    let mut ids = BTreeSet::new();
    for (_, offered) in events_of::<Offered>(node, ADDRESS, &[None, Some(word)]).await? {
        let offer = B256::from(U256::from(offered.id));
        let taken = events_of::<LoanTaken>(node, ADDRESS, &[None, Some(offer)]).await?;
        ids.extend(taken.into_iter().map(|(_, taken)| taken.id));
    }
    let moved = events_of::<ClaimMoved>(node, ADDRESS, &[None, Some(word)]).await?;
    ids.extend(moved.into_iter().map(|(_, moved)| moved.id));
    let mut all = standing(node, ids).await?;
    all.retain(|loan| loan.lender == lender);
    Ok(all)
}

async fn standing(
    node: &Node,
    ids: impl IntoIterator<Item = u64>,
) -> Result<Vec<Loan>, ClientError> {
    let mut all = Vec::new();
    for id in ids {
        all.extend(loan(node, id).await?);
    }
    Ok(all)
}

/// The call that offers units of the caller's wallet; payments go to his account `index`.
pub fn offer_loan(terms: OfferTerms, amount: U256, index: u8) -> Call {
    call(&offerCall {
        terms,
        amount,
        index,
    })
}

/// The call that takes back what nobody has taken of an offer.
pub fn cancel_loan_offer(id: u64) -> Call {
    call(&cancelOfferCall { id })
}

/// The call after which somebody else is owed a loan.
pub fn hand_over_claim(id: u64, to: AccountName) -> Call {
    let (to, index) = (to.owner, to.index);
    call(&transferClaimCall { id, to, index })
}

fn call<C: SolCall>(verb: &C) -> Call {
    Call {
        to: ADDRESS,
        input: verb.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// The number of the offer that a transaction made; none if it made none.
///
/// # Errors
/// The node does not answer.
pub async fn made_loan_offer(node: &Node, transaction: B256) -> Result<Option<u64>, ClientError> {
    let made = events_in::<Offered>(node, ADDRESS, transaction).await?;
    Ok(made.last().map(|event| event.id))
}
