//! Storage of `income`. Shares are with their tokens, loans with `term`, titles and bonds with `machines`.

use alloy_primitives::Address;
use capstan_state::{Layout, List, Map, Record, Value};
use capstan_units::{AssetId, Assets, StreamId};

use super::{DEBTORS_MAX, MARKETS_MAX, TOP};

/// A market, beside what its tranches own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Market {
    /// Whether it is open.
    pub(super) is_open: bool,
    /// Verbs that are paused: a set of [`Pause`](super::Pause) bits.
    pub(super) paused: u8,
    /// Cases that were not cured.
    pub(super) defaults: u32,
    /// Units in the pot that nobody borrowed.
    pub(super) idle: Assets,
    /// Principal that machines owe.
    pub(super) lent: Assets,
    /// What of it no bond covers.
    pub(super) uncovered: Assets,
    /// What of it machines in open cases owe.
    pub(super) at_risk: Assets,
    /// What the first loss bore so far.
    pub(super) lost_first: Assets,
    /// What lenders bore so far.
    pub(super) lost_lenders: Assets,
    /// What unsold titles brought later.
    pub(super) recovered: Assets,
    /// All interest that was paid.
    pub(super) interest: Assets,
}

/// What a tranche owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Tranche {
    /// Its units, idle or lent, interest that has not flowed included.
    pub(super) units: Assets,
    /// The interest that flows from `since_ms` to `end_ms`.
    pub(super) interest: Assets,
    /// Which shares count, from one on. Zero where there is no tranche.
    pub(super) generation: u32,
    /// When the interest began to flow.
    pub(super) since_ms: u64,
    /// When all of it has.
    pub(super) end_ms: u64,
}

/// Everything that may be tuned in one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub struct Params {
    /// Interest per year.
    pub rate_bps: u32,
    /// What an unpaid instalment costs per year.
    pub late_bps: u32,
    /// How many instalments.
    pub instalments: u16,
    /// Time between them, in seconds.
    pub period_s: u32,
    /// For how long an instalment may be unpaid, in seconds.
    pub unpaid_s: u32,
    /// Whole days that count.
    pub window_days: u16,
    /// How many of them must have a net income.
    pub verified_days: u16,
    /// For how long a customer must be known.
    pub customer_age_ms: u64,
    /// What of a period's income one customer may be.
    pub concentration_bps: u16,
    /// What of net income may service debt.
    pub fraction_bps: u16,
    /// What of the escrow left counts.
    pub escrow_bps: u16,
    /// What of the bond counts.
    pub bond_bps: u16,
    /// What of fees counts.
    pub fee_bps: u16,
    /// How long a machine lasts at most.
    pub life_days: u16,
    /// The least price of a kWh, in units.
    pub kwh_price_min: u64,
    /// The least power.
    pub watts_min: u32,
    /// The least first loss, of what is lent.
    pub first_loss_bps: u16,
    /// What of interest is the first loss's.
    pub first_loss_cut_bps: u16,
    /// From what is wrong to the auction.
    pub grace_ms: u64,
    /// How long the price of a title falls.
    pub auction_ms: u64,
    /// Where it begins, of what is owed.
    pub auction_start_bps: u16,
    /// Where it ends.
    pub auction_floor_bps: u16,
    /// Most that a deposit may bring a tranche to.
    pub cap: Assets,
    /// Least amount of a loan.
    pub loan_min: Assets,
}

/// A machine's account. One that does not exist has no stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Book {
    /// Whether it exists.
    pub(super) is_open: bool,
    /// In which asset it earns and owes.
    pub(super) asset: AssetId,
    /// Its stream.
    pub(super) stream: StreamId,
    /// The stated power.
    pub(super) watts: u32,
    /// Cases that were not cured.
    pub(super) defaults: u32,
    /// Days before this one count nothing.
    pub(super) clean_from: u32,
    /// Its place among the debtors, plus one; zero while it owes nothing.
    pub(super) place: u32,
    /// Who held the title when income was shared out last.
    pub(super) holder: Address,
    /// The stated price of a kWh, in units.
    pub(super) kwh_price: u64,
    /// Until when the machine lasts, as its holder says; zero if he did not.
    pub(super) life_end_ms: u64,
    /// The open case, or that of the unsold title; zero if there is none.
    pub(super) case_id: u64,
    /// What its stream brought so far, as far as it was shared out.
    pub(super) earned: Assets,
    /// What of it went to its debt.
    pub(super) to_debt: Assets,
    /// What of it went to holders.
    pub(super) to_holder: Assets,
    /// What of it is kept for the next instalment.
    pub(super) reserved: Assets,
    /// Principal that it owes.
    pub(super) principal: Assets,
    /// What of it the bond does not cover, as the market counts it.
    pub(super) uncovered: Assets,
    /// Escrow that customers have funded for it.
    pub(super) escrow: Assets,
}

