//! The node's side: who helps, and what they are given.

use std::{
    hash::{BuildHasher as _, RandomState},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use alloy_consensus::Transaction as _;
use alloy_primitives::{B256, Bytes, Log, map::B256Set};
use capstan_evm::{
    Receipt, StateError, StateRead as _,
    verify::{Answer, Asked, Claim, Hand, Piece, Verified, VerifyError, verify, verify_with_hands},
};
use parking_lot::Mutex;

use super::{
    Token,
    token::same,
    wire::{
        Done, FRAME_MAX, Given, Hello, Job, Known, Line, Proof, VERSION, Welcome, bad, frame, kind,
        read,
    },
};
use crate::{ChainError, Genesis};

/// How long the other side may take, all messages of it together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// A stranger, to prove itself.
    pub(super) stranger: Duration,
    /// A worker, to take a block, and to run a piece of it with all that it asks meanwhile.
    pub(super) worker: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stranger: Duration::from_secs(2),
            worker: Duration::from_secs(5),
        }
    }
}

/// Connections that have not proven themselves yet.
const STRANGERS_MAX: usize = 64;
/// Workers of one node.
const WORKERS_MAX: usize = 256;
/// How often the listener looks whether it should end, and whether workers that wait are still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOK_AT_WORKERS_EVERY: Duration = Duration::from_secs(1);
/// How long nobody new is taken once a worker was let go for what it said; twice as long each time, so many times.
const WARY: Duration = Duration::from_secs(10);
const WARY_DOUBLED_MAX: u32 = 8;
/// How often it is said that strangers came.
const STRANGERS_SAID_EVERY: Duration = Duration::from_secs(60);
/// Bytes for how one transaction ended, its logs aside, and for what frames are made of.
const END_BYTES: u64 = 64;
/// Old blocks whose hashes code can ask for.
const HASHES: u64 = 256;

/// Workers that wait for a block.
pub struct Helpers {
    workers: Mutex<Workers>,
    pieces: AtomicU64,
    strangers: AtomicUsize,
    turned_away: Mutex<TurnedAway>,
    stopping: AtomicBool,
    address: SocketAddr,
    token: Token,
    genesis: Bytes,
    patience: Patience,
}

#[derive(Default)]
struct Workers {
    /// Those that wait.
    idle: Vec<Line>,
    /// How many take part in a block.
    lent: usize,
    /// How many were let go for what they said, and until when nobody new is taken for it.
    liars: u32,
    wary_until: Option<Instant>,
}

impl Workers {
    fn are_full(&self) -> bool {
        self.idle.len() + self.lent >= WORKERS_MAX
    }

    fn is_wary(&self) -> bool {
        self.wary_until.is_some_and(|until| Instant::now() < until)
    }

    /// Somebody lied, or worse: whoever comes next may well be the same.
    fn grow_wary(&mut self) {
        let doubled = self.liars.min(WARY_DOUBLED_MAX);
        self.liars = self.liars.saturating_add(1);
        self.wary_until = Some(Instant::now() + WARY * 2_u32.pow(doubled));
    }

    fn tell_count(&self) {
        let count = self.idle.len() + self.lent;
        metrics::gauge!("capstan_verify_workers").set(count as f64);
    }
}

/// Strangers, as far as the log has heard of them.
#[derive(Default)]
struct TurnedAway {
    said: Option<Instant>,
    unsaid: u64,
}

impl std::fmt::Debug for Helpers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Helpers")
            .field("address", &self.address)
            .field("idle", &self.count())
            .finish_non_exhaustive()
    }
}

impl Helpers {
    /// Takes an address of this machine, on which nobody is answered yet.
    ///
    /// # Errors
    /// The address is not of this machine alone, or taken.
    pub fn bind(address: SocketAddr) -> Result<TcpListener, ChainError> {
        let failed = |why: String| ChainError::Helpers(format!("{address}: {why}"));
        if !address.ip().is_loopback() {
            return Err(failed(
                "what workers are sent is not encrypted: listen on 127.0.0.1 or ::1".to_owned(),
            ));
        }
        TcpListener::bind(address).map_err(|error| failed(error.to_string()))
    }

