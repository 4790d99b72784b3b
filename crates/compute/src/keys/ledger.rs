//! The book and its store under one lock: decisions and the order in which they are written are the same.

use std::{path::Path, sync::Arc};

use alloy_primitives::B256;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use super::{
    Book, Draft, Failure, Hold, JobId, Key, Limits, Refusal, Secret, Store, StoreError, Table,
    Used, meant, store::Put,
};
use crate::{
    audit::Evidence,
    money::Dollars,
    receipt::{Machine, Outcome, Signed},
    tab::Kept,
};

/// What the file of records is called in its folder.
const FILE: &str = "ledger.redb";

/// Milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The machine's clock. One that stands before 1970 says 1970.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    })
}

/// Why the ledger did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The key may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the page of use shows.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Each key, with what it has promised.
    pub keys: Vec<KeyView>,
    /// The newest receipts.
    pub receipts: Vec<Signed>,
    /// The newest failures.
    pub failures: Vec<Failure>,
}

/// A key as others may see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyView {
    /// The first digits of its hash.
    pub id: String,
    /// All that is stored.
    #[serde(flatten)]
    pub key: Key,
    /// Promised to requests at work.
    pub reserved: Dollars,
    /// What it can still pay, without a bound `null`.
    pub payable: Option<Dollars>,
}

/// Keys, budgets and receipts.
pub struct Ledger {
    state: Mutex<Book>,
    store: Store,
    machine: Machine,
    clock: Clock,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("machine", &self.machine.address())
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens a folder: `ledger.redb` and `machine.key`. What was at work when it was left is settled.
    ///
    /// # Errors
    /// The folder is in use, or cannot be read or written.
    pub fn open(folder: &Path, clock: Clock) -> Result<Self, StoreError> {
        let store = Self::store(folder)?;
        let machine = Machine::in_file(&folder.join("machine.key")).map_err(redb::Error::Io)?;
        Self::with(store, machine, clock)
    }

    /// The records of a folder, which is made where there is none.
    ///
    /// # Errors
    /// The folder is in use, or cannot be read or written.
    pub fn store(folder: &Path) -> Result<Store, StoreError> {
        std::fs::create_dir_all(folder).map_err(redb::Error::Io)?;
        Store::open(&folder.join(FILE))
    }

    /// Whether a folder holds a ledger; nothing is made.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Over a store that is open.
    ///
    /// # Errors
    /// Its records cannot be read, or what was at work cannot be settled.
    pub fn with(store: Store, machine: Machine, clock: Clock) -> Result<Self, StoreError> {
        let book = Book::of(store.all(Table::Keys)?, store.all(Table::Holds)?);
        let ledger = Self {
            state: Mutex::new(book),
            store,
            machine,
            clock,
        };
        ledger.settle_what_was_left()?;
        Ok(ledger)
    }

    /// Reservations of a process that is gone: nobody will end them but this one. Each is charged what its last mark says.
    fn settle_what_was_left(&self) -> Result<(), StoreError> {
        let left: Vec<Hold> = self.state.lock().holds().cloned().collect();
        for hold in left {
            let used = hold.marked;
            let receipt = (!used.cost.is_zero() || used.output_tokens > 0)
                .then(|| self.receipt_of_the_stopped(&hold))
                .flatten();
            let settled = self.state.lock().settle(&hold.job, used, receipt.as_ref());
            if let Some((charged, puts)) = settled {
                tracing::warn!(job = %hold.job, %charged, "was at work when the gateway stopped");
                let written = futures::executor::block_on(self.store.write(puts));
                if written != Ok(true) {
                    return Err(StoreError::Stopped);
                }
            }
        }
        Ok(())
    }

