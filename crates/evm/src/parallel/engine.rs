//! Workers over one window of lots: runs ahead, and the commit in order.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::map::AddressSet;
use capstan_window::{Fed, Settled, Task, Turn, Width, Window};
use parking_lot::{Mutex, MutexGuard};

use super::ahead::{Ahead, credited};
use super::lot::{self, Lot};
use super::memory::Memory;
use super::notes::Notes;
use super::view::View;
use super::{Counts, TRANSFER_GAS, UserFeed, Workers};
use crate::block::{Book, admit, run_user};
use crate::bloom::Blooms;
use crate::call::Session;
use crate::natives::Natives;
use crate::{BlockContext, ExecError, Overlay, Rules, StateRead, Tx, tx};

/// Most lots for each worker that a window is wide.
const WIDTH_MOST: usize = 4;
/// Gas that transactions of one lot may ask for together, unless it is a single one: a lot of dear ones is a short one, so that
/// no worker is left with much when the others are done.
const LOT_GAS: u64 = 6_400_000;
/// Transactions of the first lot; each is twice as long as the one before it, up to the most. What the first transactions do once
/// for a block, as to let interest accrue, is soon settled so.
const LOT_FIRST: usize = 2;
/// Lots for each worker that are at hand, so that the end of a block is seen before it is there.
const LOTS_AT_HAND: usize = 2;
/// When it is seen, a lot is a part of what is left of which each worker would get so many: so all end at about the same time.
const LAST_SHARES: usize = 2;
/// But no fewer transactions, unless they are dear: whoever takes a lot takes some microseconds for that.
const LAST_LEAST: usize = 8;
/// Lots that are fetched at once: the others wait until the first are there.
const FETCHED: usize = 4;

/// Neighbours, in order.
type Txs = Vec<Recovered<Tx>>;

/// One block's users, while several threads run them.
pub(super) struct Engine<'a> {
    window: Window<Txs, Lot>,
    memory: Arc<Memory>,
    ordered: Mutex<Ordered<'a>>,
    world: World,
    workers: &'a Workers,
    ahead_runs: AtomicU64,
    is_poisoned: AtomicBool,
    /// By worker.
    spent: Vec<Mutex<Vec<lot::Left>>>,
}

/// What a session needs.
pub(super) struct World {
    pub(super) rules: Arc<Rules>,
    pub(super) context: BlockContext,
    pub(super) natives: &'static dyn Natives,
    pub(super) listens: bool,
}

/// What changes in order only, by whoever has the right to commit.
pub(super) struct Ordered<'a> {
    pub(super) book: &'a mut Book,
    feed: &'a mut dyn UserFeed,
    /// Handed out by the feed already.
    first: VecDeque<Recovered<Tx>>,
    /// The feed has nothing more.
    has_ended: bool,
    /// Transactions of the next lot, at most.
    lot: usize,
    /// Who sends or is paid in each of the last lots, as many as there are workers: about those that are not settled when the
    /// next is begun.
    parties: VecDeque<AddressSet>,
    /// An empty one, with room.
    spare: AddressSet,
    pub(super) counts: Counts,
    pub(super) failed: Option<ExecError>,
    /// Commits so far: the number of the last.
    commits: u32,
    /// Transactions of the lot in turn that are settled, where a panic ended the work in the middle of it.
    settled_of_lot: usize,
    /// The state that all leave, where who had the last turns has it at hand.
    tip: Option<Overlay>,
}

/// One thread's own.
struct Worker {
    number: usize,
    session: Session,
    view: Arc<View>,
    /// What lots run over ahead of their turn. The session has it while one does.
    ahead: Overlay,
    /// What was hashed for the logs of lots before.
    blooms: Blooms,
    /// The last commit, if the session's overlay holds what it left: then another lot in its turn goes on over it.
    tip: Option<u32>,
    /// The overlay holds what the memory lacks.
    is_unshown: bool,
}

