//! What moves a market. Functions for other native contracts; nothing asks here who calls, and nothing checks
//! health.
//!
//! Each loads, accrues, computes, and only then moves units and shares; no foreign code runs in between.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, DebtShares, Ray, Shares, mul_div_down};

use super::{
    ADDRESS,
    ILending::{Borrowed, DebtMoved, LossRealised, Redeemed, Repaid, SharesMoved, Supplied},
    Pause,
    error::*,
    market::{self, CASH, RESERVE, STATE},
    math::{self, Borne},
    params::SUPPLY_INDEX_MIN,
    state::Market,
};
use crate::{contract::emit, ledger, mutant::mutant, position::Loss, revert};

/// Turns free units of an account into shares.
///
/// # Errors
/// `LendingUnknownMarket`, `LendingZeroAmount`, `LendingPaused`, `LendingIndexTooLow`, `LendingTooSmall`,
/// `LendingSupplyCap`, `LedgerInsufficient`.
pub fn supply(
    cx: &mut Ctx<'_>,
    id: AssetId,
    account: AccountId,
    amount: Assets,
) -> Result<Shares, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    refuse_zero(amount)?;
    let market = market::accrue(cx, id)?;
    refuse_ruined(id, &market)?;
    let shares = math::shares_down(amount, market.supply_index)?;
    put_in(cx, id, market, account, amount, shares)?;
    Ok(shares)
}

/// Takes `amount` in for `shares`. The frame is the market's and accrued.
pub(super) fn put_in(
    cx: &mut Ctx<'_>,
    id: AssetId,
    market: Market,
    account: AccountId,
    amount: Assets,
    shares: Shares,
) -> Result<(), Halt> {
    refuse_paused(id, &market, Pause::Supply)?;
    refuse_ruined(id, &market)?;
    if shares.is_zero() {
        return Err(too_small(id, amount, market.supply_index.to_u256()));
    }
    let cap = market::params(cx, id)?.supply_cap;
    let cap_shares = mutant!(
        NoSupplyCap,
        math::cap_shares_down(cap, market.supply_index),
        Shares::MAX
    );
    let total = STATE.total_shares.at(id);
    if !total.add_capped(cx, shares, cap_shares)? {
        let supplied = math::assets_down(total.load(cx)?, market.supply_index)?;
        return Err(revert(&LendingSupplyCap {
            assetId: id.get(),
            supplied: supplied.to_u256(),
            amount: amount.to_u256(),
            cap: cap.to_u256(),
        }));
    }
    STATE.shares.at((id, account)).add(cx, shares)?;
    ledger::shift(cx, id, account, CASH, amount)?;
    emit(
        cx,
        &Supplied {
            assetId: id.get(),
            owner: account.owner,
            index: account.index,
            assets: amount.to_u256(),
            shares: shares.to_u256(),
        },
    )
}

/// Turns shares of an account back into free units; the largest amount means all. Answers the units that came, and the
/// shares burned.
///
/// # Errors
/// `LendingUnknownMarket`, `LendingZeroAmount`, `LendingPaused`, `LendingInsufficientShares`, `LendingNoCash`.
pub fn redeem(
    cx: &mut Ctx<'_>,
    id: AssetId,
    account: AccountId,
    amount: Assets,
) -> Result<(Assets, Shares), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    refuse_zero(amount)?;
    let market = market::accrue(cx, id)?;
    let (amount, shares) = if amount == Assets::MAX {
        let all = market::shares_of(cx, id, account)?;
        (math::assets_down(all, market.supply_index)?, all)
    } else if market.supply_index.is_zero() {
        return Err(insufficient_shares(id, account, Assets::ZERO, amount));
    } else {
        (amount, math::shares_up(amount, market.supply_index)?)
    };
    take_out(cx, id, market, account, amount, shares)?;
    Ok((amount, shares))
}

