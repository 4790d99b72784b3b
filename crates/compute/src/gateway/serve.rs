//! The routes of clients.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_primitives::B256;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, Uri, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use super::{
    Entered, Gateway,
    error::ApiError,
    flow::{self, Failed},
    measure,
    once::Turn,
    request::{Asked, STRUCTURE_BYTES_MAX},
    tab,
    ticket::{Payer, Ticket},
};
use crate::{
    json::Weighed,
    keys::{Failure, JobId, key_id},
    money::Dollars,
    receipt::Outcome,
    tab::{Desks, Said},
    upstream::{Kind, Object},
};

type Shared = State<Arc<Gateway>>;

pub(super) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/models", get(models))
        .route("/v1/models/{*id}", get(model))
        .route("/v1/capstan/key", get(own_key))
        .route("/v1/capstan/readings", get(readings))
        .route("/v1/capstan/requests/{id}", get(own_request))
        .with_state(gateway)
}

async fn chat(State(gateway): Shared, request: Request) -> Response {
    answer(gateway, Kind::Chat, request).await
}

async fn completions(State(gateway): Shared, request: Request) -> Response {
    answer(gateway, Kind::Completion, request).await
}

async fn embeddings(State(gateway): Shared, request: Request) -> Response {
    answer(gateway, Kind::Embedding, request).await
}

async fn answer(gateway: Arc<Gateway>, kind: Kind, request: Request) -> Response {
    let answered = try_answer(&gateway, kind, request).await;
    answered.unwrap_or_else(|error| {
        measure::refused(error.code());
        error.into_response()
    })
}

/// Who asks, and what he can pay at most.
fn admit(gateway: &Gateway, headers: &HeaderMap) -> Result<(B256, Option<Dollars>), ApiError> {
    let secret = bearer(headers).ok_or_else(ApiError::no_key)?;
    Ok(gateway.ledger.admit(secret)?)
}

/// The secret of `Authorization: Bearer ...`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = text.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}

/// Who asks: a key of this gateway, or a channel of the network.
enum Asker {
    Key(B256, Option<Dollars>),
    Channel(Arc<Desks>, Said),
}

/// Without a body yet: a key is known or not, and an errand is well formed or not.
fn asker(gateway: &Gateway, headers: &HeaderMap) -> Result<Asker, ApiError> {
    match tab::said(gateway, headers)? {
        Some((desks, said)) => Ok(Asker::Channel(desks, said)),
        None => admit(gateway, headers).map(|(key, payable)| Asker::Key(key, payable)),
    }
}

async fn try_answer(
    gateway: &Arc<Gateway>,
    kind: Kind,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let asker = asker(gateway, &head.headers)?;
    let is_own = matches!(&asker, Asker::Key(key, _) if gateway.ledger.is_own(key));
    if !is_own && !gateway.pace.is_free() {
        return Err(ApiError::taken_back());
    }
    let busy = || ApiError::busy("too many requests at once", Duration::from_secs(2));
    // Customers of the network share what one key has: who they are is judged with what they ask.
    let of = match &asker {
        Asker::Key(key, _) => *key,
        Asker::Channel(..) => B256::ZERO,
    };
    let mut entered = gateway.enter(of, is_own).ok_or_else(busy)?;
    let body = arrived(gateway, body, &mut entered).await?;
    let weighed = Weighed::of(&body, STRUCTURE_BYTES_MAX).ok_or_else(ApiError::too_dense)?;
    if !entered.hold_memory(weighed.bytes()).await {
        return Err(busy());
    }
    let mut asked = Asked::read(kind, &weighed)?;
    let begun = match &asker {
        Asker::Key(key, _) => gateway.once.begin(*key, &head.headers, kind, &body)?,
        // An errand counts once as it is.
        Asker::Channel(..) => None,
    };
    let begun = match begun {
        Some(Turn::Again(response)) => return Ok(response),
        Some(Turn::First(begun)) => Some(begun),
        None => None,
    };
    let opened = match asker {
        Asker::Key(key, payable) => {
            drop(body);
            reserve(gateway, key, payable, &mut asked)
        }
        Asker::Channel(desks, said) => {
            tab::promise(gateway, &desks, &said, &body, &mut asked).await
        }
    };
    let (ticket, reserved) = opened?;
    let (job, each_tokens_max) = (ticket.job, asked.each_tokens_max);
    let answered = if asked.stream {
        streamed(gateway, asked, ticket, reserved, entered).await
    } else {
        whole(gateway, &asked, ticket).await
    };
    let mut response = answered.unwrap_or_else(|error| error.into_response());
    if let Ok(name) = HeaderValue::try_from(job.to_string()) {
        response.headers_mut().insert("x-capstan-request", name);
    }
    // Who asked for more, or for nothing in particular, sees here why his answer ends where it does.
    if let Some(tokens) = each_tokens_max {
        let headers = response.headers_mut();
        headers.insert("x-capstan-max-tokens", tokens.into());
    }
    Ok(match begun {
        Some(begun) => begun.keep(response).await,
        None => response,
    })
}

