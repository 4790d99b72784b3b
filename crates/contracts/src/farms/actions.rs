//! What opens and feeds a farm, and what stakers do there. Functions for the account room, which asks who may; nothing here
//! calls code, so all of it works while the block liquidates.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt, View};
use capstan_units::{AccountId, AssetId, Assets, FarmId, Shares};

use super::{
    ADDRESS,
    IFarms::{Claimed, Funded, StakeMoved, Staked, Unstaked},
    REWARDS, STAKES, Thing,
    error::*,
    live::{Holder, Live, STATE},
    math::{fine, units_down},
    params::PERIOD_MS,
    state::{Farm, Stake},
};
use crate::{contract::emit, exchange, ledger, revert};

/// What is staked in a farm.
///
/// # Errors
/// `FarmsUnknown`.
pub fn thing(cx: &mut Ctx<'_>, id: FarmId) -> Result<Thing, Halt> {
    Ok(Farm::known(&mut cx.enter(ADDRESS), id)?.1)
}

/// What flows in a farm.
///
/// # Errors
/// `FarmsUnknown`.
pub fn rewards(cx: &mut Ctx<'_>, id: FarmId) -> Result<Vec<AssetId>, Halt> {
    let (farm, _) = Farm::known(&mut cx.enter(ADDRESS), id)?;
    Ok(farm.rewards().map(|(_, asset)| asset).collect())
}

/// What an account has staked in a farm.
///
/// # Errors
/// The store's.
pub fn staked(cx: &mut Ctx<'_>, id: FarmId, account: AccountId) -> Result<u128, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let at = (id, Holder::account(account).key());
    Ok(STATE.stakes.at(at).load(cx)?.amount)
}

/// Every account that stakes something, and where, for whoever looks at a world from outside.
///
/// # Errors
/// Storage that does not decode.
pub fn stakers(world: &dyn View, cx: &mut Ctx<'_>) -> Result<Vec<(FarmId, AccountId)>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut found = Vec::new();
    for ((id, (is_wallet, account)), record) in STATE.stakes.listed(world, ADDRESS)? {
        if !is_wallet && record.load(cx)?.amount != 0 {
            found.push((id, account));
        }
    }
    Ok(found)
}

/// Free units or shares of an account become its stake.
///
/// # Errors
/// `FarmsUnknown`, `FarmsZeroAmount`, `LedgerInsufficient`, `ExchangeInsufficientShares`.
pub fn stake(cx: &mut Ctx<'_>, id: FarmId, account: AccountId, amount: u128) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (_, thing) = Farm::known(cx, id)?;
    shift(cx, thing, account, STAKES, amount)?;
    add(cx, id, Holder::account(account), amount)
}

/// A stake of an account becomes free units or shares of it again. What it earned stays due.
///
/// # Errors
/// `FarmsUnknown`, `FarmsZeroAmount`, `FarmsInsufficient`.
pub fn unstake(cx: &mut Ctx<'_>, id: FarmId, account: AccountId, amount: u128) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let thing = take(cx, id, Holder::account(account), amount)?;
    shift(cx, thing, STAKES, account, amount)
}

/// Moves a part of a stake to another account. What it earned stays with the first (FARM-13).
///
/// # Errors
/// As [`unstake`].
pub fn move_stake(
    cx: &mut Ctx<'_>,
    id: FarmId,
    from: AccountId,
    to: AccountId,
    amount: u128,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    change(cx, id, Holder::account(from), |id, has| {
        less(id, has, amount)
    })?;
    change(cx, id, Holder::account(to), |_, has| more(has, amount))?;
    emit(
        cx,
        &StakeMoved {
            farmId: id.get(),
            from: from.owner,
            fromIndex: from.index,
            to: to.owner,
            toIndex: to.index,
            amount: U256::from(amount),
        },
    )
}

/// Pays an account what it is due of one reward, as units; answers how much, which may be nothing.
///
/// # Errors
/// `FarmsUnknown`, `FarmsNoReward`.
pub fn claim(
    cx: &mut Ctx<'_>,
    id: FarmId,
    account: AccountId,
    asset: AssetId,
) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let amount = take_due(cx, id, Holder::account(account), asset)?;
    if !amount.is_zero() {
        ledger::shift(cx, asset, REWARDS, account, amount)?;
    }
    Ok(amount)
}

fn shift(
    cx: &mut Ctx<'_>,
    thing: Thing,
    from: AccountId,
    to: AccountId,
    amount: u128,
) -> Result<(), Halt> {
    refuse_zero(amount)?;
    match thing {
        Thing::Units(asset) => ledger::shift(cx, asset, from, to, Assets::new(amount)?),
        Thing::Shares(pool) => exchange::move_shares(cx, pool, from, to, Shares::new(amount)?),
    }
}

pub(super) fn refuse_zero(amount: u128) -> Result<(), Halt> {
    if amount != 0 {
        return Ok(());
    }
    Err(revert(&FarmsZeroAmount {}))
}

/// Brings a farm and somebody in it up to now, and changes what he has.
pub(super) fn change(
    cx: &mut Ctx<'_>,
    id: FarmId,
    holder: Holder,
    how: impl FnOnce(FarmId, Stake) -> Result<Stake, Halt>,
) -> Result<(Live, Stake), Halt> {
    let mut live = Live::load(cx, id)?;
    let before = live.settle(cx, holder)?;
    let after = live.weigh(cx, holder, before, how(id, before)?)?;
    live.save(cx)?;
    Ok((live, after))
}

