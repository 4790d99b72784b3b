//! The chain as a machine last saw it: time, prices, and what its bond can stand for.

use std::time::Instant;

use alloy_primitives::U256;

use super::Rate;

/// A million parts.
const MILLION: u128 = 1_000_000;
/// Receipts of a claim that are audited at most, as the contract has it.
const PICKS_MAX: u128 = 16;
/// Auditors of one receipt at most.
const AUDITORS_MAX: u128 = 16;
/// Hundredths of a percent.
const BPS: u128 = 10_000;

/// How much work may be claimed, as the contract reckons it: what was claimed is worked off by so much in each epoch, and what is
/// left of it is never more than a machine may be ahead.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// What is worked off in an epoch.
    pub per_epoch: u64,
    /// How much may be left.
    pub ahead: u64,
    /// How much was left as of the epoch before that of the market's time.
    pub used: u64,
}

impl Room {
    /// So much in each epoch, and nothing ahead of that.
    pub const fn of_epoch(work: u64) -> Self {
        Self {
            per_epoch: work,
            ahead: work,
            used: 0,
        }
    }

    /// Something was claimed since it was seen.
    pub(super) fn count(&mut self, work: u64) {
        self.used = self.used.saturating_add(work);
    }
}

/// The chain as it was last seen.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    /// Its time.
    pub time_ms: u64,
    /// When this program saw it.
    pub seen: Instant,
    /// The first of the epochs before the last one whose vouchers may still be claimed, as after a time in which the chain stood
    /// still; mostly none.
    pub late_from: Option<u64>,
    /// What the machine's units cost in the epoch of that time.
    pub rate: Rate,
    /// Work that it may claim.
    pub work: Room,
    /// What of its bond stands for nothing yet, in smallest units.
    pub bond_free: u128,
    /// Receipts of a million that are audited.
    pub audit_ppm: u32,
    /// Cheats of a million that an audit finds.
    pub detect_ppm: u32,
    /// What of a claim is a fee, in hundredths of a percent.
    pub fee_bps: u16,
    /// And what of each claim beside that, in smallest units.
    pub fee_flat: u128,
    /// What an auditor is paid at most for each receipt that is drawn, in smallest units.
    pub audit_pay: u128,
}

impl Market {
    /// Its time now, as far as it goes on as this program's.
    pub(super) fn now_ms(&self) -> u64 {
        let since = u64::try_from(self.seen.elapsed().as_millis());
        self.time_ms.saturating_add(since.unwrap_or(u64::MAX))
    }

    /// What of a bond stands for a claim of so many receipts whose dearest costs so much, as the contract reckons it: few of
    /// many are audited, so each must weigh more.
    pub(super) fn slash_of(&self, largest: u128, receipts: usize) -> u128 {
        let receipts = u128::try_from(receipts).unwrap_or(u128::MAX);
        let by_rate = u128::from(self.audit_ppm).saturating_mul(receipts);
        let by_picks = PICKS_MAX.saturating_mul(MILLION);
        let caught = by_rate.min(by_picks).saturating_mul(self.detect_ppm.into());
        let whole = (MILLION * MILLION).saturating_mul(receipts);
        let missed = U256::from(whole.saturating_sub(caught));
        let slash = U256::from(largest).saturating_mul(missed);
        let slash = slash.checked_div(U256::from(caught));
        let slash: u128 = slash.unwrap_or(U256::MAX).saturating_to();
        slash.saturating_add(1)
    }

    /// The same of a claim that costs so much: no less stands for it than its audits are paid.
    pub(super) fn stands_for(&self, cost: u128, largest: u128, receipts: usize) -> u128 {
        let slash = self.slash_of(largest, receipts);
        slash.max(self.audits_of(cost, receipts))
    }

    /// What the audits of a claim are paid, which is at most its fee.
    pub(super) fn audits_of(&self, cost: u128, receipts: usize) -> u128 {
        let part = cost.saturating_mul(self.fee_bps.into()).div_ceil(BPS);
        let fee = part.saturating_add(self.fee_flat);
        let picks = u128::try_from(receipts).unwrap_or(u128::MAX).min(PICKS_MAX);
        let audits = self.audit_pay.saturating_mul(picks * AUDITORS_MAX);
        audits.min(fee)
    }
}
