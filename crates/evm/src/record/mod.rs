//! Who read and wrote what in a block, transaction by transaction: the sidecar of its access list.
//!
//! The list says what every transaction wrote, and of reads only that there were some. The sidecar says, of each
//! transaction, which places of the list it read, wrote, or only added to, and its gas. It follows from the parent's state,
//! the block and its list, so nothing has to be kept or believed: [`record`] makes it again from them, on all cores.
//!
//! ```text
//!   access list ─► Locations: a number for each account and word, in the list's order
//!   every transaction by itself ─► Row: gas, [(location, Read | Write | Delta)]
//!   rows ─► edges (who waits for whom) ─► Analysis: critical path, hot places, projected speed-up
//! ```
//!
//! `specs/per.md` has the format.

mod analysis;
mod codec;
mod locations;

use std::collections::BTreeSet;

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, U256};
use revm::state::EvmState;

pub use analysis::{Analysis, Hot, Slot, Wait, analyse};
pub use codec::CodecError;
pub use locations::{Location, Locations};

use crate::natives::{Natives, PROTOCOL};
use crate::verify::{Claim, VerifyError};
use crate::{BlockOutcome, SystemTx, Tx};

/// What a transaction did at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It looked.
    Read,
    /// It wrote, perhaps after it looked.
    Write,
    /// It added or took away without looking at more than a bound: the order of such accesses does not matter.
    Delta,
}

/// One transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Gas used, refunds taken off.
    pub gas: u64,
    /// Places by number, ascending, each once.
    pub accesses: Vec<(u32, Access)>,
}

/// All transactions of a block, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sidecar {
    /// One row per transaction.
    pub rows: Vec<Row>,
}

/// A block, verified again, with its sidecar.
#[derive(Debug)]
pub struct Record {
    /// What the block leads to.
    pub outcome: BlockOutcome,
    /// Who touched what.
    pub sidecar: Sidecar,
}

/// Verifies a block on so many threads and tells who touched what.
///
/// # Errors
/// As [`crate::verify::verify`].
pub fn record(claim: &Claim<'_>, threads: usize) -> Result<Record, VerifyError> {
    record_with(claim, threads, &PROTOCOL)
}

/// The same with other native contracts, for tests.
///
/// # Errors
/// As [`record`].
pub fn record_with(
    claim: &Claim<'_>,
    threads: usize,
    natives: &'static dyn Natives,
) -> Result<Record, VerifyError> {
    crate::verify::recorded(claim, threads, natives)
}

/// Places that one transaction touched, as it left them. A sender's account, and one whose nonce or code changed or that
/// paid, is written. One that only received is added to where no code of its own could look, and so is the
/// beneficiary's by the fee. A word of a native contract is added to where no more was done to it than that.
pub(crate) fn row(
    locations: &Locations,
    tx: &Recovered<Tx>,
    gas: u64,
    beneficiary: Address,
    state: &EvmState,
    touches: &Touches,
) -> Row {
    let sender = (!SystemTx::has_shape(tx.inner())).then(|| tx.signer());
    let mut accesses = Vec::new();
    for (address, account) in state {
        let (before, after) = (account.original_info(), &account.info);
        let changed = before.nonce != after.nonce || before.code_hash != after.code_hash;
        let gained = after.balance >= before.balance;
        let is_plain = after.is_empty_code_hash();
        let access = if sender == Some(*address) || changed || !gained {
            Access::Write
        } else if after.balance == before.balance && *address != beneficiary {
            Access::Read
        } else if is_plain || *address == beneficiary {
            Access::Delta
        } else {
            Access::Write
        };
        let Some(account_id) = locations.account(*address) else {
            continue;
        };
        accesses.push((account_id, access));
        for (slot, word) in &account.storage {
            let access = if touches.only_commuted(*address, *slot) {
                Access::Delta
            } else if word.is_changed() {
                Access::Write
            } else {
                Access::Read
            };
            if let Some(id) = locations.word(*address, *slot) {
                accesses.push((id, access));
            }
        }
    }
    accesses.sort_unstable();
    Row { gas, accesses }
}

/// How native contracts touched words in one transaction: bytecode cannot reach those.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touches {
    commuted: BTreeSet<(Address, U256)>,
    exact: BTreeSet<(Address, U256)>,
}

impl Touches {
    pub(crate) fn commuted(&mut self, at: Address, slot: U256) {
        self.commuted.insert((at, slot));
    }

    pub(crate) fn exact(&mut self, at: Address, slot: U256) {
        self.exact.insert((at, slot));
    }

    fn only_commuted(&self, at: Address, slot: U256) -> bool {
        self.commuted.contains(&(at, slot)) && !self.exact.contains(&(at, slot))
    }
}

#[cfg(test)]
mod tests;
