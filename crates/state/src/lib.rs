//! The typed store: everything a contract can touch, and the handles it touches it with.
//!
//! ```text
//!   contract code ──► Ctx ──► Value · Map · List · Record · Text · Total · Balance
//!                      │                 Transient · Lock             (typed, by field name)
//!                      └────► dyn Store                               (words, coins, logs, calls, gas)
//!                               ├── MemStore     risk lab, unit tests, fuzzers
//!                               ├── RevmStore    the chain (crate `evm`): journal, warm and cold gas
//!                               ├── Scratch      previews: over any of these, writes forgotten
//!                               ├── ReadOnly     invariants and explorers, over any View
//!                               └── FaultStore   tests: fails at the n-th touch
//! ```
//!
//! Nothing here knows an EVM, a clock, a thread or a file. The same contract code runs over every store.
//!
//! ```
//! use alloy_primitives::{Address, address};
//! use capstan_state::{Balance, Ctx, Frame, Halt, Layout, Map, Total, mem::MemStore};
//! use capstan_units::Assets;
//!
//! #[derive(Layout)]
//! struct Purse {
//!     #[tag(1)]
//!     supply: Total,
//!     #[tag(2)]
//!     balances: Map<Address, Balance>,
//! }
//!
//! fn mint(cx: &mut Ctx<'_>, to: Address, amount: Assets) -> Result<(), Halt> {
//!     let purse = Purse::new();
//!     purse.supply.add(cx, amount)?;
//!     purse.balances.at(to).add(cx, amount)
//! }
//!
//! let mut store = MemStore::new();
//! let this = address!("00000000000000000000000000000000000000aa");
//! let mut cx = Ctx::new(&mut store, Frame { this, caller: this, value: Default::default() });
//! mint(&mut cx, this, Assets::new(5)?)?;
//! assert_eq!(Purse::new().balances.at(this).load(&mut cx)?, Assets::new(5)?);
//! # Ok::<(), Halt>(())
//! ```

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]
#![cfg_attr(
    not(test),
    deny(
        clippy::float_arithmetic,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
    )
)]

// The derive macros name this crate by its outside name; this makes the name true inside too.
#[cfg(test)]
extern crate self as capstan_state;

mod block;
pub mod commute;
mod ctx;
pub mod fault;
pub mod gas;
mod halt;
mod handle;
mod key;
mod layout;
pub mod mem;
mod place;
mod scratch;
mod store;
mod view;
mod word;

#[cfg(test)]
mod tests;

pub use block::{BlockInfo, ProtocolVersion};
pub use capstan_state_derive::{Layout, Record};
pub use ctx::{Ctx, Frame};
pub use halt::{
    CallInSystemPhase, ListFull, ListIndexOutOfRange, ReentrantCall, TextTooLong, panic_code,
};
pub use handle::{
    Balance, Handle, List, Lock, Map, Packed, Record, RecordField, Text, Total, Transient, Value,
};
// What the derive macros write; not for hands.
#[doc(hidden)]
pub use alloy_primitives::U256;
#[doc(hidden)]
pub use handle::{no_stray_bits, place_fields, put_field, take_field};
pub use key::SlotKey;
pub use layout::{Field, Layout, Shape, describe, field_of, lead_key, snapshot};
#[doc(hidden)]
pub use place::keys_fit;
pub use place::{KEY_BYTES_MAX, Place, TAG_MAX};
pub use scratch::{NotPreviewable, Scratch};
pub use store::{
    CallKind, CallOutcome, CallRequest, CreateOutcome, CreateRequest, GasClass, Halt, Mark, Store,
};
pub use view::{ReadOnly, View};
pub use word::{Amount, Word};