/// Pays `amount` out for `shares`. The frame is the market's and accrued.
pub(super) fn take_out(
    cx: &mut Ctx<'_>,
    id: AssetId,
    market: Market,
    account: AccountId,
    amount: Assets,
    shares: Shares,
) -> Result<(), Halt> {
    refuse_paused(id, &market, Pause::Redeem)?;
    refuse_zero(amount)?;
    let balance = STATE.shares.at((id, account));
    if !balance.sub_bounded(cx, shares, Shares::ZERO)? {
        let have = math::assets_down(balance.load(cx)?, market.supply_index)?;
        return Err(insufficient_shares(id, account, have, amount));
    }
    burn_shares(cx, id, shares)?;
    pay_out(cx, id, account, amount)?;
    emit(
        cx,
        &Redeemed {
            assetId: id.get(),
            owner: account.owner,
            index: account.index,
            assets: amount.to_u256(),
            shares: shares.to_u256(),
        },
    )
}

/// Lends cash to an account. Whether it may, is not asked here. Answers the debt shares.
///
/// # Errors
/// `LendingUnknownMarket`, `LendingZeroAmount`, `LendingPaused`, `LendingBorrowCap`, `LendingNoCash`.
pub fn borrow(
    cx: &mut Ctx<'_>,
    id: AssetId,
    account: AccountId,
    amount: Assets,
) -> Result<DebtShares, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    refuse_zero(amount)?;
    let market = market::accrue(cx, id)?;
    refuse_paused(id, &market, Pause::Borrow)?;
    let shares = math::debt_shares_up(amount, market.borrow_index)?;
    let cap = market::params(cx, id)?.borrow_cap;
    let cap_shares = mutant!(
        NoBorrowCap,
        math::cap_debt_shares_down(cap, market.borrow_index),
        DebtShares::MAX
    );
    let total = STATE.total_debts.at(id);
    if !total.add_capped(cx, shares, cap_shares)? {
        let borrowed = math::debt_up(total.load(cx)?, market.borrow_index)?;
        return Err(revert(&LendingBorrowCap {
            assetId: id.get(),
            borrowed: borrowed.to_u256(),
            amount: amount.to_u256(),
            cap: cap.to_u256(),
        }));
    }
    STATE.debts.at((id, account)).add(cx, shares)?;
    pay_out(cx, id, account, amount)?;
    emit(
        cx,
        &Borrowed {
            assetId: id.get(),
            owner: account.owner,
            index: account.index,
            assets: amount.to_u256(),
            debtShares: shares.to_u256(),
        },
    )?;
    Ok(shares)
}

/// Pays a debt with free units of `payer`, at most what is owed. Answers what was paid. Never paused (LEND-9).
///
/// # Errors
/// `LendingUnknownMarket`, `LendingZeroAmount`, `LendingInsufficientDebt`, `LendingTooSmall`,
/// `LedgerInsufficient`.
pub fn repay(
    cx: &mut Ctx<'_>,
    id: AssetId,
    payer: AccountId,
    debtor: AccountId,
    amount: Assets,
) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    refuse_zero(amount)?;
    let market = market::accrue(cx, id)?;
    let all = STATE.debts.at((id, debtor)).load(cx)?;
    pay_off(cx, id, market, (payer, debtor), all, amount)
}

/// Pays up to `amount` of a debt of `all` shares. The frame is the market's and accrued.
pub(super) fn pay_off(
    cx: &mut Ctx<'_>,
    id: AssetId,
    market: Market,
    (payer, debtor): (AccountId, AccountId),
    all: DebtShares,
    amount: Assets,
) -> Result<Assets, Halt> {
    let owed = math::debt_up(all, market.borrow_index)?;
    let (paid, burned) = if amount >= owed {
        (owed, all)
    } else {
        (amount, math::debt_shares_down(amount, market.borrow_index)?)
    };
    if all.is_zero() {
        return Err(insufficient_debt(id, debtor, all, DebtShares::new(1)?));
    }
    if burned.is_zero() {
        return Err(too_small(id, amount, market.borrow_index.to_u256()));
    }
    take_debt(cx, id, debtor, burned)?;
    if !STATE
        .total_debts
        .at(id)
        .sub_bounded(cx, burned, DebtShares::ZERO)?
    {
        return Err(Halt::Fatal(format!("market {id}: debts above their total")));
    }
    ledger::shift(cx, id, payer, CASH, paid)?;
    emit(
        cx,
        &Repaid {
            assetId: id.get(),
            owner: debtor.owner,
            index: debtor.index,
            payer: payer.owner,
            payerIndex: payer.index,
            assets: paid.to_u256(),
            debtShares: burned.to_u256(),
        },
    )?;
    Ok(paid)
}

