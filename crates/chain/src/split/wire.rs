//! What goes over the line between a node and its workers: frames of a length, a kind and RLP.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use alloy_consensus::transaction::Recovered;
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use capstan_evm::{
    BlockContext, Tx,
    verify::{Piece, PieceEnd},
};
use capstan_state::{BlockInfo, ProtocolVersion};

/// Of the protocol; sides of another one do not work together.
pub(super) const VERSION: u32 = 1;
/// Bytes of a frame before and after the other side has proven itself.
const STRANGER_FRAME_MAX: u32 = 256;
const FRAME_MAX: u32 = 256 << 20;

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
    pub(super) transactions: Vec<Bytes>,
    pub(super) senders: Vec<Address>,
    pub(super) access_list: Bytes,
    pub(super) access_list_hash: B256,
    /// The parent's accounts that the list declares, in its order.
    pub(super) accounts: Vec<KnownAccount>,
    /// The parent's words that the list declares, in its order.
    pub(super) words: Vec<U256>,
}

#[derive(Clone, Copy, RlpEncodable, RlpDecodable)]
pub(super) struct KnownAccount {
    pub(super) exists: bool,
    pub(super) nonce: u64,
    pub(super) balance: U256,
    pub(super) code_hash: B256,
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

    /// The transactions with the senders that the node found.
    pub(super) fn transactions(&self) -> Option<Vec<Recovered<Tx>>> {
        if self.transactions.len() != self.senders.len() {
            return None;
        }
        let each = self.transactions.iter().zip(&self.senders);
        each.map(|(bytes, sender)| {
            let tx = Tx::decode_2718_exact(bytes).ok()?;
            Some(Recovered::new_unchecked(tx, *sender))
        })
        .collect()
    }
}

pub(super) fn encode_transactions(transactions: &[Recovered<Tx>]) -> (Vec<Bytes>, Vec<Address>) {
    let each = transactions.iter();
    each.map(|tx| (tx.inner().encoded_2718().into(), tx.signer()))
        .unzip()
}

/// One end of a line.
pub(super) struct Line {
    stream: TcpStream,
    frame_max: u32,
}

impl Line {
    /// Of a connection with a stranger.
    pub(super) fn new(stream: TcpStream, patience: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self {
            stream,
            frame_max: STRANGER_FRAME_MAX,
        })
    }

    /// The other side has proven itself.
    pub(super) fn trust(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.frame_max = FRAME_MAX;
        self.stream.set_read_timeout(patience)
    }

    pub(super) fn send(&mut self, kind: u8, what: &impl Encodable) -> io::Result<()> {
        let mut frame = vec![0; 5];
        what.encode(&mut frame);
        self.send_frame(kind, frame)
    }

    /// A frame whose first five bytes are free.
    pub(super) fn send_frame(&mut self, kind: u8, mut frame: Vec<u8>) -> io::Result<()> {
        let length = u32::try_from(frame.len() - 5).map_err(io::Error::other)?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        frame[4] = kind;
        self.stream.write_all(&frame)
    }

    pub(super) fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let [a, b, c, d, kind] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > self.frame_max {
            return Err(bad(format!("a frame of {length} bytes")));
        }
        // Memory grows with what comes, not with what was promised.
        let mut body = Vec::new();
        let read = (&mut self.stream)
            .take(length.into())
            .read_to_end(&mut body)?;
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
