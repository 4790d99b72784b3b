//! Which pools of a pair are found by whoever looks for one. Every function takes the frame of `exchange`.
//!
//! Pools of products and of ranges are few by their fees and always find a place. Stable pools are many by their
//! amplification, and cost little to open: they have seven places of a pair, and the one that holds least of it gives
//! its place to one that holds more, whenever anybody says so. So nobody keeps a deep pool out by being there first.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, PoolId};

use super::{
    Curve,
    IExchange::PoolReplaced,
    params::STABLE_POOLS_OF_PAIR_MAX,
    pool::{Pool, STATE},
};
use crate::contract::emit;

/// The verb for anybody.
///
/// # Errors
/// `ExchangeUnknownPool`.
pub(super) fn ask(cx: &mut Ctx<'_>, number: u32) -> Result<bool, Halt> {
    let pool = Pool::load(cx, PoolId::new(number))?;
    list(cx, &pool)
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

/// Puts a pool into the lists of its pairs. Answers whether a list changed.
pub(super) fn list(cx: &mut Ctx<'_>, pool: &Pool) -> Result<bool, Halt> {
    let mut is_changed = false;
    for pair in pool.shape().pairs() {
        is_changed |= list_in(cx, pool, pair)?;
    }
    Ok(is_changed)
}

fn list_in(cx: &mut Ctx<'_>, pool: &Pool, pair: (AssetId, AssetId)) -> Result<bool, Halt> {
    let list = STATE.pools_of_pair.at(pair);
    let listed = list.load(cx)?;
    if listed.contains(&pool.id) {
        return Ok(false);
    }
    if pool.curve != Curve::Stable {
        list.push(cx, pool.id)?;
        return Ok(true);
    }
    // Those of its curve: how much each holds, where it is listed, and which it is.
    let mut stable = Vec::new();
    for (place, id) in (0_u32..).zip(listed) {
        let there = Pool::load(cx, id)?;
        if there.curve == Curve::Stable {
            stable.push((depth(&there, pair)?, place, id));
        }
    }
    if stable.len() < STABLE_POOLS_OF_PAIR_MAX {
        list.push(cx, pool.id)?;
        return Ok(true);
    }
    let own = depth(pool, pair)?;
    let Some((_, place, old)) = stable.into_iter().min().filter(|(least, ..)| own > *least) else {
        return Ok(false);
    };
    list.set(cx, place, pool.id)?;
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
