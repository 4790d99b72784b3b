//! Verifies a block from its access list: every transaction by itself, in any order, on several threads.
//!
//! ```text
//!   list ─► Book ─┬─► Before(0) ─► EIP-4788, EIP-2935 ─► compare ┐
//!                 ├─► Before(1) ─► transaction 0 ──────► compare ├─► gas, receipts, bloom in order ─► BlockOutcome
//!                 └─► Before(n) ─► transaction n - 1 ──► compare ┘
//! ```
//!
//! A worker takes the next index, stands on the parent's state with the entries below that index, runs what is there as
//! [`crate::BlockRun`] would, and compares what it left behind with the entries of the index. Nothing is committed, so
//! nothing conflicts and nothing is run twice. Why this proves the list is in `specs/per.md`.

mod book;
mod compare;
mod fault;
mod piece;
mod queue;
mod read;
mod threads;
mod work;

use std::sync::{Arc, OnceLock};

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Eip658Value, ReceiptWithBloom};
use alloy_eip7928::BlockAccessList;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, Bloom, keccak256};

pub use fault::{Fault, Field, Place, Value, VerifyError};

use crate::block::{fits, system_fits};
use crate::natives::{Natives, PROTOCOL};
use crate::record::{Record, Row, Sidecar};
use crate::{
    BlockContext, BlockOutcome, ExecError, Receipt, Rules, StateDiff, StateRead, SystemTx, Tx,
};
use book::Book;
pub use book::{After, Declared, ITEM_GAS};
pub use piece::{Answer, Asked, Hand, Helper, Piece, PieceEnd, Placed};
use queue::Queue;
use read::Chore;
use work::{Crew, Ran};

/// A block to verify.
#[derive(Clone)]
pub struct Claim<'b> {
    /// The chain's rules.
    pub rules: Arc<Rules>,
    /// State before the block.
    pub parent: Arc<dyn StateRead>,
    /// What the header says of the block.
    pub context: BlockContext,
    /// Its transactions, system transactions included.
    pub transactions: &'b [Recovered<Tx>],
    /// Its access list, as it travels.
    pub access_list: &'b [u8],
    /// The hash of that list in the header.
    pub access_list_hash: B256,
}

impl std::fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("number", &self.context.info.number)
            .field("transactions", &self.transactions.len())
            .finish_non_exhaustive()
    }
}

/// A block that is what its list says.
pub struct Verified {
    book: Arc<Book>,
    ended: Ended,
    diff: StateDiff,
    access_list_hash: B256,
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verified")
            .field("access_list_hash", &self.access_list_hash)
            .finish_non_exhaustive()
    }
}

impl Verified {
    /// State after so many of the block's transactions, for reading anything, declared or not.
    pub fn state_after(&self, transaction_count: usize) -> After<'_> {
        After {
            book: &self.book,
            index: transaction_count as u64 + 1,
        }
    }

    /// One receipt per transaction, in order.
    pub fn receipts(&self) -> &[Receipt] {
        &self.ended.receipts
    }

    /// Gas that all transactions used.
    pub fn gas_used(&self) -> u64 {
        self.ended.gas_used()
    }

    /// Of all logs.
    pub fn logs_bloom(&self) -> &Bloom {
        &self.ended.logs_bloom
    }

    /// What the plain loop would have answered.
    pub fn into_outcome(self) -> BlockOutcome {
        let list = Arc::try_unwrap(self.book);
        // All workers are gone, and with them every other handle.
        let list = list.map_or_else(|book| book.list().clone(), Book::into_list);
        self.ended.close(list, self.access_list_hash, self.diff)
    }
}

/// Verifies a block on so many threads, this one included.
///
/// # Errors
/// The block is not what its list says, or it could not be found out; [`VerifyError`] tells them apart.
pub fn verify(claim: &Claim<'_>, threads: usize) -> Result<Verified, VerifyError> {
    verify_with(claim, threads, &PROTOCOL)
}

/// The same with other native contracts, for tests.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    claim: &Claim<'_>,
    threads: usize,
    natives: &'static dyn Natives,
) -> Result<Verified, VerifyError> {
    run(claim, threads, Vec::new(), natives, false)
}

/// Verifies a block on so many threads here, and with others' hands.
///
/// # Errors
/// As [`verify`].
pub fn verify_with_hands(
    claim: &Claim<'_>,
    threads: usize,
    hands: Vec<&mut dyn Hand>,
) -> Result<Verified, VerifyError> {
    run(claim, threads, hands, &PROTOCOL, false)
}

/// The same with a record of who touched what.
pub(crate) fn recorded(
    claim: &Claim<'_>,
    threads: usize,
    natives: &'static dyn Natives,
) -> Result<Record, VerifyError> {
    let mut verified = run(claim, threads, Vec::new(), natives, true)?;
    let rows = std::mem::take(&mut verified.ended.rows);
    Ok(Record {
        outcome: verified.into_outcome(),
        sidecar: Sidecar { rows },
    })
}

