//! What may be tuned. Both ends of every range are here, and who may move it.
//!
//! The owner of the scope sets parameters, a day before they count. What only tightens entering and proving (a higher
//! least bond, a higher quorum, a shorter age of capacity) counts at once (MACH-12); what would change the fate of machines that
//! stand waits, so that whoever dislikes it can begin to leave. A machine keeps the least bond under which it came, a
//! challenge the terms under which it was asked.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    IMachines::MachineParams,
    error::{MachinesNotOpen, MachinesParamOutOfRange},
    record::STATE,
};

pub use super::state::Params;
use crate::revert;

/// How long a change waits that does more than tighten.
pub const CHANGE_DELAY_MS: u64 = 86_400_000;
/// Highest least bond, in smallest units.
pub const BOND_MIN_MAX: u128 = Assets::MAX.get() / 1_000;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Shortest and longest delay of a bond.
pub const UNBOND_MS: (u64, u64) = (HOUR_MS, 90 * DAY_MS);
/// Shortest and longest time between beats.
pub const INTERVAL_MS: (u64, u64) = (1_000, DAY_MS);
/// Shortest and longest grace.
pub const GRACE_MS: (u64, u64) = (1_000, DAY_MS);
/// Shortest and longest probation.
pub const PROBATION_MS: (u64, u64) = (0, 365 * DAY_MS);
/// Least and most age of a message.
pub const LATE_MS: (u64, u64) = (1_000, DAY_MS);
/// Shortest and longest time between challenges.
pub const GAP_MS: (u64, u64) = (1_000, 30 * DAY_MS);
/// Shortest and longest time for an answer.
pub const ANSWER_MS: (u64, u64) = (1_000, DAY_MS);
/// Shortest and longest time to commit.
pub const COMMIT_MS: (u64, u64) = (1_000, DAY_MS);
/// Shortest and longest time to reveal.
pub const REVEAL_MS: (u64, u64) = (1_000, DAY_MS);
/// Shortest and longest age of capacity.
pub const CAPACITY_AGE_MS: (u64, u64) = (MINUTE_MS, 90 * DAY_MS);
/// Least and most of a bond that a wrong answer costs.
pub const SLASH_BPS: (u64, u64) = (0, 10_000);
/// Least and most auditors who must agree.
pub const QUORUM: (u64, u64) = (1, 8);

pub(super) fn refuse(what: &str, value: U256, min: u64, max: U256) -> Halt {
    let (what, min) = (what.to_owned(), U256::from(min));
    revert(&MachinesParamOutOfRange {
        what,
        value,
        min,
        max,
    })
}

fn within(what: &str, value: u64, (min, max): (u64, u64)) -> Result<(), Halt> {
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
    Ok((params.interval_ms != 0).then_some(params))
}

/// The same where there must be some.
pub(super) fn known(cx: &mut Ctx<'_>) -> Result<Params, Halt> {
    in_force(cx)?.ok_or_else(|| revert(&MachinesNotOpen {}))
}

impl Params {
    /// From the ABI, if every part is in its range.
    pub(super) fn checked(params: &MachineParams) -> Result<Self, Halt> {
        let bond_max = U256::from(BOND_MIN_MAX);
        if params.bondMin.is_zero() || params.bondMin > bond_max {
            return Err(refuse("bondMin", params.bondMin, 1, bond_max));
        }
        within("unbondMs", params.unbondMs, UNBOND_MS)?;
        within("intervalMs", params.intervalMs, INTERVAL_MS)?;
        within("graceMs", params.graceMs, GRACE_MS)?;
        within("probationMs", params.probationMs, PROBATION_MS)?;
        within("lateMs", params.lateMs, LATE_MS)?;
        within("gapMs", params.gapMs, GAP_MS)?;
        within("answerMs", params.answerMs, ANSWER_MS)?;
        within("commitMs", params.commitMs, COMMIT_MS)?;
        within("revealMs", params.revealMs, REVEAL_MS)?;
        within("capacityAgeMs", params.capacityAgeMs, CAPACITY_AGE_MS)?;
        within("slashBps", params.slashBps.into(), SLASH_BPS)?;
        within("quorum", params.quorum.into(), QUORUM)?;
        Ok(Self {
            asset: AssetId::new(params.assetId),
            bond_min: Assets::from_u256(params.bondMin)?,
            unbond_ms: params.unbondMs,
            interval_ms: params.intervalMs,
            grace_ms: params.graceMs,
            probation_ms: params.probationMs,
            late_ms: params.lateMs,
            gap_ms: params.gapMs,
            answer_ms: params.answerMs,
            commit_ms: params.commitMs,
            reveal_ms: params.revealMs,
            capacity_age_ms: params.capacityAgeMs,
            slash_bps: params.slashBps,
            quorum: params.quorum,
        })
    }

    /// Whether this differs from `other` only in being harder to enter and to prove.
    pub(super) fn is_tighter(self, other: Self) -> bool {
        self.bond_min >= other.bond_min
            && self.quorum >= other.quorum
            && self.capacity_age_ms <= other.capacity_age_ms
            && self
                == Self {
                    bond_min: self.bond_min,
                    quorum: self.quorum,
                    capacity_age_ms: self.capacity_age_ms,
                    ..other
                }
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> MachineParams {
        MachineParams {
            assetId: self.asset.get(),
            bondMin: self.bond_min.to_u256(),
            unbondMs: self.unbond_ms,
            intervalMs: self.interval_ms,
            graceMs: self.grace_ms,
            probationMs: self.probation_ms,
            lateMs: self.late_ms,
            gapMs: self.gap_ms,
            answerMs: self.answer_ms,
            commitMs: self.commit_ms,
            revealMs: self.reveal_ms,
            capacityAgeMs: self.capacity_age_ms,
            slashBps: self.slash_bps,
            quorum: self.quorum,
        }
    }
}
