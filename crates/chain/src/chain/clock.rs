//! Consensus time as this node would set it.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;

/// Where a node reads the time: the machine's clock, or what a test puts in its place.
#[derive(Clone)]
pub struct TimeSource(Arc<dyn Fn() -> u64 + Send + Sync>);

impl TimeSource {
    /// A source that answers milliseconds since 1970.
    pub fn new(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl Default for TimeSource {
    /// The machine's clock.
    fn default() -> Self {
        Self::new(|| {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }
}

impl fmt::Debug for TimeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimeSource").field(&self.now_ms()).finish()
    }
}

/// This node's clock, which a developer may move. Blocks take their time from it, but never go back: after
/// the machine's clock jumps backwards, each block is one millisecond after the last until it has caught up.
#[derive(Debug)]
pub(crate) struct Clock {
    source: TimeSource,
    set: Mutex<Setting>,
    last: Mutex<Last>,
}

/// What this node knows of the last block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    /// Another process made it, or it was taken from elsewhere.
    #[default]
    Before,
    /// It was made when the clock was ahead by this.
    Made(i64),
    /// A developer went back to it.
    Rewound,
}

/// What a developer has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Ahead of the system clock by this.
    pub(crate) ahead_ms: i64,
    /// Time of the next block.
    pub(crate) next_ms: Option<u64>,
}

impl Clock {
    pub(crate) fn new(source: TimeSource) -> Self {
        Self {
            source,
            set: Mutex::default(),
            last: Mutex::default(),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.source
            .now_ms()
            .saturating_add_signed(self.set.lock().ahead_ms)
    }

    /// Time of a block after `parent_ms`, were it made now.
    pub(crate) fn next_ms(&self, parent_ms: u64) -> u64 {
        let next = self.set.lock().next_ms;
        next.unwrap_or_else(|| self.now_ms())
            .max(parent_ms.saturating_add(1))
    }

    /// Whether a developer moved the clock since the last block.
    pub(crate) fn is_moved(&self) -> bool {
        let set = self.setting();
        let at_last_ms = match *self.last.lock() {
            Last::Before => 0,
            Last::Made(ahead_ms) => ahead_ms,
            Last::Rewound => return true,
        };
        set.next_ms.is_some() || set.ahead_ms != at_last_ms
    }

    /// Whether no block was made here yet.
    pub(crate) fn is_fresh(&self) -> bool {
        *self.last.lock() == Last::Before
    }

    /// A developer went back, or made blocks come otherwise.
    pub(crate) fn rewound(&self) {
        *self.last.lock() = Last::Rewound;
    }

    /// A block was made when the clock was ahead by so much.
    pub(crate) fn followed(&self, ahead_ms: i64) {
        *self.last.lock() = Last::Made(ahead_ms);
    }

    /// A block was made when the clock was ahead by so much: the time set for it is used up, and the clock goes on from there.
    pub(crate) fn made(&self, block_ms: u64, ahead_ms: i64) {
        let mut set = self.set.lock();
        let mut ahead_ms = ahead_ms;
        if set.next_ms.take().is_some() {
            ahead_ms = ahead_of(block_ms, self.source.now_ms());
            set.ahead_ms = ahead_ms;
        }
        drop(set);
        self.followed(ahead_ms);
    }

    pub(crate) fn setting(&self) -> Setting {
        *self.set.lock()
    }

    pub(crate) fn restore(&self, setting: Setting) {
        *self.set.lock() = setting;
    }

    pub(crate) fn advance(&self, by_ms: i64) -> i64 {
        let mut set = self.set.lock();
        set.ahead_ms = set.ahead_ms.saturating_add(by_ms);
        set.ahead_ms
    }

    pub(crate) fn set_next(&self, ms: u64) {
        self.set.lock().next_ms = Some(ms);
    }

    /// Sets the clock; answers how far it moved.
    pub(crate) fn set_now(&self, ms: u64) -> i64 {
        let mut set = self.set.lock();
        let ahead = ahead_of(ms, self.source.now_ms());
        let moved = ahead.saturating_sub(set.ahead_ms);
        set.ahead_ms = ahead;
        moved
    }
}

fn ahead_of(a: u64, b: u64) -> i64 {
    let difference = i128::from(a) - i128::from(b);
    i64::try_from(difference).unwrap_or(if difference > 0 { i64::MAX } else { i64::MIN })
}
