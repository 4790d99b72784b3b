//! A JSON-RPC client over HTTP, as tests need it: the answer, or the error that was expected.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// What an error object says.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Value,
}

/// A client of one node.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: format!("http://{address}"),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a body as it is; answers status and text.
    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> (u16, String) {
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json");
        let answer = request.body(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// Sends a body that has a JSON answer.
    pub(crate) async fn json(&self, body: &str) -> Value {
        let (status, text) = self.post(body.to_owned()).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{body} is answered by {text:?}"))
    }

    /// What `/metrics` says.
    pub(crate) async fn metrics(&self) -> String {
        let request = self.http.get(format!("{}/metrics", self.url));
        let answer = request.send().await.expect("an answer");
        answer.text().await.expect("text")
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value, Fault> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        unpack(self.json(&body.to_string()).await)
    }

    pub(crate) async fn ok(&self, method: &str, params: Value) -> Value {
        match self.call(method, params.clone()).await {
            Ok(result) => result,
            Err(fault) => panic!("{method} {params}: {fault:?}"),
        }
    }

    pub(crate) async fn fault(&self, method: &str, params: Value) -> Fault {
        match self.call(method, params.clone()).await {
            Ok(result) => panic!("{method} {params} should fail, but answers {result}"),
            Err(fault) => fault,
        }
    }

    /// Checks that a call fails with this code and says this.
    pub(crate) async fn refuses(&self, method: &str, params: Value, code: i64, part: &str) {
        let fault = self.fault(method, params.clone()).await;
        assert_eq!(fault.code, code, "{method} {params}: {fault:?}");
        assert!(
            fault.message.contains(part),
            "{method} {params}: {fault:?} does not say {part:?}"
        );
    }
}

/// The result of an answer, or its error.
pub(crate) fn unpack(mut answer: Value) -> Result<Value, Fault> {
    match answer.get("error") {
        None => Ok(answer["result"].take()),
        Some(error) => Err(Fault {
            code: error["code"].as_i64().expect("a code"),
            message: error["message"].as_str().expect("words").to_owned(),
            data: error["data"].clone(),
        }),
    }
}

/// A hex quantity as a number.
pub(crate) fn quantity(value: &Value) -> u64 {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a quantity"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hex")
}
