//! Copies of a data folder. A backup may be taken while the node runs: tables are read from one view, and
//! the log, which only grows, is copied after it, so the copy's log reaches at least to its tables.

use std::{
    io,
    ops::{Bound, ControlFlow},
    path::Path,
    sync::Arc,
};

use super::{
    Db, DbError, SCHEMA, VERSION_KEY,
    tables::{DB_VERSION, META},
};
use crate::{
    disk::OsDisk,
    kv::{Batch, Kv, KvConfig, KvRead, Order, RedbKv, Table},
    log::{BlockLog, LogConfig, LogError},
};

/// Entries copied in one batch.
const BATCH_ENTRIES: usize = 20_000;

/// What failed while copying.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target holds something.
    #[error("{0} is not empty: give an empty or a new folder")]
    NotEmpty(String),
    /// The source holds no log.
    #[error("{0} holds no block log: it is not a data folder or a backup")]
    NotABackup(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The store failed.
    #[error(transparent)]
    Kv(#[from] crate::kv::KvError),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A folder cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// The folder.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Name of the file of tables in a data folder.
pub const STATE_FILE: &str = "state.redb";
/// Name of the folder of the block log in a data folder.
pub const LOG_FOLDER: &str = "blocks";

/// Copies a database and its log into an empty folder, in the shape of a data folder, calling `progress`
/// with the parts copied so far (entries, then blocks).
pub fn backup(
    db: &Db,
    log: &BlockLog,
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let view = db.view()?;
    let (kv, copy) = create(to)?;
    copy_tables(&*view.kv, &kv, progress)?;
    copy_log(log, &copy, progress)
}

/// Makes an empty data folder from a backup. The backup is checked frame by frame while it is read.
pub fn restore(from: &Path, to: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), BackupError> {
    let blocks = from.join(LOG_FOLDER);
    if !blocks.is_dir() {
        return Err(BackupError::NotABackup(from.display().to_string()));
    }
    let (log, _) = BlockLog::open(Arc::new(open_folder(&blocks)?), LogConfig::default())?;
    let db = RedbKv::open_path(&from.join(STATE_FILE), SCHEMA, KvConfig::default())?;
    let (kv, copy) = create(to)?;
    copy_tables(&*db.snapshot()?, &kv, progress)?;
    copy_log(&log, &copy, progress)
}

fn create(to: &Path) -> Result<(RedbKv, BlockLog), BackupError> {
    let io = |source| BackupError::Io {
        path: to.display().to_string(),
        source,
    };
    std::fs::create_dir_all(to).map_err(io)?;
    // The lock file of the process that will use the folder may be there already.
    let used = std::fs::read_dir(to)
        .map_err(io)?
        .flatten()
        .any(|entry| entry.file_name() != "LOCK");
    if used {
        return Err(BackupError::NotEmpty(to.display().to_string()));
    }
    let (log, _) = BlockLog::open(
        Arc::new(open_folder(&to.join(LOG_FOLDER))?),
        LogConfig::default(),
    )?;
    let kv = RedbKv::open_path(&to.join(STATE_FILE), SCHEMA, KvConfig::default())?;
    Ok((kv, log))
}

fn open_folder(path: &Path) -> Result<OsDisk, BackupError> {
    OsDisk::open(path).map_err(|source| BackupError::Io {
        path: path.display().to_string(),
        source,
    })
}

fn copy_log(
    from: &BlockLog,
    to: &BlockLog,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let Some((first, last)) = from.heights() else {
        return Ok(());
    };
    let mut batch = Vec::new();
    let mut bytes = 0;
    for height in first..=last {
        let Some(entry) = from.read(height)? else {
            continue;
        };
        bytes += entry.payload.len();
        batch.push(entry);
        if bytes > 8 << 20 || height == last {
            to.append_all(&batch)?;
            batch.clear();
            bytes = 0;
        }
        progress(height - first + 1);
    }
    Ok(())
}

/// Copies every entry into an empty store. The version comes last: a copy cut short is not a database.
pub fn copy_tables(
    from: &dyn KvRead,
    to: &dyn Kv,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let mut copied = 0;
    for table in (0u8..).take(SCHEMA.len()).map(Table) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let mut batch = Batch::new();
            let low = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut last = None;
            from.walk(
                table,
                (low, Bound::Unbounded),
                Order::Forward,
                &mut |key, value| {
                    if table != META || key != VERSION_KEY {
                        batch.put(table, key, value);
                    }
                    last = Some(key.to_vec());
                    if batch.len() < BATCH_ENTRIES {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                },
            )?;
            if last.is_none() {
                break;
            }
            after = last;
            copied += batch.len() as u64;
            to.write(batch)?;
            progress(copied);
        }
    }
    let mut batch = Batch::new();
    batch.put(META, VERSION_KEY, DB_VERSION.to_be_bytes());
    to.write(batch)?;
    Ok(())
}
