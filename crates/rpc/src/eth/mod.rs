//! `eth_`: the methods that every Ethereum client calls. One file per subject.

mod accounts;
mod filters;
pub(crate) mod send;
mod typed_data;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    accounts::register(table);
    filters::register(table);
    send::register(table);
}
