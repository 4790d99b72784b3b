//! Rate models: what borrowers pay per year, by how much of the market they use. Pure.
//!
//! Nobody chooses what is rounded here, so quotients are to the nearest, as their formulas have them.

use capstan_state::Halt;
use capstan_units::{Bps, Ray};

/// How the rate follows utilisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateModel {
    /// Two lines that meet at a kink.
    Kinked(Kinked),
    /// A curve that moves by itself until nine tenths are used.
    Adaptive,
}

/// Two lines that meet at a kink, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinked {
    /// Rate per year without borrowers.
    pub base_bps: u32,
    /// What it rises by up to the kink.
    pub slope1_bps: u32,
    /// What it rises by from the kink to full use.
    pub slope2_bps: u32,
    /// Utilisation at the kink.
    pub optimal_bps: u32,
}

impl RateModel {
    /// The highest rate per year that borrowers can be asked during the next day.
    pub(super) fn most_within_a_day(&self, target_rate: Ray) -> Result<Ray, Halt> {
        match self {
            Self::Kinked(kinked) => kinked.rate(Ray::ONE),
            Self::Adaptive => adaptive::most_within_a_day(target_rate),
        }
    }
}

impl Kinked {
    /// Rate per year at this utilisation.
    pub(super) fn rate(&self, used: Ray) -> Result<Ray, Halt> {
        let Self {
            base_bps,
            slope1_bps,
            slope2_bps,
            optimal_bps,
        } = *self;
        let [base, slope1, slope2, optimal] =
            [base_bps, slope1_bps, slope2_bps, optimal_bps].map(Ray::from_bps);
        if used <= optimal {
            let rise = slope1.mul_half_up(used)?.div_half_up(optimal)?;
            return Ok(base.add(rise)?);
        }
        let excess = used.sub(optimal)?.div_half_up(Ray::ONE.sub(optimal)?)?;
        let rise = slope1.add(slope2.mul_half_up(excess)?)?;
        Ok(base.add(rise)?)
    }
}

/// The adaptive model in numbers: parts of 10^27, per year.
pub(super) mod adaptive {
    use super::{Halt, Ray};

    /// Utilisation at which the target rate rests: 90 %.
    pub(crate) const TARGET_BPS: u32 = 9_000;
    /// Target rate of a new market: 4 %.
    pub(crate) const FIRST_BPS: u32 = 400;
    /// Lowest target rate, in hundredths of a percent: 0.1 %.
    pub(crate) const LOWEST_BPS: u32 = 10;
    /// Highest target rate, in hundredths of a percent: 200 %.
    pub(crate) const HIGHEST_BPS: u32 = 20_000;
    /// How fast it moves when utilisation is as far off as it can be: e^50 per year.
    const SPEED: u32 = 500_000;
    /// At full use the rate is this many times the target rate; without use, its inverse.
    const STEEPNESS: u32 = 4;

    /// The target rate rises by at most e^(50/365) = 1.147 a day, and full use asks [`STEEPNESS`] times that.
    const DAY_BPS: u32 = 11_500 * STEEPNESS;

    /// The highest rate within a day of a target rate.
    pub(crate) fn most_within_a_day(target_rate: Ray) -> Result<Ray, Halt> {
        let free = target_rate.mul_half_up(Ray::from_bps(DAY_BPS))?;
        Ok(free.min(Ray::from_bps(HIGHEST_BPS * STEEPNESS)))
    }

