//! Decoded trie nodes in memory: the upper ones are read by every block.
//!
//! A cache belongs to one generation of the database at a time. A reader of an older view passes it by, so
//! it neither sees newer nodes nor leaves older ones behind.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;

use crate::trie::{Node, NodeKey, NodeUpdates};

const SHARDS: usize = 16;

pub(super) struct NodeCache {
    shards: Vec<Mutex<Shard>>,
}

struct Shard {
    generation: u64,
    nodes: LruCache<NodeKey, Option<Arc<Node>>>,
}

impl NodeCache {
    pub(super) fn new(nodes_max: usize) -> Self {
        let per_shard = NonZeroUsize::new(nodes_max / SHARDS).unwrap_or(NonZeroUsize::MIN);
        let shard = || {
            Mutex::new(Shard {
                generation: 0,
                nodes: LruCache::new(per_shard),
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
        }
    }

    fn shard(&self, key: &NodeKey) -> &Mutex<Shard> {
        // Spread by the lowest nibbles: neighbours of a busy trie go to different shards.
        let low = key.path.last().map_or(0, usize::from);
        &self.shards[low % SHARDS]
    }

    pub(super) fn get(&self, generation: u64, key: &NodeKey) -> Option<Option<Arc<Node>>> {
        let mut shard = self.shard(key).lock();
        if shard.generation != generation {
            return None;
        }
        shard.nodes.get(key).cloned()
    }

    pub(super) fn put(&self, generation: u64, key: NodeKey, node: Option<Arc<Node>>) {
        let mut shard = self.shard(&key).lock();
        if shard.generation == generation {
            shard.nodes.put(key, node);
        }
    }

    /// Forgets everything: the tables were filled behind its back.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            shard.lock().nodes.clear();
        }
    }

    /// Goes on to the next generation, which differs by `updates`.
    pub(super) fn advance(&self, generation: u64, updates: &NodeUpdates) {
        let mut guards: Vec<_> = self.shards.iter().map(Mutex::lock).collect();
        for (key, node) in updates {
            let low = key.path.last().map_or(0, usize::from);
            guards[low % SHARDS].nodes.put(*key, node.clone());
        }
        for shard in &mut guards {
            shard.generation = generation;
        }
    }
}
