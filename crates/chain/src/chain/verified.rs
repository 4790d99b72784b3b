//! Judging a block from its access list, on all cores.
//!
//! The plain loop is the definition of what a block does. A verification that ends well answers the same, sooner; one that
//! does not decides nothing: the block runs in sequence then, and what the verification says of the list only gives a name
//! to what is wrong with it.
//!
//! ```text
//!   list ─┬─► every transaction, on all cores ─► compared with the list ─┐
//!         └─► values after the block ─► state root                       ┴─► header
//! ```
//!
//! What the block leads to stands in the list, so the state root is made while the transactions still run. It is used
//! only where they then agree with the list.

use std::{sync::Arc, thread, time::Instant};

use alloy_consensus::{Header, proofs, transaction::Recovered};
use alloy_eip7928::BlockAccessList;
use alloy_rlp::Decodable as _;
use capstan_evm::record::{Record, record};
use capstan_evm::verify::{Claim, ITEM_GAS, Verified, VerifyError, verify};
use capstan_evm::{BlockContext, BlockOutcome, StateDiff, Tx};

use super::Inner;
use super::build::{Duties, Frame};
use super::ledger::storage;
use super::order::system_kind;
use crate::trie::Commit;
use crate::{Block, ChainError, RawBlock};

/// What came of it.
pub(super) enum Tried {
    /// All is well.
    Good(Box<Found>),
    /// The block does not fit its list. The plain loop must find so too.
    Doubt(VerifyError),
    /// The plain loop is asked as if nothing had been tried.
    Nothing,
}

/// What a good block leads to.
pub(super) struct Found {
    pub(super) outcome: BlockOutcome,
    /// The tries after it, if they were made meanwhile.
    pub(super) commit: Option<Commit>,
}

impl Tried {
    pub(super) fn doubt(self) -> Option<VerifyError> {
        match self {
            Self::Doubt(doubt) => Some(doubt),
            _ => None,
        }
    }
}

/// Whether a header says of gas and receipts what workers do: theirs are compared with no list.
fn is_of(header: &Header, verified: &Verified) -> bool {
    header.gas_used == verified.gas_used()
        && header.logs_bloom == *verified.logs_bloom()
        && header.receipts_root == proofs::calculate_receipt_root(verified.receipts())
}

/// The plain loop found a block good that its list does not fit: one of the two is wrong, and that is not the plain loop.
pub(super) fn report_disagreement(number: u64, doubt: &VerifyError) {
    metrics::counter!("capstan_verify_disagreements_total").increment(1);
    tracing::error!(
        number,
        %doubt,
        "verifying a block from its access list failed, and running it in sequence did not; please report this"
    );
}

impl Inner {
    /// What a block leads to, if it is worth several threads and all is well with it.
    pub(super) fn verified(
        &self,
        raw: &RawBlock,
        frame: &Frame,
        transactions: &[Recovered<Tx>],
    ) -> Result<Tried, ChainError> {
        let threads = self.config.verify.threads;
        let helped = self
            .helpers
            .get()
            .is_some_and(|helpers| helpers.count() > 0);
        if (threads < 2 && !helped) || raw.header.gas_used < self.config.verify.from_gas {
            return Ok(Tried::Nothing);
        }
        let started = Instant::now();
        let (verified, ahead) = thread::scope(|scope| {
            let root = thread::Builder::new()
                .name("root-ahead".to_owned())
                .spawn_scoped(scope, || self.commit_from_list(raw, frame));
            let verified = self.run_from_list(raw, frame, transactions);
            // Without that thread, or after trouble in it, the root is made in its turn.
            let ahead = root.ok().and_then(|root| root.join().ok()?.ok()?);
            (verified, ahead)
        });
        let verified = match verified? {
            Ok(verified) => verified,
            Err(VerifyError::Panicked(why)) => {
                metrics::counter!("capstan_verify_panics_total").increment(1);
                tracing::error!(
                    number = raw.header.number,
                    why,
                    "a worker panicked while it verified a block; the block runs in sequence"
                );
                return Ok(Tried::Nothing);
            }
            Err(VerifyError::Own(_)) => return Ok(Tried::Nothing),
            Err(doubt) => return Ok(Tried::Doubt(doubt)),
        };
        if !self.is_owed(frame, transactions, &verified)? {
            return Ok(Tried::Nothing);
        }
        metrics::histogram!("capstan_block_verify_seconds").record(started.elapsed());
        let outcome = verified.into_outcome();
        let ahead = ahead.filter(|(diff, _)| *diff == outcome.diff);
        let commit = ahead.map(|(_, commit)| commit);
        Ok(Tried::Good(Box::new(Found { outcome, commit })))
    }

