//! That machines are there.
//!
//! A beat counts at the time that the key signed, so that a slow carrier makes nobody dark. One message that does not
//! count says why and holds up no other: a carrier brings those of many machines at once.

use capstan_state::{Ctx, Halt};

use super::{
    BEATS_MAX,
    IMachines::{Beat, BeatIgnored, MachineSeen, MachineWasDark, ProbationPassed},
    error::*,
    params::{self, Params},
    record::{STATE, of_caller},
    signed::{self, BEAT_TYPE},
    state::Machine,
};
use crate::{contract::emit, revert, still};

/// Why a beat does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    Unknown = 1,
    NotSigned = 2,
    Gone = 3,
    NotAfterLast = 4,
    InFuture = 5,
    TooOld = 6,
}

impl Ignored {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Unknown => 1,
            Self::NotSigned => 2,
            Self::Gone => 3,
            Self::NotAfterLast => 4,
            Self::InFuture => 5,
            Self::TooOld => 6,
        }
    }
}

/// The machine whose key calls is there now.
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotKey`, `MachinesNotOpen`, `MachinesBeatRefused`.
pub(super) fn by_key(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let machine = of_caller(cx, id)?;
    let params = params::known(cx)?;
    let now_ms = cx.store.block().time_ms;
    match count(cx, id, &machine, now_ms, &params)? {
        None => Ok(()),
        Some(why) => Err(revert(&MachinesBeatRefused {
            machineId: id,
            timeMs: now_ms,
            why: why.number(),
        })),
    }
}

/// Beats of many machines. Answers for each zero, or why it does not count.
///
/// # Errors
/// `MachinesTooMany`, `MachinesNotOpen`.
pub(super) fn many(cx: &mut Ctx<'_>, all: &[Beat]) -> Result<Vec<u8>, Halt> {
    if all.len() > BEATS_MAX {
        return Err(revert(&MachinesTooMany {
            count: alloy_primitives::U256::from(all.len()),
            max: alloy_primitives::U256::from(BEATS_MAX),
        }));
    }
    let params = params::known(cx)?;
    let mut answers = Vec::with_capacity(all.len());
    for beat in all {
        let why = one(cx, beat, &params)?.map_or(0, Ignored::number);
        if why != 0 {
            let (id, time_ms) = (beat.machineId, beat.timeMs);
            emit(
                cx,
                &BeatIgnored {
                    machineId: id,
                    timeMs: time_ms,
                    why,
                },
            )?;
        }
        answers.push(why);
    }
    Ok(answers)
}

fn one(cx: &mut Ctx<'_>, beat: &Beat, params: &Params) -> Result<Option<Ignored>, Halt> {
    let (id, time_ms) = (beat.machineId, beat.timeMs);
    let machine = STATE.machines.at(id).load(cx)?;
    if machine.key.is_zero() {
        return Ok(Some(Ignored::Unknown));
    }
    let fields = (id, time_ms);
    if !signed::is_signed(cx, machine.key, BEAT_TYPE, &fields, &beat.signature)? {
        return Ok(Some(Ignored::NotSigned));
    }
    count(cx, id, &machine, time_ms, params)
}

/// Counts a beat of a machine, if it counts.
fn count(
    cx: &mut Ctx<'_>,
    id: u64,
    machine: &Machine,
    at_ms: u64,
    params: &Params,
) -> Result<Option<Ignored>, Halt> {
    let now_ms = cx.store.block().time_ms;
    let mut life = STATE.lives.at(id).load(cx)?;
    if machine.gone_ms != 0 {
        return Ok(Some(Ignored::Gone));
    }
    if at_ms > now_ms {
        return Ok(Some(Ignored::InFuture));
    }
    if at_ms <= life.last_ms {
        return Ok(Some(Ignored::NotAfterLast));
    }
    if now_ms.saturating_sub(at_ms) > params.late_ms {
        return Ok(Some(Ignored::TooOld));
    }
    let had_passed = life.passed_ms != 0;
    let gap_ms = still::passed_ms(cx, life.last_ms, at_ms)?;
    let is_dark = life.beat(at_ms, gap_ms, params);
    STATE.lives.at(id).save(cx, &life)?;
    if is_dark {
        emit(
            cx,
            &MachineWasDark {
                machineId: id,
                fromMs: life.dark_from_ms,
                toMs: at_ms,
                count: life.dark_count,
            },
        )?;
    }
    if life.passed_ms != 0 && !had_passed {
        emit(
            cx,
            &ProbationPassed {
                machineId: id,
                lifeMs: life.proven_ms,
            },
        )?;
    }
    emit(
        cx,
        &MachineSeen {
            machineId: id,
            timeMs: at_ms,
            lifeMs: life.proven_ms,
        },
    )?;
    Ok(None)
}
