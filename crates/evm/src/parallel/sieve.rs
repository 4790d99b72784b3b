//! Which commit wrote last what falls through one mesh: who asks is told at once of nearly everything that it was not written.

use std::sync::atomic::{AtomicU32, Ordering};

/// Meshes: some for each location that a full block writes.
const MESHES: usize = 1 << 15;

/// See the module. Numbers of commits begin at 1, and only the one who commits marks.
pub(super) struct Sieve {
    meshes: Vec<AtomicU32>,
    /// The last commit that took away some account's storage, which may be any word.
    reset: AtomicU32,
}

impl Sieve {
    pub(super) fn new() -> Self {
        Self {
            meshes: std::iter::repeat_with(AtomicU32::default)
                .take(MESHES)
                .collect(),
            reset: AtomicU32::default(),
        }
    }

    fn mesh(&self, hash: u64) -> &AtomicU32 {
        // The low bits choose a place in maps, the highest ones tell its neighbours apart.
        let middle = usize::try_from((hash >> 24) & 0xffff_ffff).unwrap_or_default();
        &self.meshes[middle % MESHES]
    }

    /// A commit writes a location.
    pub(super) fn mark(&self, hash: u64, commit: u32) {
        self.mesh(hash).store(commit, Ordering::Relaxed);
    }

    /// A commit takes away storage.
    pub(super) fn mark_reset(&self, commit: u32) {
        self.reset.store(commit, Ordering::Relaxed);
    }

    /// Whether no commit after this one wrote a location. Who asks beside the one who commits may be told so too late.
    pub(super) fn is_still(&self, hash: u64, commit: u32) -> bool {
        self.mesh(hash).load(Ordering::Relaxed) <= commit
            && self.reset.load(Ordering::Relaxed) <= commit
    }
}
