//! The workers of a verification.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Bloom, Log};
use parking_lot::Mutex;
use revm::state::EvmState;

use super::book::{Before, Book};
use super::compare::{self, Used};
use super::fault::{Field, Place};
use super::piece::Hand;
use super::queue::{Handful, Queue, Queued};
use super::threads::{pool, words};
use super::{Claim, Fault, VerifyError};
use crate::block::{outcome_of, run_system, run_user};
use crate::bloom::Blooms;
use crate::call::Session;
use crate::natives::Natives;
use crate::overlay::Overlay;
use crate::record::{Locations, Row, row};
use crate::{ExecError, StateDiff, StateError, Tx};

/// Transactions that a worker here takes at once. Together they stay within the caches.
const HANDFUL_MAX: usize = 64;

/// How one transaction ended.
pub(super) struct Ran {
    pub(super) success: bool,
    pub(super) gas_used: u64,
    pub(super) logs: Vec<Log>,
    /// Of those logs; `None` without any. By itself, since it is larger than all else here, which is moved.
    pub(super) bloom: Option<Box<Bloom>>,
    /// What it touched, if a record is made.
    pub(super) row: Option<Row>,
}

/// What all workers did together.
pub(super) struct Done {
    /// Of each transaction, in order; `None` where a worker left it undone.
    pub(super) ran: Vec<Option<Ran>>,
    pub(super) used: Used,
    pub(super) diff: StateDiff,
}

/// What is done once for the block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whole {
    /// Values after it.
    Diff,
    /// What comes before the first transaction.
    Opening,
}

/// The longer first.
const WHOLES: [Whole; 2] = [Whole::Diff, Whole::Opening];

impl Whole {
    /// What is named first where several are wrong: what stands first in the block.
    fn rank(self) -> usize {
        match self {
            Self::Opening => 0,
            Self::Diff => usize::MAX - 1,
        }
    }
}

/// A worker that could not even catch its panic left something.
pub(super) fn undone() -> VerifyError {
    VerifyError::Panicked("a worker left its work undone".into())
}

fn rank_of(place: usize) -> usize {
    place + 1
}

/// A verification in progress.
pub(super) struct Crew<'c> {
    claim: &'c Claim<'c>,
    book: Arc<Book>,
    natives: &'static dyn Natives,
    /// Numbers of places, if a record is made.
    locations: Option<Locations>,
    /// How many of [`WHOLES`] are taken.
    wholes: AtomicUsize,
    queue: Queue,
    /// Rank of the first that failed so far: what comes behind it need not run.
    failed: AtomicUsize,
    trouble: Mutex<Option<(usize, VerifyError)>>,
}

/// How a piece of work left what it stood on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Panicked,
}

/// What one worker did.
pub(super) struct Share {
    pub(super) ran: Vec<(usize, Ran)>,
    pub(super) used: Used,
    diff: Option<StateDiff>,
}

impl<'c> Crew<'c> {
    pub(super) fn new(
        claim: &'c Claim<'c>,
        book: Arc<Book>,
        queue: Queue,
        natives: &'static dyn Natives,
    ) -> Self {
        Self {
            claim,
            locations: None,
            book,
            natives,
            wholes: AtomicUsize::new(0),
            queue,
            failed: AtomicUsize::new(usize::MAX),
            trouble: Mutex::new(None),
        }
    }

