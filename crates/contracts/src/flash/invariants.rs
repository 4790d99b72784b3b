//! What must hold between transactions, as code over a world that is only looked at.
//!
//! The others speak of single calls, so the tests check them around calls.

use capstan_state::{Ctx, View};

use super::{ADDRESS, params::FEE_BPS_MAX, state::FlashState};
use crate::invariant::{Broken, holds};

/// Checks what `flash` stores.
pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let state = FlashState::new();
    let fee_bps = state.fee_bps.load(cx)?;
    holds(fee_bps <= FEE_BPS_MAX, "FLASH-5", || {
        format!("the fee is {fee_bps} hundredths of a percent")
    })?;
    for (token, stored) in state.fee_bps_of.listed(world, ADDRESS)? {
        let fee_bps = stored.load(cx)?.saturating_sub(1);
        holds(fee_bps <= FEE_BPS_MAX, "FLASH-5", || {
            format!("the fee of {token} is {fee_bps} hundredths of a percent")
        })?;
    }
    Ok(())
}
