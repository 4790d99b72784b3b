//! A copy of a room's index that is made in parts, so that no block waits for all of it.
//!
//! ```text
//!   index   a b c d e │ f g h i ...         blocks go on between parts;
//!   copy    a b c d e ┘                     what they change up to e is kept beside the copy, and put in at the end
//! ```

use std::collections::{BTreeMap, BTreeSet};

use capstan_contracts::calls::{CallIndex, Changes, Entry};

use super::saved::Saved;

/// Calls in one part: within a millisecond or a few.
const PART: usize = 4_096;

/// The copy as far as it goes.
#[derive(Debug)]
pub(super) struct Parts<R: Saved> {
    /// Rows up to `last`, as they were when they were copied.
    rows: Vec<u8>,
    last: Option<Entry<R::Id>>,
    /// What blocks changed of them since.
    changed: Changes<R>,
}

impl<R: Saved> Default for Parts<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            last: None,
            changed: Changes::default(),
        }
    }
}

impl<R: Saved> Parts<R> {
    /// Copies the next part; answers whether there is more.
    pub(super) fn take_from(&mut self, index: &CallIndex<R>) -> bool {
        self.rows.reserve(PART * R::ROW_BYTES);
        let mut count = 0;
        for entry in index.behind(self.last).take(PART) {
            R::put(entry, &mut self.rows);
            self.last = Some(*entry);
            count += 1;
        }
        count == PART
    }

    /// A block changed the index.
    pub(super) fn follow(&mut self, changes: &Changes<R>) {
        let Some(last) = self.last else {
            return;
        };
        let of = |entries: &BTreeSet<Entry<R::Id>>| entries.range(..=last).copied().collect();
        self.changed.then(&Changes {
            removed: of(&changes.removed),
            added: of(&changes.added),
        });
    }

    /// The index as it stands now, if the last part was taken, in bytes.
    pub(super) fn into_saved(self) -> Vec<u8> {
        let Changes { removed, added } = self.changed;
        let removed = removed.into_iter().map(|entry| (entry, false));
        let changed: BTreeMap<Entry<R::Id>, bool> = removed
            .chain(added.into_iter().map(|entry| (entry, true)))
            .collect();
        if changed.is_empty() {
            return self.rows;
        }
        let mut rows = self.rows.as_slice();
        let mut saved = Vec::with_capacity(rows.len() + changed.len() * R::ROW_BYTES);
        for (entry, is_new) in changed {
            let (kept, rest) = rows.split_at(bytes_before::<R>(rows, entry));
            saved.extend_from_slice(kept);
            if is_new {
                R::put(&entry, &mut saved);
                rows = rest;
            } else {
                rows = rest.get(R::ROW_BYTES..).unwrap_or_default();
            }
        }
        saved.extend_from_slice(rows);
        saved
    }
}

/// Bytes of the sorted rows that stand before an entry.
fn bytes_before<R: Saved>(rows: &[u8], entry: Entry<R::Id>) -> usize {
    let row_at = |place: usize| rows.chunks_exact(R::ROW_BYTES).nth(place).and_then(R::take);
    let (mut from, mut to) = (0, rows.len() / R::ROW_BYTES);
    while from < to {
        let middle = from.midpoint(to);
        if row_at(middle) < Some(entry) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from * R::ROW_BYTES
}

#[cfg(test)]
mod tests;
