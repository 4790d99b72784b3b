//! Loans: taken, paid, moved, written off. Functions for other native contracts; nothing asks here who calls, and
//! nothing checks health.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    ADDRESS, ESCROW,
    ITerm::{LoanEnded, LoanMoved, LoanPaid, LoanTaken, TermLossRealised},
    STATE,
    error::*,
    math::{Instalment, Payment, Standing, UnpaidWindow},
    offers,
    params::{INSTALMENT_GAS, LOANS_MAX},
    state::{Loan, Terms},
};
use crate::{contract::emit, ledger, position::Loss, revert};

/// Takes an offer or a part of it, for an account. Whether it may, is not asked here. Answers the loan's id.
///
/// # Errors
/// `TermZeroAmount`, `TermPausedNow`, `TermNoOffer`, `TermExpired`, `TermOfferShort`, `TermTooSmall`,
/// `TermTooManyLoans`.
pub fn take(
    cx: &mut Ctx<'_>,
    borrower: AccountId,
    offer: u64,
    amount: Assets,
) -> Result<u64, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    if amount.is_zero() {
        return Err(revert(&TermZeroAmount {}));
    }
    let (lender, terms) = offers::draw(cx, offer, amount)?;
    let id = STATE.loan_count.load(cx)?.checked_add(1);
    let id = id.ok_or_else(Halt::overflow)?;
    STATE.loan_count.save(cx, id)?;
    cx.store
        .charge(INSTALMENT_GAS.saturating_mul(terms.instalments.into()))?;
    let now_ms = cx.store.block().time_ms;
    let loan = Loan::new((lender, borrower), offer, &terms, amount, now_ms)?;
    STATE.loans.at(id).save(cx, &loan)?;
    join(cx, borrower, id)?;
    let dearest = STATE.dearest_bps.at(terms.asset);
    let rate_bps = terms.rate_bps.max(terms.late_bps);
    if rate_bps > dearest.load(cx)? {
        dearest.save(cx, rate_bps)?;
    }
    ledger::shift(cx, terms.asset, ESCROW, borrower, amount)?;
    emit(
        cx,
        &LoanTaken {
            id,
            offer,
            borrower: borrower.owner,
            borrowerIndex: borrower.index,
            principal: amount.to_u256(),
        },
    )?;
    Ok(id)
}

/// Pays on a loan with free units of `payer`: late fees, instalments, then early, at the terms' fee. Answers what was
/// paid. Never paused (TERM-6).
///
/// # Errors
/// `TermZeroAmount`, `TermNoLoan`, `TermTooSmall`, `LedgerInsufficient`.
pub fn repay(cx: &mut Ctx<'_>, payer: AccountId, id: u64, amount: Assets) -> Result<Payment, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    if amount.is_zero() {
        return Err(revert(&TermZeroAmount {}));
    }
    let (loan, terms) = stored(cx, id)?;
    let payment = pay(cx, payer, id, amount, (loan, &terms))?;
    if !payment.total()?.is_zero() {
        return Ok(payment);
    }
    // Nothing is due: the running interest, a unit and its fee are the least that does anything.
    let accrued = standing_of(cx, &loan, &terms)?.accrued.to_u256();
    let unit = U256::ONE.saturating_add(terms.early_fee.of_up(U256::ONE)?);
    Err(revert(&TermTooSmall {
        id,
        amount: amount.to_u256(),
        least: accrued.saturating_add(unit),
    }))
}

/// Pays on the loans of an account in an asset, those in default first, then the oldest, as [`repay`] does. Answers what
/// was paid; that may be less than `amount` by one period's interest.
///
/// # Errors
/// `LedgerInsufficient`.
pub fn settle(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    payer: AccountId,
    debtor: AccountId,
    amount: Assets,
) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut left = amount;
    let mut ids = defaults(cx, debtor)?;
    for id in ids_of(cx, debtor)? {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    for id in ids {
        let (loan, terms) = stored(cx, id)?;
        if terms.asset != asset || left.is_zero() {
            continue;
        }
        let payment = pay(cx, payer, id, left, (loan, &terms))?;
        left = left.sub(payment.total()?)?;
    }
    Ok(amount.sub(left)?)
}

