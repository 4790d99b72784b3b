//! What may be tuned. Both ends of every range are here, and who may move it.
//!
//! The owner of the scope sets parameters. A change that only tightens (lower ceiling, cap, headroom or tolerance,
//! slower refill) counts at once, any other a day after it was announced (DOL-13). No largest step: the day is for
//! leaving, and leaving is never paused.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, Bps};

use super::{
    IDollar::{DollarParams, PegParams},
    error::DollarParamOutOfRange,
    state::{Config, PegConfig},
};
use crate::revert;

/// How long a change waits that is not tighter in every part.
pub const CHANGE_DELAY_MS: u64 = 86_400_000;
/// Highest stability fee and savings rate per year: 50 %.
pub const RATE_BPS_MAX: u32 = 5_000;
/// Highest fee of a redemption or swap: 5 %.
pub const FEE_BPS_MAX: u16 = 500;
/// Farthest that a foreign dollar may be below par and still come in: 5 %.
pub const TOLERANCE_BPS_MAX: u16 = 500;
/// Shortest and longest refill of a headroom, in seconds: a minute, a week.
pub const REFILL_S: (u32, u32) = (60, 604_800);
/// Least and greatest minimum of a request: one dollar, a million.
pub const REDEMPTION_MIN: (u128, u128) =
    (1_000_000_000_000_000_000, 1_000_000_000_000_000_000_000_000);
/// Digits behind the point of one dollar.
pub const DECIMALS: u8 = 18;

pub(super) fn refuse(what: &str, value: U256, min: U256, max: U256) -> Halt {
    let what = what.to_owned();
    revert(&DollarParamOutOfRange {
        what,
        value,
        min,
        max,
    })
}

fn within(what: &str, value: u32, (min, max): (u32, u32)) -> Result<u32, Halt> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(refuse(
        what,
        U256::from(value),
        U256::from(min),
        U256::from(max),
    ))
}

fn part(what: &str, value: u16, max: u16) -> Result<Bps, Halt> {
    let refused = || refuse(what, U256::from(value), U256::ZERO, U256::from(max));
    Bps::new(value)
        .ok()
        .filter(|_| value <= max)
        .ok_or_else(refused)
}

fn amount(what: &str, value: U256, (min, max): (u128, u128)) -> Result<Assets, Halt> {
    let refused = || refuse(what, value, U256::from(min), U256::from(max));
    let assets = Assets::from_u256(value).map_err(|_| refused())?;
    if (min..=max).contains(&assets.get()) {
        return Ok(assets);
    }
    Err(refused())
}

const ANY: (u128, u128) = (0, Assets::MAX.get());

impl Config {
    /// From the ABI, if every part is in its range.
    pub(super) fn checked(params: &DollarParams) -> Result<Self, Halt> {
        let DollarParams {
            stabilityBps,
            savingsBps,
            redemptionFeeBps,
            refillS,
            ceiling,
            headroom,
            redemptionMin,
            surplusFloor,
        } = params;
        Ok(Self {
            stability_bps: within("stabilityBps", *stabilityBps, (0, RATE_BPS_MAX))?,
            savings_bps: within("savingsBps", *savingsBps, (0, RATE_BPS_MAX))?,
            redemption_fee: part("redemptionFeeBps", *redemptionFeeBps, FEE_BPS_MAX)?,
            refill_s: within("refillS", *refillS, REFILL_S)?,
            ceiling: amount("ceiling", *ceiling, ANY)?,
            headroom: amount("headroom", *headroom, ANY)?,
            redemption_min: amount("redemptionMin", *redemptionMin, REDEMPTION_MIN)?,
            surplus_floor: amount("surplusFloor", *surplusFloor, ANY)?,
        })
    }

    /// Whether this differs from `other` in what tightens alone.
    pub(super) fn is_tighter(self, other: Self) -> bool {
        let Self {
            stability_bps,
            savings_bps,
            redemption_fee,
            refill_s,
            ceiling,
            headroom,
            redemption_min,
            surplus_floor,
        } = self;
        stability_bps == other.stability_bps
            && savings_bps == other.savings_bps
            && redemption_fee == other.redemption_fee
            && redemption_min == other.redemption_min
            && surplus_floor == other.surplus_floor
            && refill_s >= other.refill_s
            && ceiling <= other.ceiling
            && headroom <= other.headroom
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> DollarParams {
        let Self {
            stability_bps,
            savings_bps,
            redemption_fee,
            refill_s,
            ceiling,
            headroom,
            redemption_min,
            surplus_floor,
        } = self;
        DollarParams {
            stabilityBps: stability_bps,
            savingsBps: savings_bps,
            redemptionFeeBps: redemption_fee.get(),
            refillS: refill_s,
            ceiling: ceiling.to_u256(),
            headroom: headroom.to_u256(),
            redemptionMin: redemption_min.to_u256(),
            surplusFloor: surplus_floor.to_u256(),
        }
    }
}

impl PegConfig {
    /// From the ABI, if every part is in its range.
    pub(super) fn checked(params: &PegParams) -> Result<Self, Halt> {
        let PegParams {
            feeInBps,
            feeOutBps,
            toleranceBps,
            refillS,
            cap,
            headroom,
        } = params;
        Ok(Self {
            cap: amount("cap", *cap, ANY)?,
            headroom: amount("headroom", *headroom, ANY)?,
            fee_in: part("feeInBps", *feeInBps, FEE_BPS_MAX)?,
            fee_out: part("feeOutBps", *feeOutBps, FEE_BPS_MAX)?,
            tolerance: part("toleranceBps", *toleranceBps, TOLERANCE_BPS_MAX)?,
            refill_s: within("refillS", *refillS, REFILL_S)?,
            is_listed: true,
        })
    }

    /// Whether this differs from `other` in what tightens alone.
    pub(super) fn is_tighter(self, other: Self) -> bool {
        let Self {
            cap,
            headroom,
            fee_in,
            fee_out,
            tolerance,
            refill_s,
            is_listed,
        } = self;
        is_listed == other.is_listed
            && fee_in == other.fee_in
            && fee_out == other.fee_out
            && refill_s >= other.refill_s
            && cap <= other.cap
            && headroom <= other.headroom
            && tolerance <= other.tolerance
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> PegParams {
        let Self {
            cap,
            headroom,
            fee_in,
            fee_out,
            tolerance,
            refill_s,
            is_listed: _,
        } = self;
        PegParams {
            feeInBps: fee_in.get(),
            feeOutBps: fee_out.get(),
            toleranceBps: tolerance.get(),
            refillS: refill_s,
            cap: cap.to_u256(),
            headroom: headroom.to_u256(),
        }
    }
}