    /// The same, that makes a record.
    pub(super) fn recording(self) -> Self {
        Self {
            locations: Some(Locations::of(self.book.list())),
            ..self
        }
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn transactions(&self) -> &[Recovered<Tx>] {
        self.claim.transactions
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    pub(super) fn empty_share(&self) -> Share {
        Share {
            ran: Vec::new(),
            used: Used::none(&self.book),
            diff: None,
        }
    }

    /// Runs everything on so many threads, this one included, and in as many other places as there are hands.
    pub(super) fn run(
        self,
        threads: usize,
        hands: Vec<&mut dyn Hand>,
    ) -> Result<Done, VerifyError> {
        let workers = threads.max(1) + hands.len();
        let helpers = threads.min(self.queue.len()).saturating_sub(1);
        let crew = &self;
        let shares = Mutex::new(Vec::new());
        // A worker catches its panics; one that could not has left its share undone, which is seen below.
        let keep = |work: &mut dyn FnMut() -> Share| {
            let share = catch_unwind(AssertUnwindSafe(work));
            shares.lock().extend(share.ok());
        };
        let keep = &keep;
        // Without other threads this one does it all.
        match pool() {
            Some(pool) if workers > 1 => pool.in_place_scope(|scope| {
                for _ in 0..helpers {
                    scope.spawn(move |_| keep(&mut || crew.work(workers)));
                }
                for hand in hands {
                    scope.spawn(move |_| keep(&mut || crew.work_by(hand, workers)));
                }
                keep(&mut || crew.work(workers));
            }),
            _ => keep(&mut || crew.work(workers)),
        }
        if let Some((_, trouble)) = self.trouble.into_inner() {
            return Err(trouble);
        }
        let mut used = Used::none(&self.book);
        let mut ran: Vec<Option<Ran>> = self.claim.transactions.iter().map(|_| None).collect();
        let mut diff = None;
        for share in shares.into_inner() {
            used.join(&share.used);
            diff = diff.or(share.diff);
            for (place, one) in share.ran {
                ran[place] = Some(one);
            }
        }
        Ok(Done {
            ran,
            used,
            diff: diff.ok_or_else(undone)?,
        })
    }

    /// One worker's life.
    fn work(&self, workers: usize) -> Share {
        let mut share = self.empty_share();
        let mut bench = None;
        self.run_wholes(&mut bench, &mut share);
        let some = Handful {
            part: 4 * workers as u64,
            least: 1,
            most: HANDFUL_MAX,
        };
        loop {
            let taken = self.queue.take(some);
            if taken.is_empty() {
                return share;
            }
            self.run_some(taken, &mut bench, &mut share);
        }
    }

    /// Does what is done once and nobody has begun.
    pub(super) fn run_wholes(&self, bench: &mut Option<Bench>, share: &mut Share) {
        while let Some(whole) = WHOLES.get(self.wholes.fetch_add(1, Ordering::Relaxed)) {
            match whole {
                Whole::Diff => {
                    self.guarded(whole.rank(), || {
                        let diff = self.book.diff();
                        share.diff = Some(diff.map_err(|error| VerifyError::Own(error.into()))?);
                        Ok(())
                    });
                }
                Whole::Opening => self.on_bench(whole.rank(), bench, |bench| {
                    bench.opening(self, &mut share.used)
                }),
            }
        }
    }

    /// Runs transactions that were taken.
    pub(super) fn run_some(&self, taken: &[Queued], bench: &mut Option<Bench>, share: &mut Share) {
        share.ran.reserve(taken.len());
        for Queued { place, ordinal } in taken {
            self.on_bench(rank_of(*place), bench, |bench| {
                let tx = &self.transactions()[*place];
                bench.tx(self, *place, *ordinal, tx, share)
            });
        }
    }

    fn on_bench(
        &self,
        rank: usize,
        bench: &mut Option<Bench>,
        work: impl FnOnce(&mut Bench) -> Result<(), VerifyError>,
    ) {
        let ended = self.guarded(rank, || {
            let bench = match &mut *bench {
                Some(bench) => bench,
                None => bench.insert(Bench::open(self).map_err(VerifyError::Own)?),
            };
            work(bench)
        });
        if ended == End::Panicked {
            // What the panic left in the session is unknown.
            *bench = None;
        }
    }

    /// Does a piece of work, unless something before it has failed, and keeps its trouble.
    fn guarded(&self, rank: usize, work: impl FnOnce() -> Result<(), VerifyError>) -> End {
        if rank > self.failed.load(Ordering::Relaxed) {
            return End::Whole;
        }
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => End::Whole,
            Ok(Err(trouble)) => {
                self.fail(rank, trouble);
                End::Whole
            }
            Err(panic) => {
                self.fail(rank, VerifyError::Panicked(words(panic.as_ref())));
                End::Panicked
            }
        }
    }

    /// Whether anything did not fit so far.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed) != usize::MAX
    }