/// Moves what a payment pays to the holder of the claim (TERM-3), and ends a loan on which nothing is owed any more.
fn pay(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    id: u64,
    amount: Assets,
    (loan, terms): (Loan, &Terms),
) -> Result<Payment, Halt> {
    let now_ms = cx.store.block().time_ms;
    charge(cx, &loan, terms)?;
    let (after, payment) = loan.pay(terms, amount, now_ms)?;
    let total = payment.total()?;
    if total.is_zero() {
        return Ok(payment);
    }
    ledger::shift(cx, terms.asset, payer, loan.lender, total)?;
    emit(
        cx,
        &LoanPaid {
            id,
            payer: payer.owner,
            payerIndex: payer.index,
            late: payment.late.to_u256(),
            due: payment.due.to_u256(),
            accrued: payment.accrued.to_u256(),
            principal: payment.principal.to_u256(),
            fee: payment.fee.to_u256(),
        },
    )?;
    if after.standing(terms, now_ms)?.owed_up()?.is_zero() {
        remove(cx, id, loan.borrower)?;
        emit(cx, &LoanEnded { id })?;
    } else {
        STATE.loans.at(id).save(cx, &after)?;
    }
    Ok(payment)
}

/// All that an account owes of an asset, now.
///
/// # Errors
/// The store's.
pub fn owed_up(cx: &mut Ctx<'_>, asset: AssetId, of: AccountId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut owed = Assets::ZERO;
    for id in ids_of(cx, of)? {
        let (loan, terms) = stored(cx, id)?;
        if terms.asset == asset {
            owed = owed.add(standing_of(cx, &loan, &terms)?.owed_up()?)?;
        }
    }
    Ok(owed)
}

/// What would end all loans of an account in an asset now: what is owed, and the fees of paying the rest early. It is
/// what the account's position owes, so that nobody is healthy who could not pay it.
///
/// # Errors
/// The store's.
pub fn ending_up(cx: &mut Ctx<'_>, asset: AssetId, of: AccountId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut cost = Assets::ZERO;
    for id in ids_of(cx, of)? {
        let (loan, terms) = stored(cx, id)?;
        if terms.asset == asset {
            cost = cost.add(cost_of_ending_up(cx, &loan, &terms)?)?;
        }
    }
    Ok(cost)
}

/// The part of [`ending_up`] that is for loans in default: all of them has fallen due.
///
/// # Errors
/// The store's.
pub fn overdue_up(cx: &mut Ctx<'_>, asset: AssetId, of: AccountId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut cost = Assets::ZERO;
    for id in defaults(cx, of)? {
        let (loan, terms) = stored(cx, id)?;
        if terms.asset == asset {
            cost = cost.add(cost_of_ending_up(cx, &loan, &terms)?)?;
        }
    }
    Ok(cost)
}

fn cost_of_ending_up(cx: &mut Ctx<'_>, loan: &Loan, terms: &Terms) -> Result<Assets, Halt> {
    let standing = standing_of(cx, loan, terms)?;
    let fee = terms.early_fee.of_up(standing.balance.to_u256())?;
    Ok(standing.owed_up()?.add(Assets::from_u256(fee)?)?)
}

/// What a loan is to the account that owes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debt {
    /// Who owes.
    pub borrower: AccountId,
    /// What is owed.
    pub asset: AssetId,
    /// What would end it now, early fee included.
    pub ending: Assets,
}

/// Who owes a loan, in which asset, and what would end it now.
///
/// # Errors
/// `TermNoLoan`.
pub fn debt_of(cx: &mut Ctx<'_>, id: u64) -> Result<Debt, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (loan, terms) = stored(cx, id)?;
    Ok(Debt {
        borrower: loan.borrower,
        asset: terms.asset,
        ending: cost_of_ending_up(cx, &loan, &terms)?,
    })
}

