//! What a machine really does: memory bandwidth, arithmetic, and the tokens per second of its model server; and from which
//! income on its power is paid. specs/scan.md.
//!
//! Every figure is measured several times. The best is told as what the machine can, the distance to the worst as the noise.

mod arithmetic;
mod load;
mod memory;
mod server;
#[cfg(test)]
mod tests;

use std::{
    fs,
    sync::Barrier,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::money::Dollars;

pub use arithmetic::gflops;
pub(crate) use load::ticks;
pub use memory::bandwidth;
pub use server::{Tokens, one_answer_rate, tokens_per_second};

/// Times that each measure is taken.
const ROUNDS: usize = 7;
/// The moment before the measure in which others are watched.
const WATCHED: Duration = Duration::from_millis(500);
/// What others may use before figures are called too low.
const BUSY_PERCENT: u64 = 10;
/// Beyond this distance between rounds, a figure is called noisy.
const NOISY_PERCENT: u64 = 15;

/// A figure and how much it moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The best round.
    pub best: f64,
    /// The round in the middle.
    pub median: f64,
    /// The worst round.
    pub worst: f64,
}

impl Measured {
    /// Rounds of one measure; none are nothing.
    pub fn of(mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        let at = |at: usize| rounds.get(at).copied().unwrap_or_default();
        let last = rounds.len().saturating_sub(1);
        Self {
            best: at(last),
            median: at(rounds.len() / 2),
            worst: at(0),
        }
    }

    /// How far the worst round lies below the best, in percent.
    pub fn spread_percent(&self) -> u64 {
        if self.best <= 0.0 {
            return 0;
        }
        ((self.best - self.worst) / self.best * 100.0).round() as u64
    }

    /// Whether the rounds differ too much for the figure to be leaned on.
    pub fn is_noisy(&self) -> bool {
        self.spread_percent() > NOISY_PERCENT
    }
}

/// What was measured on this machine.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Logical cores that this program may use.
    pub threads: usize,
    /// Bytes read and written per second by all threads, in 10^9.
    pub memory_gb_per_s: Measured,
    /// Products and sums of 32-bit floats per second by all threads, in 10^9.
    pub gflops: Measured,
    /// What other programs did before: the mean number of runnable threads of the last minute.
    pub load_before: Option<String>,
    /// How much of all cores they used in the moment before, in percent.
    pub busy_before_percent: Option<u64>,
}

impl Machine {
    /// Whether other programs took so much of it that every figure is less than it can do.
    pub fn was_busy(&self) -> bool {
        self.busy_before_percent > Some(BUSY_PERCENT)
    }
}

/// Measures this machine; a few seconds.
pub fn machine() -> Machine {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load_before = load.and_then(|text| text.split(' ').next().map(str::to_owned));
    let busy_before_percent = load::busy_percent(WATCHED);
    let memory = (0..ROUNDS).map(|_| bandwidth(threads)).collect();
    let arithmetic = (0..ROUNDS).map(|_| gflops(threads)).collect();
    Machine {
        threads,
        memory_gb_per_s: Measured::of(memory),
        gflops: Measured::of(arithmetic),
        load_before,
        busy_before_percent,
    }
}

/// From which income on power is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BreakEven {
    /// Watts at work.
    pub watts: u32,
    /// Price of a kilowatt-hour.
    pub kwh: Dollars,
    /// Power of an hour at work: `watts / 1000 * kwh`, rounded up.
    pub per_hour: Dollars,
}

impl BreakEven {
    /// The arithmetic of it.
    pub fn of(watts: u32, kwh: Dollars) -> Self {
        let atto = u128::from(watts).saturating_mul(kwh.atto()).div_ceil(1_000);
        Self {
            watts,
            kwh,
            per_hour: Dollars::from_atto_or_max(atto),
        }
    }

    /// Power of a million tokens at so many a second, rounded up; nothing can be said of a server that writes none.
    pub fn per_million_tokens(&self, tokens_per_second: f64) -> Option<Dollars> {
        let milli = (tokens_per_second * 1_000.0).floor() as u128;
        let tokens_per_hour_milli = milli.checked_mul(3_600)?;
        let atto = self.per_hour.atto().checked_mul(1_000_000 * 1_000)?;
        (tokens_per_hour_milli > 0)
            .then(|| Dollars::from_atto_or_max(atto.div_ceil(tokens_per_hour_milli)))
    }
}

/// Runs the same work on several threads at once and times it from the first start to the last end. What it needs is
/// prepared before the clock starts.
fn timed<T>(threads: usize, prepare: impl Fn() -> T + Sync, work: impl Fn(T) + Sync) -> Duration {
    let ready = Barrier::new(threads + 1);
    let mut start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let prepared = prepare();
                ready.wait();
                work(prepared);
            });
        }
        ready.wait();
        start = Instant::now();
    });
    start.elapsed()
}
