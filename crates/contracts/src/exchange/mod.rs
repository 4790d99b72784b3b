//! Pools that swap assets, all in one contract: only net amounts cross its border.
//!
//! ```text
//!   wallet ── pull ──►┐                                     ┌── pools 0, 1, 2 ...: reserves as stored numbers
//!   account ─ shift ─►├─ legs: pool, pool, pool ─ net ──────┤   vault = ledger units of (exchange, 0)
//!   wallet ◄─ push ───┘  each moves two reserves            └── vault >= sum of reserves + protocol fees
//! ```
//!
//! | curve | what stays, but for fees |
//! |---|---|
//! | constant product | `x * y` |
//! | stableswap | `D` in `A*n*S + D = A*n*D + D^(n+1) / (n^n * P)`, `S` and `P` sum and product of reserves |
//! | concentrated | `x * y` within each range of prices, with the liquidity that stands there |
//!
//! - EXCH-1: the vault holds all reserves and fees; a pool pays nothing beyond its own reserves.
//! - EXCH-2: the sum of a pool's shares is the total; a thousand stay for ever, so no reserve is ever empty.
//! - EXCH-3: an LP token's supply is what its account has in the pool.
//! - EXCH-4: a donation changes no reserve, price or share.
//! - EXCH-5: no verb lowers what a share of a pool is worth: the product or `D`, per share.
//! - EXCH-6: no sequence of verbs in one pool gains a unit: there and back, in and out, leave at most what there was.
//! - EXCH-7: a quote is what the swap does, to the unit.
//! - EXCH-8: nothing that happens inside a block moves a mean price in that block.
//! - EXCH-9: legs come out even: nothing leaves unpaid, and only what the bounds name moves.
//! - EXCH-10: work is bounded: legs, steps of an iteration, observations read; stable pools stay in their range.
//! - EXCH-11: the protocol takes at most a quarter of a fee; more than before only after a day.
//! - EXCH-12: removing liquidity is never paused here.
//! - EXCH-13: one pool of each shape.
//! - EXCH-14: the reserves of a pool of ranges hold what all its positions would give, and their fees.
//! - EXCH-15: a position has one owner, and only who may move its token takes out of it.
//! - EXCH-16: liquidity at a price is that of all ranges around it; the ends of ranges, and no others, are marked.
//! - EXCH-17: a fee that follows the price stays in its range and moves only at the first touch of a block.
//! - EXCH-21: a sale at a seller's price never brings less, and brings what its plan said.
//! - EXCH-22: sales of one block push a pool no further than they may, however many they are.
//! - EXCH-23: the work of a sale is bounded, and a pool that refuses or is damaged holds up none.
//! - EXCH-24: a place in the list of a pair changes hands for more depth only, as the last block left both pools.
//!
//! Imports: admin, erc20, erc721, ledger.
//!
//! Trusts: native contracts, to act only for whom they may; the owner of the scope, within the ranges of `params`.
//!
//! Not here: verbs of account batches, what liquidity may back (`account`).

mod abi;
mod asked;
mod curve;
mod error;
mod fair;
mod fees;
mod invariants;
mod liquidity;
mod listing;
pub mod lp;
pub mod nft;
mod params;
mod pool;
mod range;
mod ranges;
mod route;
pub mod router;
mod sale;
mod shares;
mod state;
mod track;
mod trade;
mod views;
mod wallet;

pub use abi::IExchange;
pub use asked::Asked;
pub use curve::Curve;
pub use fair::{
    Liquidity, Quoted, coins_of, curve_of, kept_of_added_down, shares_worth, some_shares_worth,
};
pub use fees::{set_feeding, take_farm_fees};
pub use liquidity::{add, create, create_range, move_shares, remove};
pub use params::{
    AMPLIFICATION_MAX, CHANGE_DELAY_MS, COINS_MAX, COMMON_COINS_MAX, FEE_DYNAMIC,
    FEE_DYNAMIC_MAX_PIPS, FEE_DYNAMIC_MIN_PIPS, FEE_TIERS_PIPS, HALF_LIFE_MS, LEGS_MAX,
    LOCKED_SHARES, PROTOCOL_SHARE_MAX_BPS, SALE_IMPACT_BPS, SALE_IMPACT_MAX_BPS,
    SALE_IMPACT_MIN_BPS, STEPS_MAX, WINDOW_MAX_MS,
};
pub use pool::{LOCKED, Shape, VAULT, pools_of};
pub use range::positions::{
    RangeWorth, Ticks, Two, grow_range, open_range, range_worth, shrink_range,
};
pub use ranges::open_for;
pub use route::{Bounds, Leg, Outcome, Size, quote, swap};
pub use sale::{Plan, PriceMin, Sale, plan_sale, sell, sell_up_to};
pub use trade::Exact;
pub use wallet::{bounds_of, expect_in_time, legs_of, let_out_shares, lp_balance, take_in_shares};

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, admin, ledger, native};

/// Where it answers, and the owner of the vault.
pub const ADDRESS: Address = native(Kind::new(18), 0);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "exchange",
    doc: "Pools that swap assets: constant product, stableswap, concentrated liquidity.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "exchange",
        abi: IExchange::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &ledger::CONTRACT,
        &lp::CONTRACT,
        &nft::CONTRACT,
    ],
    system: &[],
    layout: state::ExchangeState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
