//! Records on disk: one redb file, one writer thread that commits everything that waits at once.

use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use alloy_primitives::B256;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use super::{Failure, Hold, JobId, Key, guard::guarded, old};
use crate::{
    audit::Evidence,
    receipt::Signed,
    tab::{Kept, LeafRecord, LineRecord, SheetRecord},
};

/// Who may read a ledger: it holds what customers said.
const OWNERS: u32 = 0o600;
/// Most changes that one transaction takes.
const BATCH_MAX: usize = 1_024;
/// Failures that are kept.
const FAILURES_MAX: u64 = 200;
/// Receipts whose evidence is kept: it holds what the client said.
const EVIDENCE_MAX: u64 = 10_000;

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Keys by hash.
    Keys,
    /// Reservations by request.
    Holds,
    /// Receipts by id.
    Receipts,
    /// Ids of receipts by request.
    Jobs,
    /// Ids of receipts, in the order in which they were written.
    Recent,
    /// Failures, in order; the oldest are dropped.
    Failures,
    /// What answers can be computed again from, by receipt; that of the oldest is dropped.
    Evidence,
    /// Channels of the network's customers.
    Lines,
    /// Their epochs.
    Sheets,
    /// Receipts in their places under vouchers.
    Leaves,
    /// What auditors may see of a receipt.
    Kept,
    /// What was asked of machines of the network, and is not signed for.
    Errands,
}

impl Table {
    const ALL: [Self; 12] = [
        Self::Keys,
        Self::Holds,
        Self::Receipts,
        Self::Jobs,
        Self::Recent,
        Self::Failures,
        Self::Evidence,
        Self::Lines,
        Self::Sheets,
        Self::Leaves,
        Self::Kept,
        Self::Errands,
    ];

    pub(super) const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Keys => "keys",
            Self::Holds => "holds",
            Self::Receipts => "receipts",
            Self::Jobs => "jobs",
            Self::Recent => "recent",
            Self::Failures => "failures",
            Self::Evidence => "evidence",
            Self::Lines => "lines",
            Self::Sheets => "sheets",
            Self::Leaves => "leaves",
            Self::Kept => "kept",
            Self::Errands => "errands",
        })
    }
}

