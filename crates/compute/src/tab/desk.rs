//! A machine's book of channels: who may ask, what was answered, what is signed, and what waits to be claimed.
//!
//! ```text
//!   errand ─► admit: whose word? bound? nothing unsigned? ─► Promise ─► answered: owed, on disk with its receipt
//!                                                                        └► raise: the key's word ─► sheet of the epoch ─► claim
//! ```
//! It knows a chain by what a keeper tells it ([`Market`]) and by [`Registry`], which looks up channels.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Signature};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::{
    Court, LeafRecord, LineRecord, Market, SheetRecord, Tally, Voucher,
    terms::{Kept, Owed, Page, Raise, Rate, Said, Standing, in_hex, of_hex},
    voucher::Inspection,
};
use crate::{
    keys::{Ledger, Put, StoreError, Table, Written},
    receipt::{Receipt, Signed},
};

/// An errand says when it was signed; clocks differ by so much.
const SKEW_MS: u64 = 60_000;
/// Answers of a channel whose word never came in time, after which it is served no more.
const LOST_MAX: u32 = 4;

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

/// One epoch of a channel.
#[derive(Debug, Default)]
struct Sheet {
    tally: Tally,
    word: Option<Signature>,
    /// Whether it was handed out to be claimed: a raise after that would make the book say other than the chain.
    is_shut: bool,
    is_claimed: bool,
}

impl Sheet {
    fn record(&self, channel: B256, epoch: u64) -> SheetRecord {
        SheetRecord {
            channel,
            epoch,
            word: self.word.as_ref().map(in_hex).unwrap_or_default(),
            is_shut: self.is_shut,
            is_claimed: self.is_claimed,
        }
    }
}

#[derive(Debug)]
struct Line {
    customer: Address,
    key: Address,
    /// As the chain had it.
    bound: u128,
    last_epoch: u64,
    is_closed: bool,
    /// Answers whose word never came in time.
    lost: u32,
    sheets: BTreeMap<u64, Sheet>,
    owed: Vec<Owed>,
    /// Of them, those that lay here when this program began: their answers may have died with the one before.
    left_over: BTreeSet<B256>,
    at_work: usize,
    promised: u128,
    /// Times of errands, so that none counts twice.
    times: BTreeSet<u64>,
}

impl Line {
    /// Owed by what is not claimed and still can be, and promised.
    fn committed(&self) -> u128 {
        let sheets = self.sheets.values().filter(|sheet| !sheet.is_claimed);
        let sheets: u128 = sheets.map(|sheet| sheet.tally.cost()).sum();
        let owed = self.owed.iter().filter(|owed| !self.is_late(owed));
        let owed: u128 = owed.map(|owed| owed.signed.receipt.cost).sum();
        sheets.saturating_add(owed).saturating_add(self.promised)
    }

    /// Whether it is too late to sign for an answer.
    fn is_late(&self, owed: &Owed) -> bool {
        let sheet = self.sheets.get(&owed.epoch);
        sheet.is_some_and(|sheet| sheet.is_shut || sheet.is_claimed)
    }

    /// Answers that can still be signed for.
    fn unsigned(&self) -> usize {
        let waits = self.owed.iter().filter(|owed| !self.is_late(owed));
        waits.count()
    }

    /// Answers that the machine is not paid for, through a customer that may only have been slow.
    fn lose(&mut self, lost: usize) {
        let lost = u32::try_from(lost).unwrap_or(u32::MAX);
        self.lost = self.lost.saturating_add(lost);
        self.is_closed |= self.lost >= LOST_MAX;
    }

    fn record(&self, channel: B256) -> LineRecord {
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

/// A voucher that may be claimed, with both words.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimable {
    /// What is owed.
    pub voucher: Voucher,
    /// The spending key's word.
    pub by_key: Signature,
    /// The machine's.
    pub by_machine: Signature,
}

/// Room that a request has in its channel; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Promise {
    desk: Arc<Desk>,
    channel: B256,
    pub(crate) key: Address,
    pub(crate) rate: Rate,
    cost: u128,
    work: u64,
}

