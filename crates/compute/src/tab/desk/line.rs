//! One customer at a machine: what he was given, what he signed for, and what waits.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Signature};

use crate::{
    keys::{Ledger, StoreError, Table},
    tab::{
        LeafRecord, LineRecord, Market, SheetRecord, Tally, channel_of,
        terms::{Owed, in_hex, of_hex},
    },
};

/// Answers of a channel whose word never came in time, after which it is served no more.
const LOST_MAX: u32 = 4;

/// One epoch of a channel.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) tally: Tally,
    pub(super) word: Option<Signature>,
    /// Whether it was handed out to be claimed: a raise after that would make the book say other than the chain.
    pub(super) is_shut: bool,
    pub(super) is_claimed: bool,
}

impl Sheet {
    /// As it lies on disk, before its leaves.
    fn of(record: &SheetRecord) -> Self {
        Self {
            tally: Tally::new(record.channel, record.epoch),
            word: of_hex(&record.word),
            is_shut: record.is_shut,
            is_claimed: record.is_claimed,
        }
    }

    /// What a claim of it weighs; nothing where it is claimed already.
    fn weight(&self) -> Weight {
        if self.is_claimed {
            return Weight::default();
        }
        Weight {
            cost: self.tally.cost(),
            largest: self.tally.largest(),
            receipts: self.tally.leaves().len(),
        }
    }

    /// What of a bond stands for it while it is not claimed.
    pub(super) fn stands(&self, market: &Market) -> u128 {
        self.weight().stands(market)
    }

    pub(super) fn record(&self, channel: B256, epoch: u64) -> SheetRecord {
        SheetRecord {
            channel,
            epoch,
            word: self.word.as_ref().map(in_hex).unwrap_or_default(),
            is_shut: self.is_shut,
            is_claimed: self.is_claimed,
        }
    }
}

/// What the chain looks at of a voucher, when it reckons what of the bond stands for it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    pub(super) cost: u128,
    pub(super) largest: u128,
    pub(super) receipts: usize,
}

impl Weight {
    /// Both under one voucher.
    pub(super) fn joined(&self, other: &Self) -> Self {
        Self {
            cost: self.cost.saturating_add(other.cost),
            largest: self.largest.max(other.largest),
            receipts: self.receipts.saturating_add(other.receipts),
        }
    }

    /// What of a bond stands for its claim; nothing for no receipts.
    pub(super) fn stands(&self, market: &Market) -> u128 {
        if self.receipts == 0 {
            return 0;
        }
        market.stands_for(self.cost, self.largest, self.receipts)
    }

    /// The same beside what is at work, of which nobody knows how much ends in this epoch, and how much in the next, under a
    /// voucher of its own. All in this one, or all in the next while each counts as a receipt of this one too. Of several, the
    /// dearest may end in this one by its slash, and the rest in the next by its audits, which a flat fee lets weigh as much as
    /// if it were all of it. Two slashes together are a unit more than one, since each is rounded up.
    pub(super) fn stands_beside(&self, at_work: &Self, market: &Market) -> u128 {
        if at_work.receipts == 0 {
            return self.stands(market);
        }
        let together = self.joined(at_work);
        let first = Self {
            largest: self.largest,
            ..together
        };
        let apart = first.stands(market).saturating_add(at_work.stands(market));
        let rest = match at_work.receipts {
            1 => 0,
            several => market.audits_of(at_work.cost, several).saturating_add(1),
        };
        apart.max(together.stands(market).saturating_add(rest))
    }
}

/// A customer.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) customer: Address,
    pub(super) key: Address,
    /// As the chain had it.
    pub(super) bound: u128,
    pub(super) last_epoch: u64,
    /// The last epoch that is known to be claimed.
    pub(super) claimed_epoch: u64,
    pub(super) is_closed: bool,
    /// Answers whose word never came in time.
    pub(super) lost: u32,
    pub(super) sheets: BTreeMap<u64, Sheet>,
    pub(super) owed: Vec<Owed>,
    /// Of them, those that lay here when this program began: their answers may have died with the one before.
    pub(super) left_over: BTreeSet<B256>,
    pub(super) at_work: usize,
    pub(super) promised: u128,
    /// Times of errands, so that none counts twice.
    pub(super) times: BTreeSet<u64>,
}

impl Line {
    /// One that was given nothing yet.
    pub(super) const fn new(customer: Address, key: Address) -> Self {
        Self {
            customer,
            key,
            bound: 0,
            last_epoch: 0,
            claimed_epoch: 0,
            is_closed: false,
            lost: 0,
            sheets: BTreeMap::new(),
            owed: Vec::new(),
            left_over: BTreeSet::new(),
            at_work: 0,
            promised: 0,
            times: BTreeSet::new(),
        }
    }

