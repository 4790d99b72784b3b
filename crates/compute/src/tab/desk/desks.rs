//! The desks of a machine: one for each class of work, over one ledger and one bond.
//!
//! ```text
//!   channel = hash(customer, key, machine, class) ─► a stored line says itself whose it is
//!   errand ─► the desk that knows its channel, else the one of the class that the chain says ─► Desk
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Signature};
use parking_lot::Mutex;

use super::{Bound, Desk, Registry, Setup, Turned, bond::Bond, line::Line};
use crate::{
    keys::{Ledger, Put, StoreError, Table},
    tab::{LeafRecord, LineRecord, SheetRecord},
};

/// The desks of a machine.
#[derive(Debug)]
pub struct Desks {
    desks: BTreeMap<u32, Arc<Desk>>,
    registry: Arc<dyn Registry>,
    auditors: Mutex<BTreeSet<Address>>,
}

impl Desks {
    /// The books that lie in a ledger, one for each setup. Lines of other classes stay where they are.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(
        ledger: &Ledger,
        setups: Vec<Setup>,
        registry: Arc<dyn Registry>,
    ) -> Result<Arc<Self>, StoreError> {
        let bond = Arc::new(Bond::default());
        let mut lines = Line::all(ledger)?;
        let mut desks = BTreeMap::new();
        for setup in setups {
            let is_of = |channel: &B256, line: &Line| {
                *channel == line.channel(setup.machine_id, setup.class_id)
            };
            let (own, others) = lines
                .into_iter()
                .partition(|(channel, line)| is_of(channel, line));
            lines = others;
            let (class_id, registry) = (setup.class_id, Arc::clone(&registry));
            let desk = Desk::new(setup, own, registry, Arc::clone(&bond));
            desks.insert(class_id, desk);
        }
        if !lines.is_empty() {
            let lines = lines.len();
            tracing::warn!(
                lines,
                "customers of other machines or classes lie in the book"
            );
        }
        Ok(Arc::new(Self {
            desks,
            registry,
            auditors: Mutex::default(),
        }))
    }

    /// Which of these classes a ledger has lines of: what is open of them is settled, whether they are sold still or not.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn stored(
        ledger: &Ledger,
        machine_id: u64,
        class_ids: &[u32],
    ) -> Result<BTreeSet<u32>, StoreError> {
        let lines = ledger.records::<LineRecord>(Table::Lines)?;
        let is_stored = |class_id: &&u32| {
            let mut lines = lines.iter();
            lines.any(|line| line.is_of(machine_id, **class_id))
        };
        Ok(class_ids.iter().filter(is_stored).copied().collect())
    }

    /// All of them, in the order of their classes.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.desks.values()
    }

    /// Those at which new work is taken.
    pub(crate) fn sold(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.iter().filter(|desk| desk.setup().is_sold)
    }

    /// The desk of a class.
    pub fn of_class(&self, class_id: u32) -> Option<&Arc<Desk>> {
        self.desks.get(&class_id)
    }

    /// The desk that has a channel in its book.
    pub fn knowing(&self, channel: B256) -> Option<&Arc<Desk>> {
        self.iter().find(|desk| desk.knows(channel))
    }

    /// The desk of a channel: the one that knows it, else the one of its class, as the chain says, which takes it over.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) async fn of_channel(&self, channel: B256) -> Result<&Arc<Desk>, Turned> {
        if let Some(desk) = self.knowing(channel) {
            return Ok(desk);
        }
        let found = looked_up(self.registry.as_ref(), channel).await?;
        let desk = self.of_class(found.class_id).ok_or(Turned::NoChannel)?;
        desk.take_over(channel, &found)?;
        Ok(desk)
    }

    /// Tells them who audits.
    pub fn see_auditors(&self, auditors: BTreeSet<Address>) {
        *self.auditors.lock() = auditors;
    }

    /// Whether an auditor asks for what is kept of a receipt.
    pub(crate) fn is_auditor(&self, receipt: B256, time_ms: u64, word: &Signature) -> bool {
        let mut said = self
            .iter()
            .filter_map(|desk| desk.inspector(receipt, time_ms, word));
        let auditors = self.auditors.lock();
        said.any(|who| auditors.contains(&who))
    }

    /// Lets go of epochs that ended so long before the chain's time that nothing of them is claimed, drawn, shown or audited any
    /// more, and of channels of which nothing is left. Their receipts are nobody's after that but the page's of use.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn let_go(&self, ledger: &Ledger, keep: Duration) -> Result<(), StoreError> {
        // They see one chain, one a moment after the other.
        let Some(first) = self.iter().filter_map(|desk| desk.first_kept(keep)).min() else {
            return Ok(());
        };
        let mut puts = Vec::new();
        for sheet in ledger.records::<SheetRecord>(Table::Sheets)? {
            if sheet.epoch < first {
                puts.push(Put::no_sheet(&sheet));
            }
        }
        for leaf in ledger.records::<LeafRecord>(Table::Leaves)? {
            if leaf.epoch < first {
                puts.push(Put::no_leaf(&leaf));
            }
        }
        for desk in self.iter() {
            puts.extend(desk.let_go_before(first));
        }
        if !puts.is_empty() {
            ledger.write(puts);
        }
        Ok(())
    }
}

/// A channel as the chain has it now.
pub(super) async fn looked_up(registry: &dyn Registry, channel: B256) -> Result<Bound, Turned> {
    let found = registry.channel(channel).await;
    let found = found.map_err(|why| {
        tracing::warn!(%why, %channel, "a channel cannot be looked up");
        Turned::Silent
    })?;
    found.ok_or(Turned::NoChannel)
}
