//! Whether several threads are worth it: measured, block after block.
//!
//! Running ahead costs something for each transaction, and gives something only where transactions take long and let
//! each other alone. Both depend on what users send and on the machine, and neither can be told beforehand. So a node
//! notes what blocks took either way and goes the quicker one; now and then it tries the other. The bytes of a block
//! are the same both ways.

use std::time::Duration;

use parking_lot::Mutex;

/// After so many blocks one goes the way that was slower so far; after twice as many each time that it still was.
const PATIENCE: u32 = 31;
const PATIENCE_MAX: u32 = 1_023;
/// Weight of what has just been measured, as a shift: one eighth.
const WEIGHT_SHIFT: u32 = 3;

/// How a block's users are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As a plain loop.
    Plain,
    /// On several threads.
    Ahead,
}

/// What blocks took lately.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Measured>);

#[derive(Debug)]
struct Measured {
    /// Picoseconds for a unit of gas; `None`: not tried yet.
    plain: Option<u64>,
    ahead: Option<u64>,
    since_trial: u32,
    patience: u32,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            plain: None,
            ahead: None,
            since_trial: 0,
            patience: PATIENCE,
        }
    }
}

impl Measured {
    /// The way that was quicker so far; until both were tried, the one that was not.
    fn quicker(&self) -> Way {
        match (self.ahead, self.plain) {
            (None, _) => Way::Ahead,
            (_, None) => Way::Plain,
            (Some(ahead), Some(plain)) if ahead < plain => Way::Ahead,
            _ => Way::Plain,
        }
    }
}

impl Pace {
    /// How the next block is run.
    pub(super) fn way(&self) -> Way {
        let measured = self.0.lock();
        let is_trial = measured.since_trial >= measured.patience;
        match (measured.quicker(), is_trial) {
            (Way::Ahead, false) | (Way::Plain, true) => Way::Ahead,
            (Way::Plain, false) | (Way::Ahead, true) => Way::Plain,
        }
    }

    /// The users of a block that was large enough for several threads took so long.
    pub(super) fn note(&self, way: Way, gas: u64, took: Duration) {
        let picos = took.as_nanos().saturating_mul(1_000);
        let Some(now) = picos.checked_div(u128::from(gas)) else {
            return;
        };
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let mut measured = self.0.lock();
        let quicker = measured.quicker();
        let is_trial = way != quicker;
        let kept = match way {
            Way::Plain => &mut measured.plain,
            Way::Ahead => &mut measured.ahead,
        };
        // What a trial finds takes the place of what was long ago.
        *kept = Some(match *kept {
            Some(before) if !is_trial => before - (before >> WEIGHT_SHIFT) + (now >> WEIGHT_SHIFT),
            _ => now,
        });
        if !is_trial {
            measured.since_trial = measured.since_trial.saturating_add(1);
            return;
        }
        measured.since_trial = 0;
        measured.patience = match measured.quicker() == quicker {
            true => PATIENCE_MAX.min(measured.patience * 2 + 1),
            false => PATIENCE,
        };
    }
}

#[cfg(test)]
mod tests;
