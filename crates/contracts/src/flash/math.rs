//! Fees. Pure; all rounding of `flash` is here.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::mul_div_up;

/// A whole, in hundredths of a percent.
const BPS: U256 = U256::from_limbs([10_000, 0, 0, 0]);

/// Fee of a loan; the borrower pays the odd unit.
pub(super) fn fee_up(amount: U256, fee_bps: u16) -> Result<U256, Halt> {
    Ok(mul_div_up(amount, U256::from(fee_bps), BPS)?)
}
