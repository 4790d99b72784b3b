//! What must hold between transactions, as code over a world that is only looked at.
//!
//! JOB-7, JOB-8, JOB-9, JOB-13 and JOB-16 speak of steps and of single calls, so the tests check them around those.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, View};
use capstan_units::Assets;

use super::{
    ADDRESS, EARNED, POT, STATE, channels, classes,
    numbers::Phase,
    params::{self, Params},
    state::{Channel, Claim},
};
use crate::{
    income,
    invariant::{Broken, holds},
    ledger,
};

/// Sums of units, by whom they are of.
type Sums<K> = BTreeMap<K, u128>;

fn add<K: Ord>(sums: &mut Sums<K>, key: K, amount: Assets) {
    let sum = sums.entry(key).or_default();
    *sum = sum.saturating_add(amount.get());
}

fn of<K: Ord>(sums: &Sums<K>, key: &K) -> u128 {
    sums.get(key).copied().unwrap_or_default()
}

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    params_in_range(world, cx)?;
    let Some(params) = params::in_force(cx)? else {
        return Ok(());
    };
    let open = open_claims(world, cx)?;
    let channels = STATE.channels.records(world, ADDRESS)?;
    channels_of(cx, &channels, &open)?;
    customers_of(world, cx, &channels, &params)?;
    keys_of(world, cx, &channels)?;
    for (machine, standing) in STATE.standings.listed(world, ADDRESS)? {
        let (standing, sum) = (standing.load(cx)?, of(&open.slashes, &machine));
        holds(standing.reserved.get() == sum, "JOB-5", || {
            format!("machine {machine} has {sum} at stake: {standing:?}")
        })?;
        let own = channels.iter().filter(|channel| channel.machine == machine);
        let sum = own.fold(0_u128, |sum, channel| {
            let sum = sum.saturating_add(channel.bound.get());
            sum.saturating_add(channel.claimed.get())
        });
        holds(standing.funded.get() == sum, "JOB-2", || {
            format!("channels of machine {machine} have {sum}: {standing:?}")
        })?;
        // A book that was opened before it was told of any counts less, never more.
        let told = income::escrow_of(cx, machine, params.asset)?;
        let told = told.unwrap_or_default();
        holds(told == standing.funded || told.is_zero(), "JOB-14", || {
            format!("{told} of escrow count for machine {machine}: {standing:?}")
        })?;
    }
    for ((machine, class), work) in STATE.uses.listed(world, ADDRESS)? {
        let work = work.load(cx)?;
        holds(work.work <= work.allowed, "JOB-4", || {
            format!("machine {machine} in class {class}: {work:?}")
        })?;
    }
    for (((machine, class), epoch), work) in STATE.late_uses.listed(world, ADDRESS)? {
        let work = work.load(cx)?;
        let is_good = work.work <= work.allowed && work.epoch == epoch;
        holds(is_good, "JOB-4", || {
            format!("machine {machine} in class {class}, late: {work:?}")
        })?;
    }
    earnings_of(world, cx, &params)?;
    prices_of(world, cx)
}

/// JOB-15, of all auditors.
fn earnings_of(world: &dyn View, cx: &mut Ctx<'_>, params: &Params) -> Result<(), Broken> {
    let mut owed = 0_u128;
    for (who, auditor) in STATE.auditors.listed(world, ADDRESS)? {
        let auditor = auditor.load(cx)?;
        holds(auditor.owed <= auditor.earned, "JOB-15", || {
            format!("auditor {who}: {auditor:?}")
        })?;
        owed = owed.saturating_add(auditor.owed.get());
    }
    let held = ledger::free(cx, params.asset, EARNED)?.get();
    holds(held >= owed, "JOB-15", || {
        format!("{held} lie for auditors, who are owed {owed}")
    })
}

/// What open claims come to.
#[derive(Default)]
struct Open {
    /// By channel.
    costs: Sums<[u8; 32]>,
    /// By machine.
    slashes: Sums<u64>,
}

/// JOB-2, JOB-10 and JOB-11, of each claim.
fn open_claims(world: &dyn View, cx: &mut Ctx<'_>) -> Result<Open, Broken> {
    let (now_ms, count) = (world.latest_block().time_ms, STATE.claim_count.load(cx)?);
    let listed = STATE.claims.listed(world, ADDRESS)?;
    let found = u64::try_from(listed.len()).unwrap_or(u64::MAX);
    holds(found == count, "JOB-11", || {
        format!("{found} claims of {count}")
    })?;
    let mut open = Open::default();
    for (id, claim) in listed {
        let claim: Claim = claim.load(cx)?;
        let due_s = STATE.dues.at(id).load(cx)?;
        let is_open = claim.outcome == 0;
        holds(is_open == (due_s != 0), "JOB-10", || {
            format!("claim {id} is due at {due_s}: {claim:?}")
        })?;
        let outcomes = [0, Phase::Paid.number(), Phase::Void.number()];
        let is_void = claim.outcome == Phase::Void.number();
        let is_in_order = outcomes.contains(&claim.outcome)
            && is_void == (claim.reason != 0)
            && claim.made_ms <= now_ms
            && claim.seed.is_zero() == (claim.drawn_ms == 0)
            && claim.picks <= claim.receipts
            && claim.fee < claim.cost
            && claim.largest <= claim.cost
            && claim.previous < id;
        holds(is_in_order, "JOB-11", || format!("claim {id}: {claim:?}"))?;
        if is_open {
            add(&mut open.costs, claim.channel.0, claim.cost);
            add(&mut open.slashes, claim.machine, claim.slash);
        }
    }
    Ok(open)
}

