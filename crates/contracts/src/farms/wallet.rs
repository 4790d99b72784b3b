//! The verbs of wallets. A pull comes before anything here has changed, a push after everything has; so whatever a token
//! runs sees whole farms.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, FarmId, PoolId, Shares};

use super::{
    IFarms::{FarmOpened, Locked, Unlocked, lockCall, openCall},
    LOCKS, REWARDS, STAKES, Thing,
    actions::{self, change},
    error::*,
    live::{Holder, Live, STATE, begins_ms, epoch_of},
    params::{EPOCH_MS, LIFT_WAD_MAX, LOCK_EPOCHS_MAX, REWARDS_MAX},
    state::{Farm, Stake, Tally},
};
use crate::{contract::emit, exchange, ledger, revert};

/// Opens a farm. Anybody may; it never changes.
///
/// # Errors
/// `FarmsBadKind`, `FarmsBadRewards`, `FarmsBadLift`, `LedgerUnknownAsset`, `ExchangeUnknownPool`, `ExchangeWrongCurve`.
pub(super) fn open(cx: &mut Ctx<'_>, call: &openCall) -> Result<u32, Halt> {
    let thing = Thing::from_number(call.kind, call.id);
    let thing = thing.ok_or_else(|| revert(&FarmsBadKind { kind: call.kind }))?;
    match thing {
        Thing::Units(asset) => {
            ledger::asset(cx, asset)?;
        }
        // Asks whether the pool has shares.
        Thing::Shares(pool) => {
            exchange::Liquidity::of_some_shares(cx, pool, Shares::ZERO)?;
        }
    }
    let rewards = rewards_of(cx, &call.rewards)?;
    if call.liftWad > U256::from(LIFT_WAD_MAX) {
        return Err(revert(&FarmsBadLift {
            liftWad: call.liftWad,
            max: U256::from(LIFT_WAD_MAX),
        }));
    }
    let lift_wad = u128::try_from(call.liftWad).map_err(|_| Halt::overflow())?;
    let boost = AssetId::new(call.boostAssetId);
    if lift_wad != 0 {
        ledger::asset(cx, boost)?;
    }
    let at = |place: usize| rewards.get(place).copied().unwrap_or_default();
    let farm = Farm {
        kind: call.kind,
        thing: call.id,
        reward_count: u8::try_from(rewards.len()).unwrap_or(u8::MAX),
        reward0: at(0),
        reward1: at(1),
        reward2: at(2),
        reward3: at(3),
        boost: if lift_wad == 0 {
            AssetId::default()
        } else {
            boost
        },
        lift_wad,
    };
    let number = STATE.farm_count.load(cx)?;
    let next = number.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.farm_count.save(cx, next)?;
    let id = FarmId::new(number);
    STATE.farms.at(id).save(cx, &farm)?;
    let begun = Tally {
        at_ms: cx.store.block().time_ms,
        ..Tally::default()
    };
    STATE.tallies.at(id).save(cx, &begun)?;
    let opener = cx.caller();
    emit(
        cx,
        &FarmOpened {
            farmId: number,
            opener,
            kind: call.kind,
            id: call.id,
            rewards: call.rewards.clone(),
            boostAssetId: farm.boost.get(),
            liftWad: call.liftWad,
        },
    )?;
    Ok(number)
}

/// # Errors
/// `FarmsBadRewards`, `LedgerUnknownAsset`.
fn rewards_of(cx: &mut Ctx<'_>, numbers: &[u32]) -> Result<Vec<AssetId>, Halt> {
    let others = numbers.iter().skip(1);
    let rises = numbers.iter().zip(others).all(|(low, high)| low < high);
    if numbers.is_empty() || numbers.len() > REWARDS_MAX || !rises {
        return Err(revert(&FarmsBadRewards {
            count: U256::from(numbers.len()),
            max: U256::from(REWARDS_MAX),
        }));
    }
    let mut rewards = Vec::with_capacity(numbers.len());
    for number in numbers {
        let asset = AssetId::new(*number);
        ledger::asset(cx, asset)?;
        rewards.push(asset);
    }
    Ok(rewards)
}

