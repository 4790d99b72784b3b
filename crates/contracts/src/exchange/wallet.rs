//! The same from wallet to wallet: pull first, act on ledger units, push last. While a token runs, no pool is half
//! done.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, PoolId, Shares};

use super::{
    ADDRESS,
    IExchange::{self, addLiquidityReturn, createPoolReturn, swapReturn},
    error::*,
    liquidity::{self, words},
    lp,
    pool::{Pool, Shape, TRANSIT, VAULT},
    route::{self, Bounds, Leg, Outcome, Size},
};
use crate::{ledger, mutant::mutant, revert};

/// Opens a pool.
///
/// # Errors
/// `ExchangeExpired`, and those of `liquidity::create` and of a pull.
pub(super) fn create(
    cx: &mut Ctx<'_>,
    shape: &IExchange::Shape,
    amounts: &[U256],
    to: Address,
    deadline_ms: u64,
) -> Result<createPoolReturn, Halt> {
    expect_in_time(cx, deadline_ms)?;
    let shape = Shape::checked(shape)?;
    let amounts = narrow(amounts)?;
    if amounts.len() != shape.assets.len() {
        return Err(revert(&ExchangeAmountCount {
            count: U256::from(amounts.len()),
            assets: U256::from(shape.assets.len()),
        }));
    }
    let arrived = pull_all(cx, &shape.assets, &amounts)?;
    // The number is known first: the shares go to the token that it names.
    let number = super::pool::count(&mut cx.enter(ADDRESS))?;
    let holder = lp::account_of(lp::address_of(PoolId::new(number)));
    let (id, shares) = liquidity::create(cx, TRANSIT, holder, &shape, &arrived)?;
    lp::mint(cx, id, to, shares)?;
    Ok(createPoolReturn {
        poolId: id.get(),
        shares: shares.to_u256(),
    })
}

/// Adds to a pool. What arrives and is not taken goes back.
///
/// # Errors
/// `ExchangeExpired`, and those of `liquidity::add`, of a pull and of a push.
pub(super) fn add(
    cx: &mut Ctx<'_>,
    number: u32,
    most: &[U256],
    shares_min: U256,
    to: Address,
    deadline_ms: u64,
) -> Result<addLiquidityReturn, Halt> {
    expect_in_time(cx, deadline_ms)?;
    let (id, sender) = (PoolId::new(number), cx.caller());
    let most = narrow(most)?;
    let (pool, plan) = {
        let inside = &mut cx.enter(ADDRESS);
        let pool = Pool::load(inside, id)?;
        let plan = liquidity::planned(inside, &pool, &most)?;
        (pool, plan)
    };
    let assets: Vec<_> = pool.coins.iter().map(|coin| coin.asset).collect();
    let arrived = pull_all(cx, &assets, &plan.amounts)?;
    let holder = lp::account_of(lp::address_of(id));
    let shares_min = Shares::from_u256(shares_min)?;
    let (amounts, shares) = liquidity::add(cx, id, TRANSIT, holder, &arrived, shares_min)?;
    let minted = mutant!(PlanIsKept, shares, plan.shares);
    lp::mint(cx, id, to, minted)?;
    for ((asset, arrived), taken) in assets.iter().zip(&arrived).zip(&amounts) {
        push(cx, *asset, TRANSIT, sender, arrived.sub_or_zero(*taken))?;
    }
    Ok(addLiquidityReturn {
        amounts: words(&amounts),
        shares: minted.to_u256(),
    })
}

/// Burns LP tokens of the caller, for what they are worth in a wallet.
///
/// # Errors
/// Those of [`remove_to_units`], and those of a push.
pub(super) fn remove(
    cx: &mut Ctx<'_>,
    number: u32,
    shares: U256,
    least: &[U256],
    to: Address,
    deadline_ms: u64,
) -> Result<Vec<U256>, Halt> {
    expect_in_time(cx, deadline_ms)?;
    let pool = Pool::load(&mut cx.enter(ADDRESS), PoolId::new(number))?;
    let amounts = burned(cx, &pool, shares, least, TRANSIT)?;
    for (coin, amount) in pool.coins.iter().zip(&amounts) {
        push(cx, coin.asset, TRANSIT, to, *amount)?;
    }
    Ok(words(&amounts))
}

