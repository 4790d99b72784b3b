//! The bucket of net outflow. Pure; all rounding of `ledger` is here, and all of it keeps more inside.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, mul_div_down, mul_div_up};

use super::{
    params::{Limit, Limits},
    state::Bucket,
};

const MS_PER_S: u64 = 1_000;
/// Of its window: how long a bucket stays as it was reckoned.
const STEPS: u64 = 256;

/// Net flow over a border: how much more went one way than the other, lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) net: Assets,
    /// Whether more came than went.
    pub(super) is_inward: bool,
}

impl Flow {
    /// The word of no flow: far above every outward flow, far below the end of words.
    pub(super) const NONE: U256 = U256::from_limbs([0, 0, 1, 0]);

    /// From its word. More than an amount may be is that much.
    pub(super) fn from_word(word: U256) -> Self {
        let is_inward = word > Self::NONE;
        let net = word.abs_diff(Self::NONE);
        Self {
            net: Assets::from_u256(net).unwrap_or(Assets::MAX),
            is_inward,
        }
    }

    /// As it is stored.
    pub(super) fn to_word(self) -> U256 {
        let net = self.net.to_u256();
        if self.is_inward {
            Self::NONE.saturating_add(net)
        } else {
            Self::NONE.saturating_sub(net)
        }
    }
}

/// Least word of a flow that a bucket of this size lets be.
pub(super) fn least_word(size: Assets) -> U256 {
    Flow::NONE.saturating_sub(size.to_u256())
}

/// A limit in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drain {
    limit: Limit,
    /// When another limit follows; zero if none was announced.
    next_from_ms: u64,
    claims: Assets,
}

impl Drain {
    /// The drain under limits while accounts have `claims`.
    pub(super) fn new(limits: &Limits, claims: Assets, now_ms: u64) -> Self {
        Self {
            limit: limits.at(now_ms),
            next_from_ms: limits.next_from_ms,
            claims,
        }
    }

    fn window_ms(&self) -> u64 {
        u64::from(self.limit.window_s).saturating_mul(MS_PER_S)
    }

    /// How much more may leave than comes: a share of what was there before what came lately, so that nobody lifts the limit
    /// by bringing much for a moment.
    pub(super) fn size(&self, flow: Flow) -> Result<Assets, Halt> {
        let stayed = if flow.is_inward {
            self.claims.sub_or_zero(flow.net)
        } else {
            self.claims
        };
        let share = Assets::from_u256(self.limit.share.of_down(stayed.to_u256())?)?;
        Ok(share.max(self.limit.floor))
    }

    /// The bucket from now on, after what has flowed by now.
    pub(super) fn bucket(&self, flow: Flow, now_ms: u64) -> Result<Bucket, Halt> {
        let due_ms = now_ms.saturating_add(self.window_ms() / STEPS);
        Ok(Bucket {
            size: self.size(flow)?,
            at_ms: now_ms,
            due_ms: if self.next_from_ms > now_ms {
                due_ms.min(self.next_from_ms)
            } else {
                due_ms
            },
        })
    }

    /// What is left of a flow some time later.
    pub(super) fn drained(&self, flow: Flow, elapsed_ms: u64) -> Result<Flow, Halt> {
        let (elapsed, window) = (U256::from(elapsed_ms), U256::from(self.window_ms()));
        let net = if flow.is_inward {
            let rest = window.saturating_sub(elapsed);
            Assets::from_u256(mul_div_down(flow.net.to_u256(), rest, window)?)?
        } else {
            let drained = mul_div_down(self.size(flow)?.to_u256(), elapsed, window)?;
            flow.net
                .sub_or_zero(Assets::from_u256(drained).unwrap_or(Assets::MAX))
        };
        Ok(Flow { net, ..flow })
    }

    /// When `amount` may leave after what has flowed by now; the largest number means never.
    pub(super) fn resets_ms(&self, flow: Flow, amount: Assets, now_ms: u64) -> Result<u64, Halt> {
        let size = self.size(flow)?;
        if amount > size || flow.is_inward {
            return Ok(u64::MAX);
        }
        let outward = flow.net.add(amount).unwrap_or(Assets::MAX);
        let over = outward.sub_or_zero(size).to_u256();
        let wait_ms = mul_div_up(over, U256::from(self.window_ms()), size.to_u256())?;
        Ok(now_ms.saturating_add(u64::try_from(wait_ms).unwrap_or(u64::MAX)))
    }
}

/// What may leave through a bucket of this size after what has flowed.
pub(super) fn left(size: Assets, flow: Flow) -> Assets {
    if flow.is_inward {
        size.add(flow.net).unwrap_or(Assets::MAX)
    } else {
        size.sub_or_zero(flow.net)
    }
}
