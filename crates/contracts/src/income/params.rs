//! What may be tuned. Both ends of every range are here, and who may move it.
//!
//! The owner of the scope sets a market's parameters, a day before they count; what only tightens borrowing counts at once
//! (INC-9). No largest step: loans keep the terms under which they were taken, and a case its dates.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{IIncome::IncomeParams, error::IncomeParamOutOfRange, market::STATE};

pub use super::state::Params;
use crate::revert;

/// How long a change waits that does more than tighten.
pub const CHANGE_DELAY_MS: u64 = 86_400_000;
/// Highest cap of a tranche: shares have three digits more than units.
pub const CAP_MAX: u128 = Assets::MAX.get() / 1_000;
/// The time over which interest flows to those who own a tranche.
pub const INTEREST_MS: u64 = 86_400_000;
/// Most instalments of a loan.
pub const INSTALMENTS_MAX: u64 = 120;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const YEAR_S: u64 = 31_536_000;
/// All of it, in hundredths of a percent.
const ALL: u64 = 10_000;

pub(super) fn refuse(what: &str, value: U256, min: u64, max: U256) -> Halt {
    let (what, min) = (what.to_owned(), U256::from(min));
    revert(&IncomeParamOutOfRange {
        what,
        value,
        min,
        max,
    })
}

fn within(what: &str, value: u64, min: u64, max: u64) -> Result<(), Halt> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(refuse(what, U256::from(value), min, U256::from(max)))
}

fn amount(what: &str, value: U256, min: u64, max: u128) -> Result<Assets, Halt> {
    let max = U256::from(max);
    if value < U256::from(min) || value > max {
        return Err(refuse(what, value, min, max));
    }
    Ok(Assets::from_u256(value)?)
}

/// Parameters in force.
pub(super) fn in_force(cx: &mut Ctx<'_>, id: AssetId) -> Result<Params, Halt> {
    let from_ms = STATE.next_from_ms.at(id).load(cx)?;
    let configs = if from_ms != 0 && from_ms <= cx.store.block().time_ms {
        STATE.next_configs
    } else {
        STATE.configs
    };
    configs.at(id).load(cx)
}

impl Params {
    /// From the ABI, if every part is in its range.
    pub(super) fn checked(params: &IncomeParams) -> Result<Self, Halt> {
        let p = params;
        within("rateBps", p.rateBps.into(), 0, ALL)?;
        within("lateBps", p.lateBps.into(), 0, ALL)?;
        within("instalments", p.instalments.into(), 1, INSTALMENTS_MAX)?;
        within("periodS", p.periodS.into(), 3_600, YEAR_S)?;
        within("unpaidS", p.unpaidS.into(), 3_600, YEAR_S)?;
        within("windowDays", p.windowDays.into(), 7, 60)?;
        within(
            "verifiedDays",
            p.verifiedDays.into(),
            1,
            p.windowDays.into(),
        )?;
        within("customerAgeMs", p.customerAgeMs, 0, 365 * DAY_MS)?;
        within("concentrationBps", p.concentrationBps.into(), 1_250, ALL)?;
        within("fractionBps", p.fractionBps.into(), 0, ALL)?;
        within("escrowBps", p.escrowBps.into(), 0, ALL)?;
        within("bondBps", p.bondBps.into(), 0, 3 * ALL)?;
        within("feeBps", p.feeBps.into(), 0, ALL)?;
        within("lifeDays", p.lifeDays.into(), 30, 7_300)?;
        within("wattsMin", p.wattsMin.into(), 0, 1_000_000)?;
        within("firstLossBps", p.firstLossBps.into(), 0, ALL)?;
        within("firstLossCutBps", p.firstLossCutBps.into(), 0, ALL)?;
        within("graceMs", p.graceMs, MINUTE_MS, 30 * DAY_MS)?;
        within("auctionMs", p.auctionMs, MINUTE_MS, 30 * DAY_MS)?;
        within("auctionStartBps", p.auctionStartBps.into(), ALL, 5 * ALL)?;
        within("auctionFloorBps", p.auctionFloorBps.into(), 0, ALL)?;
        let price_max = U256::from(u64::MAX);
        let kwh_price_min = u64::try_from(p.kwhPriceMin)
            .map_err(|_| refuse("kwhPriceMin", p.kwhPriceMin, 0, price_max))?;
        Ok(Self {
            rate_bps: p.rateBps,
            late_bps: p.lateBps,
            instalments: p.instalments,
            period_s: p.periodS,
            unpaid_s: p.unpaidS,
            window_days: p.windowDays,
            verified_days: p.verifiedDays,
            customer_age_ms: p.customerAgeMs,
            concentration_bps: p.concentrationBps,
            fraction_bps: p.fractionBps,
            escrow_bps: p.escrowBps,
            bond_bps: p.bondBps,
            fee_bps: p.feeBps,
            life_days: p.lifeDays,
            kwh_price_min,
            watts_min: p.wattsMin,
            first_loss_bps: p.firstLossBps,
            first_loss_cut_bps: p.firstLossCutBps,
            grace_ms: p.graceMs,
            auction_ms: p.auctionMs,
            auction_start_bps: p.auctionStartBps,
            auction_floor_bps: p.auctionFloorBps,
            cap: amount("cap", p.cap, 0, CAP_MAX)?,
            loan_min: amount("loanMin", p.loanMin, 1, Assets::MAX.get())?,
        })
    }

