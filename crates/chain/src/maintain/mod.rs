//! What an operator does with a chain besides running it: replay, verify, compact, back up, restore. Each reports
//! progress as `(done, total)`. Files of blocks are in [`crate::export`].

mod replay;
mod verify;

use std::{fs, path::Path};

pub use replay::Replayed;
pub use verify::{Verified, verify_folder};

use crate::{
    Chain, ChainError, Genesis,
    chain::{check_existing, look_at, look_at_log, open_database, open_log},
    db::{LOG_FOLDER, STATE_FILE},
    disk::FolderLock,
};

/// Hears how far a long work has come: done, of how many; a total of zero is not known.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

fn io(path: &Path, doing: &str) -> impl FnOnce(std::io::Error) -> ChainError {
    let path = path.to_path_buf();
    let doing = doing.to_owned();
    move |error| ChainError::File {
        path,
        reason: format!("{doing}: {error}"),
    }
}

impl Chain {
    /// Copies the data folder to an empty one while the chain runs. Progress counts the parts copied, of an
    /// unknown total.
    pub fn backup(&self, to: &Path, progress: Progress<'_>) -> Result<(), ChainError> {
        self.copy_to(to, &mut |done| progress(done, 0))
    }
}

/// Takes a data folder that must be there.
fn lock_existing(folder: &Path) -> Result<FolderLock, ChainError> {
    check_existing(folder)?;
    FolderLock::take(folder).map_err(|error| ChainError::Storage(error.to_string()))
}

/// Makes the database file of a folder as small as it can be. Answers its bytes before and after.
pub fn compact_folder(folder: &Path) -> Result<(u64, u64), ChainError> {
    let storage = |error: &dyn std::fmt::Display| ChainError::Storage(error.to_string());
    let _lock = lock_existing(folder)?;
    let path = folder.join(STATE_FILE);
    let size = || {
        fs::metadata(&path)
            .map(|file| file.len())
            .map_err(io(&path, "cannot be read"))
    };
    let before = size()?;
    let mut kv = crate::chain::open_kv(folder)?;
    while kv.compact().map_err(|error| storage(&error))? {}
    drop(kv);
    Ok((before, size()?))
}

/// Copies a data folder that is not in use to a new place, which must not exist or be empty. Progress
/// counts the parts copied, of an unknown total.
pub fn backup_folder(from: &Path, to: &Path, progress: Progress<'_>) -> Result<(), ChainError> {
    let _lock = lock_existing(from)?;
    let db = open_database(from, None)?;
    let log = open_log(from)?;
    let copied = crate::db::backup(&db, &log, to, &mut |done| progress(done, 0));
    copied.map_err(|error| ChainError::Storage(error.to_string()))
}

/// Makes a data folder, which must not exist or be empty, from a backup, and looks it through.
pub fn restore_folder(
    backup: &Path,
    to: &Path,
    progress: Progress<'_>,
) -> Result<Verified, ChainError> {
    crate::db::restore(backup, to, &mut |done| progress(done, 0))
        .map_err(|error| ChainError::Storage(error.to_string()))?;
    verify_folder(to, &mut |_, _| {})
}

/// Whether a data folder was made with this genesis; `None` if it holds no chain yet.
pub fn folder_genesis(folder: &Path, genesis: &Genesis) -> Result<Option<bool>, ChainError> {
    if !folder.join(LOG_FOLDER).exists() {
        return Ok(None);
    }
    let _lock = look_at(folder)?;
    let stored = look_at_log(folder)?
        .hash(0)
        .map_err(|e| ChainError::Storage(e.to_string()))?;
    let made = crate::chain::genesis_hash(genesis)?;
    Ok(stored.map(|stored| stored == made))
}
