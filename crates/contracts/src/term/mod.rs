//! Fixed-term debt: somebody's units at a fixed rate, paid back in instalments.
//!
//! ```text
//!   lender's account or wallet ── offer ──► escrow ── take ──► borrower's account
//!                                              │                     │
//!   lender's account ◄── cancel ───────────────┘                     │ repay, on schedule or early
//!   holder of the claim ◄────────────────────────────────────────────┘
//! ```
//!
//! What is owed is a function of terms, payments and time (`math`), in words in `specs/term.md`: nothing has to be
//! accrued, and nothing is written while time passes. `offers` offers and claims, `loans` debts.
//!
//! - TERM-1: the principal parts of a schedule sum up to its principal.
//! - TERM-2: the escrow holds what all offers have left.
//! - TERM-3: whatever a borrower pays, the holder of the claim gets, to the unit and at once.
//! - TERM-4: what is owed follows from terms, payments and time alone.
//! - TERM-5: a late fee accrues only on unpaid instalments and only beyond their grace.
//! - TERM-6: paying is never paused, and what is owed can always be paid whole.
//! - TERM-7: what is owed never grows faster than the position says.
//! - TERM-8: an account has at most 8 loans; each stands in its borrower's list once.
//! - TERM-9: a loss is borne by the holder of the loan's claim, and by nobody else.
//! - TERM-10: a loan is in default if and only if an instalment is unpaid for longer than its terms allow.
//! - TERM-11: the terms of an offer never change; it is taken until it expires, and cancelled only by its lender.
//! - TERM-12: a claim moves only by its holder.
//! - TERM-13: paying early never costs more than paying on schedule, beside its fee and a unit for each rounding.
//!
//! Imports: admin, ledger.
//!
//! Trusts: native contracts, to check health and who may act for an account; the owner of the scope and guards, who
//! can pause offers and taking, and touch nothing.
//!
//! Not here: what backs a loan, liquidation, markets for offers.

#[allow(
    clippy::too_many_arguments,
    reason = "the terms of an offer are passed field by field"
)]
mod abi;
mod error;
mod invariants;
mod loans;
mod math;
mod offers;
mod params;
mod position;
mod state;
mod views;

pub use abi::ITerm;
pub use loans::{
    Debt, debt_of, defaults, ending_up, loans_of, move_loans, next_default_ms, next_instalment,
    overdue_up, owed_up, repay, schedule, settle, standing, take, unpaid_windows, write_off,
};
pub use math::{Instalment, Payment, Standing, UnpaidWindow};
pub use offers::{cancel_offer, offer, transfer_claim};
pub use params::{
    DEFAULT_S_MAX, EARLY_FEE_BPS_MAX, INSTALMENTS_MAX, LOANS_MAX, PERIOD_S, RATE_BPS_MAX,
};
pub use position::InTerm;

use alloy_primitives::Address;
use capstan_state::Halt;
use capstan_units::AccountId;

use crate::{Contract, Entry, Interface, Kind, Place, admin, ledger, native};
use state::TermState;

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(16), 0);

/// Holds what offers have left.
pub const ESCROW: AccountId = AccountId::new(ADDRESS, 0);

const STATE: TermState = TermState::new();

/// How principal is paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amortisation {
    /// The same principal in each instalment, and less interest each time.
    EqualPrincipal,
    /// The same payment each time.
    Annuity,
    /// Interest alone, and all principal at the end.
    Bullet,
}

impl Amortisation {
    /// How many there are.
    const COUNT: u16 = 3;

    fn from_number(number: u8) -> Result<Self, Halt> {
        match number {
            0 => Ok(Self::EqualPrincipal),
            1 => Ok(Self::Annuity),
            2 => Ok(Self::Bullet),
            _ => Err(Halt::Fatal(format!(
                "corrupt storage: {number} is no amortisation"
            ))),
        }
    }
}

crate::pauses::pauses! {
    /// New offers.
    Offer = 1 "offer",
    /// New loans.
    Take = 2 "take",
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "term",
    doc: "Fixed-term debt: offers, loans with a schedule, claims.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "term",
        abi: ITerm::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[&admin::CONTRACT, &ledger::CONTRACT],
    system: &[],
    layout: TermState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
