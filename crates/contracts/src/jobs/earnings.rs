//! What auditors earn, and how they take it out.
//!
//! ```text
//!   all of a claim     = min(its fee, its slash, what was slashed if it is void, fees that lie here)
//!   each pick, each    = min(auditPay, floor(all of a claim / findings that are paid))
//! ```
//!
//! It comes out of fees alone and is credited, so that no settlement waits for a token. A claim pays auditors no more than
//! the fee that it brings in and the slash that stands for it: whoever is machine, customer and auditor at once pays at least
//! what he is paid, however the claim ends (JOB-16). What they are paid is not told as gone to whoever lends against income.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets};

use super::{
    EARNED, FEES,
    IJobs::{AuditPaid, AuditPayWithdrawn, auditEarningsReturn},
    STATE,
    error::*,
    params,
    state::{Auditor, Claim},
};
use crate::{contract::emit, ledger, revert};

/// Credits whoever found what a quorum found: one entry for each finding. `lost`: what the machine loses at most, or has
/// lost; together they get no more. Answers their sum. A claim is settled without this if it fails.
pub(super) fn credit(
    cx: &mut Ctx<'_>,
    id: u64,
    claim: &Claim,
    agreed: &[Address],
    lost: Assets,
) -> Result<Assets, Halt> {
    let credited = cx.attempt_item(|cx| credit_all(cx, id, claim, agreed, lost))?;
    Ok(credited.unwrap_or(Assets::ZERO))
}

fn credit_all(
    cx: &mut Ctx<'_>,
    id: u64,
    claim: &Claim,
    agreed: &[Address],
    lost: Assets,
) -> Result<Assets, Halt> {
    if claim.audit_pay.is_zero() || agreed.is_empty() {
        return Ok(Assets::ZERO);
    }
    let asset = params::known(cx)?.asset;
    let fees = ledger::free(cx, asset, FEES)?;
    let each = claim.audit_pay_down(fees.min(lost), agreed.len());
    if each.is_zero() {
        return Ok(Assets::ZERO);
    }
    let mut findings = BTreeMap::<Address, u128>::new();
    for auditor in agreed {
        let found = findings.entry(*auditor).or_default();
        *found = found.saturating_add(1);
    }
    let mut sum = Assets::ZERO;
    for (auditor, found) in findings {
        let amount = Assets::new(each.get().saturating_mul(found))?;
        sum = sum.add(amount)?;
        STATE
            .auditors
            .at(auditor)
            .update(cx, |record: &mut Auditor| {
                record.owed = record.owed.add(amount)?;
                record.earned = record.earned.add(amount).unwrap_or(Assets::MAX);
                Ok(())
            })?;
        emit(
            cx,
            &AuditPaid {
                claimId: id,
                auditor,
                amount: amount.to_u256(),
            },
        )?;
    }
    ledger::shift(cx, asset, FEES, EARNED, sum)?;
    Ok(sum)
}

/// What an auditor has earned.
pub(super) fn of(cx: &mut Ctx<'_>, auditor: Address) -> Result<auditEarningsReturn, Halt> {
    let record = STATE.auditors.at(auditor).load(cx)?;
    Ok(auditEarningsReturn {
        owed: record.owed.to_u256(),
        earned: record.earned.to_u256(),
    })
}

/// Sends what the caller earned to his wallet.
///
/// # Errors
/// Those of [`take_out`] and of `ledger::push`.
pub(super) fn withdraw(cx: &mut Ctx<'_>, amount: U256) -> Result<(), Halt> {
    let amount = take_out(cx, amount)?;
    let (asset, to) = (params::known(cx)?.asset, cx.caller());
    ledger::push(cx, asset, EARNED, to, amount).map(drop)
}

/// The same to one of his accounts: a closed border keeps nobody here.
///
/// # Errors
/// Those of [`take_out`].
pub(super) fn withdraw_to_account(cx: &mut Ctx<'_>, index: u8, amount: U256) -> Result<(), Halt> {
    let amount = take_out(cx, amount)?;
    let (asset, to) = (params::known(cx)?.asset, AccountId::new(cx.caller(), index));
    ledger::shift(cx, asset, EARNED, to, amount)
}

/// Takes what is owed to the caller, whether he still audits or not; who calls this moves it.
///
/// # Errors
/// `JobsNotOpen`, `JobsZeroAmount`, `JobsNotEarned`.
fn take_out(cx: &mut Ctx<'_>, need: U256) -> Result<Assets, Halt> {
    params::known(cx)?;
    if need.is_zero() {
        return Err(revert(&JobsZeroAmount {}));
    }
    let auditor = cx.caller();
    let place = STATE.auditors.at(auditor);
    let mut record = place.load(cx)?;
    if record.owed.to_u256() < need {
        return Err(revert(&JobsNotEarned {
            auditor,
            owed: record.owed.to_u256(),
            need,
        }));
    }
    let amount = Assets::from_u256(need)?;
    record.owed = record.owed.sub(amount)?;
    place.save(cx, &record)?;
    emit(
        cx,
        &AuditPayWithdrawn {
            auditor,
            amount: need,
            owed: record.owed.to_u256(),
        },
    )?;
    Ok(amount)
}
