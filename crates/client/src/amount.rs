//! Amounts as people say them: `75.5 usdc`, `10% eth`, `max dai`.

use std::str::FromStr;

use alloy_primitives::U256;
use capstan_units::{DecimalError, mul_div_down, parse_decimal};

use crate::AssetName;

/// A whole, in hundredths of a percent.
const WHOLE_BPS: u32 = 10_000;
/// Digits of a percentage behind the point.
const PERCENT_DECIMALS: u8 = 2;

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not the form of an amount.
    #[error("`{text}` is no amount: write `75.5 usdc`, `10% usdc` or `max usdc`")]
    Form {
        /// What was read.
        text: String,
    },
    /// The number is wrong.
    #[error("`{text}` is no amount: {why}")]
    Number {
        /// What was read.
        text: String,
        /// What is wrong with it.
        why: DecimalError,
    },
    /// A part of more than there is.
    #[error("`{text}` is more than all of it")]
    Part {
        /// What was read.
        text: String,
    },
}

/// How much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A number of whole units, as it was written: it counts once the decimals are known.
    Units(String),
    /// A part of what there is, in hundredths of a percent.
    PartBps(u32),
    /// All there is.
    Max,
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        if text.eq_ignore_ascii_case("max") || text.eq_ignore_ascii_case("all") {
            return Ok(Self::Max);
        }
        let number = |digits, decimals| {
            parse_decimal(digits, decimals).map_err(|why| AmountError::Number {
                text: text.to_owned(),
                why,
            })
        };
        let Some(percent) = text.strip_suffix('%') else {
            // Every ABI word has fewer digits than this has room for behind the point.
            number(text, u8::MAX).or_else(|error| match error {
                AmountError::Number {
                    why: DecimalError::TooLarge,
                    ..
                } => Ok(U256::ZERO),
                other => Err(other),
            })?;
            return Ok(Self::Units(text.to_owned()));
        };
        let bps = number(percent, PERCENT_DECIMALS)?;
        let bps = u32::try_from(bps).ok().filter(|bps| *bps <= WHOLE_BPS);
        let part = bps.ok_or_else(|| AmountError::Part {
            text: text.to_owned(),
        })?;
        Ok(Self::PartBps(part))
    }
}

impl Amount {
    /// Smallest units, of an asset with these decimals of which there is so much. All there is is the largest number:
    /// what that comes to is decided where it happens, since interest moves on.
    ///
    /// # Errors
    /// More digits than the asset has, or a number that is too large.
    pub fn resolve(&self, decimals: u8, there_is: U256) -> Result<U256, AmountError> {
        match self {
            Self::Units(text) => parse_decimal(text, decimals).map_err(|why| AmountError::Number {
                text: text.clone(),
                why,
            }),
            // A part of at most the whole fits.
            Self::PartBps(bps) => {
                let part = mul_div_down(there_is, U256::from(*bps), U256::from(WHOLE_BPS));
                Ok(part.unwrap_or(there_is))
            }
            Self::Max => Ok(U256::MAX),
        }
    }
}

/// An amount of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub asset: AssetName,
}

impl FromStr for Asked {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let form = || AmountError::Form {
            text: text.to_owned(),
        };
        let trimmed = text.trim();
        let (amount, asset) = match trimmed.split_once(char::is_whitespace) {
            Some((amount, asset)) => (amount, asset.trim()),
            // `75.5usdc`: the name begins with the first letter.
            None => {
                let name = trimmed.find(|c: char| !matches!(c, '0'..='9' | '.' | '_' | '%'));
                trimmed
                    .split_at_checked(name.ok_or_else(form)?)
                    .ok_or_else(form)?
            }
        };
        if amount.is_empty() || asset.is_empty() || asset.contains(char::is_whitespace) {
            return Err(form());
        }
        Ok(Self {
            amount: amount.parse()?,
            asset: asset.parse().map_err(|()| form())?,
        })
    }
}