/// What an account's shares are worth now.
///
/// # Errors
/// `LendingUnknownMarket`.
pub fn supplied_down(cx: &mut Ctx<'_>, id: AssetId, of: AccountId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let market = market::now(cx, id)?;
    math::assets_down(market::shares_of(cx, id, of)?, market.supply_index)
}

/// What an account owes now.
///
/// # Errors
/// `LendingUnknownMarket`.
pub fn debt_up(cx: &mut Ctx<'_>, id: AssetId, of: AccountId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let market = market::now(cx, id)?;
    math::debt_up(STATE.debts.at((id, of)).load(cx)?, market.borrow_index)
}

/// Debt shares of an account.
///
/// # Errors
/// The store's.
pub fn debt_shares(cx: &mut Ctx<'_>, id: AssetId, of: AccountId) -> Result<DebtShares, Halt> {
    STATE.debts.at((id, of)).load(&mut cx.enter(ADDRESS))
}

/// Debt shares that are at least so much debt.
///
/// # Errors
/// `LendingUnknownMarket`.
pub fn debt_shares_up(cx: &mut Ctx<'_>, id: AssetId, amount: Assets) -> Result<DebtShares, Halt> {
    let market = market::now(&mut cx.enter(ADDRESS), id)?;
    math::debt_shares_up(amount, market.borrow_index)
}

/// Hands shares to another account.
///
/// # Errors
/// `LendingUnknownMarket`, `LendingInsufficientShares`.
pub fn move_shares(
    cx: &mut Ctx<'_>,
    id: AssetId,
    from: AccountId,
    to: AccountId,
    shares: Shares,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let market = market::accrue(cx, id)?;
    let balance = STATE.shares.at((id, from));
    if !balance.sub_bounded(cx, shares, Shares::ZERO)? {
        let have = math::assets_down(balance.load(cx)?, market.supply_index)?;
        let need = math::assets_up(shares, market.supply_index)?;
        return Err(insufficient_shares(id, from, have, need));
    }
    STATE.shares.at((id, to)).add(cx, shares)?;
    emit(
        cx,
        &SharesMoved {
            assetId: id.get(),
            from: from.owner,
            fromIndex: from.index,
            to: to.owner,
            toIndex: to.index,
            shares: shares.to_u256(),
        },
    )
}

/// Hands a debt to another account.
///
/// # Errors
/// `LendingUnknownMarket`, `LendingInsufficientDebt`.
pub fn move_debt(
    cx: &mut Ctx<'_>,
    id: AssetId,
    from: AccountId,
    to: AccountId,
    shares: DebtShares,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    market::accrue(cx, id)?;
    take_debt(cx, id, from, shares)?;
    STATE.debts.at((id, to)).add(cx, shares)?;
    emit(
        cx,
        &DebtMoved {
            assetId: id.get(),
            from: from.owner,
            fromIndex: from.index,
            to: to.owner,
            toIndex: to.index,
            debtShares: shares.to_u256(),
        },
    )
}

