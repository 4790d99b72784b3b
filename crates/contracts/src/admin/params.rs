//! What bounds administration itself. Protocol constants: nobody changes them.

/// Longest delay between a grant and its effect: 90 days. Longer ones would lock a scope by mistake.
pub(super) const DELAY_MS_MAX: u64 = 90 * 24 * 60 * 60 * 1000;

/// The expiry of a grant that never expires.
pub(super) const NEVER_MS: u64 = u64::MAX;

/// Role that stops verbs of a scope in an emergency, and lets none go on: the same number in every scope.
pub const GUARD: u32 = 1;