    /// Keeps the trouble of the lowest rank. What ranks lower is still run by whoever has it, so that the first of all is
    /// found, whatever the number of threads.
    fn fail(&self, rank: usize, error: VerifyError) {
        self.failed.fetch_min(rank, Ordering::Relaxed);
        let mut trouble = self.trouble.lock();
        if trouble.as_ref().is_none_or(|(first, _)| rank < *first) {
            *trouble = Some((rank, error));
        }
    }
}

/// What one worker runs transactions on.
pub(super) struct Bench {
    session: Session,
    /// What the session stands on.
    before: Arc<Before>,
    blooms: Blooms,
}

impl Bench {
    pub(super) fn open(crew: &Crew<'_>) -> Result<Self, ExecError> {
        let before = Arc::new(Before::opening(Arc::clone(&crew.book)));
        let overlay = Overlay::through(Arc::clone(&before) as _);
        let (rules, context) = (Arc::clone(&crew.claim.rules), crew.claim.context.clone());
        let mut session = Session::open_over(rules, overlay, context, crew.natives)?;
        if crew.locations.is_some() {
            session.note_touches();
        }
        Ok(Self {
            session,
            before,
            blooms: Blooms::default(),
        })
    }

    fn stand_before(&mut self, index: u64) {
        self.before.move_to(index);
        self.session.forget();
    }

    fn opening(&mut self, crew: &Crew<'_>, used: &mut Used) -> Result<(), VerifyError> {
        self.stand_before(0);
        let mut states = Vec::new();
        for (target, word) in self.session.opening_calls() {
            let ended = self.session.protocol_call(target, word.into());
            let state = ended.map_err(|error| own_or_undeclared(0, error, VerifyError::Own))?;
            self.session.commit(&state);
            states.push(state);
        }
        let part = compare::part(0, &states.iter().collect::<Vec<_>>());
        let difference = compare::difference(&crew.book, 0, &part, used);
        difference.map_or(Ok(()), |fault| Err(fault.into()))
    }

    pub(super) fn tx(
        &mut self,
        crew: &Crew<'_>,
        place: usize,
        ordinal: Option<u16>,
        tx: &Recovered<Tx>,
        share: &mut Share,
    ) -> Result<(), VerifyError> {
        let index = place as u64 + 1;
        self.stand_before(index);
        let rules = &crew.claim.rules;
        // Whether the block has the gas left is seen when all are done.
        let ended = match ordinal {
            Some(ordinal) => {
                let gas_left = rules.system_gas_limit;
                run_system(&mut self.session, tx, ordinal, gas_left, None)
            }
            None => run_user(&mut self.session, tx, rules.user_gas_limit, None),
        };
        let mut ended = ended.map_err(|error| {
            own_or_undeclared(index, error, |error| match error {
                ExecError::Refused(_) | ExecError::System { .. } => VerifyError::Transaction {
                    index: place,
                    error,
                },
                error => VerifyError::Own(error),
            })
        })?;
        check(&crew.book, index, &mut ended.state, &mut share.used)?;
        let (outcome, logs) = outcome_of(ended.result);
        let touches = self.session.touched();
        let row = crew.locations.as_ref().map(|places| {
            let beneficiary = crew.claim.context.info.beneficiary;
            row(
                places,
                tx,
                outcome.gas_used,
                beneficiary,
                &ended.state,
                &touches,
            )
        });
        self.session.recycle(ended.state);
        let ran = Ran {
            row,
            success: outcome.success,
            gas_used: outcome.gas_used,
            bloom: self.blooms.of_any(&logs),
            logs,
        };
        share.ran.push((place, ran));
        Ok(())
    }
}

fn check(book: &Book, index: u64, state: &mut EvmState, used: &mut Used) -> Result<(), Fault> {
    if compare::matches(book, index, state, used) {
        return Ok(());
    }
    let part = compare::part(index, &[state]);
    compare::difference(book, index, &part, used).map_or(Ok(()), Err)
}

fn own_or_undeclared(
    index: u64,
    error: ExecError,
    other: impl FnOnce(ExecError) -> VerifyError,
) -> VerifyError {
    match error {
        ExecError::State(StateError::Undeclared { address, slot }) => Fault::Undeclared(Place {
            index: Some(index),
            address,
            field: slot.map_or(Field::Account, Field::Word),
        })
        .into(),
        error => other(error),
    }
}
