//! Orders that the block executes: stop-loss, take-profit, trailing stop, sale in parts, deleverage of one's own account.
//!
//! ```text
//!   owner, operator ── create + prepaid coins ──► order ── guard (sheet.rs's form) ──► index beside the state
//!                                                                                        │ oracle price, time
//!   fired, repaid, refunded ◄── sale at a floor ◄── does it hold now? ◄── look ◄── Triggers (system transaction)
//! ```
//!
//! | kind | its condition | holds until |
//! |---|---|---|
//! | price | an oracle price at or beyond a coarse step | all is sold |
//! | trailing | the price so many steps back from the best one seen | all is sold |
//! | slices | a time, again and again | every slice is sold |
//! | health | health of the account at or below a floor | it fired so many times |
//!
//! - TRIG-1: an order fires only where its condition holds, at a usable oracle price; no pool's price fires one.
//! - TRIG-2: what the block must look at is a function of stored guards, and nothing whose condition holds is missing.
//! - TRIG-3: a sale receives at least its value at oracle prices less the order's own limit.
//! - TRIG-4: an order that cannot be executed changes nothing but its own retry, and holds up nobody.
//! - TRIG-5: an order leaves its account healthy, or healthier than it was.
//! - TRIG-6: coins here are at least what is prepaid; an order costs at most that, and the rest goes back to the owner.
//! - TRIG-7: only the owner or an operator creates, renews and cancels; cancelling is never refused to them.
//! - TRIG-8: orders per account and per price step are bounded, and every order ends.
//! - TRIG-9: limits that an owner set himself hold up none of his orders; what a sale costs is a loss of his day.
//!
//! Imports: account, exchange, ledger, oracle.
//!
//! Trusts: prices of the oracle.
//!
//! Not here: which orders are due (`chain` follows [`Orders`]), how pools price.

#[allow(
    clippy::too_many_arguments,
    reason = "events carry what happened field by field"
)]
mod abi;
mod actions;
mod condition;
mod error;
mod guard;
pub mod index;
mod invariants;
mod look;
mod math;
mod params;
mod sale;
mod state;
mod views;

pub use abi::ITriggers;
pub use index::{Changes, Orders, TriggerIndex};
pub use look::encode_orders;
pub use params::{
    ATTEMPT_GAS, COUNT_MAX, LOOK_GAS, LOOKS_MAX, ORDERS_MAX, PREPAID_FACTOR, STEP_ORDERS_MAX,
    STEP_TICKS, prepaid_min_wei,
};
pub use state::Kind;

use alloy_primitives::Address;

use crate::{
    Contract, Entry, Interface, Place, SystemKind, account, address, exchange, ledger, native,
    oracle,
};

/// Where it answers, and who holds what is prepaid.
pub const ADDRESS: Address = native(address::Kind::new(23), 0);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "triggers",
    doc: "Orders that the block executes: stop-loss, take-profit, trailing, in parts, deleverage.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "triggers",
        abi: ITriggers::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &account::CONTRACT,
        &exchange::CONTRACT,
        &ledger::CONTRACT,
        &oracle::CONTRACT,
    ],
    system: &[(SystemKind::Triggers, look::looks)],
    layout: state::TriggersState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
