//! What each step of making a block took, by the node's own clocks: the histograms that `/metrics` shows.

use metrics_util::{
    MetricKind,
    debugging::{DebugValue, DebuggingRecorder, Snapshotter},
};

use crate::report::median;

/// The steps in the order of a block, by the names of their histograms.
pub(super) const STEPS: [(&str, &str); 3] = [
    ("execute", "capstan_block_execute_seconds"),
    ("root", "capstan_block_root_seconds"),
    ("seal", "capstan_block_seal_seconds"),
];

/// Reads the node's clocks. One in a process: they are global.
pub(super) struct Steps(Snapshotter);

impl Steps {
    pub(super) fn listen() -> eyre::Result<Self> {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        recorder.install()?;
        Ok(Self(snapshotter))
    }

    /// Medians in microseconds of what was recorded since the last answer.
    pub(super) fn medians_us(&self) -> [f64; STEPS.len()] {
        let mut samples = STEPS.map(|_| Vec::new());
        for (key, _, _, value) in self.0.snapshot().into_vec() {
            let step = STEPS.iter().position(|(_, name)| *name == key.key().name());
            if let (Some(step), MetricKind::Histogram, DebugValue::Histogram(seconds)) =
                (step, key.kind(), value)
            {
                samples[step].extend(seconds.into_iter().map(|second| second.into_inner() * 1e6));
            }
        }
        samples.map(|mut of| median(&mut of))
    }
}