fn run(
    claim: &Claim<'_>,
    threads: usize,
    mut hands: Vec<&mut dyn Hand>,
    natives: &'static dyn Natives,
    recording: bool,
) -> Result<Verified, VerifyError> {
    let count = claim.transactions.len();
    let (hash, queue) = (OnceLock::new(), OnceLock::new());
    let hashing = || {
        hash.get_or_init(|| keccak256(claim.access_list));
    };
    let queueing = || {
        queue.get_or_init(|| Queue::of(claim.transactions));
    };
    let chores: [Chore<'_>; 2] = [&hashing, &queueing];
    let book = Arc::new(book_of(claim, count, threads, &mut hands, &chores)?);
    let queue = queue.into_inner().ok_or_else(work::undone)?;
    let mut crew = Crew::new(claim, Arc::clone(&book), queue, natives);
    if recording {
        crew = crew.recording();
    }
    let done = crew.run(threads, hands)?;
    let mut ended = Ended::new(claim);
    for (index, (tx, ran)) in claim.transactions.iter().zip(done.ran).enumerate() {
        let ran = ran.ok_or_else(work::undone)?;
        let added = ended.add(claim, tx, ran);
        added.map_err(|error| VerifyError::Transaction { index, error })?;
    }
    if let Some(unused) = done.used.first_unused(&book) {
        return Err(unused.into());
    }
    let is = hash.into_inner().ok_or_else(work::undone)?;
    let must = claim.access_list_hash;
    if is != must {
        return Err(Fault::Hash { is, must }.into());
    }
    Ok(Verified {
        book,
        ended,
        diff: done.diff,
        access_list_hash: claim.access_list_hash,
    })
}

/// Reads the list of so many transactions and checks its structure. The chores are done meanwhile.
fn book_of(
    claim: &Claim<'_>,
    count: usize,
    threads: usize,
    hands: &mut [&mut dyn Hand],
    chores: &[Chore<'_>],
) -> Result<Book, VerifyError> {
    let gas_limit = claim.rules.gas_limit();
    let reading = read::read(claim.access_list, count, gas_limit, threads, hands, chores)?;
    let parent = Arc::clone(&claim.parent);
    Ok(Book::new(reading, parent, count, gas_limit)?)
}

/// What stands in order: gas, receipts, bloom.
struct Ended {
    user_gas_left: u64,
    system_gas_left: u64,
    user_gas_used: u64,
    system_gas_used: u64,
    system_count: u64,
    receipts: Vec<Receipt>,
    logs_bloom: Bloom,
    rows: Vec<Row>,
}

impl Ended {
    fn new(claim: &Claim<'_>) -> Self {
        Self {
            user_gas_left: claim.rules.user_gas_limit,
            system_gas_left: claim.rules.system_gas_limit,
            user_gas_used: 0,
            system_gas_used: 0,
            system_count: 0,
            receipts: Vec::with_capacity(claim.transactions.len()),
            logs_bloom: Bloom::ZERO,
            rows: Vec::new(),
        }
    }

    /// Adds the next transaction, unless it asks for more gas than is left.
    fn add(&mut self, claim: &Claim<'_>, tx: &Recovered<Tx>, ran: Ran) -> Result<(), ExecError> {
        let gas_limit = alloy_consensus::Transaction::gas_limit(tx.inner());
        if SystemTx::has_shape(tx.inner()) {
            system_fits(gas_limit, self.system_gas_left).map_err(|why| ExecError::System {
                number: claim.context.info.number,
                ordinal: self.system_count,
                why,
            })?;
            self.system_count += 1;
            self.system_gas_used += ran.gas_used;
            self.system_gas_left = self.system_gas_left.saturating_sub(ran.gas_used);
        } else {
            fits(tx, self.user_gas_left)?;
            self.user_gas_used += ran.gas_used;
            self.user_gas_left = self.user_gas_left.saturating_sub(ran.gas_used);
        }
        if let Some(bloom) = &ran.bloom {
            self.logs_bloom |= **bloom;
        }
        let bloom = ran.bloom.map_or(Bloom::ZERO, |bloom| *bloom);
        self.rows.extend(ran.row);
        let receipt = alloy_consensus::Receipt {
            status: Eip658Value::Eip658(ran.success),
            cumulative_gas_used: self.gas_used(),
            logs: ran.logs,
        };
        let receipt = ReceiptWithBloom::new(receipt, bloom);
        self.receipts
            .push(Receipt::from_typed(tx.tx_type(), receipt));
        Ok(())
    }

    fn gas_used(&self) -> u64 {
        self.user_gas_used + self.system_gas_used
    }

    fn close(
        self,
        access_list: BlockAccessList,
        access_list_hash: B256,
        diff: StateDiff,
    ) -> BlockOutcome {
        BlockOutcome {
            gas_used: self.gas_used(),
            receipts: self.receipts,
            logs_bloom: self.logs_bloom,
            user_gas_used: self.user_gas_used,
            system_gas_used: self.system_gas_used,
            access_list,
            access_list_hash,
            diff,
            requests_hash: EMPTY_REQUESTS_HASH,
        }
    }
}
