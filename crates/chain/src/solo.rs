//! Makes blocks on one machine, at a pace or on demand, without agreement with anybody.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    Chain, ChainError, Mining,
    chain::{Inner, STACK_BYTES, this_stack_is_big},
};

/// The thread that makes blocks. Dropping it, or [`Solo::stop`], ends it after the block in progress.
///
/// While a block is being executed the pool goes on accepting; what arrives shares the next block.
#[derive(Debug)]
pub struct Solo {
    chain: Chain,
    thread: Mutex<Option<JoinHandle<Result<(), ChainError>>>>,
}

impl Solo {
    /// Starts making blocks as the chain's configuration says.
    pub fn start(chain: &Chain) -> Result<Self, ChainError> {
        chain.inner.driver.lock().stopping = false;
        let inner = Arc::clone(&chain.inner);
        let run = move || {
            this_stack_is_big();
            let ended = make_blocks(&inner);
            if let Err(error) = &ended {
                tracing::error!(%error, "no more blocks are made");
            }
            ended
        };
        let builder = thread::Builder::new()
            .name("solo".into())
            .stack_size(STACK_BYTES);
        let thread = builder
            .spawn(run)
            .map_err(|error| ChainError::DriverStopped(format!(": no thread: {error}")))?;
        Ok(Self {
            chain: chain.clone(),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Whether blocks are still being made: `false` after a failure, when the node should stop.
    pub fn is_running(&self) -> bool {
        self.thread
            .lock()
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Ends after the block in progress, with everything flushed.
    pub fn stop(&self) -> Result<(), ChainError> {
        let ended = self.end();
        self.chain.close()?;
        ended
    }

    fn end(&self) -> Result<(), ChainError> {
        let Some(thread) = self.thread.lock().take() else {
            return Ok(());
        };
        {
            let mut driver = self.chain.inner.driver.lock();
            driver.stopping = true;
            self.chain.inner.bell.notify_all();
        }
        match thread.join() {
            Ok(ended) => ended,
            Err(_) => Err(ChainError::DriverStopped(" by a panic; see the log".into())),
        }
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Makes blocks until told to stop. Only trouble of storage or of the executor ends it early.
fn make_blocks(chain: &Inner) -> Result<(), ChainError> {
    let mut due = Instant::now();
    while let Some(what) = wait(chain, &mut due) {
        match what {
            Due::Block => {
                chain.produce(None)?;
            }
            Due::IfReady => {
                // What waits after a wish to stop is in the journal of the pool.
                while chain.has_work() && !chain.driver.lock().stopping {
                    chain.produce_ready()?;
                }
            }
        }
    }
    Ok(())
}

/// What is to be done.
enum Due {
    /// A block, empty or not.
    Block,
    /// Blocks for as long as something is ready.
    IfReady,
}

/// Waits for the next thing to do; `None` is the end. `due` is when the next interval block is.
fn wait(chain: &Inner, due: &mut Instant) -> Option<Due> {
    let mut driver = chain.driver.lock();
    loop {
        if driver.stopping {
            return None;
        }
        match driver.mining {
            Mining::Interval(pace) => {
                let now = Instant::now();
                if *due > now + pace {
                    // The pace became faster.
                    *due = now + pace;
                }
                if now >= *due {
                    *due = next_due(*due, now, pace);
                    return Some(Due::Block);
                }
                chain.bell.wait_until(&mut driver, *due);
            }
            Mining::Instant if driver.rung => {
                driver.rung = false;
                return Some(Due::IfReady);
            }
            Mining::Instant | Mining::Manual => {
                chain.bell.wait(&mut driver);
                *due = Instant::now();
            }
        }
    }
}

/// Keeps the pace without drift; after a pause it starts over instead of catching up.
fn next_due(due: Instant, now: Instant, pace: Duration) -> Instant {
    let next = due + pace;
    if next > now { next } else { now + pace }
}
