//! Value that flows: per second out of what was paid in, or by amounts that are paid in when they fall due.
//!
//! ```text
//!   payer ── open · pay_in ──► pot = ledger units of (streams, 0)
//!                               │ due = flowed - collected
//!          not assigned: owner ◄┼► assigned: the account, whose debt it pays
//!   payer ◄── cancel: paid - flowed
//! ```
//!
//! `flowed = min(paid, base + floor(rate * (t - since) / period))`, nothing before the cliff (`math`).
//!
//! - STR-1: the pot holds what all streams may still pay.
//! - STR-2: `collected <= flowed <= paid`, and what flowed never falls.
//! - STR-3: nothing is lost to rounding, however a stream is collected.
//! - STR-4: the rate never changes; paying in prolongs, and dry time does not flow.
//! - STR-5: before the cliff nothing is due.
//! - STR-6: a cancellation returns exactly what has not flowed, to the payer alone; a final stream is not cancelled.
//! - STR-7: what is due goes to the assigned account, else to the owner.
//! - STR-8: an assignment ends by `release` alone, or with the last unit of a stopped stream; it travels along.
//! - STR-9: at most eight streams are assigned to one account; its list and the streams agree.
//! - STR-10: only the payer stops, only the owner transfers, assigns and collects to a wallet.
//!
//! Imports: ledger, token.
//!
//! Trusts: the account room, to check who acts, to pay debts with what it collects, and to release when they are gone.
//!
//! Not here: what accrued units may back, the debt itself, why somebody pays.

mod abi;
mod actions;
mod assignment;
mod error;
mod invariants;
mod math;
mod position;
mod state;
mod views;
mod wallet;

pub use abi::IStreams;
pub use actions::{
    Collected, Terms, Whose, cancel, collect, collected, open, open_settled, pay_in, transfer,
    whose,
};
pub use assignment::{assign, assigned, release};
pub use position::Income;

use alloy_primitives::Address;
use capstan_units::AccountId;

use crate::{Contract, Entry, Interface, Kind, Place, ledger, native, token};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(12), 0);
/// Holds what was paid in and is not paid out.
pub const POT: AccountId = AccountId::new(ADDRESS, 0);
/// Most streams that are assigned to one account.
pub const ASSIGNED_MAX: u32 = 8;
/// Longest that a stream may be opened for: a hundred years.
pub const DURATION_MS_MAX: u64 = 100 * capstan_units::MS_PER_YEAR;

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "streams",
    doc: "Value that flows to an owner, or to a debt of his first.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "streams",
        abi: IStreams::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[&ledger::CONTRACT, &token::CONTRACT],
    system: &[],
    layout: state::StreamsState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