/// One record as it is to be; without a value, it goes.
#[derive(Clone, Debug)]
pub struct Put {
    table: Table,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Put {
    fn record(table: Table, key: &[u8], value: &impl Serialize) -> Self {
        // These records are plain structs with text keys: they are always JSON.
        let value = serde_json::to_vec(value).unwrap_or_default();
        Self {
            table,
            key: key.to_vec(),
            value: Some(value),
        }
    }

    pub(super) fn key(key: &Key) -> Self {
        Self::record(Table::Keys, key.hash.as_slice(), key)
    }

    pub(super) fn hold(hold: &Hold) -> Self {
        Self::record(Table::Holds, hold.job.bytes(), hold)
    }

    const fn none(table: Table, key: Vec<u8>) -> Self {
        Self {
            table,
            key,
            value: None,
        }
    }

    pub(super) fn no_hold(job: &JobId) -> Self {
        Self::none(Table::Holds, job.bytes().to_vec())
    }

    pub(crate) fn receipt(signed: &Signed) -> Self {
        Self::record(Table::Receipts, signed.id.as_slice(), signed)
    }

    pub(crate) fn job(job: &JobId, signed: &Signed) -> Self {
        Self {
            table: Table::Jobs,
            key: job.bytes().to_vec(),
            value: Some(signed.id.to_vec()),
        }
    }

    pub(super) fn evidence(receipt: &B256, evidence: &Evidence) -> Self {
        Self::record(Table::Evidence, receipt.as_slice(), evidence)
    }

    pub(crate) fn line(line: &LineRecord) -> Self {
        Self::record(Table::Lines, &line.place(), line)
    }

    pub(crate) fn sheet(sheet: &SheetRecord) -> Self {
        Self::record(Table::Sheets, &sheet.place(), sheet)
    }

    pub(crate) fn leaf(leaf: &LeafRecord) -> Self {
        Self::record(Table::Leaves, &leaf.place(), leaf)
    }

    pub(crate) fn no_line(line: &LineRecord) -> Self {
        Self::none(Table::Lines, line.place())
    }

    pub(crate) fn no_sheet(sheet: &SheetRecord) -> Self {
        Self::none(Table::Sheets, sheet.place())
    }

    pub(crate) fn no_leaf(leaf: &LeafRecord) -> Self {
        Self::none(Table::Leaves, leaf.place())
    }

    pub(crate) fn kept(receipt: &B256, kept: &Kept) -> Self {
        Self::record(Table::Kept, receipt.as_slice(), kept)
    }

    pub(crate) fn errand(number: u64, errand: &impl Serialize) -> Self {
        Self::record(Table::Errands, &number.to_be_bytes(), errand)
    }

    pub(crate) fn no_errand(number: u64) -> Self {
        Self::none(Table::Errands, number.to_be_bytes().to_vec())
    }

    pub(crate) fn failure(failure: &Failure) -> Self {
        Self::record(Table::Failures, &[], failure)
    }
}

/// Why records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error(
        "the ledger is in use by another process: a gateway, a machine that sells, or a node with a gateway; --data DIR takes another \
         folder, beside a node --gateway-data DIR"
    )]
    InUse,
    /// The database says no.
    #[error("the ledger cannot be used: {0}")]
    Database(#[from] redb::Error),
    /// The file is not what was written.
    #[error(
        "{} is damaged ({why}): put a copy of it in its place, or move it away to begin anew, without its keys, receipts and what it may still claim",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The newest changes of the file were, and are gone.
    #[error(
        "{} was damaged, and is as it was before its last changes: what was charged and signed then is forgotten. Put a copy of it in its place, or start again to go on with what is left",
        .0.display()
    )]
    PutBack(PathBuf),
    /// A record is not what was written.
    #[error("a record of the ledger cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    /// The writer has failed before, or ended.
    #[error("the ledger takes no more writes; restart when its disk is well")]
    Stopped,
}

macro_rules! from_redb {
    ($($error:ident)*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        }
    )*};
}
from_redb!(TransactionError TableError StorageError CommitError SetDurabilityError);

impl From<redb::DatabaseError> for StoreError {
    fn from(error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Self::InUse,
            other => Self::Database(other.into()),
        }
    }
}

impl StoreError {
    pub(super) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    /// What redb says of a file, where it means that the file is not what was written.
    pub(super) fn of(path: &Path, error: redb::Error) -> Self {
        use io::ErrorKind::{InvalidData, UnexpectedEof};
        match error {
            redb::Error::Io(error) if matches!(error.kind(), InvalidData | UnexpectedEof) => {
                Self::damaged(path, error.to_string())
            }
            redb::Error::Corrupted(why) => Self::damaged(path, why),
            error @ (redb::Error::RepairAborted
            | redb::Error::UpgradeRequired(_)
            | redb::Error::TableTypeMismatch { .. }) => Self::damaged(path, error.to_string()),
            other => Self::Database(other),
        }
    }
}

/// Who waits for a change to be on disk.
type Waiting = oneshot::Sender<bool>;

struct Change {
    puts: Vec<Put>,
    done: Option<Waiting>,
}

/// What the writer is asked to do.
enum Wish {
    Write(Change),
    /// To let go of receipts that ended before a time, and to say how many went.
    LetGo(u64, Gone),
}

/// Who waits to hear how many receipts went; `None`: it failed.
type Gone = oneshot::Sender<Option<u64>>;

/// The file and its writer.
#[derive(Debug)]
pub struct Store {
    db: Arc<Database>,
    path: PathBuf,
    wishes: Option<mpsc::Sender<Wish>>,
    writer: Option<thread::JoinHandle<()>>,
    well: Arc<AtomicBool>,
}

