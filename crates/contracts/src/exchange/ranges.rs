//! Positions of concentrated liquidity from wallet to wallet: pull first, act on ledger units, push last.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, PoolId};

use super::{
    ADDRESS, Curve,
    IExchange::{
        RangeOpened, growRangeCall, growRangeReturn, openRangeCall, openRangeReturn,
        shrinkRangeCall, shrinkRangeReturn, shrinkRangeToUnitsCall, shrinkRangeToUnitsReturn,
    },
    error::*,
    liquidity, nft,
    pool::{Pool, Shape, TRANSIT},
    range::positions::{self, Ticks, Two},
    wallet::{expect_in_time, pull_all, push},
};
use crate::{contract::emit, revert};

/// Opens a pool of ranges, for anybody.
///
/// # Errors
/// `ExchangeBadShape`, and those of `liquidity::create_range`.
pub(super) fn create(
    cx: &mut Ctx<'_>,
    fee_pips: u32,
    asset0: u32,
    asset1: u32,
    root: U256,
) -> Result<u32, Halt> {
    let shape = Shape::checked(&super::IExchange::Shape {
        curve: Curve::Range.number(),
        feePips: fee_pips,
        amplification: 0,
        assets: vec![asset0, asset1],
    })?;
    Ok(liquidity::create_range(cx, &shape, root)?.get())
}

fn narrow(amounts: [U256; 2]) -> Result<Two, Halt> {
    let [first, second] = amounts;
    Ok([Assets::from_u256(first)?, Assets::from_u256(second)?])
}

/// Makes a position and fills it.
///
/// # Errors
/// `ExchangeExpired`, `ERC721InvalidReceiver`, and those of `positions::open_range` and [`grow`].
pub(super) fn open(cx: &mut Ctx<'_>, call: openRangeCall) -> Result<openRangeReturn, Halt> {
    expect_in_time(cx, call.deadlineMs)?;
    let range = Ticks {
        lower: call.lower,
        upper: call.upper,
    };
    let position = open_for(cx, call.to, PoolId::new(call.poolId), range)?;
    let (amounts, liquidity) = fill(cx, position, call.amountsMax, call.liquidityMin)?;
    Ok(openRangeReturn {
        positionId: position,
        liquidity,
        amounts,
    })
}

/// Makes an empty position and gives its token to `owner`, without asking whether he takes it. For other native
/// contracts, which may keep positions for those who trust them.
///
/// # Errors
/// `ERC721InvalidReceiver`, and those of `open_range`.
pub fn open_for(cx: &mut Ctx<'_>, owner: Address, pool: PoolId, range: Ticks) -> Result<u64, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let position = positions::open_range(cx, pool, range)?;
    nft::mint(cx, owner, position)?;
    emit(
        cx,
        &RangeOpened {
            positionId: position,
            poolId: pool.get(),
            lower: range.lower,
            upper: range.upper,
        },
    )?;
    Ok(position)
}

/// Adds to a position.
///
/// # Errors
/// `ExchangeExpired`, `ExchangeTooFewShares`, and those of `positions::grow_range`, of a pull and of a push.
pub(super) fn grow(cx: &mut Ctx<'_>, call: growRangeCall) -> Result<growRangeReturn, Halt> {
    expect_in_time(cx, call.deadlineMs)?;
    let (amounts, liquidity) = fill(cx, call.positionId, call.amountsMax, call.liquidityMin)?;
    Ok(growRangeReturn { liquidity, amounts })
}

