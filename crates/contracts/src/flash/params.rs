//! What may be tuned. Both ends of every range are here, and who may move it.

use alloy_primitives::U256;
use capstan_state::Halt;

use super::error::FlashFeeTooHigh;
use crate::revert;

/// Highest fee: 1 %.
pub const FEE_BPS_MAX: u16 = 100;
/// Most tokens in one loan.
pub const TOKENS_MAX: usize = 8;

/// Everything that may be tuned, for all tokens or for one, by the owner of the scope `flash`, at once: a fee is read
/// and paid inside one call, so nobody holds a position that a change could surprise. No largest step, for the same
/// reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Fee, in hundredths of a percent of the amount; 0 to [`FEE_BPS_MAX`].
    pub fee_bps: u16,
}

impl Params {
    /// Refuses values out of range. Destructured whole, so that a new parameter does not compile until
    /// its range is stated here.
    pub(super) fn checked(self) -> Result<Self, Halt> {
        let Self { fee_bps } = self;
        if fee_bps > FEE_BPS_MAX {
            return Err(revert(&FlashFeeTooHigh {
                feeBps: U256::from(fee_bps),
                maxBps: U256::from(FEE_BPS_MAX),
            }));
        }
        Ok(self)
    }
}
