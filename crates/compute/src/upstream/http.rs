//! A model server over HTTP that speaks OpenAI's form: vLLM, SGLang, Ollama, llama.cpp.

use std::{collections::VecDeque, net::IpAddr, time::Duration};

use alloy_primitives::B256;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use reqwest::{Client, Response, header::RETRY_AFTER, redirect::Policy};
use serde_json::Value;
use tokio::time::timeout;

use crate::json;

use super::{
    Ask, Chunks, Fault, Model, Object, Sse, Upstream,
    fault::{message_of, shown},
};

/// Longest event of a stream.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// Longest text of an error that is read.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// Longest list of models.
const MODELS_BYTES_MAX: usize = 4 << 20;
/// Memory that the structure of an answer may take: of embeddings, three million numbers.
const STRUCTURE_BYTES_MAX: usize = 256 << 20;
/// Of one event, or a list of models.
const EVENT_STRUCTURE_BYTES_MAX: usize = 16 << 20;
/// Most models that one server is believed to have.
const MODELS_MAX: usize = 1_000;

/// How long to wait, and how much to take.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// For a connection.
    pub connect: Duration,
    /// For the first part of an answer.
    pub first: Duration,
    /// Between parts.
    pub idle: Duration,
    /// For the list of models.
    pub probe: Duration,
    /// Bytes of a whole answer.
    pub answer_bytes_max: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            first: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            probe: Duration::from_secs(3),
            answer_bytes_max: 64 << 20,
        }
    }
}

/// The server at an address.
#[derive(Clone, Debug)]
pub struct Http {
    base: String,
    key: Option<String>,
    client: Client,
    settings: HttpSettings,
}

impl Http {
    /// A server whose address ends in `/v1`, as clients write it.
    ///
    /// # Errors
    /// The address is none, or needs TLS.
    pub fn new(url: &str, key: Option<String>, settings: HttpSettings) -> Result<Self, String> {
        let base = url.trim_end_matches('/').to_owned();
        let parsed = reqwest::Url::parse(&base).map_err(|why| format!("`{url}`: {why}"))?;
        if parsed.scheme() != "http" || parsed.host_str().is_none() {
            return Err(format!(
                "`{url}` is no upstream here: write http://HOST:PORT/v1, and put a proxy before what speaks https"
            ));
        }
        let client = Client::builder()
            .connect_timeout(settings.connect)
            .redirect(Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .map_err(|why| why.to_string())?;
        Ok(Self {
            base,
            key,
            client,
            settings,
        })
    }

    fn asked(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    fn send(&self, ask: &Ask) -> reqwest::RequestBuilder {
        let request = self
            .client
            .post(self.asked(ask.kind.path()))
            .json(&ask.body);
        self.with_key(request)
    }

    fn with_key(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

impl Upstream for Http {
    fn name(&self) -> &str {
        &self.base
    }

    fn is_here(&self) -> bool {
        let host = reqwest::Url::parse(&self.base).ok();
        let host = host.as_ref().and_then(reqwest::Url::host_str);
        host.is_some_and(|host| {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, Fault>> {
        async {
            let probe = self.settings.probe;
            let request = self.with_key(self.client.get(self.asked("models")));
            let listed = async {
                let response = answered(request, probe).await?;
                body(response, probe, MODELS_BYTES_MAX).await
            };
            // A server that drips holds up nobody: what counts is the whole list.
            let listed = timeout(probe, listed).await;
            models_in(&listed.unwrap_or(Err(Fault::Slow(probe)))?)
        }
        .boxed()
    }

    fn stream(&self, ask: &Ask) -> BoxFuture<'static, Result<Chunks, Fault>> {
        let request = self.send(ask);
        let settings = self.settings.clone();
        async move {
            let response = answered(request, settings.first).await?;
            Ok(chunks(response, settings))
        }
        .boxed()
    }

    fn whole(&self, ask: &Ask) -> BoxFuture<'static, Result<Object, Fault>> {
        let request = self.send(ask);
        let settings = self.settings.clone();
        async move {
            let response = answered(request, settings.first).await?;
            let body = body(response, settings.idle, settings.answer_bytes_max).await?;
            match json::read(&body, STRUCTURE_BYTES_MAX) {
                Ok(Value::Object(answer)) if answer.contains_key("error") => {
                    let message = message_of(&String::from_utf8_lossy(&body));
                    Err(Fault::Failed {
                        status: 200,
                        message,
                    })
                }
                Ok(Value::Object(answer)) => Ok(answer),
                _ => Err(Fault::garbage("an answer is no JSON object")),
            }
        }
        .boxed()
    }
}

/// Sends, and reads the head of the answer.
pub(crate) async fn answered(
    request: reqwest::RequestBuilder,
    patience: Duration,
) -> Result<Response, Fault> {
    let response = match timeout(patience, request.send()).await {
        Err(_) => return Err(Fault::Slow(patience)),
        Ok(Err(error)) => return Err(broken(&error)),
        Ok(Ok(response)) => response,
    };
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let wait = response.headers().get(RETRY_AFTER);
    let wait = wait.and_then(|text| text.to_str().ok()?.parse().ok());
    // What it says about it may be long, slow or cut: then the status says enough.
    let text = body(response, patience, ERROR_BYTES_MAX)
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    Err(Fault::of_status(
        status.as_u16(),
        wait.map(Duration::from_secs),
        &text,
    ))
}

/// A connection that cannot be made is one thing, one that ends early another.
fn broken(error: &reqwest::Error) -> Fault {
    if error.is_connect() || error.is_timeout() {
        return Fault::Unreachable(shown(&innermost(error)));
    }
    Fault::Cut
}

fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

pub(crate) async fn body(
    mut response: Response,
    idle: Duration,
    max: usize,
) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    loop {
        match timeout(idle, response.chunk()).await {
            Err(_) => return Err(Fault::Slow(idle)),
            Ok(Err(_)) => return Err(Fault::Cut),
            Ok(Ok(None)) => return Ok(all),
            Ok(Ok(Some(piece))) if all.len() + piece.len() > max => {
                return Err(Fault::garbage(format!(
                    "an answer is longer than {max} bytes"
                )));
            }
            Ok(Ok(Some(piece))) => all.extend_from_slice(&piece),
        }
    }
}

fn models_in(body: &[u8]) -> Result<Vec<Model>, Fault> {
    let read = json::read(body, EVENT_STRUCTURE_BYTES_MAX)
        .map_err(|_| Fault::garbage("a list of models is no JSON that is believed"))?;
    let rows = read.get("data").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Fault::garbage("a list of models has no `data`"))?;
    let model = |row: &Value| {
        let id = row.get("id")?.as_str()?.to_owned();
        // An engine of this program says which weights it has; others do not.
        let program: Option<B256> = row
            .get("program")
            .and_then(|hash| hash.as_str()?.parse().ok());
        let quantisation = row.get("quantisation").and_then(Value::as_str).map(shown);
        Some(Model {
            id,
            program,
            quantisation,
        })
    };
    Ok(rows.iter().filter_map(model).take(MODELS_MAX).collect())
}

/// A stream in progress.
struct Reading {
    response: Response,
    sse: Sse,
    ready: VecDeque<Vec<u8>>,
    has_finished_a_choice: bool,
    is_first: bool,
    settings: HttpSettings,
}

pub(crate) fn chunks(response: Response, settings: HttpSettings) -> Chunks {
    let reading = Reading {
        response,
        sse: Sse::new(EVENT_BYTES_MAX),
        ready: VecDeque::new(),
        has_finished_a_choice: false,
        is_first: true,
        settings,
    };
    // After a fault the stream is over: `None` as the next state.
    stream::unfold(Some(reading), |state| async {
        let mut reading = state?;
        match reading.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(reading))),
            Ok(None) => None,
            Err(fault) => Some((Err(fault), None)),
        }
    })
    .boxed()
}

