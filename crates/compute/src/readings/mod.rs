//! What a machine can tell of itself without privilege: watts, warmth, and how busy it is. specs/readings.md.
//!
//! ```text
//!   sources (powercap, hwmon, thermal, nvidia-smi, /proc/stat) ─► sensors: one sum, or unknown
//!        ├─► meter: energy of each request, shared among those that were at work
//!        └─► board: readings ─► batch: root, span, last values ─► signed, on chain (whoever knows one)
//! ```
//! What is not there is unknown, never zero; a number that cannot be is not there.

mod batch;
mod files;
mod hwmon;
mod load;
mod meter;
mod nvidia;
mod powercap;
mod sensors;
mod thermal;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub use batch::{Batch, Board, Shown, leaf_of};
pub use meter::{Meter, SAMPLE_EVERY, Share};
pub use sensors::{Found, Places, Sensors};

/// What a source's power is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The whole machine: then nothing else is added.
    Whole,
    /// Its processors.
    Processor,
    /// A card that computes.
    Card,
    /// Something else: shown, and not added, since nobody knows what it is part of.
    Other,
}

/// What a source says now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Power, in milliwatts.
    pub milliwatts: Option<u64>,
    /// The warmest place, in tenths of a kelvin.
    pub decikelvin: Option<u16>,
    /// The part of the time in which it worked, in hundredths of a percent.
    pub used_bps: Option<u16>,
}

/// Something of the machine that says numbers.
pub trait Source: Send + fmt::Debug {
    /// What it is called, for people.
    fn name(&self) -> &str;

    /// What its power is of.
    fn part(&self) -> Part;

    /// Looks anew.
    fn look(&mut self) -> Sight;

    /// Microjoules since it was first looked at, where it counts; read at the beginning and the end of a request.
    fn energy_uj(&mut self) -> Option<u64> {
        None
    }
}

/// All of a machine at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// When, by the machine's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// Mean power since the reading before.
    pub milliwatts: Option<u64>,
    /// The warmest place, in tenths of a kelvin.
    pub decikelvin: Option<u16>,
    /// How busy the cards are, or without cards the processors, in hundredths of a percent.
    pub used_bps: Option<u16>,
}

impl Reading {
    /// Whether it says anything.
    pub const fn says_something(&self) -> bool {
        self.milliwatts.is_some() || self.decikelvin.is_some() || self.used_bps.is_some()
    }
}

/// All of the time, in hundredths of a percent.
const ALWAYS_BPS: u64 = 10_000;

/// Tenths of a kelvin of thousandths of a degree; none where no machine is so cold or so hot.
fn decikelvin(millidegrees: i64) -> Option<u16> {
    /// Below and above, a sensor is broken or not connected.
    const POSSIBLE: std::ops::RangeInclusive<i64> = -40_000..=150_000;
    let kelvin = POSSIBLE
        .contains(&millidegrees)
        .then_some(millidegrees + 273_150)?;
    u16::try_from((kelvin + 50) / 100).ok()
}
