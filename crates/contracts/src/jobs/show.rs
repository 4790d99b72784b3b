//! Receipts that are shown, and what anybody can see to be wrong with them.

use alloy_primitives::{B256, U256};
use capstan_state::{Ctx, Halt};

use super::{
    IJobs::{Receipt, ReceiptShown, showTwinCall},
    SKEW_MS, STATE, channels,
    claims::{in_phase, known, wrong_phase},
    classes,
    error::*,
    math::index_of,
    numbers::{Fault, Phase},
    params, receipt, settle,
    state::Claim,
};
use crate::{contract::emit, machines, revert};

/// What a receipt says of an answer that nobody got whole: the upstream cut it, or the gateway stopped.
const FAILED: [u8; 2] = [2, 4];
/// The largest outcome that there is.
const OUTCOME_MAX: u8 = 4;

/// Shows a receipt that was picked. Whoever has it may: it is what the machine signed, under the root that it signed.
///
/// # Errors
/// `JobsNoClaim`, `JobsWrongPhase`, `JobsNotPicked`, `JobsShown`, `JobsNotInClaim`.
pub(super) fn show(
    cx: &mut Ctx<'_>,
    id: u64,
    pick: u32,
    receipt: &Receipt,
    proof: &[B256],
) -> Result<(), Halt> {
    let claim = in_phase(cx, id, Phase::Showing)?;
    if pick >= claim.picks {
        return Err(revert(&JobsNotPicked { claimId: id, pick }));
    }
    let place = STATE.shown.at((id, pick));
    if !place.load(cx)?.is_zero() {
        return Err(revert(&JobsShown { claimId: id, pick }));
    }
    let index = index_of(claim.seed, pick, claim.picks, claim.receipts);
    let digest = expect_in_claim(cx, id, &claim, index, receipt, proof)?;
    place.save(cx, digest)?;
    emit(
        cx,
        &ReceiptShown {
            claimId: id,
            pick,
            receipt: digest,
        },
    )?;
    match fault_of(cx, &claim, receipt)? {
        Some(fault) => settle::void(cx, id, claim, fault).map(drop),
        None => Ok(()),
    }
}

/// The digest of a receipt that lies under a claim's root at an index.
fn expect_in_claim(
    cx: &mut Ctx<'_>,
    id: u64,
    claim: &Claim,
    index: u32,
    receipt: &Receipt,
    proof: &[B256],
) -> Result<B256, Halt> {
    let digest = receipt::digest(cx, receipt)?;
    if receipt::is_under(cx, claim.root, claim.receipts, index, digest, proof)? {
        return Ok(digest);
    }
    Err(revert(&JobsNotInClaim { claimId: id, index }))
}

/// What is wrong with a receipt by itself (JOB-9).
fn fault_of(cx: &mut Ctx<'_>, claim: &Claim, receipt: &Receipt) -> Result<Option<Fault>, Halt> {
    let channel = channels::known(cx, claim.channel)?;
    let class = classes::known(cx, claim.class)?;
    if receipt.program != class.program {
        return Ok(Some(Fault::OtherProgram));
    }
    if machines::of_key(cx, receipt.machine)? != Some(claim.machine) {
        return Ok(Some(Fault::OtherMachine));
    }
    if receipt.payer != channel.key.into_word() {
        return Ok(Some(Fault::OtherPayer));
    }
    let has_failed = FAILED.contains(&receipt.outcome) || receipt.outcome > OUTCOME_MAX;
    if has_failed && receipt.cost != 0 {
        return Ok(Some(Fault::Failed));
    }
    let params = params::known(cx)?;
    let from_ms = params.start_of(claim.epoch).saturating_sub(SKEW_MS);
    let to_ms = params.start_of(claim.epoch.saturating_add(1));
    let to_ms = to_ms.saturating_add(SKEW_MS);
    let ended_ms = receipt.startedMs.saturating_add(receipt.tookMs);
    if ended_ms < from_ms || receipt.startedMs >= to_ms {
        return Ok(Some(Fault::OtherEpoch));
    }
    let cost = U256::from(receipt.cost);
    let prices = claim.prices();
    let most = prices.cost_down(receipt.inputUnits, receipt.outputUnits)?;
    let is_over = cost > most.saturating_add(U256::ONE)
        || cost > claim.largest.to_u256()
        || receipt.inputUnits > claim.input_units
        || receipt.outputUnits > claim.output_units;
    Ok(is_over.then_some(Fault::Overcharged))
}

/// Shows one job in two receipts of one machine. It gives a job its number, so nobody else can make it say two things of one.
/// Answers the claim that is void by it: the later one, if it is open.
///
/// # Errors
/// `JobsNoClaim`, `JobsNoTwin`, `JobsNotInClaim`, `JobsWrongPhase`.
pub(super) fn show_twin(cx: &mut Ctx<'_>, call: &showTwinCall) -> Result<u64, Halt> {
    let (a, b) = (known(cx, call.claimA)?, known(cx, call.claimB)?);
    let is_same = (call.claimA, call.indexA) == (call.claimB, call.indexB);
    let is_one_job = call.receiptA.job == call.receiptB.job;
    if is_same || !is_one_job || a.machine != b.machine {
        return Err(revert(&JobsNoTwin {}));
    }
    expect_in_claim(
        cx,
        call.claimA,
        &a,
        call.indexA,
        &call.receiptA,
        &call.proofA,
    )?;
    expect_in_claim(
        cx,
        call.claimB,
        &b,
        call.indexB,
        &call.receiptB,
        &call.proofB,
    )?;
    let (first, later) = if call.claimA <= call.claimB {
        ((call.claimA, a), (call.claimB, b))
    } else {
        ((call.claimB, b), (call.claimA, a))
    };
    let (id, claim) = if later.1.phase(cx)?.is_over() {
        first
    } else {
        later
    };
    let phase = claim.phase(cx)?;
    if phase.is_over() {
        return Err(wrong_phase(id, phase));
    }
    settle::void(cx, id, claim, Fault::Duplicate)?;
    Ok(id)
}
