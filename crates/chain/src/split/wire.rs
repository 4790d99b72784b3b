//! What goes over the line between a node and its workers: frames of a length, a kind and RLP.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use capstan_evm::{
    AccountInfo, BlockContext, Tx,
    verify::{Piece, PieceEnd, Placed},
};
use capstan_state::{BlockInfo, ProtocolVersion};

/// Of the protocol; sides of another one do not work together.
pub(super) const VERSION: u32 = 4;
/// Bytes of a frame before and after the other side has proven itself.
const STRANGER_FRAME_MAX: u32 = 256;
pub(super) const FRAME_MAX: u32 = 256 << 20;
/// Bytes that a frame has room for from the start.
const FRAME_EXPECTED: u32 = 1 << 20;

/// Kinds of frames.
pub(super) mod kind {
    pub(in super::super) const HELLO: u8 = 1;
    pub(in super::super) const PROOF: u8 = 2;
    pub(in super::super) const WELCOME: u8 = 3;
    pub(in super::super) const JOB: u8 = 4;
    pub(in super::super) const RUN: u8 = 5;
    pub(in super::super) const PIECE: u8 = 6;
    pub(in super::super) const MISFIT: u8 = 7;
    pub(in super::super) const NEED_CODE: u8 = 8;
    pub(in super::super) const NEED_HASH: u8 = 9;
    pub(in super::super) const ANSWER: u8 = 10;
    pub(in super::super) const DECLARED: u8 = 11;
    pub(in super::super) const REFUSED: u8 = 12;
}

#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct Hello {
    pub(super) version: u32,
    pub(super) number: B256,
}

#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct Proof {
    pub(super) number: B256,
    pub(super) proof: B256,
}

#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct Welcome {
    pub(super) proof: B256,
    /// The chain, as its genesis file has it.
    pub(super) genesis: Bytes,
}

/// A block to help with.
#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) time_ms: u64,
    pub(super) beneficiary: Address,
    pub(super) base_fee_wei: u128,
    pub(super) prevrandao: B256,
    pub(super) parent_hash: B256,
    pub(super) parent_beacon_root: B256,
    /// Of its transactions, which come with the pieces.
    pub(super) count: u64,
    pub(super) access_list: Bytes,
    pub(super) access_list_hash: B256,
}

/// What the list of the job declares of the parent.
#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct Known {
    /// The parent's accounts that the list declares, in its order.
    pub(super) accounts: Vec<KnownAccount>,
    /// The parent's words that the list declares, in its order.
    pub(super) words: Vec<U256>,
}

#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct KnownAccount {
    pub(super) exists: bool,
    pub(super) nonce: u64,
    pub(super) balance: U256,
    /// Nothing where there is no code, as nearly everywhere.
    pub(super) code_hash: Bytes,
}

impl From<Option<AccountInfo>> for KnownAccount {
    fn from(known: Option<AccountInfo>) -> Self {
        let info = known.unwrap_or_default();
        let hash = match info.code_hash == KECCAK256_EMPTY {
            true => &[][..],
            false => info.code_hash.as_slice(),
        };
        Self {
            exists: known.is_some(),
            nonce: info.nonce,
            balance: info.balance,
            code_hash: Bytes::copy_from_slice(hash),
        }
    }
}

impl KnownAccount {
    pub(super) fn info(&self) -> io::Result<Option<AccountInfo>> {
        let code_hash = match self.code_hash.as_ref() {
            [] => KECCAK256_EMPTY,
            hash => B256::try_from(hash).map_err(|error| bad(error.to_string()))?,
        };
        Ok(self.exists.then_some(AccountInfo {
            nonce: self.nonce,
            balance: self.balance,
            code_hash,
        }))
    }
}

/// A transaction of a piece with the sender that the node found.
#[derive(RlpEncodable)]
pub(super) struct Given<'c> {
    place: u32,
    /// Which of the system's it is, from one on; 0 is a user's.
    ordinal: u32,
    sender: Address,
    tx: &'c Tx,
}

impl<'c> From<&Placed<&'c Recovered<Tx>>> for Given<'c> {
    fn from(lone: &Placed<&'c Recovered<Tx>>) -> Self {
        Self {
            place: lone.place,
            ordinal: lone.ordinal.map_or(0, |ordinal| u32::from(ordinal) + 1),
            sender: lone.tx.signer(),
            tx: lone.tx.inner(),
        }
    }
}

/// The same as it comes.
#[derive(RlpDecodable)]
pub(super) struct Taken {
    place: u32,
    ordinal: u32,
    sender: Address,
    tx: Tx,
}

impl TryFrom<Taken> for Placed<Recovered<Tx>> {
    type Error = io::Error;

    fn try_from(taken: Taken) -> io::Result<Self> {
        let ordinal = taken.ordinal.checked_sub(1).map(u16::try_from);
        Ok(Self {
            place: taken.place,
            ordinal: ordinal
                .transpose()
                .map_err(|error| bad(error.to_string()))?,
            tx: Recovered::new_unchecked(taken.tx, taken.sender),
        })
    }
}

#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct Done {
    ends: Vec<End>,
    accounts: Vec<u64>,
    words: Vec<u64>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct End {
    success: bool,
    gas_used: u64,
    logs: Vec<Log>,
}

