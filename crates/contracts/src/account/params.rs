//! What may be tuned, between which bounds, by whom; and the bounds of the contract itself.
//!
//! The owner of the scope sets how much an asset counts. A change announces itself for [`NOTICE_MS`] and then moves the
//! factors along a straight line over at least [`RAMP_MS_MIN`], so that nobody is liquidated by a stroke of a pen, no key
//! makes worthless collateral good at once, and every guard that stands knows of it. An asset that never was collateral
//! takes its factors at once: nobody's health rests on it.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Bps, TimeMs, Usd, Wad};

use super::{
    IAccount::Collateral,
    error::{
        AccountCollateralFixed, AccountCollateralInvalid, AccountRampTooShort, AccountRampUnderWay,
    },
    state::{Ramp, Terms},
};
use crate::revert;

/// Most accounts that one transaction may change.
pub const TOUCHED_MAX: u8 = 16;
/// Most actions of one batch.
pub const ACTIONS_MAX: usize = 64;

/// Maintenance factor and largest discount together: what is sold at any discount still lifts health.
pub const COUNTED_AND_DISCOUNT_MAX: u16 = 9_900;
/// The largest discount of any asset.
pub const DISCOUNT_MAX: u16 = 3_000;
/// Longest life of a guard, so the longest time for which anything must be known beforehand: a day.
pub const NOTICE_MS: u64 = 86_400_000;
/// Shortest way from one pair of factors to another: seven days.
pub const RAMP_MS_MIN: u64 = 7 * 86_400_000;
/// Longest time that an owner makes himself cool off after a day of losses: 30 days.
pub const COOLING_OFF_S_MAX: u32 = 30 * 86_400;
/// Smallest debt of a new chain: 10 dollars, below which a liquidation costs more than it saves.
pub(super) const DEBT_MIN: u64 = 10;
/// Collateral worth less than this beside a debt is nobody's business: one dollar.
pub(super) const DUST: u64 = 1;
/// Health that a liquidation restores: 1.05.
pub(super) const TARGET_HEALTH_BPS: u16 = 500;
/// How long a discount takes to grow to its largest: 20 minutes.
pub const OFFER_MS: u64 = 20 * 60_000;
/// After how long on offer a stake buys what nobody bought: 30 minutes, ten of them at the largest discount.
pub const LAST_BUYER_MS: u64 = OFFER_MS + 10 * 60_000;
/// What stood on offer for so long is dust below [`UNWANTED`], not only below [`DUST`]: a day.
pub const UNWANTED_MS: u64 = 86_400_000;
/// Collateral worth less than this that nobody wanted for a day: ten dollars.
pub(super) const UNWANTED: u64 = 10;
/// After how long the block comes back to an account that is on offer, or that could not be judged: a minute.
pub const DEFER_MS: u64 = 60_000;
/// Of the discount that no buyer needed, one part of so many goes to the reserve; the rest stays with the account.
pub(super) const RESERVE_DIVISOR: u16 = 2;
/// Of the largest discount, one part of so many is what pools may take at once; then as much as a bidder would get.
pub(super) const SALE_HEAD_START_DIVISOR: u16 = 4;
/// Most sales to pools in one look.
pub(super) const SALES_MAX: usize = 4;
/// Gas of sales after which a look begins no other.
pub(super) const SALES_GAS: u64 = 2_000_000;
/// Most accounts of one transaction that are matched with one another, the first ones.
pub(super) const MATCHED_MAX: usize = 64;
/// Most pairs of them that are tried.
pub(super) const MATCHES_MAX: usize = 32;
/// Of a transaction's gas, one part of so many is for matching at most.
pub(super) const MATCHING_GAS_DIVISOR: u64 = 4;
/// Most accounts in one `Liquidate` transaction.
pub const LOOKS_MAX: usize = 512;
/// Most debtors in one `Redeem` transaction, and most requests that one of them serves.
pub const REDEMPTIONS_MAX: usize = 64;
/// Most guards that are passed over in search of debtors who can pay, and most debtors who are tried.
pub(super) const REDEMPTION_SEARCH: (usize, usize) = (65_536, 256);
/// Gas of that search, reads counted as warm, after which no other debtor is tried: a third of a block's own.
pub(super) const REDEMPTION_SEARCH_GAS: u64 = 20_000_000;
/// A look begins only with so much gas left: more than any sheet needs, whatever pools there are.
pub const LOOK_GAS: u64 = 16_000_000;

/// So many whole dollars.
pub(super) fn dollars(whole: u64) -> Usd {
    let wei = U256::from(whole).saturating_mul(Wad::ONE.to_u256());
    Usd::from_u256(wei).unwrap_or(Usd::MAX)
}

/// How much an asset counts, in parts of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Part that may be borrowed against.
    pub initial: Bps,
    /// Part that keeps a debt from being liquidated; at least `initial`.
    pub maintenance: Bps,
    /// The same against debts of its own category.
    pub category_initial: Bps,
    /// The same against debts of its own category.
    pub category_maintenance: Bps,
}

/// What the owner says about an asset, in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) factors: Factors,
    pub(super) terms: Terms,
}

fn invalid(what: &str, value: U256, max: U256) -> Halt {
    revert(&AccountCollateralInvalid {
        what: what.to_owned(),
        value,
        max,
    })
}

fn bps(what: &str, value: u16) -> Result<Bps, Halt> {
    Bps::new(value).map_err(|_| invalid(what, U256::from(value), Bps::ONE.to_u256()))
}

fn at_most(what: &str, value: u16, max: u16) -> Result<(), Halt> {
    if value <= max {
        return Ok(());
    }
    Err(invalid(what, U256::from(value), U256::from(max)))
}

