//! Prices at the edges of ranges: `1.0001^tick`, kept as square roots with 96 binary digits behind the point.
//!
//! ```text
//!   sqrt_price_at(tick) = sqrt(1.0001)^tick * 2^96, rounded up
//!   tick_at(root)       = the highest tick whose root is at or below it
//! ```

use alloy_primitives::{U128, U256, uint};

use crate::{NumberError, log_ratio::log2_down};

/// The highest tick; minus this is the lowest. Beyond it a root would need more than 160 digits.
pub const TICK_MAX: i32 = 887_272;
/// Root of the lowest tick's price.
pub const SQRT_PRICE_MIN: U256 = uint!(4_295_128_739_U256);
/// Root of the highest tick's price.
pub const SQRT_PRICE_MAX: U256 =
    uint!(1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342_U256);

/// `sqrt(1.0001)^-(2^i) * 2^128` for i from 0, to the nearest: a power by the binary digits of its exponent.
const POWERS: [U128; 20] = uint!([
    0xfffcb933bd6fad37aa2d162d1a594001_U128,
    0xfff97272373d413259a46990580e213a_U128,
    0xfff2e50f5f656932ef12357cf3c7fdcc_U128,
    0xffe5caca7e10e4e61c3624eaa0941cd0_U128,
    0xffcb9843d60f6159c9db58835c926644_U128,
    0xff973b41fa98c081472e6896dfb254c0_U128,
    0xff2ea16466c96a3843ec78b326b52861_U128,
    0xfe5dee046a99a2a811c461f1969c3053_U128,
    0xfcbe86c7900a88aedcffc83b479aa3a4_U128,
    0xf987a7253ac413176f2b074cf7815e54_U128,
    0xf3392b0822b70005940c7a398e4b70f3_U128,
    0xe7159475a2c29b7443b29c7fa6e889d9_U128,
    0xd097f3bdfd2022b8845ad8f792aa5825_U128,
    0xa9f746462d870fdf8a65dc1f90e061e5_U128,
    0x70d869a156d2a1b890bb3df62baf32f7_U128,
    0x31be135f97d08fd981231505542fcfa6_U128,
    0x9aa508b5b7a84e1c677de54f3e99bc9_U128,
    0x5d6af8dedb81196699c329225ee604_U128,
    0x2216e584f5fa1ea926041bedfe98_U128,
    0x48a170391f7dc42444e8fa2_U128,
]);

/// `2^40 / (2^16 * log2(1.0001))`, rounded down: ticks in a step of 2^-16 of a price's logarithm.
const TICKS_PER_STEP_X40: i64 = 116_296_614_123;
/// Binary digits behind the point of the logarithm that a tick is found by.
const LOG_BITS: u32 = 22;
/// How far a tick that is computed by its logarithm may be from the true one, times 2^40: a hundred times what rounding of
/// the constant (10^-5 of a tick at the ends), of the logarithm and of [`sqrt_price_at`] come to together.
const DOUBT_X40: i64 = 1 << 30;

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
    let mut root = shrunk(distance);
    if tick > 0 {
        root = U256::MAX.wrapping_div(root);
    }
    let (kept, cut) = (root.wrapping_shr(32), root & U256::from(u32::MAX));
    Ok(kept.saturating_add(U256::from(!cut.is_zero())))
}

/// `sqrt(1.0001)^-distance * 2^128`: a product of the powers that the digits of the distance name, rounded down after each.
fn shrunk(distance: u32) -> U256 {
    let mut rest = distance;
    let mut root: Option<U128> = None;
    for power in POWERS {
        if rest & 1 == 1 {
            root = Some(root.map_or(power, |root| upper_half(root.widening_mul(power))));
        }
        rest >>= 1;
        if rest == 0 {
            break;
        }
    }
    root.map_or(U256::from_limbs([0, 0, 1, 0]), U256::from)
}

/// The upper 128 binary digits.
const fn upper_half(wide: U256) -> U128 {
    let [_, _, low, high] = *wide.as_limbs();
    U128::from_limbs([low, high])
}

/// The highest tick whose root is at or below `root`.
///
/// Its logarithm says between which ticks a root is; only where that is in doubt, at one root in two hundred, the root of a
/// tick decides.
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
    // Ticks of twice the logarithm of a root: below 2^20 ticks with 40 digits, so below 2^60.
    let point = 96 << LOG_BITS;
    let log = log2_down(root, LOG_BITS).unwrap_or_default();
    let ticks_x40 = |log: i64| {
        let wide = i128::from(log).wrapping_mul(i128::from(TICKS_PER_STEP_X40));
        i64::try_from(wide >> (LOG_BITS - 17)).unwrap_or_default()
    };
    let log = log.wrapping_sub(point);
    let tick = |x40: i64| {
        let tick = i32::try_from(x40 >> 40).unwrap_or_default();
        tick.clamp(TICK_MAX.wrapping_neg(), TICK_MAX)
    };
    let low = tick(ticks_x40(log).wrapping_sub(DOUBT_X40));
    let high = tick(ticks_x40(log.wrapping_add(1)).wrapping_add(DOUBT_X40));
    if low == high || sqrt_price_at(high)? > root {
        return Ok(low);
    }
    Ok(high)
}

#[cfg(test)]
mod tests;
