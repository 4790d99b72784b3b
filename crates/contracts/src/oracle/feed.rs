//! One price as its readers see it: what it may be used for, and why not.

use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Price};

use super::ADDRESS as ORACLE;
use super::{error::Unusable, state::OracleState};
use crate::mutant::mutant;

const STATE: OracleState = OracleState::new();
const MS_PER_S: u64 = 1_000;

/// What a price is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceUse {
    /// To let an account owe more or own less: the worse price counts.
    Borrow,
    /// To take an account's property for its debt: the spot counts.
    Liquidate,
    /// To look.
    View,
}

/// On which side of a balance sheet the asset stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is owned.
    Collateral,
    /// It is owed.
    Debt,
}

/// A price and what is known about it. Two words of storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub struct Feed {
    /// The latest accepted price; before the first one, the reference price.
    pub(super) spot: Price,
    /// The same, following slowly.
    pub(super) smoothed: Price,
    /// Age up to which the price counts; zero is not listed.
    pub(super) stale_ms: u32,
    /// The spot before the growth cap.
    pub(super) raw: Price,
    /// Since when a quorum has spoken; zero is never.
    pub(super) time_ms: u64,
    /// When the grace period ends, rounded up. Seconds fit this word until the year 2106.
    pub(super) grace_until_s: u32,
    /// What the latest round left in doubt: the number of its reason; zero is nothing.
    pub(super) doubt: u8,
    /// What was found.
    pub(super) doubt_found: u16,
    /// What is allowed.
    pub(super) doubt_allowed: u16,
    /// Whether the owner stopped it.
    pub(super) frozen: bool,
}

impl Feed {
    /// The price for a use, at the time of a block (ORC-4, ORC-6, ORC-8).
    ///
    /// # Errors
    /// Why the price cannot be used for this.
    pub fn price(&self, now_ms: u64, price_use: PriceUse, side: Side) -> Result<Price, Unusable> {
        match self.unusable(now_ms, price_use) {
            Some(why) => Err(why),
            None => Ok(self.figure(price_use, side)),
        }
    }

    /// Why the price cannot be used now; `None` if it can.
    pub fn unusable(&self, now_ms: u64, price_use: PriceUse) -> Option<Unusable> {
        let (age_ms, max_ms) = (
            now_ms.saturating_sub(self.time_ms),
            u64::from(self.stale_ms),
        );
        let until_ms = self.grace_until_ms();
        if self.stale_ms == 0 {
            Some(Unusable::NotListed)
        } else if self.frozen {
            Some(Unusable::Frozen)
        } else if self.time_ms == 0 {
            Some(Unusable::NeverReported)
        } else if let Some(doubt) = self.doubt() {
            // Before age: a price that is in doubt also grows old, and the doubt is the cause.
            Some(doubt)
        } else if mutant!(OldPricesCount, age_ms > max_ms, false) {
            Some(Unusable::Stale { age_ms, max_ms })
        } else if now_ms < until_ms && price_use != PriceUse::View {
            Some(Unusable::Grace { until_ms })
        } else {
            None
        }
    }

    /// The price for a use, usable or not.
    fn figure(&self, price_use: PriceUse, side: Side) -> Price {
        match (price_use, side) {
            (PriceUse::Borrow, Side::Collateral) => {
                mutant!(SpotCounts, self.spot.min(self.smoothed), self.spot)
            }
            // `raw` is never below the spot, and above it only where the growth cap binds.
            (PriceUse::Borrow, Side::Debt) => self.raw.max(self.smoothed),
            (PriceUse::Liquidate, Side::Collateral) => {
                mutant!(CapLiquidates, self.raw, self.spot)
            }
            (PriceUse::Liquidate, Side::Debt) | (PriceUse::View, _) => self.spot,
        }
    }

    /// The latest accepted price, usable or not.
    pub const fn spot(&self) -> Price {
        self.spot
    }

    /// The price that follows slowly, usable or not.
    pub const fn smoothed(&self) -> Price {
        self.smoothed
    }

    /// Since when a quorum has spoken; zero is never.
    pub const fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// When the grace period ends.
    pub fn grace_until_ms(&self) -> u64 {
        u64::from(self.grace_until_s).saturating_mul(MS_PER_S)
    }

    /// Opens a grace period; one of no length is none, although its end would be rounded up.
    pub(super) fn open_grace(&mut self, now_ms: u64, grace_ms: u32) {
        if grace_ms == 0 {
            return;
        }
        let until_ms = now_ms.saturating_add(grace_ms.into());
        self.grace_until_s = u32::try_from(until_ms.div_ceil(MS_PER_S)).unwrap_or(u32::MAX);
    }

    /// What the latest round left in doubt.
    pub(super) fn doubt(&self) -> Option<Unusable> {
        let (found, allowed) = (self.doubt_found, self.doubt_allowed);
        match self.doubt {
            4 => Some(Unusable::OutOfBand {
                bps: found,
                max_bps: allowed,
            }),
            5 => Some(Unusable::NoQuorum {
                have: found,
                need: allowed,
            }),
            6 => Some(Unusable::LowConfidence {
                bps: found,
                max_bps: allowed,
            }),
            9 => Some(Unusable::Stuck {
                minutes: found,
                max_minutes: allowed,
            }),
            _ => None,
        }
    }

    /// Notes what a round leaves in doubt; `None` clears it.
    pub(super) fn set_doubt(&mut self, doubt: Option<Unusable>) {
        let (found, allowed) = doubt.map(Unusable::numbers).unwrap_or_default();
        self.doubt = doubt.map_or(0, Unusable::reason);
        // The reasons of doubts carry numbers of 16 bits.
        self.doubt_found = u16::try_from(found).unwrap_or(u16::MAX);
        self.doubt_allowed = u16::try_from(allowed).unwrap_or(u16::MAX);
    }
}

/// The feed of an asset, for any contract.
///
/// # Errors
/// The store's. An asset without a feed answers one that is `NotListed`.
pub fn feed(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<Feed, Halt> {
    STATE.feeds.at(asset_id).load(&mut cx.enter(ORACLE))
}

/// How many prices of an asset were accepted: the number of the price that counts now.
///
/// # Errors
/// The store's.
pub fn round(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<u64, Halt> {
    let trail = STATE.trails.at(asset_id).load(&mut cx.enter(ORACLE))?;
    Ok(trail.round)
}

/// A price for a use, for any contract.
///
/// # Errors
/// `OraclePriceUnusable`, with the reason and its numbers.
pub fn price(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    price_use: PriceUse,
    side: Side,
) -> Result<Price, Halt> {
    let now_ms = cx.store.block().time_ms;
    feed(cx, asset_id)?
        .price(now_ms, price_use, side)
        .map_err(|why| why.halt(asset_id))
}
