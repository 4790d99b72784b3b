//! Prices from servers that answer JSON: HTTP asked again and again, WebSocket listened to, or a command that prints it.
//!
//! ```toml
//! every = "2s"              # time between reports
//!
//! [[price]]
//! asset = 1
//! http = "http://127.0.0.1:9000/ticker"
//! pointer = "/data/last"    # RFC 6901, to a number or to a string with one
//!
//! [[price]]
//! asset = 2
//! websocket = "ws://127.0.0.1:9001"
//! send = '{"subscribe": "btc"}'
//! pointer = "/p"
//! maxAge = "10s"
//!
//! [[price]]
//! asset = 3
//! command = ["curl", "-s", "https://example.org/price"]
//! pointer = "/usd"
//! ```
//!
//! There is no TLS in this program: `https://` goes through a command, `wss://` through a local proxy.

use std::{collections::BTreeMap, process::Stdio, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    process::Command,
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_tungstenite::{connect_async_with_config, tungstenite::protocol::WebSocketConfig};

use super::{FeedError, Quote, parse_price};

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a connection broke.
const AGAIN: Duration = Duration::from_secs(1);

/// What to ask, and where.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebSettings {
    /// Time between reports.
    every: String,
    /// One for each asset.
    price: Vec<PriceSettings>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PriceSettings {
    asset: u32,
    http: Option<String>,
    websocket: Option<String>,
    send: Option<String>,
    command: Option<Vec<String>>,
    pointer: String,
    #[serde(default)]
    confidence_bps: u16,
    /// Age from which a price is no longer reported.
    max_age: Option<String>,
}

impl WebSettings {
    /// Reads settings in TOML.
    ///
    /// # Errors
    /// [`FeedError::Settings`], with what is wrong.
    pub fn from_toml(text: &str) -> Result<Self, FeedError> {
        toml::from_str(text).map_err(|error| FeedError::Settings(error.to_string()))
    }
}

/// Where one price comes from.
#[derive(Clone, Debug)]
enum Place {
    Http(String),
    Socket { url: String, send: Option<String> },
    Command(Vec<String>),
}

#[derive(Clone, Debug)]
struct Watched {
    asset_id: u32,
    place: Place,
    pointer: String,
    confidence_bps: u16,
    max_age: Duration,
}

/// The latest price of each asset, and when it came.
type Latest = Arc<Mutex<BTreeMap<u32, (Instant, Quote)>>>;

/// Servers that are being watched. Dropping it ends the watching.
#[derive(Debug)]
pub struct Web {
    watched: Vec<Watched>,
    latest: Latest,
    ticks: Interval,
    _tasks: JoinSet<()>,
}

impl Web {
    /// Begins to watch. Runs on a tokio runtime.
    ///
    /// # Errors
    /// [`FeedError::Settings`].
    pub fn watch(settings: &WebSettings) -> Result<Self, FeedError> {
        let every = duration("every", &settings.every)?;
        if every.is_zero() {
            return Err(FeedError::Settings("every is zero".into()));
        }
        let mut watched: Vec<Watched> = Vec::new();
        for price in &settings.price {
            if watched.iter().any(|other| other.asset_id == price.asset) {
                return Err(FeedError::Settings(format!(
                    "asset {} stands there twice",
                    price.asset
                )));
            }
            watched.push(Watched::read(price)?);
        }
        let latest = Latest::default();
        let mut tasks = JoinSet::new();
        for one in &watched {
            tasks.spawn(follow(one.clone(), every, Arc::clone(&latest)));
        }
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            watched,
            latest,
            ticks,
            _tasks: tasks,
        })
    }

    pub(super) async fn next(&mut self) -> Vec<Quote> {
        self.ticks.tick().await;
        let latest = self.latest.lock();
        let fresh = self.watched.iter().filter_map(|one| {
            let (came, quote) = latest.get(&one.asset_id)?;
            (came.elapsed() <= one.max_age).then_some(*quote)
        });
        fresh.collect()
    }
}

impl Watched {
    fn read(price: &PriceSettings) -> Result<Self, FeedError> {
        let wrong = |why: &str| FeedError::Settings(format!("asset {}: {why}", price.asset));
        let place = match (&price.http, &price.websocket, &price.command) {
            (Some(url), None, None) if url.starts_with("http://") => Place::Http(url.clone()),
            (None, Some(url), None) if url.starts_with("ws://") => Place::Socket {
                url: url.clone(),
                send: price.send.clone(),
            },
            (None, None, Some(words)) if !words.is_empty() => Place::Command(words.clone()),
            (Some(_), None, None) | (None, Some(_), None) => {
                return Err(wrong(
                    "only http:// and ws:// are spoken here; let a `command` fetch https://",
                ));
            }
            _ => return Err(wrong("it needs one of http, websocket and command")),
        };
        if !price.pointer.is_empty() && !price.pointer.starts_with('/') {
            return Err(wrong("a pointer is empty or begins with `/`"));
        }
        Ok(Self {
            asset_id: price.asset,
            place,
            pointer: price.pointer.clone(),
            confidence_bps: price.confidence_bps,
            max_age: duration("maxAge", price.max_age.as_deref().unwrap_or("30s"))?,
        })
    }