/// Lets what arrives of the caller's tokens flow. Answers that.
///
/// # Errors
/// `FarmsBadPeriod`, those of a pull, and of [`actions::pay_in`].
pub(super) fn fund(
    cx: &mut Ctx<'_>,
    id: FarmId,
    asset: AssetId,
    amount: U256,
    period_ms: u64,
) -> Result<U256, Halt> {
    actions::expect_period(period_ms)?;
    let (farm, _) = Farm::known(cx, id)?;
    actions::place(id, &farm, asset)?;
    let caller = cx.caller();
    let arrived = ledger::pull(cx, asset, caller, REWARDS, Assets::from_u256(amount)?)?;
    actions::pay_in(cx, id, asset, arrived, period_ms, caller)?;
    Ok(arrived.to_u256())
}

/// Stakes tokens of the caller, LP tokens where the farm is of a pool. Answers what arrived.
///
/// # Errors
/// `FarmsUnknown`, `FarmsZeroAmount`, those of a pull, `ERC20InsufficientBalance`.
pub(super) fn stake(cx: &mut Ctx<'_>, id: FarmId, amount: U256) -> Result<U256, Halt> {
    let (_, thing) = Farm::known(cx, id)?;
    let caller = cx.caller();
    let arrived = match thing {
        Thing::Units(asset) => {
            let amount = Assets::from_u256(amount)?;
            ledger::pull(cx, asset, caller, STAKES, amount)?.get()
        }
        Thing::Shares(pool) => {
            let shares = Shares::from_u256(amount)?;
            actions::refuse_zero(shares.get())?;
            exchange::take_in_shares(cx, pool, caller, STAKES, shares)?;
            shares.get()
        }
    };
    actions::add(cx, id, Holder::wallet(caller), arrived)?;
    Ok(U256::from(arrived))
}

/// Sends a stake of the caller's wallet to `to`. What it earned stays due.
///
/// # Errors
/// `FarmsUnknown`, `FarmsZeroAmount`, `FarmsInsufficient`, those of a push.
pub(super) fn unstake(cx: &mut Ctx<'_>, id: FarmId, amount: U256, to: Address) -> Result<(), Halt> {
    let amount = Assets::from_u256(amount)?;
    let holder = Holder::wallet(cx.caller());
    match actions::take(cx, id, holder, amount.get())? {
        Thing::Units(asset) => ledger::push(cx, asset, STAKES, to, amount),
        Thing::Shares(pool) => {
            let shares = Shares::new(amount.get())?;
            exchange::let_out_shares(cx, pool, STAKES, to, shares)
        }
    }
}

/// The same, as units of an account of the caller: no border is crossed, so a token that cannot leave holds nobody in.
///
/// # Errors
/// `FarmsUnknown`, `FarmsZeroAmount`, `FarmsInsufficient`, `FarmsBadKind`: shares have no border.
pub(super) fn unstake_to_units(
    cx: &mut Ctx<'_>,
    id: FarmId,
    amount: U256,
    index: u8,
) -> Result<(), Halt> {
    let amount = Assets::from_u256(amount)?;
    let caller = cx.caller();
    let to = AccountId::new(caller, index);
    match actions::take(cx, id, Holder::wallet(caller), amount.get())? {
        Thing::Units(asset) => ledger::shift(cx, asset, STAKES, to, amount),
        Thing::Shares(_) => Err(revert(&FarmsBadKind { kind: 2 })),
    }
}

/// Sends what the caller's wallet is due of one reward to `to`.
///
/// # Errors
/// `FarmsUnknown`, `FarmsNoReward`, `FarmsNothingDue`, those of a push.
pub(super) fn claim(
    cx: &mut Ctx<'_>,
    id: FarmId,
    asset: AssetId,
    to: Address,
) -> Result<U256, Halt> {
    let holder = Holder::wallet(cx.caller());
    let amount = actions::take_due(cx, id, holder, asset)?;
    if amount.is_zero() {
        return Err(revert(&FarmsNothingDue {
            farmId: id.get(),
            assetId: asset.get(),
        }));
    }
    ledger::push(cx, asset, REWARDS, to, amount)?;
    Ok(amount.to_u256())
}

