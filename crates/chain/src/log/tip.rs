//! The file `tip`: how far the log was known to be synced.
//!
//! A damaged frame at the end looks like a torn write. What tells them apart is this note, written after
//! each sync. It is not synced itself (that would double the cost of a block): it survives the death of
//! the process, and after a power cut it may be older than the log, never newer.

use std::{io, sync::Arc};

use super::frame::{FORMAT_VERSION, u32_at, u64_at};
use crate::disk::{Disk, DiskFile};

/// Name of the file.
pub(super) const NAME: &str = "tip";
const MAGIC: [u8; 4] = *b"CTIP";
const BYTES: usize = 36;

/// What is known to be synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tip {
    /// First height of the segment.
    pub(super) segment: u64,
    /// Bytes of it that are synced.
    pub(super) bytes: u64,
    /// The last height in it.
    pub(super) height: u64,
}

/// Reads the note; a missing or unreadable one says nothing.
pub(super) fn read(disk: &dyn Disk) -> io::Result<Option<Tip>> {
    let file = match disk.open(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.len()? < BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = [0; BYTES];
    file.read_at(0, &mut bytes)?;
    let known = bytes[..4] == MAGIC
        && u32_at(&bytes, 4) == u32::from(FORMAT_VERSION)
        && u32_at(&bytes, 32) == crc32fast::hash(&bytes[..32]);
    Ok(known.then(|| Tip {
        segment: u64_at(&bytes, 8),
        bytes: u64_at(&bytes, 16),
        height: u64_at(&bytes, 24),
    }))
}

/// Writes the note, without syncing it.
pub(super) fn write(file: &Arc<dyn DiskFile>, tip: Tip) -> io::Result<()> {
    let mut bytes = [0; BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(&u32::from(FORMAT_VERSION).to_be_bytes());
    bytes[8..16].copy_from_slice(&tip.segment.to_be_bytes());
    bytes[16..24].copy_from_slice(&tip.bytes.to_be_bytes());
    bytes[24..32].copy_from_slice(&tip.height.to_be_bytes());
    let crc = crc32fast::hash(&bytes[..32]);
    bytes[32..].copy_from_slice(&crc.to_be_bytes());
    file.write_at(0, &bytes)
}
