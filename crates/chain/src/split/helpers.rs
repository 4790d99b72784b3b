//! The node's side: who helps, and what they are given.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use alloy_primitives::{B256, Bytes};
use capstan_evm::{
    StateError, StateRead as _,
    verify::{Asked, Claim, Hand, Piece, Verified, VerifyError, verify_with_hands},
};
use parking_lot::Mutex;

use super::{
    Token,
    token::same,
    wire::{Done, Given, Hello, Job, Known, Line, Proof, VERSION, Welcome, frame, kind, read},
};
use crate::{ChainError, Genesis};

/// How long a stranger may take to prove itself, and a worker with one message.
const STRANGER_PATIENCE: Duration = Duration::from_secs(2);
const WORKER_PATIENCE: Duration = Duration::from_secs(5);
/// Connections that have not proven themselves yet.
const STRANGERS_MAX: usize = 16;
/// Workers of one node.
const WORKERS_MAX: usize = 256;
/// How often the listener looks whether it should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Workers that wait for a block.
pub struct Helpers {
    idle: Mutex<Vec<Line>>,
    pieces: AtomicU64,
    strangers: AtomicUsize,
    stopping: AtomicBool,
    address: SocketAddr,
    token: Token,
    genesis: Bytes,
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
    /// Listens for workers on this machine.
    ///
    /// # Errors
    /// The address is not of this machine alone, or taken.
    pub fn listen(
        address: SocketAddr,
        token: Token,
        genesis: &Genesis,
    ) -> Result<Arc<Self>, ChainError> {
        let failed = |why: String| ChainError::Helpers(format!("{address}: {why}"));
        if !address.ip().is_loopback() {
            return Err(failed(
                "what workers are sent is not encrypted: listen on 127.0.0.1 or ::1".to_owned(),
            ));
        }
        let listener = TcpListener::bind(address).map_err(|error| failed(error.to_string()))?;
        let ready = listener
            .local_addr()
            .and_then(|address| listener.set_nonblocking(true).map(|()| address));
        let helpers = Arc::new(Self {
            idle: Mutex::default(),
            pieces: AtomicU64::new(0),
            strangers: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            address: ready.map_err(|error| failed(error.to_string()))?,
            token,
            genesis: genesis.to_json().into_bytes().into(),
        });
        let listening = Arc::downgrade(&helpers);
        thread::Builder::new()
            .name("helpers".to_owned())
            .spawn(move || {
                while let Some(helpers) = listening.upgrade() {
                    if helpers.stopping.load(Ordering::Relaxed) {
                        return;
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
        self.idle.lock().len()
    }

    /// Pieces that workers have run.
    pub fn piece_count(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Takes no more workers.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.idle.lock().clear();
    }

    /// Lets somebody prove itself, beside whoever else does.
    fn meet(self: Arc<Self>, stream: TcpStream) {
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
                    Err(error) => {
                        tracing::warn!(%error, "somebody who is no worker of this node was turned away");
                    }
                }
                met.strangers.fetch_sub(1, Ordering::Relaxed);
            });
        if thread.is_err() {
            self.strangers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn welcome(&self, stream: TcpStream) -> io::Result<Line> {
        stream.set_nonblocking(false)?;
        let mut line = Line::new(stream, STRANGER_PATIENCE)?;
        let number = B256::random();
        let version = VERSION;
        line.send(kind::HELLO, &Hello { version, number })?;
        let theirs: Proof = line.expect(kind::PROOF)?;
        let must = self.token.proof("worker", number, theirs.number);
        if !same(theirs.proof, must) {
            return Err(io::Error::other("it does not know the token"));
        }
        line.trust(Some(WORKER_PATIENCE))?;
        let welcome = Welcome {
            proof: self.token.proof("node", number, theirs.number),
            genesis: self.genesis.clone(),
        };
        line.send(kind::WELCOME, &welcome)?;
        Ok(line)
    }

    fn add(&self, line: Line) {
        let mut idle = self.idle.lock();
        if idle.len() < WORKERS_MAX && !self.stopping.load(Ordering::Relaxed) {
            idle.push(line);
            tracing::info!(workers = idle.len(), "a worker helps to verify");
        }
        metrics::gauge!("capstan_verify_workers").set(idle.len() as f64);
    }

    /// Verifies a block on so many threads here and by all workers that wait.
    ///
    /// # Errors
    /// As [`capstan_evm::verify::verify`].
    pub fn verify(&self, claim: &Claim<'_>, threads: usize) -> Result<Verified, VerifyError> {
        let lines = std::mem::take(&mut *self.idle.lock());
        let (job, known) = (OnceLock::new(), OnceLock::new());
        let each = lines.into_iter().map(|line| Remote {
            line: Some(line),
            claim,
            job: &job,
            known: &known,
            is_told: false,
            pieces: &self.pieces,
        });
        let mut remote: Vec<Remote<'_>> = each.collect();
        let hands = remote.iter_mut().map(|hand| hand as &mut dyn Hand);
        let verified = verify_with_hands(claim, threads, hands.collect());
        self.give_back(remote.into_iter().filter_map(|hand| hand.line));
        verified
    }

    /// Workers that took part in a block wait for the next, unless nobody waits any more: then their lines end here.
    fn give_back(&self, lines: impl IntoIterator<Item = Line>) {
        let mut idle = self.idle.lock();
        // Under the lock: who stops raises the flag first and clears the list then.
        if !self.stopping.load(Ordering::Relaxed) {
            idle.extend(lines);
        }
        metrics::gauge!("capstan_verify_workers").set(idle.len() as f64);
    }
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

/// What its transactions need of the parent, but code and old hashes; `None` as above.
fn known(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let declared = asked.declared().ok()?;
    let known = Known {
        accounts: declared.accounts.into_iter().map(Into::into).collect(),
        words: declared.words,
    };
    frame(kind::DECLARED, &known).ok()
}

/// A worker during one block.
struct Remote<'b> {
    /// Gone when it is lost.
    line: Option<Line>,
    claim: &'b Claim<'b>,
    /// Each made by the first who needs it, while this process's own threads work.
    job: &'b OnceLock<Option<Vec<u8>>>,
    known: &'b OnceLock<Option<Vec<u8>>>,
    /// Whether what is known has been told.
    is_told: bool,
    pieces: &'b AtomicU64,
}

impl Hand for Remote<'_> {
    fn begin(&mut self) {
        let job = self.job.get_or_init(|| job(self.claim));
        if let (Some(job), Some(line)) = (job, &mut self.line)
            && let Err(error) = line.send_frame(job)
        {
            lost(&error);
            self.line = None;
        }
    }

    fn run(&mut self, asked: &Asked<'_>, meanwhile: &mut dyn FnMut()) -> Option<Piece> {
        self.job.get()?.as_ref()?;
        let known = self.known.get_or_init(|| known(asked)).as_deref()?;
        let mut line = self.line.take()?;
        match self.ask(&mut line, known, asked, meanwhile) {
            Ok(piece) => {
                self.line = Some(line);
                piece
            }
            Err(error) => {
                lost(&error);
                None
            }
        }
    }
}

fn lost(error: &io::Error) {
    metrics::counter!("capstan_verify_workers_lost_total").increment(1);
    tracing::warn!(%error, "a worker is lost; its transactions run in this process");
}

impl Remote<'_> {
    fn ask(
        &mut self,
        line: &mut Line,
        known: &[u8],
        asked: &Asked<'_>,
        meanwhile: &mut dyn FnMut(),
    ) -> io::Result<Option<Piece>> {
        if !self.is_told {
            line.send_frame(known)?;
            self.is_told = true;
        }
        let given: Vec<Given<'_>> = asked.transactions.iter().map(Given::from).collect();
        line.send(kind::RUN, &given)?;
        meanwhile();
        loop {
            let (of, body) = line.receive()?;
            match of {
                kind::PIECE => {
                    self.pieces.fetch_add(1, Ordering::Relaxed);
                    return Ok(Some(read::<Done>(&body)?.into()));
                }
                kind::MISFIT => return Ok(None),
                kind::NEED_CODE => {
                    let code = self.claim.parent.code(read(&body)?).map_err(own)?;
                    line.send(kind::ANSWER, &code)?;
                }
                kind::NEED_HASH => {
                    let hash = self.claim.parent.block_hash(read(&body)?).map_err(own)?;
                    line.send(kind::ANSWER, &Bytes::from(hash.0))?;
                }
                of => return Err(super::wire::bad(format!("a frame of kind {of}"))),
            }
        }
    }
}

fn own(error: StateError) -> io::Error {
    io::Error::other(error.to_string())
}
