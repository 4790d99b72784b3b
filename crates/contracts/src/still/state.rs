//! Storage of `still`. Blocks that follow a stop write it; everybody else reads, so no two transactions wait for each other here.

use capstan_state::{Layout, Map, Record, Value};

/// A time that counts in no window: from the last block before it to a minute behind the first after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Stop {
    /// From when.
    pub(super) from_ms: u64,
    /// Until when.
    pub(super) to_ms: u64,
    /// How long all stops before it are together.
    pub(super) before_ms: u64,
}

/// Everything that `still` stores.
#[derive(Layout)]
pub(crate) struct StillState {
    /// How many stops there were.
    #[tag(1)]
    pub(super) stop_count: Value<u64>,
    /// Each of them; they count from one.
    #[tag(2)]
    pub(super) stops: Map<u64, Record<Stop>>,
}
