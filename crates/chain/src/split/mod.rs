//! One verification on several processes.
//!
//! ```text
//!   node: Helpers ── listens on loopback ──┬── capstan verify-worker (another process)
//!         │                                └── capstan verify-worker
//!         └─ a block: job (list, what the list declares of the parent) to each; then pieces, as they are done
//! ```
//!
//! Both sides prove that they know one token. A worker that goes away, or that answers something else, costs the time of its
//! piece, which then runs in the node. `specs/per.md` has the protocol.

mod helpers;
mod token;
mod wire;
mod worker;

pub use helpers::Helpers;
pub use token::Token;
pub use worker::{Told, help, help_once};

#[cfg(test)]
mod tests;
