//! The `debug` namespace: how a transaction ran, and the bytes that the chain keeps.
//!
//! | file | what |
//! |---|---|
//! | `trace` | replays blocks up to a transaction and watches it |
//! | `watch` | the inspector around every tracer: time limit, size limit |
//! | `frames` | names native contracts in call frames |
//! | `raw` | consensus bytes of headers, blocks, transactions, receipts |

mod frames;
mod raw;
mod trace;
mod watch;

use crate::methods::Methods;

/// Puts the rows of this namespace into the table.
pub(crate) fn register(table: &mut Methods) {
    trace::register(table);
    raw::register(table);
}
