//! Stakes that lose before lenders do, and are paid for it.
//!
//! ```text
//!   wallets ── share token ──► units ── cover ────► a debt that nobody pays     pot   = ledger units of (backstop, 0)
//!                               │  ▲                                             goods = ledger units of (backstop, 1)
//!                               │  └── pay_in, streamed
//!                               └── take_over ──► collateral ── Dutch sale ──► units
//! ```
//!
//! `assets = units - unreleased`; unsold goods count nothing; shares as in ERC-4626 with 1000 virtual ones (`math`).
//!
//! - BACK-1: the pot holds the units of every stake, the goods account what every sale has left.
//! - BACK-2: rewards flow evenly and whole.
//! - BACK-3: balances of a generation sum up to its supply.
//! - BACK-4: no sequence of staking and leaving within a block gains a unit.
//! - BACK-5: only requested shares leave, after their cooldown and within their window.
//! - BACK-6: a loss is borne by all shares alike, those that wait to leave too.
//! - BACK-7: a share of a past generation takes nothing from later ones.
//! - BACK-8: a donation changes nothing.
//! - BACK-9: goods are sold for at least the curve's price; staking waits while a sale is open.
//! - BACK-10: leaving is never paused and asks no price.
//! - BACK-11: the seed stays.
//! - BACK-12: parameters are in range; a lower cap counts at once, everything else a day later.
//! - BACK-13: a reward pays nobody who comes for it.
//! - BACK-14: what the account room calls works while the block liquidates.
//!
//! Imports: admin, erc20, erc4626, ledger, oracle, token.
//!
//! Trusts: the account room, to call `cover` and `take_over` only for what is real; the owner of the scope, within the
//! ranges of `params`; the oracle with the price of goods.
//!
//! Not here: when a loss is one, what the reserve bears before and lenders after.

mod abi;
mod actions;
mod error;
mod invariants;
mod listing;
mod math;
mod params;
mod sale;
pub mod share;
mod stake;
mod state;
mod views;

pub use abi::IBackstop;
pub use actions::{available_down, cover, take_over};
pub use listing::open;
pub use params::{
    CAP_MAX, CHANGE_DELAY_MS, COOLDOWN_MS, FLOOR_BPS, Params, REWARD_MS, SALE_MS, SEED_MIN,
    START_BPS, WINDOW_MS,
};

use alloy_primitives::Address;
use capstan_units::AccountId;

use crate::{Contract, Entry, Interface, Kind, Place, admin, ledger, native, oracle, token};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(13), 0);
/// Holds the units of every stake.
pub const POT: AccountId = AccountId::new(ADDRESS, 0);
/// Holds goods until they are sold.
pub const GOODS: AccountId = AccountId::new(ADDRESS, 1);

// Leaving is none of them (BACK-10).
crate::pauses::pauses! {
    /// New stakes.
    Stake = 1 "stake",
    /// The sale of goods.
    Sale = 2 "sale",
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "backstop",
    doc: "Stakes that lose before lenders do.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "backstop",
        abi: IBackstop::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &ledger::CONTRACT,
        &oracle::CONTRACT,
        &token::CONTRACT,
    ],
    system: &[],
    layout: state::BackstopState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
