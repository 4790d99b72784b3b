//! What anyone may ask. Answers are as of this block, whether or not the market accrued in it.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId};

use super::{
    ILending::{self, debtOfReturn, paramsOfReturn, suppliedOfReturn},
    market::{self, RESERVE, STATE},
    math::{self, Pot},
    params::Params,
    rates, share,
};

pub(super) fn market(cx: &mut Ctx<'_>, number: u32) -> Result<ILending::Market, Halt> {
    let id = AssetId::new(number);
    let accrued = market::projected(cx, id)?;
    let market = accrued.market;
    let before = market::pot(cx, id)?;
    let pot = Pot {
        shares: before.shares.add(accrued.reserve_shares)?,
        ..before
    };
    let params = market::params(cx, id)?;
    let used = pot.used(market.borrow_index)?;
    let now = rates::rates(
        params.model,
        params.reserve_factor,
        market.target_rate,
        used,
        0,
    )?;
    let reserve = market::shares_of(cx, id, RESERVE)?.add(accrued.reserve_shares)?;
    Ok(ILending::Market {
        supplyIndex: market.supply_index.to_u256(),
        borrowIndex: market.borrow_index.to_u256(),
        supplyRate: now.supply.to_u256(),
        borrowRate: now.borrow.to_u256(),
        utilisation: used.to_u256(),
        supplied: math::assets_down(pot.shares, market.supply_index)?.to_u256(),
        borrowed: math::debt_up(pot.debt_shares, market.borrow_index)?.to_u256(),
        cash: pot.cash.to_u256(),
        reserve: math::assets_down(reserve, market.supply_index)?.to_u256(),
        paused: market.paused,
    })
}

pub(super) fn supplied_of(
    cx: &mut Ctx<'_>,
    number: u32,
    owner: Address,
    index: u8,
) -> Result<suppliedOfReturn, Halt> {
    let id = AssetId::new(number);
    let market = market::now(cx, id)?;
    let shares = market::shares_of(cx, id, AccountId::new(owner, index))?;
    Ok(suppliedOfReturn {
        assets: math::assets_down(shares, market.supply_index)?.to_u256(),
        shares: shares.to_u256(),
    })
}

pub(super) fn debt_of(
    cx: &mut Ctx<'_>,
    number: u32,
    owner: Address,
    index: u8,
) -> Result<debtOfReturn, Halt> {
    let id = AssetId::new(number);
    let market = market::now(cx, id)?;
    let shares = STATE
        .debts
        .at((id, AccountId::new(owner, index)))
        .load(cx)?;
    Ok(debtOfReturn {
        assets: math::debt_up(shares, market.borrow_index)?.to_u256(),
        debtShares: shares.to_u256(),
    })
}

pub(super) fn params_of(cx: &mut Ctx<'_>, number: u32) -> Result<paramsOfReturn, Halt> {
    let id = AssetId::new(number);
    market::stored(cx, id)?;
    let present = market::params(cx, id)?;
    let from_ms = STATE.next_from_ms.at(id).load(cx)?;
    let next = if from_ms == 0 {
        present
    } else {
        Params::of_config(STATE.next_configs.at(id).load(cx)?)?
    };
    Ok(paramsOfReturn {
        present: present.to_abi(),
        next: next.to_abi(),
        nextFromMs: from_ms,
    })
}

pub(super) fn share_token(cx: &mut Ctx<'_>, number: u32) -> Result<Address, Halt> {
    let id = AssetId::new(number);
    market::stored(cx, id)?;
    Ok(share::address_of(id))
}