    /// All that lie in a ledger, with their sheets.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn all(ledger: &Ledger) -> Result<BTreeMap<B256, Self>, StoreError> {
        let mut lines = BTreeMap::new();
        for record in ledger.records::<LineRecord>(Table::Lines)? {
            lines.insert(record.channel, Self::of(ledger, record)?);
        }
        for record in ledger.records::<SheetRecord>(Table::Sheets)? {
            if let Some(line) = lines.get_mut(&record.channel) {
                if record.is_claimed {
                    line.claimed_epoch = line.claimed_epoch.max(record.epoch);
                }
                line.sheets.insert(record.epoch, Sheet::of(&record));
            }
        }
        // In the order of their places: channel, epoch, index.
        for leaf in ledger.records::<LeafRecord>(Table::Leaves)? {
            let line = lines.get_mut(&leaf.channel);
            let sheet = line.and_then(|line| line.sheets.get_mut(&leaf.epoch));
            if let (Some(sheet), Some(signed)) = (sheet, ledger.receipt(&leaf.receipt)?) {
                // It had room when it was written.
                let _ = sheet.tally.push(&signed.receipt);
            }
        }
        Ok(lines)
    }

    fn of(ledger: &Ledger, record: LineRecord) -> Result<Self, StoreError> {
        let mut owed = Vec::new();
        for (epoch, id) in record.owed {
            let signed = ledger.receipt(&id)?;
            owed.extend(signed.map(|signed| Owed { epoch, signed }));
        }
        Ok(Self {
            is_closed: record.is_closed,
            lost: record.lost,
            left_over: owed.iter().map(|owed| owed.signed.id).collect(),
            owed,
            ..Self::new(record.customer, record.key)
        })
    }

    /// The channel that it would be at a machine, for a class.
    pub(super) fn channel(&self, machine_id: u64, class_id: u32) -> B256 {
        channel_of(self.customer, self.key, machine_id, class_id)
    }

    /// Owed by what is not claimed and still can be, and promised.
    pub(super) fn committed(&self) -> u128 {
        let sheets = self.sheets.values().filter(|sheet| !sheet.is_claimed);
        let sheets: u128 = sheets.map(|sheet| sheet.tally.cost()).sum();
        let owed = self.owed.iter().filter(|owed| !self.is_late(owed));
        let owed: u128 = owed.map(|owed| owed.signed.receipt.cost).sum();
        sheets.saturating_add(owed).saturating_add(self.promised)
    }

    /// What is signed of an epoch and not claimed, and what is owed.
    pub(super) fn weight(&self, epoch: u64) -> Weight {
        let sheet = self.sheets.get(&epoch);
        if sheet.is_some_and(|sheet| sheet.is_claimed) {
            return Weight::default();
        }
        let signed = sheet.map(Sheet::weight).unwrap_or_default();
        let owed = self.owed.iter().filter(|owed| owed.epoch == epoch);
        let owed = owed.map(|owed| owed.signed.receipt.cost);
        owed.fold(signed, |sum, cost| {
            sum.joined(&Weight {
                cost,
                largest: cost,
                receipts: 1,
            })
        })
    }

    /// What was read and written of an epoch that is not claimed: what is signed in one sum, what is owed one by one.
    pub(super) fn units(&self, epoch: u64) -> Vec<(u64, u64)> {
        let sheet = self.sheets.get(&epoch);
        if sheet.is_some_and(|sheet| sheet.is_claimed) {
            return Vec::new();
        }
        let signed = sheet.map(|sheet| sheet.tally.units());
        let owed = self.owed.iter().filter(|owed| owed.epoch == epoch);
        let owed = owed.map(|owed| {
            let receipt = &owed.signed.receipt;
            (receipt.inputUnits, receipt.outputUnits)
        });
        signed.into_iter().chain(owed).collect()
    }

    /// Epochs from one to before another of which something is not claimed.
    pub(super) fn open_epochs(&self, from: u64, to: u64) -> BTreeSet<u64> {
        let sheets = self.sheets.iter().filter(|(_, sheet)| !sheet.is_claimed);
        let sheets = sheets.map(|(epoch, _)| *epoch);
        let owed = self.owed.iter().map(|owed| owed.epoch);
        let open = sheets.chain(owed);
        open.filter(|epoch| (from..to).contains(epoch)).collect()
    }

    /// Whether it is too late to sign for an answer.
    pub(super) fn is_late(&self, owed: &Owed) -> bool {
        let sheet = self.sheets.get(&owed.epoch);
        sheet.is_some_and(|sheet| sheet.is_shut || sheet.is_claimed)
    }

    /// Answers that can still be signed for.
    pub(super) fn unsigned(&self) -> usize {
        let waits = self.owed.iter().filter(|owed| !self.is_late(owed));
        waits.count()
    }

    /// Answers that the machine is not paid for, through a customer that may only have been slow.
    pub(super) fn lose(&mut self, lost: usize) {
        let lost = u32::try_from(lost).unwrap_or(u32::MAX);
        self.lost = self.lost.saturating_add(lost);
        self.is_closed |= self.lost >= LOST_MAX;
    }

    pub(super) fn record(&self, channel: B256) -> LineRecord {
        let owed = self.owed.iter();
        LineRecord {
            channel,
            customer: self.customer,
            key: self.key,
            is_closed: self.is_closed,
            lost: self.lost,
            owed: owed.map(|owed| (owed.epoch, owed.signed.id)).collect(),
        }
    }
}