/// A day of a machine. The place of a day is used again after [`RING_DAYS`](super::RING_DAYS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Day {
    /// Which day, counted from 1970.
    pub(super) day: u32,
    /// What was paid.
    pub(super) gross: Assets,
    /// What of it counts, before concentration.
    pub(super) counted: Assets,
    /// What settlement took of that.
    pub(super) fees: Assets,
    /// What power cost.
    pub(super) power: Assets,
}

/// An amount in a period of thirty days. Its place is used again after four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Sum {
    /// Which period.
    pub(super) period: u32,
    /// How much.
    pub(super) amount: Assets,
}

/// A large customer of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Top {
    /// Who.
    pub(super) customer: Address,
    /// How much.
    pub(super) amount: Assets,
}

/// What happened when a machine did not pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Case {
    /// Which machine.
    pub(super) machine: u64,
    /// In which market.
    pub(super) asset: AssetId,
    /// Why; a [`Reason`](super::recover::Reason).
    pub(super) reason: u8,
    /// How far it is; a [`Stage`](super::recover::Stage).
    pub(super) stage: u8,
    /// When it began.
    pub(super) opened_ms: u64,
    /// Until when the stage lasts.
    pub(super) until_ms: u64,
    /// When the auction began.
    pub(super) auction_ms: u64,
    /// When it was over.
    pub(super) closed_ms: u64,
    /// Who held the title.
    pub(super) holder: Address,
    /// Who has it now.
    pub(super) buyer: Address,
    /// All that was owed at the beginning; at the auction what was owed then.
    pub(super) owed: Assets,
    /// Principal at the beginning.
    pub(super) principal: Assets,
    /// What of it was paid.
    pub(super) paid: Assets,
    /// What the stream brought.
    pub(super) from_income: Assets,
    /// What somebody paid.
    pub(super) from_repayment: Assets,
    /// What the title brought.
    pub(super) from_title: Assets,
    /// What the bond brought.
    pub(super) from_bond: Assets,
    /// Principal that the first loss bore.
    pub(super) from_first: Assets,
    /// Principal that lenders bore.
    pub(super) from_lenders: Assets,
    /// What came after the loss was borne.
    pub(super) recovered: Assets,
    /// What the title brought beyond the debt.
    pub(super) to_holder: Assets,
    /// Where the auction's price begins.
    pub(super) start: Assets,
    /// Where it ends.
    pub(super) floor: Assets,
}

/// Everything that `income` stores.
#[derive(Layout)]
pub(crate) struct IncomeState {
    /// Assets that have a market.
    #[tag(1)]
    pub(super) listed: List<AssetId, MARKETS_MAX>,
    /// Markets.
    #[tag(2)]
    pub(super) markets: Map<AssetId, Record<Market>>,
    /// Their tranches.
    #[tag(3)]
    pub(super) tranches: Map<(AssetId, u8), Record<Tranche>>,
    /// Parameters in force, or that were until the next ones count.
    #[tag(4)]
    pub(super) configs: Map<AssetId, Record<Params>>,
    /// Parameters that follow.
    #[tag(5)]
    pub(super) next_configs: Map<AssetId, Record<Params>>,
    /// When they do; zero if none do.
    #[tag(6)]
    pub(super) next_from_ms: Map<AssetId, Value<u64>>,
    /// Machines that owe.
    #[tag(7)]
    pub(super) debtors: Map<AssetId, List<u64, DEBTORS_MAX>>,
    /// Accounts of machines.
    #[tag(8)]
    pub(super) books: Map<u64, Record<Book>>,
    /// Their days.
    #[tag(9)]
    pub(super) days: Map<(u64, u8), Record<Day>>,
    /// What counts, by period.
    #[tag(10)]
    pub(super) periods: Map<(u64, u8), Record<Sum>>,
    /// The same by customer.
    #[tag(11)]
    pub(super) customers: Map<((u64, u8), Address), Record<Sum>>,
    /// The largest customers of a period.
    #[tag(12)]
    pub(super) tops: Map<(u64, u8), List<Top, TOP>>,
    /// Who held a machine's title since its book was opened.
    #[tag(13)]
    pub(super) holders: Map<(u64, Address), Value<bool>>,
    /// Who first topped up an address's balance with a room that sells work.
    #[tag(14)]
    pub(super) funders: Map<Address, Value<Address>>,
    /// Cases that ever were.
    #[tag(15)]
    pub(super) case_count: Value<u64>,
    /// What happened in them; their numbers count from one.
    #[tag(16)]
    pub(super) cases: Map<u64, Record<Case>>,
    /// In which second the block must look at a machine; zero for never.
    #[tag(17)]
    pub(super) dues: Map<u64, Value<u32>>,
    /// How many looks at it failed in a row.
    #[tag(18)]
    pub(super) failures: Map<u64, Value<u8>>,
}
