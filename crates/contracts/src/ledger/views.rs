//! What anyone may ask.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::AccountId;

use super::{
    ADDRESS,
    ILedger::{self, outflowLimitOfReturn, outflowOfReturn},
    actions::{self, STATE, known},
    border,
    error::LedgerUnknownToken,
    foreign,
    params::Limits,
};
use crate::revert;

pub(super) fn asset_count(cx: &mut Ctx<'_>) -> Result<u32, Halt> {
    actions::asset_count(cx)
}

pub(super) fn asset(cx: &mut Ctx<'_>, number: u32) -> Result<ILedger::Asset, Halt> {
    let id = known(cx, number)?;
    let actions::Asset {
        token,
        decimals,
        kind,
        is_frozen,
    } = actions::asset(cx, id)?;
    Ok(ILedger::Asset {
        token,
        decimals,
        kind: kind.number(),
        frozen: is_frozen,
        symbol: actions::symbol(cx, id)?,
    })
}

pub(super) fn asset_of(cx: &mut Ctx<'_>, token: Address) -> Result<u32, Halt> {
    match actions::asset_of(cx, token)? {
        Some(id) => Ok(id.get()),
        None => Err(revert(&LedgerUnknownToken { token })),
    }
}

pub(super) fn free_of(
    cx: &mut Ctx<'_>,
    number: u32,
    owner: Address,
    index: u8,
) -> Result<U256, Halt> {
    let id = known(cx, number)?;
    Ok(actions::free(cx, id, AccountId::new(owner, index))?.to_u256())
}

pub(super) fn claims_of(cx: &mut Ctx<'_>, number: u32) -> Result<U256, Halt> {
    let id = known(cx, number)?;
    Ok(STATE.claims.at(id).load(cx)?.to_u256())
}

pub(super) fn held_of(cx: &mut Ctx<'_>, number: u32) -> Result<U256, Halt> {
    let id = known(cx, number)?;
    let token = actions::asset(cx, id)?.token;
    foreign::held(&mut cx.enter(ADDRESS), token)
}

pub(super) fn outflow_of(cx: &mut Ctx<'_>, number: u32) -> Result<outflowOfReturn, Halt> {
    let id = known(cx, number)?;
    let limit = border::limit_now(cx, id)?;
    Ok(outflowOfReturn {
        limit: limit.to_u256(),
        left: border::may_leave(cx, id)?.to_u256(),
    })
}

pub(super) fn outflow_limit_of(
    cx: &mut Ctx<'_>,
    number: u32,
) -> Result<outflowLimitOfReturn, Halt> {
    let id = known(cx, number)?;
    let limits = Limits::load(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    Ok(outflowLimitOfReturn {
        present: limits.at(now_ms).to_abi(),
        next: limits.next().to_abi(),
        nextFromMs: limits.next_from_ms,
    })
}
