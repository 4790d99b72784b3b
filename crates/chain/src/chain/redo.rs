//! Making states again from the values that blocks' access lists name; nothing is executed.
//!
//! ```text
//!  log ─► block and list ─► hash of the list? ─► difference ─┐ of a batch of blocks
//!                                                            ├─► one root ─► that of the last header? ─► memory
//!                                       the tables follow behind, as they do when blocks are made
//! ```
//!
//! Lists are what their headers name, and headers name each other: so where the root behind a batch is right, the values of
//! every block in it are those that made the chain.

use std::{collections::VecDeque, sync::Arc};

use alloy_eip7928::BlockAccessList;
use alloy_primitives::keccak256;
use alloy_rlp::Decodable as _;
use capstan_evm::StateDiff;
use rayon::prelude::*;

use super::{
    guards::{self, Guards},
    ledger::{Executed, Ledger, Overlay, decode, record, storage},
    open::{Stores, genesis_executed, open_stores},
};
use crate::{Block, ChainError, Genesis, Storage, log::BlockLog};

/// Blocks that are redone with one state root.
const BATCH: u64 = 64;
/// Blocks that may stay in memory when all are redone: two batches are about what a crash leaves, one that was being written
/// and one that came meanwhile.
const IN_MEMORY: u64 = 2 * BATCH;
/// Heights at which a state that is only made to be compared can be read.
const HISTORY: u64 = 16;

/// Redoes the blocks that the log has and a ledger lacks. The last of them wait in memory for the database, as they did before
/// the crash.
pub(super) fn catch_up(ledger: &Arc<Ledger>, guards: &mut Guards) -> Result<(), ChainError> {
    let newest = ledger.log().heights().map_or(0, |(_, newest)| newest);
    let from = ledger.head().number() + 1;
    if from > newest {
        return Ok(());
    }
    tracing::info!(from, to = newest, "redoing blocks from the log");
    let mut redo = Redo::new(ledger.log(), Arc::clone(ledger), newest);
    loop {
        let done = redo.next()?;
        if done.is_empty() {
            return Ok(());
        }
        for executed in done {
            guards.follow(&executed.block, &executed.guards);
        }
    }
}

/// The states of a chain, one after another.
pub(crate) struct Redo<'a> {
    log: &'a BlockLog,
    ledger: Arc<Ledger>,
    /// Up to where they are made.
    to: u64,
    /// What is read and not redone.
    read: VecDeque<Logged>,
}

impl<'a> Redo<'a> {
    fn new(log: &'a BlockLog, ledger: Arc<Ledger>, to: u64) -> Self {
        Self {
            log,
            ledger,
            to,
            read: VecDeque::new(),
        }
    }

    /// From genesis on up to a height, in a ledger of its own.
    pub(crate) fn from_genesis(
        genesis: &Genesis,
        at: &Storage,
        log: &'a BlockLog,
        to: u64,
    ) -> Result<Self, ChainError> {
        let Stores { log: own, db, .. } = open_stores(at, Some(HISTORY))?;
        let genesis = genesis_executed(genesis)?;
        db.apply(&[record(&genesis)]).map_err(storage)?;
        let ledger = Ledger::new(own, db, genesis.block)?;
        Ok(Self::new(log, Arc::new(ledger), to))
    }

    /// Redoes the next blocks; none when all are done.
    pub(crate) fn next(&mut self) -> Result<Vec<Executed>, ChainError> {
        let ledger = Arc::clone(&self.ledger);
        let left = self.to.saturating_sub(ledger.head().number());
        let flush = || match ledger.unflushed().0 + left > IN_MEMORY {
            true => ledger.flush().and_then(|()| ledger.prune()),
            false => Ok(()),
        };
        // What comes first runs on this thread: a thread amid the root, which reads the nodes, never takes up the flush, which
        // waits for them.
        let (flushed, done) = rayon::join(flush, || self.make());
        flushed?;
        let done = done?;
        ledger.adopt(done.clone());
        Ok(done)
    }

    /// Writes what is still in memory.
    pub(crate) fn flush(&self) -> Result<(), ChainError> {
        self.ledger.flush()
    }

    fn make(&mut self) -> Result<Vec<Executed>, ChainError> {
        let from = self.ledger.head().number() + 1 + self.read.len() as u64;
        // What is left of the batch before is redone first.
        let room = BATCH.saturating_sub(self.read.len() as u64);
        let end = from.saturating_add(room).min(self.to.saturating_add(1));
        let numbers: Vec<u64> = (from..end).collect();
        let read = |number: u64| Logged::read(self.log, number);
        let read: Result<Vec<_>, _> = numbers.into_par_iter().map(read).collect();
        self.read.extend(read?);
        redo(&self.ledger, &mut self.read)
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
        // The ledger and its tables ask for them; here all cores work.
        for tx in &block.transactions {
            tx.tx_hash();
        }
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
fn redo(ledger: &Arc<Ledger>, blocks: &mut VecDeque<Logged>) -> Result<Vec<Executed>, ChainError> {
    let head = ledger.head();
    let mut state = Overlay {
        layers: vec![(Arc::default(), None)],
        base: ledger.state(head.number()),
    };
    let mut done: Vec<Executed> = Vec::new();
    let mut parent = head.hash();
    while let Some(Logged { block, list }) = blocks.front() {
        if block.header.parent_hash != parent {
            let named = block.header.parent_hash;
            let reason = format!("it follows {named}, and the block before it is {parent}");
            return Err(diverged(block, reason));
        }
        let diff = StateDiff::from_access_list(list, &state).map_err(storage)?;
        if comes_back(&state.layers[0].0, &diff) {
            break;
        }
        let called = guards::changes(&diff, || Ok(Arc::new(state.clone())))?;
        Arc::make_mut(&mut state.layers[0].0).follow_all(&diff);
        parent = block.hash();
        done.push(Executed {
            block: Arc::clone(block),
            diff: Arc::new(diff),
            nodes: Arc::default(),
            guards: Arc::new(called),
            said: Arc::default(),
        });
        blocks.pop_front();
    }
    if let Some(last) = done.last_mut() {
        let commit = ledger.root_after(Vec::new(), &state.layers[0].0)?;
        if commit.root != last.block.header.state_root {
            return Err(first_that_differs(ledger, &done)?);
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
fn first_that_differs(ledger: &Ledger, done: &[Executed]) -> Result<ChainError, ChainError> {
    let mut nodes = Vec::new();
    for Executed { block, diff, .. } in done {
        let commit = ledger.root_after(nodes.clone(), diff)?;
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
