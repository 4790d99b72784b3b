//! What the owner of the scope and its guards do.

use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS,
    IMachines::{MachineParams, MachineParamsSet, MachinesPausedSet},
    Pause,
    error::*,
    params::{self, CHANGE_DELAY_MS, Params, refuse},
    record::STATE,
};
use crate::{
    admin::{self, Pausing},
    contract::emit,
    ledger, revert,
};

/// Sets parameters, for the owner (MACH-12). The first ones count at once.
///
/// # Errors
/// `AdminNotOwner`, `MachinesParamOutOfRange`, `LedgerUnknownAsset`.
pub(super) fn set_params(cx: &mut Ctx<'_>, params: &MachineParams) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let next = Params::checked(params)?;
    ledger::asset(cx, next.asset)?;
    let now_ms = cx.store.block().time_ms;
    let present = params::in_force(cx)?;
    let from_ms = match present {
        Some(present) if !next.is_tighter(present) => {
            let from_ms = now_ms.saturating_add(CHANGE_DELAY_MS);
            STATE.config.save(cx, &present)?;
            STATE.next_config.save(cx, &next)?;
            STATE.next_from_ms.save(cx, from_ms)?;
            from_ms
        }
        _ => {
            STATE.config.save(cx, &next)?;
            STATE.next_from_ms.save(cx, 0)?;
            now_ms
        }
    };
    emit(
        cx,
        &MachineParamsSet {
            params: next.to_abi(),
            fromMs: from_ms,
        },
    )
}

/// Stops verbs or lets them go on.
///
/// # Errors
/// `AdminMissingRole`, `AdminNotOwner`, `MachinesParamOutOfRange`.
pub(super) fn pause(cx: &mut Ctx<'_>, change: Pausing) -> Result<(), Halt> {
    change.check(cx, ADDRESS, Pause::ALL, |verbs, all| {
        refuse("verbs", verbs, 1, all)
    })?;
    let verbs = change.after(STATE.paused.load(cx)?);
    STATE.paused.save(cx, verbs)?;
    emit(cx, &MachinesPausedSet { verbs })
}

pub(super) fn expect_not_paused(cx: &mut Ctx<'_>, verb: Pause) -> Result<(), Halt> {
    if STATE.paused.load(cx)? & verb.bit() == 0 {
        return Ok(());
    }
    Err(revert(&MachinesPaused { verb: verb.bit() }))
}
