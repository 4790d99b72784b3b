//! Ordered tables of bytes: read from a snapshot, written by one atomic batch.
//!
//! [`RedbKv`] is the only implementation: over a file for a node, over memory for a development
//! chain, over a failing disk in tests. Commits are two-phase without exception, because a
//! one-phase commit trusts a checksum that hostile chain data could be made to match.

mod guard;
mod redb_kv;
#[cfg(test)]
mod tests;

use std::{
    ops::{Bound, ControlFlow},
    sync::Arc,
};

pub use guard::panic_is_answered;
pub use redb_kv::{KvConfig, RedbKv};

/// A table, by its position in the schema that the store was opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub u8);

/// Names of all tables; a [`Table`] is an index into it. Names are stored, so they never change meaning.
pub type Schema = &'static [&'static str];

/// Direction of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key up.
    Forward,
    /// From the highest key down.
    Backward,
}

/// A range of keys.
pub type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// What failed in the key-value store.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// The disk is full.
    #[error(
        "the disk of the database is full ({0}): free space and start again; no block is lost, the block log has them"
    )]
    Full(String),
    /// The store refused or failed; after a failed write it must be opened again.
    #[error(
        "database storage failed: {0}; stop, check the disk, and start again: blocks are redone from the block log"
    )]
    Storage(String),
    /// Another process has the file open.
    #[error(
        "the database {path} is open in another process: stop that one first. The lock file of the folder does not say so, so \
         it was removed while that process ran; nothing is damaged, and nothing is to be removed or restored"
    )]
    InUse {
        /// The file.
        path: String,
    },
    /// The file is damaged.
    #[error(
        "the database {path} is damaged ({reason}): remove that file to rebuild it from the block log, or restore the folder from a backup"
    )]
    Damaged {
        /// The file.
        path: String,
        /// How it shows.
        reason: String,
    },
    /// The file is not usable.
    #[error(
        "cannot open the database {path}: {reason}; restore it from a backup, or remove that file to rebuild it from the block log"
    )]
    Open {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl KvError {
    /// A file whose pages make no sense.
    fn damaged(path: &str, reason: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A consistent view of all tables, fixed when it was taken.
pub trait KvRead: Send + Sync {
    /// The value at a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;

    /// Visits the entries of a range until the visitor breaks.
    fn walk(
        &self,
        table: Table,
        range: Range<'_>,
        order: Order,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), KvError>;

    /// The number of entries of a table.
    fn len(&self, table: Table) -> Result<u64, KvError>;

    /// The last entry with `low <= key <= high`.
    fn last_upto(&self, table: Table, low: &[u8], high: &[u8]) -> Result<Option<Entry>, KvError> {
        self.edge(
            table,
            (Bound::Included(low), Bound::Included(high)),
            Order::Backward,
        )
    }

    /// The first entry of a walk.
    fn edge(&self, table: Table, range: Range<'_>, order: Order) -> Result<Option<Entry>, KvError> {
        let mut found = None;
        self.walk(table, range, order, &mut |key, value| {
            found = Some((key.to_vec(), value.to_vec()));
            ControlFlow::Break(())
        })?;
        Ok(found)
    }
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Ordered tables with atomic, durable batches.
pub trait Kv: Send + Sync {
    /// A view of the last committed batch. Hold it shortly: pages that it sees cannot be reused.
    fn snapshot(&self) -> Result<Arc<dyn KvRead>, KvError>;
    /// Commits a batch: all of it or nothing, durable on return.
    fn write(&self, batch: Batch) -> Result<(), KvError>;
}

/// Changes to commit together. Of several changes to one key the last one counts.
#[derive(Debug, Default)]
pub struct Batch {
    tables: Vec<Vec<Change>>,
}

/// A key and its new value, `None` to delete it.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.change(table, key.into(), Some(value.into()));
    }

    /// Deletes a key, which need not exist.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.change(table, key.into(), None);
    }

    fn change(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        let index = usize::from(table.0);
        if self.tables.len() <= index {
            self.tables.resize_with(index + 1, Vec::new);
        }
        self.tables[index].push((key, value));
    }

    /// Number of changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(Vec::len).sum()
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes by table, sorted by key (what a B-tree takes fastest), the last one of each key only.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = (Table, Vec<Change>)> {
        (0u8..)
            .zip(self.tables)
            .filter(|(_, changes)| !changes.is_empty())
            .map(|(index, mut changes)| {
                changes.reverse();
                changes.sort_by(|a, b| a.0.cmp(&b.0));
                changes.dedup_by(|later, first| later.0 == first.0);
                (Table(index), changes)
            })
    }
}
