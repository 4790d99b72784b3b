//! What may be tuned. Both ends of every range are here, and who may move it.
//!
//! The owner of the scope sets parameters, a day before they count; the first ones count at once. Asset and length of an
//! epoch are for ever: what is bound is in the one, and every record of a past epoch names it by the other. A claim keeps the
//! terms under which it was made.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    IJobs::JobParams,
    STATE,
    error::{JobsNotOpen, JobsParamFixed, JobsParamOutOfRange},
};

pub use super::state::Params;
use crate::{revert, still};

/// How long a change waits.
pub const CHANGE_DELAY_MS: u64 = 86_400_000;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// A million parts.
pub(super) const MILLION: u64 = 1_000_000;
/// Shortest and longest epoch.
pub const EPOCH_MS: (u64, u64) = (1_000, DAY_MS);
/// How far in the future a hold may end at least and at most.
pub const HOLD_MS: (u64, u64) = (1_000, 90 * DAY_MS);
/// Shortest and longest time for showing, committing and revealing, each.
pub const AUDIT_MS: (u64, u64) = (1_000, DAY_MS);
/// Least and most receipts of a million that are audited.
pub const AUDIT_PPM: (u64, u64) = (100, MILLION);
/// Least and most cheats of a million that an audit finds.
pub const DETECT_PPM: (u64, u64) = (10_000, MILLION);
/// Least and most fee in hundredths of a percent.
pub const FEE_BPS: (u64, u64) = (0, 1_000);
/// Highest fee of a claim beside that, and highest pay of a finding, in smallest units.
pub const FEE_FLAT_MAX: u128 = Assets::MAX.get() / 1_000_000_000;
/// Least and most work of an epoch that a machine on probation may claim.
pub const PROBATION_UNITS: (u64, u64) = (0, 1_000_000_000);
/// Least and most auditors who must agree.
pub const QUORUM: (u64, u64) = (1, 8);

pub(super) fn refuse(what: &str, value: U256, min: u64, max: U256) -> Halt {
    let (what, min) = (what.to_owned(), U256::from(min));
    revert(&JobsParamOutOfRange {
        what,
        value,
        min,
        max,
    })
}

pub(super) fn within(what: &str, value: u64, (min, max): (u64, u64)) -> Result<(), Halt> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(refuse(what, U256::from(value), min, U256::from(max)))
}

/// Parameters in force. None are before the owner of the scope said some.
pub(super) fn in_force(cx: &mut Ctx<'_>) -> Result<Option<Params>, Halt> {
    let from_ms = STATE.next_from_ms.load(cx)?;
    let config = if from_ms != 0 && from_ms <= cx.store.block().time_ms {
        STATE.next_config
    } else {
        STATE.config
    };
    let params = config.load(cx)?;
    Ok((params.epoch_ms != 0).then_some(params))
}

/// The same where there must be some.
pub(super) fn known(cx: &mut Ctx<'_>) -> Result<Params, Halt> {
    in_force(cx)?.ok_or_else(|| revert(&JobsNotOpen {}))
}

impl Params {
    /// From the ABI, if every part is in its range.
    pub(super) fn checked(params: &JobParams) -> Result<Self, Halt> {
        let JobParams {
            assetId,
            epochMs,
            holdMs,
            showMs,
            commitMs,
            revealMs,
            auditPpm,
            detectPpm,
            feeBps,
            feeFlat,
            probationUnits,
            quorum,
            auditPay,
        } = *params;
        within("epochMs", epochMs, EPOCH_MS)?;
        within("holdMs", holdMs, HOLD_MS)?;
        within("showMs", showMs, AUDIT_MS)?;
        within("commitMs", commitMs, AUDIT_MS)?;
        within("revealMs", revealMs, AUDIT_MS)?;
        within("auditPpm", auditPpm.into(), AUDIT_PPM)?;
        within("detectPpm", detectPpm.into(), DETECT_PPM)?;
        within("feeBps", feeBps.into(), FEE_BPS)?;
        let fee_max = U256::from(FEE_FLAT_MAX);
        if feeFlat > fee_max {
            return Err(refuse("feeFlat", feeFlat, 0, fee_max));
        }
        within("probationUnits", probationUnits, PROBATION_UNITS)?;
        within("quorum", quorum.into(), QUORUM)?;
        if auditPay > fee_max {
            return Err(refuse("auditPay", auditPay, 0, fee_max));
        }
        Ok(Self {
            asset: AssetId::new(assetId),
            epoch_ms: epochMs,
            hold_ms: holdMs,
            show_ms: showMs,
            commit_ms: commitMs,
            reveal_ms: revealMs,
            audit_ppm: auditPpm,
            detect_ppm: detectPpm,
            fee_bps: feeBps,
            fee_flat: Assets::from_u256(feeFlat)?,
            probation_units: probationUnits,
            quorum,
            audit_pay: Assets::from_u256(auditPay)?,
        })
    }

    /// Refuses what never changes.
    ///
    /// # Errors
    /// `JobsParamFixed`.
    pub(super) fn expect_fixed(&self, before: &Self) -> Result<(), Halt> {
        let fixed = [
            (
                "assetId",
                u64::from(self.asset.get()),
                u64::from(before.asset.get()),
            ),
            ("epochMs", self.epoch_ms, before.epoch_ms),
        ];
        for (what, value, fixed) in fixed {
            if value != fixed {
                return Err(revert(&JobsParamFixed {
                    what: what.to_owned(),
                    value: U256::from(value),
                    fixedValue: U256::from(fixed),
                }));
            }
        }
        Ok(())
    }

    /// How long a claim takes once it is drawn.
    pub(super) fn audit_ms(&self) -> u64 {
        let shown = self.show_ms.saturating_add(self.commit_ms);
        shown.saturating_add(self.reveal_ms)
    }

    /// The epoch of a time.
    pub(super) fn epoch_at(&self, time_ms: u64) -> u64 {
        time_ms.checked_div(self.epoch_ms).unwrap_or_default()
    }

    /// When an epoch begins.
    pub(super) fn start_of(&self, epoch: u64) -> u64 {
        epoch.saturating_mul(self.epoch_ms)
    }

    /// From when vouchers of an epoch count no more: they are claimed for as long as an epoch, of which time for which the chain stood
    /// still is no part (JOB-17).
    pub(super) fn claimable_until_ms(&self, cx: &mut Ctx<'_>, epoch: u64) -> Result<u64, Halt> {
        let from_ms = self.start_of(epoch.saturating_add(1));
        let last_ms = still::until_ms(cx, from_ms, self.epoch_ms.saturating_sub(1))?;
        Ok(last_ms.saturating_add(1))
    }

    /// Whether vouchers of an epoch that is over still count.
    pub(super) fn is_claimable(&self, cx: &mut Ctx<'_>, epoch: u64) -> Result<bool, Halt> {
        Ok(cx.store.block().time_ms < self.claimable_until_ms(cx, epoch)?)
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> JobParams {
        JobParams {
            assetId: self.asset.get(),
            epochMs: self.epoch_ms,
            holdMs: self.hold_ms,
            showMs: self.show_ms,
            commitMs: self.commit_ms,
            revealMs: self.reveal_ms,
            auditPpm: self.audit_ppm,
            detectPpm: self.detect_ppm,
            feeBps: self.fee_bps,
            feeFlat: self.fee_flat.to_u256(),
            probationUnits: self.probation_units,
            quorum: self.quorum,
            auditPay: self.audit_pay.to_u256(),
        }
    }
}
