//! Loans of machines: made of loans of `term`, from the pot to the machine's own account. The frame is that of `income`.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Frame, Halt, Scratch};
use capstan_units::Assets;

use super::{
    DEBTORS_MAX, GRACE_S,
    IIncome::{MachineBorrowed, MachineRepaid, Quote},
    POT, account_of, book,
    error::*,
    look, market,
    market::STATE,
    params::{self, Params},
    power,
    recover::{self, Tier},
    state::{Book, Market},
};
use crate::{
    contract::emit,
    ledger, machines, revert,
    term::{self, ITerm::OfferTerms},
};

/// Borrows against the caller's machine, to his wallet.
///
/// # Errors
/// `IncomeNoBook`, `IncomeNotHolder`, `IncomeTooMuch`, `IncomeTooManyDebtors`, and those of `term` and `ledger::push`.
pub(super) fn borrow(cx: &mut Ctx<'_>, id: u64, amount: U256) -> Result<Quote, Halt> {
    let holder = book::expect_holder(cx, id)?;
    let quote = lend(cx, id, amount)?;
    let asset = book::known(cx, id)?.asset;
    let amount = Assets::from_u256(amount)?;
    ledger::push(cx, asset, account_of(id), holder, amount)?;
    Ok(quote)
}

/// The same in a scratch world, for whoever holds the title, without the wallet.
pub(super) fn preview_borrow(cx: &mut Ctx<'_>, id: u64, amount: U256) -> Result<Quote, Halt> {
    let frame = Frame {
        value: U256::ZERO,
        ..cx.frame
    };
    let mut scratch = Scratch::new(&mut *cx.store);
    lend(&mut Ctx::new(&mut scratch, frame), id, amount)
}

/// Makes a loan whose units end on the machine's account.
fn lend(cx: &mut Ctx<'_>, id: u64, amount: U256) -> Result<Quote, Halt> {
    market::refuse_zero(amount)?;
    let mut book = book::known(cx, id)?;
    // What came in meanwhile pays first.
    let holder = machines::holder_of(cx, id)?;
    book::meet(cx, id, &mut book, holder)?;
    book::share_out(cx, id, &mut book)?;
    let offer = power::offer(cx, id, &book)?;
    let wanted = Assets::from_u256(amount).unwrap_or(Assets::MAX);
    let params = params::in_force(cx, book.asset)?;
    if wanted > offer.today || wanted < params.loan_min {
        let bound = if wanted > offer.today {
            offer.bound
        } else {
            power::Bound::LoanMin
        };
        return Err(revert(&IncomeTooMuch {
            machineId: id,
            amount,
            today: offer.today.to_u256(),
            bound: bound.number(),
        }));
    }
    let loan = take(cx, id, &book, &params, wanted)?;
    let mut market = market::known(cx, book.asset)?;
    market.idle = market.idle.sub(wanted)?;
    market.lent = market.lent.add(wanted)?;
    if book.principal.is_zero() {
        begin_debt(cx, id, &mut book)?;
    }
    book.principal = book.principal.add(wanted)?;
    recount(cx, id, &mut book, &mut market)?;
    market::save(cx, book.asset, &market)?;
    book::save(cx, id, &book)?;
    look::call_block(cx, id, &book)?;
    emit(
        cx,
        &MachineBorrowed {
            machineId: id,
            holder,
            loanId: loan,
            amount,
        },
    )?;
    quote(cx, id, &book, &params, loan, amount)
}

/// Offers exactly the amount out of the pot, and takes it for the machine.
fn take(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    params: &Params,
    amount: Assets,
) -> Result<u64, Halt> {
    let expires_ms = cx.store.block().time_ms.saturating_add(1);
    let terms = OfferTerms {
        assetId: book.asset.get(),
        rateBps: params.rate_bps,
        instalments: params.instalments,
        periodS: params.period_s,
        amortisation: 0,
        graceS: GRACE_S,
        lateBps: params.late_bps,
        earlyFeeBps: 0,
        defaultS: params.unpaid_s,
        least: amount.to_u256(),
        expiresMs: expires_ms,
    };
    let offer = term::offer(cx, POT, &terms, amount)?;
    term::take(cx, account_of(id), offer, amount)
}

fn quote(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    params: &Params,
    loan: u64,
    amount: U256,
) -> Result<Quote, Halt> {
    let schedule = term::schedule(cx, loan)?;
    let first = schedule.first().copied();
    let first = first.ok_or_else(|| Halt::Fatal(format!("loan {loan} has no schedule")))?;
    let mut interest = Assets::ZERO;
    for one in &schedule {
        interest = interest.add(one.interest)?;
    }
    Ok(Quote {
        amount,
        rateBps: params.rate_bps,
        instalments: params.instalments,
        periodS: params.period_s,
        firstDueMs: first.due_ms,
        firstPayment: first.amount()?.to_u256(),
        interest: interest.to_u256(),
        canBorrowAfter: power::offer(cx, id, book)?.today.to_u256(),
    })
}

/// Puts a machine among the debtors and locks its title.
fn begin_debt(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    let list = STATE.debtors.at(book.asset);
    let count = list.len(cx)?;
    if count >= DEBTORS_MAX {
        return Err(revert(&IncomeTooManyDebtors {
            assetId: book.asset.get(),
            max: U256::from(DEBTORS_MAX),
        }));
    }
    book.place = list.push(cx, id)?.saturating_add(1);
    machines::lock(cx, id)
}

