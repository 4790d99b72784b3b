//! A number as development tools write it.

use std::fmt;

use alloy_primitives::U256;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// A number as development tools write it: `5`, `"5"`, `"0x5"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity(pub(super) U256);

impl Quantity {
    /// As 64 bits; larger ones count as the largest.
    pub(super) fn saturating_u64(self) -> u64 {
        self.0.saturating_to()
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct QuantityVisitor;
        impl Visitor<'_> for QuantityVisitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a string with a decimal or 0x-prefixed number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
                Ok(Quantity(U256::from(number)))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
                u64::try_from(number)
                    .map(|number| Quantity(U256::from(number)))
                    .map_err(|_| E::custom(format!("{number} is negative")))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                let parsed = match text.strip_prefix("0x") {
                    Some("") => return Ok(Quantity(U256::ZERO)),
                    Some(digits) => U256::from_str_radix(digits, 16),
                    None => U256::from_str_radix(text, 10),
                };
                parsed
                    .map(Quantity)
                    .map_err(|reason| E::custom(format!("not a number: {reason}")))
            }
        }
        deserializer.deserialize_any(QuantityVisitor)
    }
}
