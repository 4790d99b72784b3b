//! What can fail in the log. Every message names the file, and what to do.

use std::io;

/// What failed in the log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk is full; the log is as it was before the append.
    #[error(
        "{file}: no space left for block {height} ({bytes} bytes); the log is intact: free space, and the block can be appended again"
    )]
    Full {
        /// The segment.
        file: String,
        /// The first block that was not appended.
        height: u64,
        /// Bytes that were to be written.
        bytes: u64,
    },
    /// The operating system refused an operation.
    #[error(
        "{file}: cannot {operation}: {source}; check the disk and the permissions of the folder"
    )]
    Io {
        /// The file.
        file: String,
        /// What was tried.
        operation: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// An earlier failure left it unknown what the disk holds.
    #[error(
        "the block log takes no more blocks since {reason}; stop and start again: opening finds out what was saved, and nothing that was reported is lost"
    )]
    Stopped {
        /// The earlier failure.
        reason: String,
    },
    /// Bytes that were once saved are wrong.
    #[error(
        "{file} is damaged at byte {offset}, in block {height}: {reason}. Blocks from {height} on were saved but cannot be trusted: restore this folder from a backup, or move the file away and fetch the blocks again with `capstan import`"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where the damaged frame starts.
        offset: u64,
        /// The height that belongs there.
        height: u64,
        /// What is wrong.
        reason: String,
    },
    /// Blocks that had been saved are gone.
    #[error(
        "{file} ends at byte {end}, but block {height} had been saved up to byte {saved}: the file was cut or replaced. Restore this folder from a backup; to go on without the missing blocks remove the file {tip}"
    )]
    Short {
        /// The last segment.
        file: String,
        /// Where its last whole frame ends.
        end: u64,
        /// Where the last saved frame ended.
        saved: u64,
        /// The last saved height.
        height: u64,
        /// The file that remembers it.
        tip: String,
    },
    /// A segment is missing between others.
    #[error(
        "the block log has no segment for block {expected}: the next file is {file}. Restore the missing file from a backup"
    )]
    Gap {
        /// The first height that is missing.
        expected: u64,
        /// The segment behind the gap.
        file: String,
    },
    /// The index of a sealed segment is wrong; the blocks themselves are not affected.
    #[error(
        "{file} is damaged at record {position}: remove that file and start again, it is made anew from its segment"
    )]
    Index {
        /// The index.
        file: String,
        /// The record.
        position: u64,
    },
    /// Written by another version of this program.
    #[error(
        "{file} has block log format {found}, this program knows format {known}: use the version that wrote it, or export there and import here"
    )]
    Version {
        /// The file.
        file: String,
        /// Its format.
        found: u8,
        /// Ours.
        known: u8,
    },
    /// The caller broke the order of heights.
    #[error("the block log ends at {last:?}: block {height} cannot follow")]
    Order {
        /// The last height, if any.
        last: Option<u64>,
        /// The height offered.
        height: u64,
    },
    /// A payload that no frame can hold.
    #[error("block {height} has {bytes} bytes, more than the {max} that the block log takes")]
    TooLarge {
        /// Its height.
        height: u64,
        /// Its size.
        bytes: usize,
        /// The largest size.
        max: u32,
    },
}
