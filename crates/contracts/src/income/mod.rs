//! What machines verifiably earn, and the debt that it carries.
//!
//! ```text
//!   jobs ── earned ──► stream of a machine ──► due of its debt ──► kept for the next instalment ──► holder of the title
//!                │                                    │
//!                └─► days: counted, fees, power       └──► pot ◄── machineShare: lenders, first loss
//!                        └─► offer ── borrow ─────────────┘             pot = ledger units of (income, 0)
//!
//!   unpaid · dark · barred ──► stream whole ── grace ──► title at auction ──► bond ──► first loss ──► lenders
//!                                       (instalments from what is kept, and each of these steps: the block)
//! ```
//!
//! `net = counted - excess of large customers - power`; what a machine borrows is bounded by its net income over its proven
//! life, and by what faking that income would have cost: its bond, and the fees that settlement took (`power`).
//!
//! - INC-1: what a stream brought = to the debt + reserved + to holders, to the unit.
//! - INC-2: idle and lent are together what both tranches own; the pot holds what is idle.
//! - INC-3: what counts is at most what was paid; what is related, new, concentrated or of a machine that is not live does not.
//! - INC-4: a title is locked exactly while its machine owes, is in an open case, or is for sale unsold.
//! - INC-5: a machine borrows at most its limits, and no loan leaves less first loss than is uncovered.
//! - INC-6: nothing leaves a tranche but what is idle, and the first loss stays as large as it must.
//! - INC-7: in a case stream, title, bond, first loss and lenders bear in this order; principal adds up.
//! - INC-8: machine income backs no instant debt.
//! - INC-9: parameters are in range; what tightens counts at once, anything else a day later.
//! - INC-10: a preview answers what the action does, and changes nothing.
//! - INC-11: whoever earns from himself, borrows and vanishes has no profit.
//! - INC-12: repaying is never paused and always possible, whole.
//! - INC-13: shares of a generation sum up to their supply; coming and leaving gains nothing.
//! - INC-14: every machine that owes calls the block, which pays instalments and takes steps when they are due.
//! - INC-15: time for which the chain stood still makes nobody dark, unpaid or late in a case, and takes no price down.
//!
//! Imports: account, admin, erc20, erc4626, ledger, machines, still, streams, term, token.
//!
//! Trusts: rooms that sell work, with who paid and what settlement took; the owner of the scope, within the ranges of
//! `params`; auditors of `machines`, who can slash what a loan leans on.
//!
//! Not here: what work is (`jobs`), schedules (`term`), who a machine is (`machines`).

mod abi;
mod bank;
mod book;
mod days;
mod error;
mod index;
mod invariants;
mod listing;
mod look;
mod market;
mod math;
mod params;
mod power;
mod recover;
mod related;
pub mod share;
mod state;
mod views;

pub use abi::IIncome;
pub(crate) use book::escrow_of;
pub use book::{Earning, Shared, earned, escrow_left};
pub use index::{Changes, DebtIndex, Debts};
pub use look::{LOOKS_MAX, encode_machines};
pub use params::{CAP_MAX, CHANGE_DELAY_MS, INSTALMENTS_MAX, INTEREST_MS, Params};
pub use recover::{Reason, Stage};
pub use related::{Why, funded};

use alloy_primitives::Address;
use capstan_units::AccountId;

use crate::{
    Contract, Entry, Interface, Kind, Place, SystemKind, admin, ledger, machines, native, streams,
    term, token,
};

/// Kind of its address, and of those of machines' accounts.
const KIND: Kind = Kind::new(33);
/// Where it answers.
pub const ADDRESS: Address = native(KIND, 0);
/// Holds what lenders put in and nobody borrowed.
pub const POT: AccountId = AccountId::new(ADDRESS, 0);
/// Most markets.
pub const MARKETS_MAX: u32 = 64;
/// Most machines that owe in one market.
pub const DEBTORS_MAX: u32 = 1_024;
/// Places of days: a window is shorter.
pub const RING_DAYS: u32 = 64;
/// Days of a period, within which customers are compared.
pub const PERIOD_DAYS: u32 = 30;
/// Largest customers that are kept of a period. No more than these can each be above the least concentration.
pub const TOP: u32 = 8;
/// An instalment costs nothing more for so long: the block that pays it from what is reserved comes within that time.
pub const GRACE_S: u32 = 60;
/// How far chains of funders are followed.
pub const FUNDERS_MAX: usize = 4;

// Repaying, leaving and buying titles are none of them (INC-12).
crate::pauses::pauses! {
    /// New loans.
    Borrow = 1 "borrow",
    /// New shares.
    Supply = 2 "supply",
}

/// The ledger account of a machine: what is reserved of its income, and who owes its loans. No key controls it.
pub fn account_of(machine_id: u64) -> AccountId {
    AccountId::new(native(KIND, machine_id.saturating_add(1)), 0)
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "income",
    doc: "What machines verifiably earn, and the debt that it carries.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "income",
        abi: IIncome::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &ledger::CONTRACT,
        &machines::CONTRACT,
        &streams::CONTRACT,
        &term::CONTRACT,
        &token::CONTRACT,
    ],
    system: &[(SystemKind::Recover, look::looks)],
    layout: state::IncomeState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
