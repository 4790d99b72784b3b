//! What must hold between transactions, as code over a world that is only looked at.
//!
//! LEND-3, 4, 6 to 10 and 12 speak of steps, so the tests check them around steps.

use std::collections::BTreeMap;

use capstan_state::{Ctx, View};
use capstan_units::{AssetId, Ray};

use super::{
    ADDRESS,
    market::{self, SEED, STATE},
    params::{Params, SEED_MIN},
    share,
};
use crate::{
    invariant::{Broken, check_one, holds},
    ledger,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let (mut shares, mut debts) = (
        BTreeMap::<AssetId, u128>::new(),
        BTreeMap::<AssetId, u128>::new(),
    );
    for ((id, _), balance) in STATE.shares.listed(world, ADDRESS)? {
        let sum = shares.entry(id).or_default();
        *sum = sum.saturating_add(balance.load(cx)?.get());
    }
    for ((id, _), balance) in STATE.debts.listed(world, ADDRESS)? {
        let sum = debts.entry(id).or_default();
        *sum = sum.saturating_add(balance.load(cx)?.get());
    }
    for (id, stored) in STATE.markets.listed(world, ADDRESS)? {
        let state = stored.load(cx)?;
        let pot = market::pot(cx, id)?;
        let sum = shares.remove(&id).unwrap_or_default();
        holds(sum == pot.shares.get(), "LEND-2", || {
            format!(
                "accounts of market {id} have {sum} shares, the total is {}",
                pot.shares
            )
        })?;
        let sum = debts.remove(&id).unwrap_or_default();
        holds(sum == pot.debt_shares.get(), "LEND-2", || {
            let total = pot.debt_shares;
            format!("accounts of market {id} have {sum} debt shares, the total is {total}")
        })?;
        let honoured = pot.honoured(state.supply_index, state.borrow_index)?;
        holds(honoured == state.supply_index, "LEND-1", || {
            format!(
                "market {id} promises {} and can honour {honoured}",
                state.supply_index
            )
        })?;
        holds(state.borrow_index >= Ray::ONE, "LEND-3", || {
            format!("market {id} has the borrow index {}", state.borrow_index)
        })?;
        let seed = STATE.shares.at((id, SEED)).load(cx)?;
        holds(seed.get() >= SEED_MIN, "LEND-5", || {
            format!("market {id} has a seed of {seed} shares")
        })?;
        Params::of_config(STATE.configs.at(id).load(cx)?)?;
        let listed = ledger::asset(cx, id)?;
        holds(!listed.token.is_zero(), "LEND-5", || {
            format!("market {id} has no asset")
        })?;
        check_one(&share::CONTRACT, world, share::address_of(id))?;
    }
    for (id, sum) in shares.into_iter().chain(debts) {
        holds(sum == 0, "LEND-2", || {
            format!("{sum} shares of market {id}, which is not listed")
        })?;
    }
    Ok(())
}
