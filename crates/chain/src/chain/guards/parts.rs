//! A copy of the index of guards that is made in parts, so that no block waits for all of it.
//!
//! ```text
//!   index   a b c d e │ f g h i ...         blocks go on between parts;
//!   copy    a b c d e ┘                     what they change up to e is kept beside the copy, and put in at the end
//! ```

use std::collections::{BTreeMap, BTreeSet};

use capstan_contracts::account::index::{Changes, Entry, GuardIndex};

use super::saved::{ENTRY_BYTES, put, take};

/// Guards in one part: within a millisecond or a few.
const PART: usize = 4_096;

/// The copy as far as it goes.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Rows up to `last`, as they were when they were copied.
    rows: Vec<u8>,
    last: Option<Entry>,
    /// What blocks changed of them since.
    changed: Changes,
}

impl Parts {
    /// Copies the next part; answers whether there is more.
    pub(super) fn take_from(&mut self, index: &GuardIndex) -> bool {
        self.rows.reserve(PART * ENTRY_BYTES);
        let mut count = 0;
        for entry in index.behind(self.last).take(PART) {
            self.rows.extend_from_slice(&put(entry));
            self.last = Some(*entry);
            count += 1;
        }
        count == PART
    }

    /// A block changed the index.
    pub(super) fn follow(&mut self, changes: &Changes) {
        let Some(last) = self.last else {
            return;
        };
        let of = |entries: &BTreeSet<Entry>| entries.range(..=last).copied().collect();
        self.changed.then(&Changes {
            removed: of(&changes.removed),
            added: of(&changes.added),
        });
    }

    /// The index as it stands now, if the last part was taken, in bytes.
    pub(super) fn into_saved(self) -> Vec<u8> {
        let Changes { removed, added } = self.changed;
        let removed = removed.into_iter().map(|entry| (entry, false));
        let changed: BTreeMap<Entry, bool> = removed
            .chain(added.into_iter().map(|entry| (entry, true)))
            .collect();
        if changed.is_empty() {
            return self.rows;
        }
        let (mut rows, _) = self.rows.as_chunks::<ENTRY_BYTES>();
        let mut saved = Vec::with_capacity(self.rows.len() + changed.len() * ENTRY_BYTES);
        for (entry, is_new) in changed {
            let before = rows.partition_point(|row| take(row) < Some(entry));
            let (kept, rest) = rows.split_at(before);
            saved.extend_from_slice(kept.as_flattened());
            if is_new {
                saved.extend_from_slice(&put(&entry));
                rows = rest;
            } else {
                rows = rest.get(1..).unwrap_or_default();
            }
        }
        saved.extend_from_slice(rows.as_flattened());
        saved
    }
}

#[cfg(test)]
mod tests;
