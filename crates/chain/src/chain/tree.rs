//! Candidates: blocks that were executed and found good, and are not final.

use std::sync::Arc;

use alloy_primitives::{B256, map::B256Map};
use capstan_evm::StateDiff;

use super::ledger::Executed;
use crate::{ChainError, trie::NodeUpdates};

/// Most candidates. A driver that has more of them open is lost, or under attack.
const CANDIDATES: usize = 1_024;

/// A good block that is not final.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) executed: Executed,
}

impl Candidate {
    fn parent(&self) -> B256 {
        self.executed.block.header.parent_hash
    }
}

/// What a candidate lays over the state below it.
pub(super) type Layer = (Arc<StateDiff>, Option<(u64, B256)>);

/// Candidates by hash. Every one leads to the newest final block by its parents.
#[derive(Debug, Default)]
pub(super) struct Tree {
    by_hash: B256Map<Candidate>,
}

impl Tree {
    pub(super) fn get(&self, hash: &B256) -> Option<&Candidate> {
        self.by_hash.get(hash)
    }

    pub(super) fn is_full(&self) -> bool {
        self.by_hash.len() >= CANDIDATES
    }

    pub(super) fn insert(&mut self, candidate: Candidate) {
        self.by_hash
            .insert(candidate.executed.block.hash(), candidate);
        metrics::gauge!("capstan_candidates").set(self.by_hash.len() as f64);
    }

    /// From `hash` down to above `head`, newest first.
    pub(super) fn path(&self, hash: B256, head: B256) -> Result<Vec<&Candidate>, ChainError> {
        let mut path = Vec::new();
        let mut next = hash;
        while next != head {
            let candidate = self
                .by_hash
                .get(&next)
                .ok_or(ChainError::UnknownParent(hash))?;
            next = candidate.parent();
            path.push(candidate);
        }
        Ok(path)
    }

    pub(super) fn layers_above(&self, hash: B256, head: B256) -> Result<Vec<Layer>, ChainError> {
        let layer = |candidate: &Candidate| {
            let block = &candidate.executed.block;
            (
                Arc::clone(&candidate.executed.diff),
                Some((block.number(), block.hash())),
            )
        };
        Ok(self.path(hash, head)?.into_iter().map(layer).collect())
    }

    pub(super) fn nodes_above(
        &self,
        hash: B256,
        head: B256,
    ) -> Result<Vec<Arc<NodeUpdates>>, ChainError> {
        let path = self.path(hash, head)?;
        Ok(path
            .into_iter()
            .map(|candidate| Arc::clone(&candidate.executed.nodes))
            .collect())
    }

    /// Keeps only what descends from the new final block.
    pub(super) fn settle(&mut self, head: B256) {
        let mut kept: Vec<Candidate> = self
            .by_hash
            .drain()
            .map(|(_, candidate)| candidate)
            .collect();
        kept.sort_unstable_by_key(|candidate| candidate.executed.block.number());
        for candidate in kept {
            let parent = candidate.parent();
            if parent == head || self.by_hash.contains_key(&parent) {
                self.by_hash
                    .insert(candidate.executed.block.hash(), candidate);
            }
        }
        metrics::gauge!("capstan_candidates").set(self.by_hash.len() as f64);
    }

    pub(super) fn clear(&mut self) {
        self.by_hash.clear();
    }
}
