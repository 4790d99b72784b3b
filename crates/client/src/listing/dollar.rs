//! The chain's own dollar as its owner describes it in a file, and the calls that open it.

use capstan_contracts::{dollar::IDollar::DollarParams, listing::IListing};
use serde::Deserialize;

use super::{Collateral, ListingError, Price, Said, bps, decimal, ms};

/// A file that says everything, with a word about each part.
pub const DOLLAR_EXAMPLE: &str = include_str!("dollar.toml");

/// Digits of a dollar behind the point.
const DECIMALS: u8 = 18;

/// A description of the dollar.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DollarFile {
    dollar: Params,
    price: Price,
    collateral: Option<Collateral>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    stability_fee: Said,
    savings_rate: Said,
    redemption_fee: Said,
    ceiling: Said,
    headroom: Said,
    refill: Said,
    redemption_min: Said,
    surplus_floor: Said,
}

impl DollarFile {
    /// Reads a description.
    ///
    /// # Errors
    /// Not TOML, or a name is missing or unknown.
    pub fn read(text: &str) -> Result<Self, ListingError> {
        toml::from_str(text).map_err(|error| ListingError::Form(error.to_string()))
    }

    /// What its contract is told. Ranges are the contract's to check.
    ///
    /// # Errors
    /// A number or a time does not read.
    pub fn params(&self) -> Result<DollarParams, ListingError> {
        let dollars = |name, said: &Said| decimal(name, said, DECIMALS);
        let of = &self.dollar;
        Ok(DollarParams {
            stabilityBps: bps("dollar.stability_fee", &of.stability_fee)?,
            savingsBps: bps("dollar.savings_rate", &of.savings_rate)?,
            redemptionFeeBps: bps("dollar.redemption_fee", &of.redemption_fee)?,
            refillS: ms("dollar.refill", &of.refill)? / 1_000,
            ceiling: dollars("dollar.ceiling", &of.ceiling)?,
            headroom: dollars("dollar.headroom", &of.headroom)?,
            redemptionMin: dollars("dollar.redemption_min", &of.redemption_min)?,
            surplusFloor: dollars("dollar.surplus_floor", &of.surplus_floor)?,
        })
    }

    /// How its price is agreed on.
    ///
    /// # Errors
    /// A number or a time does not read.
    pub fn feed(&self) -> Result<IListing::Feed, ListingError> {
        self.price.feed()
    }

    /// What it counts as collateral, if anything.
    ///
    /// # Errors
    /// A number does not read.
    pub fn collateral(&self) -> Result<Option<IListing::Collateral>, ListingError> {
        let terms = self.collateral.as_ref();
        terms.map(|terms| terms.terms(DECIMALS)).transpose()
    }
}
