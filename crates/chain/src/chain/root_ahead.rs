//! The producer's state root, made while its block still runs.
//!
//! What transactions leave goes to a thread of its own, some transactions at a time; it puts that into the tries
//! ([`Ahead`]), by the first nibble on all cores. When the block closes, only the rest is left to do. A verifier has
//! the whole list from the start and needs none of this.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{Builder, Scope, ScopedJoinHandle},
};

use alloy_primitives::B256;
use capstan_evm::StateDiff;
use revm::state::EvmState;

use super::Inner;
use crate::{
    ChainError,
    trie::{Ahead, Commit},
};

/// Transactions before the first that is told: a smaller block is done before a thread has begun.
const FIRST: usize = 128;
/// Transactions of a step. Each makes the upper part of the tries anew, so the more the less work; but what comes behind the
/// last step is made when the block has closed.
const STEP: usize = 256;

/// Transactions of a block that is followed.
pub(super) const LEAST: u64 = (FIRST + STEP) as u64;

/// What transactions leave, on its way into the tries.
pub(super) struct RootAhead<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    inner: &'env Inner,
    parent: B256,
    seen: usize,
    step: Vec<Left>,
    /// Transactions in `step`.
    in_step: usize,
    line: Option<Line<'scope>>,
}

struct Line<'scope> {
    steps: Sender<Step>,
    thread: ScopedJoinHandle<'scope, Option<Commit>>,
}

/// What one transaction left, or some together.
enum Left {
    One(EvmState),
    Many(StateDiff),
}

enum Step {
    /// What some transactions left, one after the other.
    Left(Vec<Left>),
    /// The block has closed.
    Closed(Arc<StateDiff>),
}

/// A root that is being made. It is waited for on no thread of the pool that makes it.
pub(super) struct Coming<'scope>(ScopedJoinHandle<'scope, Option<Commit>>);

impl Coming<'_> {
    /// The tries after the block; `None`: they are to be made in their turn.
    pub(super) fn wait(self) -> Option<Commit> {
        // A panic there is no worse than an error.
        let commit = self.0.join().ok()??;
        metrics::counter!("capstan_roots_ahead_total").increment(1);
        Some(commit)
    }
}

impl<'scope, 'env> RootAhead<'scope, 'env> {
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'env>,
        inner: &'env Inner,
        parent: B256,
    ) -> Self {
        Self {
            scope,
            inner,
            parent,
            seen: 0,
            step: Vec::new(),
            in_step: 0,
            line: None,
        }
    }

    /// What the next transaction left; its map comes back where nobody needs it.
    pub(super) fn take(&mut self, state: EvmState) -> EvmState {
        if self.seen < FIRST {
            self.seen += 1;
            return state;
        }
        self.tell(1, Left::One(state));
        EvmState::default()
    }

    /// What the next so many transactions left together.
    pub(super) fn take_together(&mut self, count: usize, left: StateDiff) {
        if self.seen < FIRST {
            self.seen += count;
            return;
        }
        self.tell(count, Left::Many(left));
    }

    fn tell(&mut self, count: usize, left: Left) {
        self.step.push(left);
        self.in_step += count;
        if self.in_step >= STEP {
            self.in_step = 0;
            let step = std::mem::take(&mut self.step);
            if let Some(line) = self.line() {
                // Who listens no more has met trouble: the root is made in its turn.
                let _ = line.steps.send(Step::Left(step));
            }
        }
    }

    fn line(&mut self) -> Option<&Line<'scope>> {
        if self.line.is_none() {
            let (steps, told) = channel();
            let (inner, parent) = (self.inner, self.parent);
            let thread = Builder::new()
                .name("root-ahead".to_owned())
                .spawn_scoped(self.scope, move || inner.follow_root(parent, &told));
            // Without that thread the root is made in its turn.
            let thread = thread.ok()?;
            self.line = Some(Line { steps, thread });
        }
        self.line.as_ref()
    }

    /// The block has closed with this difference. `None`: nobody was told anything, and the tries are to be made.
    pub(super) fn closed(self, diff: &Arc<StateDiff>) -> Option<Coming<'scope>> {
        let Line { steps, thread } = self.line?;
        let _ = steps.send(Step::Closed(Arc::clone(diff)));
        Some(Coming(thread))
    }
}

impl Inner {
    /// Puts steps into the tries until the block has closed; `None` after trouble, and where it never does.
    fn follow_root(&self, parent: B256, steps: &Receiver<Step>) -> Option<Commit> {
        let mut ahead = Ahead::default();
        let update = |on_top, diff: &_| -> Result<Commit, ChainError> {
            self.commit_over(parent, on_top, diff)
        };
        loop {
            match steps.recv().ok()? {
                Step::Left(all) => {
                    let mut diff = StateDiff::default();
                    for left in all {
                        match left {
                            Left::One(state) => diff.follow(&state),
                            Left::Many(more) => diff.follow_all(&more),
                        }
                    }
                    ahead.step(diff, update).ok()?;
                }
                Step::Closed(diff) => return ahead.finish(&diff, update).ok()?,
            }
        }
    }
}
