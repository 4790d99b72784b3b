//! Prices on a logarithmic scale of integers: for sorted sets of "look again when the price is beyond this".

use core::fmt;

use alloy_primitives::{U256, U512};

use crate::Price;

/// How many binary digits of the logarithm a tick keeps.
const FRACTION_BITS: u32 = 16;

/// A price as `log2(units) * 2^16`, an integer: one tick is about 0.001 %.
///
/// Equal steps are equal ratios, so one sorted set holds limits for prices of every size. The scale is
/// monotone: a higher price never has a lower tick. A price of zero lies below every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PriceTick(i32);

impl PriceTick {
    /// The tick of a price of zero.
    pub const OF_ZERO: Self = Self(-1);

    /// The tick with this number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The highest tick at or below a price.
    pub fn down(price: Price) -> Self {
        Self::parts(price).map_or(Self::OF_ZERO, |(tick, _)| Self(tick))
    }

    /// The lowest tick at or above a price.
    pub fn up(price: Price) -> Self {
        Self::parts(price).map_or(Self::OF_ZERO, |(tick, exact)| {
            Self(tick.saturating_add(i32::from(!exact)))
        })
    }

    /// The tick as an integer: -1 to 112 * 2^16.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The tick below or at a price and whether it is the price itself; `None` for zero.
    ///
    /// Only powers of two lie on a tick, since no other root of two is a whole number.
    fn parts(price: Price) -> Option<(i32, bool)> {
        let whole = i32::try_from(price.get().checked_ilog2()?).ok()?;
        // 128 bits leave a digit open for hardly any price, and take a sixth of the instructions of 256.
        let fraction = fraction_narrow(price.get()).unwrap_or_else(|| fraction_wide(price.get()));
        let tick = whole
            .saturating_mul(1 << FRACTION_BITS)
            .saturating_add(fraction);
        Some((tick, price.get().is_power_of_two()))
    }
}

/// The fraction of `log2(number)`, in parts of 2^16, down.
///
/// Digit by digit: squaring a number in [1, 2) doubles its logarithm, and whether the square reaches 2 is the next binary
/// digit. 256 bits are kept, so that what is cut off in all steps together stays below 2^-238 of the number.
fn fraction_wide(number: u128) -> i32 {
    let zeros = usize::try_from(number.leading_zeros()).unwrap_or_default();
    let mut mantissa = U256::from(number).wrapping_shl(zeros.saturating_add(128));
    let mut fraction = 0_i32;
    for _ in 0..FRACTION_BITS {
        let square: U512 = mantissa.widening_mul(mantissa);
        let digit = square.bit(511);
        // The upper 256 of 512 bits, with the leading one on top.
        let kept: U512 = square.wrapping_shr(if digit { 256 } else { 255 });
        mantissa = U256::checked_from_limbs_slice(kept.as_limbs()).unwrap_or(U256::MAX);
        fraction = fraction.saturating_mul(2).saturating_add(i32::from(digit));
    }
    fraction
}

/// The same with 128 bits; `None` if what is cut off could change a digit.
fn fraction_narrow(number: u128) -> Option<i32> {
    // The true mantissa is not below `mantissa`, and less than `cut` above it.
    let mut mantissa = number.wrapping_shl(number.leading_zeros());
    let mut cut = 0_u128;
    let mut fraction = 0_i32;
    for _ in 0..FRACTION_BITS {
        let (high, low) = squared(mantissa);
        // (m + c)^2 = m^2 + 2*m*c + c^2, and both m and c are below 2^128: in units of the upper half, 2*c and one more
        // for what of c^2 and of the lower half reaches it.
        cut = cut.saturating_mul(2).saturating_add(2);
        let digit = high.leading_zeros() == 0;
        if digit {
            mantissa = high;
        } else if high.saturating_add(cut).leading_zeros() == 0 {
            return None;
        } else {
            mantissa = high.wrapping_shl(1) | low.wrapping_shr(127);
            cut = cut.saturating_mul(2);
        }
        fraction = fraction.saturating_mul(2).saturating_add(i32::from(digit));
    }
    Some(fraction)
}

/// The upper and the lower half of a square.
fn squared(number: u128) -> (u128, u128) {
    let halves = (number.wrapping_shr(64), number & u128::from(u64::MAX));
    // Products of two numbers of 64 bits.
    let (high, middle, low) = (
        halves.0.wrapping_mul(halves.0),
        halves.0.wrapping_mul(halves.1),
        halves.1.wrapping_mul(halves.1),
    );
    let (low, carries) = low.overflowing_add(middle.wrapping_shl(65));
    let high = high.wrapping_add(middle.wrapping_shr(63));
    (high.wrapping_add(u128::from(carries)), low)
}

impl fmt::Display for PriceTick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tick {}", self.0)
    }
}

#[cfg(test)]
mod tests;