/// Burns LP tokens of the caller, for units of an account of his: no border is crossed, so a coin that cannot leave
/// holds up none of the others.
///
/// # Errors
/// `ExchangeExpired`, `ERC20InsufficientBalance`, and those of `liquidity::remove`.
pub(super) fn remove_to_units(
    cx: &mut Ctx<'_>,
    number: u32,
    shares: U256,
    least: &[U256],
    index: u8,
    deadline_ms: u64,
) -> Result<Vec<U256>, Halt> {
    expect_in_time(cx, deadline_ms)?;
    let pool = Pool::load(&mut cx.enter(ADDRESS), PoolId::new(number))?;
    let receiver = AccountId::new(cx.caller(), index);
    Ok(words(&burned(cx, &pool, shares, least, receiver)?))
}

fn burned(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    shares: U256,
    least: &[U256],
    receiver: AccountId,
) -> Result<Vec<Assets>, Halt> {
    let (id, sender) = (pool.id, cx.caller());
    let (burned, least) = (Shares::from_u256(shares)?, narrow(least)?);
    lp::burn(cx, id, sender, burned)?;
    let holder = lp::account_of(lp::address_of(id));
    liquidity::remove(cx, id, holder, receiver, burned, &least)
}

/// LP tokens that a wallet has.
///
/// # Errors
/// Storage failed.
pub fn lp_balance(cx: &mut Ctx<'_>, id: PoolId, wallet: Address) -> Result<Shares, Halt> {
    Ok(Shares::from_u256(lp::balance_of(cx, id, wallet)?)?)
}

/// LP tokens of a wallet -> shares of an account. For other native contracts, which ask whether the wallet's owner agreed.
///
/// # Errors
/// `ExchangeUnknownPool`, `ERC20InsufficientBalance`.
pub fn take_in_shares(
    cx: &mut Ctx<'_>,
    id: PoolId,
    wallet: Address,
    holder: AccountId,
    shares: Shares,
) -> Result<(), Halt> {
    Pool::load(&mut cx.enter(ADDRESS), id)?;
    lp::burn(cx, id, wallet, shares)?;
    let token = lp::account_of(lp::address_of(id));
    liquidity::move_shares(cx, id, token, holder, shares)
}

/// Shares of an account -> LP tokens of a wallet. For other native contracts, which ask whether the account's owner agreed.
///
/// # Errors
/// `ExchangeInsufficientShares`, `ERC20InvalidReceiver`.
pub fn let_out_shares(
    cx: &mut Ctx<'_>,
    id: PoolId,
    holder: AccountId,
    wallet: Address,
    shares: Shares,
) -> Result<(), Halt> {
    let token = lp::account_of(lp::address_of(id));
    liquidity::move_shares(cx, id, holder, token, shares)?;
    lp::mint(cx, id, wallet, shares)
}

/// Swaps, for the caller.
///
/// # Errors
/// Those of [`swap_from`], `ExchangeExpired`.
pub(super) fn swap(
    cx: &mut Ctx<'_>,
    legs: &[IExchange::Leg],
    bounds: &IExchange::Bounds,
    to: Address,
    deadline_ms: u64,
) -> Result<swapReturn, Halt> {
    expect_in_time(cx, deadline_ms)?;
    let (legs, bounds) = (legs_of(legs)?, bounds_of(bounds)?);
    let Outcome { paid, received } = swap_from(cx, &legs, bounds, to)?;
    Ok(swapReturn {
        paid: paid.to_u256(),
        received: received.to_u256(),
    })
}

