//! Storage of `flash`.

use capstan_state::{Layout, Lock, Value};

/// Everything that `flash` stores.
#[derive(Layout)]
pub(crate) struct FlashState {
    /// Fee in hundredths of a percent.
    #[tag(1)]
    pub(super) fee_bps: Value<u16>,
    /// Held while a loan runs (FLASH-3).
    #[tag(2)]
    pub(super) running: Lock,
}
