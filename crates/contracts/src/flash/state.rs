//! Storage of `flash`.

use alloy_primitives::Address;
use capstan_state::{Layout, Lock, Map, Value};

/// Everything that `flash` stores.
#[derive(Layout)]
pub(crate) struct FlashState {
    /// Fee in hundredths of a percent, of tokens without one of their own.
    #[tag(1)]
    pub(super) fee_bps: Value<u16>,
    /// Held while a loan of a token runs (FLASH-3).
    #[tag(2)]
    pub(super) running: Map<Address, Lock>,
    /// Fee of a token in hundredths of a percent, plus one.
    #[tag(3)]
    pub(super) fee_bps_of: Map<Address, Value<u16>>,
}