    /// The tries after a block as its list has it, right or wrong; `None` if it is no list of such a block.
    fn commit_from_list(
        &self,
        raw: &RawBlock,
        frame: &Frame,
    ) -> Result<Option<(StateDiff, Commit)>, ChainError> {
        let Ok(list) = BlockAccessList::decode(&mut raw.access_list.as_ref()) else {
            return Ok(None);
        };
        let item_count = alloy_eip7928::total_bal_items(&list);
        let is_sound = alloy_eip7928::validate_block_access_list(&list, raw.transactions.len());
        if is_sound.is_err() || item_count > self.rules.gas_limit() / ITEM_GAS {
            return Ok(None);
        }
        let parent = frame.parent.hash();
        let diff = StateDiff::from_access_list(&list, &*self.state_of(parent)?).map_err(storage)?;
        let commit = self.commit_on(parent, &diff)?;
        Ok(Some((diff, commit)))
    }

    /// A reason with the entry of the list that is wrong, if one is.
    pub(super) fn name_entry(
        &self,
        raw: &RawBlock,
        frame: &Frame,
        transactions: &[Recovered<Tx>],
        reason: &str,
    ) -> Result<String, ChainError> {
        let claim = self.claim(raw, frame, transactions)?;
        let error = verify(&claim, 1).err();
        Ok(match error {
            Some(error @ (VerifyError::List(_) | VerifyError::Transaction { .. })) => {
                format!("{reason}; {error}")
            }
            _ => reason.to_owned(),
        })
    }

    fn run_from_list(
        &self,
        raw: &RawBlock,
        frame: &Frame,
        transactions: &[Recovered<Tx>],
    ) -> Result<Result<Verified, VerifyError>, ChainError> {
        let claim = self.claim(raw, frame, transactions)?;
        let threads = self.config.verify.threads;
        Ok(match self.helpers.get() {
            Some(helpers) => {
                let is_right = |verified: &Verified| is_of(&raw.header, verified);
                helpers.verify(&claim, threads, &is_right)
            }
            None => verify(&claim, threads),
        })
    }

    fn claim<'b>(
        &self,
        raw: &'b RawBlock,
        frame: &Frame,
        transactions: &'b [Recovered<Tx>],
    ) -> Result<Claim<'b>, ChainError> {
        Ok(Claim {
            rules: Arc::clone(&self.rules),
            parent: self.state_of(frame.parent.hash())?,
            context: self.context(frame),
            transactions,
            access_list: &raw.access_list,
            access_list_hash: raw.header.block_access_list_hash.unwrap_or_default(),
        })
    }

    /// Runs a final block again from its access list, and tells who touched what.
    pub(super) fn record(
        &self,
        block: &Block,
        context: BlockContext,
    ) -> Result<Record, ChainError> {
        let Some(parent) = block.number().checked_sub(1) else {
            return Err(ChainError::Inputs("genesis has no record".into()));
        };
        let oldest = self.ledger.oldest_state();
        if parent < oldest {
            let number = parent;
            return Err(ChainError::StatePruned { number, oldest });
        }
        let claim = Claim {
            rules: Arc::clone(&self.rules),
            parent: self.ledger.state(parent),
            context,
            transactions: &block.transactions,
            access_list: &block.access_list,
            access_list_hash: block.header.block_access_list_hash.unwrap_or_default(),
        };
        let made = record(&claim, self.config.verify.threads);
        made.map_err(|error| ChainError::Execution(format!("block {}: {error}", block.number())))
    }

    /// Whether the block does the system's work that it owes, each with the gas that is left for it.
    fn is_owed(
        &self,
        frame: &Frame,
        transactions: &[Recovered<Tx>],
        verified: &Verified,
    ) -> Result<bool, ChainError> {
        let (parent, context) = (frame.parent.hash(), self.context(frame));
        let mut duties = Duties::new();
        let mut system_gas_left = self.rules.system_gas_limit;
        let mut gas_before = 0;
        for (place, (tx, receipt)) in transactions.iter().zip(verified.receipts()).enumerate() {
            let state = verified.state_after(place);
            let due = |kind| self.due(kind, parent, &state, &context.info);
            if duties.next(tx, system_gas_left, due)?.is_some() {
                return Ok(false);
            }
            let gas = receipt.cumulative_gas_used();
            if system_kind(tx).is_some() {
                system_gas_left = system_gas_left.saturating_sub(gas - gas_before);
            }
            gas_before = gas;
        }
        let state = verified.state_after(transactions.len());
        let due = |kind| self.due(kind, parent, &state, &context.info);
        Ok(duties.left(due)?.is_none())
    }
}
