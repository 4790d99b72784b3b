//! A machine's book of channels: who may ask, what was answered, what is signed, and what waits to be claimed.
//!
//! ```text
//!   errand ─► admit: whose word? bound? nothing unsigned? ─► Promise ─► answered: owed, on disk with its receipt
//!                                                                        └► raise: the key's word ─► sheet of the epoch ─► claim
//! ```
//! It knows a chain by what a keeper tells it ([`Market`]) and by [`Registry`], which looks up channels.

mod line;
mod promise;
mod settle;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Signature};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::{
    Court, LeafRecord, LineRecord, Market, SheetRecord, Tally,
    terms::{Rate, Said, of_hex},
    voucher::Inspection,
};
use crate::keys::{Ledger, Put, StoreError, Table};
use line::{Line, Sheet, line_of};

pub(crate) use promise::Promise;
pub use settle::Claimable;

/// An errand says when it was signed; clocks differ by so much.
const SKEW_MS: u64 = 60_000;

/// What does not change while a machine sells.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where vouchers are settled.
    pub court: Court,
    /// The machine's number.
    pub machine_id: u64,
    /// The class that it sells.
    pub class_id: u32,
    /// Its program.
    pub program: B256,
    /// Units read that weigh as one written.
    pub inputs_per_output: u32,
    /// Length of an epoch.
    pub epoch_ms: u64,
    /// Digits of the asset that jobs are paid in, which is a dollar.
    pub decimals: u8,
    /// Requests of a channel at a time, at work or answered and not signed.
    pub unsigned_max: usize,
}

/// A channel as the chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Whose units.
    pub customer: Address,
    /// Who signs.
    pub key: Address,
    /// At which machine.
    pub machine_id: u64,
    /// For which class.
    pub class_id: u32,
    /// Bound and not claimed, in smallest units.
    pub bound: u128,
    /// The last epoch whose vouchers count.
    pub last_epoch: u64,
    /// The last epoch that was claimed.
    pub claimed_epoch: u64,
}

/// Looks channels up.
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// A channel as it stands now; none if there is none.
    fn channel(&self, channel: B256) -> BoxFuture<'_, Result<Option<Bound>, String>>;
}

/// Why a customer is turned away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// No errand, or not the spending key's.
    #[error(
        "the errand is not signed by the channel's spending key, or not for this request and time"
    )]
    NotSaid,
    /// Nobody holds anything for it.
    #[error("the chain knows no such channel of this machine and class; `hold` first")]
    NoChannel,
    /// Not enough is bound.
    #[error(
        "this may cost {need} and {left} are left of what is bound to the channel; hold more, or ask for less"
    )]
    NotBound {
        /// At most.
        need: u128,
        /// Left.
        left: u128,
    },
    /// The hold ends too soon.
    #[error("the hold of this channel is over; hold again, with a later end")]
    HoldOver,
    /// Answers wait for the key's word.
    #[error("answers of this channel are not signed yet: sign for them first")]
    Unsigned,
    /// Answers were refused.
    #[error("this channel did not sign for what it was given, and is served no more")]
    Closed,
    /// The chain is silent.
    #[error("the machine has not seen its chain for too long; ask again a little later")]
    Silent,
    /// More would not be paid.
    #[error("the machine has sold what it may of this epoch; ask again in the next one")]
    SoldOut,
    /// Not under this voucher.
    #[error("the word is not for the voucher of these receipts")]
    OtherVoucher,
}

#[derive(Debug, Default)]
struct State {
    market: Option<Market>,
    lines: BTreeMap<B256, Line>,
    /// Work promised to requests in progress.
    promised_work: u64,
    auditors: BTreeSet<Address>,
}

/// A machine's book of channels.
#[derive(Debug)]
pub struct Desk {
    setup: Setup,
    registry: Arc<dyn Registry>,
    state: Mutex<State>,
}

