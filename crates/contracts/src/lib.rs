//! The protocol: every native contract, in plain Rust over a typed store.
//!
//! ```text
//!   evm ──► resolve(address) ──► Contract::run(cx, input) ──► verb ──► handles ──► Store
//!                 registry            contract                folder    capstan_state
//! ```
//!
//! One folder per contract, all with the same file names: `mod.rs` the door, `abi.rs` the interface and
//! its table of verbs, `state.rs` the layout, `actions.rs` what verbs do, and `params.rs`, `math.rs`,
//! `error.rs`, `invariants.rs`, `tests.rs` where there is something to put in them. The smallest complete one is
//! `flash`; `specs/adding-a-contract.md` walks through making another.
//!
//! Nothing here knows an EVM, a clock, a thread or a file.

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]
#![cfg_attr(
    not(test),
    deny(
        clippy::float_arithmetic,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod account;
pub mod address;
pub mod admin;
pub mod backstop;
pub mod calls;
pub mod contract;
pub mod create2;
pub mod decode;
pub mod dollar;
pub mod erc20;
pub mod erc4626;
pub mod erc721;
pub mod error;
pub mod ether;
pub mod exchange;
pub mod farms;
pub mod flash;
pub mod generated;
pub mod income;
pub mod invariant;
pub mod jobs;
pub mod ledger;
pub mod lending;
pub mod listing;
pub mod looks;
pub mod machines;
pub mod multicall;
mod mutant;
pub mod oracle;
mod pauses;
pub mod position;
pub mod products;
mod quorum;
pub mod registry;
pub mod still;
pub mod streams;
pub mod system;
pub mod term;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod text;
pub mod token;
pub mod triggers;

pub use address::{Kind, native, parse};
pub use contract::{Contract, Entry, Interface, Mutability, Place, Verb, refuse_delegated, revert};
pub use decode::{Decoded, decode_answer, decode_call, decode_error, decode_event};
pub use registry::{GenesisConfig, all, by_name, genesis, pause_word, resolve, system_work};
pub use system::{SYSTEM_SENDER, SystemKind};
