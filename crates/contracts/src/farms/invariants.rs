//! What must hold between transactions, as code over a world that is only looked at.
//!
//! FARM-3, FARM-5 to FARM-9, FARM-12 and FARM-13 speak of steps as well, so the tests check them around steps; FARM-10 is
//! checked where accounts are.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use capstan_state::{Ctx, View};
use capstan_units::{AssetId, FarmId, PoolId};

use super::{
    ADDRESS, LOCKS, REWARDS, STAKES, Thing,
    live::{STATE, begins_ms, epoch_of},
    math::{earned_fine, fine, units_down},
    params::{LOCK_EPOCHS_MAX, REWARDS_MAX},
    state::{Farm, HolderKey, Stake, Tally},
};
use crate::{
    exchange,
    invariant::{Broken, holds},
    ledger,
};

/// Of everybody who stakes, locks, or is due something.
type Stakes = BTreeMap<HolderKey, Stake>;

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let mut stakes = BTreeMap::<FarmId, Stakes>::new();
    for (((id, _), holder), _) in STATE.dues.listed(world, ADDRESS)? {
        let of = stakes.entry(id).or_default();
        of.insert(holder, Stake::default());
    }
    for ((id, holder), record) in STATE.stakes.listed(world, ADDRESS)? {
        let of = stakes.entry(id).or_default();
        of.insert(holder, record.load(cx)?);
    }
    let mut custody = Custody::default();
    for number in 0..STATE.farm_count.load(cx)? {
        let id = FarmId::new(number);
        let of = stakes.remove(&id).unwrap_or_default();
        check_farm(world, cx, id, &of, &mut custody)?;
    }
    holds(stakes.is_empty(), "FARM-1", || {
        format!("stakes in farms that there are not: {:?}", stakes.keys())
    })?;
    custody.check(cx)
}

/// What must be there for all farms together.
#[derive(Default)]
struct Custody {
    units: BTreeMap<AssetId, u128>,
    shares: BTreeMap<PoolId, u128>,
    locks: BTreeMap<AssetId, u128>,
    rewards: BTreeMap<AssetId, u128>,
}

fn count<K: Ord>(sums: &mut BTreeMap<K, u128>, of: K, more: u128) {
    let sum = sums.entry(of).or_default();
    *sum = sum.saturating_add(more);
}

impl Custody {
    fn check(self, cx: &mut Ctx<'_>) -> Result<(), Broken> {
        let lists = [
            (STAKES, self.units),
            (LOCKS, self.locks),
            (REWARDS, self.rewards),
        ];
        for (account, sums) in lists {
            for (asset, sum) in sums {
                let held = ledger::free(cx, asset, account)?;
                holds(held.get() >= sum, "FARM-1", || {
                    format!("{account} holds {held} of asset {asset} for {sum}")
                })?;
            }
        }
        for (pool, sum) in self.shares {
            let (held, _) = exchange::shares_worth(cx, pool, STAKES)?;
            holds(held.get() >= sum, "FARM-1", || {
                format!("{held} shares of pool {pool} are there for stakes of {sum}")
            })?;
        }
        Ok(())
    }
}

fn check_farm(
    world: &dyn View,
    cx: &mut Ctx<'_>,
    id: FarmId,
    stakes: &Stakes,
    custody: &mut Custody,
) -> Result<(), Broken> {
    let (farm, thing) = Farm::known(cx, id)?;
    let tally = STATE.tallies.at(id).load(cx)?;
    let now_ms = world.latest_block().time_ms;
    let is_bounded = (1..=REWARDS_MAX).contains(&usize::from(farm.reward_count));
    holds(is_bounded && tally.at_ms <= now_ms, "FARM-14", || {
        format!("farm {id} is {farm:?}, {tally:?}")
    })?;
    let (mut staked, mut weight) = (0_u128, 0_u128);
    for (holder, stake) in stakes {
        let most = farm.extra_down(stake.amount, stake.locked)?;
        holds(stake.extra <= most, "FARM-4", || {
            format!("a lock of {holder:?} in farm {id} adds more than {most}: {stake:?}")
        })?;
        let counts = begins_ms(stake.until_epoch) > tally.at_ms;
        staked = staked.saturating_add(stake.amount);
        weight = weight.saturating_add(stake.amount);
        if counts {
            weight = weight.saturating_add(stake.extra);
        }
        count(&mut custody.locks, farm.boost, stake.locked.get());
    }
    holds(staked == tally.staked, "FARM-1", || {
        format!(
            "stakes of farm {id} are {staked}, its total {}",
            tally.staked
        )
    })?;
    holds(weight == tally.weight, "FARM-4", || {
        format!(
            "weights of farm {id} are {weight}, its total {}",
            tally.weight
        )
    })?;
    match thing {
        Thing::Units(asset) => count(&mut custody.units, asset, staked),
        Thing::Shares(pool) => count(&mut custody.shares, pool, staked),
    }
    check_ends(cx, id, &tally, stakes)?;
    for (place, asset) in farm.rewards() {
        let held = STATE.held.at((id, place)).load(cx)?;
        count(&mut custody.rewards, asset, held.get());
        let promised = promised_fine(cx, id, place, &tally, stakes)?;
        holds(promised == fine(held), "FARM-2", || {
            format!("farm {id} holds {held} of asset {asset} for {promised} parts of 2^-128")
        })?;
        let flow = STATE.flows.at((id, place)).load(cx)?;
        let is_whole = flow.left_ms != 0 || units_down(flow.left_fine)?.is_zero();
        holds(is_whole, "FARM-5", || {
            format!("a stream of farm {id} ended before it had flowed: {flow:?}")
        })?;
    }
    Ok(())
}

/// FARM-8: what ends, and when, is what locks say.
fn check_ends(cx: &mut Ctx<'_>, id: FarmId, tally: &Tally, stakes: &Stakes) -> Result<(), Broken> {
    let begun = epoch_of(tally.at_ms);
    for epoch in begun.saturating_add(1)..=begun.saturating_add(LOCK_EPOCHS_MAX) {
        let ending = stakes.values().filter(|stake| stake.until_epoch == epoch);
        let sum = ending.fold(0_u128, |sum, stake| sum.saturating_add(stake.extra));
        let noted = STATE.ends.at((id, epoch)).load(cx)?;
        holds(noted == sum, "FARM-8", || {
            format!("{noted} ends in farm {id} where epoch {epoch} begins, locks say {sum}")
        })?;
    }
    Ok(())
}

/// What is left to flow and what everybody is due, until the farm was touched last.
fn promised_fine(
    cx: &mut Ctx<'_>,
    id: FarmId,
    place: u8,
    tally: &Tally,
    stakes: &Stakes,
) -> Result<U256, Broken> {
    let flow = STATE.flows.at((id, place)).load(cx)?;
    let mut sum = flow.left_fine;
    for (holder, stake) in stakes {
        let due = STATE.dues.at(((id, place), *holder)).load(cx)?;
        let ended = begins_ms(stake.until_epoch) <= tally.at_ms;
        let until = if stake.extra != 0 && ended {
            let ended_at = STATE.ended_at_fine.at(((id, place), stake.until_epoch));
            ended_at.load(cx)?
        } else {
            flow.per_weight_fine
        };
        let parts = [(stake.amount, flow.per_weight_fine), (stake.extra, until)];
        for (weight, until) in parts {
            let grown = until.saturating_sub(due.seen_fine);
            sum = sum.saturating_add(earned_fine(weight, grown)?);
        }
        sum = sum.saturating_add(due.credit_fine);
    }
    Ok(sum)
}
