//! What goes wrong at a model server, by name.

use std::time::Duration;

use serde_json::Value;

/// What a machine says that would cost more than it may.
pub(crate) const DEARER: &str = "dearer";

/// Longest text of a server that is shown to others.
const SHOWN_MAX: usize = 300;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// No connection.
    #[error("no connection to the model server: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the model server was silent for {0:?}")]
    Slow(Duration),
    /// What came is no answer.
    #[error("the model server sent what is no answer: {0}")]
    Garbage(String),
    /// The answer ended in the middle.
    #[error("the model server ended its answer in the middle")]
    Cut,
    /// It says that it failed.
    #[error("the model server failed ({status}): {message}")]
    Failed {
        /// HTTP status; 200 where the failure came inside a stream.
        status: u16,
        /// In its words.
        message: String,
    },
    /// It does not take the gateway's own key.
    #[error("the model server refused the gateway itself ({0})")]
    Refused(u16),
    /// It has too much to do.
    #[error("the model server is busy: {message}")]
    Busy {
        /// When it may have time again, if it says so.
        wait: Option<Duration>,
        /// In its words.
        message: String,
    },
    /// It wants money that is not there, or a word that it does not get.
    #[error("the machine is not paid for this: {message}")]
    Unpaid {
        /// Its name for why.
        code: String,
        /// In words.
        message: String,
    },
    /// The request is at fault: no server would take it.
    #[error("the model server refused the request ({status})")]
    Request {
        /// HTTP status.
        status: u16,
        /// As it came, in OpenAI's form.
        body: Value,
    },
    /// One machine of many refused the request: another may take it.
    #[error("the machine refused the request ({status})")]
    Declined {
        /// HTTP status.
        status: u16,
        /// As it came, in OpenAI's form.
        body: Value,
    },
    /// A replay said something else than what was delivered.
    #[error(
        "the model server died in the middle of the answer, and another one answers differently"
    )]
    Diverged,
}

impl Fault {
    /// Its name in errors, metrics and receipts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "upstream_unreachable",
            Self::Slow(_) => "upstream_slow",
            Self::Garbage(_) => "upstream_garbage",
            Self::Cut => "upstream_cut",
            Self::Failed { .. } => "upstream_error",
            Self::Refused(_) => "upstream_refused",
            Self::Busy { .. } => "upstream_busy",
            Self::Unpaid { .. } => "network_unpaid",
            Self::Request { .. } => "request_refused",
            Self::Declined { .. } => "request_declined",
            Self::Diverged => "upstream_diverged",
        }
    }

    /// The HTTP status that tells a client of it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Slow(_) => 504,
            Self::Busy { .. } => 429,
            // Its price moves each epoch: whoever asks again asks at another one.
            Self::Unpaid { code, .. } if code == DEARER => 429,
            Self::Unpaid { .. } => 402,
            Self::Request { status, .. } | Self::Declined { status, .. } => *status,
            _ => 502,
        }
    }

    /// Whether another server may do better.
    pub const fn is_the_servers(&self) -> bool {
        !matches!(self, Self::Request { .. } | Self::Diverged)
    }

    /// An answer that is not JSON, or not of the form that was asked for.
    pub(crate) fn garbage(what: impl Into<String>) -> Self {
        Self::Garbage(shown(&what.into()))
    }

    /// What a status that is no success means.
    pub(super) fn of_status(status: u16, retry_after: Option<Duration>, text: &str) -> Self {
        match status {
            402 => Self::Unpaid {
                code: code_of(text),
                message: message_of(text),
            },
            401 | 403 => Self::Refused(status),
            429 => Self::Busy {
                wait: retry_after,
                message: message_of(text),
            },
            400 | 404 | 413 | 415 | 422 => Self::Request {
                status,
                body: error_body(text),
            },
            _ => Self::Failed {
                status,
                message: message_of(text),
            },
        }
    }
}

/// The first part of a server's text, without what terminals and logs obey.
pub(super) fn shown(text: &str) -> String {
    let plain = text.chars().filter(|letter| !letter.is_control());
    plain.take(SHOWN_MAX).collect()
}

/// The message of an error in OpenAI's form, in vLLM's older one, or the text itself.
pub(super) fn message_of(text: &str) -> String {
    let read: Option<Value> = serde_json::from_str(text).ok();
    let message = read.as_ref().and_then(|body| {
        let error = body.get("error").unwrap_or(body);
        error.get("message").or(Some(error)).and_then(Value::as_str)
    });
    let said = shown(message.unwrap_or(text));
    match said.is_empty() {
        true => "the model server said no word about it".to_owned(),
        false => said,
    }
}

/// The code of an error in OpenAI's form.
fn code_of(text: &str) -> String {
    let read: Option<Value> = serde_json::from_str(text).ok();
    let code = read
        .as_ref()
        .and_then(|body| body["error"]["code"].as_str());
    shown(code.unwrap_or_default())
}

/// The error with bounded texts: a server must not write pages into the answers of others.
fn error_body(text: &str) -> Value {
    let read: Option<Value> = serde_json::from_str(text).ok();
    let error = read.as_ref().map(|body| body.get("error").unwrap_or(body));
    let field = |name: &str| {
        let text = error
            .and_then(|error| error.get(name))
            .and_then(Value::as_str);
        text.map_or(Value::Null, |text| shown(text).into())
    };
    let kind = match field("type") {
        Value::Null => "invalid_request_error".into(),
        kind => kind,
    };
    let message = message_of(text);
    serde_json::json!({ "error": {
        "message": message, "type": kind, "param": field("param"), "code": field("code"),
    }})
}
