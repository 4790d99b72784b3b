//! Stableswap: flat where reserves are even, a hyperbola where they are not.
//!
//! ```text
//!   A * n * sum(x) + D = A * n * D + D^(n+1) / (n^n * prod(x))       x counted in units of 10^-18 of a coin
//! ```
//!
//! `D` is what all reserves would be together if they were even; swaps keep it, fees raise it. Both unknowns are
//! found by Newton's iteration from above: the functions are convex, so in exact arithmetic each step goes down and
//! none goes below the root. Integer divisions only cut what is left: it ends where a step no longer goes down.
//!
//! How far from the root that is, is proven by which way each division is cut, and by their order:
//!
//! - `D`: the bend `P = D * r1 * .. * rn`, `ri = D / (n * xi)`, is cut down at each division, which lifts every step. So
//!   none ends a whole unit below the root. It ends above where `A*n*(S - D) + D - P` is not below zero by more than what
//!   was cut off of `P`: at most `1 + rn + rn*r(n-1) + .. + rn*..*r2`. With the smallest reserve first, `r1 >= r2 >= ..`,
//!   and as their product `P / D` is at least one, so is that of the first few: no term is more than `P / D`, all of them
//!   not more than `n * P / D`. There the slope is steeper than `(n + 1) * P / D`, so that is less than a unit of `D`.
//! - A reserve: everything is cut for more of it (`c` up, `b` down), and the last step by less than a unit. So one unit up
//!   is never below the root. How far above is told by `c`, of which the ratio that is by far the largest comes first: of
//!   `D >= 10^9` less than three units.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{mul_div_down, mul_div_up};

use super::{add, mul, sub};

/// Most steps of one iteration. From above, far from the root a step divides the distance by at least `n + 1` over
/// `n`, near it squares it; tests find at most a third of this in the whole range.
pub(in crate::exchange) const STEPS_MAX: u32 = 64;
/// Largest reserve, in units of 10^-18.
const RESERVE_MAX: U256 = U256::from_limbs([0, 1 << 48, 0, 0]);
/// How many times the smallest the largest reserve may be.
const RATIO_MAX: u64 = 10_000;
/// Units by which a root may be away from the true one: less than this.
const SLACK: u64 = 1;

/// What an iteration found, and in how many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Found {
    /// `D`: less than [`SLACK`] away from the true one. A reserve: less than that below it.
    pub(in crate::exchange) root: U256,
    /// Steps that it took.
    pub(in crate::exchange) steps: u32,
}

impl Found {
    /// Not below the true root.
    pub(in crate::exchange) fn up(self) -> U256 {
        self.root.saturating_add(U256::from(SLACK))
    }

    /// Not above the true `D`.
    pub(in crate::exchange) fn down(self) -> U256 {
        self.root.saturating_sub(U256::from(SLACK))
    }
}

/// A pool's reserves in units of 10^-18, and `A * n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Even {
    /// The reserves.
    pub(in crate::exchange) reserves: Vec<U256>,
    slope: U256,
    count: U256,
}

impl Even {
    /// Reserves under an amplification.
    pub(in crate::exchange) fn new(reserves: Vec<U256>, amplification: u32) -> Result<Self, Halt> {
        let count = U256::from(reserves.len());
        let slope = mul(U256::from(amplification), count)?;
        Ok(Self {
            reserves,
            slope,
            count,
        })
    }

    /// The smallest and the largest reserve, if they are outside the range in which iterations are exact.
    pub(in crate::exchange) fn unbalanced(&self) -> Option<(U256, U256)> {
        let least = self.reserves.iter().min().copied().unwrap_or_default();
        let most = self.reserves.iter().max().copied().unwrap_or_default();
        let is_fine = !least.is_zero()
            && most <= RESERVE_MAX
            && most.wrapping_div(U256::from(RATIO_MAX)) <= least;
        (!is_fine).then_some((least, most))
    }

