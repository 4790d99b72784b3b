//! The thread that moves final blocks from memory to the database, behind the log, and writes out the journal.
//!
//! It holds no handle of the chain, and whoever drops the last one waits for it: after that the folder is free.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::{
    guards::{Copied, Guards},
    ledger::Ledger,
};
use crate::{ChainConfig, ChainError, Flush, Pool, Storage, pool::journal::Journal};

/// The longest time between two looks at what there is to do.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Ends the thread when it is dropped.
pub(super) struct Flusher {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    bell: Condvar,
}

impl Stop {
    /// Waits; whether the end was asked for.
    fn wait(&self, time: Duration) -> bool {
        let mut asked = self.asked.lock();
        if !*asked {
            self.bell.wait_for(&mut asked, time);
        }
        *asked
    }
}

/// What the thread works on.
struct Work {
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
    journal: Option<Arc<Journal>>,
    /// What is saved now and then; nothing on a chain that ends with its process.
    guards: Option<Arc<Mutex<Guards>>>,
    flush: Flush,
    /// Whether old history is dropped.
    prunes: bool,
}

impl Flusher {
    pub(super) fn start(
        config: &ChainConfig,
        ledger: &Arc<Ledger>,
        pool: &Arc<Pool>,
        journal: Option<&Arc<Journal>>,
        guards: &Arc<Mutex<Guards>>,
    ) -> Result<Self, ChainError> {
        let work = Work {
            ledger: Arc::clone(ledger),
            pool: Arc::clone(pool),
            journal: journal.map(Arc::clone),
            guards: matches!(config.storage, Storage::Folder(_)).then(|| Arc::clone(guards)),
            flush: config.flush,
            prunes: config.history_blocks.is_some(),
        };
        let stop = Arc::new(Stop::default());
        let heard = Arc::clone(&stop);
        let run = move || {
            while !heard.wait(work.flush.interval.min(LOOK_EVERY)) {
                work.look();
            }
        };
        let thread = thread::Builder::new().name("flush".into()).spawn(run);
        let thread = thread
            .map_err(|error| ChainError::Internal(format!("no thread for flushing: {error}")))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Work {
    fn look(&self) {
        if let Some(journal) = &self.journal {
            journal.flush();
            if journal.is_slack(self.pool.status().bytes) {
                journal.rewrite(&self.pool.all());
            }
        }
        let (blocks, waited) = self.ledger.unflushed();
        let due = blocks >= self.flush.blocks || waited >= self.flush.interval;
        if blocks == 0 || !due || self.ledger.failure().is_some() {
            return;
        }
        // A failure is remembered by the ledger, and stops whoever makes blocks.
        if self.ledger.flush().is_ok() && self.prunes {
            let _ = self.ledger.prune();
        }
        if let Some(guards) = &self.guards {
            self.save(guards);
        }
    }

    /// Saves the indexes of guards, if the last time is long ago; blocks wait for no more than a part of one.
    fn save(&self, guards: &Mutex<Guards>) {
        loop {
            let copied = guards.lock().copy_part();
            match copied {
                Copied::Nothing => return,
                Copied::Part => {}
                Copied::All(whole) => {
                    // The database must have the block at which it stands.
                    if self.ledger.flush().is_ok() {
                        let _ = self.ledger.save_index(&whole.into_snapshot());
                    }
                }
            }
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        *self.stop.asked.lock() = true;
        self.stop.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // If it panicked, its message is in the log, and there is nothing to end.
            let _ = thread.join();
        }
    }
}
