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
/// Blocks of a trial. The least of so many counts, of either way: whatever else a machine does makes a block slower, never quicker.
const KEPT: usize = 3;

/// How a block's users are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As a plain loop.
    Plain,
    /// On several threads.
    Ahead,
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::Plain => Self::Ahead,
            Self::Ahead => Self::Plain,
        }
    }
}

/// What blocks took lately.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Measured>);

#[derive(Debug)]
struct Measured {
    plain: Lately,
    ahead: Lately,
    since_trial: u32,
    patience: u32,
    /// The way that was quicker before the trial that goes on.
    tried_against: Option<Way>,
}

/// Picoseconds for a unit of gas of the last blocks that went a way, and how many are known.
#[derive(Debug, Default)]
struct Lately {
    picos: [u64; KEPT],
    count: usize,
}

impl Lately {
    fn push(&mut self, picos: u64) {
        self.picos[self.count % KEPT] = picos;
        self.count += 1;
    }

    fn is_known(&self) -> bool {
        self.count >= KEPT
    }

    fn least(&self) -> u64 {
        self.picos.into_iter().min().unwrap_or(u64::MAX)
    }
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            plain: Lately::default(),
            ahead: Lately::default(),
            since_trial: 0,
            patience: PATIENCE,
            tried_against: None,
        }
    }
}

impl Measured {
    /// The way that was quicker so far; one that is not known comes first.
    fn quicker(&self) -> Way {
        match (self.ahead.is_known(), self.plain.is_known()) {
            (false, _) => Way::Ahead,
            (true, false) => Way::Plain,
            (true, true) if self.ahead.least() < self.plain.least() => Way::Ahead,
            (true, true) => Way::Plain,
        }
    }

    fn lately(&mut self, way: Way) -> &mut Lately {
        match way {
            Way::Plain => &mut self.plain,
            Way::Ahead => &mut self.ahead,
        }
    }

    fn is_undecided(&self) -> bool {
        !(self.ahead.is_known() && self.plain.is_known())
    }
}

impl Pace {
    /// How the next block is run.
    pub(super) fn way(&self) -> Way {
        let mut measured = self.0.lock();
        if measured.since_trial >= measured.patience {
            let quicker = measured.quicker();
            measured.since_trial = 0;
            measured.tried_against = Some(quicker);
            // What is found now takes the place of what was long ago.
            *measured.lately(quicker.other()) = Lately::default();
        }
        measured.quicker()
    }

    /// A block that was large enough for several threads took so long.
    pub(super) fn note(&self, way: Way, gas: u64, took: Duration) {
        let picos = took.as_nanos().saturating_mul(1_000);
        let Some(now) = picos.checked_div(u128::from(gas)) else {
            return;
        };
        let mut measured = self.0.lock();
        measured
            .lately(way)
            .push(u64::try_from(now).unwrap_or(u64::MAX));
        if measured.is_undecided() {
            return;
        }
        let Some(before) = measured.tried_against.take() else {
            measured.since_trial = measured.since_trial.saturating_add(1);
            return;
        };
        measured.patience = match measured.quicker() == before {
            true => PATIENCE_MAX.min(measured.patience * 2 + 1),
            false => PATIENCE,
        };
    }
}

#[cfg(test)]
mod tests;
