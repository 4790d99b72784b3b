//! Workers over one window: runs ahead, and the commit in order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, KECCAK256_EMPTY, U256, map::HashMap};
use capstan_window::{Settled, Task, Turn, Width, Window};
use parking_lot::Mutex;
use revm::Database as _;
use revm::context_interface::result::ResultAndState;
use revm::state::{Account, EvmState};

use super::ahead::{Ahead, Done, Ended, credited};
use super::memory::{Memory, Written};
use super::view::View;
use super::{Counts, TRANSFER_GAS, UserFeed, Workers};
use crate::block::{Book, admit, run_user};
use crate::call::Session;
use crate::natives::Natives;
use crate::overlay::plain;
use crate::{BlockContext, ExecError, Overlay, Rules, StateRead, Tx, TxRefused, tx};

/// Runs of a transaction ahead of its turn, at most. The last run, if those were in vain, is in its turn.
const AHEAD_MAX: usize = 2;
/// Width of the window for each worker, at first and at most.
const WIDTH_FIRST: usize = 4;
const WIDTH_MOST: usize = 64;

/// One block's users, while several threads run them.
pub(super) struct Engine<'a> {
    window: Window<Recovered<Tx>, Done>,
    memory: Arc<Memory>,
    /// The state before the first of them.
    below: Arc<Overlay>,
    ordered: Mutex<Ordered<'a>>,
    world: World,
    workers: &'a Workers,
    ahead_runs: AtomicU64,
    is_poisoned: AtomicBool,
}

/// What a session needs.
pub(super) struct World {
    pub(super) rules: Arc<Rules>,
    pub(super) context: BlockContext,
    pub(super) natives: &'static dyn Natives,
    pub(super) listens: bool,
}

/// What changes in order only, by whoever has the right to commit: what a plain loop has.
pub(super) struct Ordered<'a> {
    pub(super) book: &'a mut Book,
    pub(super) overlay: Overlay,
    pub(super) feed: &'a mut dyn UserFeed,
    pub(super) counts: Counts,
    pub(super) failed: Option<ExecError>,
}

