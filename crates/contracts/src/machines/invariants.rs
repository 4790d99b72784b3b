//! What must hold between transactions, as code over a world that is only looked at.
//!
//! MACH-4, MACH-7, MACH-10 and MACH-11 speak of steps and of single calls, so the tests check them around those.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use capstan_state::{Ctx, View};
use capstan_units::AssetId;

use super::{
    ADDRESS, POT, identity,
    params::{self, Params},
    record::STATE,
    state::{Life, Machine},
    status, title,
};
use crate::{
    invariant::{Broken, holds},
    ledger, still,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let count = STATE.machine_count.load(cx)?;
    let mut bonds = BTreeMap::<AssetId, u128>::new();
    let listed = STATE.machines.listed(world, ADDRESS)?;
    let found = u64::try_from(listed.len()).unwrap_or(u64::MAX);
    holds(found == count, "MACH-3", || {
        format!("{found} machines of {count}")
    })?;
    for (id, record) in listed {
        let machine = record.load(cx)?;
        let sum = bonds.entry(machine.asset).or_default();
        *sum = sum.saturating_add(machine.bond.get());
        identity_of(cx, id, &machine)?;
        clocks_of(world, cx, id, &machine)?;
        challenges_of(cx, id, &machine)?;
    }
    for (asset, sum) in bonds {
        let held = ledger::free(cx, asset, POT)?;
        holds(held.get() >= sum, "MACH-1", || {
            format!("{held} in the pot of asset {asset}, bonds are {sum}")
        })?;
    }
    proofs(world, cx)?;
    keys(world, cx, count)?;
    params_in_range(cx)
}

/// MACH-2 and MACH-3, of one machine.
fn identity_of(cx: &mut Ctx<'_>, id: u64, machine: &Machine) -> Result<(), Broken> {
    let key = machine.key;
    let named = STATE.keys.at(key).load(cx)?;
    holds(named.checked_sub(1) == Some(id), "MACH-2", || {
        format!("machine {id} has the key {key}, which is that of {named} less one")
    })?;
    let bound = identity::owner_of(cx, id).ok();
    holds(bound == Some(key), "MACH-3", || {
        format!("machine {id} has the key {key}, its identity {bound:?}")
    })?;
    let holder = title::owner_of(cx, id).ok();
    holds(holder.is_some(), "MACH-3", || {
        format!("machine {id} has no title")
    })
}

/// MACH-6, MACH-8 and MACH-9, of one machine.
fn clocks_of(world: &dyn View, cx: &mut Ctx<'_>, id: u64, machine: &Machine) -> Result<(), Broken> {
    let now_ms = world.latest_block().time_ms;
    let life: Life = STATE.lives.at(id).load(cx)?;
    let seen_ms = still::passed_ms(cx, machine.registered_ms, life.last_ms)?;
    holds(
        life.last_ms >= machine.registered_ms
            && seen_ms == life.proven_ms.saturating_add(life.dark_ms)
            && life.trial_from_ms <= life.proven_ms
            && (life.dark_count == 0) == (life.dark_ms == 0),
        "MACH-6",
        || {
            format!(
                "machine {id}, here since {}: {life:?}",
                machine.registered_ms
            )
        },
    )?;
    let is_in_order = life.last_ms <= now_ms
        && life.since_ms <= life.last_ms
        && life.passed_ms <= life.last_ms
        && machine.left_ms <= now_ms
        && (machine.left_ms == 0) == (machine.withdraw_from_ms == 0)
        && machine.gone_ms <= now_ms
        && (machine.gone_ms == 0 || machine.gone_ms >= machine.withdraw_from_ms)
        && (machine.gone_ms == 0 || (machine.left_ms != 0 && machine.bond.is_zero()));
    holds(is_in_order, "MACH-9", || {
        format!("machine {id} at {now_ms}: {machine:?} {life:?}")
    })?;
    let is_short = machine.bond < machine.bond_min;
    let is_barred = machine.barred_ms != 0;
    holds(
        machine.gone_ms != 0 || is_short == is_barred,
        "MACH-9",
        || {
            format!(
                "machine {id} is barred since {}: {machine:?}",
                machine.barred_ms
            )
        },
    )?;
    let status = status::status(cx, id)?;
    holds(status.since_ms <= now_ms, "MACH-9", || {
        format!("machine {id} at {now_ms}: {status:?}")
    })?;
    let last = STATE.telemetry.at(id).load(cx)?;
    let is_told = last.sequence != 0;
    holds(
        last.to_ms <= now_ms && is_told == (last.from_ms < last.to_ms),
        "MACH-8",
        || format!("machine {id} at {now_ms}: {last:?}"),
    )
}

/// MACH-5: what a machine failed is something that it was asked.
fn challenges_of(cx: &mut Ctx<'_>, id: u64, machine: &Machine) -> Result<(), Broken> {
    let challenges = STATE.challenge_count.load(cx)?;
    let last = STATE.challenges.at(id).load(cx)?;
    holds(
        last.number <= challenges && machine.failed <= last.number,
        "MACH-5",
        || format!("machine {id} failed {}, of {}", machine.failed, last.number),
    )
}

/// MACH-5: every proof is of a challenge that was passed, and counts no longer than it may.
fn proofs(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    for ((id, class), proof) in STATE.proofs.listed(world, ADDRESS)? {
        let (proof, last) = (proof.load(cx)?, STATE.challenges.at(id).load(cx)?);
        let is_passed = proof.number != last.number
            || (last.outcome == status::Phase::Passed.number()
                && last.class == class
                && last.per_hour_down()? == proof.per_hour);
        holds(
            proof.number != 0 && proof.number <= last.number && is_passed,
            "MACH-5",
            || format!("machine {id}, class {class}: {proof:?} after {last:?}"),
        )?;
        let machine = STATE.machines.at(id).load(cx)?;
        let counted = status::capacity(cx, id, class)?;
        let is_fresh = world.latest_block().time_ms <= counted.until_ms;
        let counts = proof.number > machine.failed && is_fresh;
        holds(
            counted.per_hour == 0 || (counts && counted.per_hour == proof.per_hour),
            "MACH-5",
            || format!("machine {id}, class {class}: {counted:?} by {proof:?}"),
        )?;
    }
    Ok(())
}

/// MACH-2: every key that ever was is one of a machine that there is.
fn keys(world: &dyn View, cx: &mut Ctx<'_>, count: u64) -> Result<(), Broken> {
    for (key, machine) in STATE.keys.listed(world, ADDRESS)? {
        let machine = machine.load(cx)?;
        holds((1..=count).contains(&machine), "MACH-2", || {
            format!("{key} is the key of {machine} less one, of {count}")
        })?;
    }
    Ok(())
}

/// MACH-12.
fn params_in_range(cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let stored = [STATE.config.load(cx)?, STATE.next_config.load(cx)?];
    for params in stored
        .into_iter()
        .filter(|params| *params != Params::default())
    {
        let is_good = Params::checked(&params.to_abi()).is_ok();
        holds(is_good, "MACH-12", || format!("out of range: {params:?}"))?;
    }
    let paused = U256::from(STATE.paused.load(cx)?);
    holds(paused <= U256::from(super::Pause::ALL), "MACH-12", || {
        format!("verbs {paused} are stopped")
    })?;
    params::in_force(cx)?;
    Ok(())
}
