//! Ratios on a logarithmic scale of integers: what smoothed prices are made of.

use core::fmt;

use alloy_primitives::{U256, uint};

use crate::mul_div_down;

/// Binary digits behind the point.
const FRACTION_BITS: u32 = 16;
/// One doubling.
const DOUBLE: i32 = 1 << FRACTION_BITS;
/// Where the point lies in a ratio before its logarithm is taken: two amounts below 2^112 leave at least 31 digits.
const RATIO_BITS: i32 = 143;
/// Where it lies in [`LogRatio::x96`].
const X96_BITS: i32 = 96;

/// `2^(2^-i) * 2^127` for i from 1, rounded down: a power of two by the binary digits of its exponent.
const ROOTS_OF_TWO: [U256; 16] = uint!([
    0xb504f333f9de6484597d89b3754abe9f_U256,
    0x9837f0518db8a96f46ad23182e42f6f6_U256,
    0x8b95c1e3ea8bd6e6fbe4628758a53c90_U256,
    0x85aac367cc487b14c5c95b8c2154c1b2_U256,
    0x82cd8698ac2ba1d73e2a475b46520bff_U256,
    0x8164d1f3bc0307737be56527bd14def4_U256,
    0x80b1ed4fd999ab6c25335719b6e6fd20_U256,
    0x8058d7d2d5e5f6b094d589f608ee4aa2_U256,
    0x802c6436d0e04f50ff8ce94a6797b3ce_U256,
    0x8016302f174676283690dfe44d11d008_U256,
    0x800b179c82028fd0945e54e2ae18f2f0_U256,
    0x80058baf7fee3b5d1c718b38e549cb93_U256,
    0x8002c5d00fdcfcb6b6566a58c048be1f_U256,
    0x800162e61bed4a48e84c2e1a463473d9_U256,
    0x8000b17292f702a3aa22beacca949013_U256,
    0x800058b92abbae02030c5fa5256f41fe_U256,
]);

/// A ratio as `log2(ratio) * 2^16`, an integer: one step is about 0.001 %.
///
/// A mean of such numbers is the logarithm of a geometric mean. It is the same seen from both sides of a pair, and
/// whoever wants to double it needs the double for the whole time, or four times for half of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogRatio(i32);

impl LogRatio {
    /// The largest ratio whose logarithm is taken: 2^112. Its reciprocal is the smallest.
    pub const MAX: Self = Self(112 * DOUBLE);
    /// The smallest.
    pub const MIN: Self = Self(-112 * DOUBLE);

    /// The number of these units, brought into range.
    pub fn clamped(units: i64) -> Self {
        let inside = units.clamp(i64::from(Self::MIN.0), i64::from(Self::MAX.0));
        Self(i32::try_from(inside).unwrap_or_default())
    }

    /// The highest step at or below `part / whole`, brought into range. A higher ratio never has a lower step.
    pub fn of_down(part: U256, whole: U256) -> Self {
        let point = U256::ONE.wrapping_shl(143);
        match mul_div_down(part, point, whole) {
            Ok(ratio) => Self::of_fixed_down(ratio, RATIO_BITS),
            Err(_) => Self::MAX,
        }
    }

    /// The same of a binary fraction: `value / 2^point_bits`.
    pub fn of_fixed_down(value: U256, point_bits: i32) -> Self {
        match log2_down(value, FRACTION_BITS) {
            Some(log) => {
                let point = i64::from(point_bits).saturating_mul(i64::from(DOUBLE));
                Self::clamped(log.saturating_sub(point))
            }
            None => Self::MIN,
        }
    }

    /// The step as an integer.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The ratio again, times 2^96: below it by less than 2^-120 of it and one unit.
    pub fn x96(self) -> U256 {
        let (whole, digits) = (self.0.div_euclid(DOUBLE), self.0.rem_euclid(DOUBLE));
        let mut mantissa = U256::ONE.wrapping_shl(127);
        for (place, root) in (1..=FRACTION_BITS).zip(ROOTS_OF_TWO) {
            let digit = FRACTION_BITS.saturating_sub(place);
            if digits.checked_shr(digit).unwrap_or_default() & 1 == 1 {
                // Two factors below 2^128 each.
                mantissa = mantissa.wrapping_mul(root).wrapping_shr(127);
            }
        }
        let shift = whole.saturating_add(X96_BITS).saturating_sub(127);
        let places = usize::try_from(shift.unsigned_abs()).unwrap_or(usize::MAX);
        if shift < 0 {
            mantissa.wrapping_shr(places)
        } else {
            // At most 2^(112 + 96 + 1).
            mantissa.wrapping_shl(places)
        }
    }
}

impl fmt::Display for LogRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2^({} / 65536)", self.0)
    }
}

/// `floor(log2(value) * 2^fraction_bits)` of the first 64 digits; `None` for zero.
///
/// Squaring a number in [1, 2) doubles its logarithm, and whether the square reaches 2 is the next binary digit.
pub(crate) fn log2_down(value: U256, fraction_bits: u32) -> Option<i64> {
    let whole = value.bit_len().checked_sub(1)?;
    let top = if whole > 63 {
        value.wrapping_shr(whole.saturating_sub(63))
    } else {
        value.wrapping_shl(63_usize.saturating_sub(whole))
    };
    let mut mantissa = u64::try_from(top).ok()?;
    let mut log = i64::try_from(whole).ok()?;
    for _ in 0..fraction_bits {
        // 64 digits squared are 127 or 128.
        let square = u128::from(mantissa).wrapping_mul(u128::from(mantissa));
        let digit = square >> 127;
        let (high, _) = halves(if digit == 1 { square } else { square << 1 });
        mantissa = high;
        log = (log << 1) | i64::from(digit == 1);
    }
    Some(log)
}

/// The upper and the lower 64 digits.
fn halves(value: u128) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h, low @ ..] = value.to_be_bytes();
    let high = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    (high, u64::from_be_bytes(low))
}

#[cfg(test)]
mod tests;
