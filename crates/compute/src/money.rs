//! What answers cost: amounts of the dollar, and prices per million tokens.
//!
//! ```text
//!   cost = input tokens * input price / 10^6 + output tokens * output price / 10^6
//! ```
//! A price has at most 12 digits behind the point and an amount 18, so the division leaves nothing over: costs are exact.

use std::{fmt, str::FromStr};

use capstan_units::{Assets, DecimalError, decimal, parse_decimal};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits behind the point of an amount: those of the chain's own dollar, so that a voucher can carry it unchanged.
const DECIMALS: u8 = 18;
/// Digits behind the point of a price per million tokens.
const PRICE_DECIMALS: u8 = 12;
/// A million tokens.
const MILLION: u128 = 1_000_000;

/// An amount of the dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dollars(Assets);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Another unit, or none.
    #[error("`{0}` is no amount of dollars; write 5usd or 0.25usd")]
    NoUnit(String),
    /// Not a number.
    #[error("`{0}` is no amount of dollars: {1}")]
    NoNumber(String, DecimalError),
    /// Beyond what an amount holds.
    #[error("`{0}` is more dollars than there can be")]
    TooLarge(String),
}

impl Dollars {
    /// Nothing.
    pub const ZERO: Self = Self(Assets::ZERO);
    /// More than anybody has.
    pub const MAX: Self = Self(Assets::MAX);

    /// So many parts of 10^-18, or the most there can be.
    pub fn from_atto_or_max(atto: u128) -> Self {
        Self(Assets::new(atto).unwrap_or(Assets::MAX))
    }

    /// Parts of 10^-18.
    pub const fn atto(self) -> u128 {
        self.0.get()
    }

    /// The sum, or the most there can be.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self(self.0.add(more.0).unwrap_or(Assets::MAX))
    }

    /// The difference, or nothing where it would be negative.
    #[must_use]
    pub fn less_or_zero(self, less: Self) -> Self {
        Self(self.0.sub_or_zero(less.0))
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    fn parse(text: &str, decimals: u8) -> Result<Self, MoneyError> {
        let trimmed = text.trim();
        let number = trimmed
            .strip_suffix("usd")
            .ok_or_else(|| MoneyError::NoUnit(trimmed.to_owned()))?
            .trim_end();
        // Checked at the fewer digits first: one that is too fine is refused instead of rounded.
        parse_decimal(number, decimals)
            .and_then(|_| parse_decimal(number, DECIMALS))
            .map_err(|why| MoneyError::NoNumber(trimmed.to_owned(), why))
            .and_then(|atto| {
                let too_large = |_| MoneyError::TooLarge(trimmed.to_owned());
                Assets::from_u256(atto).map(Self).map_err(too_large)
            })
    }
}

impl FromStr for Dollars {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::parse(text, DECIMALS)
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}usd", decimal(self.0.to_u256(), DECIMALS))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Dollars per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerMillion(Dollars);

impl PerMillion {
    /// What so many tokens cost: exact, or the most there can be.
    pub fn cost(self, tokens: u64) -> Dollars {
        // The price is a multiple of a million parts by construction.
        let per_token = self.0.atto().checked_div(MILLION).unwrap_or_default();
        Dollars::from_atto_or_max(per_token.saturating_mul(u128::from(tokens)))
    }

    /// The price at which so many tokens an hour bring in an amount an hour, rounded up to the digits of a price. None where
    /// nothing is written, or it is more than can be.
    pub fn earning_up(per_hour: Dollars, tokens_per_hour: u64) -> Option<Self> {
        let tokens = u128::from(tokens_per_hour);
        let per_token = per_hour.atto().checked_add(tokens.checked_sub(1)?)? / tokens;
        let atto = per_token.checked_mul(MILLION)?;
        let price = Dollars::from_atto_or_max(atto);
        (price.atto() == atto).then_some(Self(price))
    }

    /// An amount a million tokens, rounded up to the digits of a price.
    pub fn of_up(amount: Dollars) -> Self {
        let per_token = amount.atto().div_ceil(MILLION);
        Self(Dollars::from_atto_or_max(per_token.saturating_mul(MILLION)))
    }

    /// What a million tokens cost.
    pub const fn per_million(self) -> Dollars {
        self.0
    }

    /// A part of it, rounded up to the digits of a price.
    pub fn part_up(self, part: u128) -> Self {
        let per_token = self.0.atto() / MILLION;
        Self(Dollars::from_atto_or_max(
            per_token.div_ceil(part.max(1)).saturating_mul(MILLION),
        ))
    }

    /// How many tokens an amount pays; none where they cost nothing.
    pub fn tokens_down(self, amount: Dollars) -> Option<u64> {
        let per_token = self.0.atto().checked_div(MILLION).unwrap_or_default();
        let tokens = amount.atto().checked_div(per_token)?;
        Some(u64::try_from(tokens).unwrap_or(u64::MAX))
    }
}

impl FromStr for PerMillion {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Dollars::parse(text, PRICE_DECIMALS).map(Self)
    }
}

impl fmt::Display for PerMillion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for PerMillion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PerMillion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
