//! What anyone may ask. Prices are as of this block, whether or not the pool was touched in it.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, AssetId, LogRatio, PoolId};

use super::{
    Curve,
    IExchange::{self, poolOfReturn, quoteReturn, rangePoolReturn, sharesOfReturn},
    error::*,
    liquidity::words,
    lp,
    params::WINDOW_MAX_MS,
    pool::{self, Pool, STATE, Shape},
    range::{
        self,
        positions::{self, RangeWorth},
    },
    route, shares, track, trade, wallet,
};
use crate::revert;

pub(super) fn pool(cx: &mut Ctx<'_>, number: u32) -> Result<IExchange::Pool, Halt> {
    let pool = Pool::load(cx, PoolId::new(number))?;
    let reserves: Vec<_> = pool.coins.iter().map(|coin| coin.reserve).collect();
    Ok(IExchange::Pool {
        shape: pool.shape().to_abi(),
        reserves: words(&reserves),
        totalShares: STATE.total_shares.at(pool.id).load(cx)?.to_u256(),
        lpToken: if pool.curve == Curve::Range {
            Address::ZERO
        } else {
            lp::address_of(pool.id)
        },
        paused: pool.is_paused,
    })
}

pub(super) fn pool_of(cx: &mut Ctx<'_>, shape: &IExchange::Shape) -> Result<poolOfReturn, Halt> {
    let found = pool::of_shape(cx, &Shape::checked(shape)?)?;
    Ok(poolOfReturn {
        exists: found.is_some(),
        poolId: found.map_or(0, PoolId::get),
    })
}

pub(super) fn pools_of(cx: &mut Ctx<'_>, a: u32, b: u32) -> Result<Vec<u32>, Halt> {
    let pools = pool::of_pair(cx, AssetId::new(a), AssetId::new(b))?;
    Ok(pools.into_iter().map(PoolId::get).collect())
}

pub(super) fn shares_of(
    cx: &mut Ctx<'_>,
    number: u32,
    owner: Address,
    index: u8,
) -> Result<sharesOfReturn, Halt> {
    let pool = Pool::load(cx, PoolId::new(number))?;
    if pool.curve == Curve::Range {
        return Err(trade::wrong_curve(&pool));
    }
    let shares = STATE
        .shares
        .at((pool.id, AccountId::new(owner, index)))
        .load(cx)?;
    let total = STATE.total_shares.at(pool.id).load(cx)?;
    Ok(sharesOfReturn {
        shares: shares.to_u256(),
        amounts: words(&shares::worth_down(&pool, total, shares)?),
    })
}

pub(super) fn quote(
    cx: &mut Ctx<'_>,
    legs: &[IExchange::Leg],
    bounds: &IExchange::Bounds,
) -> Result<quoteReturn, Halt> {
    let (legs, bounds) = (wallet::legs_of(legs)?, wallet::bounds_of(bounds)?);
    let outcome = route::quote(cx, &legs, bounds)?;
    Ok(quoteReturn {
        paid: outcome.paid.to_u256(),
        received: outcome.received.to_u256(),
    })
}

/// A pool, and the place of one of its assets.
fn place_in(cx: &mut Ctx<'_>, pool: u32, asset: u32) -> Result<(Pool, usize), Halt> {
    let pool = Pool::load(cx, PoolId::new(pool))?;
    let first = pool.coin(0)?.asset;
    let Some(place) = pool.place(AssetId::new(asset)) else {
        return Err(revert(&ExchangeNotInPool {
            poolId: pool.id.get(),
            assetIn: first.get(),
            assetOut: asset,
        }));
    };
    Ok((pool, place))
}

pub(super) fn twap(cx: &mut Ctx<'_>, pool: u32, asset: u32, window_ms: u64) -> Result<U256, Halt> {
    if window_ms > WINDOW_MAX_MS {
        return Err(revert(&ExchangeParamOutOfRange {
            what: "windowMs".to_owned(),
            value: U256::from(window_ms),
            min: U256::ONE,
            max: U256::from(WINDOW_MAX_MS),
        }));
    }
    let (pool, place) = place_in(cx, pool, asset)?;
    Ok(track::mean_over(cx, &pool, place, window_ms)?.x96())
}

pub(super) fn ema(cx: &mut Ctx<'_>, pool: u32, asset: u32) -> Result<U256, Halt> {
    let (pool, place) = place_in(cx, pool, asset)?;
    Ok(track::mean(cx, &pool, place)?.x96())
}

pub(super) fn spot(cx: &mut Ctx<'_>, pool: u32, asset: u32) -> Result<U256, Halt> {
    let (pool, place) = place_in(cx, pool, asset)?;
    let price = if place == 0 {
        LogRatio::default()
    } else {
        track::spot(cx, &pool, place)?
    };
    Ok(price.x96())
}

pub(super) fn range_pool(cx: &mut Ctx<'_>, number: u32) -> Result<rangePoolReturn, Halt> {
    let mut pool = Pool::load(cx, PoolId::new(number))?;
    if pool.curve != Curve::Range {
        return Err(trade::wrong_curve(&pool));
    }
    // As a swap would find it: after the first touch of the block.
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    let scratch = &mut Ctx::new(&mut world, frame);
    track::touch(scratch, &mut pool)?;
    let now = range::Now::load(scratch, pool.id)?;
    Ok(rangePoolReturn {
        sqrtPriceX96: now.root,
        tick: now.tick,
        liquidity: now.liquidity,
        feePips: range::fee_now(pool.fee_pips, &now),
        tickSpacing: range::spacing(pool.fee_pips),
    })
}

pub(super) fn range(cx: &mut Ctx<'_>, position: u64) -> Result<IExchange::Range, Halt> {
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    let RangeWorth {
        pool,
        range,
        liquidity,
        principal,
        fees,
    } = positions::range_worth(&mut Ctx::new(&mut world, frame), position)?;
    Ok(IExchange::Range {
        poolId: pool.get(),
        lower: range.lower,
        upper: range.upper,
        liquidity,
        principal: principal.map(|amount| amount.to_u256()),
        fees: fees.map(|amount| amount.to_u256()),
    })
}