/// How a loan stands now.
///
/// # Errors
/// `TermNoLoan`.
pub fn standing(cx: &mut Ctx<'_>, id: u64) -> Result<Standing, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (loan, terms) = stored(cx, id)?;
    standing_of(cx, &loan, &terms)
}

/// The first instalment of a loan that has not fallen due.
///
/// # Errors
/// `TermNoLoan`.
pub fn next_instalment(cx: &mut Ctx<'_>, id: u64) -> Result<Option<Instalment>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (loan, terms) = stored(cx, id)?;
    let standing = standing_of(cx, &loan, &terms)?;
    loan.next_instalment(&terms, &standing)
}

/// The instalments of a loan behind those that are paid.
///
/// # Errors
/// `TermNoLoan`.
pub fn schedule(cx: &mut Ctx<'_>, id: u64) -> Result<Vec<Instalment>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (loan, terms) = stored(cx, id)?;
    cx.store
        .charge(INSTALMENT_GAS.saturating_mul(terms.instalments.into()))?;
    loan.schedule(&terms)
}

/// Loans that an account owes, the oldest first.
///
/// # Errors
/// The store's.
pub fn loans_of(cx: &mut Ctx<'_>, of: AccountId) -> Result<Vec<u64>, Halt> {
    ids_of(&mut cx.enter(ADDRESS), of)
}

/// Loans of an account that are in default now (TERM-10).
///
/// # Errors
/// The store's.
pub fn defaults(cx: &mut Ctx<'_>, of: AccountId) -> Result<Vec<u64>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let now_ms = cx.store.block().time_ms;
    let mut found = Vec::new();
    for id in ids_of(cx, of)? {
        let (loan, terms) = stored(cx, id)?;
        let standing = standing_of(cx, &loan, &terms)?;
        if is_default(&loan, &terms, &standing, now_ms) {
            found.push(id);
        }
    }
    Ok(found)
}

/// Whether a loan is in default.
pub(super) fn is_default(loan: &Loan, terms: &Terms, standing: &Standing, now_ms: u64) -> bool {
    standing.oldest_due_ms.is_some() && now_ms > loan.unpaid_window(terms, standing).by_clock_ms()
}

/// The last moment at which none of an account's loans in an asset is in default, if nobody pays: for its guard. `None`
/// without loans.
///
/// # Errors
/// The store's.
pub fn next_default_ms(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    of: AccountId,
) -> Result<Option<u64>, Halt> {
    let windows = unpaid_windows(cx, asset, of)?;
    let ends = windows.iter().map(UnpaidWindow::by_clock_ms);
    Ok(ends.min())
}

/// The window of each loan that an account owes in an asset.
///
/// # Errors
/// The store's.
pub fn unpaid_windows(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    of: AccountId,
) -> Result<Vec<UnpaidWindow>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut windows = Vec::new();
    for id in ids_of(cx, of)? {
        let (loan, terms) = stored(cx, id)?;
        if terms.asset == asset {
            let standing = standing_of(cx, &loan, &terms)?;
            windows.push(loan.unpaid_window(&terms, &standing));
        }
    }
    Ok(windows)
}

/// Hands all that an account owes of an asset to another account.
///
/// # Errors
/// `TermTooManyLoans`.
pub fn move_loans(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    from: AccountId,
    to: AccountId,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    for id in ids_of(cx, from)? {
        let (mut loan, terms) = stored(cx, id)?;
        if terms.asset != asset {
            continue;
        }
        leave(cx, from, id)?;
        join(cx, to, id)?;
        loan.borrower = to;
        STATE.loans.at(id).save(cx, &loan)?;
        emit(
            cx,
            &LoanMoved {
                id,
                borrower: to.owner,
                borrowerIndex: to.index,
            },
        )?;
    }
    Ok(())
}

