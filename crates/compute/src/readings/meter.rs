//! What a request takes: the machine's energy while it was at work, shared with whoever was at work beside it.
//!
//! One number grows by energy over requests at work; a request's part is by how much it grew. So parts add up to what was taken
//! while anybody was at work, and each beginning and end costs one look at the counters.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Reading, Sensors};

/// Between two readings.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(2);

/// Measures.
pub struct Meter(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    sensors: Sensors,
    at_work: u32,
    /// Microjoules that fell to each request that was at work all the time.
    each_uj: f64,
    /// Moments of which nobody knows what was taken.
    gaps: u64,
    /// Since the last reading.
    tick: Tick,
}

#[derive(Clone, Copy, Debug)]
struct Tick {
    at: Instant,
    uj: u64,
    gaps: u64,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

/// A request's part, until it is taken or dropped.
#[derive(Debug)]
pub struct Share {
    meter: Arc<Meter>,
    from_uj: f64,
    gaps: u64,
}

impl Meter {
    /// Over these sensors.
    pub fn new(sensors: Sensors) -> Arc<Self> {
        let tick = Tick {
            at: sensors.taken(),
            uj: 0,
            gaps: 0,
        };
        Arc::new(Self(Mutex::new(Inner {
            sensors,
            at_work: 0,
            each_uj: 0.0,
            gaps: 0,
            tick,
        })))
    }

    /// Whether it can say anything of energy.
    pub fn knows_power(&self) -> bool {
        self.0.lock().sensors.know_power()
    }

    /// A request begins.
    pub fn begin(self: &Arc<Self>) -> Share {
        self.begin_at(Instant::now())
    }

    pub(super) fn begin_at(self: &Arc<Self>, now: Instant) -> Share {
        let mut inner = self.0.lock();
        inner.advance(now);
        inner.at_work += 1;
        Share {
            meter: Arc::clone(self),
            from_uj: inner.each_uj,
            gaps: inner.gaps,
        }
    }

    /// A reading of everything, with the mean power since the one before.
    pub fn reading(&self, at_ms: u64) -> Reading {
        self.reading_at(at_ms, Instant::now())
    }

    pub(super) fn reading_at(&self, at_ms: u64, now: Instant) -> Reading {
        let mut inner = self.0.lock();
        inner.advance(now);
        let Tick { at, uj, gaps } = inner.tick;
        let known = (gaps == inner.gaps).then_some(uj);
        inner.tick = Tick {
            at: now,
            uj: 0,
            gaps: inner.gaps,
        };
        let since = now.saturating_duration_since(at);
        inner.sensors.look(at_ms, known, since, now)
    }
}

impl Inner {
    fn advance(&mut self, now: Instant) {
        let Some(uj) = self.sensors.energy_uj(now) else {
            self.gaps += 1;
            return;
        };
        self.tick.uj = self.tick.uj.saturating_add(uj);
        if self.at_work > 0 {
            self.each_uj += uj as f64 / f64::from(self.at_work);
        }
    }
}

impl Share {
    /// Millijoules that fell to it, rounded to the nearest; none where some of it was not measured.
    pub fn taken(self) -> Option<u64> {
        self.taken_at(Instant::now())
    }

    pub(super) fn taken_at(self, now: Instant) -> Option<u64> {
        let mut inner = self.meter.0.lock();
        inner.advance(now);
        let part = (inner.each_uj - self.from_uj) / 1_000.0;
        (inner.gaps == self.gaps).then_some(part.round() as u64)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut inner = self.meter.0.lock();
        // What was taken until now was taken with it.
        inner.advance(Instant::now());
        inner.at_work = inner.at_work.saturating_sub(1);
    }
}
