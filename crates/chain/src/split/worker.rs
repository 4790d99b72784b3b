//! The worker's side: it runs pieces of blocks for a node, and keeps nothing but code.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_evm::{
    AccountInfo, Rules, StateError, StateRead,
    verify::{Claim, Declared, Helper, Placed, VerifyError},
};
use parking_lot::Mutex;

use super::{
    Token,
    token::same,
    wire::{
        Done, FRAME_MAX, Hello, Job, Known, KnownAccount, Line, Proof, Taken, VERSION, Welcome,
        bad, kind, read,
    },
};
use crate::{Genesis, chain::on_big_stack};

/// How long the node may take with what it says first.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long until a node that is not there is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Bytes of a welcome, which has the chain's genesis.
const WELCOME_MAX: u32 = 64 << 20;
/// Bytes of code that are kept.
const CODE_BYTES_MAX: usize = 64 << 20;

/// What a worker tells of its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The node has taken it, and it waits for blocks.
    Helps,
    /// It ran so many transactions.
    Ran(usize),
    /// It helps no more, and tries again.
    Lost(String),
}

/// Helps a node until `stopping` says so. Where the node goes away, it waits for it.
///
/// # Errors
/// This node will never take it: it does not know the token, or speaks another version of the protocol. Said by somebody
/// else who stands there once the node has been met, it is no reason to end.
pub fn help(
    node: SocketAddr,
    token: &Token,
    stopping: &dyn Fn() -> bool,
    tell: &(dyn Fn(Told) + Sync),
) -> io::Result<()> {
    let was_taken = AtomicBool::new(false);
    let tell_and_note = |told: Told| {
        was_taken.fetch_or(told == Told::Helps, Ordering::Relaxed);
        tell(told);
    };
    while !stopping() {
        match help_once(node, token, &tell_and_note) {
            Ok(()) => tell(Told::Lost("the node has closed the line".to_owned())),
            Err(error) if is_final(&error) && !was_taken.load(Ordering::Relaxed) => {
                return Err(error);
            }
            Err(error) => tell(Told::Lost(error.to_string())),
        }
        std::thread::sleep(AGAIN_AFTER);
    }
    Ok(())
}

/// Whether trying again would end in the same way.
fn is_final(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
    )
}

/// Helps a node until the line ends.
///
/// # Errors
/// The node is not there, does not know the token, or says something else.
pub fn help_once(node: SocketAddr, token: &Token, tell: &(dyn Fn(Told) + Sync)) -> io::Result<()> {
    let mut line = Line::new(TcpStream::connect_timeout(&node, PATIENCE)?, PATIENCE)?;
    let hello: Hello = line.expect(kind::HELLO)?;
    if hello.version != VERSION {
        let theirs = hello.version;
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "the node speaks version {theirs} of the protocol, this program {VERSION}: use the same capstan"
            ),
        ));
    }
    let number = B256::random();
    let proof = token.proof("worker", hello.number, number);
    line.send(kind::PROOF, &Proof { number, proof })?;
    line.trust(WELCOME_MAX);
    let (of, body) = line.receive()?;
    if of == kind::REFUSED {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the node does not know this token",
        ));
    }
    let welcome: Welcome = match of {
        kind::WELCOME => read(&body)?,
        of => return Err(bad(format!("a frame of kind {of}, and no welcome"))),
    };
    if !same(welcome.proof, token.proof("node", hello.number, number)) {
        return Err(io::Error::other(
            "whoever answers there does not know the token",
        ));
    }
    line.trust(FRAME_MAX);
    // Between blocks it is quiet for as long as the chain is.
    line.at_leisure();
    let genesis = String::from_utf8_lossy(&welcome.genesis);
    let genesis = Genesis::from_json(&genesis).map_err(|error| bad(error.to_string()))?;
    let rules = Arc::new(genesis.rules());
    tell(Told::Helps);
    on_big_stack(|| work(line, &rules, tell))
}

/// Jobs, one after another.
fn work(line: Line, rules: &Arc<Rules>, tell: &dyn Fn(Told)) -> io::Result<()> {
    let line = Arc::new(Mutex::new(line));
    let codes = Arc::new(Mutex::new(Codes::default()));
    let mut next = receive(&line)?;
    while let Some((of, body)) = next {
        match of {
            kind::JOB => next = job(&line, &codes, rules, read(&body)?, tell)?,
            of => return Err(bad(format!("a frame of kind {of} before any job"))),
        }
    }
    Ok(())
}

