//! What must hold between transactions, as code over a world that is only looked at.
//!
//! BACK-4 to BACK-10, BACK-13 and BACK-14 speak of steps as well, so the tests check them around steps.

use std::collections::BTreeMap;

use capstan_state::{Ctx, View};
use capstan_units::AssetId;

use super::{ADDRESS, GOODS, POT, params::Params, share, stake::STATE};
use crate::{
    invariant::{Broken, check_one, holds},
    ledger,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let now_ms = world.latest_block().time_ms;
    let (mut goods, mut lots) = (
        BTreeMap::<AssetId, u128>::new(),
        BTreeMap::<AssetId, u16>::new(),
    );
    for ((id, goods_id), record) in STATE.lots.listed(world, ADDRESS)? {
        let lot = record.load(cx)?;
        let sum = goods.entry(goods_id).or_default();
        *sum = sum.saturating_add(lot.goods.get());
        if !lot.goods.is_zero() {
            let count = lots.entry(id).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (goods_id, sum) in goods {
        let held = ledger::free(cx, goods_id, GOODS)?;
        holds(held.get() >= sum, "BACK-1", || {
            format!("{held} of asset {goods_id} are there for goods of {sum}")
        })?;
    }
    for (id, record) in STATE.stakes.listed(world, ADDRESS)? {
        let stake = record.load(cx)?;
        let held = ledger::free(cx, id, POT)?;
        holds(held >= stake.units, "BACK-1", || {
            format!("{held} in the pot for a stake of {} of {id}", stake.units)
        })?;
        let unreleased = stake.unreleased_up(now_ms)?;
        holds(unreleased <= stake.units, "BACK-2", || {
            format!(
                "{unreleased} of {} units of stake {id} are rewards",
                stake.units
            )
        })?;
        let count = lots.remove(&id).unwrap_or_default();
        holds(count == stake.lots, "BACK-9", || {
            format!("stake {id} counts {} lots and has {count}", stake.lots)
        })?;
        let params = STATE.configs.at(id).load(cx)?;
        holds(Params::checked(&params.to_abi()).is_ok(), "BACK-12", || {
            format!("stake {id} has {params:?}")
        })?;
        check_one(&share::CONTRACT, world, share::address_of(id))?;
    }
    holds(lots.is_empty(), "BACK-9", || {
        format!("goods of stakes that do not exist: {lots:?}")
    })
}
