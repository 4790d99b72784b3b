//! One line that says how far a long command is: a bar on a terminal, a plain line now and then elsewhere.

use std::{
    io::IsTerminal,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Milliseconds between plain lines.
const PLAIN_LINE_EVERY_MS: u64 = 2_000;

/// Progress of one command, from any thread.
pub(crate) struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    start: Instant,
    next_line_ms: AtomicU64,
}

impl Progress {
    /// `what` is a few words, as "blocks replayed".
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{bar:30} {human_pos} of {human_len} {msg} ({per_sec}, {eta} left)";
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style).with_message(what)
        });
        Self {
            what,
            bar,
            start: Instant::now(),
            next_line_ms: AtomicU64::new(PLAIN_LINE_EVERY_MS),
        }
    }

    /// `done` of the total are done; a total of zero is not known.
    pub(crate) fn at(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            if total > 0 {
                bar.set_length(total);
            }
            bar.set_position(done);
            return;
        }
        let now_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due_ms = self.next_line_ms.load(Ordering::Relaxed);
        let next_ms = now_ms.saturating_add(PLAIN_LINE_EVERY_MS);
        let claim = |due| {
            self.next_line_ms
                .compare_exchange(due, next_ms, Ordering::Relaxed, Ordering::Relaxed)
        };
        if now_ms >= due_ms && claim(due_ms).is_ok() {
            match total {
                0 => eprintln!("{done} {}", self.what),
                _ => eprintln!("{done} of {total} {}", self.what),
            }
        }
    }

    /// Ends without a line of its own.
    pub(crate) fn finish_quietly(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Ends with a line that says what was done and how long it took.
    pub(crate) fn finish(self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{done} {} in {}", self.what, short(self.start.elapsed()));
    }
}

/// A duration with as many digits as a person reads.
pub(crate) fn short(time: Duration) -> String {
    humantime::format_duration(Duration::from_millis(
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    ))
    .to_string()
}
