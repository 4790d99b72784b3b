//! Storage of `lending`.

use capstan_state::{Balance, Layout, Map, Record, Total, Transient, Value};
use capstan_units::{AccountId, AssetId, Assets, Bps, DebtShares, Ray, Shares};

/// How far a market has accrued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Market {
    /// What a share is worth. Zero where there is no market.
    pub(super) supply_index: Ray,
    /// What a debt share owes.
    pub(super) borrow_index: Ray,
    /// Until when.
    pub(super) accrued_ms: u64,
    /// The adaptive model's rate at its target utilisation.
    pub(super) target_rate: Ray,
    /// Verbs that are paused: a set of [`Pause`](super::Pause) bits.
    pub(super) paused: u8,
}

/// What the owner sets, and what follows a day later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Config {
    /// Most assets that may be supplied.
    pub(super) supply_cap: Assets,
    /// Most assets that may be owed.
    pub(super) borrow_cap: Assets,
    /// Part of interest that goes to the reserve.
    pub(super) reserve_factor: Bps,
    /// Number of the rate model.
    pub(super) model: u8,
    /// Kinked: the rate without borrowers, per year.
    pub(super) base_bps: u32,
    /// Kinked: what it rises by up to the kink.
    pub(super) slope1_bps: u32,
    /// Kinked: what it rises by beyond.
    pub(super) slope2_bps: u32,
    /// Kinked: utilisation at the kink.
    pub(super) optimal_bps: u32,
}

/// Everything that `lending` stores.
#[derive(Layout)]
pub(crate) struct LendingState {
    /// Markets, by asset.
    #[tag(1)]
    pub(super) markets: Map<AssetId, Record<Market>>,
    /// Parameters in force.
    #[tag(2)]
    pub(super) configs: Map<AssetId, Record<Config>>,
    /// Parameters that follow.
    #[tag(3)]
    pub(super) next_configs: Map<AssetId, Record<Config>>,
    /// When they do; zero if none do.
    #[tag(4)]
    pub(super) next_from_ms: Map<AssetId, Value<u64>>,
    /// Shares of each account.
    #[tag(5)]
    pub(super) shares: Map<(AssetId, AccountId), Balance<Shares>>,
    /// Shares of all accounts together.
    #[tag(6)]
    pub(super) total_shares: Map<AssetId, Total<Shares>>,
    /// Debt shares of each account.
    #[tag(7)]
    pub(super) debts: Map<(AssetId, AccountId), Balance<DebtShares>>,
    /// Debt shares of all accounts together.
    #[tag(8)]
    pub(super) total_debts: Map<AssetId, Total<DebtShares>>,
    /// Part of every supply that lenders lost so far, by losses that they bore.
    #[tag(9)]
    pub(super) haircuts: Map<AssetId, Value<Ray>>,
    /// Fees of flash loans that the next accrual shares out.
    #[tag(10)]
    pub(super) fees: Map<AssetId, Total>,
    /// Cash that flash loans have out; zero between transactions.
    #[tag(11)]
    pub(super) out: Map<AssetId, Transient<Assets>>,
}
