//! A stake's state: read, saved, begun anew. Every function takes the frame of `backstop`.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    ADDRESS,
    IBackstop::StakeReopened,
    Pause,
    error::*,
    math::Pool,
    params::Params,
    share,
    state::{BackstopState, Stake},
};
use crate::{contract::emit, revert};

pub(super) const STATE: BackstopState = BackstopState::new();

/// A stake, if the asset has one.
pub(super) fn find(cx: &mut Ctx<'_>, id: AssetId) -> Result<Option<Stake>, Halt> {
    let stake = STATE.stakes.at(id).load(cx)?;
    Ok((stake.generation != 0).then_some(stake))
}

/// A stake that exists.
pub(super) fn known(cx: &mut Ctx<'_>, id: AssetId) -> Result<Stake, Halt> {
    find(cx, id)?.ok_or_else(|| revert(&BackstopUnknownStake { assetId: id.get() }))
}

pub(super) fn save(cx: &mut Ctx<'_>, id: AssetId, stake: &Stake) -> Result<(), Halt> {
    STATE.stakes.at(id).save(cx, stake)
}

/// Parameters in force.
pub(super) fn params(cx: &mut Ctx<'_>, id: AssetId) -> Result<Params, Halt> {
    let from_ms = STATE.next_from_ms.at(id).load(cx)?;
    let configs = if from_ms != 0 && from_ms <= cx.store.block().time_ms {
        STATE.next_configs
    } else {
        STATE.configs
    };
    configs.at(id).load(cx)
}

/// What all shares are worth now.
pub(super) fn pool(cx: &mut Ctx<'_>, id: AssetId, stake: &Stake) -> Result<Pool, Halt> {
    let now_ms = cx.store.block().time_ms;
    Ok(Pool {
        assets: stake.assets_down(now_ms)?.to_u256(),
        shares: share::supply_of(cx, id, stake.generation)?,
    })
}

/// The same as a deposit finds it: a ruined stake begins anew with it.
pub(super) fn pool_for_deposit(cx: &mut Ctx<'_>, id: AssetId, stake: &Stake) -> Result<Pool, Halt> {
    let pool = pool(cx, id, stake)?;
    Ok(if pool.is_ruined() {
        Pool::of_seed(stake.units)
    } else {
        pool
    })
}

/// A stake that takes deposits, begun anew if it is ruined (BACK-7), and what its shares are worth.
pub(super) fn for_deposit(cx: &mut Ctx<'_>, id: AssetId) -> Result<(Stake, Pool), Halt> {
    let stake = known(cx, id)?;
    expect_open(cx, id, &stake)?;
    let pool = pool(cx, id, &stake)?;
    if !pool.is_ruined() {
        return Ok((stake, pool));
    }
    let generation = stake.generation.checked_add(1);
    let stake = Stake {
        generation: generation.ok_or_else(Halt::overflow)?,
        reward: Assets::ZERO,
        reward_end_ms: 0,
        ..stake
    };
    save(cx, id, &stake)?;
    let pool = Pool::of_seed(stake.units);
    if !pool.shares.is_zero() {
        share::mint(&mut cx.enter(share::address_of(id)), ADDRESS, pool.shares)?;
    }
    emit(
        cx,
        &StakeReopened {
            assetId: id.get(),
            generation: stake.generation,
            seed: stake.units.to_u256(),
        },
    )?;
    Ok((stake, pool))
}

/// Whether somebody may stake now: not while staking is paused, nor while goods are on sale (BACK-9).
pub(super) fn expect_open(cx: &mut Ctx<'_>, id: AssetId, stake: &Stake) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    expect_not_paused(id, stake, Pause::Stake)?;
    if !stake.awaits_sale(now_ms) {
        return Ok(());
    }
    Err(revert(&BackstopSaleOpen {
        assetId: id.get(),
        untilMs: stake.staking_from_ms,
    }))
}

pub(super) fn expect_not_paused(id: AssetId, stake: &Stake, verb: Pause) -> Result<(), Halt> {
    if stake.paused & verb.bit() == 0 {
        return Ok(());
    }
    Err(revert(&BackstopPaused {
        assetId: id.get(),
        verb: verb.bit(),
    }))
}

pub(super) fn refuse_zero(amount: U256) -> Result<(), Halt> {
    if !amount.is_zero() {
        return Ok(());
    }
    Err(revert(&BackstopZeroAmount {}))
}

impl Stake {
    /// Whether unsold goods may still be worth something to those who staked before.
    pub(super) const fn awaits_sale(&self, now_ms: u64) -> bool {
        self.lots != 0 && now_ms < self.staking_from_ms
    }
}
