//! Errors in OpenAI's form, as its clients read them.

use std::time::Duration;

use axum::{
    Json,
    http::{Method, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    keys::{LedgerError, Refusal, StoreError},
    tab::Turned,
    upstream::{DEARER, Fault},
};

/// Letters of a path that an error repeats.
const PATH_SHOWN: usize = 100;

/// What a client is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    code: &'static str,
    message: String,
    param: Option<&'static str>,
    retry_after: Option<Duration>,
    /// What a server said about the request itself, as it came.
    passed_on: Option<Box<Value>>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: String) -> Self {
        Self {
            status,
            kind,
            code,
            message,
            param: None,
            retry_after: None,
            passed_on: None,
        }
    }

    /// The request is wrong.
    pub(super) fn wrong(code: &'static str, param: Option<&'static str>, message: String) -> Self {
        let error = Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            code,
            message,
        );
        Self { param, ..error }
    }

    /// A word that names another request.
    pub(super) fn other_request() -> Self {
        let message = "another request was sent under this `Idempotency-Key`: take a new one for each request";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_request_error",
            "idempotency_reused",
            message.to_owned(),
        )
    }

    /// A word whose request is not done.
    pub(super) fn at_work() -> Self {
        let message = "the first request of this `Idempotency-Key` is at work still: ask again a little later";
        let error = Self::new(
            StatusCode::CONFLICT,
            "invalid_request_error",
            "idempotency_at_work",
            message.to_owned(),
        );
        Self {
            retry_after: Some(Duration::from_secs(1)),
            ..error
        }
    }

    pub(super) fn too_large(max: usize) -> Self {
        let message = format!("the request is longer than {max} bytes");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(
            status,
            "invalid_request_error",
            "request_too_large",
            message,
        )
    }

    pub(super) fn too_dense() -> Self {
        let message =
            "the request has more values than it may: send less structure, or several requests"
                .to_owned();
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(
            status,
            "invalid_request_error",
            "request_too_large",
            message,
        )
    }

    pub(super) fn cut() -> Self {
        let message = "the request did not come whole: its connection broke".to_owned();
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            "request_cut",
            message,
        )
    }

    pub(super) fn too_slow(patience: Duration) -> Self {
        let message = format!(
            "the request did not come whole within {} s",
            patience.as_secs()
        );
        let status = StatusCode::REQUEST_TIMEOUT;
        Self::new(status, "invalid_request_error", "request_timeout", message)
    }

    pub(super) fn no_such_model(model: &str, known: &[String]) -> Self {
        let known = if known.is_empty() {
            "none now. Servers that do not answer yet, and machines of a network that are not found yet, are looked for again and again"
                .to_owned()
        } else {
            known.join(", ")
        };
        let message = format!("the model `{model}` is not served here; there are: {known}");
        let kind = "invalid_request_error";
        let error = Self::new(StatusCode::NOT_FOUND, kind, "model_not_found", message);
        Self {
            param: Some("model"),
            ..error
        }
    }

    pub(super) fn not_found(message: &str) -> Self {
        let kind = "invalid_request_error";
        Self::new(StatusCode::NOT_FOUND, kind, "not_found", message.to_owned())
    }

    /// A path that is not there, with those that are.
    pub(super) fn no_such_path(method: &Method, path: &str) -> Self {
        let shown: String = path.chars().take(PATH_SHOWN).collect();
        let hint = match path.trim_start_matches('/') {
            "chat/completions" | "completions" | "embeddings" | "models" => {
                "clients take this gateway's address with /v1 at its end (OPENAI_BASE_URL)"
            }
            _ => {
                "there are POST /v1/chat/completions, /v1/completions and /v1/embeddings, GET /v1/models, /v1/capstan/key, /health and /usage"
            }
        };
        let message = format!("`{method} {shown}` is not there: {hint}");
        let kind = "invalid_request_error";
        Self::new(StatusCode::NOT_FOUND, kind, "unknown_path", message)
    }

    /// A path that is there for another method.
    pub(super) fn wrong_method(method: &Method, path: &str) -> Self {
        let shown: String = path.chars().take(PATH_SHOWN).collect();
        let right = match method {
            &Method::GET | &Method::HEAD => "POST",
            _ => "GET",
        };
        let message = format!("`{shown}` is not asked by {method}: use {right}");
        let kind = "invalid_request_error";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, kind, "wrong_method", message)
    }

    pub(super) fn no_key() -> Self {
        let message = "send `Authorization: Bearer KEY`; `capstan key new` makes one".to_owned();
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "invalid_api_key",
            message,
        )
    }

    pub(super) fn forbidden(message: String) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "authentication_error",
            "forbidden",
            message,
        )
    }

    /// Too much at once.
    pub(super) fn busy(message: &str, retry_after: Duration) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let error = Self::new(
            status,
            "rate_limit_error",
            "too_many_requests",
            message.to_owned(),
        );
        Self {
            retry_after: Some(retry_after),
            ..error
        }
    }

    /// The machine is its owner's now.
    pub(super) fn taken_back() -> Self {
        let message =
            "the machine's owner uses it at the moment; ask again a little later".to_owned();
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let error = Self::new(status, "server_error", "taken_back", message);
        Self {
            retry_after: Some(Duration::from_secs(5)),
            ..error
        }
    }

    pub(super) fn none_is_well(retry_after: Duration) -> Self {
        let message = "no model server that has this model answers at the moment".to_owned();
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let error = Self::new(status, "server_error", "no_upstream", message);
        Self {
            retry_after: Some(retry_after),
            ..error
        }
    }

    /// Its name.
    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    /// In words.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn body(&self) -> Value {
        if let Some(body) = &self.passed_on {
            return body.as_ref().clone();
        }
        json!({ "error": {
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        }})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs().max(1);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let known = |code| {
            let status = StatusCode::UNAUTHORIZED;
            Self::new(status, "authentication_error", code, message.clone())
        };
        match refusal {
            Refusal::Unknown => known("invalid_api_key"),
            Refusal::OwnersToken => known("owners_token"),
            Refusal::NameTaken(_) => {
                let kind = "invalid_request_error";
                let error = Self::new(StatusCode::CONFLICT, kind, "name_taken", message);
                Self {
                    param: Some("name"),
                    ..error
                }
            }
            Refusal::Revoked => known("key_revoked"),
            Refusal::Expired(_) => known("key_expired"),
            Refusal::TooManyAtOnce(_) => Self::busy(&message, Duration::from_secs(1)),
            Refusal::Total { .. } | Refusal::Day { .. } => {
                let status = StatusCode::PAYMENT_REQUIRED;
                Self::new(status, "insufficient_quota", "over_budget", message)
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(
            status,
            "server_error",
            "ledger_unavailable",
            error.to_string(),
        )
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(refusal) => refusal.into(),
            LedgerError::Store(error) => error.into(),
        }
    }
}

