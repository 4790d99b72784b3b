//! Debts in dollars. Functions for other native contracts; nothing asks here who calls, and nothing checks health.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, DebtShares, Ray};

use super::{
    ADDRESS,
    IDollar::{DollarDebtMoved, DollarLossRealised, DollarRepaid, Minted},
    Pause,
    book::{self, Projection, STATE},
    error::*,
    math::{self, Headroom},
    state::{Config, Used},
};
use crate::{contract::emit, ledger, position::Loss, revert};

/// The dollar's number in the ledger.
///
/// # Errors
/// `DollarNotOpen`.
pub fn asset(cx: &mut Ctx<'_>) -> Result<AssetId, Halt> {
    Ok(book::stored(&mut cx.enter(ADDRESS))?.asset_id)
}

/// Makes dollars that an account owes. Whether it may, is not asked here. Answers the debt shares.
///
/// # Errors
/// `DollarNotOpen`, `DollarZeroAmount`, `DollarPausedNow`, `DollarCeiling`, `DollarHeadroom`, `LedgerFrozen`.
pub fn mint(cx: &mut Ctx<'_>, account: AccountId, amount: Assets) -> Result<DebtShares, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    book::refuse_zero(amount)?;
    let book = book::accrue(cx)?;
    book::refuse_paused(&book, Pause::Mint)?;
    let config = STATE.config.load(cx)?;
    let shares = math::debt_shares_up(amount, book.borrow_index)?;
    let cap = math::cap_shares_down(config.ceiling, book.borrow_index);
    if !STATE.total_debts.add_capped(cx, shares, cap)? {
        let debt = math::debt_up(STATE.total_debts.load(cx)?, book.borrow_index)?;
        return Err(revert(&DollarCeiling {
            debt: debt.to_u256(),
            amount: amount.to_u256(),
            ceiling: config.ceiling.to_u256(),
        }));
    }
    use_headroom(cx, &config, amount)?;
    STATE.debts.at(account).add(cx, shares)?;
    ledger::issue(cx, book.asset_id, account, amount)?;
    emit(
        cx,
        &Minted {
            owner: account.owner,
            index: account.index,
            amount: amount.to_u256(),
            debtShares: shares.to_u256(),
        },
    )?;
    Ok(shares)
}

/// Pays a debt with free units of `payer`, at most what is owed, and destroys them. Answers what was paid. Never
/// paused (DOL-5).
///
/// # Errors
/// `DollarNotOpen`, `DollarZeroAmount`, `DollarInsufficientDebt`, `DollarTooSmall`, `LedgerInsufficient`.
pub fn repay(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    debtor: AccountId,
    amount: Assets,
) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    book::refuse_zero(amount)?;
    let book = book::accrue(cx)?;
    let (paid, burned) = lower_debt(cx, book.borrow_index, debtor, amount)?;
    ledger::retire(cx, book.asset_id, payer, paid)?;
    emit(
        cx,
        &DollarRepaid {
            owner: debtor.owner,
            index: debtor.index,
            payer: payer.owner,
            payerIndex: payer.index,
            amount: paid.to_u256(),
            debtShares: burned.to_u256(),
        },
    )?;
    Ok(paid)
}

/// Takes `amount` off a debt, at most all of it; the caller destroys as many dollars. Answers how much, and the debt
/// shares.
pub(super) fn lower_debt(
    cx: &mut Ctx<'_>,
    index: Ray,
    debtor: AccountId,
    amount: Assets,
) -> Result<(Assets, DebtShares), Halt> {
    let all = STATE.debts.at(debtor).load(cx)?;
    if all.is_zero() {
        return Err(insufficient_debt(debtor, all, DebtShares::new(1)?));
    }
    let owed = math::debt_up(all, index)?;
    let (paid, burned) = if amount >= owed {
        (owed, all)
    } else {
        (amount, math::debt_shares_down(amount, index)?)
    };
    if burned.is_zero() {
        return Err(revert(&DollarTooSmall {
            amount: amount.to_u256(),
            least: index.to_u256().div_ceil(Ray::ONE.to_u256()),
        }));
    }
    burn_shares(cx, debtor, burned)?;
    give_headroom(cx, paid)?;
    Ok((paid, burned))
}

/// What an account owes now.
///
/// # Errors
/// `DollarNotOpen`.
pub fn debt_up(cx: &mut Ctx<'_>, of: AccountId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let book = book::now(cx)?;
    math::debt_up(STATE.debts.at(of).load(cx)?, book.borrow_index)
}

/// Debt shares of an account: zero if it owes nothing, or if there is no dollar.
///
/// # Errors
/// The store's.
pub fn debt_shares(cx: &mut Ctx<'_>, of: AccountId) -> Result<DebtShares, Halt> {
    STATE.debts.at(of).load(&mut cx.enter(ADDRESS))
}

