//! Lending markets, as `capstan_markets` answers them.

use alloy_primitives::{Address, U64, U256};
use capstan_units::decimal_down;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{ClientError, Node};

/// A number with its decimals.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Fixed {
    /// The integer.
    pub amount: U256,
    /// Digits of it behind the point.
    pub decimals: u8,
    /// The number as text, with all digits.
    pub text: String,
}

impl Fixed {
    /// At most `places` digits behind the point, the rest cut off.
    pub fn short(&self, places: u8) -> String {
        decimal_down(self.amount, self.decimals, places)
    }

    /// The same for people to read: rounded to the nearest, so that what shares round away does not make 1.999999 of 2.
    /// Never for a bound.
    pub fn near(&self, places: u8) -> String {
        near(self.amount, self.decimals, places)
    }

    /// As a percentage, with at most two digits behind the point.
    pub fn percent(&self) -> String {
        let decimals = self.decimals.saturating_sub(2);
        format!("{} %", near(self.amount, decimals, 2))
    }
}

fn near(amount: U256, decimals: u8, places: u8) -> String {
    let cut = decimals.saturating_sub(places);
    let unit = U256::from(10).checked_pow(U256::from(cut));
    let half = unit.map_or(U256::ZERO, |unit| unit / U256::from(2));
    decimal_down(amount.saturating_add(half), decimals, places)
}

/// A lending market.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Market {
    pub asset_id: u32,
    pub symbol: String,
    pub token: Address,
    pub share_token: Address,
    pub frozen: bool,
    pub supplied: Fixed,
    pub borrowed: Fixed,
    pub cash: Fixed,
    pub reserve: Fixed,
    pub utilisation: Fixed,
    pub supply_rate_per_year: Fixed,
    pub borrow_rate_per_year: Fixed,
    pub paused: Paused,
    pub params: MarketParams,
    pub next_params: Option<NextParams>,
    pub price: Option<PriceState>,
}

/// Verbs that are paused.
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Paused {
    pub supply: bool,
    pub redeem: bool,
    pub borrow: bool,
}

/// What the owner set.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct MarketParams {
    pub supply_cap: Fixed,
    pub borrow_cap: Fixed,
    pub reserve_factor_bps: u16,
    pub rate_model: String,
}

/// What follows, and when.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct NextParams {
    pub from_ms: U64,
    #[serde(flatten)]
    pub params: MarketParams,
}

/// A price, and whether somebody may borrow against it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct PriceState {
    pub spot: Fixed,
    pub smoothed: Fixed,
    pub time_ms: U64,
    pub usable: bool,
    pub why: Option<String>,
}

/// All markets, page by page: as the node wrote them, and read.
///
/// # Errors
/// The node does not answer.
pub async fn markets(node: &Node) -> Result<Vec<(Value, Market)>, ClientError> {
    let asked = |cursor| json!([{"cursor": cursor}]);
    Ok(node.all("capstan_markets", asked).await?.items)
}
