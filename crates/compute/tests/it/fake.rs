//! A model server that does what the prompt says.
//!
//! ```text
//!   count 20 by 5ms        "w0 w1 ... w19", one part each 5 ms
//!   cut 3 | garbage 3 | error 3 | silent 3      the same until part 3, and then that
//!   lie 1000000            counts that cannot be
//!   wide 4000              so many blanks behind each word of a stream
//!   status 503             no answer
//!   ... ill                only a server that is ill fails so
//! ```

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt as _,
};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What tests see of it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) asked: AtomicUsize,
    pub(crate) at_work: AtomicUsize,
    /// Parts of all streams.
    pub(crate) parts: AtomicUsize,
    /// Fails whatever is asked: `cut 3`.
    pub(crate) is_ill: AtomicBool,
    /// Says other words.
    pub(crate) says_else: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) at: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let router = Router::new()
            .route("/v1/models", get(models))
            .route("/v1/chat/completions", post(chat))
            .route("/v1/completions", post(completions))
            .route("/v1/embeddings", post(embeddings))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&seen));
        let task = tokio::spawn(async move {
            // As model servers do: a part goes out when it is there.
            let listener = listener.tap_io(|tcp| {
                let _ = tcp.set_nodelay(true);
            });
            axum::serve(listener, router).await.expect("serves");
        });
        Self { at, seen, task }
    }

    /// Waits until nobody is answered any more.
    pub(crate) async fn is_idle(&self) -> bool {
        for _ in 0..200 {
            if self.seen.at_work.load(Ordering::SeqCst) == 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.at)
    }
}

async fn models() -> Json<Value> {
    Json(
        json!({"object": "list", "data": [{"id": "m", "object": "model"}, {"id": "free/m:1", "object": "model"}]}),
    )
}

struct AtWork(Arc<Seen>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn chat(State(seen): State<Arc<Seen>>, Json(body): Json<Value>) -> Response {
    let messages = body["messages"].as_array().expect("messages");
    let last = messages.last().expect("a message")["content"]
        .as_str()
        .unwrap_or_default();
    answer(seen, &body, last, true).await
}

async fn completions(State(seen): State<Arc<Seen>>, Json(body): Json<Value>) -> Response {
    let prompt = body["prompt"].as_str().unwrap_or_default().to_owned();
    answer(seen, &body, &prompt, false).await
}

async fn embeddings(Json(body): Json<Value>) -> Json<Value> {
    let count = body["input"].as_array().map_or(1, Vec::len);
    let rows: Vec<_> = (0..count)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": [0.5, -0.25]}))
        .collect();
    Json(json!({"object": "list", "data": rows, "model": "m",
                "usage": {"prompt_tokens": 4, "total_tokens": 4}}))
}

fn number(words: &[&str], after: &str) -> Option<u64> {
    let at = words.iter().position(|word| *word == after)?;
    words.get(at + 1)?.trim_end_matches("ms").parse().ok()
}

async fn answer(seen: Arc<Seen>, body: &Value, script: &str, is_chat: bool) -> Response {
    seen.asked.fetch_add(1, Ordering::SeqCst);
    seen.at_work.fetch_add(1, Ordering::SeqCst);
    let at_work = AtWork(Arc::clone(&seen));
    let words: Vec<&str> = script.split_whitespace().collect();
    let is_ill = seen.is_ill.load(Ordering::SeqCst);
    let stop = |word| number(&words, word).filter(|_| !script.contains("ill") || is_ill);
    if let Some(status) = stop("status") {
        let status = u16::try_from(status).expect("a status");
        let error = json!({"error": {"message": "as you wished", "type": "x", "code": "wished"}});
        return (StatusCode::from_u16(status).expect("a status"), Json(error)).into_response();
    }
    let count = number(&words, "count").unwrap_or(3);
    let pause = Duration::from_millis(number(&words, "by").unwrap_or(0));
    let cut = stop("cut");
    let garbage = stop("garbage");
    let error = stop("error");
    let silent = stop("silent");
    let word = if seen.says_else.load(Ordering::SeqCst) {
        "v"
    } else {
        "w"
    };
    let claim = number(&words, "lie").unwrap_or(count);
    let usage = json!({"prompt_tokens": 5, "completion_tokens": claim, "total_tokens": claim + 5});
    if body["stream"] != true {
        tokio::time::sleep(pause).await;
        let text: Vec<_> = (0..count).map(|at| format!("{word}{at} ")).collect();
        let said = match is_chat {
            true => {
                json!({"message": {"role": "assistant", "content": text.concat()}, "index": 0, "finish_reason": "stop"})
            }
            false => json!({"text": text.concat(), "index": 0, "finish_reason": "stop"}),
        };
        let mut whole = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [said]});
        if !script.contains("uncounted") {
            whole["usage"] = usage;
        }
        return Json(whole).into_response();
    }
    let part = move |text: &str, finish: Value| {
        let said = match is_chat {
            true => json!({"index": 0, "delta": {"content": text}, "finish_reason": finish}),
            false => json!({"index": 0, "text": text, "finish_reason": finish}),
        };
        format!(
            "data: {}\n\n",
            json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [said]})
        )
    };
    let counts = format!(
        "data: {}\n\n",
        json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage})
    );
    let uncounted = script.contains("uncounted");
    let wide = number(&words, "wide")
        .and_then(|wide| usize::try_from(wide).ok())
        .unwrap_or(0);
    let parts = stream::unfold((0, at_work), move |(at, at_work)| {
        let (part, counts) = (part, counts.clone());
        async move {
            if silent == Some(at) {
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
            if at > 0 {
                tokio::time::sleep(pause).await;
            }
            if cut == Some(at) || at == count + 1 {
                return None;
            }
            at_work.0.parts.fetch_add(1, Ordering::SeqCst);
            let event = match at {
                _ if garbage == Some(at) => "data: {\"choices\": 5}\n\n".to_owned(),
                _ if error == Some(at) => {
                    "data: {\"error\": {\"message\": \"out of memory\"}}\n\n".to_owned()
                }
                _ if at == count && uncounted => part("", json!("stop")) + "data: [DONE]\n\n",
                _ if at == count => part("", json!("stop")) + &counts + "data: [DONE]\n\n",
                _ => part(&format!("{word}{at} {:wide$}", ""), Value::Null),
            };
            Some((Ok::<_, Infallible>(event), (at + 1, at_work)))
        }
    });
    let head = [("content-type", "text/event-stream")];
    (head, Body::from_stream(parts.boxed())).into_response()
}
