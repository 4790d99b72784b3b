//! What machines are asked, and what they answer.
//!
//! The seed is the hash of the second block after the request: nobody knows it when he asks, and nobody chooses it by
//! choosing when to draw. Who builds that block may try several contents and keep the hash that he likes best, at the
//! price of building each; he cannot aim at one hash, so he gains the easiest of a few tries and nothing that he could
//! have computed before. The time runs from the request, so that whoever sees the hash first has no head start that counts.

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS, AUDIT,
    IMachines::{ChallengeAnswered, ChallengeAsked, ChallengeDrawn, Signature, askCall},
    Pause, SEED_BLOCKS, UNITS_MAX, audit,
    error::*,
    listing,
    params::{self, Params, refuse},
    record::{STATE, holder_of, known, of_caller},
    signed::{self, ANSWER_TYPE},
    state::{Asks, Challenge, Machine},
    status::{self, Phase},
};
use crate::{admin, contract::emit, revert};

/// Asks a machine for work. Its holder, its key and auditors may.
///
/// # Errors
/// `MachinesPaused`, `MachinesNotOpen`, `MachinesUnknown`, `MachinesLeft`, `MachinesNotAsker`, `MachinesChallengeOpen`,
/// `MachinesAskedLately`, `MachinesParamOutOfRange`.
pub(super) fn ask(cx: &mut Ctx<'_>, call: &askCall) -> Result<u64, Halt> {
    let id = call.machineId;
    listing::expect_not_paused(cx, Pause::Ask)?;
    let (params, machine) = (params::known(cx)?, known(cx, id)?);
    if machine.left_ms != 0 {
        return Err(revert(&MachinesLeft { machineId: id }));
    }
    audit::expect_none_open(cx, id)?;
    count_ask(cx, id, &machine, &params)?;
    let number = STATE.challenge_count.load(cx)?.checked_add(1);
    let number = number.ok_or_else(Halt::overflow)?;
    STATE.challenge_count.save(cx, number)?;
    let challenge = begun(cx, number, call, &params)?;
    STATE.challenges.at(id).save(cx, &challenge)?;
    let answer_by_ms = challenge.due_ms(cx, Phase::Drawn)?;
    emit(
        cx,
        &ChallengeAsked {
            machineId: id,
            number,
            by: cx.caller(),
            class: challenge.class,
            units: challenge.units,
            withinMs: challenge.within_ms,
            seedBlock: challenge.seed_block,
            answerByMs: answer_by_ms,
        },
    )?;
    Ok(number)
}

/// Auditors wait for the last of their own requests alone: a holder who asks himself all the time keeps nobody out.
fn count_ask(cx: &mut Ctx<'_>, id: u64, machine: &Machine, params: &Params) -> Result<(), Halt> {
    let (caller, now_ms) = (cx.caller(), cx.store.block().time_ms);
    let asks = STATE.asks.at(id).load(cx)?;
    let (last_ms, next) = if admin::has_role(cx, ADDRESS, AUDIT, caller)? {
        let next = Asks {
            last_ms: now_ms,
            audit_ms: now_ms,
        };
        (asks.audit_ms, next)
    } else if caller == machine.key || caller == holder_of(cx, id)? {
        let next = Asks {
            last_ms: now_ms,
            ..asks
        };
        (asks.last_ms, next)
    } else {
        return Err(revert(&MachinesNotAsker {
            machineId: id,
            caller,
        }));
    };
    let from_ms = last_ms.saturating_add(params.gap_ms);
    if last_ms != 0 && now_ms < from_ms {
        return Err(revert(&MachinesAskedLately {
            machineId: id,
            fromMs: from_ms,
        }));
    }
    STATE.asks.at(id).save(cx, &next)
}

