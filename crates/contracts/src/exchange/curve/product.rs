//! Constant product: `x * y` never falls.
//!
//! ```text
//!   out = floor(y * a / (x + a)),  a = in * (1 - fee)         to the unit Uniswap v2's, at its fee
//!   in  = ceil(x * out / ((y - out) * (1 - fee)))
//! ```

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{mul_div_down, mul_div_up};

use super::{add, mul, sub};
use crate::exchange::params::PIPS;

/// What `amount_in` buys.
pub(in crate::exchange) fn out_down(
    reserve_in: U256,
    reserve_out: U256,
    amount_in: U256,
    fee_pips: u32,
) -> Result<U256, Halt> {
    let after_fee = mul(amount_in, sub(PIPS, U256::from(fee_pips))?)?;
    let whole = add(mul(reserve_in, PIPS)?, after_fee)?;
    Ok(mul_div_down(reserve_out, after_fee, whole)?)
}

/// The least that buys `amount_out`, which is less than `reserve_out`.
pub(in crate::exchange) fn in_up(
    reserve_in: U256,
    reserve_out: U256,
    amount_out: U256,
    fee_pips: u32,
) -> Result<U256, Halt> {
    let left = sub(reserve_out, amount_out)?;
    let divisor = mul(left, sub(PIPS, U256::from(fee_pips))?)?;
    Ok(mul_div_up(mul(reserve_in, amount_out)?, PIPS, divisor)?)
}

#[cfg(test)]
mod tests;