    fn receipt_of_the_stopped(&self, hold: &Hold) -> Option<Signed> {
        let Draft {
            mut receipt,
            mut notes,
        } = hold.draft.clone();
        receipt.inputUnits = hold.marked.input_tokens;
        receipt.outputUnits = hold.marked.output_tokens;
        receipt.cost = hold.marked.cost.atto();
        receipt.outcome = Outcome::GatewayStopped.number();
        notes.insert("failure".to_owned(), "gateway_stopped".into());
        notes.insert("usage".to_owned(), "estimated".into());
        self.machine.sign(receipt, notes).ok()
    }

    /// Who signs.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Now, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Whether it can be written.
    pub fn is_well(&self) -> bool {
        self.store.is_well()
    }

    /// Makes a key; its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// Its name is taken by another that was not taken back, or it cannot be written.
    pub async fn add_key(
        &self,
        name: String,
        limits: Limits,
    ) -> Result<(Secret, Key), LedgerError> {
        let secret = Secret::random();
        let hash = secret.hash();
        let (written, key) = {
            let mut book = self.state.lock();
            let is_taken = |key: &Key| key.name == name && key.revoked_ms.is_none();
            if !name.is_empty() && book.keys().any(is_taken) {
                return Err(Refusal::NameTaken(name).into());
            }
            let puts = book.add(self.now_ms(), hash, name, limits);
            (self.store.write(puts), book.key(&hash).cloned())
        };
        on_disk(written).await?;
        Ok((secret, key.ok_or(Refusal::Unknown)?))
    }

    /// Takes a key back.
    ///
    /// # Errors
    /// There is none of that hash, or it cannot be written.
    pub async fn revoke(&self, hash: &B256) -> Result<Key, LedgerError> {
        let (written, key) = {
            let mut book = self.state.lock();
            let puts = book.revoke(self.now_ms(), hash).ok_or(Refusal::Unknown)?;
            (self.store.write(puts), book.key(hash).cloned())
        };
        on_disk(written).await?;
        Ok(key.ok_or(Refusal::Unknown)?)
    }

    /// Keys that a word means ([`meant`]).
    pub fn find(&self, word: &str) -> Vec<Key> {
        let book = self.state.lock();
        meant(book.keys(), word).into_iter().cloned().collect()
    }

    /// Whether a secret may ask, and what it can pay at most.
    ///
    /// # Errors
    /// Unknown, revoked, expired, or no key at all.
    pub fn admit(&self, secret: &str) -> Result<(B256, Option<Dollars>), Refusal> {
        if Secret::looks_like_an_owners(secret) {
            return Err(Refusal::OwnersToken);
        }
        let hash = Secret::hash_of(secret);
        let now_ms = self.now_ms();
        let book = self.state.lock();
        book.admit(now_ms, &hash)?;
        Ok((hash, book.payable(now_ms, &hash)))
    }

    /// Whether a key is the machine's owner's own.
    pub fn is_own(&self, key: &B256) -> bool {
        let book = self.state.lock();
        book.key(key).is_some_and(|key| key.limits.own)
    }

    /// Promises a request what it may cost. The decision is made when this returns; the answer inside comes when it is on disk.
    ///
    /// # Errors
    /// The key may not.
    pub fn reserve(
        &self,
        key: &B256,
        job: JobId,
        most: Dollars,
        draft: Draft,
    ) -> Result<Written, LedgerError> {
        if !self.is_well() {
            return Err(StoreError::Stopped.into());
        }
        let mut book = self.state.lock();
        let puts = book.reserve(self.now_ms(), key, job, most, draft)?;
        Ok(Written(self.store.write(puts)))
    }

    /// The same in memory alone, for an answer that goes out whole: until it is settled nothing of it was delivered, so a
    /// process that dies before owes nothing and has nothing to remember.
    ///
    /// # Errors
    /// The key may not.
    pub fn reserve_in_memory(
        &self,
        key: &B256,
        job: JobId,
        most: Dollars,
        draft: Draft,
    ) -> Result<(), LedgerError> {
        if !self.is_well() {
            return Err(StoreError::Stopped.into());
        }
        let mut book = self.state.lock();
        // What would be written is in the settlement again: the key, and that no reservation is left.
        book.reserve(self.now_ms(), key, job, most, draft)?;
        Ok(())
    }