impl Reading {
    /// The next part; `None` after the end of a whole answer.
    async fn next(&mut self) -> Result<Option<Object>, Fault> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if event == b"[DONE]" {
                    return Ok(None);
                }
                return self.read(&event).map(Some);
            }
            let patience = if self.is_first {
                self.settings.first
            } else {
                self.settings.idle
            };
            match timeout(patience, self.response.chunk()).await {
                Err(_) => return Err(Fault::Slow(patience)),
                Ok(Err(_)) => return Err(Fault::Cut),
                Ok(Ok(Some(piece))) => {
                    let events = self.sse.push(&piece);
                    self.ready
                        .extend(events.map_err(|why| Fault::garbage(why.to_string()))?);
                }
                // Some servers leave `[DONE]` out; one that finished a choice has said all.
                Ok(Ok(None)) if self.has_finished_a_choice && !self.sse.is_in_the_middle() => {
                    return Ok(None);
                }
                Ok(Ok(None)) => return Err(Fault::Cut),
            }
        }
    }

    fn read(&mut self, event: &[u8]) -> Result<Object, Fault> {
        self.is_first = false;
        let Ok(Value::Object(chunk)) = json::read(event, EVENT_STRUCTURE_BYTES_MAX) else {
            return Err(Fault::garbage("an event is no JSON object"));
        };
        if chunk.contains_key("error") {
            let message = message_of(&String::from_utf8_lossy(event));
            return Err(Fault::Failed {
                status: 200,
                message,
            });
        }
        let Some(choices) = chunk.get("choices").and_then(Value::as_array) else {
            return Err(Fault::garbage("an event has no `choices`"));
        };
        self.has_finished_a_choice |= choices
            .iter()
            .any(|choice| choice.get("finish_reason").is_some_and(Value::is_string));
        Ok(chunk)
    }
}
