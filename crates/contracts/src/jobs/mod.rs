//! Jobs: what work costs, who sells it, who pays for it, and what becomes of work that was not what it said.
//!
//! ```text
//!   customer ── deposit ──► free ── hold (key's word) ──► bound to (customer, key, machine, class)
//!                            ▲  ▲                             │ claim: the voucher of an epoch, by both keys' words
//!                    release ┘  │ void                        ▼
//!                               └──────────────────────── claimed ── draw ► show ► audit ► settle ──► income, fee
//!   machine's bond ── reserved for each open claim ── void ──► forfeit         (all by the block)
//! ```
//!
//! - JOB-1: the pot holds what customers have free, bound and in claims; with what was paid and taken out that is all that
//!   ever came in.
//! - JOB-2: a claim is settled once and pays at most what its channel had bound; of a channel, held = bound + claimed +
//!   paid + returned.
//! - JOB-3: a key never binds more than its total, nor more in a period than its limit, over any path.
//! - JOB-4: what a machine claims is at most what it has proven and a small stated amount ahead of that; on probation, that amount.
//! - JOB-5: claims reserve what a lie in them must cost, together at most the bond; a slash is at most that.
//! - JOB-6: a price moves by at most a step each epoch, stays in its bounds, and is never below a machine's floors.
//! - JOB-7: an offer is the machine's word, a hold the spending key's, a voucher both keys'; each counts once.
//! - JOB-8: which receipts are audited is decided by a hash that nobody knew when they were claimed, at the stated rate.
//! - JOB-9: work that failed, is of another epoch, was claimed twice, not shown, or found wrong is not paid: its whole claim
//!   goes back to the customer, with the reason.
//! - JOB-10: the block settles every claim when it is due, by nobody's leave.
//! - JOB-11: a claim's phase and reason follow from record and time.
//! - JOB-12: parameters and classes are in range; asset and epoch never change.
//! - JOB-13: nothing stops claims, releases and withdrawals.
//! - JOB-14: what a machine is paid goes to its debt before its holder, and what is funded counts there as it is here.
//! - JOB-15: what auditors have earned and not taken out lies in an account of its own, to the unit.
//! - JOB-16: only who found what a quorum found is paid, out of fees, and of a claim no more than its fee and its slash.
//! - JOB-17: time for which the chain stood still is in no phase of a claim, and in no epoch's time for claims.
//!
//! Imports: admin, income, ledger, machines, still.
//!
//! Trusts: a quorum of auditors, to compute; the owner of the scope, who names them and opens classes. Not here: what the
//! income of a machine may back (`income`), and how an answer travels.

#[allow(
    clippy::too_many_arguments,
    reason = "two receipts are shown field by field, each with its proof"
)]
mod abi;
mod audit;
mod channels;
mod claims;
mod classes;
mod customers;
mod draw;
mod earnings;
mod error;
mod index;
mod invariants;
mod late;
mod listing;
mod math;
mod numbers;
mod offers;
mod params;
mod pay;
mod receipt;
mod settle;
mod show;
mod signed;
mod state;
mod views;

pub use abi::IJobs;
pub use index::{Changes, ClaimIndex, Claims};
pub use numbers::{Fault, Phase};
pub use params::{
    AUDIT_MS, AUDIT_PPM, CHANGE_DELAY_MS, DETECT_PPM, EPOCH_MS, FEE_BPS, FEE_FLAT_MAX, HOLD_MS,
    PROBATION_UNITS, Params, QUORUM,
};
pub use receipt::RECEIPT_TYPE;
pub use settle::{LOOKS_MAX, encode_claims};
pub use signed::{CLOSE_TYPE, HOLD_TYPE, OFFER_TYPE, VOUCHER_TYPE};

use alloy_primitives::Address;
use capstan_units::AccountId;

use crate::{
    Contract, Entry, Interface, Kind, Place, SystemKind, admin, income, ledger, machines, native,
};
use state::JobsState;

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(32), 0);
/// Holds the units of customers.
pub const POT: AccountId = AccountId::new(ADDRESS, 0);
/// Holds fees, until the owner of the scope sends them on.
pub const FEES: AccountId = AccountId::new(ADDRESS, 1);
/// Holds what bonds lost, until the owner of the scope sends it on.
pub const FORFEIT: AccountId = AccountId::new(ADDRESS, 2);
/// Holds what auditors have earned, until they take it out.
pub const EARNED: AccountId = AccountId::new(ADDRESS, 3);
/// Role that audits.
pub const AUDIT: u32 = 2;
/// A level of one.
pub const LEVEL_ONE: u64 = 1_000_000_000;
/// Most classes.
pub const CLASSES_MAX: u32 = 256;
/// Most machines that offer one class.
pub const OFFERS_MAX: u32 = 65_536;
/// Most keys of a customer.
pub const KEYS_MAX: u32 = 64;
/// Most auditors of one receipt.
pub const AUDITORS_MAX: u32 = 16;
/// Most receipts of one claim that are audited.
pub const PICKS_MAX: u32 = 16;
/// Most receipts of one claim.
pub const RECEIPTS_MAX: u32 = 1 << 20;
/// Longest address of an endpoint.
pub const ENDPOINT_BYTES_MAX: u32 = 256;
/// The seed is the hash of the block so many after the claim.
pub const SEED_BLOCKS: u64 = 2;
/// For so many blocks a hash is known.
pub const HASHES: u64 = 256;
/// How far the clock of a machine may be off.
pub const SKEW_MS: u64 = 60_000;

const STATE: JobsState = JobsState::new();

// Claiming is none of them, nor is taking out what is one's own (JOB-13).
crate::pauses::pauses! {
    /// New offers.
    Offer = 1 "offer",
    /// New holds.
    Hold = 2 "hold",
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "jobs",
    doc: "Jobs: classes of work, offers, escrow, vouchers settled by the block, and audits.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "jobs",
        abi: IJobs::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &income::CONTRACT,
        &ledger::CONTRACT,
        &machines::CONTRACT,
        &machines::title::CONTRACT,
    ],
    system: &[(SystemKind::Epoch, settle::looks)],
    layout: JobsState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
