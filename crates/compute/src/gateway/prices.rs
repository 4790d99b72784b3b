//! What tokens of each model cost.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use serde::Deserialize;

use crate::money::{Dollars, PerMillion};

/// Longest answer where nothing else is said.
const OUTPUT_TOKENS: u64 = 4_096;
const SECONDS_PER_HOUR: f64 = 3_600.0;
/// A token that is written costs so many times one that is read.
const READ_PART: u128 = 4;

/// What tokens of a model cost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// Per million tokens that are read.
    pub input: PerMillion,
    /// Per million tokens that are written.
    #[serde(default)]
    pub output: PerMillion,
    /// Longest answer, and the length reserved for one that names none.
    #[serde(default = "output_tokens")]
    pub max_output_tokens: u64,
    /// Hash of the weights, where the owner knows it.
    #[serde(default)]
    pub program: Option<B256>,
    /// How the weights are stored, for receipts.
    #[serde(default)]
    pub quantisation: Option<String>,
}

const fn output_tokens() -> u64 {
    OUTPUT_TOKENS
}

impl ModelPrice {
    /// What so many tokens cost.
    pub fn cost(&self, input_tokens: u64, output_tokens: u64) -> Dollars {
        self.input
            .cost(input_tokens)
            .plus(self.output.cost(output_tokens))
    }
}

/// A file of prices, as help and pages show it.
pub const PRICES_EXAMPLE: &str = include_str!("prices.example.toml");

/// Prices by model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Of models that are not named; without it, only named ones are served.
    pub default: Option<ModelPrice>,
    /// Of models by name.
    #[serde(default)]
    pub models: BTreeMap<String, ModelPrice>,
}

/// A file of prices that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the prices cannot be read: {0}")]
pub struct PricesError(#[from] toml::de::Error);

impl Prices {
    /// One price for all models.
    pub const fn flat(input: PerMillion, output: PerMillion) -> Self {
        let price = ModelPrice {
            input,
            output,
            max_output_tokens: OUTPUT_TOKENS,
            program: None,
            quantisation: None,
        };
        Self {
            default: Some(price),
            models: BTreeMap::new(),
        }
    }

    /// Prices at which each model, writing so many tokens a second, brings in a floor an hour. A token that is read costs a
    /// quarter: servers read many at a time. A model that wrote nothing has no price, and is not served.
    pub fn earning(per_hour: Dollars, rates: &[(String, f64)]) -> Self {
        let price = |(model, rate): &(String, f64)| {
            let per_hour_tokens = (rate * SECONDS_PER_HOUR).floor() as u64;
            let output = PerMillion::earning_up(per_hour, per_hour_tokens)?;
            let price = ModelPrice {
                input: output.part_up(READ_PART),
                output,
                max_output_tokens: OUTPUT_TOKENS,
                program: None,
                quantisation: None,
            };
            Some((model.clone(), price))
        };
        Self {
            default: None,
            models: rates.iter().filter_map(price).collect(),
        }
    }

    /// The prices of a file.
    ///
    /// # Errors
    /// It is no such file: the line is in the error.
    pub fn from_toml(text: &str) -> Result<Self, PricesError> {
        Ok(toml::from_str(text)?)
    }

    /// What a model costs, if it is served.
    pub fn of(&self, model: &str) -> Option<&ModelPrice> {
        self.models.get(model).or(self.default.as_ref())
    }
}
