//! Positions of concentrated liquidity from wallet to wallet: pull first, act on ledger units, push last.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, PoolId};

use super::{
    ADDRESS, Curve,
    IExchange::{
        RangeOpened, growRangeCall, growRangeReturn, openRangeCall, openRangeReturn,
        shrinkRangeCall, shrinkRangeReturn,
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

/// Pulls what may be taken, and sends back what is not.
fn fill(
    cx: &mut Ctx<'_>,
    position: u64,
    most: [U256; 2],
    liquidity_min: u128,
) -> Result<([U256; 2], u128), Halt> {
    let sender = cx.caller();
    let worth = positions::range_worth(cx, position)?;
    let assets = assets_of(cx, worth.pool)?;
    let arrived = pull_all(cx, &assets, &narrow(most)?)?;
    let (first, second) = two(&arrived);
    let (cost, liquidity) = positions::grow_range(cx, position, TRANSIT, [first, second])?;
    if liquidity < liquidity_min {
        return Err(revert(&ExchangeTooFewShares {
            poolId: worth.pool.get(),
            shares: U256::from(liquidity),
            sharesMin: U256::from(liquidity_min),
        }));
    }
    for ((asset, arrived), taken) in assets.iter().zip(&arrived).zip(cost) {
        push(cx, *asset, TRANSIT, sender, arrived.sub_or_zero(taken))?;
    }
    Ok((cost.map(Assets::to_u256), liquidity))
}

/// Takes liquidity and fees out.
///
/// # Errors
/// `ExchangeExpired`, `ERC721NonexistentToken`, `ERC721InsufficientApproval`, `ExchangeReceivedTooLittle`, and those of
/// `positions::shrink_range` and of a push.
pub(super) fn shrink(cx: &mut Ctx<'_>, call: shrinkRangeCall) -> Result<shrinkRangeReturn, Halt> {
    expect_in_time(cx, call.deadlineMs)?;
    let sender = cx.caller();
    nft::expect_may(cx, sender, call.positionId)?;
    let pool = positions::range_worth(cx, call.positionId)?.pool;
    let assets = assets_of(cx, pool)?;
    let (principal, fees) = positions::shrink_range(cx, call.positionId, TRANSIT, call.liquidity)?;
    for ((asset, amount), least) in assets.iter().zip(principal).zip(call.amountsMin) {
        if amount.to_u256() < least {
            return Err(revert(&ExchangeReceivedTooLittle {
                assetId: asset.get(),
                received: amount.to_u256(),
                receivedMin: least,
            }));
        }
    }
    for ((asset, amount), fee) in assets.iter().zip(principal).zip(fees) {
        pay(cx, *asset, call.to, amount.add(fee)?)?;
    }
    Ok(shrinkRangeReturn {
        principal: principal.map(Assets::to_u256),
        fees: fees.map(Assets::to_u256),
    })
}

fn pay(cx: &mut Ctx<'_>, asset: AssetId, to: Address, amount: Assets) -> Result<(), Halt> {
    push(cx, asset, TRANSIT, to, amount)
}

fn assets_of(cx: &mut Ctx<'_>, id: PoolId) -> Result<Vec<AssetId>, Halt> {
    let pool = Pool::load(&mut cx.enter(ADDRESS), id)?;
    Ok(pool.coins.iter().map(|coin| coin.asset).collect())
}

fn two(amounts: &[Assets]) -> (Assets, Assets) {
    let at = |place: usize| amounts.get(place).copied().unwrap_or_default();
    (at(0), at(1))
}