    pub(in crate::exchange) fn sum(&self) -> Result<U256, Halt> {
        self.reserves
            .iter()
            .try_fold(U256::ZERO, |sum, reserve| add(sum, *reserve))
    }

    /// The reserves, the smallest first, each times how many there are: what `D` is divided by. All of them, or all but
    /// one.
    fn divisors(&self, but: Option<usize>) -> Result<Vec<U256>, Halt> {
        let others = self.reserves.iter().enumerate();
        let others = others.filter(|(at, _)| Some(*at) != but);
        let mut divisors = others
            .map(|(_, reserve)| mul(*reserve, self.count))
            .collect::<Result<Vec<_>, _>>()?;
        divisors.sort_unstable();
        Ok(divisors)
    }

    /// `D`. `None` if the iteration does not end.
    ///
    /// `D' = (A*n*S + n*P) * D / ((A*n - 1) * D + (n + 1) * P)` with `P = D^(n+1) / (n^n * prod(x))`, from `D = S`.
    pub(in crate::exchange) fn invariant(&self) -> Result<Option<Found>, Halt> {
        let sum = self.sum()?;
        let fixed = mul(self.slope, sum)?;
        let divisors = self.divisors(None)?;
        let mut d = sum;
        for steps in 1..=STEPS_MAX {
            let bend = bend_down(d, &divisors)?;
            let above = add(fixed, mul(self.count, bend)?)?;
            let below = add(
                mul(sub(self.slope, U256::ONE)?, d)?,
                mul(add(self.count, U256::ONE)?, bend)?,
            )?;
            let next = mul_div_down(above, d, below)?;
            if next >= d {
                return Ok(Some(Found { root: d, steps }));
            }
            d = next;
        }
        Ok(None)
    }

    /// The reserve of one coin, given `D` and those of all others. `None` if the iteration does not end.
    ///
    /// `y' = (y*y + c) / (2*y + b - D)` with `b = S + D / (A*n)` and `c = D^(n+1) / (n^n * prod(x) * A*n)` over the
    /// others; from above, so that no step goes below the root's floor.
    pub(in crate::exchange) fn solve(&self, place: usize, d: U256) -> Result<Option<Found>, Halt> {
        let own = self.reserves.get(place).copied().unwrap_or_default();
        let sum = sub(self.sum()?, own)?;
        let mut c = mul_div_up(d, d, mul(self.slope, self.count)?)?;
        for divisor in self.divisors(Some(place))? {
            c = mul_div_up(c, d, divisor)?;
        }
        let b = add(sum, d.checked_div(self.slope).ok_or_else(Halt::overflow)?)?;
        let mut y = first_above(d, b, c)?;
        for steps in 1..=STEPS_MAX {
            let next = add(mul(y, y)?, c)?
                .checked_div(sub(add(mul(y, U256::from(2))?, b)?, d)?)
                .ok_or_else(Halt::overflow)?;
            if next >= y {
                return Ok(Some(Found { root: y, steps }));
            }
            y = next;
        }
        Ok(None)
    }

    /// `P` and `A*n`, of which the price is made: a coin's weight is `A*n*x + P`.
    pub(in crate::exchange) fn weights(&self, d: U256) -> Result<(U256, U256), Halt> {
        Ok((self.slope, bend_down(d, &self.divisors(None)?)?))
    }
}

/// `D^(n+1) / (n^n * prod(x))`, rounded down at each division.
fn bend_down(d: U256, divisors: &[U256]) -> Result<U256, Halt> {
    let mut bend = d;
    for divisor in divisors {
        bend = mul_div_down(bend, d, *divisor)?;
    }
    Ok(bend)
}

/// A start at or above the root of `y*y + (b - D)*y = c`, and at most twice it where `D` is above `b`.
fn first_above(d: U256, b: U256, c: U256) -> Result<U256, Halt> {
    let root = capstan_units::sqrt_up(c);
    Ok(add(d.saturating_sub(b), root)?.max(U256::ONE))
}

#[cfg(test)]
mod tests;
