//! What was asked of machines and is not signed for, on disk before it is sent.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    keys::{Ledger, Put, StoreError, Table},
    tab::Dealt,
};

/// How an errand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stand {
    /// A request of this process waits for it.
    AtWork,
    /// The client left, or the process ended: what the machine says of it is paid.
    Open,
    /// The answer did not come to its end: nothing is paid.
    Failed,
}

/// Something that was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) number: u64,
    pub(super) channel: B256,
    pub(super) dealt: Dealt,
    pub(super) stand: Stand,
    /// When it was asked; of one that was written before times were, when it was read first.
    #[serde(default)]
    pub(super) at_ms: u64,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Errands {
    open: Mutex<BTreeMap<u64, Errand>>,
    next: AtomicU64,
}

impl Errands {
    /// Those that lie in a ledger. Nobody waits for them any more.
    pub(super) fn of(ledger: &Ledger) -> Result<Self, StoreError> {
        let mut open = BTreeMap::new();
        for mut errand in ledger.records::<Errand>(Table::Errands)? {
            if errand.stand == Stand::AtWork {
                errand.stand = Stand::Open;
            }
            if errand.at_ms == 0 {
                errand.at_ms = ledger.now_ms();
                ledger.write(vec![Put::errand(errand.number, &errand)]);
            }
            open.insert(errand.number, errand);
        }
        let next = open
            .keys()
            .next_back()
            .map_or(0, |last| last.saturating_add(1));
        Ok(Self {
            open: Mutex::new(open),
            next: AtomicU64::new(next),
        })
    }

    /// A new one, on disk.
    pub(super) async fn begin(
        &self,
        ledger: &Ledger,
        channel: B256,
        dealt: Dealt,
    ) -> Result<Errand, StoreError> {
        let errand = Errand {
            number: self.next.fetch_add(1, Ordering::AcqRel),
            channel,
            dealt,
            stand: Stand::AtWork,
            at_ms: ledger.now_ms(),
        };
        let put = Put::errand(errand.number, &errand);
        self.open.lock().insert(errand.number, errand.clone());
        ledger.write(vec![put]).on_disk().await?;
        Ok(errand)
    }

    /// Nobody waits for it any more.
    pub(super) fn leave(&self, ledger: &Ledger, number: u64, stand: Stand) {
        let mut open = self.open.lock();
        if let Some(errand) = open.get_mut(&number) {
            errand.stand = stand;
            ledger.write(vec![Put::errand(number, errand)]);
        }
    }

    /// It is signed for, or nothing is owed.
    pub(super) fn end(&self, ledger: &Ledger, number: u64) {
        if self.open.lock().remove(&number).is_some() {
            ledger.write(vec![Put::no_errand(number)]);
        }
    }

    /// Lets go of those that were asked before a time and wait for a machine that is silent. Whoever gives this time knows that
    /// by now nothing of them can be claimed.
    pub(super) fn let_go(&self, ledger: &Ledger, before_ms: u64) {
        let mut open = self.open.lock();
        let mut puts = Vec::new();
        open.retain(|number, errand| {
            let is_old = errand.stand != Stand::AtWork && errand.at_ms < before_ms;
            if is_old {
                puts.push(Put::no_errand(*number));
            }
            !is_old
        });
        if !puts.is_empty() {
            ledger.write(puts);
        }
    }

    /// Those of a channel.
    pub(super) fn of_channel(&self, channel: B256) -> Vec<Errand> {
        let open = self.open.lock();
        let of = |errand: &&Errand| errand.channel == channel;
        open.values().filter(of).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
