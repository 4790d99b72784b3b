//! Accounts that the next block owes a look: the index of guards beside the state.
//!
//! ```text
//!   final block ──► its changes of sheets ──► GuardIndex at the newest final block
//!   candidates  ──► their changes, folded ──► over it, for whatever parent a block is built on
//!   prices of the block that is being made ──► due accounts ──► Liquidate, or a block that is Bad without it
//!   dollars that wait ──► debtors nearest to their guards ──► Redeem, or a block that is Bad without it
//! ```
//!
//! The index is a function of stored sheets and is kept in memory alone: opening and rewinding read it anew.

use std::sync::Arc;

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use capstan_contracts::{
    SystemKind,
    account::{
        self, LOOKS_MAX, REDEMPTIONS_MAX,
        index::{Changes, GuardIndex},
        sheet_slot,
    },
};
use capstan_evm::{BlockRun, StateDiff, StateRead, Tx};
use capstan_state::{BlockInfo, Ctx, Frame, Halt, ReadOnly, View};

use super::{Inner, ledger::storage, order::system_kind};
use crate::ChainError;

/// The index, and the final block at which it stands.
#[derive(Debug, Default)]
pub(super) struct Guards {
    at: B256,
    index: GuardIndex,
}

impl Guards {
    /// Follows a block that has become final.
    pub(super) fn follow(&mut self, hash: B256, changes: &Changes) {
        self.index.apply(changes);
        self.at = hash;
        metrics::gauge!("capstan_guards").set(self.index.len() as f64);
    }
}

/// What a block changes of the guards.
pub(super) fn changes(
    diff: &StateDiff,
    before: impl FnOnce() -> Result<Arc<dyn StateRead>, ChainError>,
) -> Result<Changes, ChainError> {
    let mut changes = Changes::default();
    let Some(room) = diff.accounts.get(&account::ADDRESS) else {
        return Ok(changes);
    };
    let before = before()?;
    for (slot, after) in &room.storage {
        if sheet_slot(*slot).is_some() {
            let word = before.storage(account::ADDRESS, *slot).map_err(storage)?;
            changes.note(*slot, word, *after);
        }
    }
    Ok(changes)
}

impl Inner {
    /// Reads the index anew from the state of the newest final block. The caller holds the turn, or the chain alone.
    pub(super) fn read_guards(&self) -> Result<(), ChainError> {
        self.ledger.flush()?;
        let mut guards = self.guards.lock();
        let words = self.ledger.view().storage_of(account::ADDRESS);
        *guards = Guards {
            at: self.ledger.head().hash(),
            index: GuardIndex::rebuild(words.map_err(storage)?),
        };
        metrics::gauge!("capstan_guards").set(guards.index.len() as f64);
        Ok(())
    }

    /// What a block on `parent` owes of a kind of work, once all before it stands: the calldata of its transaction.
    /// The caller holds the turn.
    pub(super) fn due(
        &self,
        kind: SystemKind,
        parent: B256,
        run: &BlockRun,
    ) -> Result<Option<Bytes>, ChainError> {
        let guards = self.guards.lock();
        let mut over = Changes::default();
        {
            let tree = self.tree.lock();
            let path = tree.path(parent, guards.at)?;
            for candidate in path.into_iter().rev() {
                over.then(&candidate.executed.guards);
            }
        }
        if guards.index.is_empty() && over.added.is_empty() {
            return Ok(None);
        }
        let session = run.session();
        let standing = Standing {
            state: session.overlay(),
            block: &session.block().info,
        };
        let frame = Frame {
            this: account::ADDRESS,
            caller: account::ADDRESS,
            value: U256::ZERO,
        };
        let mut store = ReadOnly::new(&standing);
        let cx = &mut Ctx::new(&mut store, frame);
        let due = match kind {
            SystemKind::Redeem => guards.index.redeemable(cx, &over, REDEMPTIONS_MAX),
            _ => guards.index.due(cx, &over, LOOKS_MAX),
        };
        let due = due.map_err(|halt| ChainError::Internal(format!("guards: {halt:?}")))?;
        Ok((!due.is_empty()).then(|| account::encode_accounts(&due)))
    }
}

/// What a block that is judged still owes of one kind of work that the index calls for.
pub(super) struct Owed {
    kind: SystemKind,
    work: Work,
}

enum Work {
    /// What stands before it is not done yet.
    Unknown,
    /// A transaction with this calldata.
    Due(Bytes),
    /// Nothing.
    Nothing,
}

impl Owed {
    /// The kinds, in block order.
    pub(super) const KINDS: [SystemKind; 2] = [SystemKind::Liquidate, SystemKind::Redeem];

    pub(super) const fn of(kind: SystemKind) -> Self {
        Self {
            kind,
            work: Work::Unknown,
        }
    }

    /// Finds out, once: when the first transaction comes that may not stand before it, or none any more.
    fn settle(
        &mut self,
        due: impl FnOnce(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<(), ChainError> {
        if matches!(self.work, Work::Unknown) {
            self.work = due(self.kind)?.map_or(Work::Nothing, Work::Due);
        }
        Ok(())
    }

    /// The next transaction must be the work, if some is owed, and none of its kind otherwise (CHAIN-15). Answers what is
    /// wrong.
    pub(super) fn expect(
        &mut self,
        tx: &Recovered<Tx>,
        due: impl FnOnce(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<Option<String>, ChainError> {
        let kind = system_kind(tx);
        if kind.is_some_and(|kind| kind < self.kind) {
            return Ok(None);
        }
        self.settle(due)?;
        let is_it = kind == Some(self.kind);
        Ok(match &self.work {
            Work::Due(owed) if is_it && tx.input() == owed => {
                self.work = Work::Nothing;
                None
            }
            Work::Due(owed) => Some(format!("the block owes {:?} first: {owed}", self.kind)),
            _ if is_it => Some(format!("{:?} that is not owed: {}", self.kind, tx.input())),
            _ => None,
        })
    }

    /// What is still owed behind the last transaction.
    pub(super) fn left(
        &mut self,
        due: impl FnOnce(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<Option<String>, ChainError> {
        self.settle(due)?;
        Ok(match &self.work {
            Work::Due(owed) => Some(format!("it owes {:?}: {owed}", self.kind)),
            _ => None,
        })
    }
}

/// The state of a block in the making, for reading.
struct Standing<'s> {
    state: &'s dyn StateRead,
    block: &'s BlockInfo,
}

impl Standing<'_> {
    fn info(&self, of: Address) -> Result<capstan_evm::AccountInfo, Halt> {
        let info = self.state.account(of).map_err(fatal)?;
        Ok(info.unwrap_or_default())
    }
}

fn fatal(error: impl std::fmt::Display) -> Halt {
    Halt::Fatal(error.to_string())
}

impl View for Standing<'_> {
    fn latest_block(&self) -> &BlockInfo {
        self.block
    }

    fn word_of(&self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.state.storage(at, slot).map_err(fatal)
    }

    /// Nothing that the index asks lists a whole account.
    fn words_of(&self, at: Address) -> Result<Vec<(U256, U256)>, Halt> {
        Err(Halt::Fatal(format!(
            "all words of {at} in a block in the making"
        )))
    }

    fn coins_of(&self, of: Address) -> Result<U256, Halt> {
        Ok(self.info(of)?.balance)
    }

    fn code_size_of(&self, of: Address) -> Result<usize, Halt> {
        let info = self.info(of)?;
        if info.code_hash == KECCAK256_EMPTY || info.code_hash.is_zero() {
            return Ok(0);
        }
        Ok(self.state.code(info.code_hash).map_err(fatal)?.len())
    }
}
