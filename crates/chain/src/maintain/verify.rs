//! Reading everything in a data folder and comparing what must agree.

use std::path::Path;

use alloy_consensus::{proofs, transaction::Recovered};
use alloy_eip7928::BlockAccessList;
use alloy_primitives::{B256, keccak256};
use alloy_rlp::Decodable as _;
use capstan_evm::{StateDiff, Tx};
use rayon::prelude::*;

use super::Progress;
use crate::{
    Block, ChainError,
    chain::{Executed, Stores, open_looked, record, verify_snapshots},
    db::{BlockRecord, DbConfig, DbView},
    log::{BlockLog, Entry},
    recover,
};

/// What a verification went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Blocks read and checked against their headers.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Height of the database.
    pub database_height: u64,
    /// State root there, made anew from the stored accounts and slots.
    pub state_root: B256,
    /// Accounts in the state.
    pub accounts: u64,
    /// Storage slots in the state.
    pub slots: u64,
    /// Trie records.
    pub nodes: u64,
    /// Entries of history.
    pub history: u64,
}

/// Blocks that are read at once, so that all cores recover senders also where blocks are small.
const TOGETHER: usize = 16;
/// What is wrong with a block that does not follow the one before it.
const PARENT: &str = "its parent is not the block before it";

fn storage(error: impl std::fmt::Display) -> ChainError {
    ChainError::Storage(error.to_string())
}

/// Reads everything in a data folder and compares what must agree: each block with its header, each table with the
/// blocks and the others, the state with its root. The first difference is an error that names it. The folder must
/// not be in use, and nothing in it is changed: what a start would mend is mended in memory. Progress is in blocks, and then in accounts of an unknown total.
pub fn verify_folder(folder: &Path, progress: Progress<'_>) -> Result<Verified, ChainError> {
    let Stores {
        log,
        db,
        lock: _lock,
    } = open_looked(folder, DbConfig::default())?;
    let (first, last) = log.heights().ok_or_else(|| ChainError::File {
        path: folder.into(),
        reason: "holds no blocks".into(),
    })?;
    let view = db.view().map_err(storage)?;
    let tip = view.tip().unwrap_or_default();
    if log.hash(tip.height).map_err(storage)? != Some(tip.hash) {
        return Err(ChainError::Storage(format!(
            "the database in {} stands at block {} ({}), which is not in the block log: start the node once to bring \
             them together, or restore both from one backup",
            folder.display(),
            tip.height,
            tip.hash
        )));
    }
    let mut verified = Verified {
        database_height: tip.height,
        state_root: tip.state_root,
        ..Verified::default()
    };
    let mut audit = view.audit();
    let mut parent: Option<B256> = None;
    for start in (first..=last).step_by(TOGETHER) {
        let end = last.min(start + TOGETHER as u64 - 1);
        let together: Vec<_> = (start..=end)
            .into_par_iter()
            .map(|number| read_block(&log, number))
            .collect();
        for (number, block) in (start..).zip(together) {
            let block = block?;
            if parent.is_some_and(|parent| block.header.parent_hash != parent) {
                return Err(damaged(number, block.hash(), PARENT));
            }
            parent = Some(block.hash());
            verified.blocks += 1;
            verified.transactions += block.transactions.len() as u64;
            if number <= tip.height {
                audit.block(&record_of(&view, block)?).map_err(storage)?;
            }
            progress(number - first + 1, last - first + 1);
        }
    }
    audit.finish().map_err(storage)?;
    let report = view
        .verify(&mut |_, done| progress(done, 0))
        .map_err(storage)?;
    verify_snapshots(&view)?;
    verified.accounts = report.accounts;
    verified.slots = report.slots;
    verified.nodes = report.nodes;
    verified.history = report.history;
    Ok(verified)
}

fn damaged(number: u64, hash: B256, what: impl std::fmt::Display) -> ChainError {
    ChainError::Storage(format!(
        "block {number} ({hash}) in the block log is damaged: {what}; restore the folder from a backup, or import the \
         blocks from an export into a new one"
    ))
}

/// A block of the log that is what its header says. Whether it follows the block before is for the caller to see.
fn read_block(log: &BlockLog, number: u64) -> Result<Block, ChainError> {
    let entry = log.read(number).map_err(storage)?;
    let entry = entry.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
    let block = Block::decode_frame(&entry.payload)
        .map_err(|error| damaged(number, entry.hash, error.to_string()))?;
    match first_difference(&block, &entry) {
        Some(what) => Err(damaged(
            number,
            entry.hash,
            format_args!("its {what} not what its header says"),
        )),
        None => Ok(block),
    }
}

fn first_difference(block: &Block, entry: &Entry) -> Option<&'static str> {
    let header = &block.header;
    let bodies: Vec<&Tx> = block.transactions.iter().map(Recovered::inner).collect();
    let senders_fit = || {
        block.transactions.par_iter().all(|tx| {
            recover(tx.inner().clone(), true).is_ok_and(|found| found.signer() == tx.signer())
        })
    };
    // The dear ones last, and none before it is needed.
    let checks: [(&'static str, &dyn Fn() -> bool); 5] = [
        ("hash is", &|| {
            block.hash() == entry.hash && block.number() == entry.height
        }),
        ("access list is", &|| {
            Some(keccak256(&block.access_list)) == header.block_access_list_hash
        }),
        ("transactions are", &|| {
            proofs::calculate_transaction_root(&bodies) == header.transactions_root
        }),
        ("receipts are", &|| {
            proofs::calculate_receipt_root(&block.receipts) == header.receipts_root
        }),
        ("senders are", &senders_fit),
    ];
    checks
        .iter()
        .find(|(_, holds)| !holds())
        .map(|(what, _)| *what)
}

/// What the database must hold of a block. Where the state before it is no longer kept, the difference is left out.
fn record_of(view: &std::sync::Arc<DbView>, block: Block) -> Result<BlockRecord, ChainError> {
    let number = block.number();
    let kept = view.history().is_some_and(|kept| *kept.start() < number);
    let diff = if kept {
        let list = BlockAccessList::decode(&mut block.access_list.as_ref()).map_err(|error| {
            ChainError::Storage(format!("access list of block {number} in the log: {error}"))
        })?;
        let before = view.at(number - 1).map_err(storage)?;
        StateDiff::from_access_list(&list, &before).map_err(storage)?
    } else {
        StateDiff::default()
    };
    Ok(record(&Executed {
        block: block.into(),
        diff: diff.into(),
        nodes: Default::default(),
        guards: Default::default(),
        said: Default::default(),
    }))
}
