//! Losses, collateral that nobody else bought, and rewards. The account room calls for the first two: nothing there asks
//! who calls, and no foreign code runs (BACK-14).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    ADDRESS, GOODS,
    IBackstop::{GoodsTaken, RewardPaidIn, Slashed},
    POT,
    error::*,
    stake::{self, STATE},
};
use crate::{contract::emit, ledger, revert};

/// What a stake can pay now, at least; nothing where there is none. Rewards that have not flowed are not in it.
///
/// # Errors
/// The store's.
pub fn available_down(cx: &mut Ctx<'_>, id: AssetId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let now_ms = cx.store.block().time_ms;
    match stake::find(cx, id)? {
        Some(stake) => stake.assets_down(now_ms),
        None => Ok(Assets::ZERO),
    }
}

/// Bears up to `loss` out of a stake, and answers how much (BACK-6): nothing where there is no stake. `pay` takes up to an
/// amount of the free units of an account, and answers how many it took.
///
/// # Errors
/// Those of `pay`.
pub fn cover(
    cx: &mut Ctx<'_>,
    id: AssetId,
    loss: Assets,
    pay: impl FnOnce(&mut Ctx<'_>, AccountId, Assets) -> Result<Assets, Halt>,
) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let now_ms = cx.store.block().time_ms;
    let Some(mut stake) = stake::find(cx, id)? else {
        return Ok(Assets::ZERO);
    };
    let most = stake.units.min(loss);
    if most.is_zero() {
        return Ok(Assets::ZERO);
    }
    let paid = pay(cx, POT, most)?;
    if paid.is_zero() {
        return Ok(paid);
    }
    stake.take(paid, now_ms)?;
    stake::save(cx, id, &stake)?;
    emit(
        cx,
        &Slashed {
            assetId: id.get(),
            generation: stake.generation,
            loss: loss.to_u256(),
            paid: paid.to_u256(),
            left: stake.assets_down(now_ms)?.to_u256(),
        },
    )?;
    Ok(paid)
}

/// Pays a reward from the caller's wallet, which flows to the stakers over time. Answers what arrived.
///
/// # Errors
/// `BackstopUnknownStake`, and those of `ledger::pull`.
pub(super) fn pay_in(cx: &mut Ctx<'_>, id: AssetId, amount: U256) -> Result<U256, Halt> {
    stake::known(cx, id)?;
    let (from, now_ms) = (cx.caller(), cx.store.block().time_ms);
    let amount = ledger::pull(cx, id, from, POT, Assets::from_u256(amount)?)?;
    // What the token ran meanwhile may have changed the stake.
    let mut stake = stake::known(cx, id)?;
    let reward_ms = stake::params(cx, id)?.reward_ms;
    stake.add_reward(amount, now_ms, reward_ms)?;
    stake::save(cx, id, &stake)?;
    emit(
        cx,
        &RewardPaidIn {
            assetId: id.get(),
            from,
            amount: amount.to_u256(),
            endMs: stake.reward_end_ms,
        },
    )?;
    Ok(amount.to_u256())
}

/// Lets a stake buy collateral: `pay` of its asset goes to one account, `goods` come from another and are put on
/// sale. The caller knows what they are worth.
///
/// # Errors
/// `BackstopUnknownStake`, `BackstopSameAsset`, `BackstopZeroAmount`, `BackstopTooLittle`, `LedgerInsufficient`.
#[allow(
    clippy::too_many_arguments,
    reason = "two amounts of two assets, and the accounts of each"
)]
pub fn take_over(
    cx: &mut Ctx<'_>,
    id: AssetId,
    pay: Assets,
    to: AccountId,
    goods_id: AssetId,
    goods: Assets,
    from: AccountId,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let now_ms = cx.store.block().time_ms;
    let mut stake = stake::known(cx, id)?;
    if id == goods_id {
        return Err(revert(&BackstopSameAsset { assetId: id.get() }));
    }
    stake::refuse_zero(pay.to_u256())?;
    stake::refuse_zero(goods.to_u256())?;
    let have = stake.assets_down(now_ms)?;
    if pay > have {
        return Err(revert(&BackstopTooLittle {
            assetId: id.get(),
            have: have.to_u256(),
            need: pay.to_u256(),
        }));
    }
    let place = STATE.lots.at((id, goods_id));
    let mut lot = place.load(cx)?;
    if lot.goods.is_zero() {
        stake.lots = stake.lots.checked_add(1).ok_or_else(Halt::overflow)?;
    }
    lot.join(goods, now_ms)?;
    place.save(cx, &lot)?;
    let sale_ms = stake::params(cx, id)?.sale_ms;
    let staking_from_ms = now_ms.saturating_add(sale_ms.saturating_mul(2));
    stake.staking_from_ms = stake.staking_from_ms.max(staking_from_ms);
    stake.take(pay, now_ms)?;
    stake::save(cx, id, &stake)?;
    ledger::shift(cx, id, POT, to, pay)?;
    ledger::shift(cx, goods_id, from, GOODS, goods)?;
    emit(
        cx,
        &GoodsTaken {
            assetId: id.get(),
            goodsAssetId: goods_id.get(),
            goods: goods.to_u256(),
            paid: pay.to_u256(),
            onSale: lot.goods.to_u256(),
            beganMs: lot.began_ms,
        },
    )
}
