//! What bounds the ledger, and what may be tuned.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt, Record};
use capstan_units::{AssetId, Assets, Bps};

use super::{ILedger::OutflowLimit, actions::STATE, error::LedgerLimitOutOfRange};
use crate::revert;

/// Most assets: what an account holds is a set in one word.
pub const ASSET_COUNT_MAX: u32 = 256;
/// Most decimals of a token, as for tokens of the factory.
pub(super) const DECIMALS_MAX: u8 = 30;
/// Longest symbol that is kept, in bytes.
pub(super) const SYMBOL_BYTES_MAX: u32 = 32;
/// How long a looser limit waits (LED-6).
pub const LOOSEN_DELAY_MS: u64 = 86_400_000;
/// Shortest and longest window of an outflow limit, in seconds: a minute, a week.
pub const WINDOW_S: (u32, u32) = (60, 604_800);
/// Gas that a look at a token may use: a token that needs more is refused at listing.
pub(super) const LOOK_GAS: u64 = 200_000;

/// An outflow limit in force. The owner sets it; any step, since it only bounds others' mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Time in which a full bucket drains, in seconds; [`WINDOW_S`].
    pub window_s: u32,
    /// Share of all claims but what came lately.
    pub share: Bps,
    /// What may leave whatever the share is.
    pub floor: Assets,
}

impl Limit {
    /// From the ABI, if every part is in its range.
    ///
    /// # Errors
    /// `LedgerLimitOutOfRange`.
    pub fn checked(limit: &OutflowLimit) -> Result<Self, Halt> {
        let OutflowLimit {
            windowS: window_s,
            shareBps: share_bps,
            floor,
        } = limit;
        let refuse = |what: &str, value: U256, min: u32, max: U256| {
            let (what, min) = (what.to_owned(), U256::from(min));
            revert(&LedgerLimitOutOfRange {
                what,
                value,
                min,
                max,
            })
        };
        let (shortest, longest) = WINDOW_S;
        if !(shortest..=longest).contains(window_s) {
            let (value, max) = (U256::from(*window_s), U256::from(longest));
            return Err(refuse("windowS", value, shortest, max));
        }
        let share = Bps::new(*share_bps)
            .map_err(|_| refuse("shareBps", U256::from(*share_bps), 0, Bps::ONE.to_u256()))?;
        let floor = Assets::from_u256(*floor)
            .map_err(|_| refuse("floor", *floor, 0, Assets::MAX.to_u256()))?;
        Ok(Self {
            window_s: *window_s,
            share,
            floor,
        })
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> OutflowLimit {
        let Self {
            window_s,
            share,
            floor,
        } = self;
        OutflowLimit {
            windowS: window_s,
            shareBps: share.get(),
            floor: floor.to_u256(),
        }
    }

    /// Whether no part of this lets more out than `other` does.
    pub(super) fn is_within(self, other: Self) -> bool {
        let Self {
            window_s,
            share,
            floor,
        } = self;
        window_s >= other.window_s && share <= other.share && floor <= other.floor
    }
}

/// The limit in force, until another follows: one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Present {
    window_s: u32,
    share: Bps,
    floor: Assets,
    /// When the next one begins to count; zero if none was announced.
    next_from_ms: u64,
}

/// The limit that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Next {
    window_s: u32,
    share: Bps,
    floor: Assets,
}

/// The limit in force and the one that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    present: Limit,
    next: Limit,
    /// When the next one begins to count; zero if it counts already.
    pub(super) next_from_ms: u64,
}

impl Limits {
    /// One limit, from now on.
    pub(super) fn fixed(limit: Limit) -> Self {
        Self::announced(limit, limit, 0)
    }

    /// A limit, and the one that follows it.
    pub(super) fn announced(present: Limit, next: Limit, next_from_ms: u64) -> Self {
        Self {
            present,
            next,
            next_from_ms,
        }
    }

    /// The limits of an asset. What follows is read only where something does.
    pub(super) fn load(cx: &mut Ctx<'_>, id: AssetId) -> Result<Self, Halt> {
        let Present {
            window_s,
            share,
            floor,
            next_from_ms,
        } = STATE.limits.at(id).load(cx)?;
        let present = Limit {
            window_s,
            share,
            floor,
        };
        if next_from_ms == 0 {
            return Ok(Self::fixed(present));
        }
        let Next {
            window_s,
            share,
            floor,
        } = STATE.next_limits.at(id).load(cx)?;
        let next = Limit {
            window_s,
            share,
            floor,
        };
        Ok(Self::announced(present, next, next_from_ms))
    }

    /// Writes them.
    pub(super) fn save(&self, cx: &mut Ctx<'_>, id: AssetId) -> Result<(), Halt> {
        let Limit {
            window_s,
            share,
            floor,
        } = self.present;
        let present = Present {
            window_s,
            share,
            floor,
            next_from_ms: self.next_from_ms,
        };
        STATE.limits.at(id).save(cx, &present)?;
        if self.next_from_ms == 0 {
            return Ok(());
        }
        let Limit {
            window_s,
            share,
            floor,
        } = self.next;
        let next = Next {
            window_s,
            share,
            floor,
        };
        STATE.next_limits.at(id).save(cx, &next)
    }

    /// The limit in force.
    pub(super) fn at(&self, now_ms: u64) -> Limit {
        if now_ms >= self.next_from_ms {
            self.next
        } else {
            self.present
        }
    }

    /// The limit that was set last.
    pub(super) fn next(&self) -> Limit {
        self.next
    }
}
