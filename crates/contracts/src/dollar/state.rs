//! Storage of `dollar`.

use alloy_primitives::Address;
use capstan_state::{Balance, Layout, Map, Record, Total, Value};
use capstan_units::{AccountId, AssetId, Assets, Bps, DebtShares, Ray};

/// How far the dollar has accrued, and what stands beside the debts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Book {
    /// What a debt share owes. Zero while the dollar is not open.
    pub(super) borrow_index: Ray,
    /// Until when fees and savings are accrued.
    pub(super) accrued_ms: u64,
    /// The dollar's number in the ledger.
    pub(super) asset_id: AssetId,
    /// Verbs that are paused: a set of [`Pause`](super::Pause) bits.
    pub(super) paused: u8,
    /// What a share of savings is worth.
    pub(super) savings_index: Ray,
    /// Dollars in the pot of savings.
    pub(super) savings: Assets,
    /// Fee income that is left.
    pub(super) surplus: Assets,
    /// Dollars that stand against nothing.
    pub(super) hole: Assets,
}

/// What the owner sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Config {
    /// Stability fee per year.
    pub(super) stability_bps: u32,
    /// Savings rate per year.
    pub(super) savings_bps: u32,
    /// Part of a redemption that its debtor keeps.
    pub(super) redemption_fee: Bps,
    /// Time in which the headroom refills from nothing, in seconds.
    pub(super) refill_s: u32,
    /// Most that all may owe together.
    pub(super) ceiling: Assets,
    /// Most that may be minted at once.
    pub(super) headroom: Assets,
    /// Least amount of a request.
    pub(super) redemption_min: Assets,
    /// Surplus that savings do not touch.
    pub(super) surplus_floor: Assets,
}

/// What the owner sets for a foreign dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct PegConfig {
    /// Most of it that may be held, at par.
    pub(super) cap: Assets,
    /// Most that may come in at once, at par.
    pub(super) headroom: Assets,
    /// Fee of a swap in.
    pub(super) fee_in: Bps,
    /// Fee of a swap out.
    pub(super) fee_out: Bps,
    /// How far below a dollar it may be worth when it comes in.
    pub(super) tolerance: Bps,
    /// Time in which the headroom refills from nothing, in seconds.
    pub(super) refill_s: u32,
    /// Whether it is listed: storage without one reads as all zeros.
    pub(super) is_listed: bool,
}

/// How much of a headroom is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Used {
    /// How much was, at `at_ms`.
    pub(super) amount: Assets,
    /// When.
    pub(super) at_ms: u64,
}

/// A request in the queue: a link of a list in both directions. Ids count from one; zero is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Request {
    /// Where the goods go; its owner may cancel.
    pub(super) account: AccountId,
    /// The request behind it.
    pub(super) next: u64,
    /// What is left of it. Zero while there is no such request.
    pub(super) left: Assets,
    /// The request before it.
    pub(super) previous: u64,
    /// When it was made.
    pub(super) time_ms: u64,
}

/// Both ends of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Ends {
    /// The request that is served next; zero if none waits.
    pub(super) first: u64,
    /// The request that came last; zero if none waits.
    pub(super) last: u64,
    /// How many were ever made: the id of the newest.
    pub(super) made: u64,
}

/// Everything that `dollar` stores.
#[derive(Layout)]
pub(crate) struct DollarState {
    /// How far it has accrued.
    #[tag(1)]
    pub(super) book: Record<Book>,
    /// The token.
    #[tag(2)]
    pub(super) token: Value<Address>,
    /// Parameters in force.
    #[tag(3)]
    pub(super) config: Record<Config>,
    /// Parameters that follow.
    #[tag(4)]
    pub(super) next_config: Record<Config>,
    /// When they do; zero if none do.
    #[tag(5)]
    pub(super) next_from_ms: Value<u64>,
    /// Debt shares of each account.
    #[tag(6)]
    pub(super) debts: Map<AccountId, Balance<DebtShares>>,
    /// Debt shares of all accounts together.
    #[tag(7)]
    pub(super) total_debts: Total<DebtShares>,
    /// Headroom of debts.
    #[tag(8)]
    pub(super) used: Record<Used>,
    /// Foreign dollars: parameters in force.
    #[tag(9)]
    pub(super) pegs: Map<AssetId, Record<PegConfig>>,
    /// Parameters that follow.
    #[tag(10)]
    pub(super) next_pegs: Map<AssetId, Record<PegConfig>>,
    /// When they do; zero if none do.
    #[tag(11)]
    pub(super) next_pegs_from_ms: Map<AssetId, Value<u64>>,
    /// What is held of each, in its own units.
    #[tag(12)]
    pub(super) reserves: Map<AssetId, Balance>,
    /// Headroom of each.
    #[tag(13)]
    pub(super) pegs_used: Map<AssetId, Record<Used>>,
    /// Requests by id.
    #[tag(14)]
    pub(super) requests: Map<u64, Record<Request>>,
    /// Where the queue begins and ends.
    #[tag(15)]
    pub(super) ends: Record<Ends>,
    /// Dollars that wait in it.
    #[tag(16)]
    pub(super) escrow: Total,
}
