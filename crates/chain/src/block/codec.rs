//! Bytes of blocks: Ethereum's RLP for others, and the body of a log frame for ourselves.

use alloy_consensus::{
    Header,
    transaction::{Recovered, SignerRecoverable as _},
};
use alloy_eips::eip2718::{Decodable2718, Eip2718Result, Encodable2718 as _};
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_rlp::{Decodable, Encodable, Header as RlpHeader};
use capstan_evm::{Receipt, SystemTx, Tx};

use super::{Block, RawBlock};

/// The `s` of a signature that names its sender in `r` instead of proving it. No real signature has it.
/// Only a development chain takes such transactions, and only for senders that are impersonated.
pub const IMPERSONATION_S: U256 = U256::ZERO;

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct DecodeError {
    /// Which part.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

impl DecodeError {
    fn new(what: impl Into<String>, why: impl ToString) -> Self {
        Self {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

/// Whether a transaction is one of the chain's own.
pub(crate) fn is_system(tx: &Tx) -> bool {
    SystemTx::has_shape(tx)
}

/// The sender that a transaction of a block has: the system sender, the impersonated one (development
/// chains only), or the signer.
pub fn recover(tx: Tx, allow_impersonation: bool) -> Result<Recovered<Tx>, DecodeError> {
    if is_system(&tx) {
        return Ok(Recovered::new_unchecked(tx, capstan_evm::SYSTEM_SENDER));
    }
    // The pool would ask for it under its lock; here all cores work, and it is made once.
    tx.tx_hash();
    let signature = *tx.signature();
    if signature.s() == IMPERSONATION_S && allow_impersonation {
        let sender = named_sender(signature.r())
            .ok_or_else(|| DecodeError::new("signature", "s is zero and r names no sender"))?;
        return Ok(Recovered::new_unchecked(tx, sender));
    }
    match tx.recover_signer() {
        Ok(signer) => Ok(Recovered::new_unchecked(tx, signer)),
        Err(_) => Err(DecodeError::new(
            "signature",
            "does not recover to a sender",
        )),
    }
}

/// The sender that an impersonated transaction names, if it is one.
pub(crate) fn impersonated(tx: &Tx) -> Option<Address> {
    let signature = tx.signature();
    let shaped = signature.s() == IMPERSONATION_S && !is_system(tx);
    shaped.then(|| named_sender(signature.r())).flatten()
}

/// A one above the address keeps `r` from being zero, which would be a system transaction.
const NAME_FLAG: U256 = U256::from_limbs([0, 0, 1 << 32, 0]);

/// The signature that names `sender` instead of proving it.
pub fn impersonation_signature(sender: Address) -> Signature {
    let r = NAME_FLAG | U256::from_be_bytes(sender.into_word().0);
    Signature::new(r, IMPERSONATION_S, false)
}

fn named_sender(r: U256) -> Option<Address> {
    let word = B256::from(r ^ NAME_FLAG);
    word[..12]
        .iter()
        .all(|byte| *byte == 0)
        .then(|| Address::from_word(word))
}

/// Payload length of a list of transactions as a block body holds them.
fn transactions_length<'a>(transactions: impl Iterator<Item = &'a Tx>) -> usize {
    transactions.map(|tx| tx.network_len()).sum()
}

fn encode_transactions<'a>(transactions: impl Iterator<Item = &'a Tx> + Clone, out: &mut Vec<u8>) {
    let payload_length = transactions_length(transactions.clone());
    RlpHeader {
        list: true,
        payload_length,
    }
    .encode(out);
    for tx in transactions {
        tx.network_encode(out);
    }
}

fn inner(transactions: &[Recovered<Tx>]) -> impl Iterator<Item = &Tx> + Clone {
    transactions.iter().map(Recovered::inner)
}

fn decode_list<'a>(what: &str, buf: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    RlpHeader::decode_bytes(buf, true).map_err(|e| DecodeError::new(what, e))
}

fn decode_transactions(buf: &mut &[u8]) -> Result<Vec<Tx>, DecodeError> {
    let mut list = decode_list("transactions", buf)?;
    let mut transactions = Vec::new();
    while !list.is_empty() {
        let what = || format!("transaction {}", transactions.len());
        let tx = decode_envelope(&mut list).map_err(|e| DecodeError::new(what(), e))?;
        transactions.push(tx);
    }
    Ok(transactions)
}

/// An envelope as a list holds it: a legacy one is a list itself, any other one a string that it fills to the end. The
/// library's own reader lets a string say another length than its content has, and so a block have two writings.
fn decode_envelope<T: Decodable2718>(buf: &mut &[u8]) -> Eip2718Result<T> {
    if RlpHeader::decode(&mut &**buf)?.list {
        return T::fallback_decode(buf);
    }
    let envelope = RlpHeader::decode_bytes(buf, false)?;
    if envelope
        .first()
        .is_none_or(|first| *first >= alloy_rlp::EMPTY_STRING_CODE)
    {
        return Err(alloy_rlp::Error::Custom("an envelope begins with its type").into());
    }
    T::decode_2718_exact(envelope)
}

/// Length of Ethereum's RLP of the block: header, transactions, no ommers, no withdrawals.
pub(super) fn ethereum_size(header: &Header, transactions: &[Recovered<Tx>]) -> u64 {
    let txs = transactions_length(inner(transactions));
    let payload = header.length() + list_length(txs) + 2;
    list_length(payload) as u64
}

fn list_length(payload: usize) -> usize {
    payload + alloy_rlp::length_of_length(payload)
}

/// Ethereum's RLP of the block.
pub(super) fn ethereum_rlp(header: &Header, transactions: &[Recovered<Tx>]) -> Bytes {
    let mut out = Vec::new();
    let payload = header.length() + list_length(transactions_length(inner(transactions))) + 2;
    RlpHeader {
        list: true,
        payload_length: payload,
    }
    .encode(&mut out);
    header.encode(&mut out);
    encode_transactions(inner(transactions), &mut out);
    out.extend_from_slice(&[alloy_rlp::EMPTY_LIST_CODE, alloy_rlp::EMPTY_LIST_CODE]);
    out.into()
}

impl RawBlock {
    /// RLP list `[header, transactions, access list]`: what blocks are exported and sent as.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.header.encode(&mut body);
        encode_transactions(self.transactions.iter(), &mut body);
        self.access_list.encode(&mut body);
        wrap(body)
    }

    /// Reads what [`RawBlock::encode`] wrote. Nothing may follow it.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut list = decode_list("block", &mut bytes)?;
        let header = Header::decode(&mut list).map_err(|e| DecodeError::new("header", e))?;
        let transactions = decode_transactions(&mut list)?;
        let access_list =
            Bytes::decode(&mut list).map_err(|e| DecodeError::new("access list", e))?;
        if !bytes.is_empty() || !list.is_empty() {
            return Err(DecodeError::new("block", "bytes after the end"));
        }
        Ok(Self {
            header,
            transactions,
            access_list,
        })
    }
}