/// Locks tokens of the caller for more weight of his wallet's stake or of one of his accounts', until the epoch at or after
/// a time. A lock grows and lengthens, and never the reverse. Answers what arrived.
///
/// # Errors
/// `FarmsUnknown`, `FarmsNoBoost`, `FarmsBadLock`, `FarmsZeroAmount`, those of a pull.
pub(super) fn lock(cx: &mut Ctx<'_>, call: &lockCall) -> Result<U256, Halt> {
    let id = FarmId::new(call.farmId);
    let boost = boost_of(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    let until = epoch_of(call.untilMs.saturating_add(EPOCH_MS.saturating_sub(1)));
    let (least, most) = (
        epoch_of(now_ms).saturating_add(1),
        epoch_of(now_ms).saturating_add(LOCK_EPOCHS_MAX),
    );
    let holder = holder_of(cx.caller(), call.isWallet, call.index);
    let amount = Assets::from_u256(call.amount)?;
    let arrived = if amount.is_zero() {
        amount
    } else {
        let caller = cx.caller();
        ledger::pull(cx, boost, caller, LOCKS, amount)?
    };
    let (_, after) = change(cx, id, holder, |_, has| {
        if !(least.max(has.until_epoch)..=most).contains(&until) {
            return Err(revert(&FarmsBadLock {
                untilMs: begins_ms(until),
                minMs: begins_ms(least.max(has.until_epoch)),
                maxMs: begins_ms(most),
            }));
        }
        let locked = has.locked.add(arrived)?;
        actions::refuse_zero(locked.get())?;
        Ok(Stake {
            locked,
            until_epoch: until,
            ..has
        })
    })?;
    emit(
        cx,
        &Locked {
            farmId: id.get(),
            owner: holder.account.owner,
            index: holder.account.index,
            isWallet: holder.is_wallet,
            locked: after.locked.to_u256(),
            untilMs: begins_ms(until),
            weight: actions::weight_of(after),
        },
    )?;
    Ok(arrived.to_u256())
}

/// Sends what a lock of the caller held that has ended to `to`.
///
/// # Errors
/// `FarmsUnknown`, `FarmsNoBoost`, `FarmsLocked`, `FarmsZeroAmount`, those of a push.
pub(super) fn unlock(
    cx: &mut Ctx<'_>,
    id: FarmId,
    is_wallet: bool,
    index: u8,
    to: Address,
) -> Result<U256, Halt> {
    let boost = boost_of(cx, id)?;
    let holder = holder_of(cx.caller(), is_wallet, index);
    let mut freed = Assets::ZERO;
    let now_ms = cx.store.block().time_ms;
    change(cx, id, holder, |_, has| {
        let until_ms = begins_ms(has.until_epoch);
        if now_ms < until_ms {
            return Err(revert(&FarmsLocked {
                farmId: id.get(),
                untilMs: until_ms,
            }));
        }
        freed = has.locked;
        Ok(Stake {
            locked: Assets::ZERO,
            until_epoch: 0,
            ..has
        })
    })?;
    actions::refuse_zero(freed.get())?;
    emit(
        cx,
        &Unlocked {
            farmId: id.get(),
            owner: holder.account.owner,
            index: holder.account.index,
            isWallet: holder.is_wallet,
            amount: freed.to_u256(),
        },
    )?;
    ledger::push(cx, boost, LOCKS, to, freed)?;
    Ok(freed.to_u256())
}

fn boost_of(cx: &mut Ctx<'_>, id: FarmId) -> Result<AssetId, Halt> {
    let (farm, _) = Farm::known(cx, id)?;
    if farm.lift_wad == 0 {
        return Err(revert(&FarmsNoBoost { farmId: id.get() }));
    }
    Ok(farm.boost)
}

pub(super) const fn holder_of(owner: Address, is_wallet: bool, index: u8) -> Holder {
    if is_wallet {
        Holder::wallet(owner)
    } else {
        Holder::account(AccountId::new(owner, index))
    }
}

/// Passes everything that ended until now, so that others need not. Anybody may.
///
/// # Errors
/// `FarmsUnknown`.
pub(super) fn poke(cx: &mut Ctx<'_>, id: FarmId) -> Result<(), Halt> {
    Live::load(cx, id)?.save(cx)
}

/// The pool of a farm.
///
/// # Errors
/// `FarmsUnknown`, `FarmsNotFed`.
pub(super) fn pool_of(cx: &mut Ctx<'_>, id: FarmId) -> Result<PoolId, Halt> {
    match Farm::known(cx, id)?.1 {
        Thing::Shares(pool) => Ok(pool),
        Thing::Units(_) => Err(revert(&FarmsNotFed { farmId: id.get() })),
    }
}
