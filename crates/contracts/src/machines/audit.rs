//! What auditors found, and what follows.
//!
//! The machine's answer is a commitment too, so an auditor who did not compute has nothing to copy: what he shows fits no
//! quorum, and stands in his record. Who shows first helps nobody: the others have committed.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS, AUDIT, AUDITORS_MAX, FORFEIT,
    IMachines::{AuditCommitted, AuditRevealed, AuditorDiffered, ChallengeSettled},
    bond,
    challenge::in_phase,
    error::*,
    math::part_down,
    record::{STATE, holder_of, known, save},
    state::{Auditor, Challenge, Finding, Machine, Proof},
    status::{self, Phase, Reason},
};
use crate::{admin, contract::emit, quorum, revert};

/// Commits an auditor to what he computed (MACH-11).
///
/// # Errors
/// `MachinesUnknown`, `AdminMissingRole`, `MachinesOwnAudit`, `MachinesWrongPhase`, `MachinesZeroAmount`,
/// `MachinesCommitted`, `MachinesPanelFull`.
pub(super) fn commit(cx: &mut Ctx<'_>, id: u64, commitment: B256) -> Result<(), Halt> {
    let (machine, auditor) = (known(cx, id)?, cx.caller());
    admin::expect_role(cx, ADDRESS, AUDIT, auditor)?;
    if auditor == machine.key || auditor == holder_of(cx, id)? {
        return Err(revert(&MachinesOwnAudit {
            machineId: id,
            auditor,
        }));
    }
    let number = in_phase(cx, id, Phase::Committing)?.number;
    if commitment.is_zero() {
        return Err(revert(&MachinesZeroAmount {}));
    }
    let place = STATE.findings.at((number, auditor));
    if !place.load(cx)?.commitment.is_zero() {
        return Err(revert(&MachinesCommitted { number, auditor }));
    }
    let panel = STATE.panels.at(number);
    if panel.len(cx)? >= AUDITORS_MAX {
        return Err(revert(&MachinesPanelFull {
            number,
            max: U256::from(AUDITORS_MAX),
        }));
    }
    panel.push(cx, auditor)?;
    let finding = Finding {
        commitment,
        output: B256::ZERO,
    };
    place.save(cx, &finding)?;
    emit(
        cx,
        &AuditCommitted {
            machineId: id,
            number,
            auditor,
        },
    )
}

/// Shows it. Whoever committed may, even if he is no auditor any more: what he knows is no less true.
///
/// # Errors
/// `MachinesUnknown`, `MachinesWrongPhase`, `MachinesZeroAmount`, `MachinesNotCommitted`.
pub(super) fn reveal(cx: &mut Ctx<'_>, id: u64, output: B256, salt: B256) -> Result<(), Halt> {
    known(cx, id)?;
    let (number, auditor) = (in_phase(cx, id, Phase::Revealing)?.number, cx.caller());
    if output.is_zero() {
        return Err(revert(&MachinesZeroAmount {}));
    }
    let place = STATE.findings.at((number, auditor));
    let finding = place.load(cx)?;
    let parts = (number, auditor, output, salt).abi_encode();
    let is_his = cx.store.keccak(&parts)? == finding.commitment;
    if !is_his || !finding.output.is_zero() {
        return Err(revert(&MachinesNotCommitted { number, auditor }));
    }
    place.save(cx, &Finding { output, ..finding })?;
    emit(
        cx,
        &AuditRevealed {
            machineId: id,
            number,
            auditor,
            output,
        },
    )
}

/// What each auditor of a challenge showed; zero where nothing.
fn findings(cx: &mut Ctx<'_>, number: u64) -> Result<Vec<(Address, B256)>, Halt> {
    let panel = STATE.panels.at(number).load(cx)?;
    let output = |auditor| {
        Ok((
            auditor,
            STATE.findings.at((number, auditor)).load(cx)?.output,
        ))
    };
    panel.into_iter().map(output).collect()
}

/// The output that a quorum found, more than half of all that were shown.
fn found(challenge: &Challenge, findings: &[(Address, B256)]) -> Option<B256> {
    let shown = findings.iter().map(|(_, output)| *output);
    quorum::agreed(shown.filter(|output| !output.is_zero()), challenge.quorum)
}