impl Desk {
    /// The book that lies in a ledger.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(
        ledger: &Ledger,
        setup: Setup,
        registry: Arc<dyn Registry>,
    ) -> Result<Arc<Self>, StoreError> {
        let mut lines = BTreeMap::new();
        for record in ledger.records::<LineRecord>(Table::Lines)? {
            lines.insert(record.channel, line_of(ledger, record)?);
        }
        for record in ledger.records::<SheetRecord>(Table::Sheets)? {
            if let Some(line) = lines.get_mut(&record.channel) {
                line.sheets.insert(
                    record.epoch,
                    Sheet {
                        tally: Tally::new(record.channel, record.epoch),
                        word: of_hex(&record.word),
                        is_shut: record.is_shut,
                        is_claimed: record.is_claimed,
                    },
                );
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
        let state = Mutex::new(State {
            lines,
            ..State::default()
        });
        Ok(Arc::new(Self {
            setup,
            registry,
            state,
        }))
    }

    /// What does not change.
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Tells it how the chain stands. What can be claimed no more is owed no more: vouchers of epochs before the last one, and
    /// answers that nobody signed for in time, which are the machine's loss.
    pub fn see(&self, ledger: &Ledger, market: Market) {
        let mut state = self.state.lock();
        let before = state
            .market
            .filter(|before| before.time_ms == market.time_ms);
        // A chain that answers and stands still is as silent as one that does not answer.
        let seen = before.map_or(market.seen, |before| before.seen);
        state.market = Some(Market { seen, ..market });
        let last = self.epoch_at(market.time_ms).saturating_sub(1);
        let mut puts = Vec::new();
        for (channel, line) in &mut state.lines {
            line.sheets
                .retain(|epoch, sheet| sheet.is_claimed || *epoch >= last);
            let before = line.owed.len();
            line.owed.retain(|owed| owed.epoch >= last);
            let lost = before.saturating_sub(line.owed.len());
            if lost > 0 {
                line.lose(lost);
                puts.push(Put::line(&line.record(*channel)));
                tracing::warn!(%channel, lost, "answers were not signed for in time");
            }
        }
        if !puts.is_empty() {
            ledger.write(puts);
        }
    }

    /// Lets go of epochs that ended so long before the chain's time that nothing of them is claimed, drawn, shown or audited any
    /// more, and of channels of which nothing is left. Their receipts are nobody's after that but the page's of use.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn let_go(&self, ledger: &Ledger, keep: Duration) -> Result<(), StoreError> {
        let keep_ms = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        // As it was seen, not as it may have gone on since: a chain that stands still may settle all of it later.
        let Some(seen_ms) = self.state.lock().market.map(|market| market.time_ms) else {
            return Ok(());
        };
        let first = self.epoch_at(seen_ms.saturating_sub(keep_ms));
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
        let mut state = self.state.lock();
        state.lines.retain(|channel, line| {
            line.sheets.retain(|epoch, _| *epoch >= first);
            // Who did not sign for what he had stays known.
            let is_clear = !line.is_closed && line.lost == 0 && line.bound == 0;
            let is_idle = line.at_work == 0 && line.owed.is_empty() && line.sheets.is_empty();
            let is_over = is_clear && is_idle && line.last_epoch < first;
            if is_over {
                puts.push(Put::no_line(&line.record(*channel)));
            }
            !is_over
        });
        if !puts.is_empty() {
            ledger.write(puts);
        }
        Ok(())
    }

    /// Tells it who audits.
    pub fn see_auditors(&self, auditors: BTreeSet<Address>) {
        self.state.lock().auditors = auditors;
    }

    /// The chain's time, as far as it is known.
    pub fn now_ms(&self) -> Option<u64> {
        self.state.lock().market.map(|market| market.now_ms())
    }

    /// The market, unless the chain was silent for longer than an epoch: then prices are others.
    fn market(&self, state: &State) -> Result<Market, Turned> {
        let market = state.market.ok_or(Turned::Silent)?;
        let patience = Duration::from_millis(self.setup.epoch_ms.max(SKEW_MS));
        if market.seen.elapsed() > patience {
            return Err(Turned::Silent);
        }
        Ok(market)
    }

    fn epoch_at(&self, time_ms: u64) -> u64 {
        time_ms.checked_div(self.setup.epoch_ms).unwrap_or_default()
    }

    /// What a token costs now, for who asks what he may buy.
    ///
    /// # Errors
    /// The chain is silent.
    pub(crate) fn rate(&self) -> Result<Rate, Turned> {
        Ok(self.market(&self.state.lock())?.rate)
    }

    /// Whether an errand is its channel's key's, and what may be spent on it.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) async fn admit(&self, said: &Said, body: &[u8]) -> Result<u128, Turned> {
        let is_known = self.state.lock().lines.contains_key(&said.channel);
        if !is_known {
            self.look_up(said.channel).await?;
        }
        let left = self.expect_said(said, body)?;
        // More may have been bound since.
        let is_short = left < said.most || self.is_over(&said.channel)?;
        if is_short {
            self.look_up(said.channel).await?;
        }
        let state = self.state.lock();
        let line = state.lines.get(&said.channel).ok_or(Turned::NoChannel)?;
        Ok(said.most.min(line.bound.saturating_sub(line.committed())))
    }

    /// The word, and that it counts once. Answers what is left of the bound.
    fn expect_said(&self, said: &Said, body: &[u8]) -> Result<u128, Turned> {
        let mut state = self.state.lock();
        let now_ms = self.market(&state)?.now_ms();
        let line = state.lines.get_mut(&said.channel);
        let line = line.ok_or(Turned::NoChannel)?;
        let is_in_time = now_ms.abs_diff(said.time_ms) <= SKEW_MS;
        let errand = said.errand(body);
        if !is_in_time || !self.setup.court.is_said(&errand, line.key, &said.word) {
            return Err(Turned::NotSaid);
        }
        line.times = line.times.split_off(&now_ms.saturating_sub(SKEW_MS));
        if !line.times.insert(said.time_ms) {
            return Err(Turned::NotSaid);
        }
        Ok(line.bound.saturating_sub(line.committed()))
    }

    fn is_over(&self, channel: &B256) -> Result<bool, Turned> {
        let state = self.state.lock();
        let epoch = self.epoch_at(self.market(&state)?.now_ms());
        let line = state.lines.get(channel).ok_or(Turned::NoChannel)?;
        Ok(epoch >= line.last_epoch)
    }

    /// Takes a channel over from the chain.
    async fn look_up(&self, channel: B256) -> Result<(), Turned> {
        let found = self.registry.channel(channel).await;
        let found = found.map_err(|why| {
            tracing::warn!(%why, %channel, "a channel cannot be looked up");
            Turned::Silent
        })?;
        let found = found.filter(|found| {
            let is_here = (found.machine_id, found.class_id);
            is_here == (self.setup.machine_id, self.setup.class_id)
        });
        self.bound(channel, &found.ok_or(Turned::NoChannel)?);
        Ok(())
    }

    /// Tells it how a channel stands on the chain. What was claimed is not owed any more.
    pub fn bound(&self, channel: B256, found: &Bound) {
        let mut state = self.state.lock();
        let line = state.lines.entry(channel).or_insert_with(|| Line {
            customer: found.customer,
            key: found.key,
            bound: 0,
            last_epoch: 0,
            is_closed: false,
            lost: 0,
            sheets: BTreeMap::new(),
            owed: Vec::new(),
            left_over: BTreeSet::new(),
            at_work: 0,
            promised: 0,
            times: BTreeSet::new(),
        });
        (line.bound, line.last_epoch) = (found.bound, found.last_epoch);
        for (epoch, sheet) in &mut line.sheets {
            sheet.is_claimed |= *epoch <= found.claimed_epoch;
        }
    }

    /// Whether an auditor asks for what is kept of a receipt.
    pub(crate) fn is_auditor(&self, receipt: B256, time_ms: u64, word: &Signature) -> bool {
        let state = self.state.lock();
        let now_ms = state.market.map(|market| market.now_ms());
        let is_in_time = now_ms.is_some_and(|now_ms| now_ms.abs_diff(time_ms) <= SKEW_MS);
        let said = Inspection {
            receipt,
            timeMs: time_ms,
        };
        let who = self.setup.court.who_says(&said, word);
        is_in_time && who.is_some_and(|who| state.auditors.contains(&who))
    }
}