    /// Listens there for workers.
    ///
    /// # Errors
    /// The system gives no thread for it.
    pub fn listen(
        listener: TcpListener,
        token: Token,
        genesis: &Genesis,
    ) -> Result<Arc<Self>, ChainError> {
        Self::listen_with(listener, token, genesis, Patience::default())
    }

    pub(super) fn listen_with(
        listener: TcpListener,
        token: Token,
        genesis: &Genesis,
        patience: Patience,
    ) -> Result<Arc<Self>, ChainError> {
        let failed = |why: String| ChainError::Helpers(why);
        let ready = listener
            .local_addr()
            .and_then(|address| listener.set_nonblocking(true).map(|()| address));
        let helpers = Arc::new(Self {
            workers: Mutex::default(),
            pieces: AtomicU64::new(0),
            strangers: AtomicUsize::new(0),
            turned_away: Mutex::default(),
            stopping: AtomicBool::new(false),
            address: ready.map_err(|error| failed(error.to_string()))?,
            token,
            genesis: genesis.to_json().into_bytes().into(),
            patience,
        });
        let listening = Arc::downgrade(&helpers);
        thread::Builder::new()
            .name("helpers".to_owned())
            .spawn(move || {
                let mut looked = Instant::now();
                while let Some(helpers) = listening.upgrade() {
                    if helpers.stopping.load(Ordering::Relaxed) {
                        return;
                    }
                    if looked.elapsed() >= LOOK_AT_WORKERS_EVERY {
                        helpers.look_at_workers();
                        looked = Instant::now();
                    }
                    match listener.accept() {
                        Ok((stream, _)) => helpers.meet(stream),
                        Err(_) => {
                            drop(helpers);
                            thread::sleep(LOOK_EVERY);
                        }
                    }
                }
            })
            .map_err(|error| failed(error.to_string()))?;
        Ok(helpers)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Workers that wait.
    pub fn count(&self) -> usize {
        self.workers.lock().idle.len()
    }

    /// Pieces that workers have answered.
    pub fn piece_count(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Takes no more workers.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let mut workers = self.workers.lock();
        workers.idle.clear();
        workers.tell_count();
    }

    /// Lets somebody prove itself, beside whoever else does.
    fn meet(self: Arc<Self>, stream: TcpStream) {
        if self.workers.lock().is_wary() {
            return;
        }
        if self.strangers.fetch_add(1, Ordering::Relaxed) >= STRANGERS_MAX {
            self.strangers.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let met = Arc::clone(&self);
        let thread = thread::Builder::new()
            .name("helper-hello".to_owned())
            .spawn(move || {
                match met.welcome(stream) {
                    Ok(line) => met.add(line),
                    Err(error) => met.turn_away(&error),
                }
                met.strangers.fetch_sub(1, Ordering::Relaxed);
            });
        if thread.is_err() {
            self.strangers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn welcome(&self, stream: TcpStream) -> io::Result<Line> {
        stream.set_nonblocking(false)?;
        let mut line = Line::new(stream, self.patience.stranger)?;
        let number = B256::random();
        let version = VERSION;
        line.send(kind::HELLO, &Hello { version, number })?;
        let theirs: Proof = line.expect(kind::PROOF)?;
        let must = self.token.proof("worker", number, theirs.number);
        if !same(theirs.proof, must) {
            line.send(kind::REFUSED, &Bytes::new())?;
            return Err(io::Error::other("it does not know the token"));
        }
        let welcome = Welcome {
            proof: self.token.proof("node", number, theirs.number),
            genesis: self.genesis.clone(),
        };
        line.send(kind::WELCOME, &welcome)?;
        Ok(line)
    }

    /// Says that somebody came who is no worker: at once, and then once a minute for all who came meanwhile.
    fn turn_away(&self, why: &io::Error) {
        let mut away = self.turned_away.lock();
        away.unsaid += 1;
        if away
            .said
            .is_none_or(|at| at.elapsed() >= STRANGERS_SAID_EVERY)
        {
            let count = std::mem::take(&mut away.unsaid);
            away.said = Some(Instant::now());
            tracing::warn!(count, last = %why, "somebody who is no worker of this node was turned away");
        }
    }

    fn add(&self, line: Line) {
        let mut workers = self.workers.lock();
        if !workers.are_full() && !self.stopping.load(Ordering::Relaxed) {
            workers.idle.push(line);
            let count = workers.idle.len() + workers.lent;
            tracing::info!(workers = count, "a worker helps to verify");
        }
        workers.tell_count();
    }

    /// Lets go of workers that have ended while they waited, or that talk unasked.
    fn look_at_workers(&self) {
        let mut workers = self.workers.lock();
        let before = workers.idle.len();
        workers.idle.retain(Line::is_quiet);
        let gone = before - workers.idle.len();
        if gone > 0 {
            let left = workers.idle.len() + workers.lent;
            tracing::info!(gone, left, "workers have gone");
        }
        workers.tell_count();
    }

    /// Verifies a block on so many threads here and by all workers that wait. Whether an answer is right is what the header
    /// says; where it is not, workers or the block are wrong, and the block is verified again without them.
    ///
    /// # Errors
    /// As [`capstan_evm::verify::verify`].
    pub fn verify(
        &self,
        claim: &Claim<'_>,
        threads: usize,
        is_right: &dyn Fn(&Verified) -> bool,
    ) -> Result<Verified, VerifyError> {
        let (job, known) = (OnceLock::new(), OnceLock::new());
        let each = self.lend().into_iter().map(|line| Remote {
            line: Some(line),
            claim,
            job: &job,
            known: &known,
            is_told: false,
            ended: Vec::new(),
            helpers: self,
        });
        let mut remote: Vec<Remote<'_>> = each.collect();
        let lent = remote.len();
        let hands = remote.iter_mut().map(|hand| hand as &mut dyn Hand);
        let mut verified = verify_with_hands(claim, threads, hands.collect());
        if remote.iter().any(|hand| !hand.ended.is_empty()) {
            let is_settled = match &verified {
                Ok(verified) => is_right(verified),
                Err(VerifyError::List(_) | VerifyError::Transaction { .. }) => false,
                Err(VerifyError::Own(_) | VerifyError::Panicked(_)) => true,
            };
            if !is_settled {
                verified = alone(claim, threads, is_right, &mut remote);
            }
        }
        self.give_back(lent, remote.into_iter().filter_map(|hand| hand.line));
        verified
    }

    /// All workers that wait, for a block.
    fn lend(&self) -> Vec<Line> {
        let mut workers = self.workers.lock();
        workers.lent += workers.idle.len();
        std::mem::take(&mut workers.idle)
    }

    /// Of so many workers that took part in a block those that are left wait for the next, unless nobody waits any more: then
    /// their lines end here.
    fn give_back(&self, lent: usize, lines: impl IntoIterator<Item = Line>) {
        let mut workers = self.workers.lock();
        workers.lent -= lent;
        // Under the lock: who stops raises the flag first and clears the list then.
        if !self.stopping.load(Ordering::Relaxed) {
            workers.idle.extend(lines);
        }
        workers.tell_count();
    }
}

/// The same without workers. Where they are what was wrong, those go who said of a transaction what is not so; where nobody
/// did, what was said of touched places could be anybody's, and all go who took part.
fn alone(
    claim: &Claim<'_>,
    threads: usize,
    is_right: &dyn Fn(&Verified) -> bool,
    workers: &mut [Remote<'_>],
) -> Result<Verified, VerifyError> {
    let verified = verify(claim, threads)?;
    if is_right(&verified) {
        let ends = ends_of(verified.receipts());
        let lied = |worker: &Remote<'_>| {
            let mut said = worker.ended.iter();
            said.any(|(place, end)| ends.get(*place as usize) != Some(end))
        };
        let is_known = workers.iter().any(lied);
        for worker in workers.iter_mut().filter(|worker| !worker.ended.is_empty()) {
            if !is_known || lied(worker) {
                worker.dismiss("what it said of a block is not so");
            }
        }
    }
    Ok(verified)
}

/// How a transaction ended, in a few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    is_success: bool,
    gas_used: u64,
    log_hash: u64,
}

impl End {
    fn of(is_success: bool, gas_used: u64, logs: &[Log]) -> Self {
        // One for the process: who chooses logs cannot know it.
        static SEED: OnceLock<RandomState> = OnceLock::new();
        Self {
            is_success,
            gas_used,
            log_hash: SEED.get_or_init(RandomState::new).hash_one(logs),
        }
    }
}

fn ends_of(receipts: &[Receipt]) -> Vec<End> {
    let mut before = 0;
    let ends = receipts.iter().map(|receipt| {
        let gas_used = receipt.cumulative_gas_used().wrapping_sub(before);
        before = receipt.cumulative_gas_used();
        End::of(receipt.status(), gas_used, receipt.logs())
    });
    ends.collect()
}

/// A block, as far as its list and header say; `None` if it cannot be told: then nobody helps.
fn job(claim: &Claim<'_>) -> Option<Vec<u8>> {
    let info = &claim.context.info;
    let job = Job {
        number: info.number,
        time_ms: info.time_ms,
        beneficiary: info.beneficiary,
        base_fee_wei: info.base_fee_wei,
        prevrandao: info.prevrandao,
        parent_hash: claim.context.parent_hash,
        parent_beacon_root: claim.context.parent_beacon_root,
        count: claim.transactions.len() as u64,
        access_list: Bytes::copy_from_slice(claim.access_list),
        access_list_hash: claim.access_list_hash,
    };
    frame(kind::JOB, &job).ok()
}

/// What its transactions need of the parent: accounts and words at once, code when somebody asks for it.
struct Needs {
    told: Vec<u8>,
    codes: B256Set,
}

/// `None` as above.
fn needs(asked: &Asked<'_>) -> Option<Needs> {
    let declared = asked.declared().ok()?;
    let codes = declared.accounts.iter().flatten();
    let codes = codes.map(|account| account.code_hash).collect();
    let known = Known {
        accounts: declared.accounts.into_iter().map(Into::into).collect(),
        words: declared.words,
    };
    let told = frame(kind::DECLARED, &known).ok()?;
    Some(Needs { told, codes })
}

/// A worker during one block.
struct Remote<'b> {
    /// Gone when it is lost.
    line: Option<Line>,
    claim: &'b Claim<'b>,
    /// Each made by the first who needs it, while this process's own threads work.
    job: &'b OnceLock<Option<Vec<u8>>>,
    known: &'b OnceLock<Option<Needs>>,
    /// Whether what is known has been told.
    is_told: bool,
    /// What it told of transactions, by their places.
    ended: Vec<(u32, End)>,
    helpers: &'b Helpers,
}

impl Hand for Remote<'_> {
    fn begin(&mut self) {
        let job = self.job.get_or_init(|| job(self.claim));
        if let (Some(job), Some(line)) = (job, &mut self.line) {
            line.within(self.helpers.patience.worker);
            if let Err(error) = line.send_frame(job) {
                self.lose(&error);
            }
        }
    }

    fn run(&mut self, asked: &Asked<'_>, meanwhile: &mut dyn FnMut()) -> Answer {
        let is_told = self.job.get().is_some_and(Option::is_some);
        let needs = self.known.get_or_init(|| needs(asked)).as_ref();
        let (true, Some(needs), Some(mut line)) = (is_told, needs, self.line.take()) else {
            return Answer::Nothing;
        };
        let answer = self.ask(&mut line, needs, asked, meanwhile);
        self.line = Some(line);
        answer.unwrap_or_else(|error| {
            self.lose(&error);
            Answer::Nothing
        })
    }

    fn dismiss(&mut self, why: &str) {
        if self.line.take().is_some() {
            metrics::counter!("capstan_verify_workers_lost_total").increment(1);
            tracing::warn!(
                why,
                "a worker is let go; its transactions run in this process"
            );
            self.helpers.workers.lock().grow_wary();
        }
    }
}

impl Remote<'_> {
    /// Who ends may come back; whoever does something else is let go.
    fn lose(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                if self.line.take().is_some() {
                    metrics::counter!("capstan_verify_workers_lost_total").increment(1);
                    tracing::warn!(
                        "a worker has ended in a block; its transactions run in this process"
                    );
                }
            }
            _ => self.dismiss(&error.to_string()),
        }
    }

    fn ask(
        &mut self,
        line: &mut Line,
        needs: &Needs,
        asked: &Asked<'_>,
        meanwhile: &mut dyn FnMut(),
    ) -> io::Result<Answer> {
        let patience = self.helpers.patience.worker;
        line.within(patience);
        if !self.is_told {
            line.send_frame(&needs.told)?;
            self.is_told = true;
        }
        let given: Vec<Given<'_>> = asked.transactions.iter().map(Given::from).collect();
        line.send(kind::RUN, &given)?;
        meanwhile();
        line.within(patience);
        line.trust(self.answer_max(asked));
        loop {
            let (of, body) = line.receive()?;
            match of {
                kind::PIECE => {
                    let piece = read::<Done>(&body)?.into();
                    self.note(asked, &piece);
                    return Ok(Answer::Piece(piece));
                }
                kind::MISFIT => return Ok(Answer::Misfit),
                kind::NEED_CODE => {
                    let hash = read(&body)?;
                    if !needs.codes.contains(&hash) {
                        return Err(bad(format!("it asked for code {hash} of no account")));
                    }
                    let code = self.claim.parent.code(hash).map_err(own)?;
                    line.send(kind::ANSWER, &code)?;
                }
                kind::NEED_HASH => {
                    let (number, of) = (read(&body)?, self.claim.context.info.number);
                    if number >= of || of - number > HASHES {
                        return Err(bad(format!("it asked for the hash of block {number}")));
                    }
                    let hash = self.claim.parent.block_hash(number).map_err(own)?;
                    line.send(kind::ANSWER, &Bytes::from(hash.0))?;
                }
                of => return Err(bad(format!("it sent a frame of kind {of}"))),
            }
        }
    }

    /// Bytes that an answer may have: a byte of a log costs more than two gas, and each place of the list is one bit.
    fn answer_max(&self, asked: &Asked<'_>) -> u32 {
        let gas = asked.transactions.iter().map(|one| one.tx.gas_limit());
        let gas = gas.fold(0_u64, u64::saturating_add);
        let gas = gas.min(self.claim.rules.gas_limit());
        let ends = asked.transactions.len() as u64 * END_BYTES;
        let places = self.claim.access_list.len() as u64;
        let bytes = (gas / 2).saturating_add(ends + places);
        u32::try_from(bytes).map_or(FRAME_MAX, |bytes| bytes.min(FRAME_MAX))
    }

    fn note(&mut self, asked: &Asked<'_>, piece: &Piece) {
        let places = asked.transactions.iter().map(|one| one.place);
        let ends = piece.ends.iter();
        let ends = ends.map(|end| End::of(end.success, end.gas_used, &end.logs));
        self.ended.extend(places.zip(ends));
        self.helpers.pieces.fetch_add(1, Ordering::Relaxed);
        let count = asked.transactions.len() as u64;
        metrics::counter!("capstan_verify_worker_transactions_total").increment(count);
    }
}

fn own(error: StateError) -> io::Error {
    io::Error::other(error.to_string())
}