/// How a challenge ends whose panel has had its time.
pub(super) fn verdict(cx: &mut Ctx<'_>, id: u64, challenge: &Challenge) -> Result<Phase, Halt> {
    let findings = findings(cx, challenge.number)?;
    let Some(output) = found(challenge, &findings) else {
        return Ok(Phase::NoQuorum);
    };
    let parts = (challenge.number, id, output).abi_encode();
    let is_right = cx.store.keccak(&parts)? == challenge.answer;
    Ok(if is_right {
        Phase::Passed
    } else {
        Phase::Wrong
    })
}

/// Ends a challenge that is decided.
///
/// # Errors
/// `MachinesUnknown`, `MachinesWrongPhase` where it is not decided, or settled already.
pub(super) fn settle_now(cx: &mut Ctx<'_>, id: u64) -> Result<u8, Halt> {
    known(cx, id)?;
    let challenge = STATE.challenges.at(id).load(cx)?;
    let (number, phase) = match challenge.number {
        0 => (0, None),
        number => (number, Some(status::phase(cx, id, &challenge)?)),
    };
    match phase {
        Some(phase) if phase.is_over() && challenge.is_open() => {
            settle(cx, id, challenge, phase)?;
            Ok(phase.number())
        }
        other => Err(revert(&MachinesWrongPhase {
            machineId: id,
            number,
            phase: other.map_or(0, Phase::number),
        })),
    }
}

/// Settles what is decided; refuses what is not.
///
/// # Errors
/// `MachinesChallengeOpen`.
pub(super) fn expect_none_open(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let challenge = STATE.challenges.at(id).load(cx)?;
    if !challenge.is_open() {
        return Ok(());
    }
    let phase = status::phase(cx, id, &challenge)?;
    if phase.is_over() {
        return settle(cx, id, challenge, phase);
    }
    Err(revert(&MachinesChallengeOpen {
        machineId: id,
        number: challenge.number,
        phase: phase.number(),
    }))
}

fn settle(cx: &mut Ctx<'_>, id: u64, mut challenge: Challenge, phase: Phase) -> Result<(), Halt> {
    let per_hour = match phase {
        Phase::Passed => challenge.per_hour_down()?,
        _ => 0,
    };
    challenge.outcome = phase.number();
    STATE.challenges.at(id).save(cx, &challenge)?;
    if phase == Phase::Passed {
        let proof = Proof {
            number: challenge.number,
            per_hour,
            answered_ms: challenge.answered_ms,
        };
        STATE.proofs.at((id, challenge.class)).save(cx, &proof)?;
    }
    if let Some(why) = phase.failure() {
        fail(cx, id, &challenge, why)?;
    }
    if matches!(phase, Phase::Passed | Phase::Wrong | Phase::NoQuorum) {
        count_auditors(cx, &challenge)?;
    }
    emit(
        cx,
        &ChallengeSettled {
            machineId: id,
            number: challenge.number,
            phase: phase.number(),
            perHour: per_hour,
        },
    )
}

/// What was proven is void; a wrong answer costs a part of the bond and begins probation again.
fn fail(cx: &mut Ctx<'_>, id: u64, challenge: &Challenge, why: Reason) -> Result<(), Halt> {
    let machine = Machine {
        failed: challenge.number,
        failed_why: why.number(),
        ..known(cx, id)?
    };
    save(cx, id, &machine)?;
    if why != Reason::WrongAnswer {
        return Ok(());
    }
    STATE.lives.at(id).update(cx, |life| {
        life.try_again(why);
        Ok(())
    })?;
    let part = part_down(machine.bond, challenge.slash_bps)?;
    bond::slash(cx, id, part, FORFEIT, why).map(drop)
}

/// Writes down who found what a quorum found.
fn count_auditors(cx: &mut Ctx<'_>, challenge: &Challenge) -> Result<(), Halt> {
    let findings = findings(cx, challenge.number)?;
    let right = found(challenge, &findings);
    for (auditor, output) in findings {
        let record = |record: &mut Auditor| {
            let count = match right {
                _ if output.is_zero() => &mut record.silent,
                Some(right) if right == output => &mut record.agreed,
                Some(_) => &mut record.differed,
                None => return Ok(()),
            };
            *count = count.saturating_add(1);
            Ok(())
        };
        STATE.auditors.at(auditor).update(cx, record)?;
        if !output.is_zero() && right.is_some_and(|right| right != output) {
            let number = challenge.number;
            emit(cx, &AuditorDiffered { number, auditor })?;
        }
    }
    Ok(())
}