/// Writes the whole debt of an account off (LEND-10). The caller knows that nothing backs it.
///
/// # Errors
/// `LendingUnknownMarket`, `LendingInsufficientDebt`.
pub fn absorb(cx: &mut Ctx<'_>, id: AssetId, debtor: AccountId) -> Result<Loss, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let market = market::accrue(cx, id)?;
    let all = STATE.debts.at((id, debtor)).load(cx)?;
    if all.is_zero() {
        return Err(insufficient_debt(id, debtor, all, DebtShares::new(1)?));
    }
    let debt = math::debt_up(all, market.borrow_index)?;
    take_debt(cx, id, debtor, all)?;
    if !STATE
        .total_debts
        .at(id)
        .sub_bounded(cx, all, DebtShares::ZERO)?
    {
        return Err(Halt::Fatal(format!("market {id}: debts above their total")));
    }
    let pot = market::pot(cx, id)?;
    let reserve_shares = market::shares_of(cx, id, RESERVE)?;
    let Borne {
        reserve_shares: burned,
        reserve,
        supply_index,
        lenders,
    } = math::bear(pot, market, reserve_shares)?;
    if !burned.is_zero() {
        let balance = STATE.shares.at((id, RESERVE));
        if !balance.sub_bounded(cx, burned, Shares::ZERO)? {
            return Err(Halt::Fatal(format!("market {id}: reserve below itself")));
        }
        burn_shares(cx, id, burned)?;
    }
    note_haircut(cx, id, market.supply_index, supply_index)?;
    let market = Market {
        supply_index,
        ..market
    };
    STATE.markets.at(id).save(cx, &market)?;
    emit(
        cx,
        &LossRealised {
            assetId: id.get(),
            owner: debtor.owner,
            index: debtor.index,
            debt: debt.to_u256(),
            reserve: reserve.to_u256(),
            lenders: lenders.to_u256(),
        },
    )?;
    Ok(Loss {
        debt,
        reserve,
        lenders,
    })
}

/// Turns free units of an account into shares of the market's reserve, whatever is paused or capped. Where there is no
/// market that could make shares, they become free units of the reserve.
///
/// # Errors
/// `LedgerInsufficient`.
pub fn endow(cx: &mut Ctx<'_>, id: AssetId, from: AccountId, amount: Assets) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let shares = endowed_shares_down(cx, id, amount)?;
    let total = STATE.total_shares.at(id);
    if shares.is_zero() || !total.add_capped(cx, shares, Shares::MAX)? {
        return ledger::shift(cx, id, from, RESERVE, amount);
    }
    STATE.shares.at((id, RESERVE)).add(cx, shares)?;
    ledger::shift(cx, id, from, CASH, amount)?;
    emit(
        cx,
        &Supplied {
            assetId: id.get(),
            owner: RESERVE.owner,
            index: RESERVE.index,
            assets: amount.to_u256(),
            shares: shares.to_u256(),
        },
    )
}

fn endowed_shares_down(cx: &mut Ctx<'_>, id: AssetId, amount: Assets) -> Result<Shares, Halt> {
    if market::is_none(&STATE.markets.at(id).load(cx)?) {
        return Ok(Shares::ZERO);
    }
    let market = market::accrue(cx, id)?;
    if market.supply_index.get() < SUPPLY_INDEX_MIN {
        return Ok(Shares::ZERO);
    }
    math::shares_down(amount, market.supply_index)
}

/// What a loss of this market falls on before its lenders: interest that nobody claims yet, and the reserve.
pub(super) fn first_loss_down(cx: &mut Ctx<'_>, id: AssetId) -> Result<Assets, Halt> {
    let market = market::accrue(cx, id)?;
    let (pot, reserve) = (market::pot(cx, id)?, market::shares_of(cx, id, RESERVE)?);
    math::first_loss_down(pot, market, reserve)
}

/// What is left of a unit that was supplied when the market opened, interest aside: all of it until lenders bear a
/// loss. Whoever judges supplies by prices alone must follow this too, for it is the only way in which supply falls.
///
/// # Errors
/// The store's.
pub fn haircut(cx: &mut Ctx<'_>, id: AssetId) -> Result<Ray, Halt> {
    let lost = STATE.haircuts.at(id).load(&mut cx.enter(ADDRESS))?;
    Ok(Ray::ONE.sub(lost)?)
}