fn more(has: Stake, amount: u128) -> Result<Stake, Halt> {
    let amount = has.amount.checked_add(amount).ok_or_else(Halt::overflow)?;
    Ok(Stake { amount, ..has })
}

fn less(id: FarmId, has: Stake, amount: u128) -> Result<Stake, Halt> {
    let Some(rest) = has.amount.checked_sub(amount) else {
        return Err(revert(&FarmsInsufficient {
            farmId: id.get(),
            have: U256::from(has.amount),
            need: U256::from(amount),
        }));
    };
    Ok(Stake {
        amount: rest,
        ..has
    })
}

/// What is in custody becomes somebody's stake.
pub(super) fn add(cx: &mut Ctx<'_>, id: FarmId, holder: Holder, amount: u128) -> Result<(), Halt> {
    refuse_zero(amount)?;
    let (_, after) = change(cx, id, holder, |_, has| more(has, amount))?;
    emit(
        cx,
        &Staked {
            farmId: id.get(),
            owner: holder.account.owner,
            index: holder.account.index,
            isWallet: holder.is_wallet,
            amount: U256::from(amount),
            weight: weight_of(after),
        },
    )
}

/// A stake becomes something in custody that is nobody's yet.
pub(super) fn take(
    cx: &mut Ctx<'_>,
    id: FarmId,
    holder: Holder,
    amount: u128,
) -> Result<Thing, Halt> {
    refuse_zero(amount)?;
    let (live, after) = change(cx, id, holder, |id, has| less(id, has, amount))?;
    emit(
        cx,
        &Unstaked {
            farmId: id.get(),
            owner: holder.account.owner,
            index: holder.account.index,
            isWallet: holder.is_wallet,
            amount: U256::from(amount),
            weight: weight_of(after),
        },
    )?;
    Ok(live.thing)
}

pub(super) fn weight_of(stake: Stake) -> U256 {
    U256::from(stake.amount).saturating_add(U256::from(stake.extra))
}

/// The place of a reward.
///
/// # Errors
/// `FarmsNoReward`.
pub(super) fn place(id: FarmId, farm: &Farm, asset: AssetId) -> Result<u8, Halt> {
    let place = farm.place(asset);
    place.ok_or_else(|| {
        revert(&FarmsNoReward {
            farmId: id.get(),
            assetId: asset.get(),
        })
    })
}

/// Whole units that somebody is due of one reward are his to be paid; the fraction stays.
pub(super) fn take_due(
    cx: &mut Ctx<'_>,
    id: FarmId,
    holder: Holder,
    asset: AssetId,
) -> Result<Assets, Halt> {
    let (live, _) = change(cx, id, holder, |_, has| Ok(has))?;
    let at = (id, place(id, &live.farm, asset)?);
    let record = STATE.dues.at((at, holder.key()));
    let mut due = record.load(cx)?;
    let amount = units_down(due.credit_fine)?;
    if amount.is_zero() {
        return Ok(amount);
    }
    due.credit_fine = due.credit_fine.saturating_sub(fine(amount));
    record.save(cx, &due)?;
    if !STATE.held.at(at).sub_bounded(cx, amount, Assets::ZERO)? {
        return Err(Halt::Fatal(format!("farm {id} holds less than is due")));
    }
    emit(
        cx,
        &Claimed {
            farmId: id.get(),
            owner: holder.account.owner,
            index: holder.account.index,
            isWallet: holder.is_wallet,
            assetId: asset.get(),
            amount: amount.to_u256(),
        },
    )?;
    Ok(amount)
}

/// Lets what is in custody flow over a time.
///
/// # Errors
/// `FarmsNoReward`, `FarmsTooMuch`.
pub(super) fn pay_in(
    cx: &mut Ctx<'_>,
    id: FarmId,
    asset: AssetId,
    amount: Assets,
    period_ms: u64,
    from: alloy_primitives::Address,
) -> Result<(), Halt> {
    let mut live = Live::load(cx, id)?;
    let place = place(id, &live.farm, asset)?;
    let Some(flow) = live.flows.get_mut(usize::from(place)) else {
        return Err(Halt::Fatal(format!("farm {id} has no reward {place}")));
    };
    if amount > Assets::MAX.sub_or_zero(flow.paid_in) {
        return Err(revert(&FarmsTooMuch {
            farmId: id.get(),
            assetId: asset.get(),
            paidIn: flow.paid_in.to_u256(),
            amount: amount.to_u256(),
        }));
    }
    flow.take_in(amount, period_ms)?;
    let left_ms = flow.left_ms;
    live.save(cx)?;
    STATE.held.at((id, place)).add(cx, amount)?;
    emit(
        cx,
        &Funded {
            farmId: id.get(),
            assetId: asset.get(),
            from,
            amount: amount.to_u256(),
            leftMs: left_ms,
        },
    )
}

pub(super) fn expect_period(period_ms: u64) -> Result<(), Halt> {
    let (min, max) = PERIOD_MS;
    if (min..=max).contains(&period_ms) {
        return Ok(());
    }
    Err(revert(&FarmsBadPeriod {
        periodMs: period_ms,
        minMs: min,
        maxMs: max,
    }))
}
