//! A machine's book of channels: who may ask, what was answered, what is signed, and what waits to be claimed.
//!
//! ```text
//!   errand ─► admit: whose word? bound? nothing unsigned? ─► Promise ─► answered: owed, on disk with its receipt
//!                                                                        └► raise: the key's word ─► sheet of the epoch ─► claim
//! ```
//! It knows a chain by what a keeper tells it ([`Market`]) and by [`Registry`], which looks up channels.

mod bond;
mod desks;
mod line;
mod promise;
mod settle;

use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, Signature};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::{
    Court, Market,
    terms::{Rate, Said},
    voucher::Inspection,
};
use crate::{
    keys::{Ledger, Put},
    model::Reader,
};
use bond::Bond;
use desks::looked_up;
use line::{Line, Sheet};

pub use desks::Desks;
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
    /// The class.
    pub class_id: u32,
    /// Its program.
    pub program: B256,
    /// Of work that is judged by its words alone, what reads them: then only what can be judged is taken in, and signed for.
    pub reader: Option<Arc<Reader>>,
    /// Units read that weigh as one written.
    pub inputs_per_output: u32,
    /// Length of an epoch.
    pub epoch_ms: u64,
    /// Digits of the asset that jobs are paid in, which is a dollar.
    pub decimals: u8,
    /// Requests of a channel at a time, at work or answered and not signed.
    pub unsigned_max: usize,
    /// Whether it is sold; else what is open of it is settled, and nothing begins.
    pub is_sold: bool,
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
    /// By the price that the machine saw last, which may be that of the epoch before.
    #[error(
        "this may cost {need} and the errand allows {most}; if the price moved just now, ask again in a second"
    )]
    Dearer {
        /// At most.
        need: u128,
        /// Allowed.
        most: u128,
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
    /// Nothing begins.
    #[error("this machine sells work of that class no more; what is owed of it may be signed for")]
    NotSold,
    /// More would not be paid.
    #[error(
        "the machine is as far ahead of what it has proven as it may be, or of what its bond can stand for; ask again in the next epoch"
    )]
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
}

/// A machine's book of channels of one class.
#[derive(Debug)]
pub struct Desk {
    setup: Setup,
    registry: Arc<dyn Registry>,
    bond: Arc<Bond>,
    state: Mutex<State>,
}

impl Desk {
    fn new(
        setup: Setup,
        lines: BTreeMap<B256, Line>,
        registry: Arc<dyn Registry>,
        bond: Arc<Bond>,
    ) -> Arc<Self> {
        let state = Mutex::new(State {
            lines,
            ..State::default()
        });
        let desk = Arc::new(Self {
            setup,
            registry,
            bond,
            state,
        });
        desk.bond.join(Arc::downgrade(&desk));
        desk
    }

    /// What does not change.
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Tells it how the chain stands. What can be claimed no more is owed no more: vouchers of epochs before the last one (or before an earlier one, where the chain stood still), and
    /// answers that nobody signed for in time, which are the machine's loss. Vouchers that were handed out stay until it is known
    /// whether they were claimed ([`Self::doubtful`]).
    pub fn see(&self, ledger: &Ledger, market: Market) {
        self.bond.lock().see(market.bond_free);
        let mut state = self.state.lock();
        let before = state
            .market
            .filter(|before| before.time_ms == market.time_ms);
        // A chain that answers and stands still is as silent as one that does not answer.
        let seen = before.map_or(market.seen, |before| before.seen);
        state.market = Some(Market { seen, ..market });
        let last = self.first_claimable(&market);
        let mut puts = Vec::new();
        for (channel, line) in &mut state.lines {
            line.sheets
                .retain(|epoch, sheet| sheet.is_claimed || sheet.is_shut || *epoch >= last);
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

    /// The first epoch whose vouchers may be claimed: the one before the one in which the chain was last seen, or an earlier one.
    fn first_claimable(&self, market: &Market) -> u64 {
        let last = self.epoch_at(market.time_ms).saturating_sub(1);
        market
            .late_from
            .map_or(last, |late_from| last.min(late_from))
    }

    /// Epochs before the last one of which something is not claimed. Whether it may still be, the chain says ([`Market`]).
    pub fn late(&self, time_ms: u64) -> BTreeSet<u64> {
        let last = self.epoch_at(time_ms).saturating_sub(1);
        let state = self.state.lock();
        let epochs = state.lines.values().map(|line| line.open_epochs(0, last));
        epochs.flatten().collect()
    }

    /// The first epoch of which something is kept; none before the chain was seen.
    fn first_kept(&self, keep: Duration) -> Option<u64> {
        let keep_ms = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        // As it was seen, not as it may have gone on since: a chain that stands still may settle all of it later.
        let seen_ms = self.state.lock().market?.time_ms;
        Some(self.epoch_at(seen_ms.saturating_sub(keep_ms)))
    }

    /// Lets go of epochs before this one, and of channels of which nothing is left.
    fn let_go_before(&self, first: u64) -> Vec<Put> {
        let mut puts = Vec::new();
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
        puts
    }

    fn knows(&self, channel: B256) -> bool {
        self.state.lock().lines.contains_key(&channel)
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
        let left = self.expect_said(said, body)?;
        // More may have been bound since.
        let is_short = left < said.most || self.is_over(&said.channel)?;
        if is_short {
            let found = looked_up(self.registry.as_ref(), said.channel).await?;
            self.take_over(said.channel, &found)?;
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

    /// Takes a channel over from the chain, if it is one of this machine and class.
    fn take_over(&self, channel: B256, found: &Bound) -> Result<(), Turned> {
        let is_here = (self.setup.machine_id, self.setup.class_id);
        if (found.machine_id, found.class_id) != is_here {
            return Err(Turned::NoChannel);
        }
        self.bound(channel, found);
        Ok(())
    }

    /// Tells it how a channel stands on the chain. What was claimed is not owed any more. Look-ups overtake each other: one from
    /// before a claim that is known says what is bound no more, and is passed over.
    pub fn bound(&self, channel: B256, found: &Bound) {
        let mut bond = self.bond.lock();
        let mut state = self.state.lock();
        let market = state.market;
        let line = state.lines.entry(channel);
        let line = line.or_insert_with(|| Line::new(found.customer, found.key));
        if found.claimed_epoch < line.claimed_epoch {
            return;
        }
        line.claimed_epoch = found.claimed_epoch;
        (line.bound, line.last_epoch) = (found.bound, found.last_epoch);
        let mut work = 0_u64;
        for (epoch, sheet) in &mut line.sheets {
            if *epoch <= found.claimed_epoch {
                bond.hand_over(market.map_or(0, |market| sheet.stands(&market)));
                work = work.saturating_add(self.hand_over(sheet));
            }
        }
        if let Some(market) = &mut state.market {
            market.work.count(work);
        }
    }

    /// What is claimed now is the chain's to reckon, and not in what was last seen of it. Answers its work.
    fn hand_over(&self, sheet: &mut Sheet) -> u64 {
        if std::mem::replace(&mut sheet.is_claimed, true) {
            return 0;
        }
        let (input, output) = sheet.tally.units();
        self.work_up(input, output)
    }

    /// Who asks for what is kept of a receipt, in time.
    fn inspector(&self, receipt: B256, time_ms: u64, word: &Signature) -> Option<Address> {
        let is_in_time = self.now_ms()?.abs_diff(time_ms) <= SKEW_MS;
        let said = Inspection {
            receipt,
            timeMs: time_ms,
        };
        let who = self.setup.court.who_says(&said, word);
        who.filter(|_| is_in_time)
    }
}
