//! How much more of an asset may leave the ledger than came, within a window.

use alloy_primitives::U256;

use super::{
    super::*,
    book::{Answer, ceil, floor, most, one},
};
use crate::{
    ledger::ILedger::{LedgerOutflowLimit, OutflowLimit},
    testkit::market::no,
};

/// A bucket, and what went lately: more in than out, or the other way round.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    limit: OutflowLimit,
    net: U256,
    is_inward: bool,
    /// The limit as it was reckoned last, and when.
    kept: U256,
    at_ms: u64,
}

impl Gate {
    pub(super) fn new(limit: OutflowLimit) -> Self {
        Self {
            limit,
            net: U256::ZERO,
            is_inward: false,
            kept: U256::ZERO,
            at_ms: 0,
        }
    }

    /// The limit, of what was there before what came lately.
    fn size(&self, claims: U256) -> U256 {
        let came = if self.is_inward { self.net } else { U256::ZERO };
        let claims = claims.saturating_sub(came);
        let share = floor(claims, U256::from(self.limit.shareBps), one());
        share.max(self.limit.floor)
    }

    fn window_ms(&self) -> U256 {
        U256::from(self.limit.windowS) * n(1_000)
    }

    /// An inflow is forgotten within the window, an outflow at the rate of a bucket per window.
    fn reckon(&mut self, claims: U256, now_ms: u64) {
        let (elapsed, window) = (U256::from(now_ms - self.at_ms), self.window_ms());
        self.net = if self.is_inward {
            floor(self.net, window.saturating_sub(elapsed), window)
        } else {
            let drained = floor(self.size(claims), elapsed, window);
            self.net.saturating_sub(drained)
        };
        self.kept = self.size(claims);
        self.at_ms = now_ms;
    }

    /// A step later the bucket is reckoned anew.
    fn is_due(&self, now_ms: u64) -> bool {
        U256::from(now_ms - self.at_ms) >= self.window_ms() / n(256)
    }

    fn left_as_kept(&self) -> U256 {
        if self.is_inward {
            (self.kept + self.net).min(most())
        } else {
            self.kept.saturating_sub(self.net)
        }
    }

    /// What may leave now.
    pub(super) fn left(&self, claims: U256, now_ms: u64) -> U256 {
        let mut anew = self.clone();
        anew.reckon(claims, now_ms);
        match self.is_due(now_ms) {
            true => anew.left_as_kept(),
            false => anew.left_as_kept().max(self.left_as_kept()),
        }
    }

    pub(super) fn enter(&mut self, claims: U256, units: U256, now_ms: u64) {
        if self.is_due(now_ms) {
            self.reckon(claims, now_ms);
        }
        if self.is_inward {
            self.net += units;
            return;
        }
        self.is_inward = units > self.net;
        self.net = self.net.abs_diff(units);
    }

    pub(super) fn leave(
        &mut self,
        asset: u32,
        claims: U256,
        units: U256,
        now_ms: u64,
    ) -> Answer<()> {
        let left = self.left(claims, now_ms);
        if self.is_due(now_ms) || units > self.left_as_kept() {
            self.reckon(claims, now_ms);
        }
        if units <= self.left_as_kept() {
            let came = if self.is_inward { self.net } else { U256::ZERO };
            if units <= came {
                self.net -= units;
            } else {
                let outward = if self.is_inward {
                    units - came
                } else {
                    self.net + units
                };
                (self.net, self.is_inward) = (outward, false);
            }
            return Ok(());
        }
        let resets_ms = if units > self.kept || self.is_inward {
            u64::MAX
        } else {
            let over = self.net + units - self.kept;
            let wait_ms = ceil(over, self.window_ms(), self.kept);
            now_ms.saturating_add(u64::try_from(wait_ms).unwrap_or(u64::MAX))
        };
        no(&LedgerOutflowLimit {
            assetId: asset,
            amount: units,
            left,
            resetsMs: resets_ms,
        })
    }
}
