//! HTTP: POST is JSON-RPC, GET is a WebSocket, the page, a greeting, health or metrics.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{dispatch, message, site, ws};
use crate::{
    context::{Scope, Shared},
    error::RpcError,
    health, metrics,
};

/// A body that trickles in more slowly than this is given up.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// What a person reads who asks the port in a terminal, or where there is no page.
fn greeting(shared: &Shared, host: &str) -> String {
    let (chain, head) = (&shared.chain, shared.chain.head());
    format!(
        "{version}\nchain {id}, block {number}, {pending} transactions wait\n\n\
         This port takes JSON-RPC 2.0 by POST, and WebSockets:\n\n  \
         curl http://{host} -H 'content-type: application/json' \\\n    \
         -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\"}}'\n\n\
         http://{host}/health   whether the chain moves\n\
         http://{host}/live     whether the process answers\n\
         http://{host}/metrics  numbers for Prometheus\n",
        version = shared.config.client_version,
        id = chain.rules().chain_id,
        number = head.number(),
        pending = chain.pool().status().pending,
    )
}

/// GET /: a WebSocket if the client asks for one; the page for a browser.
pub(super) async fn root(
    State(shared): State<Arc<Shared>>,
    Extension(stopped): Extension<ws::Stopped>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => ws::accept(shared, stopped, upgrade),
        Err(refusal) if headers.contains_key(header::UPGRADE) => refusal.into_response(),
        Err(_) => {
            let page = site::wants_page(&headers)
                .then(|| site::answer(shared.config.site, "/", &headers))
                .flatten();
            if let Some(page) = page {
                return page;
            }
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok());
            let text = greeting(&shared, host.unwrap_or("localhost"));
            let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
            ([kind, (header::VARY, "Accept")], text).into_response()
        }
    }
}

/// POST: JSON-RPC.
pub(super) async fn post(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        return (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid content type, only application/json is supported\n",
        )
            .into_response();
    }
    let bytes_max = shared.config.limits.body_bytes_max;
    let body = match read(&parts.headers, body, bytes_max).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let scope = Arc::new(Scope::new(&shared.config.limits, None));
    match dispatch::answer(&shared, &scope, &body).await {
        Some(answer) => match shared.backlog.hold(answer) {
            Some(answer) => json(answer),
            None => unread(),
        },
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// Instead of an answer that would wait with too many others.
fn unread() -> Response {
    metrics::slow_consumer();
    let error = RpcError::limit(
        "too many answers wait to be read by their clients: read yours, or ask for less at a time",
    );
    let mut answer = Vec::new();
    message::write_answer(&mut answer, message::NULL_ID, &Err(error));
    let mut response = json(answer.into());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// Everything else: POST is JSON-RPC on every path, since people configure all kinds of them; GET is the page.
pub(super) async fn elsewhere(state: State<Arc<Shared>>, request: Request) -> Response {
    if request.method() == Method::POST {
        return post(state, request).await;
    }
    let words = "JSON-RPC takes POST; WebSocket, the page and the greeting are at /\n";
    if [Method::GET, Method::HEAD].contains(request.method()) {
        let found = site::answer(state.config.site, request.uri().path(), request.headers());
        return found.unwrap_or_else(|| (StatusCode::NOT_FOUND, words).into_response());
    }
    let allow = [(header::ALLOW, "GET, HEAD, POST, OPTIONS")];
    (StatusCode::METHOD_NOT_ALLOWED, allow, words).into_response()
}

/// GET /health: whether the chain moves, and how it stands; 503 when it does not.
pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let (status, answer) = health::report(
        &shared.chain,
        &shared.pulse,
        shared.config.limits.stall_after,
        shared.started.elapsed(),
    );
    let mut response = json(answer.to_string().into());
    *response.status_mut() = status;
    response
}

/// GET /metrics: Prometheus text.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text = metrics::render(&shared);
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}

fn json(body: Bytes) -> Response {
    let mut response = Body::from(body).into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// What a page may send without a preflight is none of these.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let kind = value
        .to_str()
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim();
    [
        "application/json",
        "application/json-rpc",
        "application/jsonrequest",
    ]
    .iter()
    .any(|known| known.eq_ignore_ascii_case(kind))
}

async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Response> {
    let too_large = || {
        let text = format!("content length too large: the limit is {bytes_max} bytes\n");
        (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
    };
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if declared
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|bytes| bytes > bytes_max)
    {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // The limit is the only way to fail that leaves somebody to answer to.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body took too long\n").into_response()),
    }
}
