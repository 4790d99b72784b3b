//! What the protocol takes of fees, and what the owner and guards may do. The frame is the exchange's.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Bps, PoolId, mul_div_down};

use super::{
    ADDRESS,
    IExchange::{PoolPaused, ProtocolFeesCollected, ProtocolShareSet, protocolShareReturn},
    curve::mul,
    error::*,
    params::{CHANGE_DELAY_MS, PIPS, PROTOCOL_SHARE_MAX_BPS},
    pool::{Pool, STATE, VAULT},
    state::ProtocolShare,
};
use crate::{admin, contract::emit, ledger, revert};

/// The part in force.
pub(super) fn share(cx: &mut Ctx<'_>) -> Result<Bps, Halt> {
    let ProtocolShare {
        present,
        next,
        next_from_ms,
    } = STATE.protocol_share.load(cx)?;
    let is_due = next_from_ms != 0 && cx.store.block().time_ms >= next_from_ms;
    Ok(if is_due { next } else { present })
}

/// The protocol's part of the fee in `amount_in`, down.
pub(super) fn part_down(share: Bps, amount_in: Assets, fee_pips: u32) -> Result<Assets, Halt> {
    if share == Bps::ZERO {
        return Ok(Assets::ZERO);
    }
    let part = mul(U256::from(fee_pips), share.to_u256())?;
    let whole = mul(PIPS, Bps::ONE.to_u256())?;
    Ok(Assets::from_u256(mul_div_down(
        amount_in.to_u256(),
        part,
        whole,
    )?)?)
}

/// Keeps what is the protocol's: for its owner, or for a farm of the pool.
pub(super) fn keep(cx: &mut Ctx<'_>, pool: &Pool, asset: AssetId, fee: Assets) -> Result<(), Halt> {
    if fee.is_zero() {
        return Ok(());
    }
    if pool.feeds_farm {
        return STATE.farm_fees.at((pool.id, asset)).add(cx, fee);
    }
    STATE.protocol_fees.at(asset).add(cx, fee)
}

/// Whether the protocol's part of a pool's fees waits for a farm from now on. For `farms`, which asks the owner.
///
/// # Errors
/// `ExchangeUnknownPool`.
pub fn set_feeding(cx: &mut Ctx<'_>, id: PoolId, feeds_farm: bool) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut pool = Pool::load(cx, id)?;
    pool.feeds_farm = feeds_farm;
    pool.save_config(cx)
}

/// Moves the fees of a pool that wait for its farm to `to`; answers how much of each coin. For `farms`.
///
/// # Errors
/// `ExchangeUnknownPool`.
pub fn take_farm_fees(
    cx: &mut Ctx<'_>,
    id: PoolId,
    to: AccountId,
) -> Result<Vec<(AssetId, Assets)>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut taken = Vec::new();
    for coin in Pool::load(cx, id)?.coins.iter() {
        let fees = STATE.farm_fees.at((id, coin.asset));
        let amount = fees.load(cx)?;
        if amount.is_zero() {
            continue;
        }
        if !fees.sub_bounded(cx, amount, Assets::ZERO)? {
            return Err(Halt::Fatal(format!("fees of pool {id} below themselves")));
        }
        ledger::shift(cx, coin.asset, VAULT, to, amount)?;
        taken.push((coin.asset, amount));
    }
    Ok(taken)
}

pub(super) fn share_view(cx: &mut Ctx<'_>) -> Result<protocolShareReturn, Halt> {
    let present = share(cx)?;
    let stored = STATE.protocol_share.load(cx)?;
    let is_due = stored.next == present && stored.present != present;
    let is_waiting = stored.next_from_ms != 0 && !is_due;
    Ok(protocolShareReturn {
        presentBps: present.get(),
        nextBps: if is_waiting { stored.next } else { present }.get(),
        nextFromMs: if is_waiting { stored.next_from_ms } else { 0 },
    })
}

pub(super) fn owed(cx: &mut Ctx<'_>, asset: u32) -> Result<U256, Halt> {
    let fees = STATE.protocol_fees.at(AssetId::new(asset)).load(cx)?;
    Ok(fees.to_u256())
}

/// Sets the protocol's part, for the owner (EXCH-11).
///
/// # Errors
/// `AdminNotOwner`, `ExchangeParamOutOfRange`.
pub(super) fn set_share(cx: &mut Ctx<'_>, share_bps: u16) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    if share_bps > PROTOCOL_SHARE_MAX_BPS {
        return Err(revert(&ExchangeParamOutOfRange {
            what: "shareBps".to_owned(),
            value: U256::from(share_bps),
            min: U256::ZERO,
            max: U256::from(PROTOCOL_SHARE_MAX_BPS),
        }));
    }
    let (next, now_ms) = (Bps::new(share_bps)?, cx.store.block().time_ms);
    let present = share(cx)?;
    let (changed, from_ms) = if next <= present {
        let at_once = ProtocolShare {
            present: next,
            next,
            next_from_ms: 0,
        };
        (at_once, now_ms)
    } else {
        let from_ms = now_ms.saturating_add(CHANGE_DELAY_MS);
        let later = ProtocolShare {
            present,
            next,
            next_from_ms: from_ms,
        };
        (later, from_ms)
    };
    STATE.protocol_share.save(cx, &changed)?;
    emit(
        cx,
        &ProtocolShareSet {
            shareBps: share_bps,
            fromMs: from_ms,
        },
    )
}

/// Sends the protocol's fees, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `ExchangeZeroAmount`, and those of a push.
pub(super) fn collect(cx: &mut Ctx<'_>, asset: u32, to: Address) -> Result<U256, Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let id = AssetId::new(asset);
    let fees = STATE.protocol_fees.at(id);
    let amount = fees.load(cx)?;
    if amount.is_zero() {
        return Err(revert(&ExchangeZeroAmount {}));
    }
    if !fees.sub_bounded(cx, amount, Assets::ZERO)? {
        return Err(Halt::Fatal(format!("fees of asset {id} below themselves")));
    }
    emit(
        cx,
        &ProtocolFeesCollected {
            assetId: asset,
            to,
            amount: amount.to_u256(),
        },
    )?;
    ledger::push(cx, id, VAULT, to, amount)?;
    Ok(amount.to_u256())
}

/// Stops swaps and new liquidity of a pool, for the owner or a guard.
///
/// # Errors
/// `AdminMissingRole`, `ExchangeUnknownPool`.
pub(super) fn pause(cx: &mut Ctx<'_>, number: u32) -> Result<(), Halt> {
    admin::expect_guard(cx, ADDRESS, cx.caller())?;
    set_paused(cx, number, true)
}

/// Lets them go on, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `ExchangeUnknownPool`.
pub(super) fn unpause(cx: &mut Ctx<'_>, number: u32) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    set_paused(cx, number, false)
}

fn set_paused(cx: &mut Ctx<'_>, number: u32, is_paused: bool) -> Result<(), Halt> {
    let mut pool = Pool::load(cx, PoolId::new(number))?;
    pool.is_paused = is_paused;
    pool.save_config(cx)?;
    emit(
        cx,
        &PoolPaused {
            poolId: number,
            paused: is_paused,
        },
    )
}
