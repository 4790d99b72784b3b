//! Tokens that keep a leverage: an account under a fixed policy, its units in wallets, and a block that rebalances it.
//!
//! ```text
//!   wallet ── deposit ──► borrow, sell in its own proportion ──► units for the value that was added
//!   wallet ◄── redeem ─── sell, repay in its own proportion  ◄── units for the value that they leave behind
//!   wallet ◄─ collateral ─ redeemInKind ── its part of the debt     no price, no pool
//!
//!   oracle price, time ──► index ──► Rebalance (system transaction) ──► a sale at a floor ──► the target again
//! ```
//!
//! | kind | holds | owes | target and band |
//! |---|---|---|---|
//! | long | what it is long in | the base asset | collateral per equity |
//! | short | the base asset | what it is short of | debt per equity |
//! | loop | one asset of a correlated pair | the other, its base asset | health at the factors of its creation |
//! | neutral | liquidity of a pool of both assets | the one that is not its base asset | debt per half of the liquidity |
//!
//! ```text
//!   equity = floor(held * price) + fair value of liquidity + floor(free units of the debt's asset * price) - ceil(owed * price)
//!   units  = floor(supply * (equity after - equity before) / equity before)
//!   given  = floor((equity after the trade - ceil(equity before * (supply - units) / supply)) / price)
//!   ratio  = debt / collateral, in value: 2/3 of three-fold long, 1/2 of one-fold short
//! ```
//!
//! - PROD-1: what a unit is worth at oracle prices never falls over a deposit or a redemption, and over a rebalance by no
//!   more than the product's limit of what is traded.
//! - PROD-2: whoever comes or goes pays for his own trade: no round trip gains, and a stale price is of no use.
//! - PROD-3: what the block must look at is a function of stored guards; once it has looked, a product with coins is
//!   inside its band, or waits for its next attempt.
//! - PROD-4: a rebalance sells at a floor from oracle prices, towards the target; no pool's price causes one.
//! - PROD-5: units give their part of the collateral for their part of the debt, whatever prices and pools say.
//! - PROD-6: a hundred units of each product belong to nobody, so no gift and no first deposit makes units dear.
//! - PROD-7: a policy is fixed at creation, and nobody but its rules acts on the account of a product.
//! - PROD-8: coins here are at least all reserves; a product pays for its looks, and one without coins is not called for.
//! - PROD-9: a product that cannot be rebalanced changes nothing but its next attempt, and holds up no other.
//! - PROD-10: what a neutral product gains or loses by a price stays within its band, wherever its pool stands.
//! - PROD-11: nothing is provided to a pool that would keep more of it than the product's limit.
//! - PROD-12: only its owner closes a product; from then on nobody deposits, it becomes base units in bounded steps at the
//!   floor, and each unit is its part of them, to the last.
//!
//! Imports: account, erc20, erc4626, exchange, ledger, lending, oracle.
//!
//! Trusts: prices of the oracle.
//!
//! Not here: which products are due (`chain` follows [`Products`]), how pools price, liquidation (`account`).

#[allow(
    clippy::too_many_arguments,
    reason = "events carry what happened field by field"
)]
mod abi;
mod actions;
mod error;
mod guard;
mod holding;
pub mod index;
mod invariants;
mod look;
mod math;
mod neutral;
mod params;
mod policy;
mod state;
mod trade;
pub mod unit;
mod views;

pub use abi::IProducts;
pub use index::{Changes, ProductIndex, Products};
pub use look::encode_products;
pub use params::{ATTEMPT_GAS, LOOK_GAS, LOOKS_MAX, SEED_UNITS, reserve_wei};
pub use state::{Kind, Phase};

use alloy_primitives::Address;
use capstan_units::AccountId;

use crate::{
    Contract, Entry, Interface, Place, SystemKind, account, address, exchange, ledger, lending,
    native, oracle,
};

/// Where it answers, and who holds reserves of coins and the units that belong to nobody.
pub const ADDRESS: Address = native(address::Kind::new(26), 0);
/// Where units stand between a wallet and a product's account.
const LOBBY: AccountId = AccountId::new(ADDRESS, 0);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "products",
    doc: "Leveraged tokens and strategy vaults: accounts under a fixed policy that the block rebalances.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "products",
        abi: IProducts::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &account::CONTRACT,
        &exchange::CONTRACT,
        &ledger::CONTRACT,
        &lending::CONTRACT,
        &oracle::CONTRACT,
    ],
    system: &[(SystemKind::Rebalance, look::looks)],
    layout: state::ProductsState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check,
};

#[cfg(test)]
pub(crate) mod tests;
