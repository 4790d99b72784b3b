//! What customer and machine say to each other beside requests and answers: JSON below `/v1/capstan/tab`, and one header.

use std::{fmt, str::FromStr};

use alloy_primitives::{Address, B256, Signature, keccak256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::voucher::{Court, Errand, Voucher};
use crate::{
    json::Weighed,
    money::Dollars,
    receipt::{COST_DECIMALS, Signed},
    upstream::Model,
};

/// A million units.
const MILLION: u128 = 1_000_000;
/// Digits behind the point of an amount of dollars.
const DOLLAR_DECIMALS: u8 = 18;
/// The header of a customer's errand.
pub const ERRAND: &str = "x-capstan-tab";
/// The header of an auditor.
pub const INSPECTION: &str = "x-capstan-auditor";

/// What a million units cost, in smallest units of the asset that jobs are paid in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Read.
    #[serde(with = "crate::receipt::digits")]
    pub input: u128,
    /// Written.
    #[serde(with = "crate::receipt::digits")]
    pub output: u128,
}

impl Rate {
    /// What units cost. None beyond what can be written.
    pub fn cost_up(&self, input_units: u64, output_units: u64) -> Option<u128> {
        let input = self.input.checked_mul(input_units.into())?;
        let output = self.output.checked_mul(output_units.into())?;
        Some(input.checked_add(output)?.div_ceil(MILLION))
    }

    /// The lower of both, for units read and written apart.
    #[must_use]
    pub fn least(&self, other: &Self) -> Self {
        Self {
            input: self.input.min(other.input),
            output: self.output.min(other.output),
        }
    }

    /// How many units may be written for an amount, beside so many that are read.
    pub fn output_units_down(&self, amount: u128, input_units: u64) -> u64 {
        let read = self.cost_up(input_units, 0).unwrap_or(u128::MAX);
        let left = amount.saturating_sub(read).saturating_mul(MILLION);
        let units = left.checked_div(self.output).unwrap_or(u128::MAX);
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

/// Dollars of an asset that is one, at par.
pub fn dollars_of(units: u128, decimals: u8) -> Dollars {
    let digits = u32::from(DOLLAR_DECIMALS.saturating_sub(decimals));
    Dollars::from_atto_or_max(units.saturating_mul(10_u128.saturating_pow(digits)))
}

/// What a receipt says its work cost, whoever paid. None of one that counts units of an asset and does not say which.
pub fn cost_of(signed: &Signed) -> Option<Dollars> {
    let cost = signed.receipt.cost;
    match signed.notes.get(COST_DECIMALS) {
        Some(digits) => {
            let digits = digits
                .as_u64()
                .and_then(|digits| u8::try_from(digits).ok())?;
            Some(dollars_of(cost, digits))
        }
        None if signed.notes.contains_key("network") => None,
        None => Some(Dollars::from_atto_or_max(cost)),
    }
}

/// The other way, up.
pub fn units_up(amount: Dollars, decimals: u8) -> u128 {
    let digits = u32::from(DOLLAR_DECIMALS.saturating_sub(decimals));
    amount.atto().div_ceil(10_u128.saturating_pow(digits))
}

/// The other way, down.
pub fn units_down(amount: Dollars, decimals: u8) -> u128 {
    let digits = u32::from(DOLLAR_DECIMALS.saturating_sub(decimals));
    let one = 10_u128.saturating_pow(digits);
    amount.atto().checked_div(one).unwrap_or_default()
}

/// What a machine sells over the network: `GET /v1/capstan/tab`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// Where vouchers are settled.
    pub court: Court,
    /// Its number there.
    pub machine_id: u64,
    /// The class of work.
    pub class_id: u32,
    /// Who signs its receipts.
    pub machine: Address,
    /// The program of the class.
    pub program: B256,
    /// Models that run it, by the names that are asked for.
    pub models: Vec<Model>,
    /// Longest answer.
    pub max_output_tokens: u64,
    /// Requests of a channel at a time, at work or answered and not signed.
    pub unsigned: usize,
}

/// A receipt with the epoch whose voucher it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The epoch.
    pub epoch: u64,
    /// What was done.
    pub signed: Signed,
}

