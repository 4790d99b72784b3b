//! What auditors found.
//!
//! A finding is a verdict and a witness: the digest of what the auditor computed. Honest auditors on equal kernels compute
//! the same witness, whatever the machine did; who guessed a verdict has no witness, fits no quorum, and stands in his record.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS, AUDIT, AUDITORS_MAX,
    IJobs::{AuditCommitted, AuditRevealed, AuditorDiffered, revealAuditCall},
    STATE,
    claims::in_phase,
    error::*,
    numbers::{Fault, Phase},
    state::{Auditor, Claim, Finding},
};
use crate::{admin, contract::emit, machines, quorum, revert};

/// Commits an auditor to what he found of a receipt that was shown.
///
/// # Errors
/// `JobsNoClaim`, `JobsWrongPhase`, `AdminMissingRole`, `JobsOwnAudit`, `JobsNotPicked`, `JobsZeroAmount`, `JobsCommitted`,
/// `JobsPanelFull`.
pub(super) fn commit(cx: &mut Ctx<'_>, id: u64, pick: u32, commitment: B256) -> Result<(), Halt> {
    let (claim, auditor) = (in_phase(cx, id, Phase::Committing)?, cx.caller());
    admin::expect_role(cx, ADDRESS, AUDIT, auditor)?;
    expect_no_part(cx, id, &claim, auditor)?;
    if STATE.shown.at((id, pick)).load(cx)?.is_zero() {
        return Err(revert(&JobsNotPicked { claimId: id, pick }));
    }
    if commitment.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    let place = STATE.findings.at(((id, pick), auditor));
    if !place.load(cx)?.commitment.is_zero() {
        return Err(revert(&JobsCommitted {
            claimId: id,
            pick,
            auditor,
        }));
    }
    let panel = STATE.panels.at((id, pick));
    if panel.len(cx)? >= AUDITORS_MAX {
        return Err(revert(&JobsPanelFull {
            claimId: id,
            pick,
            max: U256::from(AUDITORS_MAX),
        }));
    }
    panel.push(cx, auditor)?;
    let finding = Finding {
        commitment,
        ..Finding::default()
    };
    place.save(cx, &finding)?;
    emit(
        cx,
        &AuditCommitted {
            claimId: id,
            pick,
            auditor,
        },
    )
}

/// Whoever holds a machine, is it, or pays it, says nothing about its work.
fn expect_no_part(cx: &mut Ctx<'_>, id: u64, claim: &Claim, auditor: Address) -> Result<(), Halt> {
    let channel = STATE.channels.at(claim.channel).load(cx)?;
    let is_machine = machines::of_key(cx, auditor)? == Some(claim.machine);
    let is_holder = machines::holder_of(cx, claim.machine)? == auditor;
    let is_payer = auditor == channel.customer || auditor == channel.key;
    if is_machine || is_holder || is_payer {
        return Err(revert(&JobsOwnAudit {
            claimId: id,
            auditor,
        }));
    }
    Ok(())
}

/// Shows it. Whoever committed may, even if he is no auditor any more.
///
/// # Errors
/// `JobsNoClaim`, `JobsWrongPhase`, `JobsNoVerdict`, `JobsNotCommitted`.
pub(super) fn reveal(cx: &mut Ctx<'_>, call: &revealAuditCall) -> Result<(), Halt> {
    let (id, pick, auditor) = (call.claimId, call.pick, cx.caller());
    in_phase(cx, id, Phase::Revealing)?;
    if Fault::of_verdict(call.verdict).is_err() {
        return Err(revert(&JobsNoVerdict {
            verdict: call.verdict,
        }));
    }
    let place = STATE.findings.at(((id, pick), auditor));
    let finding = place.load(cx)?;
    let verdict = U256::from(call.verdict);
    let parts = (id, pick, auditor, verdict, call.witness, call.salt).abi_encode();
    let is_his = cx.store.keccak(&parts)? == finding.commitment;
    if !is_his || finding.is_shown {
        return Err(revert(&JobsNotCommitted {
            claimId: id,
            pick,
            auditor,
        }));
    }
    let finding = Finding {
        witness: call.witness,
        verdict: call.verdict,
        is_shown: true,
        ..finding
    };
    place.save(cx, &finding)?;
    emit(
        cx,
        &AuditRevealed {
            claimId: id,
            pick,
            auditor,
            verdict: call.verdict,
            witness: call.witness,
        },
    )
}

