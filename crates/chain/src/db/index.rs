//! Indexes that are a pure function of one account's storage: when to look at whom, and the like.
//!
//! ```text
//!   blocks ──► the index in memory ──► a snapshot now and then: block, digest, content
//!   start  ──► the snapshot, if its block is ours and its digest fits ──► and what its account's words did since
//!              └─ else every word of the account
//! ```
//!
//! A snapshot may be older than the state: the words that changed since are few, and history has what they were.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256, keccak256};

use super::{
    Db, DbError, DbView,
    tables::{META, height_of, key},
};
use crate::{kv::Batch, trie::NodeUpdates};

/// What blocks did to the words of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexStep {
    /// Slot, the word before them, the word after them.
    pub words: Vec<(U256, U256, U256)>,
}

/// An index derived from the storage of one account.
pub trait DerivedIndex {
    /// Its name; stored, so it never changes meaning.
    fn name(&self) -> &'static str;
    /// Whose storage decides it.
    fn account(&self) -> Address;
    /// Follows blocks.
    fn apply(&mut self, step: &IndexStep);
    /// Leaves the blocks that it followed last.
    fn undo(&mut self, step: &IndexStep);
    /// Starts anew from every word of the account.
    fn rebuild(&mut self, words: Vec<(U256, U256)>);
    /// Its content as bytes: equal contents have equal bytes.
    fn save(&self) -> Vec<u8>;
    /// Takes saved content; `false` if it cannot be read.
    fn load(&mut self, saved: &[u8]) -> bool;
    /// Commits to its whole content.
    fn digest(&self) -> B256 {
        keccak256(self.save())
    }
}

/// Where an index came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// A snapshot, and the blocks after it.
    Saved {
        /// The block at which it stands.
        at: u64,
    },
    /// Every word of its account.
    Rebuilt,
}

/// An index as it is saved.
#[derive(Clone, Debug)]
pub struct IndexSnapshot {
    name: &'static str,
    height: u64,
    hash: B256,
    saved: Vec<u8>,
}

impl IndexSnapshot {
    /// An index at a block.
    pub fn of(index: &dyn DerivedIndex, height: u64, hash: B256) -> Self {
        Self::copied(index.name(), index.save(), height, hash)
    }

    /// What an index of this name saved at a block.
    pub fn copied(name: &'static str, saved: Vec<u8>, height: u64, hash: B256) -> Self {
        Self {
            name,
            height,
            hash,
            saved,
        }
    }
}

/// Start of the keys under which snapshots are saved.
pub(super) const SNAPSHOT: &[u8] = b"index/";
/// Height, block hash and digest before the content.
const SNAPSHOT_HEAD_BYTES: usize = 72;

fn snapshot_key(name: &str) -> Vec<u8> {
    key(&[SNAPSHOT, name.as_bytes()])
}

impl Db {
    /// Saves an index in the place of its last snapshot. One at a block that this database does not have (any more) is
    /// not saved, and `false` the answer. The block is named by its hash: after a rewind another one may stand at its
    /// height.
    pub fn save_index(&self, snapshot: &IndexSnapshot) -> Result<bool, DbError> {
        let _writer = self.writer.lock();
        let view = self.view()?;
        if view.block_hash(snapshot.height)? != Some(snapshot.hash) {
            return Ok(false);
        }
        let row = key(&[
            &snapshot.height.to_be_bytes(),
            snapshot.hash.as_slice(),
            keccak256(&snapshot.saved).as_slice(),
            &snapshot.saved,
        ]);
        let mut batch = Batch::new();
        batch.put(META, snapshot_key(snapshot.name), row);
        self.commit(batch, &view, &NodeUpdates::default())?;
        Ok(true)
    }
}

/// The block that a saved snapshot stands at, and its content; its digest is checked.
pub(super) fn take_snapshot(row: &[u8]) -> Result<(u64, B256, &[u8]), DbError> {
    let (head, saved) = row
        .split_first_chunk::<SNAPSHOT_HEAD_BYTES>()
        .ok_or_else(|| DbError::damaged("a snapshot of an index that is cut short"))?;
    if keccak256(saved) != head[40..] {
        return Err(DbError::damaged(
            "a snapshot of an index that its digest does not fit",
        ));
    }
    Ok((
        height_of(&head[..8])?,
        B256::from_slice(&head[8..40]),
        saved,
    ))
}

/// Brings an index to the state of a view: from its snapshot if that fits, else from every word of its account.
pub fn load_index(view: &DbView, index: &mut dyn DerivedIndex) -> Result<Loaded, DbError> {
    if let Some(row) = view.kv.get(META, &snapshot_key(index.name()))?
        && let Ok((at, hash, saved)) = take_snapshot(&row)
        && view.block_hash(at)? == Some(hash)
        && view.history().is_some_and(|range| range.contains(&at))
        && index.load(saved)
    {
        index.apply(&view.step_since(at, index.account())?);
        return Ok(Loaded::Saved { at });
    }
    index.rebuild(view.storage_of(index.account())?);
    Ok(Loaded::Rebuilt)
}

impl DbView {
    /// What the blocks above `height` did to the words of an account.
    pub fn step_since(&self, height: u64, account: Address) -> Result<IndexStep, DbError> {
        let tip = self.check_history(height)?;
        let mut slots = BTreeSet::new();
        for changed_at in height + 1..=tip {
            let changed = self.changed(changed_at)?.into_iter();
            slots.extend(
                changed
                    .filter(|(address, _)| *address == account)
                    .flat_map(|(_, slots)| slots),
            );
        }
        let mut step = IndexStep::default();
        for slot in slots {
            let before = self.storage_at(height, account, slot)?;
            let after = self.storage(account, slot)?;
            step.words.push((slot, before, after));
        }
        Ok(step)
    }
}
