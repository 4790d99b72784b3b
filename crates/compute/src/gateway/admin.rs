//! The routes of the gateway's owner, and of machines that watch it.

use std::sync::Arc;

use alloy_primitives::B256;
use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Gateway, Stance, error::ApiError, measure, page, serve::bearer};
use crate::{
    audit::Evidence,
    keys::{JobId, Limits, Secret},
    receipt::Signed,
};

/// Receipts and failures that the page of use shows.
const SHOWN: usize = 50;
/// A key's name is shown and stored.
const NAME_BYTES_MAX: usize = 200;

type Shared = State<Arc<Gateway>>;

/// A key that is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What its owner calls it.
    #[serde(default)]
    pub name: String,
    /// What it allows.
    #[serde(default)]
    pub limits: Limits,
}

pub(super) fn routes(gateway: Arc<Gateway>) -> Router {
    let owners = Router::new()
        .route("/admin/overview", get(overview))
        .route("/admin/keys", get(keys).post(new_key))
        .route("/admin/keys/{word}/revoke", post(revoke))
        .route("/admin/pace", get(pace))
        .route("/admin/pace/{wish}", post(set_pace))
        .route("/admin/receipts/{id}", get(receipt))
        .route("/admin/receipts/{id}/evidence", get(evidence))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&gateway),
            owner_only,
        ))
        .merge(page::routes())
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&gateway),
            own_names_only,
        ));
    owners.with_state(gateway)
}

/// What machines ask of a server of its own.
pub(super) fn watchers(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/live", get(async || "live\n"))
        .route("/metrics", get(metrics))
        .with_state(gateway)
}

/// A page elsewhere may point a name of its own to this machine; it cannot make the browser say another name.
async fn own_names_only(State(gateway): Shared, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    // In HTTP/2 the name stands in the target.
    let host = host.or_else(|| {
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str())
    });
    let name = without_port(host.unwrap_or_default());
    let allowed = gateway
        .settings
        .allow_hosts
        .iter()
        .any(|allowed| allowed == "*" || allowed == name);
    if allowed || matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        return next.run(request).await;
    }
    let message = format!("`{name}` is no name of this gateway; --allow-host {name} admits it");
    ApiError::forbidden(message).into_response()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

async fn owner_only(State(gateway): Shared, request: Request, next: Next) -> Response {
    let said = bearer(request.headers()).map(Secret::hash_of);
    // Hashes are compared, so that how long it takes says nothing about the secret.
    if said == Some(gateway.settings.admin.hash()) {
        return next.run(request).await;
    }
    let said = bearer(request.headers()).unwrap_or_default();
    let message = if Secret::looks_like_a_clients(said) {
        "this is the key of a client, and this path is the owner's: its token begins with `capstan-owner-`, and lies in gateway.json of the gateway's data folder"
    } else if Secret::looks_like_an_owners(said) {
        "this is the token of an earlier start: the gateway makes a new one each time, and prints it with the address of its page of use"
    } else {
        "this needs the token of the gateway's owner, which lies in gateway.json of its data folder"
    };
    ApiError::forbidden(message.to_owned()).into_response()
}

async fn health(State(gateway): Shared) -> Response {
    let members = gateway.pool.view();
    let any_is_well = members
        .iter()
        .any(|member| member.is_well && member.models.is_some());
    let status = match (gateway.ledger.is_well(), any_is_well) {
        (true, true) => "well",
        (false, _) => "the ledger cannot be written",
        (true, false) => "no model server answers",
    };
    let code = match status {
        "well" => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    // Addresses of servers are the owner's business; how many answer is anybody's.
    let answering = members.iter().filter(|member| member.is_well).count();
    let told = json!({
        "status": status, "upstreams": members.len(), "upstreams_well": answering,
        "at_work": gateway.at_work(), "waiting": gateway.pool.waiting(),
        "up_seconds": gateway.started.elapsed().as_secs(),
    });
    (code, Json(told)).into_response()
}

async fn metrics(State(gateway): Shared) -> Response {
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4");
    ([kind], measure::render(&gateway)).into_response()
}

async fn overview(State(gateway): Shared) -> Result<Json<Value>, ApiError> {
    let overview = gateway.ledger.overview(SHOWN)?;
    Ok(Json(json!({
        "machine": gateway.ledger.machine().address(),
        "upstreams": gateway.pool.view(),
        "at_work": gateway.at_work(),
        "waiting": gateway.pool.waiting(),
        "pace": gateway.pace.stance(),
        "readings": gateway.board().and_then(|board| board.now()),
        "keys": overview.keys,
        "receipts": overview.receipts,
        "failures": overview.failures,
    })))
}

async fn pace(State(gateway): Shared) -> Json<Stance> {
    Json(gateway.pace.stance())
}

async fn set_pace(
    State(gateway): Shared,
    Path(wish): Path<String>,
) -> Result<Json<Stance>, ApiError> {
    match wish.as_str() {
        "pause" => gateway.pace.pause(true),
        "resume" => gateway.pace.pause(false),
        "stop" => gateway.pace.stop(),
        _ => {
            let message = "a machine is paused, resumed or stopped";
            return Err(ApiError::not_found(message));
        }
    }
    Ok(Json(gateway.pace.stance()))
}

async fn keys(State(gateway): Shared) -> Json<Value> {
    Json(json!(gateway.ledger.keys()))
}

async fn new_key(
    State(gateway): Shared,
    Json(wanted): Json<NewKey>,
) -> Result<Json<Value>, ApiError> {
    if wanted.name.len() > NAME_BYTES_MAX {
        let message = format!("a name has at most {NAME_BYTES_MAX} bytes");
        return Err(ApiError::wrong("invalid_value", Some("name"), message));
    }
    let (secret, key) = gateway.ledger.add_key(wanted.name, wanted.limits).await?;
    Ok(Json(
        json!({ "secret": secret.reveal(), "id": key.id(), "key": key }),
    ))
}

async fn revoke(State(gateway): Shared, Path(word): Path<String>) -> Result<Json<Value>, ApiError> {
    let hash = one_key(&gateway, &word)?;
    Ok(Json(json!(gateway.ledger.revoke(&hash).await?)))
}

/// Why a word means no one key.
pub fn not_one(word: &str, count: usize) -> String {
    match count {
        0 => format!("no key is called `{word}`; `capstan key list` names them"),
        count => format!("{count} keys are called `{word}`; use more digits of the id"),
    }
}

fn one_key(gateway: &Gateway, word: &str) -> Result<B256, ApiError> {
    match gateway.ledger.find(word).as_slice() {
        [key] => Ok(key.hash),
        [] => Err(ApiError::not_found(&not_one(word, 0))),
        several => Err(ApiError::wrong(
            "ambiguous",
            None,
            not_one(word, several.len()),
        )),
    }
}

async fn evidence(
    State(gateway): Shared,
    Path(id): Path<B256>,
) -> Result<Json<Option<Evidence>>, ApiError> {
    Ok(Json(gateway.ledger.evidence(&id)?))
}

async fn receipt(State(gateway): Shared, Path(id): Path<String>) -> Result<Json<Signed>, ApiError> {
    let found = match (id.parse::<B256>(), id.parse::<JobId>()) {
        (Ok(id), _) => gateway.ledger.receipt(&id)?,
        (_, Ok(job)) => gateway.ledger.receipt_of(&job)?,
        _ => None,
    };
    let missing = || ApiError::not_found(&format!("there is no receipt of `{id}` here"));
    found.map(Json).ok_or_else(missing)
}
