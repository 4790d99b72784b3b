//! Letting go of receipts that are old and that nothing here needs any more.
//!
//! What is needed is read from disk: receipts that are owed, and those under vouchers that are kept. Whoever keeps vouchers
//! lets go of them first ([`crate::tab::Desks::let_go`]).

use std::collections::BTreeSet;

use alloy_primitives::B256;
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    WriteTransaction,
};

use super::{Store, StoreError, Table, store::Rows};
use crate::{
    receipt::Signed,
    tab::{LeafRecord, LineRecord},
};

/// Receipts of one transaction: what waits to be written waits for no more.
const BATCH: usize = 1_024;
/// Bytes of a job's number, which its receipt has with zeros behind.
const JOB_BYTES: usize = 16;

/// Letting go of receipts whose answers ended before a time, one batch after the other: what waits to be written goes
/// between.
pub(super) struct LettingGo {
    before_ms: u64,
    needed: BTreeSet<B256>,
    next: Option<u64>,
    gone: u64,
}

impl LettingGo {
    pub(super) fn begin(db: &Database, before_ms: u64) -> Result<Self, StoreError> {
        Ok(Self {
            before_ms,
            needed: needed(db)?,
            next: Some(0),
            gone: 0,
        })
    }

    /// Lets go of the next batch. How many went, once there are no more.
    pub(super) fn batch(&mut self, db: &Database) -> Result<Option<u64>, StoreError> {
        let Some(from) = self.next else {
            return Ok(Some(self.gone));
        };
        let writing = super::store::begin(db)?;
        let (gone, next) = let_go_from(&writing, from, self.before_ms, &self.needed)?;
        writing.commit()?;
        self.gone = self.gone.saturating_add(gone);
        self.next = next;
        Ok(next.is_none().then_some(self.gone))
    }
}

/// Receipts that are owed or lie under a voucher.
fn needed(db: &Database) -> Result<BTreeSet<B256>, StoreError> {
    let reading = db.begin_read()?;
    let mut needed = BTreeSet::new();
    for line in Store::rows::<LineRecord>(&reading, Table::Lines)? {
        needed.extend(line.owed_ids());
    }
    for leaf in Store::rows::<LeafRecord>(&reading, Table::Leaves)? {
        needed.insert(leaf.receipt());
    }
    Ok(needed)
}

/// One batch in the order in which receipts were written, and where the next one begins: none where those that follow are
/// young, or there are no more.
fn let_go_from(
    writing: &WriteTransaction,
    from: u64,
    before_ms: u64,
    needed: &BTreeSet<B256>,
) -> Result<(u64, Option<u64>), StoreError> {
    let open = |table: Table| writing.open_table(table.definition());
    let mut recent = open(Table::Recent)?;
    let mut receipts = open(Table::Receipts)?;
    let mut jobs = open(Table::Jobs)?;
    let mut evidence = open(Table::Evidence)?;
    let mut kept = open(Table::Kept)?;
    let from = from.to_be_bytes();
    let mut rows = Vec::new();
    for row in recent.range(from.as_slice()..)?.take(BATCH) {
        let (place, id) = row?;
        rows.push((
            place.value().to_vec(),
            B256::try_from(id.value()).unwrap_or_default(),
        ));
    }
    let (mut gone, is_last) = (0_u64, rows.len() < BATCH);
    let mut next = None;
    for (place, id) in rows {
        if needed.contains(&id) {
            next = after(&place);
            continue;
        }
        if let Some(signed) = stored(&receipts, &id)? {
            let receipt = &signed.receipt;
            if receipt.startedMs.saturating_add(receipt.tookMs) >= before_ms {
                return Ok((gone, None));
            }
            let job = receipt.job.get(..JOB_BYTES).unwrap_or_default();
            let is_its = jobs.get(job)?.is_some_and(|of| of.value() == id.as_slice());
            if is_its {
                jobs.remove(job)?;
            }
            receipts.remove(id.as_slice())?;
            gone = gone.saturating_add(1);
        }
        evidence.remove(id.as_slice())?;
        kept.remove(id.as_slice())?;
        // The last place stays taken, so that those that follow go on counting.
        if recent.len()? > 1 {
            recent.remove(place.as_slice())?;
        }
        next = after(&place);
    }
    Ok((gone, next.filter(|_| !is_last)))
}

fn stored(receipts: &Rows<'_>, id: &B256) -> Result<Option<Signed>, StoreError> {
    let found = receipts.get(id.as_slice())?;
    Ok(found
        .map(|bytes| serde_json::from_slice(bytes.value()))
        .transpose()?)
}

fn after(place: &[u8]) -> Option<u64> {
    let place = place.try_into().ok().map(u64::from_be_bytes);
    place?.checked_add(1)
}
