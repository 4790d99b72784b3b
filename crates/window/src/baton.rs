//! Threads that take turns by a seed: one number names one interleaving.

use std::sync::PoisonError;

use crate::sync::{Condvar, Mutex, MutexGuard};

/// Passed from worker to worker, by a seed alone. Only its holder runs; it hands it on wherever it says
/// [`Baton::step`], which it must not do under a lock that another worker may want.
#[derive(Debug)]
pub struct Baton {
    state: Mutex<State>,
    passed: Vec<Condvar>,
}

#[derive(Debug)]
struct State {
    holder: usize,
    running: Vec<bool>,
    random: u64,
}

impl Baton {
    /// For so many workers; the first holds it.
    pub fn new(workers: usize, seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                holder: 0,
                running: vec![true; workers],
                // Xorshift stands still at zero.
                random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            }),
            passed: (0..workers).map(|_| Condvar::new()).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, worker: usize, mut state: MutexGuard<'_, State>) {
        let Some(passed) = self.passed.get(worker) else {
            return;
        };
        while state.holder != worker {
            state = passed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the baton first comes to this worker.
    pub fn join(&self, worker: usize) {
        self.wait(worker, self.lock());
    }

    /// Hands the baton to whom the seed chooses, perhaps to itself, and waits until it is back.
    pub fn step(&self, worker: usize) {
        let mut state = self.lock();
        state.pass();
        if state.holder != worker {
            self.wake(&state);
            self.wait(worker, state);
        }
    }

    /// This worker is done.
    pub fn leave(&self, worker: usize) {
        let mut state = self.lock();
        if let Some(running) = state.running.get_mut(worker) {
            *running = false;
        }
        state.pass();
        self.wake(&state);
    }

    fn wake(&self, state: &State) {
        if let Some(passed) = self.passed.get(state.holder) {
            passed.notify_one();
        }
    }
}

impl State {
    fn pass(&mut self) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let running = self.running.iter().filter(|running| **running).count();
        if running == 0 {
            return;
        }
        let below = u64::try_from(running).unwrap_or(u64::MAX);
        let chosen = usize::try_from((self.random >> 33) % below).unwrap_or(0);
        let mut left = self
            .running
            .iter()
            .enumerate()
            .filter(|(_, running)| **running);
        if let Some((worker, _)) = left.nth(chosen) {
            self.holder = worker;
        }
    }
}
