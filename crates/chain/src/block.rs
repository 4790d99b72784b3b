//! Blocks: what travels ([`RawBlock`]) and what execution made of it ([`Block`]).
//!
//! A header is Ethereum's, so every client can parse it. What Capstan adds to it:
//!
//! | field | holds |
//! |---|---|
//! | `timestamp` | whole seconds; several blocks may share one |
//! | `extraData` | two bytes, big endian: the milliseconds within that second |
//! | `gasLimit` | user gas limit + system gas limit |
//! | `requestsHash`, `withdrawalsRoot` | those of empty lists |
//! | `blobGasUsed`, `excessBlobGas` | zero: there are no blobs, but parsers expect the fields |
//! | `blockAccessListHash` | keccak of the EIP-7928 access list, from genesis on |

use std::sync::{Arc, OnceLock};

use alloy_consensus::{Header, Sealed, Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Log, map::B256Map};
use capstan_evm::{Receipt, Tx};

pub(crate) mod codec;

pub use codec::{DecodeError, IMPERSONATION_S, impersonation_signature, recover};

/// A block as it travels and as it is judged: header and body, nothing that execution derives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBlock {
    /// Header as proposed.
    pub header: Header,
    /// Transactions, system ones included, in order.
    pub transactions: Vec<Tx>,
    /// RLP of the EIP-7928 access list that the header commits to.
    pub access_list: Bytes,
}

/// An executed block. Shared as `Arc<Block>` and never changed.
#[derive(Debug)]
pub struct Block {
    /// Header and its hash.
    pub header: Sealed<Header>,
    /// Transactions with their senders: pre-system, user, post-system.
    pub transactions: Vec<Recovered<Tx>>,
    /// One receipt for each transaction; gas in them is cumulative.
    pub receipts: Vec<Receipt>,
    /// RLP of the EIP-7928 access list.
    pub access_list: Bytes,
    /// Bytes of the Ethereum RLP block (header, transactions, no ommers, no withdrawals).
    pub size: u64,
    /// Gas used by user transactions: the part that the base fee follows.
    pub user_gas_used: u64,
    positions: OnceLock<B256Map<usize>>,
}

impl Block {
    /// Puts a block together from parts that belong together.
    pub fn new(
        header: Sealed<Header>,
        transactions: Vec<Recovered<Tx>>,
        receipts: Vec<Receipt>,
        access_list: Bytes,
    ) -> Self {
        let size = codec::ethereum_size(&header, &transactions);
        let mut block = Self {
            header,
            transactions,
            receipts,
            access_list,
            size,
            user_gas_used: 0,
            positions: OnceLock::new(),
        };
        let users = (0..block.transactions.len()).filter(|&i| !block.is_system(i));
        block.user_gas_used = users.map(|i| block.gas_used_by(i)).sum();
        block
    }

    /// Block hash.
    pub fn hash(&self) -> B256 {
        self.header.hash()
    }

    /// Height.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Consensus time in milliseconds.
    pub fn time_ms(&self) -> u64 {
        header_time_ms(&self.header)
    }

    /// Base fee per gas in wei.
    pub fn base_fee_wei(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }

    /// Index of a transaction in this block.
    pub fn position(&self, tx_hash: &B256) -> Option<usize> {
        // Few blocks are ever asked, so the map is made by the first question.
        self.positions
            .get_or_init(|| {
                let hashes = self.transactions.iter().map(|tx| *tx.tx_hash());
                hashes.zip(0..).collect()
            })
            .get(tx_hash)
            .copied()
    }

    /// Whether the transaction is one of the chain's own ([`capstan_evm::SystemTx`]).
    pub fn is_system(&self, index: usize) -> bool {
        self.transactions
            .get(index)
            .is_some_and(|tx| codec::is_system(tx))
    }

    /// Gas used by one transaction alone.
    pub fn gas_used_by(&self, index: usize) -> u64 {
        let cumulative = |i: usize| self.receipts.get(i).map_or(0, |r| r.cumulative_gas_used());
        let before = index.checked_sub(1).map_or(0, cumulative);
        cumulative(index).saturating_sub(before)
    }

    /// What one unit of gas cost in the transaction, in wei.
    pub fn effective_gas_price_wei(&self, index: usize) -> u128 {
        match self.transactions.get(index) {
            Some(_) if self.is_system(index) => 0,
            Some(tx) => tx.effective_gas_price(self.header.base_fee_per_gas),
            None => 0,
        }
    }

    /// Index, within the block, of the first log of a transaction.
    pub fn first_log_index(&self, index: usize) -> u64 {
        self.receipts
            .iter()
            .take(index)
            .map(|r| r.logs().len() as u64)
            .sum()
    }

    /// Address of the contract that the transaction creates, if it is a creation.
    pub fn created_address(&self, index: usize) -> Option<Address> {
        let tx = self.transactions.get(index)?;
        tx.is_create().then(|| tx.signer().create(tx.nonce()))
    }

    /// Logs with their place in the chain, in order.
    pub fn logs(self: &Arc<Self>) -> impl Iterator<Item = LogEntry> + '_ {
        let mut log_index = 0;
        self.receipts
            .iter()
            .enumerate()
            .flat_map(move |(tx_index, receipt)| {
                let first = log_index;
                log_index += receipt.logs().len() as u64;
                receipt
                    .logs()
                    .iter()
                    .zip(first..)
                    .map(move |(log, log_index)| LogEntry {
                        block_hash: self.hash(),
                        block_number: self.number(),
                        block_timestamp_s: self.header.timestamp,
                        tx_hash: *self.transactions[tx_index].tx_hash(),
                        tx_index: tx_index as u64,
                        log_index,
                        log: log.clone(),
                    })
            })
    }

    /// The block as it travels.
    pub fn raw(&self) -> RawBlock {
        RawBlock {
            header: self.header.inner().clone(),
            transactions: self
                .transactions
                .iter()
                .map(|tx| tx.inner().clone())
                .collect(),
            access_list: self.access_list.clone(),
        }
    }

    /// Ethereum's RLP of the block, as `debug_getRawBlock` answers it.
    pub fn ethereum_rlp(&self) -> Bytes {
        codec::ethereum_rlp(&self.header, &self.transactions)
    }
}

/// A log and its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Block it is in.
    pub block_hash: B256,
    /// Height of that block.
    pub block_number: u64,
    /// Header time of that block, in seconds.
    pub block_timestamp_s: u64,
    /// Transaction that emitted it.
    pub tx_hash: B256,
    /// Index of that transaction in the block.
    pub tx_index: u64,
    /// Index of the log in the block.
    pub log_index: u64,
    /// The log.
    pub log: Log,
}

/// Consensus time of a header in milliseconds. Extra data of another shape counts as zero milliseconds.
pub fn header_time_ms(header: &Header) -> u64 {
    let ms = <[u8; 2]>::try_from(header.extra_data.as_ref()).map_or(0, u16::from_be_bytes);
    header
        .timestamp
        .saturating_mul(1000)
        .saturating_add(u64::from(ms))
}

/// Header seconds and extra data for a time in milliseconds.
pub fn split_time_ms(time_ms: u64) -> (u64, Bytes) {
    let ms = u16::try_from(time_ms % 1000).expect("a remainder of 1000 fits");
    (time_ms / 1000, Bytes::copy_from_slice(&ms.to_be_bytes()))
}