    /// Whether this differs from `other` only in letting less be borrowed, or less come in.
    pub(super) fn is_tighter(self, other: Self) -> bool {
        self.first_loss_bps >= other.first_loss_bps
            && self.verified_days >= other.verified_days
            && self.customer_age_ms >= other.customer_age_ms
            && self.kwh_price_min >= other.kwh_price_min
            && self.watts_min >= other.watts_min
            && self.fraction_bps <= other.fraction_bps
            && self.concentration_bps <= other.concentration_bps
            && self.escrow_bps <= other.escrow_bps
            && self.bond_bps <= other.bond_bps
            && self.fee_bps <= other.fee_bps
            && self.cap <= other.cap
            && self
                == Self {
                    first_loss_bps: self.first_loss_bps,
                    verified_days: self.verified_days,
                    customer_age_ms: self.customer_age_ms,
                    kwh_price_min: self.kwh_price_min,
                    watts_min: self.watts_min,
                    fraction_bps: self.fraction_bps,
                    concentration_bps: self.concentration_bps,
                    escrow_bps: self.escrow_bps,
                    bond_bps: self.bond_bps,
                    fee_bps: self.fee_bps,
                    cap: self.cap,
                    ..other
                }
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> IncomeParams {
        IncomeParams {
            rateBps: self.rate_bps,
            lateBps: self.late_bps,
            instalments: self.instalments,
            periodS: self.period_s,
            unpaidS: self.unpaid_s,
            windowDays: self.window_days,
            verifiedDays: self.verified_days,
            customerAgeMs: self.customer_age_ms,
            concentrationBps: self.concentration_bps,
            fractionBps: self.fraction_bps,
            escrowBps: self.escrow_bps,
            bondBps: self.bond_bps,
            feeBps: self.fee_bps,
            lifeDays: self.life_days,
            kwhPriceMin: U256::from(self.kwh_price_min),
            wattsMin: self.watts_min,
            firstLossBps: self.first_loss_bps,
            firstLossCutBps: self.first_loss_cut_bps,
            graceMs: self.grace_ms,
            auctionMs: self.auction_ms,
            auctionStartBps: self.auction_start_bps,
            auctionFloorBps: self.auction_floor_bps,
            cap: self.cap.to_u256(),
            loanMin: self.loan_min.to_u256(),
        }
    }
}
