//! What has flowed, and when it ends.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, mul_div_down, mul_div_up};

use super::state::Flow;

impl Flow {
    /// `amount` from start to end.
    pub(super) fn timed(amount: Assets, start_ms: u64, cliff_ms: u64, end_ms: u64) -> Self {
        Self {
            rate: amount,
            paid: amount,
            since_ms: start_ms,
            cliff_ms,
            period_ms: end_ms.saturating_sub(start_ms),
            ..Self::default()
        }
    }

    /// What has flowed, in whole units; never more than was paid in (STR-2).
    pub(super) fn flowed_down(&self, now_ms: u64) -> Result<Assets, Halt> {
        if now_ms < self.cliff_ms {
            return Ok(Assets::ZERO);
        }
        if self.period_ms == 0 {
            return Ok(self.base);
        }
        let elapsed = U256::from(now_ms.saturating_sub(self.since_ms));
        let moved = mul_div_down(self.rate.to_u256(), elapsed, U256::from(self.period_ms))?;
        let flowed = moved.saturating_add(self.base.to_u256());
        Ok(Assets::from_u256(flowed.min(self.paid.to_u256()))?)
    }

    /// What has flowed and is not collected.
    pub(super) fn due_down(&self, now_ms: u64) -> Result<Assets, Halt> {
        Ok(self.flowed_down(now_ms)?.sub(self.collected)?)
    }

    /// When everything that was paid in has flowed; zero where amounts are settled.
    pub(super) fn end_ms(&self) -> Result<u64, Halt> {
        if self.period_ms == 0 {
            return Ok(0);
        }
        let left = self.paid.sub(self.base)?.to_u256();
        let lasts_ms = mul_div_up(left, U256::from(self.period_ms), self.rate.to_u256())?;
        let lasts_ms = u64::try_from(lasts_ms).unwrap_or(u64::MAX);
        Ok(self.since_ms.saturating_add(lasts_ms))
    }

    /// Takes more in (STR-4). What is settled has flowed already; what ran dry begins anew.
    pub(super) fn pay_in(&mut self, amount: Assets, now_ms: u64) -> Result<(), Halt> {
        if self.period_ms == 0 {
            self.base = self.base.add(amount)?;
        } else if self.flowed_down(now_ms)? == self.paid {
            self.base = self.paid;
            self.since_ms = now_ms;
        }
        self.paid = self.paid.add(amount)?;
        Ok(())
    }

    /// Keeps what has flowed and answers the rest (STR-6).
    pub(super) fn stop(&mut self, now_ms: u64) -> Result<Assets, Halt> {
        let flowed = self.flowed_down(now_ms)?;
        let rest = self.paid.sub(flowed)?;
        *self = Self {
            paid: flowed,
            base: flowed,
            collected: self.collected,
            ..Self::default()
        };
        Ok(rest)
    }
}
