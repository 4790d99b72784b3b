//! `/health` and `/live`: what a machine that watches this one needs to know.
//!
//! *Live* is a process that answers. *Healthy* is a node whose chain moves: its storage takes blocks, and where
//! blocks come at a pace, they come. A node that is live and not healthy should be looked at, not restarted
//! blindly: what it has reported is on disk either way.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use capstan_chain::{Chain, Mining};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// When the chain last moved.
#[derive(Debug)]
pub(crate) struct Pulse(Mutex<Instant>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Pulse {
    /// The chain moved.
    pub(crate) fn beat(&self) {
        *self.0.lock() = Instant::now();
    }

    fn age(&self) -> Duration {
        self.0.lock().elapsed()
    }
}

/// The answer of `/health`.
pub(crate) fn report(
    chain: &Chain,
    pulse: &Pulse,
    stall_after: Duration,
    up: Duration,
) -> (StatusCode, Value) {
    let head = chain.head();
    let age = pulse.age();
    let trouble = match (chain.failure(), chain.mining()) {
        (Some(reason), _) => Some(("failed", reason)),
        (None, Mining::Interval(pace)) if age > pace + stall_after => Some((
            "stalled",
            format!("no block for {} ms, at a pace of {pace:?}", age.as_millis()),
        )),
        _ => None,
    };
    let mut answer = json!({
        "status": "ok",
        "chainId": chain.rules().chain_id,
        "blockNumber": head.number(),
        "blockTimeMs": head.time_ms(),
        "sinceBlockMs": u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
        "upSeconds": up.as_secs(),
    });
    match trouble {
        None => (StatusCode::OK, answer),
        Some((status, reason)) => {
            answer["status"] = status.into();
            answer["reason"] = reason.into();
            (StatusCode::SERVICE_UNAVAILABLE, answer)
        }
    }
}
