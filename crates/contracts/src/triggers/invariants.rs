//! What must hold between transactions, as code over a world that is only looked at.
//!
//! TRIG-3, TRIG-4, TRIG-5 and TRIG-7 speak of single looks and verbs, so the tests check them around those.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt, View};

use super::{
    ADDRESS, Kind, condition, guard,
    index::TriggerIndex,
    params::{ORDERS_MAX, STEP_ORDERS_MAX},
    state::{Order, TriggersState},
};
use crate::{
    invariant::{Broken, holds},
    looks::{now_s, retry_s},
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let state = TriggersState::new();
    let mut all = Vec::new();
    for (id, order) in state.orders.listed(world, ADDRESS)? {
        let order = order.load(cx)?;
        if order.kind != 0 {
            all.push((id, order));
        }
    }
    check_coins(cx, &all)?;
    check_places(world, cx, &all)?;
    check_due(world, cx, &all)
}

type Orders = [(capstan_units::OrderId, Order)];

/// TRIG-6: whatever is prepaid is there.
fn check_coins(cx: &mut Ctx<'_>, all: &Orders) -> Result<(), Broken> {
    let prepaid = all.iter().fold(U256::ZERO, |sum, (_, order)| {
        sum.saturating_add(U256::from(order.prepaid_wei))
    });
    let coins = cx.store.coin_balance(ADDRESS)?;
    holds(coins >= prepaid, "TRIG-6", || {
        format!("{prepaid} wei are prepaid, and {coins} are there")
    })
}

/// TRIG-8: every order stands in its account's list once, steps count their orders, and nobody waits beyond his end.
fn check_places(world: &dyn View, cx: &mut Ctx<'_>, all: &Orders) -> Result<(), Broken> {
    let state = TriggersState::new();
    let mut crowds = BTreeMap::<_, u32>::new();
    for (id, order) in all {
        let list = state.lists.at(order.account).load(cx)?;
        let times = list.iter().filter(|listed| *listed == id).count();
        let count = u32::try_from(list.len()).unwrap_or(u32::MAX);
        holds(times == 1 && count <= ORDERS_MAX, "TRIG-8", || {
            format!("order {id} stands {times} times in a list of {count}")
        })?;
        let guard = guard::load(cx, *id)?;
        let ends = guard.look_by_s != 0 && guard.look_by_s <= order.expires_s;
        holds(ends, "TRIG-8", || {
            format!(
                "order {id} ends at {}, and is looked at {}",
                order.expires_s, guard.look_by_s
            )
        })?;
        if order.kind()? == Kind::Price {
            let crowd = crowds
                .entry(((order.watch, order.is_above), order.step))
                .or_default();
            *crowd = crowd.saturating_add(1);
        }
    }
    for (at, stored) in state.crowds.listed(world, ADDRESS)? {
        let stored = stored.load(cx)?;
        let count = crowds.remove(&at).unwrap_or_default();
        holds(
            stored == count && count <= STEP_ORDERS_MAX,
            "TRIG-8",
            || format!("{count} orders stand at {at:?}, which counts {stored}"),
        )?;
    }
    holds(crowds.is_empty(), "TRIG-8", || {
        format!("steps that nobody counts: {crowds:?}")
    })
}

/// TRIG-2: an order whose condition holds is due, or waits for its next attempt. One of kind 4 is called for by what its
/// account was when it was read last, so nothing is said of it here.
fn check_due(world: &dyn View, cx: &mut Ctx<'_>, all: &Orders) -> Result<(), Broken> {
    let due = TriggerIndex::of(world)?.due(cx, &Default::default(), usize::MAX)?;
    let longest_s = retry_s(u8::MAX);
    for (id, order) in all {
        if order.kind()? == Kind::Health {
            continue;
        }
        let is_met = match condition::holds(cx, order) {
            Ok(is_met) => is_met,
            Err(Halt::Revert(_)) => false,
            Err(other) => return Err(other.into()),
        };
        let guard = guard::load(cx, *id)?;
        let latest_s = now_s(cx).saturating_add(longest_s);
        let waits = guard.rows.is_empty() && guard.look_by_s <= latest_s;
        holds(!is_met || waits || due.who.contains(id), "TRIG-2", || {
            format!("the condition of order {id} holds, and nothing calls for it: {order:?}")
        })?;
    }
    Ok(())
}
