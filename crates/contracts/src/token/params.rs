//! What bounds tokens. Protocol constants: nobody changes them.

/// Role that mints.
pub const MINT: u32 = 1;
/// Role that burns its holder's tokens, or others' by allowance.
pub const BURN: u32 = 2;

/// Most decimals: beyond it one whole token does not fit the width of amounts.
pub(super) const DECIMALS_MAX: u8 = 30;
/// Longest name, in bytes.
pub(super) const NAME_BYTES_MAX: u32 = 64;
/// Longest symbol, in bytes.
pub(super) const SYMBOL_BYTES_MAX: u32 = 32;
