//! Storage of `streams`.

use capstan_state::{Balance, Layout, List, Map, Record, Value};
use capstan_units::{AccountId, AssetId, Assets, StreamId};

use super::ASSIGNED_MAX;

/// Whose a stream is. A stream that does not exist has the zero address as its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Stream {
    /// To whom it flows.
    pub(super) owner: AccountId,
    /// What flows.
    pub(super) asset: AssetId,
    /// Whether amounts flow when they are paid in, instead of by time.
    pub(super) is_settled: bool,
    /// Whether the payer gave up stopping it.
    pub(super) is_final: bool,
    /// Whether a wallet pays, that of `payer.owner`, instead of an account.
    pub(super) is_from_wallet: bool,
    /// Whether the payer stopped it.
    pub(super) is_stopped: bool,
    /// Who opened it, and may stop it.
    pub(super) payer: AccountId,
    /// Whose debt it pays; the zero address where none.
    pub(super) assigned: AccountId,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Flow {
    /// Units that flow per period.
    pub(super) rate: Assets,
    /// All that was paid in, less what was returned.
    pub(super) paid: Assets,
    /// What had flowed at `since_ms`.
    pub(super) base: Assets,
    /// What was paid out of it.
    pub(super) collected: Assets,
    /// Since when it flows.
    pub(super) since_ms: u64,
    /// Before this time nothing is due.
    pub(super) cliff_ms: u64,
    /// The time in which `rate` flows. Zero where amounts are settled.
    pub(super) period_ms: u64,
}

/// One place in an account's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Pledge {
    /// Which stream.
    pub(super) stream: StreamId,
    /// What flows in it.
    pub(super) asset: AssetId,
}

/// Everything that `streams` stores.
#[derive(Layout)]
pub(crate) struct StreamsState {
    /// Streams opened so far.
    #[tag(1)]
    pub(super) stream_count: Value<u64>,
    /// Whose each is.
    #[tag(2)]
    pub(super) streams: Map<StreamId, Record<Stream>>,
    /// How far each has come.
    #[tag(3)]
    pub(super) flows: Map<StreamId, Record<Flow>>,
    /// What a stopped stream owes its payer's wallet.
    #[tag(4)]
    pub(super) returnable: Map<StreamId, Balance>,
    /// Streams that pay the debts of an account (STR-9).
    #[tag(5)]
    pub(super) pledges: Map<AccountId, List<Pledge, ASSIGNED_MAX>>,
}
