//! A number with its decimals, and as text: no client has to know how a contract counts.

use alloy_primitives::{U256, uint};
use capstan_units::decimal;
use serde::Serialize;

/// Decimals of values and prices in dollars, and of health factors.
const WAD: u8 = 18;
/// Decimals of rates per year, indexes and utilisation.
const RAY: u8 = 27;
/// One, with those decimals.
pub(crate) const RAY_ONE: U256 = uint!(1_000_000_000_000_000_000_000_000_000_U256);

/// `{"amount": "0x480...", "decimals": 6, "text": "75.5"}`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fixed {
    amount: U256,
    decimals: u8,
    text: String,
}

impl Fixed {
    /// Of an asset with these decimals.
    pub(crate) fn new(amount: U256, decimals: u8) -> Self {
        Self {
            amount,
            decimals,
            text: decimal(amount, decimals),
        }
    }

    /// A value or price in dollars, or a health factor.
    pub(crate) fn wad(amount: U256) -> Self {
        Self::new(amount, WAD)
    }

    /// A rate per year or a part of one.
    pub(crate) fn ray(amount: U256) -> Self {
        Self::new(amount, RAY)
    }
}