impl Store {
    /// Opens or makes the file. One that is there is read whole: what is damaged is said now, and never taken for a new one.
    ///
    /// # Errors
    /// It is in use, damaged, or cannot be made.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let is_there = path.try_exists().map_err(redb::Error::Io)?;
        guarded(path, || {
            if is_there {
                // One of another user's is opened as he left it, or not at all.
                let _ = fs::set_permissions(path, fs::Permissions::from_mode(OWNERS));
            } else {
                make(path)?;
            }
            if fs::metadata(path).map_err(redb::Error::Io)?.len() == 0 {
                return Err(StoreError::damaged(path, "it is empty"));
            }
            let mut db = Database::open(path)?;
            if !db.check_integrity()? {
                return Err(StoreError::PutBack(path.to_owned()));
            }
            Self::with(db, path)
        })
    }

    /// In memory, for as long as this lives.
    ///
    /// # Errors
    /// Those of [`Store::over`].
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::over(redb::backends::InMemoryBackend::new())
    }

    /// Over a disk of a test's own.
    ///
    /// # Errors
    /// What lies there is no ledger.
    pub fn over(disk: impl redb::StorageBackend) -> Result<Self, StoreError> {
        let db = Database::builder().create_with_backend(disk)?;
        Self::with(db, Path::new("in memory"))
    }

    fn with(db: Database, path: &Path) -> Result<Self, StoreError> {
        let db = Arc::new(db);
        // Tables must be there before they are read.
        let begin = db.begin_write()?;
        for table in Table::ALL {
            begin.open_table(table.definition())?;
        }
        begin.commit()?;
        let (wishes, waiting) = mpsc::channel();
        let well = Arc::new(AtomicBool::new(true));
        let writer = thread::Builder::new().name("ledger".to_owned()).spawn({
            let (db, well, path) = (Arc::clone(&db), Arc::clone(&well), path.to_owned());
            move || write_all(&db, &path, &waiting, &well)
        });
        let writer = writer.map_err(redb::Error::Io)?;
        Ok(Self {
            db,
            path: path.to_owned(),
            wishes: Some(wishes),
            writer: Some(writer),
            well,
        })
    }

    /// Whether changes are still written.
    pub fn is_well(&self) -> bool {
        self.well.load(Ordering::Acquire)
    }

    /// Hands changes to the writer, in the order of the calls. The answer comes when they are on disk.
    pub fn write(&self, puts: Vec<Put>) -> oneshot::Receiver<bool> {
        let (done, answer) = oneshot::channel();
        self.send(puts, Some(done));
        answer
    }

    /// The same, for whoever does not wait.
    pub fn write_behind(&self, puts: Vec<Put>) {
        self.send(puts, None);
    }

    fn send(&self, puts: Vec<Put>, done: Option<Waiting>) {
        if let Some(wishes) = &self.wishes {
            // A writer that is gone drops the answer: whoever waits hears that it failed.
            let _ = wishes.send(Wish::Write(Change { puts, done }));
        }
    }

    /// Lets go of receipts whose answers ended before a time, and of what lies beside them, unless they are owed or under a
    /// voucher. The answer says how many went.
    pub fn let_go(&self, before_ms: u64) -> oneshot::Receiver<Option<u64>> {
        let (done, answer) = oneshot::channel();
        if let Some(wishes) = &self.wishes {
            let _ = wishes.send(Wish::LetGo(before_ms, done));
        }
        answer
    }

    /// Every record of a table.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, StoreError> {
        guarded(&self.path, || Self::rows(&self.db.begin_read()?, table))
    }

    pub(super) fn rows<T: DeserializeOwned>(
        reading: &redb::ReadTransaction,
        table: Table,
    ) -> Result<Vec<T>, StoreError> {
        let rows = reading.open_table(table.definition())?;
        let mut records = Vec::new();
        for row in rows.iter()? {
            records.push(serde_json::from_slice(row?.1.value())?);
        }
        Ok(records)
    }

    /// One record of a table.
    fn one<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, StoreError> {
        guarded(&self.path, || {
            let reading = self.db.begin_read()?;
            let rows = reading.open_table(table.definition())?;
            let found = rows.get(key)?;
            Ok(found
                .map(|bytes| serde_json::from_slice(bytes.value()))
                .transpose()?)
        })
    }

    /// A receipt, by its id.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn receipt(&self, id: &B256) -> Result<Option<Signed>, StoreError> {
        self.one(Table::Receipts, id.as_slice())
    }

    /// What the answer of a receipt can be computed again from, if it was kept.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn evidence(&self, id: &B256) -> Result<Option<Evidence>, StoreError> {
        self.one(Table::Evidence, id.as_slice())
    }

    /// What is kept of a receipt for auditors.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn kept(&self, id: &B256) -> Result<Option<Kept>, StoreError> {
        self.one(Table::Kept, id.as_slice())
    }

    /// The receipt of a request.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn receipt_of(&self, job: &JobId) -> Result<Option<Signed>, StoreError> {
        let id = guarded(&self.path, || {
            let reading = self.db.begin_read()?;
            let jobs = reading.open_table(Table::Jobs.definition())?;
            let id = jobs.get(job.bytes())?;
            Ok(id.map(|id| B256::try_from(id.value()).unwrap_or_default()))
        })?;
        id.map_or(Ok(None), |id| self.receipt(&id))
    }

    /// The newest receipts first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn recent(&self, count: usize) -> Result<Vec<Signed>, StoreError> {
        let ids = guarded(&self.path, || {
            let reading = self.db.begin_read()?;
            let recent = reading.open_table(Table::Recent.definition())?;
            let mut ids = Vec::new();
            for row in recent.iter()?.rev().take(count) {
                ids.push(B256::try_from(row?.1.value()).unwrap_or_default());
            }
            Ok(ids)
        })?;
        let found = ids.iter().map(|id| self.receipt(id).transpose());
        found.flatten().collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // What was handed over is written before the file is let go.
        drop(self.wishes.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write_all(db: &Database, path: &Path, waiting: &mpsc::Receiver<Wish>, well: &AtomicBool) {
    // What was taken out of the queue and is not done yet.
    let mut next = None;
    let mut letting = None;
    loop {
        let_go_of_some(db, path, &mut letting);
        let wish = match next.take() {
            Some(wish) => Some(wish),
            // Between batches of old receipts it does not wait for wishes.
            None if letting.is_some() => match waiting.try_recv() {
                Ok(wish) => Some(wish),
                Err(mpsc::TryRecvError::Empty) => continue,
                Err(mpsc::TryRecvError::Disconnected) => None,
            },
            None => waiting.recv().ok(),
        };
        let first = match wish {
            Some(Wish::Write(change)) => change,
            Some(Wish::LetGo(before_ms, done)) => {
                let begun = guarded(path, || old::LettingGo::begin(db, before_ms));
                match begun {
                    Ok(begun) => letting = Some((begun, done)),
                    Err(error) => {
                        tracing::error!(%error, "old receipts stay");
                        let _ = done.send(None);
                    }
                }
                continue;
            }
            None => return,
        };
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX && next.is_none() {
            match waiting.try_recv() {
                Ok(Wish::Write(change)) => batch.push(change),
                Ok(other) => next = Some(other),
                Err(_) => break,
            }
        }
        // After one failure nothing is written: what comes later may build on what was lost.
        let written = well.load(Ordering::Acquire)
            && guarded(path, || commit(db, &batch))
                .inspect_err(|error| tracing::error!(%error, "the ledger cannot be written"))
                .is_ok();
        if !written {
            well.store(false, Ordering::Release);
        }
        for done in batch.into_iter().filter_map(|change| change.done) {
            let _ = done.send(written);
        }
    }
}

/// One batch of old receipts, where some are to go.
fn let_go_of_some(db: &Database, path: &Path, letting: &mut Option<(old::LettingGo, Gone)>) {
    let Some((old, _)) = letting else { return };
    let went = match guarded(path, || old.batch(db)) {
        Ok(None) => return,
        Ok(went) => went,
        Err(error) => {
            tracing::error!(%error, "old receipts stay");
            None
        }
    };
    if let Some((_, done)) = letting.take() {
        let _ = done.send(went);
    }
}

/// A new file under its own name, whole or not at all: one that is empty was never a book.
fn make(path: &Path) -> Result<(), StoreError> {
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(OWNERS);
    options.open(&aside).map_err(redb::Error::Io)?;
    drop(Database::create(&aside)?);
    // Who was faster has made it.
    let made = match fs::hard_link(&aside, path) {
        // File systems without links say so in one way or another.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
            fs::copy(&aside, path).map(drop)
        }
        made => made,
    };
    fs::remove_file(&aside).map_err(redb::Error::Io)?;
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(redb::Error::Io(error).into())
        }
        _ => Ok(()),
    }
}

