//! Indexes that are a pure function of state: which accounts are close to liquidation, and the like.
//!
//! They live in memory, follow every block by `apply` and leave it by `undo`, and are saved with the block
//! that they stand at. After a start a saved one is taken if block and digest fit, and else rebuilt.

use alloy_primitives::B256;
use capstan_evm::{StateDiff, StateRead};

use super::{
    DbError, DbView, Tip,
    tables::{META, height_of, key},
};
use crate::kv::Batch;

/// One block, as an index sees it: what it changed, in both directions.
#[derive(Clone, Copy, Debug)]
pub struct IndexStep<'a> {
    /// Height of the block.
    pub height: u64,
    /// Values after it.
    pub after: &'a StateDiff,
    /// Values before it, of the same keys.
    pub before: &'a StateDiff,
}

/// An index derived from state alone.
pub trait DerivedIndex: Send + Sync {
    /// Its name; stored, so it never changes meaning.
    fn name(&self) -> &'static str;
    /// Follows a block.
    fn apply(&mut self, step: IndexStep<'_>);
    /// Leaves the block that it followed last.
    fn undo(&mut self, step: IndexStep<'_>);
    /// Starts anew from a state.
    fn rebuild(&mut self, state: &dyn StateRead) -> Result<(), DbError>;
    /// Commits to its whole content: equal contents have equal digests.
    fn digest(&self) -> B256;
    /// Its content as bytes.
    fn save(&self) -> Vec<u8>;
    /// Takes saved content; `false` if it cannot be read.
    fn load(&mut self, saved: &[u8]) -> bool;
}

/// Start of the keys under which snapshots are saved.
pub(super) const SNAPSHOT: &[u8] = b"index/";
/// Height, block hash and digest before the content.
const SNAPSHOT_HEAD_BYTES: usize = 72;

fn snapshot_key(name: &str) -> Vec<u8> {
    key(&[SNAPSHOT, name.as_bytes()])
}

/// The block is named by its hash too: after a rewind another one may stand at the same height.
pub(super) fn put_snapshot(batch: &mut Batch, index: &dyn DerivedIndex, tip: &Tip) {
    let row = key(&[
        &tip.height.to_be_bytes(),
        tip.hash.as_slice(),
        index.digest().as_slice(),
        &index.save(),
    ]);
    batch.put(META, snapshot_key(index.name()), row);
}

/// The block that a saved snapshot stands at, its digest and its content.
pub(super) fn take_snapshot(row: &[u8]) -> Result<(u64, B256, B256, &[u8]), DbError> {
    let (head, saved) = row
        .split_first_chunk::<SNAPSHOT_HEAD_BYTES>()
        .ok_or_else(|| DbError::damaged("a snapshot of an index that is cut short"))?;
    let (hash, digest) = (
        B256::from_slice(&head[8..40]),
        B256::from_slice(&head[40..]),
    );
    Ok((height_of(&head[..8])?, hash, digest, saved))
}

/// Brings an index to the state of a view: from its snapshot if that fits, else by rebuilding it from
/// `state`. `true` if the snapshot was used.
pub fn load_index(
    view: &DbView,
    index: &mut dyn DerivedIndex,
    state: &dyn StateRead,
) -> Result<bool, DbError> {
    if let Some(row) = view.kv.get(META, &snapshot_key(index.name()))?
        && let Ok((height, hash, digest, saved)) = take_snapshot(&row)
        && Some((height, hash)) == view.tip().map(|tip| (tip.height, tip.hash))
        && index.load(saved)
        && index.digest() == digest
    {
        return Ok(true);
    }
    index.rebuild(state)?;
    Ok(false)
}
