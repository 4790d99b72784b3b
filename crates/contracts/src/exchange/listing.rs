//! Which pools of a pair are found by whoever looks for one. Every function takes the frame of `exchange`.
//!
//! Pools of products and of ranges are few by their fees and always find a place. Stable pools are many by their
//! amplification, and cost little to open: they have seven places of a pair, and the one that holds least of it gives
//! its place to one that holds more, whenever anybody says so. So nobody keeps a deep pool out by being there first.
//!
//! Depth counts as the last block left it: a pool that was touched in this block neither takes a place nor loses one.
//! Else whoever has money for a moment would lend it to his pool, or swap it through another's, and say so.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, PoolId};

use super::{
    Curve,
    IExchange::PoolReplaced,
    error::ExchangeMovedNow,
    params::STABLE_POOLS_OF_PAIR_MAX,
    pool::{Pool, STATE},
    track,
};
use crate::{contract::emit, revert};

/// The verb for anybody.
///
/// # Errors
/// `ExchangeUnknownPool`, `ExchangeMovedNow`.
pub(super) fn ask(cx: &mut Ctx<'_>, number: u32) -> Result<bool, Halt> {
    let pool = Pool::load(cx, PoolId::new(number))?;
    let mut is_changed = false;
    for pair in pool.shape().pairs() {
        is_changed |= join(cx, &pool, pair)? || replace(cx, &pool, pair)?;
    }
    Ok(is_changed)
}

/// Puts a new pool into the lists of its pairs, as far as they have room.
pub(super) fn list(cx: &mut Ctx<'_>, pool: &Pool) -> Result<(), Halt> {
    for pair in pool.shape().pairs() {
        join(cx, pool, pair)?;
    }
    Ok(())
}

/// How much a stable pool holds of the asset of a pair of which it holds less, in units of 10^-18.
fn depth(pool: &Pool, pair: (AssetId, AssetId)) -> Result<U256, Halt> {
    let held = pool
        .coins
        .iter()
        .filter(|coin| coin.asset == pair.0 || coin.asset == pair.1)
        .map(|coin| coin.scaled(coin.reserve));
    let held = held.collect::<Result<Vec<_>, _>>()?;
    Ok(held.into_iter().min().unwrap_or_default())
}

/// Where stable pools are listed for a pair: how much each holds, at which place, and which it is.
fn ranked(cx: &mut Ctx<'_>, pair: (AssetId, AssetId)) -> Result<Vec<(U256, u32, PoolId)>, Halt> {
    let listed = STATE.pools_of_pair.at(pair).load(cx)?;
    let mut stable = Vec::new();
    for (place, id) in (0_u32..).zip(listed) {
        let there = Pool::load(cx, id)?;
        if there.curve == Curve::Stable {
            stable.push((depth(&there, pair)?, place, id));
        }
    }
    Ok(stable)
}

/// Takes a free place of a pair, if the pool has none; answers whether it did.
fn join(cx: &mut Ctx<'_>, pool: &Pool, pair: (AssetId, AssetId)) -> Result<bool, Halt> {
    let list = STATE.pools_of_pair.at(pair);
    if list.load(cx)?.contains(&pool.id) {
        return Ok(false);
    }
    if pool.curve == Curve::Stable && ranked(cx, pair)?.len() >= STABLE_POOLS_OF_PAIR_MAX {
        return Ok(false);
    }
    list.push(cx, pool.id)?;
    Ok(true)
}

/// Takes the place of the stable pool that holds least of a pair, if this one holds more; answers whether it did.
///
/// # Errors
/// `ExchangeMovedNow`: one of both was touched in this block.
fn replace(cx: &mut Ctx<'_>, pool: &Pool, pair: (AssetId, AssetId)) -> Result<bool, Halt> {
    let ranked = ranked(cx, pair)?;
    if ranked.iter().any(|(.., id)| *id == pool.id) || pool.curve != Curve::Stable {
        return Ok(false);
    }
    let own = depth(pool, pair)?;
    let Some((_, place, old)) = ranked.into_iter().min().filter(|(least, ..)| own > *least) else {
        return Ok(false);
    };
    for id in [pool.id, old] {
        if track::is_touched(cx, id)? {
            return Err(revert(&ExchangeMovedNow { poolId: id.get() }));
        }
    }
    STATE.pools_of_pair.at(pair).set(cx, place, pool.id)?;
    emit(
        cx,
        &PoolReplaced {
            poolId: pool.id.get(),
            oldPoolId: old.get(),
            assetA: pair.0.get(),
            assetB: pair.1.get(),
        },
    )?;
    Ok(true)
}