/// One epoch of a channel, as its machine keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Digests of its receipts, in the order of the voucher.
    pub leaves: Vec<B256>,
    /// The last voucher.
    pub voucher: Voucher,
    /// The spending key's word for it.
    pub word: String,
}

/// How a channel stands at its machine: `GET /v1/capstan/tab/CHANNEL`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Epochs that are not claimed.
    pub pages: Vec<Page>,
    /// Answered and not signed.
    pub owed: Vec<Owed>,
    /// Requests at work.
    pub at_work: usize,
}

/// The customer signs for receipts: `POST /v1/capstan/tab/CHANNEL`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// The epoch.
    pub epoch: u64,
    /// Which receipts are added, in the order of the voucher.
    pub adds: Vec<B256>,
    /// The spending key's word for the voucher that they make; nothing without any.
    #[serde(default)]
    pub word: Option<String>,
    /// Receipts that the customer will not sign: their answers never came.
    #[serde(default)]
    pub declines: Vec<B256>,
}

/// An errand with the key's word for it, as the header has it: channel, time, most and signature, with blanks between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The channel.
    pub channel: B256,
    /// When, by the chain's time.
    pub time_ms: u64,
    /// What the answer may cost at most, in smallest units.
    pub most: u128,
    /// The spending key's word.
    pub word: Signature,
}

impl Said {
    /// What was signed over a body.
    pub fn errand(&self, body: &[u8]) -> Errand {
        Errand {
            channel: self.channel,
            body: keccak256(body),
            timeMs: self.time_ms,
            most: self.most,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            channel,
            time_ms,
            most,
            word,
        } = self;
        write!(f, "{channel} {time_ms} {most} {}", in_hex(word))
    }
}

impl FromStr for Said {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let [channel, time_ms, most, word] = parts.as_slice() else {
            return Err(());
        };
        Ok(Self {
            channel: channel.parse().map_err(|_| ())?,
            time_ms: time_ms.parse().map_err(|_| ())?,
            most: most.parse().map_err(|_| ())?,
            word: of_hex(word).ok_or(())?,
        })
    }
}

/// A signature as text.
pub fn in_hex(word: &Signature) -> String {
    alloy_primitives::hex::encode_prefixed(word.as_bytes())
}

/// The other way.
pub fn of_hex(text: &str) -> Option<Signature> {
    let bytes = alloy_primitives::hex::decode(text).ok()?;
    Signature::from_raw(&bytes).ok()
}

/// What a machine keeps of a receipt for auditors: `GET /v1/capstan/audit/RECEIPT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The receipt.
    pub signed: Signed,
    /// The canonical request; the receipt's `input` is its hash.
    pub request: String,
    /// The canonical answer; the receipt's `output` is its hash.
    pub answer: Value,
    /// Beside them, what an engine left to be computed again from.
    #[serde(default)]
    pub evidence: Option<crate::audit::Evidence>,
}

/// What such a text may take in memory besides itself: a machine must not be able to end who audits it.
const KEPT_STRUCTURE_BYTES_MAX: usize = 64 << 20;

impl Kept {
    /// What a machine sent.
    ///
    /// # Errors
    /// In words, why it is nothing that a machine keeps.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        if Weighed::of(text, KEPT_STRUCTURE_BYTES_MAX).is_none() {
            return Err("it would take far more memory than it is long".to_owned());
        }
        serde_json::from_slice(text).map_err(|why| why.to_string())
    }
}

/// What the last part of an answer says of its bill, under `capstan`.
pub(crate) fn bill_of(part: &Map<String, Value>) -> Option<Owed> {
    let told = part.get("capstan")?;
    serde_json::from_value(told.clone()).ok()
}
