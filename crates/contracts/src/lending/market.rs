//! A market's state: read, projected to now, accrued.
//!
//! Every function takes the frame of `lending`.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Shares};

use super::{
    ADDRESS,
    ILending::Accrued as AccruedEvent,
    error::LendingUnknownMarket,
    math::{self, Accrued, Pot},
    params::Params,
    state::{LendingState, Market},
};
use crate::{contract::emit, ledger, mutant::mutant, revert};

#[cfg(test)]
use super::tests::twin;

pub(super) const STATE: LendingState = LendingState::new();

/// Holds the cash of every market.
pub const CASH: AccountId = AccountId::new(ADDRESS, 0);
/// Owns the shares that bear losses first.
pub const RESERVE: AccountId = AccountId::new(ADDRESS, 1);
/// Owns the shares that keep a market from ever being empty.
pub const SEED: AccountId = AccountId::new(ADDRESS, 2);

/// A market as it was last accrued.
pub(super) fn stored(cx: &mut Ctx<'_>, id: AssetId) -> Result<Market, Halt> {
    let market = STATE.markets.at(id).load(cx)?;
    if is_none(&market) {
        return Err(revert(&LendingUnknownMarket { assetId: id.get() }));
    }
    Ok(mutant!(
        GiftsCount,
        market,
        twin::by_what_is_held(cx, id, market)?
    ))
}

/// Storage without a market reads so. The borrow index of a market never falls below one.
pub(super) fn is_none(market: &Market) -> bool {
    market.borrow_index.is_zero()
}

/// Parameters in force.
pub(super) fn params(cx: &mut Ctx<'_>, id: AssetId) -> Result<Params, Halt> {
    Params::of_config(STATE.configs.at(id).load(cx)?)
}

/// What a market holds and owes.
pub(super) fn pot(cx: &mut Ctx<'_>, id: AssetId) -> Result<Pot, Halt> {
    let (there, out) = (ledger::free(cx, id, CASH)?, STATE.out.at(id).load(cx)?);
    Ok(Pot {
        cash: mutant!(OutIsGone, there.add(out).unwrap_or(Assets::MAX), there),
        shares: STATE.total_shares.at(id).load(cx)?,
        debt_shares: STATE.total_debts.at(id).load(cx)?,
        fees: STATE.fees.at(id).load(cx)?,
    })
}

/// What accruing now would do. Within a block it does nothing.
pub(super) fn projected(cx: &mut Ctx<'_>, id: AssetId) -> Result<Accrued, Halt> {
    let market = stored(cx, id)?;
    let (pot, params) = (pot(cx, id)?, params(cx, id)?);
    math::accrue(market, pot, params, cx.store.block().time_ms)
}

/// A market as of now, whether or not it accrued: for views.
pub(super) fn now(cx: &mut Ctx<'_>, id: AssetId) -> Result<Market, Halt> {
    match accrued(cx, id)? {
        Some(market) => Ok(market),
        None => Ok(projected(cx, id)?.market),
    }
}

/// The market, if it accrued in this block already.
pub(super) fn accrued(cx: &mut Ctx<'_>, id: AssetId) -> Result<Option<Market>, Halt> {
    let market = stored(cx, id)?;
    Ok((market.accrued_ms == cx.store.block().time_ms).then_some(market))
}

/// Brings a market to now: once per block, at its first touch. Parameters that became due count from here on.
pub(super) fn accrue(cx: &mut Ctx<'_>, id: AssetId) -> Result<Market, Halt> {
    let before = stored(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    if before.accrued_ms == now_ms {
        return Ok(before);
    }
    let Accrued {
        market,
        reserve_shares,
        rates,
        fees,
    } = projected(cx, id)?;
    STATE.markets.at(id).save(cx, &market)?;
    if !fees.is_zero() && !STATE.fees.at(id).sub_bounded(cx, fees, Assets::ZERO)? {
        return Err(Halt::Fatal(format!("market {id}: fees below themselves")));
    }
    // Shares beyond the range of numbers are not made: accruing must never fail.
    if !reserve_shares.is_zero()
        && STATE
            .total_shares
            .at(id)
            .add_capped(cx, reserve_shares, Shares::MAX)?
    {
        STATE.shares.at((id, RESERVE)).add(cx, reserve_shares)?;
    }
    promote(cx, id, now_ms)?;
    emit(
        cx,
        &AccruedEvent {
            assetId: id.get(),
            supplyIndex: market.supply_index.to_u256(),
            borrowIndex: market.borrow_index.to_u256(),
            supplyRate: rates.supply.to_u256(),
            borrowRate: rates.borrow.to_u256(),
            reserveShares: reserve_shares.to_u256(),
        },
    )?;
    Ok(market)
}

fn promote(cx: &mut Ctx<'_>, id: AssetId, now_ms: u64) -> Result<(), Halt> {
    let due_ms = STATE.next_from_ms.at(id).load(cx)?;
    if due_ms == 0 || now_ms < due_ms {
        return Ok(());
    }
    let next = STATE.next_configs.at(id).load(cx)?;
    STATE.configs.at(id).save(cx, &next)?;
    STATE.next_from_ms.at(id).save(cx, 0)
}

/// Shares of an account.
pub(super) fn shares_of(cx: &mut Ctx<'_>, id: AssetId, of: AccountId) -> Result<Shares, Halt> {
    STATE.shares.at((id, of)).load(cx)
}
