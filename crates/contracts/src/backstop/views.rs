//! What anyone may ask.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    IBackstop::{self, lotOfReturn, paramsOfReturn, quoteGoodsReturn},
    sale, share,
    stake::{self, STATE},
};

pub(super) fn stake(cx: &mut Ctx<'_>, id: AssetId) -> Result<IBackstop::Stake, Halt> {
    let stake = stake::known(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    let pool = stake::pool(cx, id, &stake)?;
    Ok(IBackstop::Stake {
        assets: pool.assets,
        unreleased: stake.unreleased_up(now_ms)?.to_u256(),
        rewardEndMs: stake.reward_end_ms,
        shares: pool.shares,
        generation: stake.generation,
        lots: stake.lots,
        stakingFromMs: stake.staking_from_ms,
        paused: stake.paused,
    })
}

pub(super) fn params_of(cx: &mut Ctx<'_>, id: AssetId) -> Result<paramsOfReturn, Halt> {
    stake::known(cx, id)?;
    let present = stake::params(cx, id)?;
    let from_ms = STATE.next_from_ms.at(id).load(cx)?;
    let next = if from_ms == 0 {
        present
    } else {
        STATE.next_configs.at(id).load(cx)?
    };
    Ok(paramsOfReturn {
        present: present.to_abi(),
        next: next.to_abi(),
        nextFromMs: from_ms,
    })
}

pub(super) fn lot_of(
    cx: &mut Ctx<'_>,
    id: AssetId,
    goods_id: AssetId,
) -> Result<lotOfReturn, Halt> {
    stake::known(cx, id)?;
    let lot = STATE.lots.at((id, goods_id)).load(cx)?;
    Ok(lotOfReturn {
        goods: lot.goods.to_u256(),
        beganMs: lot.began_ms,
    })
}

pub(super) fn quote_goods(
    cx: &mut Ctx<'_>,
    id: AssetId,
    goods_id: AssetId,
    amount: U256,
) -> Result<quoteGoodsReturn, Halt> {
    let amount = Assets::from_u256(amount.min(Assets::MAX.to_u256()))?;
    let quote = sale::quote(cx, id, goods_id, amount)?;
    Ok(quoteGoodsReturn {
        goods: quote.goods.to_u256(),
        pay: quote.paid.to_u256(),
    })
}

pub(super) fn share_token(cx: &mut Ctx<'_>, id: AssetId) -> Result<Address, Halt> {
    stake::known(cx, id)?;
    Ok(share::address_of(id))
}
