//! Counters of the front door and the text behind `/metrics`.

use std::{sync::OnceLock, time::Duration};

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::{context::Shared, error::RpcError};

/// One recorder for the process: rooms below (chain, evm) count into it, too.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

const CALL_SECONDS: &str = "capstan_rpc_call_seconds";
/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 9] = [0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0];

/// Counters that alarms watch, and what workers did: there from the start, since one that appears with its first event has no
/// rate at that event.
const FROM_THE_START: [&str; 10] = [
    "capstan_follow_refused_total",
    "capstan_guards_damaged_total",
    "capstan_native_damages_total",
    "capstan_native_panics_total",
    "capstan_rpc_panics_total",
    "capstan_verify_disagreements_total",
    "capstan_verify_panics_total",
    "capstan_verify_worker_transactions_total",
    "capstan_verify_workers_lost_total",
    "capstan_worker_panics_total",
];

/// Installs the recorder, once. A program that has its own keeps it, and `/metrics` says so.
pub(crate) fn install() {
    RECORDER.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .inspect_err(|reason| tracing::warn!(%reason, "metrics are off"))
            .ok()
    });
    for name in FROM_THE_START {
        counter!(name).increment(0);
    }
}

fn recorder() -> Option<&'static PrometheusHandle> {
    RECORDER.get().and_then(Option::as_ref)
}

/// Drains what histograms collected since the last time.
pub(crate) fn upkeep() {
    if let Some(recorder) = recorder() {
        recorder.run_upkeep();
    }
}

/// The text of `/metrics`.
pub(crate) fn render(shared: &Shared) -> String {
    let Some(recorder) = recorder() else {
        return "# metrics are off: the program has another recorder\n".to_owned();
    };
    let head = shared.chain.head();
    gauge!("capstan_head_block").set(head.number() as f64);
    gauge!("capstan_head_time_seconds").set(head.time_ms() as f64 / 1000.0);
    gauge!("capstan_rpc_calls_waiting").set(shared.pool.waiting() as f64);
    gauge!("capstan_rpc_subscriptions").set(shared.hub.count() as f64);
    gauge!("capstan_rpc_filters").set(shared.filters.count() as f64);
    gauge!("capstan_up_seconds").set(shared.started.elapsed().as_secs_f64());
    recorder.render()
}

/// Counts a call. `method` comes from the table, so the labels are bounded.
pub(crate) fn call(method: &'static str, took: Duration, error: Option<&RpcError>) {
    histogram!(CALL_SECONDS, "method" => method).record(took.as_secs_f64());
    if let Some(error) = error {
        count_error(method, error);
    }
}

/// Counts calls of one method that took their time together.
pub(crate) fn calls<T>(method: &'static str, took: Duration, results: &[Result<T, RpcError>]) {
    histogram!(CALL_SECONDS, "method" => method).record_many(took.as_secs_f64(), results.len());
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        count_error(method, error);
    }
}

fn count_error(method: &'static str, error: &RpcError) {
    counter!("capstan_rpc_errors_total", "method" => method, "code" => error.code.to_string())
        .increment(1);
}

pub(crate) fn unknown_method() {
    counter!("capstan_rpc_unknown_methods_total").increment(1);
}

pub(crate) fn panic() {
    counter!("capstan_rpc_panics_total").increment(1);
}

pub(crate) fn slow_consumer() {
    counter!("capstan_rpc_slow_consumers_total").increment(1);
}
