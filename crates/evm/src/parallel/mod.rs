//! Users' transactions of a block on several threads, with the bytes of the plain loop.
//!
//! ```text
//!   feed ─► lots ─► window ─► any worker: run a lot ahead, over what settled ones left so far ─► receipts, part of the list
//!                                │
//!                                └─► whoever asks next: in order, what was read still holds? ─yes─► shift, keep
//!                                                                                       └─no──► run it in its turn
//! ```
//!
//! A lot is some neighbours. It runs as in the plain loop, over [`Notes`] that its worker has of each account and word, and what
//! it read below ([`lot::Left`]) is compared by value with the [`memory::Memory`] of what settled lots left before it is kept. So the bytes are the
//! plain loop's whatever the threads do. The rules are in `specs/parallel.md`.

mod ahead;
mod engine;
mod keys;
mod log;
mod lot;
mod memory;
mod notes;
mod sieve;
mod tally;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use capstan_window::Baton;
use revm::state::EvmState;

pub(crate) use ahead::{Ahead, AheadHandler};
pub(crate) use notes::Notes;
pub(crate) use tally::Commutative;

use crate::{BlockRun, ExecError, Overlay, StateDiff, Tx, TxOutcome, TxRefused};
use engine::{Engine, Left, Ordered, World};

/// Gas of the least transaction: what is left below it fits none.
const TRANSFER_GAS: u64 = 21_000;

/// Where users' transactions come from, and where they go.
pub trait UserFeed: Send {
    /// The next transaction to try; `None` ends the block.
    fn next_tx(&mut self) -> Option<Recovered<Tx>>;

    /// Whether a transaction that was handed out ahead of its turn still stands: those before it may have ended so that it
    /// would not be handed out now. It is asked in its turn.
    fn stands(&mut self, _tx: &Recovered<Tx>) -> bool {
        true
    }

    /// What a transaction of the block left, in order. The map that comes back serves another transaction.
    fn left(&mut self, state: EvmState) -> EvmState {
        state
    }

    /// Whether somebody follows what transactions leave, also where many are kept at once ([`UserFeed::left_together`]).
    fn follows(&self) -> bool {
        false
    }

    /// What the next so many transactions left together, as far as [`StateDiff::follow`] would tell.
    fn left_together(&mut self, _count: usize, _left: StateDiff) {}

    /// How a transaction ended, in order, and what it said to `console.log` where somebody listens.
    fn ended(&mut self, tx: Recovered<Tx>, end: Result<TxOutcome, TxRefused>, said: Vec<String>);
}

/// Who runs a block.
#[derive(Clone, Debug)]
pub struct Workers {
    /// Threads; with one there is only the plain loop.
    pub count: usize,
    /// Stack of each thread but the caller's.
    pub stack_bytes: usize,
    /// Blocks of fewer transactions run as a plain loop: to wake threads takes longer.
    pub least: usize,
    /// Neighbours that run ahead together, at most.
    pub lot: usize,
    /// Who runs when, for tests: as a seed says.
    pub baton: Option<Arc<Baton>>,
    /// One thread does all that several would, ahead and in turn: what that costs is measured so.
    pub is_forced: bool,
    /// Threads that live longer than a block, with stacks of that size. Without them each block starts its own.
    pub pool: Option<Arc<rayon::ThreadPool>>,
}

impl Workers {
    /// So many threads.
    pub fn new(count: usize) -> Self {
        Self {
            count,
            stack_bytes: 8 * crate::STACK_BYTES,
            least: 48,
            lot: 64,
            baton: None,
            is_forced: false,
            pool: None,
        }
    }

    /// So many threads that take turns as a seed says, for blocks of any size: one interleaving, again and again.
    pub fn seeded(count: usize, seed: u64) -> Self {
        let lot = usize::try_from(seed % 5).unwrap_or_default();
        Self {
            least: 1,
            lot: 1 + lot,
            baton: Some(Arc::new(Baton::new(count, seed))),
            ..Self::new(count)
        }
    }
}

/// What running users took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transactions that had their turn, refused ones included.
    pub transactions: u64,
    /// Runs of them, ahead and in turn.
    pub runs: u64,
    /// How many ran ahead in vain.
    pub stale: u64,
}

impl BlockRun {
    /// Runs users' transactions until the feed ends or the block is full.
    pub fn users(
        &mut self,
        feed: &mut dyn UserFeed,
        workers: &Workers,
    ) -> Result<Counts, ExecError> {
        let mut first = VecDeque::new();
        let runs_ahead = workers.count > 1 || workers.is_forced;
        if runs_ahead {
            first.extend(std::iter::from_fn(|| feed.next_tx()).take(workers.least));
        }
        if !runs_ahead || first.len() < workers.least {
            return self.users_plainly(feed, first);
        }
        let (session, book) = self.parts();
        if workers.count > 1 {
            book.close_on_several(workers);
        }
        let world = World {
            rules: Arc::clone(session.rules()),
            context: session.block().clone(),
            natives: session.natives(),
            listens: session.listens(),
        };
        // What the block has done so far lies below, fixed; what users do lies above.
        let mut below = Overlay::for_blocks(Arc::clone(session.overlay().base()));
        session.swap_overlay(&mut below);
        let ordered = Ordered::new(book, &mut *feed, first);
        let engine = Engine::new(world, Arc::new(below), ordered, workers);
        let Left {
            ordered,
            mut overlay,
            rest,
        } = engine.run()?;
        let Ordered {
            counts,
            failed,
            book,
            ..
        } = ordered;
        session.swap_overlay(&mut overlay);
        if let Some(error) = failed {
            return Err(error);
        }
        if rest.is_empty() {
            book.end_users();
            return Ok(counts);
        }
        let plain = self.users_plainly(feed, rest)?;
        Ok(Counts {
            transactions: counts.transactions + plain.transactions,
            runs: counts.runs + plain.runs,
            stale: counts.stale,
        })
    }

    /// The plain loop. `first` was handed out already.
    fn users_plainly(
        &mut self,
        feed: &mut dyn UserFeed,
        mut first: VecDeque<Recovered<Tx>>,
    ) -> Result<Counts, ExecError> {
        let mut counts = Counts::default();
        while self.user_gas_left() >= TRANSFER_GAS {
            let tx = match first.pop_front() {
                Some(tx) if !feed.stands(&tx) => continue,
                Some(tx) => tx,
                None => match feed.next_tx() {
                    Some(tx) => tx,
                    None => break,
                },
            };
            counts.transactions += 1;
            counts.runs += 1;
            let end = match self.user_with_state(&tx) {
                Ok((outcome, state)) => {
                    let state = feed.left(state);
                    self.parts().0.recycle(state);
                    Ok(outcome)
                }
                Err(ExecError::Refused(refused)) => Err(refused),
                Err(error) => return Err(error),
            };
            let said = self.heard();
            feed.ended(tx, end, said);
        }
        Ok(counts)
    }
}
