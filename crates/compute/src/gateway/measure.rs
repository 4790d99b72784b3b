//! Counters behind `/metrics`. In a node they go to the node's recorder; alone, [`install_recorder`] makes one.

use std::{sync::OnceLock, time::Duration};

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::Gateway;
use crate::{keys::Used, receipt::Outcome, upstream::Kind};

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Installs a recorder, once. A program that has its own keeps it, and `/metrics` here says so.
pub fn install_recorder() {
    RECORDER.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .inspect_err(|reason| tracing::warn!(%reason, "metrics are off"))
            .ok()
    });
}

/// The text of `/metrics`.
pub(super) fn render(gateway: &Gateway) -> String {
    let Some(recorder) = RECORDER.get().and_then(Option::as_ref) else {
        return "# metrics are off: the program has another recorder\n".to_owned();
    };
    gauge!("capstan_gateway_at_work").set(gateway.at_work() as f64);
    gauge!("capstan_gateway_waiting").set(gateway.pool.waiting() as f64);
    gauge!("capstan_gateway_up_seconds").set(gateway.started.elapsed().as_secs_f64());
    gauge!("capstan_gateway_ledger_well").set(f64::from(u8::from(gateway.ledger.is_well())));
    for (at, member) in gateway.pool.view().into_iter().enumerate() {
        // By number: an address as a label would be whatever somebody wrote.
        let labels = [("upstream", at.to_string())];
        gauge!("capstan_gateway_upstream_well", &labels).set(f64::from(u8::from(member.is_well)));
        gauge!("capstan_gateway_upstream_busy", &labels).set(member.busy as f64);
    }
    if let Some(now) = gateway.board().and_then(|board| board.now()) {
        // What is unknown is not there, so that nobody takes it for zero.
        if let Some(milliwatts) = now.milliwatts {
            gauge!("capstan_machine_watts").set(milliwatts as f64 / 1_000.0);
        }
        if let Some(decikelvin) = now.decikelvin {
            gauge!("capstan_machine_celsius").set(f64::from(decikelvin) / 10.0 - 273.15);
        }
        if let Some(used_bps) = now.used_bps {
            gauge!("capstan_machine_used_ratio").set(f64::from(used_bps) / 10_000.0);
        }
    }
    recorder.run_upkeep();
    recorder.render()
}

/// The first part of an answer came.
pub(super) fn first_part(kind: Kind, after: Duration) {
    histogram!("capstan_gateway_first_part_seconds", "kind" => kind.word())
        .record(after.as_secs_f64());
}

/// A request that had a reservation ended.
pub(super) fn ended(kind: Kind, outcome: Outcome, used: Used, failure: Option<&str>) {
    let outcome = match (outcome, failure) {
        (Outcome::Whole, _) => "whole",
        (Outcome::ClientLeft, _) => "client_left",
        (Outcome::Limit, _) => "limit",
        _ => "failed",
    };
    counter!("capstan_gateway_requests_total", "kind" => kind.word(), "outcome" => outcome)
        .increment(1);
    counter!("capstan_gateway_input_tokens_total").increment(used.input_tokens);
    counter!("capstan_gateway_output_tokens_total").increment(used.output_tokens);
}

/// What an answer took, where that was measured; with its tokens, so that joules per token follow.
pub(super) fn took(used: Used, energy_mj: Option<u64>) {
    let Some(energy_mj) = energy_mj else {
        return;
    };
    counter!("capstan_gateway_energy_millijoules_total").increment(energy_mj);
    counter!("capstan_gateway_measured_output_tokens_total").increment(used.output_tokens);
}

/// A request was refused before it had a reservation.
pub(super) fn refused(code: &'static str) {
    counter!("capstan_gateway_refused_total", "code" => code).increment(1);
}
