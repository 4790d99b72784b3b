//! Speculation ahead of an ordered commit: who runs what next.
//!
//! Items come in an order and take effect in it. Workers run those in a window before the next one in turn, against a
//! state that may still change under them; whoever finds the next one ready takes the right to commit and settles as many
//! as are ready. No thread only coordinates, and who has nothing to do sleeps.
//!
//! ```text
//!      settled │ head        window                │ waiting
//!   ───────────┼───────────────────────────────────┼─────────
//!     0 1 2 3  │ 4 done  5 running  6 done  7 fresh│ 8 9
//!              │   └ settled by whoever asks next  │
//! ```
//!
//! Nothing here knows what an item is. [`Window`] is the one lock; [`Baton`] lets threads take turns by a seed, so that
//! one number names one interleaving.

mod baton;
mod mutant;
mod sync;
mod width;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

pub use baton::Baton;
use mutant::mutant;
use sync::{Condvar, LOOKS, Mutex, MutexGuard, SPINS};
pub use width::{Settled, Width};

/// Shares of the window for each worker.
const SHARES: usize = 4;
/// Items behind twice the window that are fetched with it.
const RESERVE: usize = 2;
/// Items taken at once, at most, to run or to settle.
const TAKEN_MAX: usize = 32;

fn rest() {
    for _ in 0..SPINS {
        sync::spin_loop();
    }
}

/// What a worker does next.
#[derive(Debug)]
pub enum Task<I> {
    /// Run these ahead of their turn, one after the other, then say [`Window::ran`].
    Run {
        /// Position of the first in the order.
        place: u64,
        /// What to run.
        items: Vec<Arc<I>>,
    },
    /// The right to commit is yours: go through [`Window::advance`] until it is taken back.
    Commit,
    /// Nothing now.
    Idle,
    /// Everything is settled, or somebody stopped the work.
    Over,
}

/// What whoever has the right to commit does next.
#[derive(Debug)]
pub enum Turn<I, D> {
    /// Fetch more items and [`Window::feed`] them.
    Feed {
        /// How many.
        count: usize,
        /// Whether they may run ahead of their turn, as it looks now.
        is_ahead: bool,
    },
    /// Nobody has begun the next item: run it in its turn.
    Direct {
        /// Its position in the order.
        place: u64,
        /// What to run.
        item: Arc<I>,
        /// Nobody runs ahead until it is settled.
        is_alone: bool,
    },
    /// The next items were run ahead.
    Settle {
        /// Position of the first in the order.
        place: u64,
        /// What was run, and what came of it.
        ready: Vec<(Arc<I>, D)>,
    },
    /// The next item is still running: the right to commit is given back.
    Yield,
    /// Everything is settled.
    Over,
}

/// Items between the feed and their turn.
pub struct Window<I, D> {
    state: Mutex<State<I, D>>,
    changed: Condvar,
}

struct State<I, D> {
    /// Position of the first slot: all before it are settled.
    head: u64,
    slots: VecDeque<Slot<I, D>>,
    /// Slots from the head on that somebody has begun.
    begun: usize,
    width: Width,
    is_committing: bool,
    /// The feed may have more.
    has_more: bool,
    is_over: bool,
    sleepers: usize,
    workers: usize,
}

/// An item as the feed gives it.
#[derive(Clone, Debug)]
pub struct Fed<I> {
    /// What is to be run.
    pub item: I,
    /// It surely reads what one of those just before it writes: ahead of its turn it would run in vain, and nobody begins
    /// those behind it before its turn has come.
    pub waits: bool,
}

struct Slot<I, D> {
    item: Arc<I>,
    waits: bool,
    /// What came of a run ahead of the turn, once it has ended.
    done: Option<D>,
}

impl<I, D> std::fmt::Debug for Window<I, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").finish_non_exhaustive()
    }
}

impl<I, D> Window<I, D> {
    /// An empty window over a feed that may have something, for so many workers.
    pub fn new(width: Width, workers: usize) -> Self {
        Self {
            state: Mutex::new(State {
                head: 0,
                slots: VecDeque::new(),
                begun: 0,
                width,
                is_committing: false,
                has_more: true,
                is_over: false,
                sleepers: 0,
                workers: workers.max(1),
            }),
            changed: Condvar::new(),
        }
    }

    /// A worker that panicked holds no half-made state here: every step leaves it whole.
    fn lock(&self) -> MutexGuard<'_, State<I, D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next task; [`Task::Idle`] at once where there is none.
    pub fn poll(&self) -> Task<I> {
        self.lock().task()
    }

    /// The next task; waits while there is none, and after a moment sleeps.
    pub fn next(&self) -> Task<I> {
        for _ in 0..LOOKS {
            match self.poll() {
                Task::Idle => rest(),
                task => return task,
            }
        }
        let mut state = self.lock();
        loop {
            match state.task() {
                Task::Idle => {
                    let awake = mutant!(GapBeforeSleep, state, {
                        drop(state);
                        self.lock()
                    });
                    state = self.sleep(awake);
                }
                task => return task,
            }
        }
    }

