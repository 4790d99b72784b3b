//! What machines measured: the root of all readings, and the last of them (MACH-8).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};

use super::{
    IMachines::{Readings, Signature, TelemetryReported},
    error::*,
    params,
    record::{STATE, known, refuse_gone},
    signed::{self, READINGS_TYPE},
    state::Telemetry,
};
use crate::{contract::emit, revert};

/// All of the time, in hundredths of a percent.
const ALWAYS_BPS: u16 = 10_000;

/// Takes readings that the machine's key signed. Late ones are worth nothing, and refused.
///
/// # Errors
/// `MachinesUnknown`, `MachinesLeft`, `MachinesBadSignature`, `MachinesSequenceUsed`, `MachinesTelemetryInvalid`,
/// `MachinesTelemetryLate`, `MachinesNotOpen`.
pub(super) fn report(
    cx: &mut Ctx<'_>,
    id: u64,
    batch: &Readings,
    signature: &Signature,
) -> Result<(), Halt> {
    let machine = known(cx, id)?;
    refuse_gone(id, &machine)?;
    let fields = (
        id,
        batch.sequence,
        batch.fromMs,
        batch.toMs,
        batch.root,
        batch.count,
        batch.watts,
        U256::from(batch.decikelvin),
        U256::from(batch.utilisationBps),
    );
    signed::expect_signed(cx, machine.key, READINGS_TYPE, &fields, signature)?;
    let last = STATE.telemetry.at(id).load(cx)?;
    expect_next(cx, batch, &last)?;
    let next = Telemetry {
        sequence: batch.sequence,
        from_ms: batch.fromMs,
        to_ms: batch.toMs,
        readings: batch.count,
        watts: batch.watts,
        decikelvin: batch.decikelvin,
        utilisation_bps: batch.utilisationBps,
        root: batch.root,
    };
    STATE.telemetry.at(id).save(cx, &next)?;
    emit(
        cx,
        &TelemetryReported {
            machineId: id,
            readings: batch.clone(),
        },
    )
}

fn expect_next(cx: &mut Ctx<'_>, batch: &Readings, last: &Telemetry) -> Result<(), Halt> {
    let (params, now_ms) = (params::known(cx)?, cx.store.block().time_ms);
    if batch.sequence <= last.sequence {
        return Err(revert(&MachinesSequenceUsed {
            sequence: batch.sequence,
            last: last.sequence,
        }));
    }
    let is_in_order =
        last.to_ms <= batch.fromMs && batch.fromMs < batch.toMs && batch.toMs <= now_ms;
    if !is_in_order || batch.count == 0 || batch.utilisationBps > ALWAYS_BPS {
        return Err(revert(&MachinesTelemetryInvalid {
            fromMs: batch.fromMs,
            toMs: batch.toMs,
            lastToMs: last.to_ms,
            nowMs: now_ms,
        }));
    }
    if now_ms.saturating_sub(batch.toMs) > params.late_ms {
        return Err(revert(&MachinesTelemetryLate {
            toMs: batch.toMs,
            nowMs: now_ms,
            lateMs: params.late_ms,
        }));
    }
    Ok(())
}
