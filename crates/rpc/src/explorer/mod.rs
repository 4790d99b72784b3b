//! The chain as people read it: what a transaction did, and how a block touched the state.
//!
//! ```text
//!   calldata ─┐
//!   logs ─────┼─► told: names, amounts with their units, one line ──► transaction
//!   batches ──┘                                          └──────────► record: who wrote what beside whom
//! ```
//!
//! Bytes are read with the contracts' own ABIs, and nothing is run: what is told is what was signed and what was
//! logged. Assets are named as the newest state names them.

mod record;
mod told;
mod transaction;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    transaction::register(table);
    record::register(table);
}
