//! Records on disk: one redb file, one writer thread that commits everything that waits at once.

use std::{
    path::Path,
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

use super::{Failure, Hold, JobId, Key};
use crate::{
    audit::Evidence,
    receipt::Signed,
    tab::{Kept, LeafRecord, LineRecord, SheetRecord},
};

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
    const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
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

    pub(super) fn no_hold(job: &JobId) -> Self {
        Self {
            table: Table::Holds,
            key: job.bytes().to_vec(),
            value: None,
        }
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

    pub(crate) fn kept(receipt: &B256, kept: &Kept) -> Self {
        Self::record(Table::Kept, receipt.as_slice(), kept)
    }

    pub(crate) fn errand(number: u64, errand: &impl Serialize) -> Self {
        Self::record(Table::Errands, &number.to_be_bytes(), errand)
    }

    pub(crate) fn no_errand(number: u64) -> Self {
        Self {
            table: Table::Errands,
            key: number.to_be_bytes().to_vec(),
            value: None,
        }
    }

    pub(crate) fn failure(failure: &Failure) -> Self {
        Self::record(Table::Failures, &[], failure)
    }
}

/// Why records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error("the ledger is in use by another process; is a gateway running on this folder?")]
    InUse,
    /// The database says no.
    #[error("the ledger cannot be used: {0}")]
    Database(#[from] redb::Error),
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

/// Who waits for a change to be on disk.
type Waiting = oneshot::Sender<bool>;

struct Change {
    puts: Vec<Put>,
    done: Option<Waiting>,
}

/// The file and its writer.
#[derive(Debug)]
pub struct Store {
    db: Arc<Database>,
    changes: Option<mpsc::Sender<Change>>,
    writer: Option<thread::JoinHandle<()>>,
    well: Arc<AtomicBool>,
}

impl Store {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// It is in use, broken, or cannot be made.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with(Database::create(path)?)
    }

    /// Over a disk of a test's own.
    ///
    /// # Errors
    /// What lies there is no ledger.
    pub fn over(disk: impl redb::StorageBackend) -> Result<Self, StoreError> {
        Self::with(Database::builder().create_with_backend(disk)?)
    }

    fn with(db: Database) -> Result<Self, StoreError> {
        let db = Arc::new(db);
        // Tables must be there before they are read.
        let begin = db.begin_write()?;
        for table in [
            Table::Keys,
            Table::Holds,
            Table::Receipts,
            Table::Jobs,
            Table::Recent,
            Table::Failures,
            Table::Evidence,
            Table::Lines,
            Table::Sheets,
            Table::Leaves,
            Table::Kept,
            Table::Errands,
        ] {
            begin.open_table(table.definition())?;
        }
        begin.commit()?;
        let (changes, waiting) = mpsc::channel();
        let well = Arc::new(AtomicBool::new(true));
        let writer = thread::Builder::new().name("ledger".to_owned()).spawn({
            let (db, well) = (Arc::clone(&db), Arc::clone(&well));
            move || write_all(&db, &waiting, &well)
        });
        let writer = writer.map_err(redb::Error::Io)?;
        Ok(Self {
            db,
            changes: Some(changes),
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
        if let Some(changes) = &self.changes {
            // A writer that is gone drops the answer: whoever waits hears that it failed.
            let _ = changes.send(Change { puts, done });
        }
    }

    /// Every record of a table.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, StoreError> {
        let reading = self.db.begin_read()?;
        let rows = reading.open_table(table.definition())?;
        let mut records = Vec::new();
        for row in rows.iter()? {
            records.push(serde_json::from_slice(row?.1.value())?);
        }
        Ok(records)
    }

    /// A receipt, by its id or by its request.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn receipt(&self, id: &B256) -> Result<Option<Signed>, StoreError> {
        let reading = self.db.begin_read()?;
        let receipts = reading.open_table(Table::Receipts.definition())?;
        let found = receipts.get(id.as_slice())?;
        Ok(found
            .map(|bytes| serde_json::from_slice(bytes.value()))
            .transpose()?)
    }

    /// What the answer of a receipt can be computed again from, if it was kept.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn evidence(&self, id: &B256) -> Result<Option<Evidence>, StoreError> {
        let reading = self.db.begin_read()?;
        let kept = reading.open_table(Table::Evidence.definition())?;
        let found = kept.get(id.as_slice())?;
        Ok(found
            .map(|bytes| serde_json::from_slice(bytes.value()))
            .transpose()?)
    }

    /// What is kept of a receipt for auditors.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn kept(&self, id: &B256) -> Result<Option<Kept>, StoreError> {
        let reading = self.db.begin_read()?;
        let kept = reading.open_table(Table::Kept.definition())?;
        let found = kept.get(id.as_slice())?;
        Ok(found
            .map(|bytes| serde_json::from_slice(bytes.value()))
            .transpose()?)
    }

    /// The receipt of a request.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn receipt_of(&self, job: &JobId) -> Result<Option<Signed>, StoreError> {
        let reading = self.db.begin_read()?;
        let jobs = reading.open_table(Table::Jobs.definition())?;
        let Some(id) = jobs.get(job.bytes())? else {
            return Ok(None);
        };
        self.receipt(&B256::try_from(id.value()).unwrap_or_default())
    }

    /// The newest receipts first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn recent(&self, count: usize) -> Result<Vec<Signed>, StoreError> {
        let reading = self.db.begin_read()?;
        let recent = reading.open_table(Table::Recent.definition())?;
        let mut receipts = Vec::new();
        for row in recent.iter()?.rev().take(count) {
            let id = B256::try_from(row?.1.value()).unwrap_or_default();
            receipts.extend(self.receipt(&id)?);
        }
        Ok(receipts)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // What was handed over is written before the file is let go.
        drop(self.changes.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write_all(db: &Database, waiting: &mpsc::Receiver<Change>, well: &AtomicBool) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        // After one failure nothing is written: what comes later may build on what was lost.
        let written = well.load(Ordering::Acquire)
            && commit(db, &batch)
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

fn commit(db: &Database, batch: &[Change]) -> Result<(), StoreError> {
    let mut writing = db.begin_write()?;
    // Names and models are chosen by others: a commit of one phase could be forged by them (redb's own warning).
    writing.set_two_phase_commit(true);
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

type Rows<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

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