/// The next frame; `None` where the node has closed the line.
fn receive(line: &Mutex<Line>) -> io::Result<Option<(u8, Vec<u8>)>> {
    match line.lock().receive() {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        frame => frame.map(Some),
    }
}

/// One block: pieces of it until something else comes, which is answered.
fn job(
    line: &Arc<Mutex<Line>>,
    codes: &Arc<Mutex<Codes>>,
    rules: &Arc<Rules>,
    job: Job,
    tell: &dyn Fn(Told),
) -> io::Result<Option<(u8, Vec<u8>)>> {
    let parent = Shipped {
        line: Arc::clone(line),
        codes: Arc::clone(codes),
    };
    let claim = Claim {
        rules: Arc::clone(rules),
        parent: Arc::new(parent),
        context: job.context(
            rules.chain_id,
            rules.gas_limit(),
            rules.version_at(job.number),
        ),
        transactions: &[],
        access_list: &job.access_list,
        access_list_hash: job.access_list_hash,
    };
    // No user's transaction asks for less, and the system's are numbered.
    let most = rules.gas_limit() / 21_000 + u64::from(u16::MAX);
    if job.count > most {
        return Err(bad(format!("a block of {} transactions", job.count)));
    }
    let count = usize::try_from(job.count).map_err(io::Error::other)?;
    let mut helper = Helper::open(&claim, count);
    loop {
        let piece: Vec<Taken> = match receive(line)? {
            Some((kind::DECLARED, body)) => {
                learn(&helper, read(&body)?)?;
                continue;
            }
            Some((kind::RUN, body)) => read(&body)?,
            other => return Ok(other),
        };
        let piece = piece.into_iter().map(Placed::try_from);
        let piece = piece.collect::<io::Result<Vec<_>>>()?;
        let piece = match &mut helper {
            Ok(helper) => helper.run(&piece).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match piece {
            Ok(piece) => {
                tell(Told::Ran(piece.ends.len()));
                line.lock().send(kind::PIECE, &Done::from(piece))?;
            }
            Err(why) => line
                .lock()
                .send(kind::MISFIT, &Bytes::from(why.into_bytes()))?,
        }
    }
}

/// Takes what the parent has. Where the list was none, nothing will be run.
fn learn(helper: &Result<Helper<'_>, VerifyError>, known: Known) -> io::Result<()> {
    let Ok(helper) = helper else {
        return Ok(());
    };
    let accounts = known.accounts.iter().map(KnownAccount::info);
    let declared = Declared {
        accounts: accounts.collect::<io::Result<_>>()?,
        words: known.words,
    };
    match helper.learn(declared) {
        true => Ok(()),
        false => Err(bad("places that are not those of the list".to_owned())),
    }
}

/// Code by hash, for all blocks.
#[derive(Default)]
struct Codes {
    all: HashMap<B256, Bytes>,
    bytes: usize,
}

/// The parent, of which everything but code and old hashes came with the job.
struct Shipped {
    line: Arc<Mutex<Line>>,
    codes: Arc<Mutex<Codes>>,
}

impl Shipped {
    fn ask(&self, of: u8, what: &impl alloy_rlp::Encodable) -> Result<Bytes, StateError> {
        let mut line = self.line.lock();
        let answer = line.send(of, what).and_then(|()| line.expect(kind::ANSWER));
        answer.map_err(|error| StateError::Storage(error.to_string()))
    }
}

impl StateRead for Shipped {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let slot = None;
        Err(StateError::Undeclared { address, slot })
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let slot = Some(slot);
        Err(StateError::Undeclared { address, slot })
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if let Some(code) = self.codes.lock().all.get(&hash) {
            return Ok(code.clone());
        }
        let code = self.ask(kind::NEED_CODE, &hash)?;
        let mut codes = self.codes.lock();
        if codes.bytes + code.len() > CODE_BYTES_MAX {
            *codes = Codes::default();
        }
        codes.bytes += code.len();
        codes.all.insert(hash, code.clone());
        Ok(code)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let bytes = self.ask(kind::NEED_HASH, &number)?;
        let hash = B256::try_from(bytes.as_ref());
        hash.map_err(|_| StateError::Storage("a hash of another length".to_owned()))
    }
}