    fn source_error(&self, why: impl ToString) -> FeedError {
        let from = match &self.place {
            Place::Http(url) | Place::Socket { url, .. } => url.clone(),
            Place::Command(words) => words.join(" "),
        };
        FeedError::Source {
            from,
            why: why.to_string(),
        }
    }

    /// The quote in an answer.
    fn quote(&self, answer: &[u8]) -> Result<Quote, FeedError> {
        let json: Value =
            serde_json::from_slice(answer).map_err(|error| self.source_error(error))?;
        let price = match json.pointer(&self.pointer) {
            Some(Value::String(text)) => parse_price(text)?,
            Some(Value::Number(number)) => parse_price(&number.to_string())?,
            _ => return Err(self.source_error(format!("no number at `{}`", self.pointer))),
        };
        Ok(Quote {
            asset_id: self.asset_id,
            price,
            confidence_bps: self.confidence_bps,
        })
    }
}

fn duration(name: &str, text: &str) -> Result<Duration, FeedError> {
    humantime::parse_duration(text).map_err(|error| FeedError::Settings(format!("{name}: {error}")))
}

/// Keeps one price up to date for as long as it is watched.
async fn follow(watched: Watched, every: Duration, latest: Latest) {
    let client = reqwest::Client::new();
    loop {
        let ended = match &watched.place {
            Place::Http(url) => timeout(TIMEOUT, get(&client, url, &watched)).await,
            Place::Command(words) => timeout(TIMEOUT, run(words, &watched)).await,
            Place::Socket { url, send } => Ok(listen(url, send.as_deref(), &watched, &latest)
                .await
                .map(|()| None)),
        };
        match ended {
            Ok(Ok(Some(quote))) => {
                latest
                    .lock()
                    .insert(quote.asset_id, (Instant::now(), quote));
                sleep(every).await;
            }
            Ok(Ok(None)) => sleep(AGAIN).await,
            Ok(Err(error)) => {
                tracing::warn!(asset = watched.asset_id, %error, "no price");
                sleep(every.max(AGAIN)).await;
            }
            Err(_) => tracing::warn!(asset = watched.asset_id, "no answer within {TIMEOUT:?}"),
        }
    }
}

async fn get(
    client: &reqwest::Client,
    url: &str,
    watched: &Watched,
) -> Result<Option<Quote>, FeedError> {
    let wrong = |error: reqwest::Error| watched.source_error(error);
    let answer = client.get(url).send().await.map_err(wrong)?;
    let mut answer = answer.error_for_status().map_err(wrong)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(wrong)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(watched.source_error("the answer is too long"));
        }
    }
    watched.quote(&body).map(Some)
}

async fn run(words: &[String], watched: &Watched) -> Result<Option<Quote>, FeedError> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| watched.source_error("no command"))?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| watched.source_error(error))?;
    if !output.status.success() {
        return Err(watched.source_error(output.status));
    }
    watched.quote(&output.stdout).map(Some)
}

/// Listens until the connection ends. Messages without the price (greetings, heartbeats) are passed over.
async fn listen(
    url: &str,
    send: Option<&str>,
    watched: &Watched,
    latest: &Latest,
) -> Result<(), FeedError> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(ANSWER_BYTES_MAX))
        .max_frame_size(Some(ANSWER_BYTES_MAX));
    let connected = timeout(TIMEOUT, connect_async_with_config(url, Some(limits), true)).await;
    let connected = connected.map_err(|_| watched.source_error("no connection in time"))?;
    let (mut socket, _) = connected.map_err(|error| watched.source_error(error))?;
    if let Some(text) = send {
        let sent = socket.send(text.to_owned().into()).await;
        sent.map_err(|error| watched.source_error(error))?;
    }
    while let Some(message) = socket.next().await {
        let message = message.map_err(|error| watched.source_error(error))?;
        if !(message.is_text() || message.is_binary()) {
            continue;
        }
        if let Ok(quote) = watched.quote(&message.into_data()) {
            latest
                .lock()
                .insert(quote.asset_id, (Instant::now(), quote));
        }
    }
    Ok(())
}