/// A body as it came, if it comes in time.
async fn arrived(
    gateway: &Gateway,
    body: Body,
    entered: &mut Entered,
) -> Result<Vec<u8>, ApiError> {
    let bounds = &gateway.settings.bounds;
    let arrived = timeout(bounds.arrival, pieces(body, bounds.body_bytes, entered)).await;
    arrived.unwrap_or_else(|_| Err(ApiError::too_slow(bounds.arrival)))
}

/// Its pieces. What is announced and does not come holds no memory: who wants to keep others out has to send all of it.
async fn pieces(body: Body, max: usize, entered: &mut Entered) -> Result<Vec<u8>, ApiError> {
    let mut body = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| ApiError::cut())?;
        let size = whole.len().saturating_add(piece.len());
        if size > max {
            return Err(ApiError::too_large(max));
        }
        if !entered.hold_memory(size).await {
            let message = "too much is asked at once";
            return Err(ApiError::busy(message, Duration::from_secs(2)));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// The ticket of a key of this gateway.
fn reserve(
    gateway: &Arc<Gateway>,
    key: B256,
    payable: Option<Dollars>,
    asked: &mut Asked,
) -> Result<(Ticket, Option<crate::keys::Written>), ApiError> {
    let model = asked.ask.model.clone();
    let price = gateway
        .settings
        .prices
        .of(&model)
        .filter(|_| gateway.pool.has(&model));
    let price = price.ok_or_else(|| ApiError::no_such_model(&model, &served(gateway)))?;
    let output_tokens_max = asked.bound(price, payable);
    let opened = Ticket::open(gateway, Payer::Key(key), asked, price, output_tokens_max);
    opened.inspect_err(|error| note(gateway, &key, &model, error))
}

/// Failures that clients see before anything was reserved are on the page of use, too.
fn note(gateway: &Gateway, key: &B256, model: &str, error: &ApiError) {
    gateway.ledger.note_failure(&Failure {
        at_ms: gateway.ledger.now_ms(),
        job: JobId::random(),
        key: key_id(key),
        model: model.to_owned(),
        upstream: String::new(),
        code: error.code().to_owned(),
        message: error.message().to_owned(),
    });
}

/// Ends a request that failed before its answer began: nothing is charged.
async fn give_up(mut ticket: Ticket, failed: Failed) -> ApiError {
    let error = failed.error();
    let failure = Some((error.code(), error.message()));
    match ticket.settle(Outcome::UpstreamCut, failure, None) {
        Some((_, written)) => written.on_disk().await.map_or_else(Into::into, |()| error),
        None => error,
    }
}

async fn whole(
    gateway: &Arc<Gateway>,
    asked: &Asked,
    mut ticket: Ticket,
) -> Result<Response, ApiError> {
    let (answer, place) = match flow::whole(gateway, &asked.ask, &mut ticket).await {
        Ok(answered) => answered,
        Err(failed) => return Err(give_up(ticket, failed).await),
    };
    ticket.begun();
    ticket.answer.add_whole(&answer);
    ticket.prove(&asked.ask);
    let settled = ticket.settle(Outcome::Whole, None, Some(&place));
    let (settled, written) = settled.ok_or_else(|| ApiError::not_found("the request is over"))?;
    written.on_disk().await?;
    let mut answer = answer;
    if settled.owed.is_some() {
        answer.insert("capstan".to_owned(), flow::told(&settled));
    }
    let mut response = Json(Value::Object(answer)).into_response();
    for (name, value) in flow::headers(&settled) {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

async fn streamed(
    gateway: &Arc<Gateway>,
    asked: Asked,
    ticket: Ticket,
    reserved: Option<crate::keys::Written>,
    entered: Entered,
) -> Result<Response, ApiError> {
    // A customer of the network gets counts and receipt in any case: he signs for them.
    let wants_usage = asked.wants_usage || ticket.is_of_network();
    let begun = flow::begin(gateway, asked.ask, ticket, wants_usage, entered).await;
    let flow = match begun {
        Ok(flow) => flow,
        Err((failed, ticket)) => return Err(give_up(ticket, failed).await),
    };
    // Nothing reaches the client before what it may cost is on disk.
    if let Some(reserved) = reserved {
        reserved.on_disk().await?;
    }
    // One part on its way at most: what the client has not taken is not counted as delivered.
    let (parts, coming) = mpsc::channel::<Bytes>(1);
    let taken = Arc::new(AtomicU64::new(0));
    tokio::spawn(flow.run(parts, Arc::clone(&taken)));
    let body = stream::unfold((coming, taken), |(mut coming, taken)| async {
        let part = coming.recv().await?;
        taken.fetch_add(1, Ordering::AcqRel);
        Some((Ok::<_, std::convert::Infallible>(part), (coming, taken)))
    });
    let head = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        // Proxies that gather answers would undo the streaming.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((head, Body::from_stream(body)).into_response())
}

/// What is not there, in the form that clients read.
pub(super) async fn no_such_path(method: Method, uri: Uri) -> ApiError {
    ApiError::no_such_path(&method, uri.path())
}

/// What is there for another method.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::wrong_method(&method, uri.path())
}

/// Names of models that are served: those of the servers that have a price.
fn served(gateway: &Gateway) -> Vec<String> {
    let all = gateway.pool.models().into_iter().map(|(model, _)| model.id);
    all.filter(|id| gateway.settings.prices.of(id).is_some())
        .collect()
}

fn described(gateway: &Gateway) -> Vec<Value> {
    let all = gateway.pool.models();
    let row = |(model, owner): (crate::upstream::Model, String)| {
        let price = gateway.settings.prices.of(&model.id)?;
        Some(json!({
            "id": model.id, "object": "model", "created": 0, "owned_by": owner,
            "capstan": {
                "input_per_million": price.input, "output_per_million": price.output,
                "max_output_tokens": price.max_output_tokens,
                "program": price.program.or(model.program),
                "quantisation": price.quantisation.clone().or(model.quantisation),
            },
        }))
    };
    all.into_iter().filter_map(row).collect()
}

async fn models(State(gateway): Shared, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    admit(&gateway, &headers)?;
    Ok(Json(
        json!({ "object": "list", "data": described(&gateway) }),
    ))
}

async fn model(
    State(gateway): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    admit(&gateway, &headers)?;
    let found = described(&gateway)
        .into_iter()
        .find(|row| row["id"] == id.as_str());
    found
        .map(Json)
        .ok_or_else(|| ApiError::no_such_model(&id, &served(&gateway)))
}

/// What one's own key has left.
async fn own_key(State(gateway): Shared, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    let (hash, _) = admit(&gateway, &headers)?;
    let key = gateway
        .ledger
        .keys()
        .into_iter()
        .find(|view| view.key.hash == hash);
    let key = key.ok_or_else(ApiError::no_key)?;
    Ok(Json(json!(key)))
}

/// What the machine tells of itself; it stands on its chain, so anybody may see it.
async fn readings(State(gateway): Shared) -> Result<Json<Value>, ApiError> {
    let missing = || ApiError::not_found("nothing of this machine is measured");
    let board = gateway.board().ok_or_else(missing)?;
    Ok(Json(json!({
        "machine": gateway.ledger.machine().address(), "now": board.now(), "shown": board.shown(),
    })))
}

/// Cost and receipt of one's own request; those of others are not found.
async fn own_request(
    State(gateway): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let (hash, _) = admit(&gateway, &headers)?;
    let job: JobId = id
        .parse()
        .map_err(|why: String| ApiError::not_found(&why))?;
    let found = gateway.ledger.receipt_of(&job)?;
    let signed = found.filter(|signed| signed.receipt.payer == hash);
    let signed = signed.ok_or_else(|| {
        ApiError::not_found(
            "no request of this key has that id and a receipt; one at work has none yet",
        )
    })?;
    let cost = Dollars::from_atto_or_max(signed.receipt.cost);
    let mut told = Object::new();
    told.insert("cost".to_owned(), json!(cost));
    told.insert("receipt".to_owned(), json!(signed.id));
    told.insert("signed".to_owned(), json!(signed));
    Ok(Json(Value::Object(told)))
}
