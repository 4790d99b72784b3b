//! What must hold between transactions, as code over a world that is only looked at.
//!
//! EXCH-4 to EXCH-12 speak of steps, so the tests check them around steps.

use std::collections::BTreeMap;

use capstan_state::{Ctx, View};
use capstan_units::{AssetId, PoolId};

use super::{
    ADDRESS, Curve, lp,
    params::{LOCKED_SHARES, PROTOCOL_SHARE_MAX_BPS},
    pool::{self, LOCKED, Pool, STATE, VAULT},
    range, trade,
};
use crate::{
    invariant::{Broken, check_one, holds},
    ledger,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let mut shares = BTreeMap::<PoolId, u128>::new();
    for ((id, _), balance) in STATE.shares.listed(world, ADDRESS)? {
        let sum = shares.entry(id).or_default();
        *sum = sum.saturating_add(balance.load(cx)?.get());
    }
    let mut claims = BTreeMap::<AssetId, u128>::new();
    for (asset, fees) in STATE.protocol_fees.listed(world, ADDRESS)? {
        claims.insert(asset, fees.load(cx)?.get());
    }
    for ((_, asset), fees) in STATE.farm_fees.listed(world, ADDRESS)? {
        let sum = claims.entry(asset).or_default();
        *sum = sum.saturating_add(fees.load(cx)?.get());
    }
    for number in 0..pool::count(cx)? {
        let id = PoolId::new(number);
        let pool = Pool::load(cx, id)?;
        let is_ranged = pool.curve == Curve::Range;
        for coin in pool.coins.iter() {
            let sum = claims.entry(coin.asset).or_default();
            *sum = sum.saturating_add(coin.reserve.get());
            holds(is_ranged || !coin.reserve.is_zero(), "EXCH-2", || {
                format!("pool {id} holds nothing of asset {}", coin.asset)
            })?;
        }
        let found = pool::of_shape(cx, &pool.shape())?;
        holds(found == Some(id), "EXCH-13", || {
            format!("the shape of pool {id} leads to {found:?}")
        })?;
        if is_ranged {
            range::check(world, cx, &pool)?;
            continue;
        }
        let (sum, total) = (
            shares.remove(&id).unwrap_or_default(),
            STATE.total_shares.at(id).load(cx)?,
        );
        holds(sum == total.get(), "EXCH-2", || {
            format!("accounts of pool {id} have {sum} shares, the total is {total}")
        })?;
        let locked = STATE.shares.at((id, LOCKED)).load(cx)?;
        holds(locked.get() == LOCKED_SHARES, "EXCH-2", || {
            format!("pool {id} has {locked} locked shares")
        })?;
        holds(trade::expect_balanced(&pool).is_ok(), "EXCH-10", || {
            format!(
                "pool {id} is outside the range of its curve: {:?}",
                pool.coins
            )
        })?;
        check_one(&lp::CONTRACT, world, lp::address_of(id))?;
    }
    for (id, sum) in shares {
        holds(sum == 0, "EXCH-2", || {
            format!("{sum} shares of pool {id}, which there is not")
        })?;
    }
    for (asset, claimed) in claims {
        let held = ledger::free(cx, asset, VAULT)?;
        holds(held.get() >= claimed, "EXCH-1", || {
            format!("{held} of asset {asset} held for reserves and fees of {claimed}")
        })?;
    }
    let share = STATE.protocol_share.load(cx)?;
    let most = share.present.max(share.next);
    holds(most.get() <= PROTOCOL_SHARE_MAX_BPS, "EXCH-11", || {
        format!("the protocol takes {most} of fees")
    })
}
