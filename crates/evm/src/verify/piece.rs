//! Pieces of a verification that other processes run.
//!
//! ```text
//!   here                                            there
//!   shared queue of transactions ─► Hand::run ────► Bench: Helper over the same list ─► Piece
//!                                     │ lost?                                             │
//!                                     └─► the same piece again, here ◄─── compared with the list there: fits, or not
//! ```
//!
//! A transaction of a verification stands on parent and list alone, so it runs as well in another process that has both. What
//! comes back is what a worker here would have left: how each transaction ended, and which places of the list it touched.
//! Whoever runs pieces is believed, as a thread is; a piece that does not fit is run again here, which gives the fault its name.

use std::sync::Arc;

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::Log;

use super::book::{Book, Declared};
use super::compare::Used;
use super::queue::{Handful, Queue, Queued};
use super::work::{Bench, Crew, Ran, Share};
use super::{Claim, VerifyError};
use crate::bloom::Blooms;
use crate::natives::PROTOCOL;
use crate::{StateError, Tx};

/// Transactions that somebody elsewhere takes at once: fewer would be all messages, more might leave others waiting.
const PIECE_MIN: usize = 16;
const PIECE_MAX: usize = 512;

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

/// A transaction by itself.
#[derive(Clone, Copy, Debug)]
pub struct Placed<T> {
    /// Its place in the block.
    pub place: u32,
    /// Which of the system's transactions it is, if it is one.
    pub ordinal: Option<u16>,
    /// The transaction.
    pub tx: T,
}

/// What somebody elsewhere is asked to run.
pub struct Asked<'c> {
    book: &'c Book,
    /// In the order in which they are answered.
    pub transactions: Vec<Placed<&'c Recovered<Tx>>>,
}

impl std::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("transactions", &self.transactions)
            .finish_non_exhaustive()
    }
}

impl Asked<'_> {
    /// What the list declares of the parent; what was read of it here already is not read again.
    ///
    /// # Errors
    /// The parent cannot be read.
    pub fn declared(&self) -> Result<Declared, StateError> {
        self.book.declared()
    }
}

/// What somebody elsewhere says to a piece.
#[derive(Debug)]
pub enum Answer {
    /// What it came to.
    Piece(Piece),
    /// Something of it does not fit the list.
    Misfit,
    /// It could not be asked, or is lost.
    Nothing,
}

/// Somebody elsewhere who runs pieces of one verification.
pub trait Hand: Send {
    /// A block is there, and its list is being read here: whoever is elsewhere may do the same.
    fn begin(&mut self);

    /// Runs what it is asked; where it answers no piece, all of it runs here. `meanwhile` is this thread's own work: to be
    /// called when whoever is elsewhere has begun.
    fn run(&mut self, asked: &Asked<'_>, meanwhile: &mut dyn FnMut()) -> Answer;

    /// What it answered turned out not to be so: it is asked no more.
    fn dismiss(&mut self, why: &str);
}

/// The side that runs pieces.
pub struct Helper<'c> {
    crew: Crew<'c>,
    bench: Bench,
    /// Transactions of the block.
    count: usize,
}

impl std::fmt::Debug for Helper<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Helper").finish_non_exhaustive()
    }
}

impl<'c> Helper<'c> {
    /// Over the claim of a block with so many transactions, of which it holds none; they come with the pieces.
    ///
    /// # Errors
    /// The list is none of such a block.
    pub fn open(claim: &'c Claim<'c>, count: usize) -> Result<Self, VerifyError> {
        let book = Arc::new(super::book_of(claim, count, 1, &mut [], &[])?);
        let crew = Crew::new(claim, book, Queue::of(&[]), &PROTOCOL);
        let bench = Bench::open(&crew).map_err(VerifyError::Own)?;
        Ok(Self { crew, bench, count })
    }

    /// Takes what the list declares of the parent; `false` if it is not of this list.
    #[must_use]
    pub fn learn(&self, declared: Declared) -> bool {
        self.crew.book().learn(declared)
    }

    /// Runs these transactions.
    ///
    /// # Errors
    /// One of them does not fit the list, or is not there.
    pub fn run(&mut self, piece: &[Placed<Recovered<Tx>>]) -> Result<Piece, VerifyError> {
        let mut share = self.crew.empty_share();
        for Placed { place, ordinal, tx } in piece {
            let at = usize::try_from(*place).ok().filter(|at| *at < self.count);
            let unknown =
                || VerifyError::Panicked(format!("transaction {place} is not in the block"));
            let at = at.ok_or_else(unknown)?;
            self.bench.tx(&self.crew, at, *ordinal, tx, &mut share)?;
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
        let (mut share, mut bench) = (self.empty_share(), None);
        let some = Handful {
            part: 2 * workers as u64,
            least: PIECE_MIN,
            most: PIECE_MAX,
        };
        loop {
            let taken = self.queue().take(some);
            if taken.is_empty() {
                return share;
            }
            let asked = self.asked(taken);
            let mut meanwhile = || self.run_wholes(&mut bench, &mut share);
            match hand.run(&asked, &mut meanwhile) {
                Answer::Piece(piece) => {
                    if !self.add_piece(&asked, piece, &mut share) {
                        hand.dismiss("it answered what cannot be");
                        self.run_some(taken, &mut bench, &mut share);
                    }
                }
                Answer::Misfit => {
                    self.run_some(taken, &mut bench, &mut share);
                    if !self.has_failed() {
                        hand.dismiss("it said that transactions do not fit, and they do");
                    }
                }
                Answer::Nothing => self.run_some(taken, &mut bench, &mut share),
            }
        }
    }

    fn asked(&self, taken: &[Queued]) -> Asked<'_> {
        let placed = |queued: &Queued| Placed {
            // A block has fewer transactions than that.
            place: u32::try_from(queued.place).unwrap_or(u32::MAX),
            ordinal: queued.ordinal,
            tx: &self.transactions()[queued.place],
        };
        Asked {
            book: self.book(),
            transactions: taken.iter().map(placed).collect(),
        }
    }

    /// Adds what a piece came to; `false` if it is no answer to what was asked.
    fn add_piece(&self, asked: &Asked<'_>, piece: Piece, share: &mut Share) -> bool {
        if piece.ends.len() != asked.transactions.len() {
            return false;
        }
        // No transaction uses more than it asks for; and sums of what they ask for are bounded by the block.
        let mut both = asked.transactions.iter().zip(&piece.ends);
        if !both.all(|(placed, end)| end.gas_used <= placed.tx.gas_limit()) {
            return false;
        }
        let Some(used) = Used::from_bits(self.book(), piece.accounts, piece.words) else {
            return false;
        };
        share.used.join(&used);
        share.ran.reserve(piece.ends.len());
        let mut blooms = Blooms::default();
        for (placed, end) in asked.transactions.iter().zip(piece.ends) {
            let Ok(place) = usize::try_from(placed.place) else {
                return false;
            };
            let ran = Ran {
                success: end.success,
                gas_used: end.gas_used,
                bloom: blooms.of_any(&end.logs),
                logs: end.logs,
                row: None,
            };
            share.ran.push((place, ran));
        }
        true
    }
}
