//! What the broken lines of `lending` compute instead (`crate::mutant`).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Ray};

use super::super::{market::STATE, math, state::Market};
use crate::{ether, ledger, token};

/// A market whose shares are worth all that lies at the ledger's address, and all that is owed.
pub(in crate::lending) fn by_what_is_held(
    cx: &mut Ctx<'_>,
    id: AssetId,
    market: Market,
) -> Result<Market, Halt> {
    let token = ledger::asset(cx, id)?.token;
    let held = if token == ether::ADDRESS {
        cx.store.coin_balance(ledger::ADDRESS)?
    } else {
        token::balance_of(&mut cx.enter(token), ledger::ADDRESS)?
    };
    let shares = STATE.total_shares.at(id).load(cx)?.to_u256();
    let debts = STATE.total_debts.at(id).load(cx)?;
    let owed = math::debt_up(debts, market.borrow_index)?.to_u256();
    let supply_index = match shares {
        U256::ZERO => Ray::ONE,
        _ => Ray::from_u256((held + owed) * Ray::ONE.to_u256() / shares)?,
    };
    Ok(Market {
        supply_index,
        ..market
    })
}

/// Shares to the nearest.
pub(in crate::lending) fn into_nearest(index: Ray, assets: U256) -> U256 {
    (assets * Ray::ONE.to_u256() + index.to_u256() / U256::from(2)) / index.to_u256()
}
