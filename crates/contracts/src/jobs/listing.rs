//! What the owner of the scope and its guards do.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets};

use super::{
    ADDRESS, FEES, FORFEIT,
    IJobs::{JobParams, JobParamsSet, JobsPausedSet, TakingsSent, sendTakingsCall},
    Pause, STATE,
    error::*,
    params::{self, CHANGE_DELAY_MS, Params, refuse, within},
};
use crate::{
    admin::{self, Pausing},
    contract::emit,
    ledger, revert,
};

/// Sets parameters, for the owner (JOB-12). The first ones count at once.
///
/// # Errors
/// `AdminNotOwner`, `JobsParamOutOfRange`, `JobsParamFixed`, `LedgerUnknownAsset`.
pub(super) fn set_params(cx: &mut Ctx<'_>, params: &JobParams) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let next = Params::checked(params)?;
    ledger::asset(cx, next.asset)?;
    let now_ms = cx.store.block().time_ms;
    let from_ms = match params::in_force(cx)? {
        Some(present) => {
            next.expect_fixed(&present)?;
            let from_ms = now_ms.saturating_add(CHANGE_DELAY_MS);
            STATE.config.save(cx, &present)?;
            STATE.next_config.save(cx, &next)?;
            STATE.next_from_ms.save(cx, from_ms)?;
            from_ms
        }
        None => {
            STATE.config.save(cx, &next)?;
            now_ms
        }
    };
    emit(
        cx,
        &JobParamsSet {
            params: next.to_abi(),
            fromMs: from_ms,
        },
    )
}

/// Stops verbs or lets them go on.
///
/// # Errors
/// `AdminMissingRole`, `AdminNotOwner`, `JobsParamOutOfRange`.
pub(super) fn pause(cx: &mut Ctx<'_>, change: Pausing) -> Result<(), Halt> {
    change.check(cx, ADDRESS, Pause::ALL, |verbs, all| {
        refuse("verbs", verbs, 1, all)
    })?;
    let verbs = change.after(STATE.paused.load(cx)?);
    STATE.paused.save(cx, verbs)?;
    emit(cx, &JobsPausedSet { verbs })
}

pub(super) fn expect_not_paused(cx: &mut Ctx<'_>, verb: Pause) -> Result<(), Halt> {
    if STATE.paused.load(cx)? & verb.bit() == 0 {
        return Ok(());
    }
    Err(revert(&JobsPaused { verb: verb.bit() }))
}

/// Sends fees, or what bonds lost, on, for the owner of the scope.
///
/// # Errors
/// `AdminNotOwner`, `JobsNotOpen`, `JobsParamOutOfRange`, `JobsZeroAmount`, `LedgerInsufficient`.
pub(super) fn send_takings(cx: &mut Ctx<'_>, call: &sendTakingsCall) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let params = params::known(cx)?;
    within("index", call.index.into(), (1, 2))?;
    if call.amount.is_zero() || call.to.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    let from = if call.index == FEES.index {
        FEES
    } else {
        FORFEIT
    };
    let to = AccountId::new(call.to, call.toIndex);
    let amount = Assets::from_u256(call.amount)?;
    ledger::shift(cx, params.asset, from, to, amount)?;
    emit(
        cx,
        &TakingsSent {
            index: call.index,
            assetId: params.asset.get(),
            to: call.to,
            toIndex: call.toIndex,
            amount: call.amount,
        },
    )
}
