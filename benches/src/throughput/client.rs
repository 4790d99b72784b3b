//! The generator's side of the wire: bodies are written beforehand and answers are looked at afterwards, so
//! that little of the machine is spent here while a node is measured.

use std::time::{Duration, Instant};

use eyre::{bail, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A keep-alive HTTP client of one node.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

/// A result that is `null` reads as none, which is the same text.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// What is read of a receipt.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub(super) status: String,
    pub(super) transaction_hash: alloy_primitives::B256,
    pub(super) from: alloy_primitives::Address,
    pub(super) gas_used: alloy_primitives::U256,
    pub(super) effective_gas_price: alloy_primitives::U256,
    pub(super) contract_address: Option<alloy_primitives::Address>,
    pub(super) logs: Vec<Log>,
}

/// What is read of a log.
#[derive(Deserialize)]
pub(super) struct Log {
    pub(super) topics: Vec<alloy_primitives::B256>,
}

/// One JSON-RPC request.
pub(super) fn request(id: usize, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

impl Client {
    pub(super) fn new(url: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: url.to_owned(),
        }
    }

    /// Posts a body that is JSON already; answers the text that comes back.
    pub(super) async fn post(&self, body: bytes::Bytes) -> eyre::Result<String> {
        let response = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        Ok(String::from_utf8(response.bytes().await?.into())?)
    }

    /// The text of another page of the node.
    pub(super) async fn get(&self, path: &str) -> eyre::Result<String> {
        let url = format!("{}{path}", self.url);
        let response = self.http.get(url).send().await?.error_for_status()?;
        Ok(response.text().await?)
    }

    /// One call; answers the JSON of its result.
    pub(super) async fn call(&self, method: &str, params: &str) -> eyre::Result<String> {
        let text = self.post(request(1, method, params).into()).await?;
        let answer: Answer<'_> = serde_json::from_str(&text)?;
        if let Some(error) = answer.error {
            bail!("{method}: {error}");
        }
        Ok(answer.result.map_or("null", RawValue::get).to_owned())
    }

    /// One call whose result is read as `T`.
    pub(super) async fn read<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: &str,
    ) -> eyre::Result<T> {
        Ok(serde_json::from_str(&self.call(method, params).await?)?)
    }

    /// A quantity.
    pub(super) async fn quantity(&self, method: &str, params: &str) -> eyre::Result<u64> {
        let quantity: alloy_primitives::U64 = self.read(method, params).await?;
        Ok(quantity.to())
    }

    /// Calls of one method in batches; answers each result as `T`, in order.
    pub(super) async fn read_many<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: &[String],
    ) -> eyre::Result<Vec<T>> {
        let mut results = Vec::with_capacity(params.len());
        for chunk in params.chunks(500) {
            let entries: Vec<String> = chunk
                .iter()
                .enumerate()
                .map(|(id, params)| request(id, method, params))
                .collect();
            let text = self.post(format!("[{}]", entries.join(",")).into()).await?;
            let answers: Vec<Answer<'_>> = serde_json::from_str(&text)?;
            ensure!(
                answers.len() == chunk.len(),
                "{method}: answers are missing"
            );
            for answer in answers {
                if let Some(error) = answer.error {
                    bail!("{method}: {error}");
                }
                let result = answer.result.map_or("null", RawValue::get);
                results.push(serde_json::from_str(result)?);
            }
        }
        Ok(results)
    }

    /// Waits for a receipt and insists on success.
    pub(super) async fn receipt(&self, hash: &str) -> eyre::Result<Receipt> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            let params = format!("[{hash}]");
            let receipt: Option<Receipt> = self.read("eth_getTransactionReceipt", &params).await?;
            if let Some(receipt) = receipt {
                ensure!(receipt.status == "0x1", "set-up transaction {hash} failed");
                return Ok(receipt);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("no receipt of {hash}")
    }
}

/// How many receipts an answer of `eth_getBlockReceipts` holds that tell of success, and that do not.
pub(super) fn count_receipts(text: &str) -> (usize, usize) {
    let count = |needle: &str| text.matches(needle).count();
    (count(r#""status":"0x1""#), count(r#""status":"0x0""#))
}
