//! The commit point: an append-only log of blocks.
//!
//! A block is final for this node when [`BlockLog::append`] returns: its frame is written and synced,
//! once. Everything else (state, trie, history, indexes) is derived from the log and may lag behind it.
//! The log does not look inside a payload. `specs/block-log.md` has the format and the invariants.
//!
//! ```text
//! 00000000000000000000.blocks   header | frame | frame | frame ...   sealed; its .index names each frame
//! 00000000000000004096.blocks   header | frame | frame |              the last one grows
//! tip                           how far the log was known to be synced
//! ```

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};

use crate::disk::Disk;

/// How a log is kept.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// A segment is sealed, and the next one begun, when it has grown beyond this.
    pub segment_bytes: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 256 << 20,
        }
    }
}

/// A block as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Height of the block.
    pub height: u64,
    /// Hash of the block.
    pub hash: B256,
    /// Whatever the chain needs to have the block again.
    pub payload: Bytes,
}

/// What opening a log had to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes of an unfinished, never acknowledged frame that were cut off at the end.
    pub cut_bytes: u64,
    /// Segments whose index was written anew.
    pub reindexed: Vec<String>,
}

/// What failed in the log. Every message names the file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk is full; the log is as it was before the append.
    #[error(
        "{file}: no space left for block {height} ({bytes} bytes); free space: the log is intact and the block can be appended again"
    )]
    Full {
        /// The segment.
        file: String,
        /// The block that was not appended.
        height: u64,
        /// Size of its frame.
        bytes: u64,
    },
    /// Other failures.
    #[error("{0}")]
    Other(String),
}

/// An append-only log of blocks. Share it by reference: readers do not wait for the writer.
#[derive(Debug)]
pub struct BlockLog {
    disk: Arc<dyn Disk>,
}

impl BlockLog {
    /// Opens or creates a log in a folder. Take the folder's lock before.
    pub fn open(_disk: Arc<dyn Disk>, _config: LogConfig) -> Result<(Self, Recovery), LogError> {
        Err(LogError::Other("unfinished".into()))
    }
    /// A log in memory.
    pub fn memory() -> Result<Self, LogError> {
        Err(LogError::Other("unfinished".into()))
    }
    /// Appends a block; it is durable on return. Heights are consecutive; the first one is free.
    pub fn append(&self, height: u64, hash: B256, payload: &[u8]) -> Result<(), LogError> {
        self.append_all(&[Entry {
            height,
            hash,
            payload: Bytes::copy_from_slice(payload),
        }])
    }
    /// Appends blocks with one sync: all are durable on return, or none is in the log.
    pub fn append_all(&self, _entries: &[Entry]) -> Result<(), LogError> {
        Err(LogError::Other(format!("unfinished {:?}", self.disk)))
    }
    /// The block at a height; `None` outside of what the log holds.
    pub fn read(&self, _height: u64) -> Result<Option<Entry>, LogError> {
        Ok(None)
    }
    /// The hash at a height, without reading the payload.
    pub fn hash(&self, _height: u64) -> Result<Option<B256>, LogError> {
        Ok(None)
    }
    /// Lowest and highest height; `None` when empty.
    pub fn heights(&self) -> Option<(u64, u64)> {
        None
    }
    /// Removes every block above `height`.
    pub fn truncate_to(&self, _height: u64) -> Result<(), LogError> {
        Ok(())
    }
    /// Removes whole segments that hold only blocks below `height`; returns how many.
    pub fn prune_below(&self, _height: u64) -> Result<usize, LogError> {
        Ok(0)
    }
    /// Syncs of block data so far: at least one per append.
    pub fn sync_count(&self) -> u64 {
        0
    }
    /// Bytes in all segments.
    pub fn bytes(&self) -> u64 {
        0
    }
}
