//! How far ahead of its turn an item may run.

/// How an item in turn was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It ran in its turn; nothing was learnt about running ahead.
    Direct,
    /// It ran ahead, and what it had read still held.
    Clean,
    /// It ran ahead in vain.
    Stale,
}

/// Direct runs after which a window of one is tried wider for the first time: what the first item does once for all shall be
/// settled.
const FIRST: u32 = 1;
/// And after a trial that was in vain.
const PATIENCE: u32 = 8;
/// And at most: what a chain without any parallelism pays for trying.
const PATIENCE_MAX: u32 = 256;

/// A width from which on trials in vain before it are forgotten.
const TRUSTED: usize = 8;

/// The width of a window: twice as wide where running ahead was right, by one once it was not, and half where it is not. At
/// one, nobody runs ahead, and whoever commits is a plain loop; now and then two are tried again.
#[derive(Clone, Debug)]
pub struct Width {
    now: usize,
    most: usize,
    patience: u32,
    directs: u32,
    /// Nothing was in vain yet.
    is_trusting: bool,
}

impl Width {
    /// Starts at `first`, and never leaves 1 to `most`.
    pub fn new(first: usize, most: usize) -> Self {
        let most = most.max(1);
        Self {
            now: first.clamp(1, most),
            most,
            patience: FIRST,
            directs: 0,
            is_trusting: true,
        }
    }

    /// The width.
    pub fn now(&self) -> usize {
        self.now
    }

    /// Whether items run ahead, or nothing speaks against it yet.
    pub(crate) fn is_ahead(&self) -> bool {
        self.now > 1 || self.is_trusting
    }

    /// Follows what was settled.
    pub(crate) fn learn(&mut self, settled: Settled) {
        match settled {
            Settled::Clean => {
                let wider = if self.is_trusting { self.now } else { 1 };
                self.now = self.most.min(self.now + wider);
                // One that was right by luck is no reason to try the next sooner: in a chain every second one is.
                if self.now >= TRUSTED {
                    self.patience = PATIENCE;
                }
            }
            Settled::Stale => {
                if self.now <= 2 {
                    self.patience = (2 * self.patience).clamp(PATIENCE, PATIENCE_MAX);
                }
                self.now = (self.now / 2).max(1);
                self.directs = 0;
                self.is_trusting = false;
            }
            Settled::Direct if self.now == 1 => {
                self.directs += 1;
                if self.directs >= self.patience {
                    self.now = self.most.min(2);
                    self.directs = 0;
                }
            }
            Settled::Direct => {}
        }
    }
}
