//! The bucket of net outflow. Pure; all rounding of `ledger` is here, and all of it keeps more inside.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, mul_div_down, mul_div_up};

use super::{params::Limit, state::Flow};

const MS_PER_S: u64 = 1_000;

/// A limit in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// How much more may leave than comes.
    pub(super) size: Assets,
    window_ms: u64,
}

/// Why a push is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocked {
    /// What may leave now.
    pub(super) left: Assets,
    /// When the amount may leave; the largest number means never.
    pub(super) resets_ms: u64,
}

impl Bucket {
    /// The bucket of a limit while accounts have `claims`.
    pub(super) fn new(limit: Limit, claims: Assets) -> Result<Self, Halt> {
        let share = Assets::from_u256(limit.share.of_down(claims.to_u256())?)?;
        Ok(Self {
            size: share.max(limit.floor),
            window_ms: u64::from(limit.window_s).saturating_mul(MS_PER_S),
        })
    }

    /// The flow at a later time.
    pub(super) fn drained(&self, flow: Flow, now_ms: u64) -> Result<Flow, Halt> {
        let elapsed_ms = now_ms.saturating_sub(flow.at_ms);
        let (elapsed, window) = (U256::from(elapsed_ms), U256::from(self.window_ms));
        let net = if flow.is_inward {
            let rest = window.saturating_sub(elapsed);
            Assets::from_u256(mul_div_down(flow.net.to_u256(), rest, window)?)?
        } else {
            let drained = mul_div_down(self.size.to_u256(), elapsed, window)?;
            flow.net
                .sub_or_zero(Assets::from_u256(drained).unwrap_or(Assets::MAX))
        };
        Ok(Flow {
            net,
            at_ms: now_ms,
            ..flow
        })
    }

    /// What may leave now, given a flow of now.
    pub(super) fn left(&self, flow: Flow) -> Assets {
        if flow.is_inward {
            self.size.add(flow.net).unwrap_or(Assets::MAX)
        } else {
            self.size.sub_or_zero(flow.net)
        }
    }

    /// The flow after `amount` left of what came lately, if so much did.
    pub(super) fn back_out(flow: Flow, amount: Assets) -> Option<Flow> {
        (flow.is_inward && amount <= flow.net).then(|| Flow {
            net: flow.net.sub_or_zero(amount),
            ..flow
        })
    }

    /// The flow after `amount` left, or why it may not (LED-5).
    pub(super) fn out(&self, flow: Flow, amount: Assets) -> Result<Result<Flow, Blocked>, Halt> {
        if let Some(flow) = Self::back_out(flow, amount) {
            return Ok(Ok(flow));
        }
        let outward = if flow.is_inward {
            amount.sub(flow.net)?
        } else {
            flow.net.add(amount).unwrap_or(Assets::MAX)
        };
        if outward <= self.size {
            return Ok(Ok(Flow {
                net: outward,
                is_inward: false,
                ..flow
            }));
        }
        Ok(Err(Blocked {
            left: self.left(flow),
            resets_ms: self.resets_ms(flow, outward, amount)?,
        }))
    }

    /// The flow after `amount` came.
    pub(super) fn into(flow: Flow, amount: Assets) -> Flow {
        if flow.is_inward {
            let net = flow.net.add(amount).unwrap_or(Assets::MAX);
            return Flow { net, ..flow };
        }
        Flow {
            is_inward: amount > flow.net,
            net: flow
                .net
                .sub_or_zero(amount)
                .max(amount.sub_or_zero(flow.net)),
            ..flow
        }
    }

    fn resets_ms(&self, flow: Flow, outward: Assets, amount: Assets) -> Result<u64, Halt> {
        if amount > self.size || flow.is_inward {
            return Ok(u64::MAX);
        }
        let over = outward.sub_or_zero(self.size).to_u256();
        let wait_ms = mul_div_up(over, U256::from(self.window_ms), self.size.to_u256())?;
        Ok(flow
            .at_ms
            .saturating_add(u64::try_from(wait_ms).unwrap_or(u64::MAX)))
    }
}
