//! Reverts of native contracts in words: their numbers as they are, and beside those that nobody reads what they mean.
//!
//! ```text
//!   LendingNoCash(assetId: 1, wanted: 2500000 (2.5 USDC), cash: 0 (0 USDC))
//!   AccountUnhealthy(.., borrowable: 4500075950788329321408 (4500.07 USD), ..)
//!   AccountSignatureExpired(deadlineMs: 1700000000000 (2023-11-14T22:13:20Z), ..)
//! ```
//!
//! Times, dollars and paused verbs need no state; amounts need their asset's decimals, which the ledger knows.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use alloy_primitives::U256;
use capstan_contracts::{
    Decoded,
    decode::Argument,
    decode_error,
    ledger::{self, ILedger},
    pause_word,
};
use capstan_units::decimal_down;
use serde::Serialize;

use crate::{RpcContext, error::RpcResult, views::Views};

/// What the contracts call Solidity's own `Error` and `Panic`.
const SOLIDITY: &str = "solidity";
/// Numbers of milliseconds from here on are moments, below it lengths of time: the year 2001.
const MOMENTS_FROM_MS: u64 = 1_000_000_000_000;
/// Dollars and health are parts of 10^18.
const WAD_DECIMALS: u8 = 18;
/// Digits behind the point that people read.
const PLACES: u8 = 6;
const DOLLAR_PLACES: u8 = 2;
const HEALTH_PLACES: u8 = 3;

/// Errors whose `uint256` are amounts of the asset that their `assetId` names.
const AMOUNTS: [&str; 19] = [
    "AccountDepositCap",
    "AccountUnderpaid",
    "BackstopCap",
    "BackstopDearer",
    "BackstopTakesFee",
    "BackstopTooSmall",
    "ExchangePaidTooMuch",
    "ExchangeReceivedTooLittle",
    "ExchangeTooMuch",
    "ExchangeUnsettled",
    "LedgerInsufficient",
    "LedgerNothingArrived",
    "LedgerOutflowLimit",
    "LedgerShort",
    "LendingBorrowCap",
    "LendingNoCash",
    "LendingNotPaidBack",
    "LendingSupplyCap",
    "LendingTooSmall",
];

/// Arguments that are values in dollars.
const DOLLARS: [(&str, &str); 8] = [
    ("AccountBoundsMissed", "debt"),
    ("AccountBoundsMissed", "maxDebt"),
    ("AccountCoolingOff", "loss"),
    ("AccountCoolingOff", "lossMax"),
    ("AccountDebtTooSmall", "min"),
    ("AccountDebtTooSmall", "value"),
    ("AccountUnhealthy", "borrowable"),
    ("AccountUnhealthy", "debt"),
];

/// What an amount is counted in.
pub(crate) struct Unit {
    pub(crate) symbol: String,
    pub(crate) decimals: u8,
}

/// An error of a native contract in one line; Solidity's own have words that every client knows.
pub(crate) fn revert_line(output: &[u8]) -> Option<String> {
    decode_error(output)
        .filter(|error| error.contract != SOLIDITY)
        .map(|error| sentence(&error, None))
}

fn sentence(error: &Decoded, unit: Option<&Unit>) -> String {
    let argument = |argument: &Argument| {
        let named = match argument.name.as_str() {
            "" => argument.value.clone(),
            name => format!("{name}: {}", argument.value),
        };
        match words(error, argument, unit) {
            Some(words) => format!("{named} ({words})"),
            None => named,
        }
    };
    let arguments: Vec<_> = error.arguments.iter().map(argument).collect();
    format!("{}({})", error.name, arguments.join(", "))
}