/// What a quorum found of a pick: a verdict and a witness.
type Found = Option<(u8, B256)>;

/// What each auditor of a pick said.
pub(super) fn findings(
    cx: &mut Ctx<'_>,
    id: u64,
    pick: u32,
) -> Result<Vec<(Address, Finding)>, Halt> {
    let panel = STATE.panels.at((id, pick)).load(cx)?;
    let finding = |auditor| {
        let place = STATE.findings.at(((id, pick), auditor));
        Ok((auditor, place.load(cx)?))
    };
    panel.into_iter().map(finding).collect()
}

/// What a quorum found, more than half of all who showed something: one verdict of one witness.
fn found(quorum: u8, findings: &[(Address, Finding)]) -> Found {
    let shown = findings.iter().filter(|(_, finding)| finding.is_shown);
    let shown = shown.map(|(_, finding)| (finding.verdict, finding.witness));
    quorum::agreed(shown, quorum)
}

/// Whether a quorum found something wrong, some of them that they were given nothing. A machine chooses what it gives to whom: it
/// does not get away by giving evidence to one and silence to another.
fn gave_some_nothing(quorum: u8, findings: &[(Address, Finding)]) -> bool {
    let shown = || findings.iter().filter(|(_, finding)| finding.is_shown);
    let wrong = quorum::agreed(shown().map(|(_, finding)| finding.verdict != 0), quorum);
    let withheld = Fault::Withheld.number();
    wrong == Some(true) && shown().any(|(_, finding)| finding.verdict == withheld)
}

/// What counts of a pick, as a number: what a quorum found, and right where none did.
pub(super) fn verdict(quorum: u8, findings: &[(Address, Finding)]) -> u8 {
    match found(quorum, findings) {
        Some((verdict, _)) => verdict,
        None if gave_some_nothing(quorum, findings) => Fault::Withheld.number(),
        None => 0,
    }
}

/// What is wrong with a pick by what auditors found, who are counted. Nothing is where no quorum agrees: in doubt for whoever
/// worked. Who computed what a quorum found joins those who `agreed`; who was given nothing has computed nothing (JOB-16).
pub(super) fn judge(
    cx: &mut Ctx<'_>,
    id: u64,
    pick: u32,
    claim: &Claim,
    agreed: &mut Vec<Address>,
) -> Result<Option<Fault>, Halt> {
    let findings = findings(cx, id, pick)?;
    let Some(found) = found(claim.quorum, &findings) else {
        count(cx, (id, pick), &findings, None)?;
        return Fault::of_verdict(verdict(claim.quorum, &findings));
    };
    count(cx, (id, pick), &findings, Some(found))?;
    let fault = Fault::of_verdict(found.0)?;
    if fault == Some(Fault::Withheld) {
        return Ok(fault);
    }
    let of_it = findings
        .iter()
        .filter(|(_, finding)| finding.is_shown && (finding.verdict, finding.witness) == found);
    agreed.extend(of_it.map(|(auditor, _)| *auditor));
    Ok(fault)
}

/// Writes down who found what a quorum found.
fn count(
    cx: &mut Ctx<'_>,
    (id, pick): (u64, u32),
    findings: &[(Address, Finding)],
    found: Found,
) -> Result<(), Halt> {
    for (auditor, finding) in findings {
        let said = (finding.verdict, finding.witness);
        let differs = finding.is_shown && found.is_some_and(|found| found != said);
        STATE
            .auditors
            .at(*auditor)
            .update(cx, |record: &mut Auditor| {
                let count = match found {
                    _ if !finding.is_shown => &mut record.silent,
                    Some(_) if differs => &mut record.differed,
                    Some(_) => &mut record.agreed,
                    None => return Ok(()),
                };
                *count = count.saturating_add(1);
                Ok(())
            })?;
        if differs {
            let auditor = *auditor;
            emit(
                cx,
                &AuditorDiffered {
                    claimId: id,
                    pick,
                    auditor,
                },
            )?;
        }
    }
    Ok(())
}
