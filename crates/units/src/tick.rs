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
    /// Digit by digit: squaring a number in [1, 2) doubles its logarithm, and whether the square reaches 2 is
    /// the next binary digit. Only powers of two lie on a tick, since no other root of two is a whole number.
    /// 256 bits are kept, so that what is cut off in all steps together stays below 2^-238 of the price.
    fn parts(price: Price) -> Option<(i32, bool)> {
        let whole = price.get().checked_ilog2()?;
        let shift = usize::try_from(u32::from(u8::MAX).saturating_sub(whole)).ok()?;
        let mut mantissa = price.to_u256().wrapping_shl(shift);
        let exact = price.get().is_power_of_two();
        let mut tick = i32::try_from(whole).ok()?;
        for _ in 0..FRACTION_BITS {
            let square: U512 = mantissa.widening_mul(mantissa);
            let digit = square.bit(511);
            // The upper 256 of 512 bits, with the leading one on top.
            let kept: U512 = square.wrapping_shr(if digit { 256 } else { 255 });
            mantissa = U256::checked_from_limbs_slice(kept.as_limbs()).unwrap_or(U256::MAX);
            tick = tick.saturating_mul(2).saturating_add(i32::from(digit));
        }
        Some((tick, exact))
    }
}

impl fmt::Display for PriceTick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tick {}", self.0)
    }
}