/// Pulls what the position needs, and grows it by what arrived: of a token that keeps a fee less than planned. What a
/// token's code changed in between may leave something, which goes back.
fn fill(
    cx: &mut Ctx<'_>,
    position: u64,
    most: [U256; 2],
    liquidity_min: u128,
) -> Result<([U256; 2], u128), Halt> {
    let sender = cx.caller();
    let pool = positions::range_worth(cx, position)?.pool;
    let assets = assets_of(cx, pool)?;
    let plan = positions::planned(cx, position, narrow(most)?)?;
    let arrived = two(&pull_all(cx, &assets, &plan.cost)?);
    let done = positions::grow_to(cx, position, TRANSIT, arrived, Some(plan))?;
    if done.liquidity < liquidity_min {
        return Err(revert(&ExchangeTooFewShares {
            poolId: pool.get(),
            shares: U256::from(done.liquidity),
            sharesMin: U256::from(liquidity_min),
        }));
    }
    for ((asset, arrived), taken) in assets.iter().zip(arrived).zip(done.cost) {
        push(cx, *asset, TRANSIT, sender, arrived.sub_or_zero(taken))?;
    }
    Ok((done.cost.map(Assets::to_u256), done.liquidity))
}

/// Takes liquidity and fees out, to a wallet.
///
/// # Errors
/// Those of [`shrink_to_units`], and those of a push.
pub(super) fn shrink(cx: &mut Ctx<'_>, call: shrinkRangeCall) -> Result<shrinkRangeReturn, Halt> {
    expect_in_time(cx, call.deadlineMs)?;
    let out = taken_out(
        cx,
        call.positionId,
        call.liquidity,
        call.amountsMin,
        TRANSIT,
    )?;
    for ((asset, amount), fee) in out.assets.iter().zip(out.principal).zip(out.fees) {
        push(cx, *asset, TRANSIT, call.to, amount.add(fee)?)?;
    }
    Ok(shrinkRangeReturn {
        principal: out.principal.map(Assets::to_u256),
        fees: out.fees.map(Assets::to_u256),
    })
}

/// Takes liquidity and fees out, to units of an account of the caller's: no border is crossed.
///
/// # Errors
/// `ExchangeExpired`, `ERC721NonexistentToken`, `ERC721InsufficientApproval`, `ExchangeReceivedTooLittle`, and those of
/// `positions::shrink_range`.
pub(super) fn shrink_to_units(
    cx: &mut Ctx<'_>,
    call: shrinkRangeToUnitsCall,
) -> Result<shrinkRangeToUnitsReturn, Halt> {
    expect_in_time(cx, call.deadlineMs)?;
    let receiver = AccountId::new(cx.caller(), call.index);
    let out = taken_out(
        cx,
        call.positionId,
        call.liquidity,
        call.amountsMin,
        receiver,
    )?;
    Ok(shrinkRangeToUnitsReturn {
        principal: out.principal.map(Assets::to_u256),
        fees: out.fees.map(Assets::to_u256),
    })
}

/// What came out of a position.
struct Out {
    assets: Vec<AssetId>,
    principal: Two,
    fees: Two,
}

fn taken_out(
    cx: &mut Ctx<'_>,
    position: u64,
    liquidity: u128,
    least: [U256; 2],
    receiver: AccountId,
) -> Result<Out, Halt> {
    nft::expect_may(cx, cx.caller(), position)?;
    let pool = positions::range_worth(cx, position)?.pool;
    let assets = assets_of(cx, pool)?;
    let (principal, fees) = positions::shrink_range(cx, position, receiver, liquidity)?;
    for ((asset, amount), least) in assets.iter().zip(principal).zip(least) {
        if amount.to_u256() < least {
            return Err(revert(&ExchangeReceivedTooLittle {
                assetId: asset.get(),
                received: amount.to_u256(),
                receivedMin: least,
            }));
        }
    }
    Ok(Out {
        assets,
        principal,
        fees,
    })
}

fn assets_of(cx: &mut Ctx<'_>, id: PoolId) -> Result<Vec<AssetId>, Halt> {
    let pool = Pool::load(&mut cx.enter(ADDRESS), id)?;
    Ok(pool.coins.iter().map(|coin| coin.asset).collect())
}

fn two(amounts: &[Assets]) -> Two {
    [0, 1].map(|place: usize| amounts.get(place).copied().unwrap_or_default())
}
