//! Storage of `oracle`. One feed's price is two words, so that reading a price is two loads.

use alloy_primitives::{Address, U256};
use capstan_state::{Layout, List, Map, Record, Text, Value};
use capstan_units::{AssetId, Price};

use super::{
    feed::Feed,
    params::{DESCRIPTION_BYTES_MAX, FeedParams, REPORTERS_MAX},
};

/// Everything that `oracle` stores.
#[derive(Layout)]
pub(crate) struct OracleState {
    /// Reporters, with or without the role.
    #[tag(1)]
    pub(super) reporters: List<Address, REPORTERS_MAX>,
    /// Bit `n` is set if asset `n` has a feed.
    #[tag(2)]
    pub(super) listed: Value<U256>,
    /// The price of each asset, and what readers must know about it.
    #[tag(3)]
    pub(super) feeds: Map<AssetId, Record<Feed>>,
    /// What the next round of each asset must know besides.
    #[tag(4)]
    pub(super) trails: Map<AssetId, Record<Trail>>,
    /// Growth caps, of rates only.
    #[tag(5)]
    pub(super) ceilings: Map<AssetId, Record<Ceiling>>,
    /// Parameters.
    #[tag(6)]
    pub(super) params: Map<AssetId, Record<FeedParams>>,
    /// Parameters that replace them.
    #[tag(7)]
    pub(super) next_params: Map<AssetId, Record<FeedParams>>,
    /// When they do; zero if nothing is planned.
    #[tag(8)]
    pub(super) next_from_ms: Map<AssetId, Value<u64>>,
    /// What each feed prices, for people.
    #[tag(9)]
    pub(super) descriptions: Map<AssetId, Text<DESCRIPTION_BYTES_MAX>>,
    /// The latest observation of each reporter.
    #[tag(10)]
    pub(super) observations: Map<(AssetId, Address), Record<Observation>>,
    /// The latest report of each reporter.
    #[tag(11)]
    pub(super) spoken: Map<Address, Record<Spoken>>,
}

/// What a reporter said last of one asset. Never is all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Observation {
    /// What he observed.
    pub(super) price: Price,
    /// Half the width of what he finds plausible.
    pub(super) confidence_bps: u16,
    /// When.
    pub(super) time_ms: u64,
}

/// The latest report of a reporter that counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Spoken {
    /// Its round.
    pub(super) round: u64,
    /// Its time.
    pub(super) time_ms: u64,
}

/// What the next round of an asset must know besides its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Trail {
    /// The level on trial: the latest of the medians outside the band that agree with each other.
    pub(super) trial_price: Price,
    /// The newest observation that confirmed it.
    pub(super) trial_ms: u64,
    /// How many rounds confirmed it; zero is no trial.
    pub(super) trial_rounds: u8,
    /// The latest median, accepted or not.
    pub(super) median: Price,
    /// Since when the median has been exactly this.
    pub(super) changed_ms: u64,
    /// How many prices were accepted.
    pub(super) round: u64,
}

/// How high a rate can have accrued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Ceiling {
    /// The highest price at `time_ms`.
    pub(super) price: Price,
    /// When it was drawn.
    pub(super) time_ms: u64,
}
