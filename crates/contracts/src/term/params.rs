//! The ranges of terms. Protocol constants: nobody changes them, and nobody sets terms but a lender for his own offer.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{AssetId, Assets, Bps};

use super::{Amortisation, ITerm::OfferTerms, error::TermOutOfRange, state::Terms};
use crate::revert;

/// Most loans of one account.
pub const LOANS_MAX: u32 = 8;
/// Most instalments of one loan.
pub const INSTALMENTS_MAX: u16 = 120;
/// Highest rate per year, of interest and of late fees: 100 %.
pub const RATE_BPS_MAX: u32 = 10_000;
/// Highest fee of early repayment: 10 %.
pub const EARLY_FEE_BPS_MAX: u16 = 1_000;
/// Shortest and longest period, in seconds: an hour, a year.
pub const PERIOD_S: (u32, u32) = (3_600, 31_536_000);
/// Longest time to default, in seconds: a year.
pub const DEFAULT_S_MAX: u32 = 31_536_000;
/// Gas for each instalment that is counted, beside storage.
pub(super) const INSTALMENT_GAS: u64 = 150;

fn within(what: &str, value: u32, min: u32, max: u32) -> Result<u32, Halt> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(refuse(what, U256::from(value), min, U256::from(max)))
}

pub(super) fn refuse(what: &str, value: U256, min: u32, max: U256) -> Halt {
    revert(&TermOutOfRange {
        what: what.to_owned(),
        value,
        min: U256::from(min),
        max,
    })
}

fn narrow(what: &str, value: u16, min: u16, max: u16) -> Result<u16, Halt> {
    within(what, value.into(), min.into(), max.into())?;
    Ok(value)
}

impl Terms {
    /// From the ABI, if every part is in its range. Least amount and expiry are the offer's.
    pub(super) fn checked(terms: &OfferTerms) -> Result<Self, Halt> {
        let OfferTerms {
            assetId,
            rateBps,
            instalments,
            periodS,
            amortisation,
            graceS,
            lateBps,
            earlyFeeBps,
            defaultS,
            least: _,
            expiresMs: _,
        } = terms;
        let (shortest, longest) = PERIOD_S;
        let period_s = within("periodS", *periodS, shortest, longest)?;
        let kind = u16::from(*amortisation);
        narrow(
            "amortisation",
            kind,
            0,
            Amortisation::COUNT.saturating_sub(1),
        )?;
        let early_bps = narrow("earlyFeeBps", *earlyFeeBps, 0, EARLY_FEE_BPS_MAX)?;
        let grace_s = within("graceS", *graceS, 0, period_s.saturating_sub(1))?;
        Ok(Self {
            asset: AssetId::new(*assetId),
            rate_bps: within("rateBps", *rateBps, 0, RATE_BPS_MAX)?,
            instalments: narrow("instalments", *instalments, 1, INSTALMENTS_MAX)?,
            period_s,
            amortisation: *amortisation,
            grace_s,
            late_bps: within("lateBps", *lateBps, 0, RATE_BPS_MAX)?,
            early_fee: Bps::new(early_bps)?,
            default_s: within("defaultS", *defaultS, grace_s, DEFAULT_S_MAX)?,
        })
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self, least: Assets, expires_ms: u64) -> OfferTerms {
        let Self {
            asset,
            rate_bps,
            instalments,
            period_s,
            amortisation,
            grace_s,
            late_bps,
            early_fee,
            default_s,
        } = self;
        OfferTerms {
            assetId: asset.get(),
            rateBps: rate_bps,
            instalments,
            periodS: period_s,
            amortisation,
            graceS: grace_s,
            lateBps: late_bps,
            earlyFeeBps: early_fee.get(),
            defaultS: default_s,
            least: least.to_u256(),
            expiresMs: expires_ms,
        }
    }
}
