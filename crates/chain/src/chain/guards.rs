//! Accounts that the next block owes a look: the index of guards beside the state.
//!
//! ```text
//!   final block ──► its changes of sheets ──► GuardIndex at the newest final block
//!   candidates  ──► their changes, folded ──► over it, for whatever parent a block is built on
//!   prices of the block that is being made ──► due accounts ──► Liquidate, or a block that is Bad without it
//!   dollars that wait ──► debtors nearest to their guards ──► Redeem, or a block that is Bad without it
//! ```
//!
//! The index is a function of stored sheets. It lives in memory; now and then and at a clean stop it is saved, so that a
//! start reads it and what changed since, and not every account.

mod parts;
mod saved;

use std::{cell::RefCell, sync::Arc};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, U256};
use alloy_sol_types::{Revert, SolError as _, SolEvent as _};
use capstan_contracts::{
    SystemKind,
    account::{
        self, IAccount, LOOKS_MAX, REDEMPTIONS_MAX,
        index::{Changes, GuardIndex},
        sheet_slot,
    },
};
use capstan_evm::{BlockRun, StateDiff, StateError, StateRead, Tx};
use capstan_state::{BlockInfo, Ctx, Frame, Halt, ReadOnly, View};

use self::parts::Parts;
use super::{Inner, ledger::storage, order::system_kind};
use crate::{
    Block, ChainError,
    db::{DbView, DerivedIndex, IndexSnapshot, IndexStep, Loaded, load_index},
};

/// Blocks after which the index is saved again: a start after a crash follows at most so many.
const SAVE_EVERY: u64 = 4_096;

/// The index, and the final block at which it stands.
#[derive(Debug)]
pub(super) struct Guards {
    height: u64,
    at: B256,
    index: GuardIndex,
    /// How it came to be when the chain was opened.
    loaded: Loaded,
    /// The height of what was saved last.
    saved: u64,
    /// What is being copied to be saved.
    copied: Option<Parts>,
}

/// What came of copying a part.
#[derive(Debug)]
pub(super) enum Copied {
    /// Nothing is to be saved now.
    Nothing,
    /// More is to come.
    Part,
    /// The last part.
    All(Whole),
}

/// The whole index at a block.
#[derive(Debug)]
pub(super) struct Whole {
    height: u64,
    at: B256,
    parts: Parts,
}

impl Whole {
    /// As it is saved. Nobody waits for this.
    pub(super) fn into_snapshot(self) -> IndexSnapshot {
        IndexSnapshot::copied(saved::NAME, self.parts.into_saved(), self.height, self.at)
    }
}

/// How the index of guards stands, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardReport {
    /// The final block that it has followed.
    pub height: u64,
    /// Guards in it.
    pub count: usize,
    /// Commits to all of them.
    pub digest: B256,
    /// The height of the snapshot that the start took; `None`: it read every account.
    pub snapshot: Option<u64>,
}

impl Guards {
    /// The index at the newest block of a database.
    pub(super) fn load(view: &DbView) -> Result<Self, ChainError> {
        let tip = view.tip().unwrap_or_default();
        let mut index = GuardIndex::default();
        let loaded = load_index(view, &mut index).map_err(storage)?;
        let saved = match loaded {
            Loaded::Saved { at } => at,
            Loaded::Rebuilt => 0,
        };
        metrics::gauge!("capstan_guards").set(index.len() as f64);
        tracing::debug!(count = index.len(), ?loaded, "the index of guards stands");
        Ok(Self {
            height: tip.height,
            at: tip.hash,
            index,
            loaded,
            saved,
            copied: None,
        })
    }

    /// Follows a block that has become final.
    pub(super) fn follow(&mut self, block: &Block, changes: &Changes) {
        self.index.apply(changes);
        if let Some(copied) = &mut self.copied {
            copied.follow(changes);
        }
        self.stand_at(block);
    }

    /// Leaves the blocks above one that is the newest again.
    fn leave(&mut self, to: &Block, step: &IndexStep) {
        DerivedIndex::undo(&mut self.index, step);
        // A rewind is a developer's: what was copied is copied anew.
        self.copied = None;
        self.saved = self.saved.min(to.number());
        self.stand_at(to);
    }

    fn stand_at(&mut self, block: &Block) {
        self.height = block.number();
        self.at = block.hash();
        metrics::gauge!("capstan_guards").set(self.index.len() as f64);
    }

