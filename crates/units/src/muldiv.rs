//! `a * b / c` with a product of 512 bits: nothing is lost before the one division, and its direction is
//! in the name. Rounding goes against whoever chose the moment, so callers name it every time.

use alloy_primitives::{U256, U512};

use crate::NumberError;

/// `floor(a * b / c)`.
pub fn mul_div_down(a: U256, b: U256, c: U256) -> Result<U256, NumberError> {
    Ok(divide(a, b, c)?.0)
}

/// `ceil(a * b / c)`.
pub fn mul_div_up(a: U256, b: U256, c: U256) -> Result<U256, NumberError> {
    let (quotient, remainder) = divide(a, b, c)?;
    if remainder.is_zero() {
        return Ok(quotient);
    }
    quotient.checked_add(U256::ONE).ok_or(TOO_LARGE)
}

/// Quotient and remainder. Nearly every product fits 256 bits, and is divided in a fraction of the time that 512 take.
fn divide(a: U256, b: U256, c: U256) -> Result<(U256, U256), NumberError> {
    if c.is_zero() {
        return Err(NumberError::DividedByZero(a.saturating_mul(b)));
    }
    if let Some(product) = a.checked_mul(b) {
        return Ok(product.div_rem(c));
    }
    let product: U512 = a.widening_mul(b);
    let (quotient, remainder) = product.div_rem(U512::from(c));
    Ok((narrow(quotient)?, narrow(remainder)?))
}

fn narrow(wide: U512) -> Result<U256, NumberError> {
    U256::checked_from_limbs_slice(wide.as_limbs()).ok_or(TOO_LARGE)
}

const TOO_LARGE: NumberError = NumberError::TooLarge {
    kind: "256-bit quotient",
    value: U256::MAX,
    max: U256::MAX,
};
