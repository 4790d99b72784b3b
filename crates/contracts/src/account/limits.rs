//! Limits that an owner sets himself: they tighten at once and loosen after a day, so that nobody talks himself out of
//! them in a bad hour.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Bps, mul_div_up};

use super::{
    IAccount::{LimitsSet, OwnLimits, limitsOfReturn},
    assess::{self, Question},
    batch,
    error::AccountLimitReached,
    params::NOTICE_MS,
    state::{AccountState, Limits},
};
use crate::{contract::emit, revert};

const STATE: AccountState = AccountState::new();
const MS_PER_S: u64 = 1_000;

impl Limits {
    /// The most leverage that counts now, in hundredths of a percent of the own capital; `None` is any.
    fn leverage_max_bps(&self, now_s: u32) -> Option<u32> {
        let counts = if self.next_from_s != 0 && now_s >= self.next_from_s {
            self.next_leverage_max_bps
        } else {
            self.leverage_max_bps
        };
        (counts != 0).then_some(counts)
    }
}

fn now_s(cx: &Ctx<'_>) -> u32 {
    let s = cx.store.block().time_ms.checked_div(MS_PER_S);
    u32::try_from(s.unwrap_or_default()).unwrap_or(u32::MAX)
}

/// Sets the limits of one of the caller's accounts.
///
/// # Errors
/// `AccountInFlight`.
pub(super) fn set(cx: &mut Ctx<'_>, index: u8, limits: &OwnLimits) -> Result<(), Halt> {
    batch::expect_settled(cx)?;
    let account = AccountId::new(cx.caller(), index);
    let now_s = now_s(cx);
    let before = STATE.limits.at(account).load(cx)?;
    let counts = before.leverage_max_bps(now_s);
    let wanted = (limits.leverageMaxBps != 0).then_some(limits.leverageMaxBps);
    let tightens = match (wanted, counts) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(wanted), Some(counts)) => wanted <= counts,
    };
    let day_s = u32::try_from(NOTICE_MS.checked_div(MS_PER_S).unwrap_or_default());
    let from_s = if tightens {
        now_s
    } else {
        now_s.saturating_add(day_s.unwrap_or(u32::MAX))
    };
    let after = Limits {
        leverage_max_bps: if tightens {
            limits.leverageMaxBps
        } else {
            counts.unwrap_or_default()
        },
        next_leverage_max_bps: limits.leverageMaxBps,
        next_from_s: from_s,
    };
    STATE.limits.at(account).save(cx, &after)?;
    emit(
        cx,
        &LimitsSet {
            owner: account.owner,
            index,
            limits: limits.clone(),
            fromMs: u64::from(from_s).saturating_mul(MS_PER_S),
        },
    )
}

pub(super) fn of(cx: &mut Ctx<'_>, account: AccountId) -> Result<limitsOfReturn, Halt> {
    let limits = STATE.limits.at(account).load(cx)?;
    let now_s = now_s(cx);
    Ok(limitsOfReturn {
        now: OwnLimits {
            leverageMaxBps: limits.leverage_max_bps(now_s).unwrap_or_default(),
        },
        next: OwnLimits {
            leverageMaxBps: limits.next_leverage_max_bps,
        },
        fromMs: u64::from(limits.next_from_s).saturating_mul(MS_PER_S),
    })
}

/// The check at the end of a batch that may have lowered health (ACC-11).
///
/// # Errors
/// `AccountLimitReached`.
pub(super) fn expect_kept(cx: &mut Ctx<'_>, account: AccountId) -> Result<(), Halt> {
    let now_s = now_s(cx);
    let limits = STATE.limits.at(account).load(cx)?;
    let Some(max_bps) = limits.leverage_max_bps(now_s) else {
        return Ok(());
    };
    let sheet = assess::assess(cx, account, Question::Batch)?;
    if sheet.debt.is_zero() {
        return Ok(());
    }
    let whole = Bps::ONE.to_u256();
    let own = sheet
        .collateral
        .to_u256()
        .saturating_sub(sheet.debt.to_u256());
    let leverage = mul_div_up(sheet.collateral.to_u256(), whole, own).unwrap_or(U256::MAX);
    if leverage <= U256::from(max_bps) {
        return Ok(());
    }
    Err(revert(&AccountLimitReached {
        owner: account.owner,
        index: account.index,
        leverageBps: leverage,
        maxBps: max_bps,
    }))
}
