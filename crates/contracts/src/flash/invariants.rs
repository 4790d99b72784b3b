//! What must hold between transactions, as code over a world that is only looked at.
//!
//! FLASH-1 to FLASH-4 speak of single calls, so the tests check them around calls.

use capstan_state::{Ctx, View};

use super::{params::FEE_BPS_MAX, state::FlashState};
use crate::invariant::{Broken, holds};

/// Checks what `flash` stores.
pub(super) fn check(_: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let fee_bps = FlashState::new().fee_bps.load(cx)?;
    holds(fee_bps <= FEE_BPS_MAX, "FLASH-5", || {
        format!("the fee is {fee_bps} hundredths of a percent")
    })
}