    /// Notes what a request has certainly cost; nobody waits for it.
    pub fn mark(&self, job: &JobId, used: Used) {
        let mut book = self.state.lock();
        if let Some(puts) = book.mark(job, used) {
            self.store.write_behind(puts);
        }
    }

    /// Ends a request, once. The answer inside comes when it is on disk; `None` if it had ended before.
    pub fn settle(
        &self,
        job: &JobId,
        used: Used,
        receipt: Option<&Signed>,
        failure: Option<&Failure>,
    ) -> Option<(Dollars, Written)> {
        let mut book = self.state.lock();
        let (charged, mut puts) = book.settle(job, used, receipt)?;
        puts.extend(failure.map(Put::failure));
        Some((charged, Written(self.store.write(puts))))
    }

    /// What went wrong before anything was promised.
    pub fn note_failure(&self, failure: &Failure) {
        self.store.write_behind(vec![Put::failure(failure)]);
    }

    /// A receipt by id.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn receipt(&self, id: &B256) -> Result<Option<Signed>, StoreError> {
        self.store.receipt(id)
    }

    /// Keeps what the answer of a receipt can be computed again from; the receipt is settled right after.
    pub fn keep(&self, receipt: &B256, evidence: &Evidence) {
        self.store
            .write_behind(vec![Put::evidence(receipt, evidence)]);
    }

    /// What was kept of a receipt's work.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn evidence(&self, id: &B256) -> Result<Option<Evidence>, StoreError> {
        self.store.evidence(id)
    }

    /// What is kept of a receipt for auditors.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn kept(&self, id: &B256) -> Result<Option<Kept>, StoreError> {
        self.store.kept(id)
    }

    /// Every record of a table.
    pub(crate) fn records<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, StoreError> {
        self.store.all(table)
    }

    /// Lets go of receipts whose answers ended before a time, unless they are owed or under a voucher. Answers how many went.
    ///
    /// # Errors
    /// They cannot be read or written; they stay.
    pub async fn let_go(&self, before_ms: u64) -> Result<u64, StoreError> {
        let went = self.store.let_go(before_ms).await;
        went.ok().flatten().ok_or(StoreError::Stopped)
    }

    /// Hands records to the writer, in the order of the calls.
    pub(crate) fn write(&self, puts: Vec<Put>) -> Written {
        Written(self.store.write(puts))
    }

    /// The receipt of a request.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn receipt_of(&self, job: &JobId) -> Result<Option<Signed>, StoreError> {
        self.store.receipt_of(job)
    }

    /// All keys as they stand.
    pub fn keys(&self) -> Vec<KeyView> {
        let now_ms = self.now_ms();
        let book = self.state.lock();
        let view = |key: &Key| KeyView {
            id: key.id(),
            key: key.clone(),
            reserved: book.reserved(&key.hash),
            payable: book.payable(now_ms, &key.hash),
        };
        book.keys().map(view).collect()
    }

    /// Keys, the newest receipts, the newest failures.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn overview(&self, count: usize) -> Result<Overview, StoreError> {
        let mut failures: Vec<Failure> = self.store.all(Table::Failures)?;
        failures.reverse();
        failures.truncate(count);
        Ok(Overview {
            keys: self.keys(),
            receipts: self.store.recent(count)?,
            failures,
        })
    }
}

/// Something that is being written.
#[derive(Debug)]
pub struct Written(oneshot::Receiver<bool>);

impl Written {
    /// Waits until it is on disk.
    ///
    /// # Errors
    /// It could not be written, and nothing later will be.
    pub async fn on_disk(self) -> Result<(), StoreError> {
        on_disk(self.0).await
    }
}

async fn on_disk(written: oneshot::Receiver<bool>) -> Result<(), StoreError> {
    match written.await {
        Ok(true) => Ok(()),
        _ => Err(StoreError::Stopped),
    }
}
