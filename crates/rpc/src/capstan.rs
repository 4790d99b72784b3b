//! `capstan_`: what this chain has beyond Ethereum.

use crate::methods::Methods;

pub(crate) fn register(_table: &mut Methods) {}
