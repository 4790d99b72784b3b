//! Making states again from the values that blocks' access lists name; nothing is executed.
//!
//! ```text
//!  log ─► block and list ─► hash of the list? ─► difference ─┐ of a batch of blocks
//!                                                            ├─► one root ─► that of the last header? ─► tables
//!                                       the next batch is read while this one is written
//! ```
//!
//! Lists are what their headers name, and headers name each other: so where the root behind a batch is right, the values of
//! every block in it are those that made the chain.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_eip7928::BlockAccessList;
use alloy_primitives::keccak256;
use alloy_rlp::Decodable as _;
use capstan_evm::StateDiff;
use rayon::prelude::*;

use super::{
    ledger::{Executed, Overlay, Stored, decode, record, storage},
    open::{Stores, genesis_executed, open_stores},
};
use crate::{
    Block, ChainError, Genesis, Storage,
    db::{BlockRecord, Db, DbView},
    log::BlockLog,
    trie::{Layers, Mpt, StateCommitment as _},
};

/// Blocks that are redone in one database transaction, with one state root.
const BATCH: u64 = 64;
/// Heights at which a state that is only made to be compared can be read.
const HISTORY: u64 = 16;

/// Redoes the blocks that the log has and the database lacks.
pub(super) fn catch_up(log: &BlockLog, db: &Db, newest: u64) -> Result<(), ChainError> {
    let from = db.tip().map_or(0, |tip| tip.height + 1);
    if from > newest {
        return Ok(());
    }
    tracing::info!(from, to = newest, "redoing blocks from the log");
    let mut redo = Batches::new(log, db, newest);
    while !redo.next()?.is_empty() {}
    Ok(())
}

/// The states of a chain, one after another, from genesis on.
pub(crate) struct Redo(Db);

impl Redo {
    /// At genesis, in a database of its own.
    pub(crate) fn begin(genesis: &Genesis, at: &Storage) -> Result<Self, ChainError> {
        let Stores { db, .. } = open_stores(at, Some(HISTORY))?;
        if db.tip().is_none() {
            db.apply(&[record(&genesis_executed(genesis)?)])
                .map_err(storage)?;
        }
        Ok(Self(db))
    }

    /// The blocks of a log that follow, up to a height, batch after batch.
    pub(crate) fn up_to<'a>(&'a self, log: &'a BlockLog, to: u64) -> Batches<'a> {
        Batches::new(log, &self.0, to)
    }
}

/// Blocks of a log that a database lacks.
pub(crate) struct Batches<'a> {
    log: &'a BlockLog,
    db: &'a Db,
    to: u64,
    /// What was read ahead.
    read: VecDeque<Logged>,
    tables: Duration,
}

impl<'a> Batches<'a> {
    fn new(log: &'a BlockLog, db: &'a Db, to: u64) -> Self {
        Self {
            log,
            db,
            to,
            read: VecDeque::new(),
            tables: Duration::ZERO,
        }
    }

    /// Redoes the next blocks; none when all are done.
    pub(crate) fn next(&mut self) -> Result<Vec<Arc<Block>>, ChainError> {
        let next = self.db.tip().map_or(0, |tip| tip.height + 1);
        if self.read.is_empty() {
            self.read = self.read_from(next)?;
        }
        let view = self.db.view().map_err(storage)?;
        let done = redo(&view, &mut self.read)?;
        let from = next + done.len() as u64 + self.read.len() as u64;
        let records: Vec<BlockRecord> = done.iter().map(record).collect();
        let start = Instant::now();
        let (written, read) = rayon::join(
            || self.db.apply(&records).map_err(storage),
            || self.read_from(from),
        );
        self.tables += start.elapsed();
        written?;
        self.read.extend(read?);
        Ok(done.into_iter().map(|done| done.block).collect())
    }

    /// How long tables were written.
    pub(crate) fn tables(&self) -> Duration {
        self.tables
    }

