//! What happened to an account, in words: amounts in units of their assets, verbs by name.
//!
//! The node answers events as contracts wrote them ([rpc](../../../specs/rpc.md)). Here an argument is an amount if the
//! table below names its asset; shares of markets and whatever no table knows are left to `--json` or stay as written.

use alloy_primitives::{B256, U64, U256};
use capstan_contracts::account::Verb;
use capstan_units::decimal_down;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AccountName, Assets, ClientError, Node};

/// Digits behind the point that people read.
const PLACES: u8 = 6;
/// Health is a wad.
const WAD_DECIMALS: u8 = 18;
const HEALTH_PLACES: u8 = 3;

/// One event of an account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Happening {
    pub block_number: U64,
    pub timestamp: U64,
    pub transaction_hash: B256,
    pub contract: String,
    pub event: String,
    pub args: Vec<HappeningArg>,
    pub about: String,
}

/// One value of an event, as people write it.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct HappeningArg {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Happening>,
}

/// The newest events of an account: as the node wrote them, and read.
///
/// # Errors
/// The node does not answer.
pub async fn history(
    node: &Node,
    name: AccountName,
    limit: u32,
) -> Result<(Value, Vec<Happening>), ClientError> {
    let method = "capstan_accountEvents";
    let asked = json!([{"owner": name.owner, "index": name.index}, {"limit": limit}]);
    let whole = node.call_in_words(method, asked).await?;
    let page: Page = node.as_shape(method, whole.clone())?;
    Ok((whole, page.items))
}

/// Arguments that are amounts of the asset that another argument names.
const AMOUNTS: [(&str, &str); 16] = [
    ("assets", "assetId"),
    ("amount", "assetId"),
    ("requested", "assetId"),
    ("credited", "assetId"),
    ("fee", "assetId"),
    ("debt", "assetId"),
    ("reserve", "assetId"),
    ("lenders", "assetId"),
    ("goods", "assetId"),
    ("paid", "debtAssetId"),
    ("taken", "collateralAssetId"),
    ("toReserve", "collateralAssetId"),
    ("paid", "assetIn"),
    ("received", "assetOut"),
    ("amountIn", "assetIn"),
    ("amountOut", "assetOut"),
];

/// Arguments of the dollar's events that are dollars, though some name another asset.
const DOLLARS: [(&str, &str); 12] = [
    ("Minted", "amount"),
    ("DollarRepaid", "amount"),
    ("DollarLossRealised", "debt"),
    ("DollarLossRealised", "surplus"),
    ("DollarLossRealised", "hole"),
    ("SwappedIn", "usd"),
    ("SwappedIn", "fee"),
    ("SwappedOut", "usd"),
    ("SwappedOut", "fee"),
    ("RedemptionRequested", "amount"),
    ("Redeemed", "amount"),
    ("Redeemed", "fee"),
];
/// Amounts of an order's assets, which its events do not name: what the account's own events beside them say in units.
const OF_ORDERS: [&str; 4] = ["order", "sold", "received", "repaid"];
const PRICES: [&str; 2] = ["sellPrice", "buyPrice"];
const PRICE_DECIMALS: u8 = 18;
const DOLLAR: &str = "usd";
const DOLLAR_DECIMALS: u8 = 18;

/// Arguments that say which account or which asset, which the line says otherwise.
const SAID: [&str; 10] = [
    "owner",
    "index",
    "assetId",
    "debtAssetId",
    "collateralAssetId",
    "assetIn",
    "assetOut",
    "shares",
    "debtShares",
    "priceRound",
];

impl Happening {
    /// What it says, without when: `Supplied 2 ETH`.
    pub fn words(&self, assets: &Assets) -> String {
        let said: Vec<_> = self
            .args
            .iter()
            .filter_map(|arg| self.argument(arg, assets))
            .collect();
        match said.as_slice() {
            [] => self.event.clone(),
            said => format!("{}  {}", self.event, said.join(", ")),
        }
    }

    fn argument(&self, arg: &HappeningArg, assets: &Assets) -> Option<String> {
        let name = arg.name.as_str();
        if let Some((decimals, symbol)) = self.unit_of(name, assets) {
            let amount: U256 = arg.value.parse().ok()?;
            let amount = decimal_down(amount, decimals, PLACES);
            // The amount of an event that has but one needs no name.
            let named = match name {
                "assets" | "amount" => String::new(),
                name => format!("{name} "),
            };
            return Some(format!("{named}{amount} {symbol}"));
        }
        let is_owner = self.value("owner") == Some(&arg.value);
        match name {
            _ if is_owner => None,
            "verbs" => Some(verbs(&arg.value)),
            "health" | "healthBefore" | "healthAfter" => Some(format!("{name} {}", health(arg)?)),
            name if SAID.contains(&name) => None,
            name if self.contract == "triggers" && OF_ORDERS.contains(&name) => None,
            name if PRICES.contains(&name) => {
                let price = arg.value.parse().ok()?;
                let price = decimal_down(price, PRICE_DECIMALS, PLACES);
                Some(format!("{name} {price} USD"))
            }
            // Another account of the same number is the one that the line is about.
            name if name.ends_with("Index") && self.value("index") == Some(&arg.value) => None,
            name => Some(format!("{name} {}", arg.value)),
        }
    }

    /// Decimals and symbol of what this argument is an amount of.
    fn unit_of<'a>(&self, name: &str, assets: &'a Assets) -> Option<(u8, &'a str)> {
        if self.contract == "dollar" && DOLLARS.contains(&(self.event.as_str(), name)) {
            return Some((DOLLAR_DECIMALS, DOLLAR));
        }
        let mut rows = AMOUNTS.iter().filter(|(amount, _)| *amount == name);
        let id = rows.find_map(|(_, asset)| self.value(asset)?.parse().ok())?;
        let asset = assets.get(id)?;
        Some((asset.decimals, &asset.symbol))
    }

    fn value(&self, named: &str) -> Option<&String> {
        let arg = self.args.iter().find(|arg| arg.name == named)?;
        Some(&arg.value)
    }
}

/// `[1, 3]` as `deposit, supply`.
fn verbs(list: &str) -> String {
    let numbers = list.trim_matches(['[', ']']).split(", ");
    let name = |number: &str| {
        let verb = Verb::ALL
            .iter()
            .find(|verb| verb.number().to_string() == number);
        verb.map_or_else(|| number.to_owned(), |verb| verb.name().to_owned())
    };
    numbers.map(name).collect::<Vec<_>>().join(", ")
}

/// Without a debt, health is the largest number.
fn health(arg: &HappeningArg) -> Option<String> {
    let health: U256 = arg.value.parse().ok()?;
    Some(match health {
        U256::MAX => "without debt".to_owned(),
        health => decimal_down(health, WAD_DECIMALS, HEALTH_PLACES),
    })
}

#[cfg(test)]
mod tests;
