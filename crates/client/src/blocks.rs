//! Blocks as they travel, asked of a node that is not trusted: answers are bounded, and what is not an answer is told
//! apart from nobody answering.

use std::time::Duration;

use alloy_primitives::{B256, Bytes, U64};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::ClientError;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 96 << 20;
/// Letters of somebody else's words that are repeated.
const WORDS_MAX: usize = 200;

/// Why there are no blocks.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Nobody answers, for now.
    #[error("the node at {url} does not answer: {why}")]
    Away {
        /// Its address.
        url: String,
        /// What happened.
        why: String,
    },
    /// Somebody answers something else.
    #[error("{0}")]
    Garbage(String),
    /// The node was asked, and says no.
    #[error("{method} is answered by an error, {code}: {words}")]
    Refused {
        /// What it was asked.
        method: String,
        /// Of JSON-RPC.
        code: i64,
        /// The beginning of its words.
        words: String,
    },
}

/// Codes of what a node says no to and may do later: it took too long, or has too much to do.
const TIMEOUT_CODE: i64 = -32_002;
const LIMIT_CODE: i64 = -32_005;
/// Of its own trouble.
const INTERNAL_CODE: i64 = -32_603;

impl PullError {
    /// Whether the same may be answered later, and nothing is wrong with what was asked.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Garbage(_) => false,
            Self::Refused { code, .. } => [TIMEOUT_CODE, LIMIT_CODE, INTERNAL_CODE].contains(code),
        }
    }
}

/// Blocks from a height on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockPage {
    /// Chain id.
    pub chain_id: U64,
    /// Hash of the genesis block.
    pub genesis_hash: B256,
    /// The newest block.
    pub head: PageHead,
    /// RLP of header, transactions and access list.
    pub blocks: Vec<Bytes>,
}

/// A block by number and hash.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct PageHead {
    /// Height.
    pub number: U64,
    /// Hash.
    pub hash: B256,
}

/// The genesis that a node names.
#[derive(Clone, Debug, Deserialize)]
pub struct GenesisPage {
    /// As its file has it.
    pub genesis: Value,
    /// Hash of its block.
    pub hash: B256,
}

/// Where blocks come from.
#[derive(Clone, Debug)]
pub struct BlockSource {
    url: String,
    client: reqwest::Client,
}

impl BlockSource {
    /// The node at an `http://` address.
    ///
    /// # Errors
    /// Not such an address, or the system gives no client.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        if !url.starts_with("http://") {
            return Err(ClientError::Url(url.to_owned()));
        }
        // Who redirects is no node, and says nothing of where a node is that one would want to ask.
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Ok(Self {
            url: url.to_owned(),
            client: client.map_err(|error| ClientError::Node {
                url: url.to_owned(),
                why: error.to_string(),
            })?,
        })
    }

    /// The chain that the node says it holds.
    ///
    /// # Errors
    /// As [`PullError`].
    pub async fn genesis(&self) -> Result<GenesisPage, PullError> {
        self.ask("capstan_genesis", json!([])).await
    }

    /// Blocks from a height on, at most so many.
    ///
    /// # Errors
    /// As [`PullError`].
    pub async fn blocks(&self, from: u64, limit: u64) -> Result<BlockPage, PullError> {
        let params = json!([U64::from(from), U64::from(limit)]);
        self.ask("capstan_blocks", params).await
    }

    /// Gives the node a signed transaction. One that it has already is no error.
    ///
    /// # Errors
    /// As [`PullError`].
    pub async fn submit(&self, raw: &Bytes) -> Result<(), PullError> {
        match self
            .ask::<B256>("eth_sendRawTransaction", json!([raw]))
            .await
        {
            Err(PullError::Refused { words, .. }) if words.contains("already known") => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, PullError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let sent = self.client.post(&self.url).json(&body).send().await;
        let mut answer = sent.map_err(|error| self.away(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(reqwest::header::LOCATION);
            let to = to.and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            let to: String = to.chars().take(WORDS_MAX).collect();
            return Err(self.away(&format!("it redirects to {to}: name the node itself")));
        }
        if status.is_server_error() {
            return Err(self.away(&format!("HTTP status {status}")));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.away(&error))? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(PullError::Garbage(format!(
                    "{method} is answered by more than {ANSWER_BYTES_MAX} bytes"
                )));
            }
            bytes.extend_from_slice(&chunk);
        }
        read(method, &bytes)
    }

    fn away(&self, why: &dyn std::fmt::Display) -> PullError {
        PullError::Away {
            url: self.url.clone(),
            why: why.to_string(),
        }
    }
}

/// The result in an answer of JSON-RPC.
fn read<T: DeserializeOwned>(method: &str, bytes: &[u8]) -> Result<T, PullError> {
    #[derive(Deserialize)]
    struct Answer<T> {
        result: Option<T>,
        error: Option<No>,
    }
    #[derive(Deserialize)]
    struct No {
        code: i64,
        message: String,
    }
    let short = |words: String| words.chars().take(WORDS_MAX).collect::<String>();
    let garbage = |why: String| {
        PullError::Garbage(format!(
            "{method} is answered by something else: {}",
            short(why)
        ))
    };
    let answer: Answer<T> =
        serde_json::from_slice(bytes).map_err(|error| garbage(error.to_string()))?;
    match answer {
        Answer {
            error: Some(No { code, message }),
            ..
        } => Err(PullError::Refused {
            method: method.to_owned(),
            code,
            words: short(message),
        }),
        Answer {
            result: Some(result),
            ..
        } => Ok(result),
        _ => Err(garbage("neither a result nor an error".to_owned())),
    }
}

#[cfg(test)]
mod tests;
