//! Storage of `backstop`. Shares are with their token.

use capstan_state::{Layout, Map, Record, Value};
use capstan_units::{AssetId, Assets};

/// What a stake has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Stake {
    /// Its units in the pot, rewards that have not flowed included.
    pub(super) units: Assets,
    /// The rewards that flow from `reward_since_ms` to `reward_end_ms`.
    pub(super) reward: Assets,
    /// Which shares count, from one on. Zero where there is no stake.
    pub(super) generation: u32,
    /// When the rewards began to flow.
    pub(super) reward_since_ms: u64,
    /// When all of them have.
    pub(super) reward_end_ms: u64,
    /// Until when staking waits for unsold goods.
    pub(super) staking_from_ms: u64,
    /// Kinds of goods that are unsold.
    pub(super) lots: u16,
    /// Verbs that are paused: a set of [`Pause`](super::Pause) bits.
    pub(super) paused: u8,
}

/// Everything that may be tuned in one stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub struct Params {
    /// Most assets to which a deposit may bring the stake; [`CAP_MAX`](super::CAP_MAX).
    pub cap: Assets,
    /// From a request to the moment when its shares can leave; [`COOLDOWN_MS`](super::COOLDOWN_MS).
    pub cooldown_ms: u64,
    /// From then until the request lapses; [`WINDOW_MS`](super::WINDOW_MS).
    pub window_ms: u64,
    /// The time over which a reward flows; [`REWARD_MS`](super::REWARD_MS).
    pub reward_ms: u64,
    /// The time within which the price of goods falls; [`SALE_MS`](super::SALE_MS).
    pub sale_ms: u64,
    /// Where it begins, in hundredths of a percent; [`START_BPS`](super::START_BPS).
    pub sale_start_bps: u16,
    /// Where it ends; [`FLOOR_BPS`](super::FLOOR_BPS).
    pub sale_floor_bps: u16,
}

/// Goods of one kind that a stake sells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Lot {
    /// How much is left.
    pub(super) goods: Assets,
    /// When its price began to fall.
    pub(super) began_ms: u64,
}

/// Everything that `backstop` stores.
#[derive(Layout)]
pub(crate) struct BackstopState {
    /// Stakes, by asset.
    #[tag(1)]
    pub(super) stakes: Map<AssetId, Record<Stake>>,
    /// Parameters in force, or that were until the next ones count.
    #[tag(2)]
    pub(super) configs: Map<AssetId, Record<Params>>,
    /// Parameters that follow.
    #[tag(3)]
    pub(super) next_configs: Map<AssetId, Record<Params>>,
    /// When they do; zero if none do.
    #[tag(4)]
    pub(super) next_from_ms: Map<AssetId, Value<u64>>,
    /// Goods on sale, by stake and kind.
    #[tag(5)]
    pub(super) lots: Map<(AssetId, AssetId), Record<Lot>>,
}