impl From<Turned> for ApiError {
    fn from(turned: Turned) -> Self {
        let (status, kind, code) = match &turned {
            Turned::NotSaid => (401, "authentication_error", "errand_not_signed"),
            Turned::NoChannel => (402, "insufficient_quota", "no_channel"),
            Turned::NotBound { .. } => (402, "insufficient_quota", "not_bound"),
            Turned::Dearer { .. } => (402, "insufficient_quota", DEARER),
            Turned::HoldOver => (402, "insufficient_quota", "hold_over"),
            Turned::Unsigned => (402, "insufficient_quota", "voucher_unsigned"),
            Turned::NotSold => (402, "insufficient_quota", "not_sold"),
            Turned::Closed => (402, "insufficient_quota", "channel_closed"),
            Turned::OtherVoucher => (409, "invalid_request_error", "other_voucher"),
            Turned::SoldOut => (429, "rate_limit_error", "sold_out"),
            Turned::Silent => (503, "server_error", "chain_silent"),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let wait = matches!(turned, Turned::SoldOut | Turned::Silent);
        let error = Self::new(status, kind, code, turned.to_string());
        Self {
            retry_after: wait.then_some(Duration::from_secs(5)),
            ..error
        }
    }
}

impl From<&Fault> for ApiError {
    fn from(fault: &Fault) -> Self {
        let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::BAD_GATEWAY);
        let error = Self::new(status, "server_error", fault.code(), fault.to_string());
        match fault {
            Fault::Request { body, .. } | Fault::Declined { body, .. } => Self {
                passed_on: Some(Box::new(body.clone())),
                ..error
            },
            Fault::Unpaid { .. } => Self {
                kind: "insufficient_quota",
                ..error
            },
            Fault::Busy { wait, .. } => {
                let retry_after = Some(wait.unwrap_or(Duration::from_secs(1)));
                Self {
                    kind: "rate_limit_error",
                    retry_after,
                    ..error
                }
            }
            _ => error,
        }
    }
}
