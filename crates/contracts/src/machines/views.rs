//! What anyone may ask.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};

use super::{
    IMachines::{
        self, Readings, Spec, auditorRecordReturn, machineOfReturn, machinesOfReturn, paramsReturn,
    },
    SCAN_MAX,
    params::{self, Params},
    record::{STATE, holder_of, known},
    security, status, title,
};
use crate::still;

pub(super) fn machine_count(cx: &mut Ctx<'_>) -> Result<u64, Halt> {
    STATE.machine_count.load(cx)
}

pub(super) fn machine(cx: &mut Ctx<'_>, id: u64) -> Result<IMachines::Machine, Halt> {
    let (machine, status) = (known(cx, id)?, status::status(cx, id)?);
    let (life, params) = (STATE.lives.at(id).load(cx)?, params::known(cx)?);
    let is_here = machine.left_ms == 0;
    let late_ms = still::until_ms(cx, life.last_ms, params.interval_ms)?;
    let dark_ms = still::until_ms(cx, life.last_ms, params.silence_ms())?;
    let or_zero = |ms: u64, counts: bool| if counts { ms } else { 0 };
    Ok(IMachines::Machine {
        key: machine.key,
        holder: holder_of(cx, id)?,
        spec: Spec {
            kind: machine.kind,
            region: machine.region,
            hash: machine.spec_hash,
            uri: STATE.uris.at(id).load(cx)?,
        },
        sequence: machine.sequence,
        state: status.state.number(),
        reason: status.reason.number(),
        sinceMs: status.since_ms,
        assetId: machine.asset.get(),
        bond: machine.bond.to_u256(),
        bondMin: machine.bond_min.to_u256(),
        registeredMs: machine.registered_ms,
        lastBeatMs: life.last_ms,
        lateFromMs: or_zero(late_ms, is_here),
        darkFromMs: or_zero(dark_ms, is_here),
        withdrawFromMs: machine.withdraw_from_ms(cx)?,
        lifeMs: life.proven_ms,
        darkCount: life.dark_count,
        darkMs: life.dark_ms,
        lastDarkFromMs: life.dark_from_ms,
        challenge: STATE.challenges.at(id).load(cx)?.number,
    })
}

pub(super) fn machine_of(cx: &mut Ctx<'_>, key: Address) -> Result<machineOfReturn, Halt> {
    let Some(id) = STATE.keys.at(key).load(cx)?.checked_sub(1) else {
        return Ok(machineOfReturn {
            found: false,
            machineId: 0,
            isCurrent: false,
        });
    };
    Ok(machineOfReturn {
        found: true,
        machineId: id,
        isCurrent: known(cx, id)?.key == key,
    })
}

/// Walks over all machines, a bounded part at a time: a list for each holder would cost every transfer of a title.
pub(super) fn machines_of(
    cx: &mut Ctx<'_>,
    holder: Address,
    from: u64,
    count: u64,
) -> Result<machinesOfReturn, Halt> {
    let all = STATE.machine_count.load(cx)?;
    let end = from.saturating_add(count.min(SCAN_MAX)).min(all);
    let mut ids = Vec::new();
    for id in from..end {
        if title::owner_of(cx, id)? == holder {
            ids.push(id);
        }
    }
    Ok(machinesOfReturn {
        machineIds: ids,
        next: if end < all { end } else { 0 },
    })
}

pub(super) fn capacity(cx: &mut Ctx<'_>, id: u64, class: u32) -> Result<IMachines::Capacity, Halt> {
    let capacity = status::capacity(cx, id, class)?;
    Ok(IMachines::Capacity {
        perHour: capacity.per_hour,
        reason: capacity.reason.number(),
        challenge: capacity.number,
        provenMs: capacity.proven_ms,
        untilMs: capacity.until_ms,
    })
}

pub(super) fn challenge(cx: &mut Ctx<'_>, id: u64) -> Result<IMachines::Challenge, Halt> {
    known(cx, id)?;
    let challenge = STATE.challenges.at(id).load(cx)?;
    if challenge.number == 0 {
        return Ok(IMachines::Challenge::default());
    }
    let phase = status::phase(cx, id, &challenge)?;
    Ok(IMachines::Challenge {
        number: challenge.number,
        phase: phase.number(),
        dueMs: challenge.due_ms(cx, phase)?,
        class: challenge.class,
        units: challenge.units,
        withinMs: challenge.within_ms,
        askedMs: challenge.asked_ms,
        seedBlock: challenge.seed_block,
        seed: challenge.seed,
        answer: challenge.answer,
        answeredMs: challenge.answered_ms,
        quorum: challenge.quorum,
        auditors: STATE.panels.at(challenge.number).load(cx)?,
    })
}

pub(super) fn locked_by(cx: &mut Ctx<'_>, id: u64) -> Result<Address, Halt> {
    known(cx, id)?;
    Ok(security::locked_by(cx, id)?.unwrap_or_default())
}

pub(super) fn readings(cx: &mut Ctx<'_>, id: u64) -> Result<Readings, Halt> {
    known(cx, id)?;
    let last = STATE.telemetry.at(id).load(cx)?;
    Ok(Readings {
        sequence: last.sequence,
        fromMs: last.from_ms,
        toMs: last.to_ms,
        root: last.root,
        count: last.readings,
        watts: last.watts,
        decikelvin: last.decikelvin,
        utilisationBps: last.utilisation_bps,
    })
}

pub(super) fn auditor_record(
    cx: &mut Ctx<'_>,
    auditor: Address,
) -> Result<auditorRecordReturn, Halt> {
    let record = STATE.auditors.at(auditor).load(cx)?;
    Ok(auditorRecordReturn {
        agreed: record.agreed,
        differed: record.differed,
        silent: record.silent,
    })
}

pub(super) fn params(cx: &mut Ctx<'_>) -> Result<paramsReturn, Halt> {
    let current = params::in_force(cx)?.unwrap_or_default();
    let from_ms = STATE.next_from_ms.load(cx)?;
    let is_coming = from_ms > cx.store.block().time_ms;
    let next = if is_coming {
        STATE.next_config.load(cx)?
    } else {
        Params::default()
    };
    Ok(paramsReturn {
        current: current.to_abi(),
        next: next.to_abi(),
        nextFromMs: if is_coming { from_ms } else { 0 },
    })
}

pub(super) fn paused(cx: &mut Ctx<'_>) -> Result<u8, Halt> {
    STATE.paused.load(cx)
}
