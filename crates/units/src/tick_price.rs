//! Prices at the edges of ranges: `1.0001^tick`, kept as square roots with 96 binary digits behind the point.
//!
//! ```text
//!   sqrt_price_at(tick) = sqrt(1.0001)^tick * 2^96, rounded up
//!   tick_at(root)       = the highest tick whose root is at or below it
//! ```

use alloy_primitives::{U256, uint};

use crate::{LogRatio, NumberError};

/// The highest tick; minus this is the lowest. Beyond it a root would need more than 160 digits.
pub const TICK_MAX: i32 = 887_272;
/// Root of the lowest tick's price.
pub const SQRT_PRICE_MIN: U256 = uint!(4_295_128_739_U256);
/// Root of the highest tick's price.
pub const SQRT_PRICE_MAX: U256 =
    uint!(1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342_U256);

/// `sqrt(1.0001)^-(2^i) * 2^128` for i from 0, to the nearest: a power by the binary digits of its exponent.
const POWERS: [U256; 20] = uint!([
    0xfffcb933bd6fad37aa2d162d1a594001_U256,
    0xfff97272373d413259a46990580e213a_U256,
    0xfff2e50f5f656932ef12357cf3c7fdcc_U256,
    0xffe5caca7e10e4e61c3624eaa0941cd0_U256,
    0xffcb9843d60f6159c9db58835c926644_U256,
    0xff973b41fa98c081472e6896dfb254c0_U256,
    0xff2ea16466c96a3843ec78b326b52861_U256,
    0xfe5dee046a99a2a811c461f1969c3053_U256,
    0xfcbe86c7900a88aedcffc83b479aa3a4_U256,
    0xf987a7253ac413176f2b074cf7815e54_U256,
    0xf3392b0822b70005940c7a398e4b70f3_U256,
    0xe7159475a2c29b7443b29c7fa6e889d9_U256,
    0xd097f3bdfd2022b8845ad8f792aa5825_U256,
    0xa9f746462d870fdf8a65dc1f90e061e5_U256,
    0x70d869a156d2a1b890bb3df62baf32f7_U256,
    0x31be135f97d08fd981231505542fcfa6_U256,
    0x9aa508b5b7a84e1c677de54f3e99bc9_U256,
    0x5d6af8dedb81196699c329225ee604_U256,
    0x2216e584f5fa1ea926041bedfe98_U256,
    0x48a170391f7dc42444e8fa2_U256,
]);

/// `2^40 / (2^16 * log2(1.0001))`, rounded down: ticks in a step of a [`LogRatio`].
const TICKS_PER_STEP_X40: i64 = 116_296_614_123;

/// Root of a tick's price, rounded up.
///
/// # Errors
/// The tick is beyond [`TICK_MAX`].
pub fn sqrt_price_at(tick: i32) -> Result<U256, NumberError> {
    let distance = tick.unsigned_abs();
    if distance > TICK_MAX.unsigned_abs() {
        return Err(NumberError::TooLarge {
            kind: "distance of a tick",
            value: U256::from(distance),
            max: U256::from(TICK_MAX),
        });
    }
    let mut root = U256::ONE.wrapping_shl(128);
    for (place, power) in (0_u32..).zip(POWERS) {
        if distance.checked_shr(place).unwrap_or_default() & 1 == 1 {
            // Two factors of at most 2^128 each.
            root = root.wrapping_mul(power).wrapping_shr(128);
        }
    }
    if tick > 0 {
        root = U256::MAX.wrapping_div(root);
    }
    let (kept, cut) = (root.wrapping_shr(32), root & U256::from(u32::MAX));
    Ok(kept.saturating_add(U256::from(!cut.is_zero())))
}

/// The highest tick whose root is at or below `root`.
///
/// The logarithm of the root is right to two steps, a fifth of a tick, so at most one tick is missing.
///
/// # Errors
/// The root is not in [[`SQRT_PRICE_MIN`], [`SQRT_PRICE_MAX`]).
pub fn tick_at(root: U256) -> Result<i32, NumberError> {
    if root >= SQRT_PRICE_MAX {
        return Err(NumberError::TooLarge {
            kind: "root of a price",
            value: root,
            max: SQRT_PRICE_MAX,
        });
    }
    if root < SQRT_PRICE_MIN {
        return Err(NumberError::BelowZero {
            kind: "root of a price",
            from: root,
            less: SQRT_PRICE_MIN,
        });
    }
    let log = LogRatio::of_fixed_down(root, 96);
    let ticks = i64::from(log.get())
        .saturating_mul(2)
        .saturating_mul(TICKS_PER_STEP_X40)
        .div_euclid(1 << 40);
    let lowest = TICK_MAX.saturating_neg();
    let guess = i32::try_from(ticks)
        .unwrap_or(lowest)
        .clamp(lowest, TICK_MAX.saturating_sub(1));
    let next = guess.saturating_add(1);
    if sqrt_price_at(next)? <= root {
        return Ok(next);
    }
    if sqrt_price_at(guess)? <= root {
        return Ok(guess);
    }
    Ok(guess.saturating_sub(1))
}

#[cfg(test)]
mod tests;