/// JOB-2, of each channel.
fn channels_of(cx: &mut Ctx<'_>, channels: &[Channel], open: &Open) -> Result<(), Broken> {
    for channel in channels {
        let parts = [
            channel.bound,
            channel.claimed,
            channel.paid,
            channel.returned,
        ];
        let sum = parts
            .iter()
            .fold(0_u128, |sum, part| sum.saturating_add(part.get()));
        holds(sum == channel.held.get(), "JOB-2", || {
            format!("held {}: {channel:?}", channel.held)
        })?;
        let id = channels::id_of(
            cx,
            channel.customer,
            channel.key,
            channel.machine,
            channel.class,
        )?;
        let claimed = of(&open.costs, &id.0);
        holds(claimed == channel.claimed.get(), "JOB-2", || {
            format!("claims of {claimed} are open: {channel:?}")
        })?;
    }
    Ok(())
}

/// JOB-1, of each customer and of all.
fn customers_of(
    world: &dyn View,
    cx: &mut Ctx<'_>,
    channels: &[Channel],
    params: &Params,
) -> Result<(), Broken> {
    let mut sums = [Sums::new(), Sums::new(), Sums::new()];
    for channel in channels {
        let parts = [channel.bound, channel.claimed, channel.paid];
        for (sums, part) in sums.iter_mut().zip(parts) {
            add(sums, channel.customer, part);
        }
    }
    let mut escrow = 0_u128;
    for (who, customer) in STATE.customers.listed(world, ADDRESS)? {
        let customer = customer.load(cx)?;
        let found = sums.each_ref().map(|sums| of(sums, &who));
        let said = [customer.bound, customer.claimed, customer.paid].map(Assets::get);
        holds(found == said, "JOB-1", || {
            format!("channels of {who} have {found:?}: {customer:?}")
        })?;
        for part in [customer.free, customer.bound, customer.claimed] {
            escrow = escrow.saturating_add(part.get());
        }
    }
    let said = STATE.escrow.load(cx)?.get();
    holds(said == escrow, "JOB-1", || {
        format!("escrow is {said}, of all customers {escrow}")
    })?;
    let held = ledger::free(cx, params.asset, POT)?.get();
    holds(held >= escrow, "JOB-1", || {
        format!("{held} in the pot, escrow is {escrow}")
    })
}

/// JOB-3, of each key.
fn keys_of(world: &dyn View, cx: &mut Ctx<'_>, channels: &[Channel]) -> Result<(), Broken> {
    let mut spent = Sums::<(Address, Address)>::new();
    for channel in channels {
        for part in [channel.bound, channel.claimed, channel.paid] {
            add(&mut spent, (channel.customer, channel.key), part);
        }
    }
    for (pair, sum) in spent {
        let key = STATE.keys.at(pair).load(cx)?;
        holds(key.spent.get() == sum, "JOB-3", || {
            format!("channels of {pair:?} have {sum}: {key:?}")
        })?;
    }
    for key in STATE.keys.records(world, ADDRESS)? {
        // Its customer may lower a limit below what it has bound; then it binds nothing.
        let now_ms = world.latest_block().time_ms;
        let more = key.spent.get().saturating_add(key.left_at(now_ms).get());
        holds(
            more <= key.total.get().max(key.spent.get()),
            "JOB-3",
            || format!("{key:?}"),
        )?;
    }
    Ok(())
}

/// JOB-6.
fn prices_of(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let mut offered = Sums::<(u32, u32)>::new();
    for ((_, class), offer) in STATE.offers.listed(world, ADDRESS)? {
        let offer = offer.load(cx)?;
        let work = Assets::new(offer.offered.into()).unwrap_or_default();
        add(&mut offered, (class, offer.region), work);
    }
    for ((id, region), cell) in STATE.cells.listed(world, ADDRESS)? {
        let (cell, class) = (cell.load(cx)?, classes::known(cx, id)?);
        let bounds = class.level_min..=class.level_max;
        holds(
            bounds.contains(&cell.level) && bounds.contains(&cell.level_before),
            "JOB-6",
            || format!("class {id} in region {region}: {cell:?} in {bounds:?}"),
        )?;
        let sum = of(&offered, &(id, region));
        holds(sum == cell.offered.into(), "JOB-6", || {
            format!("class {id} in region {region}: {sum} offered, {cell:?}")
        })?;
    }
    Ok(())
}

/// JOB-12.
fn params_in_range(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let stored = [STATE.config.load(cx)?, STATE.next_config.load(cx)?];
    for params in stored
        .into_iter()
        .filter(|params| *params != Params::default())
    {
        let is_good = Params::checked(&params.to_abi()).is_ok()
            && params.expect_fixed(&STATE.config.load(cx)?).is_ok();
        holds(is_good, "JOB-12", || format!("out of range: {params:?}"))?;
    }
    for (id, class) in STATE.classes.listed(world, ADDRESS)? {
        let class = class.load(cx)?;
        holds(class.is_good(), "JOB-12", || {
            format!("class {id}: {class:?}")
        })?;
    }
    let paused = U256::from(STATE.paused.load(cx)?);
    holds(paused <= U256::from(super::Pause::ALL), "JOB-12", || {
        format!("verbs {paused} are stopped")
    })
}
