//! What things are worth, and when nobody knows: prices from several reporters, agreed before the users of a block.
//!
//! ```text
//!   reporters ── signed Report ──► Prices (system transaction)
//!                                    │ report.rs   does it count?
//!                                    ▼
//!                     observation of each reporter and asset
//!                                    │ round.rs    quorum, confidence, stuck, band, growth cap
//!                                    ▼
//!              Feed { spot, smoothed, raw, time, doubt } ──► feed::price(asset, use, side)
//!                                                        └─► face.rs  AggregatorV3
//! ```
//!
//! An unusable price is an ordinary answer with a reason, never an old number. All formulas are in `math.rs`, and in
//! words in `specs/oracle.md`.
//!
//! - ORC-1: only reports make prices.
//! - ORC-2: a report counts once, only here, and only in time.
//! - ORC-3: fewer than half of the counted reporters cannot move the median beyond the others.
//! - ORC-4: an answered price is not older than its limit.
//! - ORC-5: a median outside the band must be confirmed, and never moves a price more than ten times.
//! - ORC-6: to borrow, the worse of spot, smoothed and raw counts.
//! - ORC-7: the growth cap binds upward only, alarms, and makes nobody liquidable.
//! - ORC-8: in grace nobody borrows and nobody is liquidated.
//! - ORC-9: a refused report changes nothing but its own event.
//! - ORC-10: every parameter is in its range; what loosens one waits.
//! - ORC-11: the smoothed price never passes the spot.
//! - ORC-12: the feed face answers what View answers.
//!
//! Imports: admin. Trusts: more than half of the counted reporters with prices; the owner of the scope with who reports, and with
//! stopping a price at once.
//!
//! Not here: what an asset is (the ledger), what a price permits (accounts), where reports come from (`chain`).

mod abi;
mod actions;
mod error;
mod face;
mod feed;
mod invariants;
mod math;
mod params;
mod prices;
mod report;
mod round;
mod state;
mod views;

pub use abi::{IFeed, IOracle};
pub use actions::{feed_address, list};
pub use error::{Refusal, Unusable};
pub use feed::{Feed, PriceUse, Side, feed, price, round};
pub use params::{
    ASSET_ID_MAX, ENTRIES_MAX, FeedParams, LOOSEN, REPORT, REPORT_AGE_MS_MAX, REPORTERS_MAX,
};
pub use prices::encode_reports;
pub use report::{check_form, check_order, check_time, digest};

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, SystemKind, admin, native};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(6), 0);
/// Where the feeds' faces answer; the id is the asset.
pub const FEED_KIND: Kind = Kind::new(7);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "oracle",
    doc: "Prices in dollars, made by reporters, agreed before the first transaction of each block.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::oracle::VERBS),
    interfaces: &[Interface {
        name: "oracle",
        abi: IOracle::abi::contract,
        source: include_str!("abi/oracle.rs"),
    }],
    errors_of: &[&admin::CONTRACT],
    system: &[(SystemKind::Prices, prices::take_reports)],
    layout: state::OracleState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

/// The registry's line for the feeds' faces.
pub static FEED: Contract = Contract {
    name: "feed",
    doc: "One asset's price in dollars as Chainlink's AggregatorV3; the id is the asset.",
    place: Place::Kind(FEED_KIND),
    entry: Entry::Verbs(abi::feed::VERBS),
    interfaces: &[Interface {
        name: "feed",
        abi: IFeed::abi::contract,
        source: include_str!("abi/feed.rs"),
    }],
    errors_of: &[],
    system: &[],
    layout: &[],
    genesis: |_, _| Ok(()),
    // It stores nothing.
    invariants: |_, _| Ok(()),
};

#[cfg(test)]
mod tests;