/// What a number means, where it does not say so itself.
fn words(error: &Decoded, argument: &Argument, unit: Option<&Unit>) -> Option<String> {
    let (name, value) = (argument.name.as_str(), argument.value.as_str());
    match argument.kind.as_str() {
        "uint8" if name == "verb" => {
            pause_word(error.contract, value.parse().ok()?).map(str::to_owned)
        }
        "uint64" if name.ends_with("Ms") => time_words(value.parse().ok()?),
        "uint256" | "int256" if DOLLARS.contains(&(error.name.as_str(), name)) => {
            let (sign, digits) = match value.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", value),
            };
            let dollars = decimal_down(digits.parse().ok()?, WAD_DECIMALS, DOLLAR_PLACES);
            Some(format!("{sign}{dollars} USD"))
        }
        "uint256" if matches!(name, "health" | "minHealth") => {
            let health: U256 = value.parse().ok()?;
            let told = decimal_down(health, WAD_DECIMALS, HEALTH_PLACES);
            (health != U256::MAX).then_some(told)
        }
        "uint256" if AMOUNTS.contains(&error.name.as_str()) => {
            let Unit { symbol, decimals } = unit?;
            let amount = decimal_down(value.parse().ok()?, *decimals, PLACES);
            Some(format!("{amount} {symbol}"))
        }
        _ => None,
    }
}

/// A moment as a date, a shorter number as a length of time; nothing for what lies behind the calendar's end.
pub(crate) fn time_words(ms: u64) -> Option<String> {
    let length = Duration::from_millis(ms);
    if ms < MOMENTS_FROM_MS {
        return Some(humantime::format_duration(length).to_string());
    }
    let at = UNIX_EPOCH.checked_add(length)?;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_seconds(at)).ok()?;
    Some(text)
}

/// A revert in words, as `capstan_decodeError` answers it.
#[derive(Serialize)]
pub(crate) struct ErrorInWords {
    contract: &'static str,
    name: String,
    signature: String,
    args: Vec<ArgInWords>,
    message: String,
    help: String,
}

#[derive(Serialize)]
struct ArgInWords {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl ErrorInWords {
    /// On the newest state, for who has only the bytes.
    pub(crate) fn newest(cx: &RpcContext, output: &[u8]) -> RpcResult<Option<Self>> {
        let Some(error) = decode_error(output) else {
            return Ok(None);
        };
        let unit = match asset_of(&error) {
            Some(asset_id) => unit(&mut Views::at(cx, None)?, asset_id)?,
            None => None,
        };
        Ok(Some(Self::of(error, unit.as_ref())))
    }

    /// On the state that reverted.
    pub(crate) fn read(views: &mut Views<'_>, output: &[u8]) -> RpcResult<Option<Self>> {
        let Some(error) = decode_error(output) else {
            return Ok(None);
        };
        let unit = match asset_of(&error) {
            Some(asset_id) => unit(views, asset_id)?,
            None => None,
        };
        Ok(Some(Self::of(error, unit.as_ref())))
    }

    fn of(error: Decoded, unit: Option<&Unit>) -> Self {
        let message = sentence(&error, unit);
        let args = error.arguments.into_iter().map(|argument| ArgInWords {
            name: argument.name,
            kind: argument.kind,
            value: argument.value,
        });
        Self {
            contract: error.contract,
            name: error.name,
            signature: error.signature,
            args: args.collect(),
            message,
            help: error.help,
        }
    }
}

/// The asset in which an error's amounts are counted.
fn asset_of(error: &Decoded) -> Option<u32> {
    if !AMOUNTS.contains(&error.name.as_str()) {
        return None;
    }
    let mut arguments = error.arguments.iter();
    let named = arguments.find(|argument| argument.name == "assetId")?;
    named.value.parse().ok()
}

/// Nothing for an asset that is not listed: an error may name any number.
pub(crate) fn unit(views: &mut Views<'_>, asset_id: u32) -> RpcResult<Option<Unit>> {
    let asset = views.answer(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
    Ok(asset.ok().map(|asset| Unit {
        symbol: asset.symbol.chars().filter(|c| !c.is_control()).collect(),
        decimals: asset.decimals,
    }))
}

#[cfg(test)]
mod tests;
