//! The chain's own dollar: owed by accounts, swapped for other dollars, redeemed at par, saved.
//!
//! ```text
//!   account ── mint ──► usd ◄── repay ── account      debt   = debt shares * borrow index, up
//!                       ▲ │                           supply <= debts + reserves at par + hole
//!   wallet ── swapIn ───┘ └── swapOut ──► wallet      fees ──► hole ──► surplus ──► savings
//!                         │
//!   wallet ── requestRedemption ──► queue ── fulfil ──► collateral in the redeemer's account
//! ```
//!
//! Formulas are in `math`, and in words in `specs/dollar.md`. `actions` debts, `peg` swaps, `queue` redemption,
//! `savings` the ERC-4626 face, `steering` what the owner may.
//!
//! - DOL-1: every dollar stands against a debt, a foreign dollar at par, or the hole.
//! - DOL-2: the sum of all debt shares is their total.
//! - DOL-3: the borrow index never falls, and no sequence of verbs within a block gains a unit.
//! - DOL-4: a mint passes neither the ceiling nor the headroom.
//! - DOL-5: repaying, swapping out, cancelling and withdrawing savings are never paused, and need no price.
//! - DOL-6: a loss falls on the surplus, then on the hole, and on nobody else.
//! - DOL-7: savings are paid from the surplus above its floor and from nothing else, and never lose.
//! - DOL-8: the contract's wallet holds surplus and escrow; the escrow is what all requests have left.
//! - DOL-9: a foreign dollar comes in only at a usable price within its tolerance, and goes out whatever its price.
//! - DOL-10: a redemption pays at most par less the fee, and costs the debtor no more than it pays off for him.
//! - DOL-11: requests are served in order of arrival, each dollar once; only its owner cancels one.
//! - DOL-12: only this contract mints and burns usd.
//! - DOL-13: parameters tighten at once; everything else waits a day.
//! - DOL-14: a gift changes no index, reserve, surplus or price of a share.
//! - DOL-15: what `flash` lends is at most what the ceiling leaves, and is gone when the call ends; its fee is income.
//!
//! Imports: admin, erc20, erc4626, ledger, oracle, token.
//!
//! Trusts: native contracts, to check health and to pick the debtors of a redemption; reporters, as `oracle` says;
//! the owner of the scope, within the ranges of `params`.
//!
//! Not here: what backs a debt, who is riskiest, liquidation.

mod abi;
mod actions;
mod book;
mod error;
mod flash;
mod invariants;
mod math;
mod params;
mod peg;
mod position;
mod queue;
pub mod savings;
mod state;
mod steering;
mod views;

pub use abi::IDollar;
pub use actions::{asset, debt_shares, debt_up, mint, move_debt, repay, write_off};
pub use book::RESERVES;
pub use flash::{flash_room, lend_out, take_back};
pub use params::{
    CHANGE_DELAY_MS, DECIMALS, FEE_BPS_MAX, RATE_BPS_MAX, REDEMPTION_MIN, REFILL_S,
    TOLERANCE_BPS_MAX,
};
pub use position::InDollar;
pub use queue::{Fulfilled, Waiting, fulfil, goods_down, next_requests, redemption_min};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};

use crate::{Contract, Entry, Interface, Kind, Place, admin, ledger, native, oracle, token};

/// Where it answers. Its wallet holds surplus and escrow.
pub const ADDRESS: Address = native(Kind::new(15), 0);

crate::pauses::pauses! {
    /// New debt.
    Mint = 1 "mint",
    /// Foreign dollars coming in.
    SwapIn = 2 "swap in",
    /// New requests for redemption.
    Request = 4 "redemption request",
}

/// Dollars that there are. The frame is the dollar's.
fn supply(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let token = book::STATE.token.load(cx)?;
    token::total_supply(&mut cx.enter(token))
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "dollar",
    doc: "The chain's own dollar: minted, swapped at par, redeemed, saved.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "dollar",
        abi: IDollar::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &ledger::CONTRACT,
        &oracle::CONTRACT,
        &token::CONTRACT,
    ],
    system: &[],
    layout: state::DollarState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
