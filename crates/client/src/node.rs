//! A node behind a URL, and the questions that every client has.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U64, hex};
use alloy_sol_types::SolCall;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{ClientError, ErrorInWords};

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An error object of an answer.
pub(crate) fn refused(method: &str, error: &Value) -> ClientError {
    let message = error["message"].as_str().unwrap_or("without words");
    ClientError::Refused {
        method: method.to_owned(),
        message: message.to_owned(),
        data: error["data"].as_str().and_then(|text| text.parse().ok()),
    }
}

/// A node behind a URL.
#[derive(Clone, Debug)]
pub struct Node {
    url: String,
    client: reqwest::Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Value>,
    cursor: Option<U64>,
    time_ms: Option<U64>,
}

/// A whole list.
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<(Value, T)>,
    pub(crate) time_ms: u64,
}

impl Node {
    /// The node at an `http://` address.
    ///
    /// # Errors
    /// Not such an address, or the system gives no client.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        if !url.starts_with("http://") {
            return Err(ClientError::Url(url.to_owned()));
        }
        let client = reqwest::Client::builder().timeout(TIMEOUT).build();
        Ok(Self {
            url: url.to_owned(),
            client: client.map_err(|error| ClientError::Node {
                url: url.to_owned(),
                why: error.to_string(),
            })?,
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn broken(&self, why: impl ToString) -> ClientError {
        ClientError::Node {
            url: self.url.clone(),
            why: why.to_string(),
        }
    }

    /// One request.
    ///
    /// # Errors
    /// The node does not answer, or refuses.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.client.post(&self.url).json(&body).send().await;
        let answer = answer.map_err(|error| self.broken(error))?;
        let mut answer: Value = answer.json().await.map_err(|error| self.broken(error))?;
        match answer.get("error") {
            Some(error) => Err(refused(method, error)),
            None => Ok(answer["result"].take()),
        }
    }

    /// The same, where a revert of a contract is put into words by the node that knows it.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_in_words(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        match self.call(method, params).await {
            Err(error) => Err(self.in_words(error).await?),
            answer => answer,
        }
    }

    /// A refusal in words, if it is a revert that the node knows.
    pub(crate) async fn in_words(&self, error: ClientError) -> Result<ClientError, ClientError> {
        let ClientError::Refused {
            data: Some(data), ..
        } = &error
        else {
            return Ok(error);
        };
        let words = self.words_of(data).await?;
        Ok(words.map_or(error, ClientError::Reverted))
    }

    /// What revert bytes mean, if the node knows.
    async fn words_of(&self, data: &Bytes) -> Result<Option<ErrorInWords>, ClientError> {
        let method = "capstan_decodeError";
        let answer = self.call(method, json!([data])).await?;
        self.as_shape(method, answer)
    }

    /// One request whose answer has a known shape.
    ///
    /// # Errors
    /// As [`Self::call`], and if the answer has another shape.
    pub async fn read<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, ClientError> {
        let answer = self.call_in_words(method, params).await?;
        self.as_shape(method, answer)
    }

    /// All items of a list that the node answers in pages, each as it wrote it, and read; and the time of the block of the last
    /// page, where the list has one. `asked` makes the params of the page behind a cursor.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        method: &str,
        asked: impl Fn(Option<U64>) -> Value,
    ) -> Result<Listed<T>, ClientError> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let page: Page = self.read(method, asked(cursor)).await?;
            for item in page.items {
                items.push((item.clone(), self.as_shape(method, item)?));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                let time_ms = page.time_ms.unwrap_or_default().to();
                return Ok(Listed { items, time_ms });
            }
        }
    }

    pub(crate) fn as_shape<T: DeserializeOwned>(
        &self,
        method: &str,
        answer: Value,
    ) -> Result<T, ClientError> {
        serde_json::from_value(answer).map_err(|error| self.broken(format!("{method}: {error}")))
    }

    /// A view of a contract at the newest block.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ClientError> {
        let params = json!([{"to": to, "input": Bytes::from(call.abi_encode())}, "latest"]);
        let bytes: Bytes = self.read("eth_call", params).await?;
        if bytes.is_empty() {
            let what = C::SIGNATURE;
            return Err(ClientError::NothingThere { at: to, what });
        }
        C::abi_decode_returns(&bytes)
            .map_err(|error| self.broken(format!("{}: {error}", C::SIGNATURE)))
    }

    /// A number that the node writes as a quantity.
    ///
    /// # Errors
    /// As [`Self::call`], and if the answer is no quantity.
    pub async fn quantity(&self, method: &str, params: Value) -> Result<u64, ClientError> {
        let answer = self.call_in_words(method, params).await?;
        self.as_quantity(&answer)
    }

    fn as_quantity(&self, value: &Value) -> Result<u64, ClientError> {
        let number = value.as_str().and_then(|text| text.strip_prefix("0x"));
        let number = number.and_then(|text| u64::from_str_radix(text, 16).ok());
        number.ok_or_else(|| self.broken(format!("{value} is no quantity")))
    }

    /// Chain id.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn chain_id(&self) -> Result<u64, ClientError> {
        self.quantity("eth_chainId", json!([])).await
    }

    /// Consensus time of the newest block: header seconds, and milliseconds in the extra data.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn head_time_ms(&self) -> Result<u64, ClientError> {
        let block = self
            .call("eth_getBlockByNumber", json!(["latest", false]))
            .await?;
        let seconds = self.as_quantity(&block["timestamp"])?;
        let extra = block["extraData"].as_str().unwrap_or_default();
        let ms = match hex::decode(extra).as_deref() {
            Ok([high, low]) => u64::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        Ok(seconds.saturating_mul(1_000).saturating_add(ms))
    }
}
