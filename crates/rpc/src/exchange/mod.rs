//! The exchange as people and programs ask for it: `capstan_pools`, `capstan_quote`, orders of `capstan_triggers`,
//! farms and products of `capstan_farms` and `capstan_products`.
//!
//! ```text
//!   from, to, amount ─► coins: which assets ─► search: which pools, in which parts ─► legs ─► IExchange.quote ─► answer
//!                                                └─ asks the contract for every amount on the way
//! ```
//!
//! No amount is computed here that the contract says: a search asks what `IExchange.quote` says of one pool after the
//! other, and the whole is asked once more before it is answered. What is computed here is beside it: prices in whole units, the
//! distance from the price before, words.

pub(crate) mod coins;
mod direct;
mod farms;
mod pools;
mod products;
mod quote;
mod search;
mod triggers;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    pools::register(table);
    products::register(table);
    quote::register(table);
    triggers::register(table);
    farms::register(table);
}