/// One thread's own.
struct Worker {
    number: usize,
    session: Session,
    view: Arc<View>,
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

/// What is left when the workers have ended.
pub(super) struct Left<'a> {
    pub(super) ordered: Ordered<'a>,
    /// What nobody settled, in order; only after a panic.
    pub(super) rest: Vec<Arc<Recovered<Tx>>>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        world: World,
        below: Arc<Overlay>,
        ordered: Ordered<'a>,
        workers: &'a Workers,
        first: Vec<Recovered<Tx>>,
    ) -> Self {
        let width = Width::new(WIDTH_FIRST * workers.count, WIDTH_MOST * workers.count);
        let window = Window::new(width, workers.count);
        window.feed(first, true);
        Self {
            window,
            memory: Arc::new(Memory::new()),
            below,
            ordered: Mutex::new(ordered),
            world,
            workers,
            ahead_runs: AtomicU64::new(0),
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
        let rest = match self.is_poisoned.into_inner() {
            true => self.window.into_rest(),
            false => Vec::new(),
        };
        Ok(Left { ordered, rest })
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
        let view = Arc::new(View::new(
            Arc::clone(&self.memory),
            Arc::clone(&self.below),
            pace,
        ));
        let world = &self.world;
        let mut session = Session::open_over(
            Arc::clone(&world.rules),
            Overlay::through(Arc::clone(&view) as Arc<dyn StateRead>),
            world.context.clone(),
            world.natives,
        )?;
        if world.listens {
            session.listen();
        }
        Ok(Worker {
            number,
            session,
            view,
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
                    let run =
                        |(place, item): (u64, &Arc<_>)| self.run_ahead(&mut worker, place, item);
                    let done: Result<Vec<_>, _> = (place..).zip(&items).map(run).collect();
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

    /// Runs a transaction ahead of its turn; twice, if the first run met what was being made anew.
    fn run_ahead(
        &self,
        worker: &mut Worker,
        place: u64,
        tx: &Recovered<Tx>,
    ) -> Result<Done, Poisoned> {
        let mut runs = 0;
        loop {
            runs += 1;
            self.ahead_runs.fetch_add(1, Ordering::Relaxed);
            let done = self.run_once(worker, place, tx)?;
            match done.reads.estimated {
                Some(before) if runs < AHEAD_MAX => self.wait_past(worker, before),
                _ => return Ok(done),
            }
        }
    }

    fn wait_past(&self, worker: &Worker, place: u64) {
        if self.workers.baton.is_none() {
            return self.window.wait_past(place);
        }
        while !self.window.is_past(place) {
            self.step(worker);
        }
    }

    fn run_once(
        &self,
        worker: &mut Worker,
        place: u64,
        tx: &Recovered<Tx>,
    ) -> Result<Done, Poisoned> {
        let Worker { session, view, .. } = worker;
        view.stand_at(place);
        let named = tx.inner().signature().s().is_zero();
        session.refuse_code_at_sender(!named);
        let env = tx::to_env(tx);
        let ran = catch_unwind(AssertUnwindSafe(|| session.user_ahead(env)));
        let ran = ran.map_err(|_| self.poison())?;
        let reads = view.take_reads();
        let said = session.heard();
        let mut written = Written::default();
        let end = match ran {
            Ok(Ahead {
                ended,
                reward_wei,
                tally,
            }) => {
                let beneficiary = self.world.context.info.beneficiary;
                let is_plain = |at| session.is_plain(at);
                let credited = credited(session.tx_env(), beneficiary, &ended, &reads, is_plain);
                let ranges = tally.into_ranges();
                written = self.memory.publish(place, &ended.state, credited, &ranges);
                Some(Ok(Ended {
                    result: ended,
                    reward_wei,
                    credited,
                    ranges,
                }))
            }
            Err(ExecError::Refused(refused)) => Some(Err(refused)),
            // A read that failed, or was stopped, may go well in its turn.
            Err(_) => None,
        };
        Ok(Done {
            end,
            reads,
            written,
            said,
        })
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
                Turn::Yield | Turn::Over => return Ok(()),
                Turn::Feed(wanted) => {
                    let feed = &mut *ordered.feed;
                    let items: Vec<_> =
                        std::iter::from_fn(|| feed.next_tx()).take(wanted).collect();
                    let has_more = items.len() == wanted;
                    self.window.feed(items, has_more);
                }
                Turn::Direct { place, item } => {
                    settled.extend(self.turn_of(worker, ordered, place, &item, None)?);
                }
                Turn::Settle { place, ready } => {
                    for (place, (item, done)) in (place..).zip(ready) {
                        match self.turn_of(worker, ordered, place, &item, Some(done)) {
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

    /// A transaction's turn. `None`: the work is over.
    fn turn_of(
        &self,
        worker: &mut Worker,
        ordered: &mut Ordered<'_>,
        place: u64,
        tx: &Recovered<Tx>,
        done: Option<Done>,
    ) -> Result<Option<Settled>, Poisoned> {
        let limit = self.world.rules.user_gas_limit;
        let gas_left = limit.saturating_sub(ordered.book.user_gas_used());
        if gas_left < TRANSFER_GAS {
            self.window.stop();
            return Ok(None);
        }
        if !ordered.feed.stands(tx) {
            if let Some(done) = &done {
                self.take_back(place, &done.written);
            }
            return Ok(Some(Settled::Direct));
        }
        ordered.counts.transactions += 1;
        let Some(mut done) = done else {
            self.run_direct(worker, ordered, place, tx, gas_left)?;
            return Ok(Some(Settled::Direct));
        };
        if let Err(refused) = admit(&worker.session, tx, gas_left) {
            self.take_back(place, &done.written);
            ordered.feed.ended(tx.clone(), Err(refused), Vec::new());
            return Ok(Some(Settled::Direct));
        }
        let overlay = &mut ordered.overlay;
        let kept = catch_unwind(AssertUnwindSafe(|| self.kept(overlay, place, &mut done)));
        match kept.map_err(|_| self.poison())? {
            Ok(Some(Ok(result))) => {
                let (outcome, state) = ordered.book.record_user(tx, result, overlay);
                worker.session.recycle(ordered.feed.left(state));
                ordered.feed.ended(tx.clone(), Ok(outcome), done.said);
            }
            Ok(Some(Err(refused))) => ordered.feed.ended(tx.clone(), Err(refused), Vec::new()),
            Ok(None) => {
                ordered.counts.stale += 1;
                self.memory.estimate(place, &done.written);
                self.run_direct(worker, ordered, place, tx, gas_left)?;
                self.memory.retract(place, &done.written);
                return Ok(Some(Settled::Stale));
            }
            Err(error) => return Ok(self.fail(ordered, error)),
        }
        Ok(Some(Settled::Clean))
    }

    /// How a run ahead ends in its turn; `None`: it was in vain.
    fn kept(
        &self,
        overlay: &mut Overlay,
        place: u64,
        done: &mut Done,
    ) -> Result<Option<Result<ResultAndState, TxRefused>>, ExecError> {
        let Some(end) = done.end.take() else {
            return Ok(None);
        };
        if !holds(overlay, &end, done) {
            return Ok(None);
        }
        Ok(Some(match end {
            Ok(ended) => Ok(self.shifted(overlay, place, ended)?),
            Err(refused) => Err(refused),
        }))
    }

    fn take_back(&self, place: u64, written: &Written) {
        self.memory.estimate(place, written);
        self.memory.retract(place, written);
    }

    fn fail(&self, ordered: &mut Ordered<'_>, error: ExecError) -> Option<Settled> {
        ordered.failed = Some(error);
        self.window.stop();
        None
    }

    /// Runs a transaction in its turn, as the plain loop does, over the state that it keeps.
    fn run_direct(
        &self,
        worker: &mut Worker,
        ordered: &mut Ordered<'_>,
        place: u64,
        tx: &Recovered<Tx>,
        gas_left: u64,
    ) -> Result<(), Poisoned> {
        ordered.counts.runs += 1;
        let session = &mut worker.session;
        session.swap_overlay(&mut ordered.overlay);
        let ran = catch_unwind(AssertUnwindSafe(|| run_user(session, tx, gas_left, None)));
        session.swap_overlay(&mut ordered.overlay);
        let said = session.heard();
        match ran.map_err(|_| self.poison())? {
            Ok(ended) => {
                // A single worker is never ahead of its turn, so nobody reads this.
                if self.workers.count > 1 {
                    self.memory
                        .publish(place, &ended.state, None, &HashMap::default());
                }
                let overlay = &mut ordered.overlay;
                let (outcome, state) = ordered.book.record_user(tx, ended, overlay);
                session.recycle(ordered.feed.left(state));
                ordered.feed.ended(tx.clone(), Ok(outcome), said);
            }
            Err(ExecError::Refused(refused)) => {
                ordered.feed.ended(tx.clone(), Err(refused), Vec::new());
            }
            Err(error) => {
                self.fail(ordered, error);
            }
        }
        Ok(())
    }

    /// Shifts a result that holds to the state as it is: coins and words that were only added to.
    fn shifted(
        &self,
        overlay: &mut Overlay,
        place: u64,
        ended: Ended,
    ) -> Result<ResultAndState, ExecError> {
        let Ended {
            mut result,
            reward_wei,
            credited,
            ranges,
        } = ended;
        let state = &mut result.state;
        // In the order of a hash map: each word is moved for itself.
        for word in ranges.keys() {
            let Some(slot) = state
                .get_mut(&word.0)
                .and_then(|account| account.storage.get_mut(&word.1))
            else {
                continue;
            };
            let now = overlay.storage(word.0, word.1)?;
            let moved = slot.present_value.wrapping_sub(slot.original_value);
            slot.original_value = now;
            slot.present_value = now.wrapping_add(moved);
            if !moved.is_zero() {
                self.memory.settle_word(place, *word, slot.present_value);
            }
        }
        if let Some((to, wei)) = credited
            && let Some(account) = state.get_mut(&to)
        {
            let now = overlay.basic(to)?.unwrap_or_default();
            let original = account.original_info_mut();
            (original.balance, original.nonce) = (now.balance, now.nonce);
            account.info.balance = now.balance.saturating_add(wei);
            account.info.nonce = now.nonce;
            self.memory.settle_account(place, to, plain(&account.info));
        }
        if let Some(reward_wei) = reward_wei {
            self.reward(overlay, place, state, reward_wei)?;
        }
        Ok(result)
    }

    /// Pays the beneficiary, as the last step of a transaction does.
    fn reward(
        &self,
        overlay: &mut Overlay,
        place: u64,
        state: &mut EvmState,
        reward_wei: U256,
    ) -> Result<(), ExecError> {
        let beneficiary = self.world.context.info.beneficiary;
        let mut account = Account::from(overlay.basic(beneficiary)?.unwrap_or_default());
        account.mark_touch();
        // As the EVM: a balance that would leave 256 bits stays.
        if let Some(balance) = account.info.balance.checked_add(reward_wei) {
            account.info.balance = balance;
        }
        if account.is_changed() {
            let info = plain(&account.info);
            self.memory.settle_account(place, beneficiary, info);
        }
        state.insert(beneficiary, account);
        Ok(())
    }
}

/// Somebody panicked: the rest of the block runs as a plain loop.
struct Poisoned;

/// Whether everything that a run read still is as it was, or may be another.
fn holds(overlay: &mut Overlay, end: &Result<Ended, TxRefused>, done: &Done) -> bool {
    let none = HashMap::default();
    let (credited, ranges) = match end {
        Ok(ended) => (ended.credited, &ended.ranges),
        Err(_) => (None, &none),
    };
    let account_holds = |overlay: &mut Overlay, address: Address, read: &super::view::Read<_>| {
        if let Some((to, wei)) = credited.filter(|(to, _)| *to == address) {
            let Ok(now) = overlay.basic(to) else {
                return false;
            };
            let now = now.unwrap_or_default();
            return now.code_hash == KECCAK256_EMPTY && now.balance.checked_add(wei).is_some();
        }
        match overlay.known_account(address) {
            Some(now) => now == read.value,
            None => read.is_untouched,
        }
    };
    let accounts = &done.reads.accounts;
    let all_accounts = accounts
        .iter()
        .all(|(address, read)| account_holds(overlay, *address, read));
    all_accounts
        && done.reads.words.iter().all(|(word, read)| {
            let known = overlay.known_word(word.0, word.1);
            match (ranges.get(word), known) {
                (None, Some(now)) => now == read.value,
                (None, None) => read.is_untouched,
                (Some(range), Some(now)) => range.contains(now),
                (Some(range), None) => overlay
                    .storage(word.0, word.1)
                    .is_ok_and(|now| range.contains(now)),
            }
        })
}
