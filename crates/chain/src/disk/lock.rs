//! One process per data folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Held as long as a process uses a data folder; the operating system drops it when the process dies.
#[derive(Debug)]
pub struct FolderLock {
    // The lock is the open file; `None`: there is none.
    file: Option<File>,
    /// Whether the file has this process's id.
    is_named: bool,
}

impl Drop for FolderLock {
    /// Ids of processes are used again: a file without a holder names nobody. One that was killed leaves its id behind.
    fn drop(&mut self) {
        if let Some(file) = self.file.as_ref().filter(|_| self.is_named) {
            let _ = file.set_len(0);
        }
    }
}

/// Why a data folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "{folder} is in use by process {holder}: stop that process first, or name another folder"
    )]
    Held {
        /// The data folder.
        folder: String,
        /// Process id of the holder as it wrote it, or "unknown".
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {path}: {source}; check that the folder exists and is writable")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl FolderLock {
    /// Takes the folder, creating it when it is missing.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("LOCK");
        let io = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(io)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(folder, file)),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self {
            file: Some(file),
            is_named: true,
        })
    }

    /// Keeps others from using the folder while it is looked at, and changes nothing in it. Several may look. A folder
    /// without a lock file is not kept from anybody.
    pub fn look(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("LOCK");
        let io = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    file: None,
                    is_named: false,
                });
            }
            Err(error) => return Err(io(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Self {
                file: Some(file),
                is_named: false,
            }),
            Err(TryLockError::WouldBlock) => Err(held(folder, file)),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}

fn held(folder: &Path, file: File) -> LockError {
    let mut holder = String::new();
    // A holder that has not written its id yet is still a holder.
    let _ = file.take(32).read_to_string(&mut holder);
    let holder = holder.trim();
    let holder = if holder.is_empty() { "unknown" } else { holder };
    LockError::Held {
        folder: folder.display().to_string(),
        holder: holder.to_owned(),
    }
}