/// Ends every loan of an account in an asset, because nothing backs them. Each lender bears his own (TERM-9).
///
/// # Errors
/// The store's.
pub fn write_off(cx: &mut Ctx<'_>, debtor: AccountId, asset: AssetId) -> Result<Loss, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut lost = Assets::ZERO;
    for id in ids_of(cx, debtor)? {
        let (loan, terms) = stored(cx, id)?;
        if terms.asset != asset {
            continue;
        }
        let owed = standing_of(cx, &loan, &terms)?.owed_up()?;
        lost = lost.add(owed)?;
        remove(cx, id, debtor)?;
        emit(
            cx,
            &TermLossRealised {
                id,
                lender: loan.lender.owner,
                lenderIndex: loan.lender.index,
                owed: owed.to_u256(),
            },
        )?;
    }
    Ok(Loss {
        debt: lost,
        reserve: Assets::ZERO,
        lenders: lost,
    })
}

/// A loan and its terms.
pub(super) fn stored(cx: &mut Ctx<'_>, id: u64) -> Result<(Loan, Terms), Halt> {
    let loan = STATE.loans.at(id).load(cx)?;
    if loan.offer == 0 {
        return Err(revert(&TermNoLoan { id }));
    }
    let terms = STATE.terms.at(loan.offer).load(cx)?;
    Ok((loan, terms))
}

/// How a loan stands now, paid for in gas by the instalments that are counted.
pub(super) fn standing_of(cx: &mut Ctx<'_>, loan: &Loan, terms: &Terms) -> Result<Standing, Halt> {
    charge(cx, loan, terms)?;
    loan.standing(terms, cx.store.block().time_ms)
}

fn charge(cx: &mut Ctx<'_>, loan: &Loan, terms: &Terms) -> Result<(), Halt> {
    let steps = loan.steps(terms, cx.store.block().time_ms);
    cx.store.charge(INSTALMENT_GAS.saturating_mul(steps))
}

/// Ids of an account's loans, the oldest first. The frame is the room's.
pub(super) fn ids_of(cx: &mut Ctx<'_>, of: AccountId) -> Result<Vec<u64>, Halt> {
    let mut ids = STATE.loans_of.at(of).load(cx)?;
    ids.sort_unstable();
    Ok(ids)
}

fn join(cx: &mut Ctx<'_>, account: AccountId, id: u64) -> Result<(), Halt> {
    let list = STATE.loans_of.at(account);
    if list.len(cx)? < LOANS_MAX {
        return list.push(cx, id).map(|_| ());
    }
    Err(revert(&TermTooManyLoans {
        owner: account.owner,
        index: account.index,
        max: U256::from(LOANS_MAX),
    }))
}

fn leave(cx: &mut Ctx<'_>, account: AccountId, id: u64) -> Result<(), Halt> {
    let list = STATE.loans_of.at(account);
    let at = list.load(cx)?.iter().position(|one| *one == id);
    let at = at.and_then(|at| u32::try_from(at).ok());
    let at = at.ok_or_else(|| Halt::Fatal(format!("term: loan {id} is not in its list")))?;
    list.swap_remove(cx, at).map(|_| ())
}

fn remove(cx: &mut Ctx<'_>, id: u64, borrower: AccountId) -> Result<(), Halt> {
    leave(cx, borrower, id)?;
    STATE.loans.at(id).save(cx, &NO_LOAN)
}

/// What a loan leaves behind: nothing.
const NO_LOAN: Loan = Loan {
    lender: AccountId::new(Address::ZERO, 0),
    offer: 0,
    borrower: AccountId::new(Address::ZERO, 0),
    done: 0,
    start_ms: 0,
    balance: Assets::ZERO,
    step: Assets::ZERO,
    paid: Assets::ZERO,
    late: Assets::ZERO,
    from_ms: 0,
    late_ms: 0,
    principal: Assets::ZERO,
};
