//! `a * b / c` with a product of 512 bits: nothing is lost before the one division, and its direction is
//! in the name. Rounding goes against whoever chose the moment, so callers name it every time.

use alloy_primitives::{U256, U512};

use crate::NumberError;

/// `floor(a * b / c)`.
pub fn mul_div_down(a: U256, b: U256, c: U256) -> Result<U256, NumberError> {
    narrow(divide(a, b, c)?.0)
}

/// `ceil(a * b / c)`.
pub fn mul_div_up(a: U256, b: U256, c: U256) -> Result<U256, NumberError> {
    let (quotient, remainder) = divide(a, b, c)?;
    // The quotient is at most (2^256 - 1)^2, far from the edge of 512 bits.
    narrow(quotient.saturating_add(U512::from(!remainder.is_zero())))
}

fn divide(a: U256, b: U256, c: U256) -> Result<(U512, U512), NumberError> {
    if c.is_zero() {
        return Err(NumberError::DividedByZero(a.saturating_mul(b)));
    }
    let product: U512 = a.widening_mul(b);
    Ok(product.div_rem(U512::from(c)))
}

fn narrow(wide: U512) -> Result<U256, NumberError> {
    U256::checked_from_limbs_slice(wide.as_limbs()).ok_or(NumberError::TooLarge {
        kind: "256-bit quotient",
        value: U256::MAX,
        max: U256::MAX,
    })
}
