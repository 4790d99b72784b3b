//! Going back, and forgetting: both walk the list of keys that each block changed.

use super::{
    Db, DbError, FLOOR_KEY, Tip, index, put_flat_account, put_flat_slot, put_nodes, put_tip,
    tables::{
        ACCOUNT_HISTORY, BLOCK_HASH, BLOCK_HEIGHT, CHANGED, INDEXED, META, STORAGE_HISTORY,
        at_height, slot_key, take_keys,
    },
    view::DbView,
};
use crate::{
    kv::{Batch, Table},
    trie::{Mpt, NodeUpdates, StateCommitment},
};

impl Db {
    /// Goes back to the state after `height`, by history; nothing of the later blocks remains.
    pub fn rewind_to(&self, height: u64) -> Result<(), DbError> {
        let _writer = self.writer.lock();
        let view = self.view()?;
        let tip = view.tip.unwrap_or_default().height;
        if height == tip {
            return Ok(());
        }
        let diff = view.diff_back_to(height)?;
        let (hash, state_root) = view
            .block(height)?
            .ok_or_else(|| DbError::damaged(format!("block {height} has no hash")))?;
        let commit = Mpt.update(&*view, &diff)?;
        if commit.root != state_root {
            return Err(DbError::damaged(format!(
                "going back to block {height} gives state root {}, not {state_root}",
                commit.root
            )));
        }

        let mut batch = Batch::new();
        for (address, account) in &diff.accounts {
            put_flat_account(&mut batch, address, account.info.as_ref());
            for (slot, value) in &account.storage {
                put_flat_slot(&mut batch, slot_key(address, slot), *value);
            }
        }
        for gone in height + 1..=tip {
            for (address, slots) in view.changed(gone)? {
                batch.delete(ACCOUNT_HISTORY, at_height(address.as_slice(), gone));
                for slot in slots {
                    batch.delete(STORAGE_HISTORY, at_height(&slot_key(&address, &slot), gone));
                }
            }
            let row = view
                .kv
                .get(INDEXED, &gone.to_be_bytes())?
                .unwrap_or_default();
            for (table, key) in take_keys(&row)? {
                batch.delete(table, key);
            }
            if let Some(hash) = view.block_hash(gone)? {
                batch.delete(BLOCK_HEIGHT, hash.as_slice());
            }
            for table in [BLOCK_HASH, CHANGED, INDEXED] {
                batch.delete(table, gone.to_be_bytes());
            }
        }
        // A snapshot of an index stands at a block that is gone, or at one below that others may follow.
        view.each(META, index::SNAPSHOT, &mut |key, _| {
            batch.delete(META, key);
            Ok(())
        })?;
        put_nodes(&mut batch, &commit.updates);
        put_tip(
            &mut batch,
            &Tip {
                height,
                hash,
                state_root,
            },
        );
        self.commit(batch, &view, &commit.updates)
    }

    /// Forgets history that the configured window no longer needs, at most `blocks_max` blocks of it in
    /// one call; `true` when nothing is left to forget. Every height in the window keeps its answers.
    pub fn prune(&self, blocks_max: u64) -> Result<bool, DbError> {
        let _writer = self.writer.lock();
        let view = self.view()?;
        let (Some(window), Some(tip)) = (self.config.history_blocks, view.tip) else {
            return Ok(true);
        };
        let wanted = tip.height.saturating_sub(window);
        if wanted <= view.floor {
            return Ok(true);
        }
        let floor = wanted.min(view.floor.saturating_add(blocks_max));
        let mut batch = Batch::new();
        for height in view.floor..=floor {
            if height > view.floor {
                for (address, slots) in view.changed(height)? {
                    forget(
                        &mut batch,
                        &view,
                        ACCOUNT_HISTORY,
                        address.as_slice(),
                        height,
                    )?;
                    for slot in slots {
                        let stored = slot_key(&address, &slot);
                        forget(&mut batch, &view, STORAGE_HISTORY, &stored, height)?;
                    }
                }
            }
            batch.delete(CHANGED, height.to_be_bytes());
            batch.delete(INDEXED, height.to_be_bytes());
        }
        batch.put(META, FLOOR_KEY, floor.to_be_bytes());
        self.commit(batch, &view, &NodeUpdates::default())?;
        Ok(floor == wanted)
    }
}

/// Removes the entry before the one at `height`, and that one too if it only says that nothing is there.
fn forget(
    batch: &mut Batch,
    view: &DbView,
    table: Table,
    prefix: &[u8],
    height: u64,
) -> Result<(), DbError> {
    let at = at_height(prefix, height);
    if let Some(before) = height.checked_sub(1)
        && let Some((old, _)) =
            view.kv
                .last_upto(table, &at_height(prefix, 0), &at_height(prefix, before))?
    {
        batch.delete(table, old);
    }
    if view
        .kv
        .get(table, &at)?
        .is_some_and(|value| value.is_empty())
    {
        batch.delete(table, at);
    }
    Ok(())
}