    /// Copies the next part of what is to be saved, if the last time is long ago. The caller asks again at once, and blocks
    /// go on in between.
    pub(super) fn copy_part(&mut self) -> Copied {
        if self.copied.is_none() && self.height < self.saved.saturating_add(SAVE_EVERY) {
            return Copied::Nothing;
        }
        let mut copied = self.copied.take().unwrap_or_default();
        if copied.take_from(&self.index) {
            self.copied = Some(copied);
            return Copied::Part;
        }
        self.saved = self.height;
        Copied::All(Whole {
            height: self.height,
            at: self.at,
            parts: copied,
        })
    }

    /// What is to be saved, at once.
    pub(super) fn snapshot(&mut self) -> IndexSnapshot {
        self.saved = self.height;
        IndexSnapshot::of(&self.index, self.height, self.at)
    }

    pub(super) fn report(&self) -> GuardReport {
        GuardReport {
            height: self.height,
            count: self.index.len(),
            digest: self.index.digest(),
            snapshot: match self.loaded {
                Loaded::Saved { at } => Some(at),
                Loaded::Rebuilt => None,
            },
        }
    }
}

/// Whether a snapshot that is saved leads to the index that the accounts make; one that would not be taken is no matter.
pub(crate) fn verify_snapshot(view: &DbView) -> Result<(), ChainError> {
    let mut loaded = GuardIndex::default();
    if load_index(view, &mut loaded).map_err(storage)? == Loaded::Rebuilt {
        return Ok(());
    }
    let words = view.storage_of(account::ADDRESS).map_err(storage)?;
    let anew = GuardIndex::rebuild(words);
    if loaded == anew {
        return Ok(());
    }
    Err(ChainError::Storage(format!(
        "the saved index of guards has {} entries, the accounts make {}{}: stop the node and remove the file {} to have it \
         made anew from the block log",
        loaded.len(),
        anew.len(),
        if loaded.len() == anew.len() {
            ", of which some differ"
        } else {
            ""
        },
        crate::db::STATE_FILE,
    )))
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
    /// The index leaves what a rewind has undone. The caller holds the turn.
    pub(super) fn leave_guards(&self, step: &IndexStep) {
        let head = self.ledger.head();
        self.guards.lock().leave(&head, step);
    }

    /// Saves the index as it stands, for the next start.
    pub(super) fn save_guards(&self) -> Result<(), ChainError> {
        let snapshot = self.guards.lock().snapshot();
        self.ledger.save_index(&snapshot)
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
            failed: RefCell::new(None),
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
        if let Some(error) = standing.failed.take() {
            return Err(storage(error));
        }
        let due = due.map_err(|halt| ChainError::Internal(format!("guards: {halt:?}")))?;
        for why in &due.damaged {
            report_damage(kind, why);
        }
        Ok((!due.accounts.is_empty()).then(|| account::encode_accounts(&due.accounts)))
    }
}

/// Words that no contract writes, in what the block would work on: only a developer can have written them.
fn report_damage(kind: SystemKind, why: &str) {
    metrics::counter!("capstan_guards_damaged_total").increment(1);
    tracing::warn!(
        ?kind,
        why,
        "damaged words; the block goes on without what is read from them"
    );
}

/// Says which accounts a system transaction passed over because their words are damaged.
pub(super) fn report_damaged(kind: SystemKind, logs: &[Log]) {
    let reason_of = |log: &Log| {
        let look = IAccount::LookFailed::decode_log(log)
            .map(|log| (log.owner, log.index, log.data.reason));
        let look = look.or_else(|_| {
            IAccount::RedemptionFailed::decode_log(log)
                .map(|log| (log.owner, log.index, log.data.reason))
        });
        look.ok()
    };
    for (owner, index, reason) in logs.iter().filter_map(reason_of) {
        // Reverts of contracts are their own errors; damage alone comes in words.
        if let Ok(damage) = Revert::abi_decode(&reason) {
            report_damage(kind, &format!("account {owner}/{index}: {}", damage.reason));
        }
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
    /// The first read that failed: to the contracts it looks like damage.
    failed: RefCell<Option<StateError>>,
}

impl Standing<'_> {
    fn info(&self, of: Address) -> Result<capstan_evm::AccountInfo, Halt> {
        let info = self.read(self.state.account(of))?;
        Ok(info.unwrap_or_default())
    }

    fn read<T>(&self, answer: Result<T, StateError>) -> Result<T, Halt> {
        answer.map_err(|error| {
            let why = error.to_string();
            self.failed.borrow_mut().get_or_insert(error);
            Halt::Fatal(why)
        })
    }
}

impl View for Standing<'_> {
    fn latest_block(&self) -> &BlockInfo {
        self.block
    }

    fn word_of(&self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.read(self.state.storage(at, slot))
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
        Ok(self.read(self.state.code(info.code_hash))?.len())
    }
}