/// Swaps from the caller's wallet, who allowed what he pays to the contract whose frame this is.
///
/// Where every leg says what it takes, all that may be paid is pulled, and what the legs leave goes back; else the
/// legs are tried first, and what they need is pulled. Of a token that keeps a fee, what arrives is swapped.
///
/// # Errors
/// Those of `route::quote`, `ExchangeReceivedTooLittle`, and those of a pull and of pushes.
pub(super) fn swap_from(
    cx: &mut Ctx<'_>,
    legs: &[Leg],
    bounds: Bounds,
    to: Address,
) -> Result<Outcome, Halt> {
    let sender = cx.caller();
    let is_out = |leg: &Leg| matches!(leg.size, Size::Out(_) | Size::OutOwed);
    let needed = if legs.iter().any(is_out) {
        route::quote(cx, legs, bounds)?.paid
    } else {
        bounds.paid_max
    };
    let arrived = if needed.is_zero() {
        needed
    } else {
        ledger::pull(cx, bounds.asset_in, sender, VAULT, needed)?
    };
    let inside = &mut cx.enter(ADDRESS);
    let allowed = Bounds {
        paid_max: arrived,
        ..bounds
    };
    let outcome = route::settle(inside, legs, allowed)?;
    let (payer, receiver) = (AccountId::new(sender, 0), AccountId::new(to, 0));
    route::say(inside, payer, receiver, bounds, outcome)?;
    let back = arrived.sub_or_zero(outcome.paid);
    push(inside, bounds.asset_in, VAULT, sender, back)?;
    push(inside, bounds.asset_out, VAULT, to, outcome.received)?;
    Ok(outcome)
}

/// Refuses what comes too late.
///
/// # Errors
/// `ExchangeExpired`.
pub fn expect_in_time(cx: &Ctx<'_>, deadline_ms: u64) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    if now_ms <= deadline_ms {
        return Ok(());
    }
    Err(revert(&ExchangeExpired {
        deadlineMs: deadline_ms,
        nowMs: now_ms,
    }))
}

/// Pulls of each asset what is not zero into transit; answers what arrived.
pub(super) fn pull_all(
    cx: &mut Ctx<'_>,
    assets: &[AssetId],
    amounts: &[Assets],
) -> Result<Vec<Assets>, Halt> {
    let sender = cx.caller();
    let pairs = assets.iter().zip(amounts);
    let arrived = pairs.map(|(asset, amount)| {
        if amount.is_zero() {
            return Ok(Assets::ZERO);
        }
        ledger::pull(cx, *asset, sender, TRANSIT, *amount)
    });
    arrived.collect()
}

/// Pushes what is not zero.
pub(super) fn push(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    from: AccountId,
    to: Address,
    amount: Assets,
) -> Result<(), Halt> {
    if amount.is_zero() {
        return Ok(());
    }
    ledger::push(cx, asset, from, to, amount)
}

fn narrow(amounts: &[U256]) -> Result<Vec<Assets>, Halt> {
    let narrow = amounts.iter().map(|amount| Assets::from_u256(*amount));
    Ok(narrow.collect::<Result<_, _>>()?)
}

/// Legs as the ABI has them: zero is all.
///
/// # Errors
/// An amount that no asset has.
pub fn legs_of(legs: &[IExchange::Leg]) -> Result<Vec<Leg>, Halt> {
    let read = legs.iter().map(|leg| {
        let amount = Assets::from_u256(leg.amount)?;
        let size = match (leg.exactOut, amount.is_zero()) {
            (false, false) => Size::In(amount),
            (false, true) => Size::InAll,
            (true, false) => Size::Out(amount),
            (true, true) => Size::OutOwed,
        };
        Ok(Leg {
            pool: PoolId::new(leg.poolId),
            asset_in: AssetId::new(leg.assetIn),
            asset_out: AssetId::new(leg.assetOut),
            size,
        })
    });
    read.collect()
}

/// Bounds as the ABI has them.
///
/// # Errors
/// An amount that no asset has.
pub fn bounds_of(bounds: &IExchange::Bounds) -> Result<Bounds, Halt> {
    Ok(Bounds {
        asset_in: AssetId::new(bounds.assetIn),
        paid_max: Assets::from_u256(bounds.paidMax)?,
        asset_out: AssetId::new(bounds.assetOut),
        received_min: Assets::from_u256(bounds.receivedMin)?,
    })
}
