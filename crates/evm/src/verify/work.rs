//! The workers of a verification.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Bloom, Log, keccak256};
use parking_lot::Mutex;
use revm::state::EvmState;

use super::book::{Before, Book};
use super::compare::{self, Used};
use super::fault::{Field, Place};
use super::piece::Hand;
use super::{Claim, Fault, VerifyError};
use crate::block::{outcome_of, run_system, run_user};
use crate::bloom::Blooms;
use crate::call::Session;
use crate::natives::Natives;
use crate::overlay::Overlay;
use crate::record::{Locations, Row, row};
use crate::{ExecError, STACK_BYTES, StateDiff, StateError, StateRead, SystemTx, Tx};

/// Stack of a worker. Unoptimized frames are several times larger; pages that nobody touches cost nothing.
const WORKER_STACK_BYTES: usize = 32 * STACK_BYTES;

/// Transactions that somebody elsewhere takes at once: fewer would be all messages, more might leave others waiting.
const PIECE_MIN: usize = 16;
const PIECE_MAX: usize = 512;

/// How one transaction ended.
pub(super) struct Ran {
    pub(super) success: bool,
    pub(super) gas_used: u64,
    pub(super) logs: Vec<Log>,
    pub(super) bloom: Bloom,
    /// What it touched, if a record is made.
    pub(super) row: Option<Row>,
}

/// What all workers did together.
pub(super) struct Done {
    /// Of each transaction, in order.
    pub(super) ran: Vec<Ran>,
    pub(super) used: Used,
    pub(super) diff: StateDiff,
}

/// One piece of work.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// The list's hash and bytes.
    Bytes,
    /// Values after the block.
    Diff,
    /// What comes before the first transaction.
    Opening,
    /// A transaction, with its ordinal if it is the system's.
    Tx(usize, Option<u16>),
}

impl Task {
    /// What is named first where several are wrong: transactions in order, and the bytes last, since a list that is wrong
    /// somewhere has another hash in any case.
    fn rank(self) -> usize {
        match self {
            Self::Opening => 0,
            Self::Tx(place, _) => place + 1,
            Self::Diff => usize::MAX - 2,
            Self::Bytes => usize::MAX - 1,
        }
    }
}

/// A verification in progress.
pub(super) struct Crew<'c> {
    claim: &'c Claim<'c>,
    book: Arc<Book>,
    natives: &'static dyn Natives,
    /// Numbers of places, if a record is made.
    locations: Option<Locations>,
    tasks: Vec<Task>,
    next: AtomicUsize,
    /// Rank of the first task that failed so far: what comes behind it need not run.
    failed: AtomicUsize,
    trouble: Mutex<Option<(usize, VerifyError)>>,
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
        natives: &'static dyn Natives,
        recording: bool,
    ) -> Self {
        Self {
            claim,
            locations: recording.then(|| Locations::of(book.list())),
            book,
            natives,
            tasks: tasks(claim),
            next: AtomicUsize::new(0),
            failed: AtomicUsize::new(usize::MAX),
            trouble: Mutex::new(None),
        }
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn transactions(&self) -> &[Recovered<Tx>] {
        self.claim.transactions
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
        let helpers = threads.min(self.tasks.len()).saturating_sub(1);
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
                    scope.spawn(move |_| keep(&mut || crew.work()));
                }
                for hand in hands {
                    scope.spawn(move |_| keep(&mut || crew.work_by(hand, workers)));
                }
                keep(&mut || crew.work());
            }),
            _ => keep(&mut || crew.work()),
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
        let undone = || VerifyError::Panicked("a worker left its work undone".into());
        Ok(Done {
            ran: ran.into_iter().collect::<Option<_>>().ok_or_else(undone)?,
            used,
            diff: diff.ok_or_else(undone)?,
        })
    }

    /// One worker's life.
    fn work(&self) -> Share {
        let mut share = self.empty_share();
        let mut bench = None;
        while let Some(task) = self.take() {
            self.run_task(task, &mut bench, &mut share);
        }
        share
    }

    /// Runs tasks that were taken already.
    pub(super) fn run_tasks(&self, tasks: &[Task], share: &mut Share) {
        let mut bench = None;
        for task in tasks {
            self.run_task(*task, &mut bench, share);
        }
    }

    fn run_task(&self, task: Task, bench: &mut Option<Bench>, share: &mut Share) {
        let rank = task.rank();
        if rank > self.failed.load(Ordering::Relaxed) {
            return;
        }
        let done = catch_unwind(AssertUnwindSafe(|| {
            let bench = match &mut *bench {
                Some(bench) => bench,
                None => bench.insert(Bench::open(self).map_err(VerifyError::Own)?),
            };
            bench.run(self, task, share)
        }));
        match done {
            Ok(Ok(())) => {}
            Ok(Err(trouble)) => self.fail(rank, trouble),
            Err(panic) => {
                // What the panic left in the session is unknown.
                *bench = None;
                self.fail(rank, VerifyError::Panicked(words(panic.as_ref())));
            }
        }
    }

    /// Tasks for somebody elsewhere: fewer towards the end, so that all end together.
    pub(super) fn take_some(&self, workers: usize) -> &[Task] {
        let left = self
            .tasks
            .len()
            .saturating_sub(self.next.load(Ordering::Relaxed));
        let count = (left / (2 * workers.max(1))).clamp(PIECE_MIN, PIECE_MAX);
        let first = self
            .next
            .fetch_add(count, Ordering::Relaxed)
            .min(self.tasks.len());
        &self.tasks[first..(first + count).min(self.tasks.len())]
    }

    fn take(&self) -> Option<Task> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.tasks.get(next).copied()
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

