//! `eth_`: the methods that every Ethereum client calls. One file per subject.

mod accounts;
mod filters;
pub(crate) mod send;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    accounts::register(table);
    filters::register(table);
    send::register(table);
}
