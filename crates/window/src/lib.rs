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
mod width;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub use baton::Baton;
pub use width::{Settled, Width};

/// What a worker does next.
#[derive(Debug)]
pub enum Task<I> {
    /// Run this ahead of its turn, then say [`Window::ran`].
    Run {
        /// Its position in the order.
        place: u64,
        /// What to run.
        item: Arc<I>,
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
    /// Fetch that many more items and [`Window::feed`] them.
    Feed(usize),
    /// Nobody has begun the next item: run it in its turn.
    Direct {
        /// Its position in the order.
        place: u64,
        /// What to run.
        item: Arc<I>,
    },
    /// The next item was run ahead.
    Settle {
        /// Its position in the order.
        place: u64,
        /// What was run.
        item: Arc<I>,
        /// What came of it.
        done: D,
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
}

struct Slot<I, D> {
    item: Arc<I>,
    /// What came of a run ahead of the turn, once it has ended.
    done: Option<D>,
}

impl<I, D> std::fmt::Debug for Window<I, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").finish_non_exhaustive()
    }
}

impl<I, D> Window<I, D> {
    /// An empty window over a feed that may have something.
    pub fn new(width: Width) -> Self {
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

    /// The next task; sleeps while there is none.
    pub fn next(&self) -> Task<I> {
        let mut state = self.lock();
        loop {
            match state.task() {
                Task::Idle => state = self.sleep(state),
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

    /// A run ahead has ended. Whoever says so asks for a task next, so nobody is woken here.
    pub fn ran(&self, place: u64, done: D) {
        let mut state = self.lock();
        let slot = state.offset(place).and_then(|at| state.slots.get_mut(at));
        if let Some(slot) = slot {
            slot.done = Some(done);
        }
    }

    /// Whether everything up to and including `place` is settled, or the work is over.
    pub fn is_past(&self, place: u64) -> bool {
        let state = self.lock();
        state.is_over || state.head > place
    }

    /// Sleeps until everything up to and including `place` is settled, or the work is over. Whoever commits never waits
    /// for a later place, so this ends.
    pub fn wait_past(&self, place: u64) {
        let mut state = self.lock();
        while !state.is_over && state.head <= place {
            state = self.sleep(state);
        }
    }

    /// For whoever has the right to commit: tells how the item in turn was settled, if one was, and asks what is next.
    pub fn advance(&self, settled: Option<Settled>) -> Turn<I, D> {
        let mut state = self.lock();
        let turn = state.turn(settled);
        let wakes =
            state.sleepers > 0 && (settled.is_some() || matches!(turn, Turn::Yield | Turn::Over));
        drop(state);
        if wakes {
            self.changed.notify_all();
        }
        turn
    }

    /// More items, in order; `has_more` says whether the feed may go on.
    pub fn feed(&self, items: Vec<I>, has_more: bool) {
        let mut state = self.lock();
        state.has_more = has_more;
        state.slots.extend(items.into_iter().map(|item| Slot {
            item: Arc::new(item),
            done: None,
        }));
        let wakes = state.sleepers > 0;
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
        self.changed.notify_all();
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
        let full = 2 * self.width.now() + 16;
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
        let within = self.begun < self.width.now();
        match self.slots.get(self.begun) {
            Some(slot) if within => {
                let begun = u64::try_from(self.begun).unwrap_or(u64::MAX);
                let place = self.head.saturating_add(begun);
                let item = Arc::clone(&slot.item);
                self.begun += 1;
                Task::Run { place, item }
            }
            _ => Task::Idle,
        }
    }

    fn turn(&mut self, settled: Option<Settled>) -> Turn<I, D> {
        // Also when it is over: what was settled is done, and nobody may run it again.
        if let Some(settled) = settled {
            self.slots.pop_front();
            self.head += 1;
            self.begun -= 1;
            self.width.learn(settled);
        }
        if self.is_over {
            return Turn::Over;
        }
        match self.wanted() {
            0 => {}
            count => return Turn::Feed(count),
        }
        let place = self.head;
        let Some(slot) = self.slots.front_mut() else {
            self.is_over = true;
            self.is_committing = false;
            return Turn::Over;
        };
        let item = Arc::clone(&slot.item);
        if self.begun == 0 {
            self.begun = 1;
            return Turn::Direct { place, item };
        }
        match slot.done.take() {
            Some(done) => Turn::Settle { place, item, done },
            None => {
                self.is_committing = false;
                Turn::Yield
            }
        }
    }
}

#[cfg(test)]
mod tests;
