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
    at_ms: u64,
}

impl Gate {
    pub(super) fn new(limit: OutflowLimit) -> Self {
        Self {
            limit,
            net: U256::ZERO,
            is_inward: false,
            at_ms: 0,
        }
    }

    fn size(&self, claims: U256) -> U256 {
        let share = floor(claims, U256::from(self.limit.shareBps), one());
        share.max(self.limit.floor)
    }

    fn window_ms(&self) -> U256 {
        U256::from(self.limit.windowS) * n(1_000)
    }

    /// An inflow is forgotten within the window, an outflow at the rate of a bucket per window.
    fn drain(&mut self, claims: U256, now_ms: u64) {
        let (elapsed, window) = (U256::from(now_ms - self.at_ms), self.window_ms());
        self.net = if self.is_inward {
            floor(self.net, window.saturating_sub(elapsed), window)
        } else {
            let drained = floor(self.size(claims), elapsed, window);
            self.net.saturating_sub(drained)
        };
        self.at_ms = now_ms;
    }

    fn left_of(&self, size: U256) -> U256 {
        if self.is_inward {
            (size + self.net).min(most())
        } else {
            size.saturating_sub(self.net)
        }
    }

    /// What may leave now.
    pub(super) fn left(&self, claims: U256, now_ms: u64) -> U256 {
        let mut gate = self.clone();
        gate.drain(claims, now_ms);
        gate.left_of(gate.size(claims))
    }

    pub(super) fn enter(&mut self, claims: U256, units: U256, now_ms: u64) {
        self.drain(claims, now_ms);
        if self.is_inward {
            self.net = (self.net + units).min(most());
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
        self.drain(claims, now_ms);
        let size = self.size(claims);
        if self.is_inward && units <= self.net {
            self.net -= units;
            return Ok(());
        }
        let outward = if self.is_inward {
            units - self.net
        } else {
            (self.net + units).min(most())
        };
        if outward <= size {
            (self.net, self.is_inward) = (outward, false);
            return Ok(());
        }
        let left = self.left_of(size);
        let resets_ms = if units > size || self.is_inward {
            u64::MAX
        } else {
            let wait_ms = ceil(outward - size, self.window_ms(), size);
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