/// A loss that lenders bear leaves `after / before` of every supply, rounded down.
fn note_haircut(cx: &mut Ctx<'_>, id: AssetId, before: Ray, after: Ray) -> Result<(), Halt> {
    if after >= before {
        return Ok(());
    }
    let left = haircut(cx, id)?;
    let left = Ray::from_u256(mul_div_down(
        left.to_u256(),
        after.to_u256(),
        before.to_u256(),
    )?)?;
    STATE.haircuts.at(id).save(cx, Ray::ONE.sub(left)?)
}

/// Lets a market accrue, for anyone.
///
/// # Errors
/// `LendingUnknownMarket`.
pub(super) fn accrue_verb(cx: &mut Ctx<'_>, number: u32) -> Result<(), Halt> {
    market::accrue(cx, AssetId::new(number)).map(|_| ())
}

fn take_debt(
    cx: &mut Ctx<'_>,
    id: AssetId,
    debtor: AccountId,
    shares: DebtShares,
) -> Result<(), Halt> {
    let debt = STATE.debts.at((id, debtor));
    if debt.sub_bounded(cx, shares, DebtShares::ZERO)? {
        return Ok(());
    }
    let have = debt.load(cx)?;
    Err(insufficient_debt(id, debtor, have, shares))
}

fn burn_shares(cx: &mut Ctx<'_>, id: AssetId, shares: Shares) -> Result<(), Halt> {
    if STATE
        .total_shares
        .at(id)
        .sub_bounded(cx, shares, Shares::ZERO)?
    {
        return Ok(());
    }
    Err(Halt::Fatal(format!(
        "market {id}: shares above their total"
    )))
}

/// Moves cash to an account, or says how much there is (LEND-7).
fn pay_out(cx: &mut Ctx<'_>, id: AssetId, to: AccountId, amount: Assets) -> Result<(), Halt> {
    match ledger::shift(cx, id, CASH, to, amount) {
        Err(Halt::Revert(_)) => Err(revert(&LendingNoCash {
            assetId: id.get(),
            wanted: amount.to_u256(),
            cash: ledger::free(cx, id, CASH)?.to_u256(),
        })),
        answer => answer,
    }
}

pub(super) fn refuse_zero(amount: Assets) -> Result<(), Halt> {
    if amount.is_zero() {
        return Err(revert(&LendingZeroAmount {}));
    }
    Ok(())
}

pub(super) fn refuse_paused(id: AssetId, market: &Market, verb: Pause) -> Result<(), Halt> {
    if market.paused & verb.bit() == 0 {
        return Ok(());
    }
    Err(revert(&LendingPaused {
        assetId: id.get(),
        verb: verb.bit(),
    }))
}

/// Less than a share: what one costs, rounded up.
fn too_small(id: AssetId, amount: Assets, index: U256) -> Halt {
    let ray = Ray::ONE.to_u256();
    revert(&LendingTooSmall {
        assetId: id.get(),
        amount: amount.to_u256(),
        least: index.div_ceil(ray),
    })
}

fn refuse_ruined(id: AssetId, market: &Market) -> Result<(), Halt> {
    if market.supply_index.get() >= SUPPLY_INDEX_MIN {
        return Ok(());
    }
    Err(revert(&LendingIndexTooLow {
        assetId: id.get(),
        supplyIndex: market.supply_index.to_u256(),
        min: U256::from(SUPPLY_INDEX_MIN),
    }))
}

fn insufficient_shares(id: AssetId, of: AccountId, have: Assets, need: Assets) -> Halt {
    revert(&LendingInsufficientShares {
        assetId: id.get(),
        owner: of.owner,
        index: of.index,
        have: have.to_u256(),
        need: need.to_u256(),
    })
}

fn insufficient_debt(id: AssetId, of: AccountId, have: DebtShares, need: DebtShares) -> Halt {
    revert(&LendingInsufficientDebt {
        assetId: id.get(),
        owner: of.owner,
        index: of.index,
        have: have.to_u256(),
        need: need.to_u256(),
    })
}