impl Block {
    /// Body of a log frame: `[header, transactions, senders, receipts, access list]`. Senders are kept
    /// because recovering them again is the slowest part of reading a block.
    pub fn encode_frame(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.size as usize * 2 + self.access_list.len());
        self.header.inner().encode(&mut body);
        encode_transactions(inner(&self.transactions), &mut body);
        let senders: Vec<Address> = self.transactions.iter().map(Recovered::signer).collect();
        senders.encode(&mut body);
        let length = self
            .receipts
            .iter()
            .map(|receipt| receipt.network_len())
            .sum();
        RlpHeader {
            list: true,
            payload_length: length,
        }
        .encode(&mut body);
        for receipt in &self.receipts {
            receipt.network_encode(&mut body);
        }
        self.access_list.encode(&mut body);
        wrap(body)
    }

    /// Reads what [`Block::encode_frame`] wrote.
    pub fn decode_frame(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut list = decode_list("frame", &mut bytes)?;
        let header = Header::decode_sealed(&mut list).map_err(|e| DecodeError::new("header", e))?;
        let transactions = decode_transactions(&mut list)?;
        let senders =
            Vec::<Address>::decode(&mut list).map_err(|e| DecodeError::new("senders", e))?;
        let mut encoded = decode_list("receipts", &mut list)?;
        let mut receipts = Vec::with_capacity(transactions.len());
        while !encoded.is_empty() {
            let receipt: Receipt = decode_envelope(&mut encoded)
                .map_err(|e| DecodeError::new(format!("receipt {}", receipts.len()), e))?;
            receipts.push(receipt);
        }
        let access_list =
            Bytes::decode(&mut list).map_err(|e| DecodeError::new("access list", e))?;
        let count = transactions.len();
        if senders.len() != count || receipts.len() != count {
            let why = format!(
                "{count} transactions, {} senders, {} receipts",
                senders.len(),
                receipts.len()
            );
            return Err(DecodeError::new("frame", why));
        }
        let transactions = transactions
            .into_iter()
            .zip(senders)
            .map(|(tx, sender)| Recovered::new_unchecked(tx, sender))
            .collect();
        Ok(Self::new(header, transactions, receipts, access_list))
    }
}

fn wrap(body: Vec<u8>) -> Vec<u8> {
    let header = RlpHeader {
        list: true,
        payload_length: body.len(),
    };
    let mut out = Vec::with_capacity(header.length_with_payload());
    header.encode(&mut out);
    out.extend_from_slice(&body);
    out
}
