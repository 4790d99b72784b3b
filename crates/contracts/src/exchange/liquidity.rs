//! Pools are made, and liquidity comes and goes: with free units of accounts. For other native contracts, which ask
//! whether the account's owner agreed. Calls no code.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, PoolId, Shares};

use super::{
    ADDRESS, Curve,
    IExchange::{LiquidityAdded, LiquidityRemoved, PoolCreated, PoolSharesMoved},
    error::*,
    listing, lp,
    params::LOCKED_SHARES,
    pool::{self, LOCKED, Pool, STATE, Shape, VAULT},
    range, shares, track, trade,
};
use crate::{contract::emit, ledger, revert};

/// Opens a pool with a first deposit of `payer`, whose shares `holder` gets but for those that stay for ever.
///
/// # Errors
/// `ExchangePoolExists`, `ExchangeBadShape`, `ExchangeAmountCount`, `ExchangeFirstDepositTooSmall`,
/// `ExchangeUnbalanced`, `LedgerUnknownAsset`, `LedgerInsufficient`.
pub fn create(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    holder: AccountId,
    shape: &Shape,
    amounts: &[Assets],
) -> Result<(PoolId, Shares), Halt> {
    let id = open(cx, shape)?;
    let shares = fill(cx, id, payer, holder, shape, amounts)?;
    Ok((id, shares))
}

/// Gives a pool its number and its token. It stands once it is filled.
pub(super) fn open(cx: &mut Ctx<'_>, shape: &Shape) -> Result<PoolId, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    if let Some(there) = pool::of_shape(cx, shape)? {
        let pool_id = there.get();
        return Err(revert(&ExchangePoolExists { poolId: pool_id }));
    }
    let number = pool::count(cx)?;
    let next = number.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.pool_count.save(cx, next)?;
    STATE.pool_of.at(shape.key()).save(cx, next)?;
    let id = PoolId::new(number);
    let lp_token = if shape.curve == Curve::Range {
        Address::ZERO
    } else {
        lp::address_of(id)
    };
    if !lp_token.is_zero() {
        cx.store.deploy_marker(lp_token)?;
    }
    emit(
        cx,
        &PoolCreated {
            poolId: number,
            curve: shape.curve.number(),
            feePips: shape.fee_pips,
            amplification: shape.amplification,
            assets: shape.assets.iter().map(|asset| asset.get()).collect(),
            lpToken: lp_token,
        },
    )?;
    Ok(id)
}

/// Opens a pool of ranges at a price; it holds nothing yet.
///
/// # Errors
/// `ExchangePoolExists`, `ExchangeWrongCurve`, `ExchangeBadPrice`, `LedgerUnknownAsset`.
pub fn create_range(cx: &mut Ctx<'_>, shape: &Shape, root: U256) -> Result<PoolId, Halt> {
    let id = open(cx, shape)?;
    let cx = &mut cx.enter(ADDRESS);
    let pool = pool::empty(cx, id, shape)?;
    if pool.curve != Curve::Range {
        return Err(trade::wrong_curve(&pool));
    }
    pool.save_config(cx)?;
    pool.save_reserves(cx)?;
    range::begin(cx, id, root)?;
    track::begin(cx, &pool)?;
    listing::list(cx, &pool)?;
    Ok(id)
}

fn fill(
    cx: &mut Ctx<'_>,
    id: PoolId,
    payer: AccountId,
    holder: AccountId,
    shape: &Shape,
    amounts: &[Assets],
) -> Result<Shares, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut pool = pool::empty(cx, id, shape)?;
    expect_count(&pool, amounts.len())?;
    for (coin, amount) in pool.coins.iter_mut().zip(amounts) {
        coin.reserve = *amount;
    }
    let all = shares::first(cx, &pool)?;
    let locked = Shares::new(LOCKED_SHARES)?;
    let own = all.sub_or_zero(locked);
    if own.is_zero() {
        return Err(revert(&ExchangeFirstDepositTooSmall {
            shares: all.to_u256(),
            min: locked.to_u256(),
        }));
    }
    pool.save_config(cx)?;
    pool.save_reserves(cx)?;
    track::begin(cx, &pool)?;
    STATE.total_shares.at(id).add(cx, all)?;
    STATE.shares.at((id, LOCKED)).add(cx, locked)?;
    STATE.shares.at((id, holder)).add(cx, own)?;
    listing::list(cx, &pool)?;
    pay_in(cx, &pool, payer, amounts)?;
    added(cx, id, holder, amounts, own)?;
    Ok(own)
}

/// Adds at most `most` of `payer`'s units: a product pool takes its ratio of it, a stable pool all. Answers what was
/// taken and the shares that `holder` got.
///
/// # Errors
/// `ExchangeUnknownPool`, `ExchangePaused`, `ExchangeAmountCount`, `ExchangeTooSmall`, `ExchangeTooFewShares`,
/// `ExchangeUnbalanced`, `LedgerInsufficient`.
pub fn add(
    cx: &mut Ctx<'_>,
    id: PoolId,
    payer: AccountId,
    holder: AccountId,
    most: &[Assets],
    shares_min: Shares,
) -> Result<(Vec<Assets>, Shares), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut pool = Pool::load(cx, id)?;
    pool.expect_open()?;
    let plan = planned(cx, &pool, most)?;
    if plan.shares < shares_min {
        return Err(revert(&ExchangeTooFewShares {
            poolId: id.get(),
            shares: plan.shares.to_u256(),
            sharesMin: shares_min.to_u256(),
        }));
    }
    track::touch(cx, &mut pool)?;
    for (coin, amount) in pool.coins.iter_mut().zip(&plan.amounts) {
        coin.reserve = coin.reserve.add(*amount)?;
    }
    pool.save_reserves(cx)?;
    STATE.total_shares.at(id).add(cx, plan.shares)?;
    STATE.shares.at((id, holder)).add(cx, plan.shares)?;
    pay_in(cx, &pool, payer, &plan.amounts)?;
    added(cx, id, holder, &plan.amounts, plan.shares)?;
    Ok((plan.amounts, plan.shares))
}

