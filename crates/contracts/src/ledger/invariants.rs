//! What must hold between transactions, as code over a world that is only looked at.
//!
//! LED-3 to LED-6 and LED-8 speak of single calls, so the tests check them around calls. LED-2 is checked here
//! for what is held without asking foreign code; the tests ask it.

use alloy_primitives::U256;
use capstan_state::{Ctx, View};
use capstan_units::AssetId;

use super::{ADDRESS, Kind, actions::STATE, asset};
use crate::{
    invariant::{Broken, holds},
    token,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let count = STATE.asset_count.load(cx)?;
    let mut sums = vec![U256::ZERO; usize::try_from(count).unwrap_or_default()];
    for ((id, account), balance) in STATE.free.listed(world, ADDRESS)? {
        let units = balance.load(cx)?.to_u256();
        let sum = usize::try_from(id.get())
            .ok()
            .and_then(|at| sums.get_mut(at));
        match sum {
            Some(sum) => *sum = sum.saturating_add(units),
            None => holds(units.is_zero(), "LED-1", || {
                format!("{account} has {units} of asset {id}, which is not listed")
            })?,
        }
    }
    for (number, sum) in (0..count).zip(sums) {
        let id = AssetId::new(number);
        let claims = STATE.claims.at(id).load(cx)?.to_u256();
        holds(sum == claims, "LED-1", || {
            format!("accounts have {sum} of asset {id} together, claims are {claims}")
        })?;
        let listed = asset(cx, id)?;
        let back = STATE.asset_of.at(listed.token).load(cx)?;
        holds(back == number.saturating_add(1), "LED-7", || {
            format!("asset {id} is {}, which is asset {back} - 1", listed.token)
        })?;
        let held = match listed.kind {
            Kind::Coin => cx.store.coin_balance(ADDRESS)?,
            Kind::NativeToken => token::balance_of(&mut cx.enter(listed.token), ADDRESS)?,
            Kind::Foreign => continue,
        };
        holds(held >= claims, "LED-2", || {
            format!("{held} held of asset {id}, claims are {claims}")
        })?;
    }
    Ok(())
}
