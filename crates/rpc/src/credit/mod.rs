//! Credit as people and programs ask for it: `capstan_markets` and what belongs to an account.
//!
//! Nothing is computed here that a contract says: answers are the contracts' own views, asked on the state of one
//! block ([`crate::views`]) and written with decimals and text beside every number ([`crate::fixed`]).

mod account;
mod compared;
mod costs;
mod events;
mod liquidations;
mod look_back;
mod markets;
mod preview;
mod risk;

pub(crate) use account::AccountAsked;
pub(crate) use risk::Kept as KeptRisk;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    markets::register(table);
    account::register(table);
    preview::register(table);
    events::register(table);
    liquidations::register(table);
    risk::register(table);
}