    /// The rate of an interval, and the target rate at its end.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Step {
        pub(crate) rate: Ray,
        pub(crate) target_rate: Ray,
    }

    /// How far utilisation is off: above the target, and by which part of the way to its end.
    fn error(used: Ray) -> Result<(bool, Ray), Halt> {
        let target = Ray::from_bps(TARGET_BPS);
        if used > target {
            let room = Ray::ONE.sub(target)?;
            return Ok((true, used.sub(target)?.div_half_up(room)?));
        }
        Ok((false, target.sub(used)?.div_half_up(target)?))
    }

    /// `target * (1 + 3 err)` above, `target * (1 - 3/4 err)` below.
    fn curve(target_rate: Ray, (above, err): (bool, Ray)) -> Result<Ray, Halt> {
        let times = |bps| err.mul_half_up(Ray::from_bps(bps));
        let factor = if above {
            Ray::ONE.add(times((STEEPNESS - 1) * 10_000)?)?
        } else {
            Ray::ONE.sub(times((STEEPNESS - 1) * 10_000 / STEEPNESS)?)?
        };
        Ok(target_rate.mul_half_up(factor)?)
    }

    /// `target * exp(+-x)`, within its bounds.
    fn moved(target_rate: Ray, above: bool, x: Ray) -> Result<Ray, Halt> {
        let (low, high) = (Ray::from_bps(LOWEST_BPS), Ray::from_bps(HIGHEST_BPS));
        // e^8 takes the lowest rate beyond the highest, so larger steps need no number.
        if x >= Ray::from_bps(80_000) {
            return Ok(if above { high } else { low });
        }
        let growth = exp_down(x)?;
        let moved = if above {
            target_rate.mul_half_up(growth)?
        } else {
            target_rate.div_half_up(growth)?
        };
        Ok(moved.clamp(low, high))
    }

    /// What an interval costs at this utilisation, and where the target goes meanwhile: the mean over the
    /// interval by its ends and twice its middle.
    pub(crate) fn step(target_rate: Ray, used: Ray, elapsed_ms: u64) -> Result<Step, Halt> {
        let (above, err) = error(used)?;
        let x = Ray::from_bps(SPEED)
            .mul_half_up(err)?
            .over_ms_down(elapsed_ms)?;
        let end = moved(target_rate, above, x)?;
        let middle = moved(target_rate, above, half(x)?)?;
        let sum = target_rate.add(end)?.add(middle)?.add(middle)?;
        let mean = half(half(sum)?)?;
        Ok(Step {
            rate: curve(mean, (above, err))?,
            target_rate: end,
        })
    }

    /// `floor(x / 2)`.
    fn half(x: Ray) -> Result<Ray, Halt> {
        Ok(Ray::new(x.get() >> 1)?)
    }

    /// `e^x` for `x` up to 8, below it by less than 10^-23 of itself: `2^8` times the series of `x / 2^8`,
    /// squared back.
    pub(crate) fn exp_down(x: Ray) -> Result<Ray, Halt> {
        let small = Ray::new(x.get() >> 8)?;
        let (mut sum, mut term) = (Ray::ONE, Ray::ONE);
        for divisor in 1..=16_u128 {
            term = Ray::new(term.mul_down(small)?.get().div_euclid(divisor))?;
            sum = sum.add(term)?;
        }
        for _ in 0..8 {
            sum = sum.mul_down(sum)?;
        }
        Ok(sum)
    }
}

/// What borrowers and lenders get for an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rates {
    /// Borrowers pay, per year.
    pub(super) borrow: Ray,
    /// Lenders earn, per year.
    pub(super) supply: Ray,
    /// The adaptive model's target at the end.
    pub(super) target_rate: Ray,
}

/// Rates of an interval in which `used` of the market stood.
pub(super) fn rates(
    model: RateModel,
    reserve_factor: Bps,
    target_rate: Ray,
    used: Ray,
    elapsed_ms: u64,
) -> Result<Rates, Halt> {
    let (borrow, target_rate) = match model {
        RateModel::Kinked(kinked) => (kinked.rate(used)?, target_rate),
        RateModel::Adaptive => {
            let step = adaptive::step(target_rate, used, elapsed_ms)?;
            (step.rate, step.target_rate)
        }
    };
    let supply = borrow
        .mul_half_up(used)?
        .percent_half_up(reserve_factor.complement())?;
    Ok(Rates {
        borrow,
        supply,
        target_rate,
    })
}