impl Agreed {
    /// From the ABI, if every part is in its range.
    ///
    /// # Errors
    /// `AccountCollateralInvalid`.
    pub(super) fn checked(collateral: &Collateral) -> Result<Self, Halt> {
        let Collateral {
            initialBps,
            maintenanceBps,
            categoryInitialBps,
            categoryMaintenanceBps,
            discountMaxBps,
            category,
            isolated,
            depositCap,
        } = *collateral;
        at_most("discountMaxBps", discountMaxBps, DISCOUNT_MAX)?;
        let counted_max = COUNTED_AND_DISCOUNT_MAX.saturating_sub(discountMaxBps);
        at_most("maintenanceBps", maintenanceBps, counted_max)?;
        at_most("initialBps", initialBps, maintenanceBps)?;
        let category_max = if category == 0 { 0 } else { counted_max };
        at_most(
            "categoryMaintenanceBps",
            categoryMaintenanceBps,
            category_max,
        )?;
        at_most(
            "categoryInitialBps",
            categoryInitialBps,
            categoryMaintenanceBps,
        )?;
        Ok(Self {
            factors: Factors {
                initial: bps("initialBps", initialBps)?,
                maintenance: bps("maintenanceBps", maintenanceBps)?,
                category_initial: bps("categoryInitialBps", categoryInitialBps)?,
                category_maintenance: bps("categoryMaintenanceBps", categoryMaintenanceBps)?,
            },
            terms: Terms {
                deposit_cap: Assets::from_u256(depositCap)
                    .map_err(|_| invalid("depositCap", depositCap, Assets::MAX.to_u256()))?,
                discount_max: bps("discountMaxBps", discountMaxBps)?,
                category,
                is_isolated: isolated,
            },
        })
    }

    /// Refuses to change what health rests on at once: the category, isolation, and the discount of an asset that counts.
    ///
    /// # Errors
    /// `AccountCollateralFixed`.
    pub(super) fn expect_compatible(&self, asset_id: u32, before: Terms) -> Result<(), Halt> {
        let Terms {
            deposit_cap: _,
            discount_max,
            category,
            is_isolated,
        } = before;
        let now = self.terms;
        if (now.discount_max, now.category, now.is_isolated)
            == (discount_max, category, is_isolated)
        {
            return Ok(());
        }
        Err(revert(&AccountCollateralFixed { assetId: asset_id }))
    }
}

impl Factors {
    /// The way from what counts now to `self`.
    ///
    /// # Errors
    /// `AccountRampTooShort`, `AccountRampUnderWay`.
    pub(super) fn ramp_after(
        self,
        cx: &mut Ctx<'_>,
        present: Ramp,
        ramp_ms: u64,
    ) -> Result<Ramp, Halt> {
        let now = TimeMs::new(cx.store.block().time_ms);
        let is_new = present == Ramp::default();
        if is_new {
            return Ok(self.ramp_to(self, now, now));
        }
        if ramp_ms < RAMP_MS_MIN {
            return Err(revert(&AccountRampTooShort {
                rampMs: ramp_ms,
                minMs: RAMP_MS_MIN,
            }));
        }
        if now < present.end_ms {
            return Err(revert(&AccountRampUnderWay {
                endMs: present.end_ms.get(),
            }));
        }
        let start = now.after_ms(NOTICE_MS)?;
        Ok(present
            .at(now)?
            .ramp_to(self, start, start.after_ms(ramp_ms)?))
    }

    fn ramp_to(self, to: Self, start_ms: TimeMs, end_ms: TimeMs) -> Ramp {
        Ramp {
            initial_from: self.initial,
            initial_to: to.initial,
            maintenance_from: self.maintenance,
            maintenance_to: to.maintenance,
            category_initial_from: self.category_initial,
            category_initial_to: to.category_initial,
            category_maintenance_from: self.category_maintenance,
            category_maintenance_to: to.category_maintenance,
            start_ms,
            end_ms,
        }
    }

    /// The lower of both, part by part.
    pub(super) fn min(self, other: Self) -> Self {
        Self {
            initial: self.initial.min(other.initial),
            maintenance: self.maintenance.min(other.maintenance),
            category_initial: self.category_initial.min(other.category_initial),
            category_maintenance: self.category_maintenance.min(other.category_maintenance),
        }
    }
}

impl Ramp {
    /// Factors at a time, rounded down.
    pub(super) fn at(&self, now: TimeMs) -> Result<Factors, Halt> {
        let way = |from, to| self.between_down(now, from, to);
        Ok(Factors {
            initial: way(self.initial_from, self.initial_to)?,
            maintenance: way(self.maintenance_from, self.maintenance_to)?,
            category_initial: way(self.category_initial_from, self.category_initial_to)?,
            category_maintenance: way(
                self.category_maintenance_from,
                self.category_maintenance_to,
            )?,
        })
    }

    fn between_down(&self, now: TimeMs, from: Bps, to: Bps) -> Result<Bps, Halt> {
        if now >= self.end_ms {
            return Ok(to);
        }
        if now <= self.start_ms {
            return Ok(from);
        }
        let whole_ms = self.end_ms.ms_since(self.start_ms)?;
        let gone_ms = now.ms_since(self.start_ms)?;
        let left_ms = whole_ms.saturating_sub(gone_ms);
        let weighed =
            |factor: Bps, ms: u64| U256::from(factor.get()).saturating_mul(U256::from(ms));
        let sum = weighed(from, left_ms).saturating_add(weighed(to, gone_ms));
        let mean = sum.checked_div(U256::from(whole_ms)).unwrap_or_default();
        Ok(Bps::from_u256(mean)?)
    }
}
