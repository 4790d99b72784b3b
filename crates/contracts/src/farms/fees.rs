//! The protocol's part of a pool's fees as a reward for those who stake its shares.
//!
//! The exchange keeps that part of a pool apart once its owner says so (`Config::feeds_farm`), and anybody brings it here,
//! where it flows over seven days. Changing the farm brings what was earned to the one before.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{FarmId, PoolId};

use super::{
    ADDRESS, IFarms::FeeFarmSet, REWARDS, actions, error::*, live::STATE, params::FEE_PERIOD_MS,
    state::Farm, wallet::pool_of,
};
use crate::{admin, contract::emit, exchange, revert};

/// The farm that a pool's fees feed.
pub(super) fn farm_of(cx: &mut Ctx<'_>, pool: PoolId) -> Result<Option<FarmId>, Halt> {
    let biased = STATE.fed.at(pool).load(cx)?;
    Ok(biased.checked_sub(1).map(FarmId::new))
}

/// Says that the fees of a farm's pool feed it from now on, or feed none any more. For the exchange's owner (FARM-11).
///
/// # Errors
/// `AdminNotOwner`, `FarmsUnknown`, `FarmsNotFed`, `FarmsOtherPool`: a coin of the pool is no reward there.
pub(super) fn set(cx: &mut Ctx<'_>, id: FarmId, feeds: bool) -> Result<(), Halt> {
    admin::expect_owner(cx, exchange::ADDRESS, cx.caller())?;
    let pool = pool_of(cx, id)?;
    let (farm, _) = Farm::known(cx, id)?;
    for coin in exchange::coins_of(cx, pool)? {
        if farm.place(coin).is_none() {
            return Err(revert(&FarmsOtherPool {
                farmId: id.get(),
                poolId: pool.get(),
                assetId: coin.get(),
            }));
        }
    }
    let before = farm_of(cx, pool)?;
    if let Some(before) = before {
        bring(cx, before, pool)?;
    }
    let after = match (feeds, before) {
        (true, _) => Some(id),
        (false, Some(other)) if other != id => Some(other),
        (false, _) => None,
    };
    let biased = match after {
        Some(farm) => farm.get().checked_add(1).ok_or_else(Halt::overflow)?,
        None => 0,
    };
    STATE.fed.at(pool).save(cx, biased)?;
    exchange::set_feeding(cx, pool, after.is_some())?;
    emit(
        cx,
        &FeeFarmSet {
            poolId: pool.get(),
            farmId: id.get(),
            feeds: after == Some(id),
        },
    )
}

/// Brings what a pool's fees came to into the streams of its farm, by anybody. Answers how much of each of its coins that
/// brought any.
///
/// # Errors
/// `FarmsUnknown`, `FarmsNotFed`.
pub(super) fn harvest(cx: &mut Ctx<'_>, id: FarmId) -> Result<Vec<U256>, Halt> {
    let pool = pool_of(cx, id)?;
    if farm_of(cx, pool)? != Some(id) {
        return Err(revert(&FarmsNotFed { farmId: id.get() }));
    }
    let coins = exchange::coins_of(cx, pool)?;
    let taken = bring(cx, id, pool)?;
    let amounts = coins.iter().map(|coin| {
        let found = taken.iter().find(|(asset, _)| asset == coin);
        found.map_or(U256::ZERO, |(_, amount)| amount.to_u256())
    });
    Ok(amounts.collect())
}

fn bring(
    cx: &mut Ctx<'_>,
    id: FarmId,
    pool: PoolId,
) -> Result<Vec<(capstan_units::AssetId, capstan_units::Assets)>, Halt> {
    let taken = exchange::take_farm_fees(cx, pool, REWARDS)?;
    for (asset, amount) in &taken {
        actions::pay_in(cx, id, *asset, *amount, FEE_PERIOD_MS, ADDRESS)?;
    }
    Ok(taken)
}