fn begun(cx: &Ctx<'_>, number: u64, call: &askCall, params: &Params) -> Result<Challenge, Halt> {
    let within = |what: &str, value: u64, max: u64| {
        if (1..=max).contains(&value) {
            return Ok(());
        }
        Err(refuse(what, U256::from(value), 1, U256::from(max)))
    };
    within("units", call.units, UNITS_MAX)?;
    within("withinMs", call.withinMs, params.answer_ms)?;
    let block = cx.store.block();
    Ok(Challenge {
        number,
        asked_ms: block.time_ms,
        seed_block: block.number.saturating_add(SEED_BLOCKS),
        answer_by_ms: block.time_ms.saturating_add(params.answer_ms),
        class: call.class,
        units: call.units,
        within_ms: call.withinMs,
        commit_ms: params.commit_ms,
        reveal_ms: params.reveal_ms,
        slash_bps: params.slash_bps,
        quorum: params.quorum,
        ..Challenge::default()
    })
}

/// Fixes the seed (MACH-11). Anybody may, once the hash of its block is known and while it is.
///
/// # Errors
/// `MachinesUnknown`, `MachinesWrongPhase`, `MachinesNoSeed`.
pub(super) fn draw(cx: &mut Ctx<'_>, id: u64) -> Result<B256, Halt> {
    known(cx, id)?;
    let challenge = in_phase(cx, id, Phase::Asked)?;
    Ok(drawn(cx, id, challenge)?.seed)
}

fn drawn(cx: &mut Ctx<'_>, id: u64, mut challenge: Challenge) -> Result<Challenge, Halt> {
    let hash = cx.store.block_hash(challenge.seed_block)?;
    if hash.is_zero() {
        return Err(revert(&MachinesNoSeed {
            seedBlock: challenge.seed_block,
            block: cx.store.block().number,
        }));
    }
    let parts = (hash, challenge.number, id).abi_encode();
    challenge.seed = cx.store.keccak(&parts)?;
    STATE.challenges.at(id).save(cx, &challenge)?;
    emit(
        cx,
        &ChallengeDrawn {
            machineId: id,
            number: challenge.number,
            seed: challenge.seed,
        },
    )?;
    Ok(challenge)
}

/// The last challenge of a machine, in a phase.
pub(super) fn in_phase(cx: &mut Ctx<'_>, id: u64, wanted: Phase) -> Result<Challenge, Halt> {
    let challenge = STATE.challenges.at(id).load(cx)?;
    let phase = match challenge.number {
        0 => 0,
        _ => status::phase(cx, id, &challenge)?.number(),
    };
    if phase == wanted.number() {
        return Ok(challenge);
    }
    Err(revert(&MachinesWrongPhase {
        machineId: id,
        number: challenge.number,
        phase,
    }))
}

/// The machine whose key calls commits to its output.
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotKey`, `MachinesWrongPhase`, `MachinesNoSeed`.
pub(super) fn answer(cx: &mut Ctx<'_>, id: u64, commitment: B256) -> Result<(), Halt> {
    of_caller(cx, id)?;
    write_answer(cx, id, commitment)
}

/// The same by a signed message.
///
/// # Errors
/// `MachinesUnknown`, `MachinesBadSignature`, `MachinesWrongPhase`, `MachinesNoSeed`.
pub(super) fn answer_signed(
    cx: &mut Ctx<'_>,
    id: u64,
    commitment: B256,
    signature: &Signature,
) -> Result<(), Halt> {
    let machine = known(cx, id)?;
    let number = STATE.challenges.at(id).load(cx)?.number;
    let fields = (id, number, commitment);
    signed::expect_signed(cx, machine.key, ANSWER_TYPE, &fields, signature)?;
    write_answer(cx, id, commitment)
}

fn write_answer(cx: &mut Ctx<'_>, id: u64, commitment: B256) -> Result<(), Halt> {
    let mut challenge = in_phase(cx, id, Phase::Drawn)?;
    if commitment.is_zero() {
        return Err(revert(&MachinesZeroAmount {}));
    }
    challenge.answer = commitment;
    challenge.answered_ms = cx.store.block().time_ms;
    STATE.challenges.at(id).save(cx, &challenge)?;
    emit(
        cx,
        &ChallengeAnswered {
            machineId: id,
            number: challenge.number,
            answer: commitment,
        },
    )
}