/// Takes a machine from the debtors.
pub(super) fn leave_debtors(cx: &mut Ctx<'_>, book: &mut Book) -> Result<(), Halt> {
    let list = STATE.debtors.at(book.asset);
    let Some(place) = book.place.checked_sub(1) else {
        return Ok(());
    };
    list.swap_remove(cx, place)?;
    if let Some(moved) = list.get(cx, place)? {
        let mut other = book::known(cx, moved)?;
        other.place = book.place;
        book::save(cx, moved, &other)?;
    }
    book.place = 0;
    Ok(())
}

/// What of a machine's principal its bond does not cover, anew.
pub(super) fn recount(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &mut Book,
    market: &mut Market,
) -> Result<(), Halt> {
    let bond = power::bond_of(cx, id, book)?;
    let others = market.uncovered.sub(book.uncovered)?;
    book.uncovered = book.principal.sub_or_zero(bond);
    market.uncovered = others.add(book.uncovered)?;
    Ok(())
}

/// The same where the bond alone may have changed; nothing is written where it did not.
pub(super) fn recount_bond(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    if book.principal.is_zero() {
        return Ok(());
    }
    let bond = power::bond_of(cx, id, book)?;
    if book.principal.sub_or_zero(bond) == book.uncovered {
        return Ok(());
    }
    let mut market = market::known(cx, book.asset)?;
    recount(cx, id, book, &mut market)?;
    market::save(cx, book.asset, &market)
}

/// Pays with units of the machine's account, and counts what that did. Answers what was paid; the caller writes the book.
pub(super) fn pay(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &mut Book,
    amount: Assets,
    tier: Tier,
) -> Result<Assets, Halt> {
    if amount.is_zero() || book.principal.is_zero() {
        return Ok(Assets::ZERO);
    }
    let paid = pay_loans(cx, id, book, amount)?;
    if paid.is_zero() {
        return Ok(paid);
    }
    let left = power::principal_of(cx, id)?;
    let back = book.principal.sub(left)?;
    let mut market = market::known(cx, book.asset)?;
    market::receive(cx, book.asset, &mut market, back, paid.sub(back)?)?;
    book.principal = left;
    recount(cx, id, book, &mut market)?;
    if book.case_id != 0 {
        market.at_risk = market.at_risk.sub(back)?;
        recover::count(cx, id, book, tier, paid, back)?;
    }
    market::save(cx, book.asset, &market)?;
    emit(
        cx,
        &MachineRepaid {
            machineId: id,
            paid: paid.to_u256(),
            interest: paid.sub(back)?.to_u256(),
            principalLeft: left.to_u256(),
        },
    )?;
    if left.is_zero() {
        end_debt(cx, id, book)?;
    }
    Ok(paid)
}

/// What is due of all loans first, the oldest first; then early.
fn pay_loans(cx: &mut Ctx<'_>, id: u64, book: &Book, amount: Assets) -> Result<Assets, Halt> {
    let account = account_of(id);
    let mut left = amount;
    for loan in term::loans_of(cx, account)? {
        let standing = term::standing(cx, loan)?;
        let due = standing.due.add(standing.late)?.min(left);
        if !due.is_zero() {
            let payment = term::repay(cx, account, loan, due)?;
            left = left.sub(payment.total()?)?;
        }
    }
    let early = term::settle(cx, book.asset, account, account, left)?;
    Ok(amount.sub(left)?.add(early)?)
}

/// Nothing is owed any more: the title is free.
fn end_debt(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    leave_debtors(cx, book)?;
    look::leave_alone(cx, id)?;
    recover::cure(cx, id, book)?;
    machines::unlock(cx, id)
}

/// Pays on a machine's debt with tokens of the caller. Never paused (INC-12).
///
/// # Errors
/// `IncomeZeroAmount`, `IncomeNoBook`, `IncomeNoDebt`, `IncomeTooSmall`, and those of `ledger::pull`.
pub(super) fn repay(cx: &mut Ctx<'_>, id: u64, amount: U256) -> Result<U256, Halt> {
    market::refuse_zero(amount)?;
    let payer = cx.caller();
    let asset = indebted(cx, id)?.asset;
    let owed = term::ending_up(cx, asset, account_of(id))?;
    let wanted = Assets::from_u256(amount).unwrap_or(Assets::MAX).min(owed);
    let arrived = ledger::pull(cx, asset, payer, account_of(id), wanted)?;
    // The token may have run its payer's code: nothing that was read before counts.
    let mut book = indebted(cx, id)?;
    let paid = pay(cx, id, &mut book, arrived, Tier::Repayment)?;
    if paid.is_zero() {
        return Err(revert(&IncomeTooSmall {
            assetId: asset.get(),
            amount,
        }));
    }
    book::save(cx, id, &book)?;
    if book.principal.is_zero() {
        book::share_out(cx, id, &mut book)?;
    }
    give_change(cx, id, &book, payer, arrived.sub(paid)?)?;
    Ok(paid.to_u256())
}

/// What a payment did not need goes back to its wallet.
fn give_change(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    to: Address,
    change: Assets,
) -> Result<(), Halt> {
    if change.is_zero() {
        return Ok(());
    }
    ledger::push(cx, book.asset, account_of(id), to, change)
}

fn indebted(cx: &mut Ctx<'_>, id: u64) -> Result<Book, Halt> {
    let book = book::known(cx, id)?;
    if !book.principal.is_zero() {
        return Ok(book);
    }
    Err(revert(&IncomeNoDebt { machineId: id }))
}
