//! One stream of `streams`, which counts in fractions of a unit, moment by moment, where the room has one formula. What
//! models predict with.

use capstan_units::AccountId;

/// A stream as it should be: `scaled / period` units have flowed, exactly.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) owner: AccountId,
    pub(crate) payer: AccountId,
    pub(crate) assigned: Option<AccountId>,
    pub(crate) is_final: bool,
    pub(crate) is_stopped: bool,
    pub(crate) rate: u128,
    /// Zero where amounts are settled.
    pub(crate) period: u128,
    pub(crate) start_ms: u64,
    pub(crate) cliff_ms: u64,
    pub(crate) at_ms: u64,
    pub(crate) scaled: u128,
    pub(crate) paid: u128,
    pub(crate) collected: u128,
}

impl Stream {
    /// Lets the time since the last look flow.
    pub(crate) fn advance(&mut self, now_ms: u64) {
        let from_ms = self.at_ms.max(self.start_ms);
        let elapsed = u128::from(now_ms.saturating_sub(from_ms));
        if self.period != 0 && !self.is_stopped {
            self.scaled = (self.scaled + self.rate * elapsed).min(self.paid * self.period);
        }
        self.at_ms = now_ms;
    }

    pub(crate) fn flowed(&self) -> u128 {
        match self.period {
            _ if self.is_stopped => self.paid,
            0 => self.paid,
            _ if self.at_ms < self.cliff_ms => 0,
            period => self.scaled / period,
        }
    }

    pub(crate) fn due(&self) -> u128 {
        self.flowed() - self.collected
    }

    pub(crate) fn leave_if_spent(&mut self) {
        if self.is_stopped && self.collected == self.paid {
            self.assigned = None;
        }
    }
}
