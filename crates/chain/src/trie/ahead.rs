//! Tries that go along with a block while it runs.
//!
//! ```text
//!   block   tx tx tx tx │ tx tx tx tx │ tx tx ─► difference
//!   tries               └► step ──────┴► step ─► what is left of the difference ─► root
//! ```
//!
//! A step puts what some transactions left into the tries, as if the block ended there. At the end only what the block's
//! difference has otherwise is put in. Root and records follow from a trie's entries alone, not from the order in which
//! they came, so they are those of the whole difference at once.

use std::sync::Arc;

use capstan_evm::{AccountDiff, StateDiff};

use super::{Commit, NodeUpdates};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// What is in the tries already.
    tried: StateDiff,
    commit: Commit,
    updates: Arc<NodeUpdates>,
}

impl Ahead {
    /// Puts in what some more transactions left. `update` makes the tries after a difference, over updates that lie on top of
    /// the parent's.
    pub(crate) fn step<E>(
        &mut self,
        diff: StateDiff,
        update: impl FnOnce(Arc<NodeUpdates>, &StateDiff) -> Result<Commit, E>,
    ) -> Result<(), E> {
        let Commit {
            root,
            updates,
            storage_roots,
        } = update(Arc::clone(&self.updates), &diff)?;
        self.commit.root = root;
        self.commit.storage_roots.extend(storage_roots);
        Arc::make_mut(&mut self.updates).extend(updates);
        for (address, account) in diff.accounts {
            let tried = self.tried.accounts.entry(address).or_default();
            tried.info = account.info;
            tried.storage.extend(account.storage);
        }
        Ok(())
    }

    /// The tries after the block; `None` where the difference does not say what became of something that is in the tries: then
    /// they are made anew.
    pub(crate) fn finish<E>(
        mut self,
        diff: &StateDiff,
        update: impl FnOnce(Arc<NodeUpdates>, &StateDiff) -> Result<Commit, E>,
    ) -> Result<Option<Commit>, E> {
        if self.tried.accounts.is_empty() {
            return Ok(None);
        }
        let Some(left) = self.left_of(diff) else {
            return Ok(None);
        };
        if !left.accounts.is_empty() {
            self.step(left, update)?;
        }
        self.commit.updates = Arc::unwrap_or_clone(self.updates);
        Ok(Some(self.commit))
    }

    /// What of a difference is not in the tries yet.
    fn left_of(&self, diff: &StateDiff) -> Option<StateDiff> {
        for (address, tried) in &self.tried.accounts {
            let account = diff.accounts.get(address)?;
            account.info?;
            let is_named = |slot| account.storage.contains_key(slot);
            if !tried.storage.keys().all(is_named) {
                return None;
            }
        }
        let mut left = StateDiff::default();
        for (address, account) in &diff.accounts {
            let Some(tried) = self.tried.accounts.get(address) else {
                left.accounts.insert(*address, account.clone());
                continue;
            };
            let slots = account.storage.iter();
            let others = slots.filter(|(slot, word)| tried.storage.get(slot) != Some(word));
            let other = AccountDiff {
                info: account.info,
                storage: others.map(|(slot, word)| (*slot, *word)).collect(),
            };
            if other.info != tried.info || !other.storage.is_empty() {
                left.accounts.insert(*address, other);
            }
        }
        Some(left)
    }
}