impl Drop for Promise {
    fn drop(&mut self) {
        let mut state = self.desk.state.lock();
        state.promised_work = state.promised_work.saturating_sub(self.work);
        if let Some(line) = state.lines.get_mut(&self.channel) {
            line.at_work = line.at_work.saturating_sub(1);
            line.promised = line.promised.saturating_sub(self.cost);
        }
    }
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

    /// Room for a request that reads and writes so many units at most.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) fn promise(
        self: &Arc<Self>,
        said: &Said,
        input_max: u64,
        output_max: u64,
    ) -> Result<Promise, Turned> {
        let mut state = self.state.lock();
        let market = self.market(&state)?;
        let epoch = self.epoch_at(market.now_ms());
        let too_much = Turned::NotBound {
            need: u128::MAX,
            left: said.most,
        };
        let cost = market.rate.cost_up(input_max, output_max).ok_or(too_much)?;
        let work = self.work_up(input_max, output_max);
        let sold = self.sold(&state, epoch).saturating_add(work);
        let stands = self.stands_for(&state, &market, Some((said.channel, cost)));
        let line = state.lines.get_mut(&said.channel);
        let line = line.ok_or(Turned::NoChannel)?;
        if line.is_closed {
            return Err(Turned::Closed);
        }
        if epoch >= line.last_epoch {
            return Err(Turned::HoldOver);
        }
        if line.at_work.saturating_add(line.unsigned()) >= self.setup.unsigned_max {
            return Err(Turned::Unsigned);
        }
        let left = line.bound.saturating_sub(line.committed()).min(said.most);
        if cost > left {
            return Err(Turned::NotBound { need: cost, left });
        }
        if sold > market.work_max || stands > market.bond_free {
            return Err(Turned::SoldOut);
        }
        line.at_work = line.at_work.saturating_add(1);
        line.promised = line.promised.saturating_add(cost);
        let key = line.key;
        state.promised_work = state.promised_work.saturating_add(work);
        Ok(Promise {
            desk: Arc::clone(self),
            channel: said.channel,
            key,
            rate: market.rate,
            cost,
            work,
        })
    }

    fn work_up(&self, input: u64, output: u64) -> u64 {
        let inputs = input.div_ceil(u64::from(self.setup.inputs_per_output).max(1));
        output.saturating_add(inputs)
    }

    /// Work of an epoch that is signed, owed, or promised.
    fn sold(&self, state: &State, epoch: u64) -> u64 {
        let mut sum = state.promised_work;
        for line in state.lines.values() {
            let signed = line.sheets.get(&epoch).map(|sheet| sheet.tally.units());
            let owed = line.owed.iter().filter(|owed| owed.epoch == epoch);
            let owed = owed.map(|owed| {
                let Receipt {
                    inputUnits,
                    outputUnits,
                    ..
                } = owed.signed.receipt;
                (inputUnits, outputUnits)
            });
            for (input, output) in signed.into_iter().chain(owed) {
                sum = sum.saturating_add(self.work_up(input, output));
            }
        }
        sum
    }

    /// What of the bond claims will reserve for what is signed, owed and promised, and for one more request of a channel. What
    /// is at work is taken for one receipt as dear as all of it together, and each request for a receipt.
    fn stands_for(&self, state: &State, market: &Market, more: Option<(B256, u128)>) -> u128 {
        let now = self.epoch_at(market.now_ms());
        let of_line = |(channel, line): (&B256, &Line)| {
            let (mut promised, mut at_work) = (line.promised, line.at_work);
            if let Some((_, cost)) = more.filter(|(other, _)| other == channel) {
                promised = promised.saturating_add(cost);
                at_work = at_work.saturating_add(1);
            }
            let mut sum = 0_u128;
            for epoch in [now.saturating_sub(1), now] {
                let sheet = line.sheets.get(&epoch);
                if sheet.is_some_and(|sheet| sheet.is_claimed) {
                    continue;
                }
                let tally = sheet.map(|sheet| &sheet.tally);
                let mut largest = tally.map_or(0, Tally::largest);
                let mut receipts = tally.map_or(0, |tally| tally.leaves().len());
                let mut cost = tally.map_or(0, Tally::cost);
                for owed in line.owed.iter().filter(|owed| owed.epoch == epoch) {
                    largest = largest.max(owed.signed.receipt.cost);
                    cost = cost.saturating_add(owed.signed.receipt.cost);
                    receipts = receipts.saturating_add(1);
                }
                if epoch == now {
                    largest = largest.max(promised);
                    cost = cost.saturating_add(promised);
                    receipts = receipts.saturating_add(at_work);
                }
                if receipts > 0 {
                    sum = sum.saturating_add(market.stands_for(cost, largest, receipts));
                }
            }
            sum
        };
        let lines = state.lines.iter().map(of_line);
        lines.fold(0, u128::saturating_add)
    }

    /// How a channel stands, for its key.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) async fn standing(&self, said: &Said) -> Result<Standing, Turned> {
        self.admit(said, &[]).await?;
        let state = self.state.lock();
        let line = state.lines.get(&said.channel).ok_or(Turned::NoChannel)?;
        let page = |sheet: &Sheet| {
            Some(Page {
                leaves: sheet.tally.leaves().to_vec(),
                voucher: sheet.tally.voucher()?.clone(),
                word: in_hex(&sheet.word?),
            })
        };
        let open = line.sheets.values().filter(|sheet| !sheet.is_claimed);
        Ok(Standing {
            pages: open.filter_map(page).collect(),
            owed: line.owed.clone(),
            at_work: line.at_work,
        })
    }

    /// Takes the key's word for receipts, or that it will not sign for them. What it changes is on disk when the answer is.
    ///
    /// # Errors
    /// [`Turned`]
    pub(crate) fn raise(
        &self,
        ledger: &Ledger,
        channel: B256,
        raise: &Raise,
    ) -> Result<Written, Turned> {
        let mut state = self.state.lock();
        let line = state.lines.get_mut(&channel).ok_or(Turned::NoChannel)?;
        let mut puts = Vec::new();
        if !raise.adds.is_empty() {
            puts = self.sign(line, channel, raise)?;
        }
        for id in &raise.declines {
            let at = line.owed.iter().position(|owed| owed.signed.id == *id);
            let Some(owed) = at.map(|at| line.owed.remove(at)) else {
                continue;
            };
            if line.is_late(&owed) {
                line.lose(1);
            } else {
                // An answer that died with this program is its own loss; any other was given.
                line.is_closed |= !line.left_over.contains(id);
            }
        }
        puts.push(Put::line(&line.record(channel)));
        Ok(ledger.write(puts))
    }

    fn sign(&self, line: &mut Line, channel: B256, raise: &Raise) -> Result<Vec<Put>, Turned> {
        let word = raise.word.as_deref().and_then(of_hex);
        let word = word.ok_or(Turned::OtherVoucher)?;
        let before = line.sheets.get(&raise.epoch);
        // The same word again: the answer to the first was lost.
        let is_heard = before.is_some_and(|sheet| {
            sheet.word == Some(word) && sheet.tally.leaves().ends_with(&raise.adds)
        });
        if is_heard {
            return Ok(Vec::new());
        }
        // The contract takes a receipt that is under a voucher twice for work that was sold twice.
        let distinct: BTreeSet<&B256> = raise.adds.iter().collect();
        let is_fixed = before.is_some_and(|sheet| sheet.is_shut || sheet.is_claimed);
        if is_fixed || distinct.len() != raise.adds.len() {
            return Err(Turned::OtherVoucher);
        }
        let find = |id: &B256| {
            let mut owed = line.owed.iter();
            owed.find(|owed| owed.signed.id == *id && owed.epoch == raise.epoch)
        };
        let added: Option<Vec<&Owed>> = raise.adds.iter().map(find).collect();
        let added = added.ok_or(Turned::OtherVoucher)?;
        let sheet = line.sheets.entry(raise.epoch).or_insert_with(|| Sheet {
            tally: Tally::new(channel, raise.epoch),
            ..Sheet::default()
        });
        let receipts = || added.iter().map(|owed| &owed.signed.receipt);
        let voucher = sheet.tally.raised(receipts());
        let is_said =
            voucher.is_some_and(|voucher| self.setup.court.is_said(&voucher, line.key, &word));
        if !is_said {
            return Err(Turned::OtherVoucher);
        }
        let mut puts = Vec::new();
        for owed in &added {
            let index = u32::try_from(sheet.tally.leaves().len()).unwrap_or(u32::MAX);
            // The voucher was made of them just now.
            let _ = sheet.tally.push(&owed.signed.receipt);
            puts.push(Put::leaf(&LeafRecord {
                channel,
                epoch: raise.epoch,
                index,
                receipt: owed.signed.id,
            }));
        }
        sheet.word = Some(word);
        puts.push(Put::sheet(&sheet.record(channel, raise.epoch)));
        line.owed
            .retain(|owed| !raise.adds.contains(&owed.signed.id));
        Ok(puts)
    }

    /// What is signed of an epoch, of all channels.
    pub fn signed(&self, epoch: u64) -> Vec<Voucher> {
        let state = self.state.lock();
        let sheets = state
            .lines
            .values()
            .filter_map(|line| line.sheets.get(&epoch));
        let vouchers = sheets.filter_map(|sheet| sheet.tally.voucher());
        vouchers.cloned().collect()
    }

    /// Channels that it knows.
    pub fn channels(&self) -> Vec<B256> {
        self.state.lock().lines.keys().copied().collect()
    }

    /// Vouchers of the epoch that is over, which may be claimed now, and are raised no more. While answers of it wait for their
    /// word, half of the next epoch is waited. They are sent once it is on disk that they were handed out, if that is new.
    pub fn claimable(&self, ledger: &Ledger) -> (Vec<Claimable>, Option<Written>) {
        let (ready, puts) = self.hand_out(ledger);
        // A machine looks each second, and mostly nothing is new.
        let written = (!puts.is_empty()).then(|| ledger.write(puts));
        (ready, written)
    }

    fn hand_out(&self, ledger: &Ledger) -> (Vec<Claimable>, Vec<Put>) {
        let (mut ready, mut puts) = (Vec::new(), Vec::new());
        let mut state = self.state.lock();
        let now_ms = state.market.map(|market| market.now_ms());
        let Some((now_ms, epoch)) =
            now_ms.and_then(|now_ms| Some((now_ms, self.epoch_at(now_ms).checked_sub(1)?)))
        else {
            return (ready, puts);
        };
        let is_late = now_ms.checked_rem(self.setup.epoch_ms) > Some(self.setup.epoch_ms / 2);
        for (channel, line) in &mut state.lines {
            let waits = line.owed.iter().any(|owed| owed.epoch == epoch);
            let sheet = line.sheets.get_mut(&epoch);
            let sheet = sheet.filter(|sheet| !sheet.is_claimed);
            let Some(sheet) = sheet.filter(|_| is_late || !waits) else {
                continue;
            };
            if !sheet.is_shut {
                sheet.is_shut = true;
                puts.push(Put::sheet(&sheet.record(*channel, epoch)));
            }
            let (Some(voucher), Some(by_key)) = (sheet.tally.voucher(), sheet.word) else {
                continue;
            };
            let signer = ledger.machine().signer();
            if let Ok(by_machine) = self.setup.court.sign(voucher, signer) {
                ready.push(Claimable {
                    voucher: voucher.clone(),
                    by_key,
                    by_machine,
                });
            }
        }
        (ready, puts)
    }

    /// A voucher was claimed.
    pub fn claimed(&self, ledger: &Ledger, channel: B256, epoch: u64) {
        let mut state = self.state.lock();
        let line = state.lines.get_mut(&channel);
        let Some(sheet) = line.and_then(|line| line.sheets.get_mut(&epoch)) else {
            return;
        };
        sheet.is_claimed = true;
        ledger.write(vec![Put::sheet(&sheet.record(channel, epoch))]);
    }

    /// The receipt of a pick, with its way up; none if it is not here.
    pub fn shown(
        &self,
        ledger: &Ledger,
        channel: B256,
        epoch: u64,
        index: u32,
    ) -> Option<(Signed, Vec<B256>)> {
        let (id, proof) = {
            let state = self.state.lock();
            let sheet = state.lines.get(&channel)?.sheets.get(&epoch)?;
            let index = usize::try_from(index).ok()?;
            (*sheet.tally.leaves().get(index)?, sheet.tally.proof(index))
        };
        Some((ledger.receipt(&id).ok()??, proof))
    }

    /// Channels whose customers can use them no more, with nothing left to claim: their units may go back.
    pub fn over(&self) -> Vec<B256> {
        let state = self.state.lock();
        let Some(now_ms) = state.market.map(|market| market.now_ms()) else {
            return Vec::new();
        };
        let epoch = self.epoch_at(now_ms);
        let is_over = |line: &Line| {
            let waits = |epoch_of: &u64, sheet: &Sheet| {
                !sheet.is_claimed && epoch_of.saturating_add(1) >= epoch
            };
            let waits = line.sheets.iter().any(|(at, sheet)| waits(at, sheet));
            let is_idle = line.at_work == 0 && !waits && line.bound > 0;
            is_idle && (line.is_closed || epoch > line.last_epoch)
        };
        let over = state.lines.iter().filter(|(_, line)| is_over(line));
        over.map(|(channel, _)| *channel).collect()
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

fn line_of(ledger: &Ledger, record: LineRecord) -> Result<Line, StoreError> {
    let mut owed = Vec::new();
    for (epoch, id) in record.owed {
        let signed = ledger.receipt(&id)?;
        owed.extend(signed.map(|signed| Owed { epoch, signed }));
    }
    Ok(Line {
        customer: record.customer,
        key: record.key,
        bound: 0,
        last_epoch: 0,
        is_closed: record.is_closed,
        lost: record.lost,
        sheets: BTreeMap::new(),
        left_over: owed.iter().map(|owed| owed.signed.id).collect(),
        owed,
        at_work: 0,
        promised: 0,
        times: BTreeSet::new(),
    })
}

impl Promise {
    /// The desk.
    pub(crate) const fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The epoch that work belongs to that ends now, and its price: the lower of the one that was promised and the present.
    pub(crate) fn priced(&self) -> (u64, Rate) {
        let state = self.desk.state.lock();
        let seen = state.market.as_ref();
        let epoch = seen.map_or(0, |seen| self.desk.epoch_at(seen.time_ms));
        let now = seen.map_or(self.rate, |seen| seen.rate);
        (epoch, self.rate.least(&now))
    }

    /// The answer was given: it waits for the key's word, on disk together with its receipt.
    pub(crate) fn owe(
        self,
        ledger: &Ledger,
        owed: Owed,
        mut puts: Vec<Put>,
        kept: &Kept,
    ) -> Written {
        let mut state = self.desk.state.lock();
        if let Some(line) = state.lines.get_mut(&self.channel) {
            puts.push(Put::receipt(&owed.signed));
            puts.push(Put::kept(&owed.signed.id, kept));
            line.owed.push(owed);
            puts.push(Put::line(&line.record(self.channel)));
        }
        // The room is given back below, when nobody holds the book.
        ledger.write(puts)
    }
}
