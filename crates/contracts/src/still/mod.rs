//! When the chain stood still: a window of time that it could not serve accuses nobody.
//!
//! ```text
//!   parent ─────────── nobody can act ─────────── block ── a minute to come back ──┐
//!     from                                        Wake                             to
//!     └──────────────── this time does not count in any window ────────────────────┘
//! ```
//!
//! `passed_ms(a, b) = b - a - what of the stops lies between`; a window of `w` that began at `a` is over once more than
//! `w` has passed: behind `until_ms(a, w)`. A chain that never stood still has no stops, and all this is plain arithmetic.
//!
//! - STILL-1: stops follow each other in time, do not overlap, and each knows the sum of those before it. One that follows another
//!   sooner than `STILL_MS` behind it has no minute of its own, and so much of its gap counts.
//! - STILL-2: what passed adds up, is never more than real time, and `until_ms` is the last moment of a window by it.
//! - STILL-3: a block says that the chain stood still exactly when it did, and since when exactly; on a development chain it may stay
//!   silent, because a developer moves time on purpose.
//! - STILL-4: a stop only gives time, to everybody alike, but for what counts of one that follows another at once: whoever was
//!   too late before it is too late behind it.
//!
//! Imports: none.
//!
//! Trusts: the chain, to let a `Wake` stand in a block only where STILL-3 wants one.
//!
//! Not here: prices, which have their own rule (`oracle`), and what each room counts as a window.

mod abi;
mod actions;
mod error;
mod invariants;
mod math;
mod state;

pub use abi::IStill;
pub use actions::{encode_wake, passed_ms, until_ms};

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, SystemKind, native};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(0x23), 0);
/// A block that comes later than its chain's pace by more than this says that the chain stood still: a node calls itself stalled then.
/// At the usual pace forty blocks are missing.
pub const STILL_MS: u64 = 10_000;
/// So long after it came back a chain's time still does not count: whoever had a moment left when it stopped finds it again, and
/// programs that lost their node ask every few seconds.
pub const RETURN_MS: u64 = 60_000;

/// Whether a chain of a pace stood still between two blocks that are so far apart.
pub fn stood(gap_ms: u64, pace_ms: u64) -> bool {
    gap_ms > pace_ms.saturating_add(STILL_MS)
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "still",
    doc: "When the chain stood still: time that counts in nobody's window.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "still",
        abi: IStill::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[],
    system: &[(SystemKind::Wake, actions::wake)],
    layout: state::StillState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
