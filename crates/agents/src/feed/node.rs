//! The few questions that a feeder has for a node.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, Signature, U256, hex};
use alloy_sol_types::SolCall;
use capstan_contracts::oracle::IOracle::Report;
use serde_json::{Value, json};

use super::FeedError;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A node behind a URL.
#[derive(Clone, Debug)]
pub struct Node {
    url: String,
    client: reqwest::Client,
}

impl Node {
    /// The node at an `http://` address.
    ///
    /// # Errors
    /// [`FeedError::Node`]: the system gives no client.
    pub fn new(url: &str) -> Result<Self, FeedError> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).build();
        Ok(Self {
            url: url.to_owned(),
            client: client.map_err(|error| FeedError::Node {
                url: url.to_owned(),
                why: error.to_string(),
            })?,
        })
    }

    pub(super) async fn call(&self, method: &str, params: Value) -> Result<Value, FeedError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let node = |why: String| FeedError::Node {
            url: self.url.clone(),
            why,
        };
        let answer = self.client.post(&self.url).json(&body).send().await;
        let answer = answer.map_err(|error| node(error.to_string()))?;
        let mut answer: Value = answer
            .json()
            .await
            .map_err(|error| node(error.to_string()))?;
        match answer.get("error") {
            None => Ok(answer["result"].take()),
            Some(error) => Err(FeedError::Refused {
                method: method.to_owned(),
                message: error["message"]
                    .as_str()
                    .unwrap_or("without words")
                    .to_owned(),
            }),
        }
    }

    fn quantity(&self, value: &Value) -> Result<u64, FeedError> {
        let number = value.as_str().and_then(|text| text.strip_prefix("0x"));
        let number = number.and_then(|text| u64::from_str_radix(text, 16).ok());
        number.ok_or_else(|| FeedError::Node {
            url: self.url.clone(),
            why: format!("{value} is no quantity"),
        })
    }

    /// Chain id.
    pub(super) async fn chain_id(&self) -> Result<u64, FeedError> {
        self.quantity(&self.call("eth_chainId", json!([])).await?)
    }

    /// Consensus time of the newest block: header seconds, and milliseconds in the extra data.
    pub(super) async fn head_time_ms(&self) -> Result<u64, FeedError> {
        let block = self
            .call("eth_getBlockByNumber", json!(["latest", false]))
            .await?;
        let seconds = self.quantity(&block["timestamp"])?;
        let extra = block["extraData"].as_str().unwrap_or_default();
        let ms = match hex::decode(extra).as_deref() {
            Ok([high, low]) => u64::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        Ok(seconds * 1_000 + ms)
    }

    /// Submits a signed report.
    pub(super) async fn submit(
        &self,
        report: &Report,
        signature: &Signature,
    ) -> Result<(), FeedError> {
        let entries: Vec<_> = report
            .entries
            .iter()
            .map(|entry| {
                json!({
                    "assetId": entry.assetId,
                    "price": U256::from(entry.price),
                    "confidenceBps": entry.confidenceBps,
                })
            })
            .collect();
        let report = json!({"round": report.round, "timeMs": report.timeMs, "entries": entries});
        let signature = hex::encode_prefixed(signature.as_bytes());
        self.call("capstan_submitReport", json!([report, signature]))
            .await?;
        Ok(())
    }

    /// A view of a contract.
    pub(super) async fn view<C: SolCall>(
        &self,
        to: Address,
        call: &C,
    ) -> Result<C::Return, FeedError> {
        let params = json!([{"to": to, "input": Bytes::from(call.abi_encode())}, "latest"]);
        let answer = self.call("eth_call", params).await?;
        let bytes: Option<Bytes> = answer.as_str().and_then(|text| text.parse().ok());
        let decoded = C::abi_decode_returns(&bytes.unwrap_or_default());
        decoded.map_err(|error| FeedError::Node {
            url: self.url.clone(),
            why: format!("{}: {error}", C::SIGNATURE),
        })
    }
}