/// Threads that verify blocks, twice as many as cores since some only wait for other processes; `None` where there are none to
/// be had. They live as long as the process: a new one begins with new memory, which the kernel has to clear.
fn pool() -> Option<&'static rayon::ThreadPool> {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    let made = POOL.get_or_init(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2 * cores)
            .thread_name(|number| format!("verify-{number}"))
            .stack_size(WORKER_STACK_BYTES);
        pool.build().ok()
    });
    made.as_ref()
}

/// Long tasks first, so that none is left for the end: the list as a whole, the system's work, then users' transactions
/// by the gas that they may use, and by their place where that is equal.
fn tasks(claim: &Claim<'_>) -> Vec<Task> {
    let mut ordinal = 0_u16;
    let mut txs = Vec::with_capacity(claim.transactions.len());
    for (place, tx) in claim.transactions.iter().enumerate() {
        let is_system = SystemTx::has_shape(tx.inner());
        let gas_limit = alloy_consensus::Transaction::gas_limit(tx.inner());
        txs.push((gas_limit, Task::Tx(place, is_system.then_some(ordinal))));
        ordinal = ordinal.wrapping_add(u16::from(is_system));
    }
    txs.sort_by_key(|(gas_limit, _)| std::cmp::Reverse(*gas_limit));
    let whole = [Task::Bytes, Task::Diff, Task::Opening];
    whole
        .into_iter()
        .chain(txs.into_iter().map(|(_, task)| task))
        .collect()
}

/// What one worker runs transactions on.
pub(super) struct Bench {
    session: Session,
    blooms: Blooms,
}

impl Bench {
    pub(super) fn open(crew: &Crew<'_>) -> Result<Self, ExecError> {
        let overlay = Overlay::through(before(crew, 0));
        let (rules, context) = (Arc::clone(&crew.claim.rules), crew.claim.context.clone());
        let mut session = Session::open_over(rules, overlay, context, crew.natives)?;
        if crew.locations.is_some() {
            session.note_touches();
        }
        Ok(Self {
            session,
            blooms: Blooms::default(),
        })
    }

    pub(super) fn run(
        &mut self,
        crew: &Crew<'_>,
        task: Task,
        share: &mut Share,
    ) -> Result<(), VerifyError> {
        match task {
            Task::Bytes => Ok(bytes(crew)?),
            Task::Diff => {
                let diff = StateDiff::from_access_list(crew.book.list(), &*before(crew, 0));
                share.diff = Some(diff.map_err(|error| VerifyError::Own(error.into()))?);
                Ok(())
            }
            Task::Opening => self.opening(crew, &mut share.used),
            Task::Tx(place, ordinal) => {
                self.tx(crew, place, ordinal, &crew.transactions()[place], share)
            }
        }
    }

    fn opening(&mut self, crew: &Crew<'_>, used: &mut Used) -> Result<(), VerifyError> {
        self.session.stand_on(before(crew, 0));
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
        self.session.stand_on(before(crew, index));
        let rules = &crew.claim.rules;
        // Whether the block has the gas left is seen when all are done.
        let ended = match ordinal {
            Some(ordinal) => {
                let gas_left = rules.system_gas_limit;
                run_system(&mut self.session, tx, ordinal, gas_left, None)
            }
            None => run_user(&mut self.session, tx, rules.user_gas_limit, None),
        };
        let ended = ended.map_err(|error| {
            own_or_undeclared(index, error, |error| match error {
                ExecError::Refused(_) | ExecError::System { .. } => VerifyError::Transaction {
                    index: place,
                    error,
                },
                error => VerifyError::Own(error),
            })
        })?;
        check(&crew.book, index, &ended.state, &mut share.used)?;
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
            bloom: self.blooms.of(&logs),
            logs,
        };
        share.ran.push((place, ran));
        Ok(())
    }
}

fn before(crew: &Crew<'_>, index: u64) -> Arc<dyn StateRead> {
    Arc::new(Before {
        book: Arc::clone(&crew.book),
        index,
    })
}

fn check(book: &Book, index: u64, state: &EvmState, used: &mut Used) -> Result<(), Fault> {
    if compare::matches(book, index, state, used) {
        return Ok(());
    }
    let part = compare::part(index, &[state]);
    compare::difference(book, index, &part, used).map_or(Ok(()), Err)
}

/// That the bytes are those which the header names, and the only ones for this list.
fn bytes(crew: &Crew<'_>) -> Result<(), Fault> {
    let claim = crew.claim;
    if crate::encode_access_list(crew.book.list()) != claim.access_list {
        return Err(Fault::NotCanonical);
    }
    let (is, must) = (keccak256(claim.access_list), claim.access_list_hash);
    if is == must {
        return Ok(());
    }
    Err(Fault::Hash { is, must })
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

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