    fn read_from(&self, from: u64) -> Result<VecDeque<Logged>, ChainError> {
        // What is left of the batch before is redone first.
        let room = BATCH.saturating_sub(self.read.len() as u64);
        let end = from.saturating_add(room).min(self.to.saturating_add(1));
        let numbers: Vec<u64> = (from..end).collect();
        let read = |number: u64| Logged::read(self.log, number);
        numbers.into_par_iter().map(read).collect()
    }
}

/// A block as it stands in the log.
struct Logged {
    block: Arc<Block>,
    list: BlockAccessList,
}

impl Logged {
    /// With the list that its header names.
    fn read(log: &BlockLog, number: u64) -> Result<Self, ChainError> {
        let entry = log.read(number).map_err(storage)?;
        let entry = entry.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
        let block = decode(number, &entry.payload)?;
        let made = keccak256(&block.access_list);
        if block.header.block_access_list_hash != Some(made) {
            let reason =
                format!("its access list has the hash {made}, which its header does not name");
            return Err(diverged(&block, reason));
        }
        let list = BlockAccessList::decode(&mut block.access_list.as_ref()).map_err(|error| {
            ChainError::Storage(format!("access list of block {number} in the log: {error}"))
        })?;
        Ok(Self { block, list })
    }
}

/// Redoes blocks from the front, with one state root for all of them; leaves what has to begin a batch of its own.
fn redo(view: &Arc<DbView>, blocks: &mut VecDeque<Logged>) -> Result<Vec<Executed>, ChainError> {
    let mut state = Overlay {
        layers: vec![(Arc::default(), None)],
        base: Arc::new(Stored(Arc::clone(view))),
    };
    let mut done: Vec<Executed> = Vec::new();
    let mut parent = view.tip().map(|tip| tip.hash);
    while let Some(Logged { block, list }) = blocks.front() {
        if let Some(parent) = parent
            && block.header.parent_hash != parent
        {
            let named = block.header.parent_hash;
            let reason = format!("it follows {named}, and the block before it is {parent}");
            return Err(diverged(block, reason));
        }
        let diff = StateDiff::from_access_list(list, &state).map_err(storage)?;
        let together = Arc::make_mut(&mut state.layers[0].0);
        if comes_back(together, &diff) {
            break;
        }
        together.follow_all(diff.clone());
        parent = Some(block.hash());
        done.push(Executed {
            block: Arc::clone(block),
            diff: Arc::new(diff),
            nodes: Arc::default(),
            guards: Arc::default(),
            said: Arc::default(),
        });
        blocks.pop_front();
    }
    if let Some(last) = done.last_mut() {
        let commit = Mpt.update(&**view, &state.layers[0].0).map_err(storage)?;
        if commit.root != last.block.header.state_root {
            return Err(first_that_differs(view, &done)?);
        }
        last.nodes = Arc::new(commit.updates);
    }
    Ok(done)
}

/// Whether an account that ended is there again: its storage from before has to go in between.
fn comes_back(before: &StateDiff, next: &StateDiff) -> bool {
    let ended = |address| {
        let before = before.accounts.get(address);
        before.is_some_and(|account| account.info.is_none())
    };
    let mut accounts = next.accounts.iter();
    accounts.any(|(address, account)| account.info.is_some() && ended(address))
}

/// Makes the state root of each block until one is not its header's.
fn first_that_differs(view: &DbView, done: &[Executed]) -> Result<ChainError, ChainError> {
    let mut nodes = Vec::new();
    for Executed { block, diff, .. } in done {
        let source = Layers {
            overlays: nodes.clone(),
            base: view,
        };
        let commit = Mpt.update(&source, diff).map_err(storage)?;
        let (made, named) = (commit.root, block.header.state_root);
        if made != named {
            let reason =
                format!("redone from its access list, the state root is {made}, not {named}");
            return Ok(diverged(block, reason));
        }
        nodes.insert(0, Arc::new(commit.updates));
    }
    let reason = "blocks have one state root together and another one after the other";
    Err(ChainError::Internal(reason.into()))
}

fn diverged(block: &Block, reason: String) -> ChainError {
    ChainError::Diverged {
        number: block.number(),
        hash: block.hash(),
        reason,
    }
}

#[cfg(test)]
mod tests;