impl From<Piece> for Done {
    fn from(piece: Piece) -> Self {
        let ends = piece.ends.into_iter().map(|end| End {
            success: end.success,
            gas_used: end.gas_used,
            logs: end.logs,
        });
        Self {
            ends: ends.collect(),
            accounts: piece.accounts,
            words: piece.words,
        }
    }
}

impl From<Done> for Piece {
    fn from(done: Done) -> Self {
        let ends = done.ends.into_iter().map(|end| PieceEnd {
            success: end.success,
            gas_used: end.gas_used,
            logs: end.logs,
        });
        Self {
            ends: ends.collect(),
            accounts: done.accounts,
            words: done.words,
        }
    }
}

impl Job {
    pub(super) fn context(
        &self,
        chain_id: u64,
        gas_limit: u64,
        version: ProtocolVersion,
    ) -> BlockContext {
        BlockContext {
            info: BlockInfo {
                chain_id,
                number: self.number,
                time_ms: self.time_ms,
                beneficiary: self.beneficiary,
                base_fee_wei: self.base_fee_wei,
                prevrandao: self.prevrandao,
                gas_limit,
                version,
            },
            parent_hash: self.parent_hash,
            parent_beacon_root: self.parent_beacon_root,
        }
    }
}

/// One end of a line.
pub(super) struct Line {
    stream: TcpStream,
    frame_max: u32,
    limit: Option<Limit>,
}

/// Until when the other side has to be done, however many reads and writes that takes.
#[derive(Clone, Copy)]
struct Limit {
    until: Instant,
    patience: Duration,
}

impl Line {
    /// Of a connection with a stranger, who has so long to prove itself.
    pub(super) fn new(stream: TcpStream, patience: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let mut line = Self {
            stream,
            frame_max: STRANGER_FRAME_MAX,
            limit: None,
        };
        line.within(patience);
        Ok(line)
    }

    /// What comes next, all of it together, is to be done within so long.
    pub(super) fn within(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        self.limit = Some(Limit { until, patience });
    }

    /// What comes next may take as long as it takes.
    pub(super) fn at_leisure(&mut self) {
        self.limit = None;
    }

    /// The other side has proven itself: its frames may be so long.
    pub(super) fn trust(&mut self, frame_max: u32) {
        self.frame_max = frame_max;
    }

    /// Whether it is open and nothing has been said on it.
    pub(super) fn is_quiet(&self) -> bool {
        let peeked = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.peek(&mut [0]));
        let is_open = self.stream.set_nonblocking(false).is_ok();
        is_open && peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(super) fn send(&mut self, kind: u8, what: &impl Encodable) -> io::Result<()> {
        self.send_frame(&frame(kind, what)?)
    }

    pub(super) fn send_frame(&mut self, frame: &[u8]) -> io::Result<()> {
        let limit = self.limit;
        self.write_all(frame)
            .map_err(|error| in_words(&error, limit))
    }

    pub(super) fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let limit = self.limit;
        self.frame().map_err(|error| in_words(&error, limit))
    }

    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.read_exact(&mut head)?;
        let [a, b, c, d, kind] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > self.frame_max {
            return Err(bad(format!("a frame of {length} bytes")));
        }
        // Memory grows with what comes, and not with what was promised beyond the length of most.
        let mut body = Vec::with_capacity(length.min(FRAME_EXPECTED) as usize);
        let read = self.take(length.into()).read_to_end(&mut body)?;
        match read == length as usize {
            true => Ok((kind, body)),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// A frame of one kind.
    pub(super) fn expect<T: Decodable>(&mut self, wanted: u8) -> io::Result<T> {
        match self.receive()? {
            (kind, body) if kind == wanted => read(&body),
            (kind, _) => Err(bad(format!("a frame of kind {kind}, not {wanted}"))),
        }
    }

    /// How long a read or a write may take now; `None` is for ever.
    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(Limit { until, .. }) = self.limit else {
            return Ok(None);
        };
        let left = until.saturating_duration_since(Instant::now());
        match left.is_zero() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(Some(left)),
        }
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(into)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The system's trouble with a line as a person would say it; whoever asks for the kind finds one for each.
fn in_words(error: &io::Error, limit: Option<Limit>) -> io::Error {
    use io::ErrorKind as Kind;
    match (error.kind(), limit) {
        (Kind::WouldBlock | Kind::TimedOut, Some(Limit { patience, .. })) => io::Error::new(
            Kind::TimedOut,
            format!("the other side was not done within {patience:?}"),
        ),
        (
            Kind::UnexpectedEof
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::WriteZero,
            _,
        ) => io::Error::new(Kind::UnexpectedEof, "the other side closed the line"),
        (kind, _) => io::Error::new(kind, error.to_string()),
    }
}

/// A frame, for one line or for several.
pub(super) fn frame(kind: u8, what: &impl Encodable) -> io::Result<Vec<u8>> {
    // A vector that grows copies itself, and in a thread's first pages the kernel clears each part of it again.
    let mut frame = Vec::with_capacity(5 + what.length());
    frame.resize(5, 0);
    what.encode(&mut frame);
    let length = u32::try_from(frame.len() - 5).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame[4] = kind;
    Ok(frame)
}

/// Something whole.
pub(super) fn read<T: Decodable>(mut body: &[u8]) -> io::Result<T> {
    let what = T::decode(&mut body).map_err(|error| bad(error.to_string()))?;
    match body.is_empty() {
        true => Ok(what),
        false => Err(bad("bytes behind the end of a frame".to_owned())),
    }
}

pub(super) fn bad(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
