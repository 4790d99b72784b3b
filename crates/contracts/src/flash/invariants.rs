//! What must hold between transactions, as code over a read-only view.

use capstan_state::{Ctx, Halt};

use super::{params::FEE_BPS_MAX, state::FlashState};

/// Checks what `flash` stores; `cx` is its own frame. Answers the invariant that does not hold.
///
/// FLASH-1 and FLASH-4 speak of one call, so they are checked around calls, by the tests.
///
/// # Errors
/// The store's.
pub fn check(cx: &mut Ctx<'_>) -> Result<Option<&'static str>, Halt> {
    let state = FlashState::new();
    if state.fee_bps.load(cx)? > FEE_BPS_MAX {
        return Ok(Some("the fee is within its range"));
    }
    if state.running.check(cx).is_err() {
        return Ok(Some("FLASH-3: no loan runs between calls"));
    }
    Ok(None)
}
