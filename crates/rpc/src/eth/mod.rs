//! `eth_`: the methods that every Ethereum client calls. One file per subject.
//!
//! | file | what |
//! |---|---|
//! | `node` | forks, precompiles, what is kept of the past |
//! | `blocks` | blocks, transactions, receipts by number, hash, index |
//! | `state` | balance, code, storage, nonce at a block |
//! | `proof` | EIP-1186 |
//! | `logs`, `filters` | logs at once, and logs, blocks and transactions as they come |
//! | `fees` | base fee, tips, history |
//! | `scene` | what a call stands on: environment, state, overrides |
//! | `call`, `estimate`, `simulate` | running without keeping |
//! | `refusal` | why something cannot run, in geth's words |
//! | `accounts`, `send`, `typed_data` | unlocked accounts, sending, signing |

mod accounts;
pub(crate) mod blocks;
mod build;
pub(crate) mod call;
pub(crate) mod estimate;
pub(crate) mod fees;
mod filters;
mod logs;
mod node;
mod proof;
pub(crate) mod refusal;
pub(crate) mod scene;
pub(crate) mod send;
mod simulate;
pub(crate) mod state;
mod typed_data;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    node::register(table);
    blocks::register(table);
    state::register(table);
    proof::register(table);
    logs::register(table);
    fees::register(table);
    call::register(table);
    estimate::register(table);
    simulate::register(table);
    accounts::register(table);
    build::register(table);
    filters::register(table);
    send::register(table);
}
