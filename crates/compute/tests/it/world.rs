//! A gateway in this process, and what tests ask it.

use std::{sync::Arc, time::Duration};

use capstan_compute::{
    gateway::{Bounds, Gateway, Prices, Settings, serve},
    keys::{KeyView, Ledger, Limits, Secret, system_clock},
    receipt::Signed,
    upstream::{Http, HttpSettings, Pool, PoolSettings, Upstream},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use crate::fake::Fake;

/// One dollar per thousand tokens, both ways: a token is 0.001usd.
pub(crate) const PRICES: &str =
    "[default]\ninput = \"1000usd\"\noutput = \"1000usd\"\nmax_output_tokens = 500\n";

pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) http: reqwest::Client,
    pub(crate) key: String,
    pub(crate) admin: String,
    pub(crate) folder: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn usd(text: &str) -> capstan_compute::money::Dollars {
    text.parse().expect("an amount")
}

pub(crate) fn limits(total: &str) -> Limits {
    Limits {
        total: Some(usd(total)),
        ..Limits::default()
    }
}

pub(crate) fn http_settings() -> HttpSettings {
    let (first, idle) = (Duration::from_secs(5), Duration::from_secs(1));
    HttpSettings {
        first,
        idle,
        ..HttpSettings::default()
    }
}

impl World {
    pub(crate) async fn before(fakes: &[&Fake]) -> Self {
        let urls: Vec<_> = fakes.iter().map(|fake| fake.url()).collect();
        Self::with(&urls, PoolSettings::default(), Bounds::default()).await
    }

    pub(crate) async fn with(urls: &[String], pool: PoolSettings, bounds: Bounds) -> Self {
        let upstreams = urls.iter().map(|url| {
            Arc::new(Http::new(url, None, http_settings()).expect("an address"))
                as Arc<dyn Upstream>
        });
        Self::over(upstreams.collect(), pool, bounds).await
    }

    pub(crate) async fn over(
        upstreams: Vec<Arc<dyn Upstream>>,
        pool: PoolSettings,
        bounds: Bounds,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::lying_in(folder, upstreams, pool, bounds, PRICES).await
    }

    /// Over a folder in which a gateway lay before, and at other prices.
    pub(crate) async fn lying_in(
        folder: tempfile::TempDir,
        upstreams: Vec<Arc<dyn Upstream>>,
        pool: PoolSettings,
        bounds: Bounds,
        prices: &str,
    ) -> Self {
        // Connections of a gateway that lay here before may take a moment to let go of it.
        let mut ledger = Ledger::open(folder.path(), system_clock());
        for _ in 0..100 {
            if ledger.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            ledger = Ledger::open(folder.path(), system_clock());
        }
        let ledger = ledger.expect("opens");
        let admin = Secret::owners();
        let settings = Settings {
            prices: Prices::from_toml(prices).expect("prices"),
            bounds,
            admin: admin.clone(),
            allow_hosts: Vec::new(),
            keep: None,
        };
        let gateway = Gateway::new(ledger, Pool::new(upstreams, pool), settings);
        gateway.pool().look().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            if stopped.await.is_err() {
                std::future::pending().await
            }
        };
        let served = serve(listener, Arc::clone(&gateway), stopped);
        let task = tokio::spawn(served);
        let is_first = gateway.ledger().keys().is_empty();
        let name = if is_first { "test" } else { "" };
        let (secret, _) = gateway
            .ledger()
            .add_key(name.into(), limits("100usd"))
            .await
            .expect("made");
        let key = secret.reveal().to_owned();
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let admin = admin.reveal().to_owned();
        Self {
            url,
            gateway,
            http,
            key,
            admin,
            folder,
            task,
            stop: Some(stop),
        }
    }

    /// Ends it, and leaves its folder for another.
    pub(crate) async fn end(mut self) -> tempfile::TempDir {
        if let Some(stop) = self.stop.take() {
            stop.send(()).expect("it runs");
        }
        (&mut self.task).await.expect("ends");
        let other = tempfile::tempdir().expect("a folder");
        std::mem::replace(&mut self.folder, other)
    }

    pub(crate) async fn new_key(&self, limits: Limits) -> String {
        let made = self.gateway.ledger().add_key(String::new(), limits).await;
        made.expect("made").0.reveal().to_owned()
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> reqwest::Response {
        let request = self
            .http
            .post(format!("{}/v1/{path}", self.url))
            .bearer_auth(key)
            .json(body);
        request.send().await.expect("answered")
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> reqwest::Response {
        let request = self
            .http
            .get(format!("{}{path}", self.url))
            .bearer_auth(key);
        request.send().await.expect("answered")
    }

    pub(crate) async fn ask(&self, script: &str) -> reqwest::Response {
        self.post("chat/completions", &self.key, &chat(script))
            .await
    }

    pub(crate) async fn stream(&self, script: &str) -> Told {
        let mut body = chat(script);
        body["stream"] = true.into();
        let response = self.post("chat/completions", &self.key, &body).await;
        assert_eq!(response.status(), 200, "{script}");
        Told::of(&response.text().await.expect("a text"))
    }

    /// The key that every test has, once nothing is at work.
    pub(crate) async fn settled(&self) -> KeyView {
        for _ in 0..200 {
            let views = self.gateway.ledger().keys();
            let hash = Secret::hash_of(&self.key);
            let view = views
                .into_iter()
                .find(|view| view.key.hash == hash)
                .expect("the key");
            if view.reserved.is_zero() {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("something is at work for ever");
    }

    /// The newest receipt, once there is one: nobody waits for what a client left behind to be on disk.
    pub(crate) async fn newest_receipt(&self) -> Signed {
        for _ in 0..200 {
            let newest = self
                .gateway
                .ledger()
                .overview(1)
                .expect("reads")
                .receipts
                .pop();
            if let Some(receipt) = newest {
                return receipt;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no receipt is ever written");
    }

    pub(crate) async fn spent(&self) -> String {
        self.settled().await.key.spent.to_string()
    }
}

pub(crate) fn chat(script: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": script}], "max_tokens": 100})
}

/// A stream as a client hears it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) ids: Vec<String>,
    pub(crate) finish: Option<String>,
    pub(crate) error: Option<Value>,
    pub(crate) usage: Option<Value>,
    pub(crate) comment: Option<String>,
    pub(crate) is_done: bool,
}

impl Told {
    pub(crate) fn of(wire: &str) -> Self {
        let mut told = Self::default();
        for line in wire.lines() {
            if let Some(comment) = line.strip_prefix(": ") {
                told.comment = Some(comment.to_owned());
            }
            let Some(data) = line.strip_prefix("data: ") else {
                continue;
            };
            if data == "[DONE]" {
                told.is_done = true;
                continue;
            }
            let event: Value = serde_json::from_str(data).expect("JSON");
            if event.get("error").is_some() {
                told.error = Some(event["error"].clone());
                continue;
            }
            if event.get("usage").is_some_and(Value::is_object) {
                told.usage = Some(event.clone());
            }
            let id = event["id"].as_str().expect("an id").to_owned();
            if told.ids.last() != Some(&id) {
                told.ids.push(id);
            }
            for choice in event["choices"].as_array().expect("choices") {
                let text = choice["delta"]["content"]
                    .as_str()
                    .or(choice["text"].as_str());
                told.text += text.unwrap_or_default();
                told.finish = choice["finish_reason"]
                    .as_str()
                    .map(str::to_owned)
                    .or(told.finish);
            }
        }
        told
    }
}

/// The words that a healthy server says.
pub(crate) fn words(count: usize) -> String {
    (0..count).map(|at| format!("w{at} ")).collect()
}
