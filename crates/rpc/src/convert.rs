//! From the chain's own values to the JSON shapes of the Ethereum API.
//!
//! The shapes are those of `alloy-rpc-types-eth`, so field names, quantities and `null`s are what every
//! client library was written against. System transactions need no special case: they are legacy
//! transactions with `r = s = 0` from one fixed sender, and libraries read them as such.

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::U256;
use alloy_rpc_types_eth as rpc;
use capstan_chain::{Block, LogEntry};
use capstan_evm::Tx;

/// A transaction with its place in the chain, or without one while it waits.
pub type RpcTransaction = rpc::Transaction<Tx>;
/// A receipt with its place in the chain.
pub type RpcReceipt = rpc::TransactionReceipt;
/// A block with transactions or their hashes.
pub type RpcBlock = rpc::Block<RpcTransaction>;

/// Whether a block is answered with whole transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transactions {
    /// Hashes only.
    Hashes,
    /// Whole objects.
    Full,
}

impl From<bool> for Transactions {
    fn from(full: bool) -> Self {
        if full { Self::Full } else { Self::Hashes }
    }
}

/// The header of a block, with hash and size.
pub fn header(block: &Block) -> rpc::Header {
    rpc::Header {
        hash: block.hash(),
        inner: block.header.inner().clone(),
        total_difficulty: None,
        size: Some(U256::from(block.size)),
    }
}

/// A block. There are no uncles and no withdrawals; both fields stand empty, as after the merge.
pub fn block(block: &Block, transactions: Transactions) -> RpcBlock {
    let transactions = match transactions {
        Transactions::Hashes => rpc::BlockTransactions::Hashes(
            block.transactions.iter().map(|tx| *tx.tx_hash()).collect(),
        ),
        Transactions::Full => rpc::BlockTransactions::Full(
            (0..block.transactions.len())
                .filter_map(|index| transaction(block, index))
                .collect(),
        ),
    };
    rpc::Block {
        header: header(block),
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(Withdrawals::default()),
    }
}

/// The transaction at `index` of a block; `None` beyond its end.
pub fn transaction(block: &Block, index: usize) -> Option<RpcTransaction> {
    Some(RpcTransaction {
        inner: block.transactions.get(index)?.clone(),
        block_hash: Some(block.hash()),
        block_number: Some(block.number()),
        transaction_index: Some(index as u64),
        effective_gas_price: Some(block.effective_gas_price_wei(index)),
        block_timestamp: Some(block.header.timestamp),
    })
}

/// A transaction that waits in the pool. Its gas price is the most that it offers.
pub fn pending_transaction(tx: &Recovered<Tx>) -> RpcTransaction {
    RpcTransaction {
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price: Some(tx.max_fee_per_gas()),
        block_timestamp: None,
        inner: tx.clone(),
    }
}

/// The receipt at `index` of a block; `None` beyond its end.
pub fn receipt(block: &Block, index: usize) -> Option<RpcReceipt> {
    receipt_after(block, index, block.first_log_index(index))
}

/// All receipts of a block, in order.
pub fn receipts(block: &Block) -> Vec<RpcReceipt> {
    let mut first_log_index = 0;
    (0..block.receipts.len())
        .filter_map(|index| {
            let receipt = receipt_after(block, index, first_log_index)?;
            first_log_index += block.receipts[index].logs().len() as u64;
            Some(receipt)
        })
        .collect()
}

/// The receipt at `index`, whose first log is the block's log number `first_log_index`.
fn receipt_after(block: &Block, index: usize, first_log_index: u64) -> Option<RpcReceipt> {
    let (tx, receipt) = (block.transactions.get(index)?, block.receipts.get(index)?);
    let mut log_index = first_log_index;
    let inner = receipt.clone().map_logs(|log| {
        let place = rpc::Log {
            inner: log,
            block_hash: Some(block.hash()),
            block_number: Some(block.number()),
            block_timestamp: Some(block.header.timestamp),
            transaction_hash: Some(*tx.tx_hash()),
            transaction_index: Some(index as u64),
            log_index: Some(log_index),
            removed: false,
        };
        log_index += 1;
        place
    });
    Some(RpcReceipt {
        inner,
        transaction_hash: *tx.tx_hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(block.hash()),
        block_number: Some(block.number()),
        gas_used: block.gas_used_by(index),
        effective_gas_price: block.effective_gas_price_wei(index),
        blob_gas_used: None,
        blob_gas_price: None,
        from: tx.signer(),
        to: tx.to(),
        contract_address: block.created_address(index),
    })
}

/// A log with its place in the chain.
pub fn log(entry: LogEntry) -> rpc::Log {
    rpc::Log {
        inner: entry.log,
        block_hash: Some(entry.block_hash),
        block_number: Some(entry.block_number),
        block_timestamp: Some(entry.block_timestamp_s),
        transaction_hash: Some(entry.tx_hash),
        transaction_index: Some(entry.tx_index),
        log_index: Some(entry.log_index),
        removed: false,
    }
}

#[cfg(test)]
mod tests;
