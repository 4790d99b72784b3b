//! One lending market per asset: supply earns what borrowers pay.
//!
//! ```text
//!   account ── supply ──► cash ── borrow ──► account       cash        = ledger units of (lending, 0)
//!      ▲                   │  ▲                 │           shares      : assets = shares * supply index, down
//!      └──── redeem ───────┘  └──── repay ──────┘           debt shares : debt = debt shares * borrow index, up
//! ```
//!
//! Indexes are Aave v3's to the unit: the supply index grows linearly, the borrow index by three terms of the
//! exponential; rates are kinked or adaptive (`rates`). A market accrues once per block, at its first touch.
//!
//! - LEND-1: cash and debt together are at least what all shares are worth.
//! - LEND-2: the sum of all shares is the total; the same for debt shares.
//! - LEND-3: the borrow index never falls; the supply index falls only by a realised loss.
//! - LEND-4: no sequence of verbs within a block gains a unit.
//! - LEND-5: the seed stays, so a market never becomes empty again.
//! - LEND-6: a donation changes no index, rate or balance.
//! - LEND-7: nothing is lent beyond the cash; whoever is refused hears how much there is.
//! - LEND-8: caps hold after every verb that raises what they bound, and stop nothing else.
//! - LEND-9: repaying is never paused.
//! - LEND-10: a loss is borne by the reserve and the lenders of its own market, and by nobody else.
//! - LEND-11: the share token's supply is what its account has in the market.
//! - LEND-12: parameters tighten at once; everything else waits a day.
//! - LEND-13: what a flash loan has out counts as cash, so it moves no index, rate or balance; it can only not be taken.
//! - LEND-14: the fee of a flash loan reaches reserve and lenders with the next accrual, and nobody before.
//!
//! Imports: admin, erc20, erc4626, ledger.
//!
//! Trusts: native contracts, to check health and to move only what they may; the owner of the scope, within the ranges
//! of `params`.
//!
//! Not here: what backs a debt, liquidation, term debt, the minted dollar, the verbs of flash loans (`flash`).

mod abi;
mod actions;
mod error;
mod flash;
mod invariants;
mod listing;
mod market;
mod math;
mod params;
mod position;
mod rates;
pub mod share;
mod state;
mod views;

pub use crate::position::Loss;
pub use abi::ILending;
pub use actions::{
    absorb, borrow, debt_shares, debt_shares_up, debt_up, endow, haircut, move_debt, move_shares,
    redeem, repay, supplied_down, supply,
};
pub use flash::{flash_room, lend_out, take_back};
pub use listing::list;
pub use market::{CASH, RESERVE, SEED};
pub use params::{CHANGE_DELAY_MS, OPTIMAL_BPS, Params, RATE_BPS_MAX, SEED_MIN, SUPPLY_INDEX_MIN};
pub use position::InMarket;
pub use rates::{Kinked, RateModel};

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, admin, ledger, native};

/// Where it answers, and the owner of every market's cash.
pub const ADDRESS: Address = native(Kind::new(9), 0);

crate::pauses::pauses! {
    /// New supply.
    Supply = 1 "supply",
    /// Redemption.
    Redeem = 2 "redeem",
    /// New debt.
    Borrow = 4 "borrow",
    /// Flash loans.
    Flash = 8 "flash loan",
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "lending",
    doc: "One lending market per asset.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "lending",
        abi: ILending::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[&admin::CONTRACT, &ledger::CONTRACT, &share::CONTRACT],
    system: &[],
    layout: state::LendingState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
pub(crate) mod tests;