/// What an [`add`] would take and make now. The frame is the exchange's.
pub(super) fn planned(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    most: &[Assets],
) -> Result<shares::Plan, Halt> {
    expect_count(pool, most.len())?;
    let total = STATE.total_shares.at(pool.id).load(cx)?;
    shares::plan(cx, pool, total, most)
}

/// Burns shares of `holder` and gives `receiver` their part of each reserve. Never paused (EXCH-12).
///
/// # Errors
/// `ExchangeUnknownPool`, `ExchangeZeroAmount`, `ExchangeAmountCount`, `ExchangeInsufficientShares`,
/// `ExchangeReceivedTooLittle`.
pub fn remove(
    cx: &mut Ctx<'_>,
    id: PoolId,
    holder: AccountId,
    receiver: AccountId,
    burned: Shares,
    least: &[Assets],
) -> Result<Vec<Assets>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut pool = Pool::load(cx, id)?;
    if pool.curve == Curve::Range {
        return Err(trade::wrong_curve(&pool));
    }
    expect_count(&pool, least.len())?;
    if burned.is_zero() {
        return Err(revert(&ExchangeZeroAmount {}));
    }
    let total = STATE.total_shares.at(id).load(cx)?;
    take_shares(cx, id, holder, burned)?;
    let amounts = shares::worth_down(&pool, total, burned)?;
    for ((coin, amount), least) in pool.coins.iter().zip(&amounts).zip(least) {
        if amount < least {
            return Err(revert(&ExchangeReceivedTooLittle {
                assetId: coin.asset.get(),
                received: amount.to_u256(),
                receivedMin: least.to_u256(),
            }));
        }
    }
    track::touch(cx, &mut pool)?;
    for (coin, amount) in pool.coins.iter_mut().zip(&amounts) {
        coin.reserve = coin.reserve.sub(*amount)?;
    }
    pool.save_reserves(cx)?;
    if !STATE
        .total_shares
        .at(id)
        .sub_bounded(cx, burned, Shares::ZERO)?
    {
        return Err(Halt::Fatal(format!("pool {id}: shares below a balance")));
    }
    for (coin, amount) in pool.coins.iter().zip(&amounts) {
        if !amount.is_zero() {
            ledger::shift(cx, coin.asset, VAULT, receiver, *amount)?;
        }
    }
    emit(
        cx,
        &LiquidityRemoved {
            poolId: id.get(),
            owner: holder.owner,
            index: holder.index,
            amounts: words(&amounts),
            shares: burned.to_u256(),
        },
    )?;
    Ok(amounts)
}

/// Moves shares from one account to another.
///
/// # Errors
/// `ExchangeInsufficientShares`.
pub fn move_shares(
    cx: &mut Ctx<'_>,
    id: PoolId,
    from: AccountId,
    to: AccountId,
    moved: Shares,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    take_shares(cx, id, from, moved)?;
    STATE.shares.at((id, to)).add(cx, moved)?;
    emit(
        cx,
        &PoolSharesMoved {
            poolId: id.get(),
            from: from.owner,
            fromIndex: from.index,
            to: to.owner,
            toIndex: to.index,
            shares: moved.to_u256(),
        },
    )
}

fn take_shares(cx: &mut Ctx<'_>, id: PoolId, of: AccountId, shares: Shares) -> Result<(), Halt> {
    let balance = STATE.shares.at((id, of));
    if balance.sub_bounded(cx, shares, Shares::ZERO)? {
        return Ok(());
    }
    Err(revert(&ExchangeInsufficientShares {
        poolId: id.get(),
        owner: of.owner,
        index: of.index,
        have: balance.load(cx)?.to_u256(),
        need: shares.to_u256(),
    }))
}

fn pay_in(cx: &mut Ctx<'_>, pool: &Pool, payer: AccountId, amounts: &[Assets]) -> Result<(), Halt> {
    for (coin, amount) in pool.coins.iter().zip(amounts) {
        if !amount.is_zero() {
            ledger::shift(cx, coin.asset, payer, VAULT, *amount)?;
        }
    }
    Ok(())
}

fn added(
    cx: &mut Ctx<'_>,
    id: PoolId,
    holder: AccountId,
    amounts: &[Assets],
    shares: Shares,
) -> Result<(), Halt> {
    emit(
        cx,
        &LiquidityAdded {
            poolId: id.get(),
            owner: holder.owner,
            index: holder.index,
            amounts: words(amounts),
            shares: shares.to_u256(),
        },
    )
}

/// Amounts as ABI words.
pub(super) fn words(amounts: &[Assets]) -> Vec<U256> {
    amounts.iter().map(|amount| amount.to_u256()).collect()
}

fn expect_count(pool: &Pool, count: usize) -> Result<(), Halt> {
    if count == pool.coins.len() {
        return Ok(());
    }
    Err(revert(&ExchangeAmountCount {
        count: U256::from(count),
        assets: U256::from(pool.coins.len()),
    }))
}
