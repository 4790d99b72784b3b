//! Files as the rest of storage sees them: read, write, set the length, sync.
//!
//! Everything that must survive a crash goes through [`Disk`], so that tests can put a disk under
//! the block log and the database that fails, tears writes, fills up or loses what was not synced.
//! [`OsDisk`] is a folder; [`MemDisk`] is the folder of a development chain that keeps nothing; [`LookedDisk`] is a folder
//! that is judged and must stay as it is.

mod lock;
mod looked;
mod mem;
mod os;

use std::{fmt, io, sync::Arc};

pub use lock::{FolderLock, LockError};
pub use looked::LookedDisk;
pub use mem::MemDisk;
pub use os::OsDisk;

/// One open file, shared by readers and its writer. Positions are explicit: there is no cursor.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Fills `out` from `offset`; reading past the end is an error.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    /// Writes all of `data` at `offset`, growing the file when needed.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Cuts the file, or grows it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Returns once everything written so far would survive a power cut.
    fn sync(&self) -> io::Result<()>;
    /// Whether the file holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A file that is thrown away after use: nothing waits for it to reach the disk.
#[derive(Debug)]
pub struct Unsynced(pub Arc<dyn DiskFile>);

impl DiskFile for Unsynced {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A flat folder of files.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file, making an empty one when it is missing.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Returns once creations and removals so far would survive a power cut.
    fn sync_names(&self) -> io::Result<()>;
    /// How messages name a file of this folder.
    fn label(&self, name: &str) -> String;
}

/// Whether an error says that the disk (or the quota) is full.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
