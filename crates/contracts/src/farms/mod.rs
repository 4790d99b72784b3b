//! Rewards that flow to whoever stakes: units of an asset, or shares of a pool.
//!
//! ```text
//!   anybody ── fund ────┐                         ┌── stake · unstake ── accounts (ledger units only) and wallets
//!   a pool's fees ──────┤►  stream: left, time ──►│   per weight, in parts of 2^-128 of a unit
//!           harvest ────┘                         └── claim ── each reward by itself
//!                                                     weight = stake + what a lock of another asset adds
//! ```
//!
//! `moved = left * ms / time left`, `per_weight += moved / weight`, and what the division leaves stays in the stream
//! (`math`). While nobody stakes the time of a stream stands still. A staker is due `weight * growth of per_weight`, in the
//! same fine parts, so nothing is rounded but what is paid out, and that keeps its fraction.
//!
//! - FARM-1: custody holds every stake, lock and reward; the stakes of a farm sum up to its total.
//! - FARM-2: what was paid in and not out is what is left to flow and what stakers are due, to the last 2^-128 of a unit.
//! - FARM-3: while nobody stakes, nothing flows and no time of a stream passes.
//! - FARM-4: a weight is the stake, and at most one and a half times more while a lock lasts; weights sum up.
//! - FARM-5: a stream that ends has flowed whole, but for a fraction of a unit that flows with the next.
//! - FARM-6: paying in never makes a stream slower.
//! - FARM-7: who comes and goes in one block earns nothing, and no order of actions in a block gains a fraction.
//! - FARM-8: what a lock adds ends with the lock, to the millisecond, whoever touches the farm when.
//! - FARM-9: nobody can stop unstaking or claiming, and a reward that cannot leave holds up nothing else.
//! - FARM-10: stakes of accounts come, go and are paid in ledger units and pool shares alone: no code is called.
//! - FARM-11: only the exchange's owner names the farm that a pool's fees feed; anybody brings them there.
//! - FARM-12: what arrives counts, not what was asked for.
//! - FARM-13: what is due stays with whoever earned it, wherever his stake goes.
//! - FARM-14: rewards of a farm, times of streams and locks are bounded; a farm never changes what it is.
//!
//! Imports: admin, exchange, ledger.
//!
//! Trusts: the account room, to act only for whom it may. Nobody owns a farm.
//!
//! Not here: verbs of account batches and what a stake may back (`account`), fees (`exchange`).

mod abi;
mod actions;
mod error;
mod fees;
mod invariants;
mod live;
mod math;
mod params;
mod state;
mod views;
mod wallet;

pub use abi::IFarms;
pub use actions::{claim, move_stake, rewards, stake, staked, stakers, thing, unstake};
pub use live::Thing;
pub use params::{EPOCH_MS, FEE_PERIOD_MS, LOCK_EPOCHS_MAX, PERIOD_MS, REWARDS_MAX};

use alloy_primitives::Address;
use capstan_units::AccountId;

use crate::{Contract, Entry, Interface, Kind, Place, admin, exchange, ledger, native};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(28), 0);
/// Holds the units and shares that are staked.
pub const STAKES: AccountId = AccountId::new(ADDRESS, 0);
/// Holds what flows, and what flowed and is not claimed.
pub const REWARDS: AccountId = AccountId::new(ADDRESS, 1);
/// Holds what is locked.
pub const LOCKS: AccountId = AccountId::new(ADDRESS, 2);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "farms",
    doc: "Rewards that flow to stakers of an asset or of a pool's shares.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "farms",
        abi: IFarms::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &exchange::CONTRACT,
        &exchange::lp::CONTRACT,
        &ledger::CONTRACT,
    ],
    system: &[],
    layout: state::FarmsState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
