//! Secrets and names that nobody guesses.

use std::{fmt, str::FromStr};

use alloy_primitives::{B256, FixedBytes, hex, keccak256};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};

/// What a key of a client begins with, so that scanners of leaked secrets can find it.
const CLIENTS: &str = "sk-capstan-";
/// What the token of a gateway's owner begins with: other words, so that nobody takes one for the other.
const OWNERS: &str = "capstan-owner-";

/// What a client or the owner of a gateway sends. It is not stored: its hash is. 32 random bytes need no salt and no slow hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one for a client, of the system's randomness.
    pub fn random() -> Self {
        Self::beginning(CLIENTS)
    }

    /// A new one for the owner of a gateway.
    pub fn owners() -> Self {
        Self::beginning(OWNERS)
    }

    fn beginning(prefix: &str) -> Self {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{prefix}{}", hex::encode(bytes)))
    }

    /// Whether a text is made like the key of a client.
    pub fn looks_like_a_clients(text: &str) -> bool {
        text.starts_with(CLIENTS)
    }

    /// Whether a text is made like the token of an owner.
    pub fn looks_like_an_owners(text: &str) -> bool {
        text.starts_with(OWNERS)
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> B256 {
        Self::hash_of(&self.0)
    }

    /// What would be stored of a text that a client sent.
    pub fn hash_of(text: &str) -> B256 {
        keccak256(text.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The name of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(FixedBytes<16>);

impl JobId {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        Self(FixedBytes(bytes))
    }

    /// One that a test chooses.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(FixedBytes(bytes))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// As a word of a receipt.
    pub fn word(&self) -> B256 {
        B256::right_padding_from(self.0.as_slice())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{}", hex::encode(self.0))
    }
}

impl From<JobId> for String {
    fn from(job: JobId) -> Self {
        job.to_string()
    }
}

impl FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("req_").unwrap_or(text);
        let parsed = digits.parse().map(Self);
        parsed.map_err(|_| format!("`{text}` is no request: it looks like req_ and 32 digits"))
    }
}

impl TryFrom<String> for JobId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
