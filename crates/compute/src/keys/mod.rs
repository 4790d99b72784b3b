//! Keys of clients: who may ask, for how much, until when. specs/gateway.md.
//!
//! ```text
//!   Ledger (one lock)                        writer (one thread)
//!     Book: decides, in memory   ── puts ──►   one transaction for all that wait ──► redb ──► answers who waits
//! ```

mod book;
mod guard;
mod ledger;
mod old;
mod secret;
mod store;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{money::Dollars, receipt::Receipt};

pub use book::{Book, MS_PER_DAY};
pub use guard::panic_is_answered;
pub use ledger::{Clock, KeyView, Ledger, LedgerError, Overview, Written, system_clock};
pub use secret::{JobId, Secret};
pub use store::{Put, Store, StoreError, Table};

/// What a key allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// In total; without it, no bound.
    #[serde(default)]
    pub total: Option<Dollars>,
    /// On one UTC day; without it, no bound.
    #[serde(default)]
    pub day: Option<Dollars>,
    /// Requests at a time; without it, no bound of its own.
    #[serde(default)]
    pub parallel: Option<u32>,
    /// When it ends, in milliseconds since 1970.
    #[serde(default)]
    pub expires_ms: Option<u64>,
    /// Whether it is the owner's own: his requests take the machine from everybody else's.
    #[serde(default)]
    pub own: bool,
}

/// A key as it is stored: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Hash of the secret: what the key is called inside.
    pub hash: B256,
    /// What its owner calls it.
    pub name: String,
    /// What it allows.
    pub limits: Limits,
    /// When it was made.
    pub created_ms: u64,
    /// When it was revoked.
    pub revoked_ms: Option<u64>,
    /// Charged in all.
    pub spent: Dollars,
    /// The day that its limit counts, in days since 1970. It never goes back.
    pub day: u64,
    /// Charged to that day.
    pub spent_today: Dollars,
    /// Requests that were charged or given up.
    pub requests: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl Key {
    /// What people call it on a screen: the first digits of its hash.
    pub fn id(&self) -> String {
        key_id(&self.hash)
    }
}

/// Keys that a word means: those of this name, or whose hash begins with it. Of several of one name it is the one that was
/// not taken back.
pub fn meant<'k>(keys: impl Iterator<Item = &'k Key>, word: &str) -> Vec<&'k Key> {
    let word = word.strip_prefix("0x").unwrap_or(word);
    let is_meant = |key: &&Key| {
        key.name == word || word.len() >= 4 && key.hash.to_string()[2..].starts_with(word)
    };
    let all: Vec<_> = keys.filter(is_meant).collect();
    let working: Vec<_> = all
        .iter()
        .copied()
        .filter(|key| key.revoked_ms.is_none())
        .collect();
    if working.len() == 1 { working } else { all }
}

/// The first eight digits of a hash.
pub fn key_id(hash: &B256) -> String {
    hash.to_string().chars().skip(2).take(8).collect()
}

/// What an answer used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What they cost.
    pub cost: Dollars,
}

/// Money that a request in progress may cost at most, and what it has certainly cost until now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The request.
    pub job: JobId,
    /// Whose money.
    pub key: B256,
    /// At most.
    pub most: Dollars,
    /// The day to which it is charged.
    pub day: u64,
    /// At least, as of the last mark.
    pub marked: Used,
    /// What a receipt will say if nobody is there to write another.
    pub draft: Draft,
}

/// A receipt's beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What is known of the receipt when the request begins.
    #[serde(with = "crate::receipt::ReceiptJson")]
    pub receipt: Receipt,
    /// What is known of its notes.
    pub notes: Map<String, Value>,
}

/// Why a key may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody has this key.
    #[error("this key is not known here; `capstan key new` makes one")]
    Unknown,
    /// What belongs to the owner.
    #[error(
        "this is the token of the gateway's owner, which is no key: it opens /usage and the paths below /admin; `capstan key new` makes a key"
    )]
    OwnersToken,
    /// Another key that works is called so.
    #[error(
        "a key called `{0}` works already; take another name, or that key back first (`capstan key revoke {0}`)"
    )]
    NameTaken(String),
    /// It was taken back.
    #[error("this key was revoked; ask for another")]
    Revoked,
    /// Its time is over.
    #[error("this key ended at {}; ask for another", time(*.0))]
    Expired(u64),
    /// Too many requests at a time.
    #[error("this key has {0} requests at work, as many as it may; wait for one to end")]
    TooManyAtOnce(u32),
    /// More than is left in total.
    #[error(
        "over budget: this request may cost {most}, and of {limit} in total {spent} are spent and {reserved} reserved by requests at work; ask for fewer tokens or another key"
    )]
    Total {
        /// What the request may cost.
        most: Dollars,
        /// The limit.
        limit: Dollars,
        /// Charged.
        spent: Dollars,
        /// Promised to requests at work.
        reserved: Dollars,
    },
    /// More than is left of the day.
    #[error(
        "over budget: this request may cost {most}, and of {limit} a day {spent} are spent today and {reserved} reserved by requests at work; it starts anew at 00:00 UTC"
    )]
    Day {
        /// What the request may cost.
        most: Dollars,
        /// The limit.
        limit: Dollars,
        /// Charged to the day.
        spent: Dollars,
        /// Promised to requests of the day.
        reserved: Dollars,
    },
}

fn time(ms: u64) -> String {
    let since = std::time::Duration::from_millis(ms);
    let at = std::time::UNIX_EPOCH.checked_add(since);
    at.map_or_else(
        || format!("{ms} ms after 1970"),
        |at| humantime::format_rfc3339_seconds(at).to_string(),
    )
}

/// Something that went wrong, for the page of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at_ms: u64,
    /// The request.
    pub job: JobId,
    /// Whose, by the first digits.
    pub key: String,
    /// Of which model.
    pub model: String,
    /// At which upstream, if it came that far.
    pub upstream: String,
    /// One of a fixed set of codes.
    pub code: String,
    /// In words.
    pub message: String,
}

#[cfg(test)]
mod tests;
