//! The chain as people read it: what a transaction did, and how a block touched the state.
//!
//! ```text
//!   calldata ─┐
//!   logs ─────┼─► told: names, amounts with their units, one line ──► transaction
//!   batches ──┘                                          └──────────► record: who wrote what beside whom
//!   block, run once more ─► kept: sidecar and analysis ──► touched: who read what, and waited for whom
//!                                                    └───► contention: where a range of blocks waits
//! ```
//!
//! Bytes are read with the contracts' own ABIs, and nothing is run but for who read what: what is told is what was signed
//! and what was logged. Assets are named as the newest state names them.

mod contention;
mod kept;
mod place;
mod record;
mod told;
mod touched;
mod transaction;

pub(crate) use kept::KeptRecords;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    transaction::register(table);
    record::register(table);
    contention::register(table);
}
