//! What must hold between transactions, as code over a world that is only looked at.
//!
//! STR-3 to STR-8 and STR-10 speak of steps and of single calls, so the tests check them around those.

use std::collections::BTreeMap;

use capstan_state::{Ctx, View};
use capstan_units::{AccountId, AssetId, StreamId};

use super::{ADDRESS, ASSIGNED_MAX, POT, actions::STATE};
use crate::{
    invariant::{Broken, holds},
    ledger,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let now_ms = world.latest_block().time_ms;
    let count = STATE.stream_count.load(cx)?;
    let mut promised = BTreeMap::<AssetId, u128>::new();
    let mut assigned = BTreeMap::<StreamId, AccountId>::new();
    for (id, record) in STATE.streams.listed(world, ADDRESS)? {
        let (stream, flow) = (record.load(cx)?, STATE.flows.at(id).load(cx)?);
        let is_real = id.get() < count && !stream.owner.owner.is_zero();
        holds(is_real, "STR-10", || {
            format!("stream {id} of {count} is owned by {}", stream.owner)
        })?;
        let flowed = flow.flowed_down(now_ms)?;
        holds(
            flow.collected <= flowed && flowed <= flow.paid && flow.base <= flow.paid,
            "STR-2",
            || format!("stream {id}: {flow:?}, of which {flowed} has flowed"),
        )?;
        let returnable = STATE.returnable.at(id).load(cx)?;
        holds(returnable.is_zero() || stream.is_stopped, "STR-6", || {
            format!("stream {id} goes on and owes its payer {returnable}")
        })?;
        let owed = flow.paid.sub_or_zero(flow.collected);
        let sum = promised.entry(stream.asset).or_default();
        *sum = sum
            .saturating_add(owed.get())
            .saturating_add(returnable.get());
        if !stream.assigned.owner.is_zero() {
            assigned.insert(id, stream.assigned);
        }
    }
    for (asset, sum) in promised {
        let held = ledger::free(cx, asset, POT)?;
        holds(held.get() >= sum, "STR-1", || {
            format!("{held} in the pot of asset {asset}, streams owe {sum}")
        })?;
    }
    for (account, list) in STATE.pledges.listed(world, ADDRESS)? {
        let pledges = list.load(cx)?;
        for pledge in pledges {
            let id = pledge.stream;
            let stream = STATE.streams.at(id).load(cx)?;
            holds(
                assigned.remove(&id) == Some(account) && stream.asset == pledge.asset,
                "STR-9",
                || format!("{account} lists stream {id}, which says {stream:?}"),
            )?;
        }
        let length = list.len(cx)?;
        holds(length <= ASSIGNED_MAX, "STR-9", || {
            format!("{account} lists {length} streams")
        })?;
    }
    holds(assigned.is_empty(), "STR-9", || {
        format!("assigned, and in no list: {assigned:?}")
    })
}
