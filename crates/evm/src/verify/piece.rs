//! Pieces of a verification that other processes run.
//!
//! ```text
//!   here                                            there
//!   shared queue of transactions ─► Hand::run ────► Bench: Helper over the same claim ─► Piece
//!                                     │ lost?                                              │
//!                                     └─► the same piece again, here ◄─── compared with the list there: fits, or not
//! ```
//!
//! A transaction of a verification stands on parent and list alone, so it runs as well in another process that has both. What
//! comes back is what a worker here would have left: how each transaction ended, and which places of the list it touched.
//! Whoever runs pieces is believed, as a thread is; a piece that does not fit is run again here, which gives the fault its name.

use std::sync::Arc;

use alloy_primitives::Log;

use super::book::Book;
use super::compare::Used;
use super::work::{Bench, Crew, Ran, Share, Task};
use super::{Claim, VerifyError};
use crate::bloom::Blooms;
use crate::natives::PROTOCOL;

/// How one transaction of a piece ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceEnd {
    /// Whether it ended well.
    pub success: bool,
    /// Gas used, refunds taken off.
    pub gas_used: u64,
    /// What it logged.
    pub logs: Vec<Log>,
}

/// What a piece came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// Of each transaction that was asked for, in that order.
    pub ends: Vec<PieceEnd>,
    /// Accounts and words of the list that they touched, a bit for each in the order of the list.
    pub accounts: Vec<u64>,
    /// See `accounts`; the written words of an account stand before those that were only read.
    pub words: Vec<u64>,
}

/// Somebody elsewhere who runs pieces of one verification.
pub trait Hand: Send {
    /// Runs the transactions of these places. `None`: it is lost, or they do not fit the list; they then run here.
    fn run(&mut self, places: &[u32]) -> Option<Piece>;
}

/// The side that runs pieces.
pub struct Helper<'c> {
    crew: Crew<'c>,
    bench: Bench,
}

impl std::fmt::Debug for Helper<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Helper").finish_non_exhaustive()
    }
}

impl<'c> Helper<'c> {
    /// Over a claim of which the transactions, the list and the declared places of the parent are known.
    ///
    /// # Errors
    /// The list is none of such a block.
    pub fn open(claim: &'c Claim<'c>) -> Result<Self, VerifyError> {
        let book: Arc<Book> = Arc::new(super::read(claim)?);
        let crew = Crew::new(claim, book, &PROTOCOL, false);
        let bench = Bench::open(&crew).map_err(VerifyError::Own)?;
        Ok(Self { crew, bench })
    }

    /// Runs the transactions of these places.
    ///
    /// # Errors
    /// One of them does not fit the list, or is not there.
    pub fn run(&mut self, places: &[u32]) -> Result<Piece, VerifyError> {
        let mut share = self.crew.empty_share();
        for place in places {
            let task = usize::try_from(*place)
                .ok()
                .and_then(|place| self.crew.transaction(place));
            let unknown =
                || VerifyError::Panicked(format!("transaction {place} is not in the block"));
            self.bench
                .run(&self.crew, task.ok_or_else(unknown)?, &mut share)?;
        }
        let (accounts, words) = share.used.bits();
        let ends = share.ran.into_iter().map(|(_, ran)| PieceEnd {
            success: ran.success,
            gas_used: ran.gas_used,
            logs: ran.logs,
        });
        Ok(Piece {
            ends: ends.collect(),
            accounts,
            words,
        })
    }
}

impl Crew<'_> {
    /// One worker's life whose transactions run elsewhere. Where they cannot, they run here.
    pub(super) fn work_by(&self, hand: &mut dyn Hand, workers: usize) -> Share {
        let mut share = self.empty_share();
        loop {
            let tasks = self.take_some(workers);
            if tasks.is_empty() {
                return share;
            }
            let (txs, own): (Vec<Task>, Vec<Task>) =
                tasks.iter().partition(|task| matches!(task, Task::Tx(..)));
            // The list as a whole is looked at here.
            self.run_tasks(&own, &mut share);
            let places = places(&txs);
            let piece = hand.run(&places);
            let done = piece.is_some_and(|piece| self.add_piece(&places, piece, &mut share));
            if !done {
                self.run_tasks(&txs, &mut share);
            }
        }
    }

    /// Adds what a piece came to; `false` if it is no answer to what was asked.
    fn add_piece(&self, places: &[u32], piece: Piece, share: &mut Share) -> bool {
        if piece.ends.len() != places.len() {
            return false;
        }
        let Some(used) = Used::from_bits(self.book(), piece.accounts, piece.words) else {
            return false;
        };
        share.used.join(&used);
        let mut blooms = Blooms::default();
        for (place, end) in places.iter().zip(piece.ends) {
            let Ok(place) = usize::try_from(*place) else {
                return false;
            };
            let ran = Ran {
                success: end.success,
                gas_used: end.gas_used,
                bloom: blooms.of(&end.logs),
                logs: end.logs,
                row: None,
            };
            share.ran.push((place, ran));
        }
        true
    }
}

/// Places in the block of tasks that are transactions.
fn places(tasks: &[Task]) -> Vec<u32> {
    let place = |task: &Task| match task {
        Task::Tx(place, _) => u32::try_from(*place).ok(),
        _ => None,
    };
    tasks.iter().filter_map(place).collect()
}