/// A transaction of the writer.
pub(super) fn begin(db: &Database) -> Result<redb::WriteTransaction, StoreError> {
    let mut writing = db.begin_write()?;
    // Names and models are chosen by others: a commit of one phase could be forged by them (redb's own warning).
    writing.set_two_phase_commit(true);
    Ok(writing)
}

fn commit(db: &Database, batch: &[Change]) -> Result<(), StoreError> {
    let writing = begin(db)?;
    {
        let mut recent = writing.open_table(Table::Recent.definition())?;
        let mut next = after_last(&recent)?;
        for put in batch.iter().flat_map(|change| &change.puts) {
            if put.table == Table::Failures {
                add_failure(&writing, put)?;
                continue;
            }
            let mut table = writing.open_table(put.table.definition())?;
            match &put.value {
                Some(value) => table.insert(put.key.as_slice(), value.as_slice())?,
                None => table.remove(put.key.as_slice())?,
            };
            if put.table == Table::Receipts {
                recent.insert(next.to_be_bytes().as_slice(), put.key.as_slice())?;
                drop_evidence(&writing, &recent, next)?;
                next = next.saturating_add(1);
            }
        }
    }
    writing.commit()?;
    Ok(())
}

pub(super) type Rows<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

fn after_last(table: &Rows<'_>) -> Result<u64, StoreError> {
    let last = table.last()?;
    let number = last.and_then(|(at, _)| at.value().try_into().ok().map(u64::from_be_bytes));
    Ok(number.map_or(0, |number| number.saturating_add(1)))
}

/// A new receipt lets go of what an old one could be computed again from.
fn drop_evidence(
    writing: &redb::WriteTransaction,
    recent: &Rows<'_>,
    next: u64,
) -> Result<(), StoreError> {
    let Some(old) = next.checked_sub(EVIDENCE_MAX) else {
        return Ok(());
    };
    if let Some(id) = recent.get(old.to_be_bytes().as_slice())? {
        let mut evidence = writing.open_table(Table::Evidence.definition())?;
        evidence.remove(id.value())?;
    }
    Ok(())
}

fn add_failure(writing: &redb::WriteTransaction, put: &Put) -> Result<(), StoreError> {
    let mut failures = writing.open_table(Table::Failures.definition())?;
    let next = after_last(&failures)?;
    let value = put.value.as_deref().unwrap_or_default();
    failures.insert(next.to_be_bytes().as_slice(), value)?;
    if let Some(old) = next.checked_sub(FAILURES_MAX) {
        failures.remove(old.to_be_bytes().as_slice())?;
    }
    Ok(())
}