/// Hands a debt to another account.
///
/// # Errors
/// `DollarNotOpen`, `DollarInsufficientDebt`.
pub fn move_debt(
    cx: &mut Ctx<'_>,
    from: AccountId,
    to: AccountId,
    shares: DebtShares,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    book::accrue(cx)?;
    take_debt(cx, from, shares)?;
    STATE.debts.at(to).add(cx, shares)?;
    emit(
        cx,
        &DollarDebtMoved {
            from: from.owner,
            fromIndex: from.index,
            to: to.owner,
            toIndex: to.index,
            debtShares: shares.to_u256(),
        },
    )
}

/// Writes the whole debt of an account off (DOL-6). The caller knows that nothing backs it. What the surplus does not
/// bear widens the hole: its lenders are all who hold dollars.
///
/// # Errors
/// `DollarNotOpen`, `DollarInsufficientDebt`.
pub fn write_off(cx: &mut Ctx<'_>, debtor: AccountId) -> Result<Loss, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let book = book::accrue(cx)?;
    let all = STATE.debts.at(debtor).load(cx)?;
    if all.is_zero() {
        return Err(insufficient_debt(debtor, all, DebtShares::new(1)?));
    }
    let debt = math::debt_up(all, book.borrow_index)?;
    burn_shares(cx, debtor, all)?;
    let (book, surplus) = math::bear(book, debt)?;
    STATE.book.save(cx, &book)?;
    book::burn(cx, surplus)?;
    let hole = debt.sub(surplus)?;
    emit(
        cx,
        &DollarLossRealised {
            owner: debtor.owner,
            index: debtor.index,
            debt: debt.to_u256(),
            surplus: surplus.to_u256(),
            hole: hole.to_u256(),
        },
    )?;
    Ok(Loss {
        debt,
        reserve: surplus,
        lenders: hole,
    })
}

fn burn_shares(cx: &mut Ctx<'_>, debtor: AccountId, shares: DebtShares) -> Result<(), Halt> {
    take_debt(cx, debtor, shares)?;
    if STATE
        .total_debts
        .sub_bounded(cx, shares, DebtShares::ZERO)?
    {
        return Ok(());
    }
    Err(Halt::Fatal("dollar: debts above their total".into()))
}

fn take_debt(cx: &mut Ctx<'_>, debtor: AccountId, shares: DebtShares) -> Result<(), Halt> {
    let debt = STATE.debts.at(debtor);
    if debt.sub_bounded(cx, shares, DebtShares::ZERO)? {
        return Ok(());
    }
    let have = debt.load(cx)?;
    Err(insufficient_debt(debtor, have, shares))
}

pub(super) fn insufficient_debt(of: AccountId, have: DebtShares, need: DebtShares) -> Halt {
    revert(&DollarInsufficientDebt {
        owner: of.owner,
        index: of.index,
        have: have.to_u256(),
        need: need.to_u256(),
    })
}

fn use_headroom(cx: &mut Ctx<'_>, config: &Config, amount: Assets) -> Result<(), Halt> {
    let headroom = Headroom::new(config.headroom, config.refill_s);
    let used = STATE.used.load(cx)?;
    let used = taken(cx, headroom, used, amount)?;
    STATE.used.save(cx, &used)
}

/// What is used of a headroom after `amount`, or the refusal.
pub(super) fn taken(
    cx: &Ctx<'_>,
    headroom: Headroom,
    used: Used,
    amount: Assets,
) -> Result<Used, Halt> {
    let used = headroom.drained(used, cx.store.block().time_ms)?;
    match headroom.take(used, amount)? {
        Ok(used) => Ok(used),
        Err(full) => Err(revert(&DollarHeadroom {
            amount: amount.to_u256(),
            left: full.left.to_u256(),
            resetsMs: full.resets_ms,
        })),
    }
}

/// What is paid back makes room again, so that nobody can fill the headroom for others.
fn give_headroom(cx: &mut Ctx<'_>, amount: Assets) -> Result<(), Halt> {
    let config = STATE.config.load(cx)?;
    let headroom = Headroom::new(config.headroom, config.refill_s);
    let now_ms = cx.store.block().time_ms;
    let used = headroom.drained(STATE.used.load(cx)?, now_ms)?;
    STATE.used.save(cx, &Headroom::give(used, amount))
}

/// What may be minted now: what ceiling, headroom and the token's supply leave.
pub(super) fn mintable(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let Projection {
        accrued, config, ..
    } = book::projected(cx)?;
    let book = accrued.book;
    if book.paused & Pause::Mint.bit() != 0 {
        return Ok(U256::ZERO);
    }
    let headroom = Headroom::new(config.headroom, config.refill_s);
    let used = headroom.drained(STATE.used.load(cx)?, cx.store.block().time_ms)?;
    let debt = math::debt_up(STATE.total_debts.load(cx)?, book.borrow_index)?;
    let room = config.ceiling.sub_or_zero(debt);
    Ok(room.min(headroom.left(used)).to_u256())
}