    fn sleep<'a>(&self, mut state: MutexGuard<'a, State<I, D>>) -> MutexGuard<'a, State<I, D>> {
        state.sleepers += 1;
        let mut state = self
            .changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
        state.sleepers -= 1;
        state
    }

    /// Runs ahead have ended, from a place on. Whoever says so asks for a task next, so nobody is woken here.
    pub fn ran(&self, place: u64, done: Vec<D>) {
        let mut state = self.lock();
        let Some(at) = state.offset(place) else {
            return;
        };
        for (slot, done) in state.slots.iter_mut().skip(at).zip(done) {
            slot.done = Some(done);
        }
    }

    /// For whoever has the right to commit: tells how the items in turn were settled, and asks what is next.
    pub fn advance(&self, settled: &[Settled]) -> Turn<I, D> {
        let mut state = self.lock();
        let turn = state.turn(settled);
        let is_given_back = matches!(turn, Turn::Yield | Turn::Over);
        let wakes = state.sleepers > 0 && (is_given_back || state.startable() > 0);
        drop(state);
        if mutant!(SilentTurn, wakes, false) {
            self.changed.notify_all();
        }
        turn
    }

    /// More items, in order; `has_more` says whether the feed may go on.
    pub fn feed(&self, items: Vec<Fed<I>>, has_more: bool) {
        let mut state = self.lock();
        state.has_more = has_more;
        state.slots.extend(items.into_iter().map(|fed| Slot {
            item: Arc::new(fed.item),
            waits: fed.waits,
            done: None,
        }));
        let wakes = state.sleepers > 0 && state.startable() > 0;
        drop(state);
        if wakes {
            self.changed.notify_all();
        }
    }

    /// Ends the work where it stands: no more tasks for anybody.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.is_committing = false;
        drop(state);
        mutant!(SilentStop, self.changed.notify_all(), ());
    }

    /// What was fed and never settled, in order.
    pub fn into_rest(self) -> Vec<Arc<I>> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        state.slots.into_iter().map(|slot| slot.item).collect()
    }
}

impl<I, D> State<I, D> {
    fn offset(&self, place: u64) -> Option<usize> {
        usize::try_from(place.checked_sub(self.head)?).ok()
    }

    /// How many more items the feed is asked for; zero while enough are there. A reserve behind the window lets workers go on
    /// while whoever commits is busy.
    fn wanted(&self) -> usize {
        let full = 2 * self.width.now() + RESERVE;
        match self.has_more && self.slots.len() <= full / 2 {
            true => full - self.slots.len(),
            false => 0,
        }
    }

    fn task(&mut self) -> Task<I> {
        if self.is_over {
            return Task::Over;
        }
        let head_is_ready = match self.slots.front() {
            Some(slot) => self.begun == 0 || slot.done.is_some(),
            None => true,
        };
        if !self.is_committing && (head_is_ready || self.wanted() > 0) {
            self.is_committing = true;
            return Task::Commit;
        }
        let count = self.startable().min(self.share());
        if count == 0 {
            return Task::Idle;
        }
        let begun = u64::try_from(self.begun).unwrap_or(u64::MAX);
        let place = self.head.saturating_add(begun);
        let slots = self.slots.iter().skip(self.begun).take(count);
        let items = slots.map(|slot| Arc::clone(&slot.item)).collect();
        self.begun += mutant!(BegunTwice, count, 0);
        Task::Run { place, items }
    }

    /// How many items may be begun ahead of their turn now.
    fn startable(&self) -> usize {
        let room = self.width.now().saturating_sub(self.begun);
        let fresh = self.slots.iter().skip(self.begun).take(room);
        fresh.take_while(|slot| !slot.waits).count()
    }

    /// How many items a worker takes at once: the fewer, the sooner they are ready; the more, the less often two threads
    /// touch the same lock.
    fn share(&self) -> usize {
        (self.width.now() / (SHARES * self.workers)).clamp(1, TAKEN_MAX)
    }

    fn turn(&mut self, settled: &[Settled]) -> Turn<I, D> {
        // Also when it is over: what was settled is done, and nobody may run it again.
        let all = mutant!(
            SettledStays,
            settled,
            if self.is_over { &settled[..0] } else { settled }
        );
        for settled in all {
            self.slots.pop_front();
            self.head += 1;
            self.begun -= 1;
            self.width.learn(*settled);
        }
        if self.is_over {
            return Turn::Over;
        }
        match self.wanted() {
            0 => {}
            count => {
                let is_ahead = self.width.is_ahead();
                return Turn::Feed { count, is_ahead };
            }
        }
        let place = self.head;
        let Some(slot) = self.slots.front() else {
            self.is_over = true;
            self.is_committing = false;
            return Turn::Over;
        };
        if self.begun == 0 {
            self.begun = 1;
            let item = Arc::clone(&slot.item);
            let is_alone = self.startable() == 0;
            return Turn::Direct {
                place,
                item,
                is_alone,
            };
        }
        let mut ready = Vec::new();
        for slot in self.slots.iter_mut().take(TAKEN_MAX) {
            let Some(done) = slot.done.take() else { break };
            ready.push((Arc::clone(&slot.item), done));
        }
        if ready.is_empty() {
            self.is_committing = false;
            return Turn::Yield;
        }
        Turn::Settle { place, ready }
    }
}

#[cfg(test)]
mod tests;