/// Says that this thread is done, and ends the others' work if it panicked where no panic is expected.
struct Guard<'a, 'b>(&'a Engine<'b>, usize);

impl Drop for Guard<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.window.stop();
        }
        self.0.leave(self.1);
    }
}

impl<'a> Ordered<'a> {
    /// Nothing is settled yet. `first` was handed out by the feed already.
    pub(super) fn new(
        book: &'a mut Book,
        feed: &'a mut dyn UserFeed,
        first: VecDeque<Recovered<Tx>>,
    ) -> Self {
        Self {
            book,
            feed,
            first,
            has_ended: false,
            lot: LOT_FIRST,
            parties: VecDeque::new(),
            spare: AddressSet::default(),
            counts: Counts::default(),
            failed: None,
            commits: 0,
            settled_of_lot: 0,
            tip: None,
        }
    }
}

/// What is left when the workers have ended.
pub(super) struct Left<'a> {
    pub(super) ordered: Ordered<'a>,
    /// The state that they leave.
    pub(super) overlay: Overlay,
    /// What nobody settled, in order; only after a panic.
    pub(super) rest: VecDeque<Recovered<Tx>>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        world: World,
        below: Arc<Overlay>,
        ordered: Ordered<'a>,
        workers: &'a Workers,
    ) -> Self {
        let width = Width::new(1, WIDTH_MOST * workers.count);
        Self {
            window: Window::new(width, workers.count),
            memory: Arc::new(Memory::new(below, workers.count)),
            ordered: Mutex::new(ordered),
            world,
            workers,
            ahead_runs: AtomicU64::new(0),
            spent: (0..workers.count).map(|_| Mutex::default()).collect(),
            is_poisoned: AtomicBool::new(false),
        }
    }

    /// Runs everything.
    pub(super) fn run(self) -> Result<Left<'a>, ExecError> {
        match &self.workers.pool {
            Some(pool) => self.run_in(pool),
            None => self.run_on_new_threads(),
        }?;
        let mut ordered = self.ordered.into_inner();
        ordered.counts.runs += self.ahead_runs.into_inner();
        let mut rest = VecDeque::new();
        if self.is_poisoned.into_inner() {
            let lots = self.window.into_rest().into_iter();
            let all = lots.flat_map(Arc::unwrap_or_clone);
            rest.extend(all.skip(ordered.settled_of_lot));
            rest.append(&mut ordered.first);
        }
        let memory = self.memory as Arc<dyn StateRead>;
        let overlay = match ordered.tip.take() {
            Some(tip) => tip.moved_to(memory),
            None => Overlay::for_blocks(memory),
        };
        Ok(Left {
            ordered,
            overlay,
            rest,
        })
    }

    /// On threads that are there already; this one is the first worker.
    fn run_in(&self, pool: &rayon::ThreadPool) -> Result<(), ExecError> {
        let helped = Mutex::new(Ok(()));
        let done = pool.in_place_scope(|scope| {
            for number in 1..self.workers.count {
                let helped = &helped;
                scope.spawn(move |_| {
                    if let Err(error) = self.work(number) {
                        *helped.lock() = Err(error);
                    }
                });
            }
            self.work(0)
        });
        done.and(helped.into_inner())
    }

    fn run_on_new_threads(&self) -> Result<(), ExecError> {
        std::thread::scope(|scope| {
            let mut helpers = Vec::new();
            for number in 1..self.workers.count {
                let builder = std::thread::Builder::new()
                    .name(format!("execute {number}"))
                    .stack_size(self.workers.stack_bytes);
                match builder.spawn_scoped(scope, move || self.work(number)) {
                    Ok(helper) => helpers.push(helper),
                    Err(error) => {
                        // Fewer hands do the same work; but a baton waits for each of them.
                        self.leave(number);
                        tracing::warn!(%error, "no thread for execution");
                    }
                }
            }
            let mut result = self.work(0);
            for helper in helpers {
                match helper.join() {
                    Ok(helped) => result = result.and(helped),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            result
        })
    }

    fn worker(&self, number: usize) -> Result<Worker, ExecError> {
        let pace = self.workers.baton.clone().map(|baton| (baton, number));
        let notes = Notes::new(Arc::clone(&self.memory), pace.clone());
        let view = Arc::new(View::new(Arc::clone(&self.memory), pace));
        let world = &self.world;
        let mut session = Session::open_over(
            Arc::clone(&world.rules),
            Overlay::noting(Arc::clone(&view) as Arc<dyn StateRead>),
            world.context.clone(),
            world.natives,
        )?;
        if world.listens {
            session.listen();
        }
        Ok(Worker {
            number,
            session,
            ahead: Overlay::noted(Arc::clone(&view) as Arc<dyn StateRead>, notes),
            view,
            blooms: Blooms::default(),
            tip: None,
            is_unshown: false,
        })
    }

    fn work(&self, number: usize) -> Result<(), ExecError> {
        if let Some(baton) = &self.workers.baton {
            baton.join(number);
        }
        let _guard = Guard(self, number);
        let done = self.work_on(number);
        if done.is_err() {
            self.window.stop();
        }
        done
    }

    fn leave(&self, number: usize) {
        if let Some(baton) = &self.workers.baton {
            baton.leave(number);
        }
    }

    fn work_on(&self, number: usize) -> Result<(), ExecError> {
        let mut worker = self.worker(number)?;
        loop {
            self.step(&worker);
            let task = match self.workers.baton {
                Some(_) => self.window.poll(),
                None => self.window.next(),
            };
            match task {
                Task::Idle => {}
                Task::Over => return Ok(()),
                Task::Commit => {
                    if self.commit(&mut worker).is_err() {
                        return Ok(());
                    }
                }
                Task::Run { place, items } => {
                    let run = |lot: &Arc<Txs>| self.run_ahead(&mut worker, lot);
                    let done: Result<Vec<_>, _> = items.iter().map(run).collect();
                    match done {
                        Ok(done) => self.window.ran(place, done),
                        Err(Poisoned) => return Ok(()),
                    }
                }
            }
        }
    }

    fn step(&self, worker: &Worker) {
        if let Some(baton) = &self.workers.baton {
            baton.step(worker.number);
        }
    }

    /// Ends running ahead for this block: what is left runs as a plain loop.
    fn poison(&self) -> Poisoned {
        metrics::counter!("capstan_worker_panics_total").increment(1);
        tracing::error!("an executing thread panicked; the rest of the block runs on one thread");
        self.is_poisoned.store(true, Ordering::Relaxed);
        self.window.stop();
        Poisoned
    }

    /// Runs a lot ahead of its turn, as far as that goes.
    fn run_ahead(&self, worker: &mut Worker, txs: &[Recovered<Tx>]) -> Result<Lot, Poisoned> {
        worker.session.swap_overlay(&mut worker.ahead);
        let lot = self.run_over_notes(worker, txs);
        worker.session.swap_overlay(&mut worker.ahead);
        lot
    }

    fn run_over_notes(&self, worker: &mut Worker, txs: &[Recovered<Tx>]) -> Result<Lot, Poisoned> {
        if let Some(notes) = worker.session.overlay_mut().notes() {
            notes.begin_lot();
        }
        let beneficiary = self.world.context.info.beneficiary;
        let mut book = Book::for_many(txs.len(), std::mem::take(&mut worker.blooms));
        let (mut outcomes, mut said) = (Vec::with_capacity(txs.len()), Vec::new());
        let mut gas_needed = 0;
        let mut runs = 0;
        for tx in txs {
            let session = &mut worker.session;
            runs += 1;
            let ran = catch_unwind(AssertUnwindSafe(|| run_one_ahead(session, tx)));
            let ahead = match ran.map_err(|_| self.poison())? {
                Ok(ahead) => ahead,
                // Refused, or a read failed: its turn says which, and may go well.
                Err(_) => {
                    session.heard();
                    break;
                }
            };
            if self.world.listens {
                said.push(session.heard());
            }
            let is_plain = |at| session.is_plain(at);
            let to = credited(session.tx_env(), beneficiary, &ahead.ended, is_plain);
            let paid = [to, ahead.only_paid.then_some(beneficiary)];
            if let Some(notes) = session.overlay_mut().notes() {
                notes.only_paid(paid);
            }
            gas_needed = gas_needed.max(book.user_gas_used().saturating_add(tx.gas_limit()));
            let (outcome, state) = book.record_user(tx, ahead.ended, session.overlay_mut());
            session.recycle(state);
            outcomes.push(outcome);
        }
        // Not for each: threads would take turns at it.
        self.ahead_runs.fetch_add(runs, Ordering::Relaxed);
        worker.blooms = book.take_blooms();
        let mut left = self.spent(worker.number).pop().unwrap_or_default();
        let notes = worker.session.overlay_mut().notes();
        let band = notes.map(|notes| notes.leave(&mut left));
        Ok(Lot {
            maker: worker.number,
            book,
            band: band.unwrap_or_default(),
            left,
            outcomes,
            said,
            gas_needed,
        })
    }

    /// What a worker's lots left, when it is of no more use: room for others. Who gives back memory that another took waits for
    /// him.
    fn spent(&self, worker: usize) -> MutexGuard<'_, Vec<lot::Left>> {
        self.spent[worker].lock()
    }

    /// Settles what is ready, in order.
    fn commit(&self, worker: &mut Worker) -> Result<(), Poisoned> {
        let mut ordered = self.ordered.lock();
        let ordered = &mut *ordered;
        let mut settled = Vec::new();
        loop {
            self.step(worker);
            let turn = self.window.advance(&settled);
            settled.clear();
            match turn {
                Turn::Yield => {
                    self.show(worker, ordered);
                    return Ok(());
                }
                Turn::Over => {
                    worker.hand_over(ordered);
                    return Ok(());
                }
                Turn::Feed { count, is_ahead } => {
                    let (lots, has_more) =
                        ordered.fetch(count.min(FETCHED), is_ahead, self.workers);
                    self.window.feed(lots, has_more);
                }
                Turn::Direct { item, is_alone, .. } => {
                    // Who runs ahead beside it shall find what is settled.
                    if !is_alone {
                        self.show(worker, ordered);
                    }
                    if self.run_in_turn(worker, ordered, &item, 0)? {
                        settled.push(Settled::Direct);
                    }
                    // Behind the first lot another is tried, which shall find what it did once for all.
                    if !is_alone || ordered.commits == 0 {
                        self.show(worker, ordered);
                    }
                }
                Turn::Settle { ready, .. } => {
                    for (txs, lot) in ready {
                        match self.settle(worker, ordered, &txs, lot) {
                            Ok(Some(how)) => settled.push(how),
                            Ok(None) => break,
                            Err(poisoned) => {
                                // What was settled before is not run again with the rest.
                                self.window.advance(&settled);
                                return Err(poisoned);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The turn of a lot that ran ahead. `None`: the work is over.
    fn settle(
        &self,
        worker: &mut Worker,
        ordered: &mut Ordered<'_>,
        txs: &[Recovered<Tx>],
        mut lot: Lot,
    ) -> Result<Option<Settled>, Poisoned> {
        self.show(worker, ordered);
        let count = lot.outcomes.len();
        let limit = self.world.rules.user_gas_limit;
        let gas_left = limit.saturating_sub(ordered.book.user_gas_used());
        let (ahead, _) = txs.split_at(count);
        let stands = ahead.iter().all(|tx| ordered.feed.stands(tx));
        // Where gas runs out, or the feed takes something back, each is decided in its turn.
        let may_be = stands && lot.gas_needed <= gas_left;
        let how = match may_be.then(|| lot.holds(&self.memory)) {
            Some(true) => {
                self.keep(ordered, ahead, &mut lot);
                Settled::Clean
            }
            Some(false) => {
                ordered.counts.stale += u64::try_from(count).unwrap_or_default();
                Settled::Stale
            }
            None => Settled::Direct,
        };
        lot.left.clear();
        self.spent(lot.maker).push(lot.left);
        let from = if how == Settled::Clean { count } else { 0 };
        let goes_on = from == txs.len() || self.run_in_turn(worker, ordered, txs, from)?;
        Ok(goes_on.then_some(how))
    }

    /// Keeps a lot that holds.
    fn keep(&self, ordered: &mut Ordered<'_>, txs: &[Recovered<Tx>], lot: &mut Lot) {
        let count = txs.len();
        if ordered.feed.follows() {
            ordered.feed.left_together(count, lot.diff());
        }
        ordered.commits += 1;
        self.memory.keep_left(ordered.commits, &mut lot.left);
        let (book, band) = (std::mem::take(&mut lot.book), std::mem::take(&mut lot.band));
        ordered.book.absorb(book, band);
        ordered.counts.transactions += u64::try_from(count).unwrap_or_default();
        let mut said = lot.said.drain(..);
        for (tx, outcome) in txs.iter().zip(lot.outcomes.drain(..)) {
            let said = said.next().unwrap_or_default();
            ordered.feed.ended(tx.clone(), Ok(outcome), said);
        }
    }

    /// Runs a lot in its turn, from one of its transactions on, as the plain loop does. `false`: the work is over.
    fn run_in_turn(
        &self,
        worker: &mut Worker,
        ordered: &mut Ordered<'_>,
        txs: &[Recovered<Tx>],
        from: usize,
    ) -> Result<bool, Poisoned> {
        if worker.tip != Some(ordered.commits) {
            worker.stand_anew();
        }
        let mut done = from;
        let ended = self.run_each(&mut worker.session, ordered, txs, &mut done);
        worker.tip = Some(ordered.commits);
        worker.is_unshown = true;
        if ended.is_err() {
            ordered.settled_of_lot = done;
            self.show(worker, ordered);
        }
        ended
    }

    /// Shows everybody what lots left that this worker ran in their turn. While nobody runs ahead, nobody asks.
    fn show(&self, worker: &mut Worker, ordered: &mut Ordered<'_>) {
        if !std::mem::take(&mut worker.is_unshown) {
            return;
        }
        ordered.commits += 1;
        let written = worker.session.overlay_mut().take_written();
        self.memory.keep(ordered.commits, written);
        worker.tip = Some(ordered.commits);
    }

    /// `done` counts those that had their turn.
    fn run_each(
        &self,
        session: &mut Session,
        ordered: &mut Ordered<'_>,
        txs: &[Recovered<Tx>],
        done: &mut usize,
    ) -> Result<bool, Poisoned> {
        for tx in txs.iter().skip(*done) {
            let limit = self.world.rules.user_gas_limit;
            let gas_left = limit.saturating_sub(ordered.book.user_gas_used());
            if gas_left < TRANSFER_GAS {
                self.window.stop();
                return Ok(false);
            }
            if !ordered.feed.stands(tx) {
                *done += 1;
                continue;
            }
            let ran = catch_unwind(AssertUnwindSafe(|| run_user(session, tx, gas_left, None)));
            let ended = ran.map_err(|_| self.poison())?;
            ordered.counts.transactions += 1;
            ordered.counts.runs += 1;
            *done += 1;
            let said = session.heard();
            match ended {
                Ok(ended) => {
                    let overlay = session.overlay_mut();
                    let (outcome, state) = ordered.book.record_user(tx, ended, overlay);
                    session.recycle(ordered.feed.left(state));
                    ordered.feed.ended(tx.clone(), Ok(outcome), said);
                }
                Err(ExecError::Refused(refused)) => {
                    ordered.feed.ended(tx.clone(), Err(refused), Vec::new());
                }
                Err(error) => {
                    ordered.failed = Some(error);
                    self.window.stop();
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

impl Worker {
    /// Over what is settled, with nothing of its own above.
    fn stand_anew(&mut self) {
        let view = Arc::clone(&self.view);
        self.session.stand_on(view as Arc<dyn StateRead>);
    }

    /// The work is over. What only this worker has, the block goes on with.
    fn hand_over(&mut self, ordered: &mut Ordered<'_>) {
        if std::mem::take(&mut self.is_unshown) {
            let mut overlay = Overlay::for_blocks(Arc::clone(self.session.overlay().base()));
            self.session.swap_overlay(&mut overlay);
            ordered.tip = Some(overlay);
        }
    }
}

impl Ordered<'_> {
    /// So many lots, and whether there may be more. `is_ahead`: they may run ahead of their turn.
    fn fetch(&mut self, count: usize, is_ahead: bool, workers: &Workers) -> (Vec<Fed<Txs>>, bool) {
        let mut lots = Vec::with_capacity(count);
        while lots.len() < count {
            let item = self.fetch_lot(is_ahead, workers);
            self.lot = workers.lot.min(self.lot * 2);
            if item.is_empty() {
                return (lots, false);
            }
            let waits = self.waits(&item, workers.count);
            lots.push(Fed { item, waits });
        }
        (lots, true)
    }

    /// Whether a sender of the lot sent or was paid just before it: his nonce or coins are other ones then, whatever else the
    /// lot does.
    fn waits(&mut self, lot: &Txs, lots_noted: usize) -> bool {
        let mut parties = std::mem::take(&mut self.spare);
        let mut waits = false;
        for tx in lot {
            let sender = tx.signer();
            if parties.insert(sender) && !waits {
                waits = self.parties.iter().any(|lot| lot.contains(&sender));
            }
            let paid = tx.to().filter(|_| !tx.value().is_zero());
            parties.extend(paid);
        }
        self.parties.push_back(parties);
        if self.parties.len() > lots_noted
            && let Some(mut oldest) = self.parties.pop_front()
        {
            oldest.clear();
            self.spare = oldest;
        }
        waits
    }

    fn fetch_lot(&mut self, is_ahead: bool, workers: &Workers) -> Txs {
        let (mut most, mut most_gas) = (self.lot.min(workers.lot), LOT_GAS);
        self.fill(LOTS_AT_HAND * workers.count * workers.lot);
        if self.has_ended && is_ahead {
            let shares = LAST_SHARES * workers.count;
            let gas = self.first.iter().map(|tx| tx.gas_limit());
            let all_gas = gas.fold(0_u64, u64::saturating_add);
            most = most.min((self.first.len() / shares).max(LAST_LEAST));
            most_gas = most_gas.min(all_gas / u64::try_from(shares).unwrap_or(u64::MAX));
        }
        let mut lot = Txs::with_capacity(most.min(self.first.len()));
        let mut gas = 0_u64;
        while lot.len() < most && (lot.is_empty() || gas < most_gas) {
            let Some(tx) = self.first.pop_front() else {
                break;
            };
            gas = gas.saturating_add(tx.gas_limit());
            lot.push(tx);
        }
        lot
    }

    /// Takes from the feed until so many transactions are at hand.
    fn fill(&mut self, count: usize) {
        while !self.has_ended && self.first.len() < count {
            match self.feed.next_tx() {
                Some(tx) => self.first.push_back(tx),
                None => self.has_ended = true,
            }
        }
    }
}

/// Somebody panicked: the rest of the block runs as a plain loop.
struct Poisoned;

/// Runs a transaction ahead of its turn, if it may enter a block that has gas for it.
fn run_one_ahead(session: &mut Session, tx: &Recovered<Tx>) -> Result<Ahead, ExecError> {
    admit(session, tx, u64::MAX)?;
    let named = tx.inner().signature().s().is_zero();
    session.refuse_code_at_sender(!named);
    session.user_ahead(tx::to_env(tx))
}
