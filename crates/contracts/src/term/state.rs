//! Storage of `term`.

use capstan_state::{Layout, List, Map, Record, Total, Value};
use capstan_units::{AccountId, AssetId, Assets, Bps};

use super::params::LOANS_MAX;

/// What an offer says. It never changes, and the loans that were taken of it refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Terms {
    /// What is lent.
    pub(super) asset: AssetId,
    /// Interest per year.
    pub(super) rate_bps: u32,
    /// How many instalments; zero while there are no such terms.
    pub(super) instalments: u16,
    /// Time between them, in seconds.
    pub(super) period_s: u32,
    /// Number of the [`Amortisation`](super::Amortisation).
    pub(super) amortisation: u8,
    /// For how long an unpaid instalment costs nothing, in seconds.
    pub(super) grace_s: u32,
    /// What it costs per year beyond.
    pub(super) late_bps: u32,
    /// What early repayment costs.
    pub(super) early_fee: Bps,
    /// For how long an instalment may be unpaid until the loan is in default, in seconds.
    pub(super) default_s: u32,
}

/// Units that may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Offer {
    /// Who offers, and holds the claims.
    pub(super) lender: AccountId,
    /// Until when.
    pub(super) expires_ms: u64,
    /// What is left of it; zero while there is no such offer.
    pub(super) left: Assets,
    /// Least amount of a loan.
    pub(super) least: Assets,
}

/// A loan, as it stood when something was last paid. Everything else follows from the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Loan {
    /// Who holds the claim.
    pub(super) lender: AccountId,
    /// Whose terms count; zero while there is no such loan.
    pub(super) offer: u64,
    /// Who owes.
    pub(super) borrower: AccountId,
    /// Instalments that fell due and are paid.
    pub(super) done: u16,
    /// When it was taken.
    pub(super) start_ms: u64,
    /// Principal of the instalments behind those.
    pub(super) balance: Assets,
    /// The principal part or payment of each of them, as the amortisation has it.
    pub(super) step: Assets,
    /// What was paid of those that fell due since.
    pub(super) paid: Assets,
    /// Late fees that are unpaid.
    pub(super) late: Assets,
    /// Since when interest runs on the balance.
    pub(super) from_ms: u64,
    /// Until when late fees are counted.
    pub(super) late_ms: u64,
    /// What was lent.
    pub(super) principal: Assets,
}

/// Everything that `term` stores.
#[derive(Layout)]
pub(crate) struct TermState {
    /// How many offers were ever made: the id of the newest.
    #[tag(1)]
    pub(super) offer_count: Value<u64>,
    /// How many loans were ever taken: the id of the newest.
    #[tag(2)]
    pub(super) loan_count: Value<u64>,
    /// Terms, by offer.
    #[tag(3)]
    pub(super) terms: Map<u64, Record<Terms>>,
    /// Offers by id.
    #[tag(4)]
    pub(super) offers: Map<u64, Record<Offer>>,
    /// Loans by id.
    #[tag(5)]
    pub(super) loans: Map<u64, Record<Loan>>,
    /// Loans of each borrower.
    #[tag(6)]
    pub(super) loans_of: Map<AccountId, List<u64, LOANS_MAX>>,
    /// What all offers of an asset have left.
    #[tag(7)]
    pub(super) offered: Map<AssetId, Total>,
    /// The highest rate, of interest or of late fees, of any loan of an asset, per year.
    #[tag(8)]
    pub(super) dearest_bps: Map<AssetId, Value<u32>>,
    /// Verbs that are paused: a set of [`Pause`](super::Pause) bits.
    #[tag(9)]
    pub(super) paused: Value<u8>,
}
