//! A machine's gateway on the network: its offers on the chain, its desks, and what the desks want of the chain.
//!
//! ```text
//!   every look: prices, capacity, bond ─► desks   ·   vouchers of the epoch that is over ─► claim
//!               receipts that were picked ─► show   ·   channels that are over ─► release
//!   now and then: parameters, who audits ─► desks
//! ```
//! What was sold before and is sold no more has a desk too, at which nothing begins: it is claimed, shown and given back.

mod classes;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use capstan_agents::{
    jobs::{self, Trade},
    provider::Seat,
};
use capstan_client::{ClientError, Node, Sender, job_channel, job_claim, job_offered, job_show};
use capstan_compute::{
    audit::is_by_words,
    gateway::Gateway,
    model::Reader,
    tab::{Bound, Claimable, Court, Desk, Desks, Market, Rate, Registry, Room, Setup},
};
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{Channel, JobParams, Offer, OfferTerms},
};
use eyre::{Result, bail};
use futures::{FutureExt as _, future::BoxFuture};
use parking_lot::Mutex;
use tokio::time::sleep;

use super::{challenge::Voice, in_contract};
use classes::{floors, line, traded};

pub(crate) use classes::{Programs, chosen, class_words, owes};

/// Shortest and longest time between two looks at the chain.
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// So often offers are read until all of them are of one epoch.
const READS_MAX: u32 = 3;
/// Longest time between two looks at parameters and who audits; an epoch where that is shorter.
const LEARN: Duration = Duration::from_secs(30);
/// Longest wait for the first offer to end when the machine stops, and for each of the others.
const FAREWELL: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(1));

/// What is sold, by whom, where.
pub(crate) struct Sale {
    node: Node,
    key: Arc<Sender>,
    gateway: Arc<Gateway>,
    desks: Arc<Desks>,
    machine_id: u64,
    params: Mutex<JobParams>,
    wares: Vec<Ware>,
}

/// What is sold of a class.
struct Ware {
    trade: Trade,
    offer: OfferTerms,
}

/// How a machine sells to the network.
pub(crate) struct SaleTerms<'a> {
    /// The classes; none where only what was sold before is settled.
    pub(crate) class_ids: &'a [u32],
    /// Where customers reach it.
    pub(crate) endpoint: &'a str,
    /// Answers of a channel that may be unsigned.
    pub(crate) unsigned: usize,
    /// What reads the requests of classes that are judged by words.
    pub(crate) voices: &'a [Voice],
}

/// Looks channels up at a node.
#[derive(Debug)]
struct Chain(Node);

impl Registry for Chain {
    fn channel(&self, channel: B256) -> BoxFuture<'_, Result<Option<Bound>, String>> {
        async move {
            let found = job_channel(&self.0, channel).await;
            let found = found.map_err(|error| error.to_string())?;
            Ok(found.map(|found| bound(&found)))
        }
        .boxed()
    }
}

fn bound(channel: &Channel) -> Bound {
    Bound {
        customer: channel.customer,
        key: channel.key,
        machine_id: channel.machineId,
        class_id: channel.classId,
        bound: channel.bound.saturating_to(),
        last_epoch: channel.lastEpoch,
        claimed_epoch: channel.claimedEpoch,
    }
}

impl Ware {
    /// For people.
    fn words(&self) -> String {
        line(&self.trade, self.offer.inputFloor, self.offer.outputFloor)
    }
}

impl Sale {
    /// Puts the offers on the chain and opens the desks. A machine whose book is not empty opens whatever can be offered: what it
    /// owes is claimed and shown, and a class that cannot be sold any more is none of its customers' loss.
    ///
    /// # Errors
    /// The node does not answer, or nothing lies in the book and a class cannot be offered.
    pub(crate) async fn open(
        node: &Node,
        key: Arc<Sender>,
        gateway: &Arc<Gateway>,
        seat: &Seat,
        terms: &SaleTerms<'_>,
    ) -> Result<Self> {
        let owes = owes(node, gateway, seat.machine_id).await?;
        let wares = wares(node, gateway, seat, terms, owes).await?;
        if wares.is_empty() && !owes {
            bail!("nothing is sold: no class of work is named");
        }
        let params = Mutex::new(jobs::params(node).await?);
        let desks = desks(node, gateway, seat, terms, &wares).await?;
        let sale = Self {
            node: node.clone(),
            key,
            gateway: Arc::clone(gateway),
            desks,
            machine_id: seat.machine_id,
            params,
            wares,
        };
        // What a program before this one claimed is known before anything of it is too old.
        sale.see_channels().await?;
        let opened = async {
            sale.offer(owes).await?;
            sale.see_now().await
        };
        if let Err(error) = opened.await {
            sale.end().await;
            return Err(error.into());
        }
        gateway.sell(Arc::clone(&sale.desks));
        Ok(sale)
    }

    /// The classes and their asset, for people: a line for each.
    pub(crate) fn words(&self) -> String {
        if self.wares.is_empty() {
            return "nothing to the network; what was sold before is claimed and shown".to_owned();
        }
        let lines: Vec<_> = self.wares.iter().map(Ware::words).collect();
        lines.join("\n")
    }

    /// Looks after it until this is dropped. What fails is logged and done again at the next look.
    pub(crate) async fn keep(&self) {
        let epoch = Duration::from_millis(self.params.lock().epochMs);
        let every = (epoch / 10).clamp(LOOK.0, LOOK.1);
        let mut learned: Option<Instant> = None;
        // First of all: a desk that begins again after a pause would serve at prices from before it.
        if let Err(error) = self.see_now().await {
            tracing::warn!(%error, machine = self.machine_id, "the sale waits for its chain");
        }
        loop {
            if learned.is_none_or(|at| at.elapsed() >= LEARN.min(epoch)) {
                self.learn().await;
                learned = Some(Instant::now());
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, machine = self.machine_id, "the sale waits for its chain");
            }
            sleep(every).await;
        }
    }

    /// Puts the offers on the chain, and ends those that a program before this one left open. One that is refused holds up nobody
    /// who has something to settle.
    async fn offer(&self, owes: bool) -> Result<(), ClientError> {
        for ware in &self.wares {
            let class_id = ware.trade.class_id;
            match jobs::put_offer(&self.node, &self.key, ware.offer.clone()).await {
                Err(error) if owes => {
                    tracing::warn!(%error, class_id, "the offer was not taken; what was sold before is claimed and shown");
                }
                put => put?,
            }
        }
        for class_id in jobs::classes(&self.node).await? {
            let is_sold = |ware: &Ware| ware.trade.class_id == class_id;
            if self.wares.iter().any(is_sold) {
                continue;
            }
            if let Err(error) = self.put_away(class_id).await {
                tracing::warn!(%error, class_id, "the offer of a class that is sold no more stands still");
            }
        }
        Ok(())
    }

    /// Ends the offer of a class, if it is open.
    async fn put_away(&self, class_id: u32) -> Result<(), ClientError> {
        let standing = job_offered(&self.node, self.machine_id, class_id).await?;
        let Some(open) = standing.filter(|offer| offer.terms.isOpen) else {
            return Ok(());
        };
        let terms = OfferTerms {
            isOpen: false,
            ..open.terms
        };
        jobs::put_offer(&self.node, &self.key, terms).await
    }

    /// Ends the offers, so that nobody binds units to a machine that is not there.
    pub(crate) async fn end(&self) {
        let mut patience = FAREWELL.0;
        let begun = Instant::now();
        for ware in &self.wares {
            let left = patience.saturating_sub(begun.elapsed());
            let class_id = ware.trade.class_id;
            let ended = self.put_away(class_id);
            match tokio::time::timeout(left, ended).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, class_id, "the offer stands still"),
                Err(_) => {
                    tracing::warn!(class_id, "the offer stands still: the node was too slow");
                }
            }
            patience += FAREWELL.1;
        }
    }

    /// Tells the desks who audits, and by which parameters they price.
    async fn learn(&self) {
        match jobs::auditors(&self.node).await {
            Ok(auditors) => self.desks.see_auditors(auditors),
            Err(error) => tracing::warn!(%error, "auditors are not known"),
        }
        match jobs::params(&self.node).await {
            Ok(params) => *self.params.lock() = params,
            Err(error) => tracing::warn!(%error, "the parameters of `jobs` are not known anew"),
        }
    }

    async fn look(&self) -> Result<(), ClientError> {
        let seen = self.see_now().await;
        // Receipts are shown in time or the bond pays: no claim, which waits for its block, stands before them.
        self.show().await;
        seen?;
        for desk in self.desks.iter() {
            let class_id = desk.setup().class_id;
            if let Err(error) = self.settle_doubts(desk).await {
                tracing::warn!(%error, class_id, "it is not known which old vouchers were claimed");
            }
            self.claim_all(desk).await;
        }
        for desk in self.desks.iter() {
            for channel in desk.over() {
                // What stands in the way of one customer's units is no other's trouble.
                if let Err(error) = self.give_back(desk, channel).await {
                    tracing::warn!(%error, %channel, "units of a customer were not given back");
                }
                self.show().await;
            }
        }
        Ok(())
    }

    /// Prices and capacity of each class, and the bond, which is one. Whoever begins to serve again waits for it first.
    ///
    /// # Errors
    /// The node does not answer.
    pub(crate) async fn see_now(&self) -> Result<(), ClientError> {
        let (time_ms, seen, offers) = self.offers().await?;
        let late_from = self.late_from(time_ms).await?;
        // They were read one after the other: the least that was free is free still.
        let free = offers
            .iter()
            .map(|(_, offer)| offer.bond.saturating_sub(offer.reserved));
        let bond_free: u128 = free.min().unwrap_or(U256::ZERO).saturating_to();
        let params = self.params.lock().clone();
        for (desk, offer) in offers {
            let market = Market {
                time_ms,
                seen,
                late_from,
                rate: Rate {
                    input: offer.inputPrice.saturating_to(),
                    output: offer.outputPrice.saturating_to(),
                },
                work: Room {
                    per_epoch: offer.perEpoch,
                    ahead: offer.allowed,
                    used: offer.used,
                },
                bond_free,
                audit_ppm: params.auditPpm,
                detect_ppm: params.detectPpm,
                fee_bps: params.feeBps,
                fee_flat: params.feeFlat.saturating_to(),
                audit_pay: params.auditPay.saturating_to(),
            };
            desk.see(self.gateway.ledger(), market);
        }
        Ok(())
    }

    /// What it offers in each class, and as of which time: what is said of the last epoch is said of one and the same.
    async fn offers(&self) -> Result<(u64, Instant, Vec<(&Arc<Desk>, Offer)>), ClientError> {
        let epoch_ms = self.params.lock().epochMs.max(1);
        let mut time_ms = self.node.head_time_ms().await?;
        let mut tries = 0;
        loop {
            let seen = Instant::now();
            let mut offers = Vec::new();
            for desk in self.desks.iter() {
                let class_id = desk.setup().class_id;
                let offer = job_offered(&self.node, self.machine_id, class_id).await?;
                offers.extend(offer.map(|offer| (desk, offer)));
            }
            let now_ms = self.node.head_time_ms().await?;
            tries += 1;
            // A node that takes an epoch for an answer is taken as it is.
            if now_ms / epoch_ms == time_ms / epoch_ms || tries == READS_MAX {
                return Ok((time_ms, seen, offers));
            }
            time_ms = now_ms;
        }
    }

    /// The first epoch before the last one that something is owed of and may still be claimed, because the chain stood still.
    async fn late_from(&self, time_ms: u64) -> Result<Option<u64>, ClientError> {
        let epoch_ms = self.params.lock().epochMs;
        let late: BTreeSet<u64> = self
            .desks
            .iter()
            .flat_map(|desk| desk.late(time_ms))
            .collect();
        for epoch in late {
            if jobs::is_claimable(&self.node, epoch_ms, epoch, time_ms).await? {
                return Ok(Some(epoch));
            }
        }
        Ok(None)
    }

    /// What lay in the books when this program began.
    async fn see_channels(&self) -> Result<(), ClientError> {
        for desk in self.desks.iter() {
            for channel in desk.channels() {
                self.see_channel(desk, channel).await?;
            }
        }
        Ok(())
    }

    async fn see_channel(&self, desk: &Desk, channel: B256) -> Result<(), ClientError> {
        if let Some(found) = job_channel(&self.node, channel).await? {
            desk.bound(channel, &bound(&found));
        }
        Ok(())
    }

    /// Learns of vouchers that were handed out whether they were claimed, once they cannot be any more.
    async fn settle_doubts(&self, desk: &Desk) -> Result<(), ClientError> {
        for channel in desk.doubtful() {
            self.see_channel(desk, channel).await?;
            desk.lapsed(channel);
        }
        Ok(())
    }

    async fn claim_all(&self, desk: &Desk) {
        let (ready, written) = desk.claimable(self.gateway.ledger());
        // Vouchers that are on their way are on disk as such: nothing is added to them, in a process after this one either.
        if let Some(written) = written
            && let Err(error) = written.on_disk().await
        {
            tracing::error!(%error, "nothing is claimed");
            return;
        }
        for ready in ready {
            if let Err(error) = self.claim(desk, &ready).await {
                let channel = ready.voucher.channel;
                tracing::warn!(%error, %channel, epoch = ready.voucher.epoch, "a claim was not taken");
            }
            self.show().await;
        }
    }

    async fn claim(&self, desk: &Desk, ready: &Claimable) -> Result<(), ClientError> {
        let (channel, epoch) = (ready.voucher.channel, ready.voucher.epoch);
        // A program before this one may have claimed it and died.
        let stands = job_channel(&self.node, channel).await?;
        if stands.is_none_or(|stands| stands.claimedEpoch < epoch) {
            let call = job_claim(
                in_contract::voucher(&ready.voucher),
                in_contract::signature(&ready.by_key),
                in_contract::signature(&ready.by_machine),
            );
            self.key.send(&self.node, &call).await?;
            let class_id = desk.setup().class_id;
            tracing::info!(%channel, class_id, epoch, receipts = ready.voucher.receipts, cost = %ready.voucher.cost, "claimed");
        }
        desk.claimed(self.gateway.ledger(), channel, epoch);
        self.see_channel(desk, channel).await
    }

    async fn give_back(&self, desk: &Desk, channel: B256) -> Result<(), ClientError> {
        jobs::release(&self.node, &self.key, channel).await?;
        self.see_channel(desk, channel).await
    }

    /// Shows receipts that were picked, of whichever class.
    async fn show(&self) {
        if let Err(error) = self.show_picked().await {
            tracing::warn!(%error, machine = self.machine_id, "it is not known which receipts were picked");
        }
    }

    /// All that is known to be picked, many to a block: a claim has up to sixteen, and the time to show them is short.
    async fn show_picked(&self) -> Result<(), ClientError> {
        let (mut claims, mut calls) = (Vec::new(), Vec::new());
        for picked in jobs::picked(&self.node, self.machine_id).await? {
            let ledger = self.gateway.ledger();
            let desk = self.desks.knowing(picked.channel);
            let shown = desk
                .and_then(|desk| desk.shown(ledger, picked.channel, picked.epoch, picked.index));
            let Some((signed, proof)) = shown else {
                tracing::error!(
                    claim = picked.claim_id,
                    "a receipt that was picked is not here"
                );
                continue;
            };
            claims.push(picked.claim_id);
            calls.push(job_show(
                picked.claim_id,
                picked.pick,
                in_contract::receipt(signed.receipt),
                proof,
            ));
        }
        let shown = self.key.send_all(&self.node, &calls).await;
        for (claim, shown) in claims.into_iter().zip(shown) {
            if let Err(error) = shown {
                tracing::warn!(%error, claim, "a receipt was not shown");
            }
        }
        Ok(())
    }
}

/// Offers of the models that run the classes' programs; all of them can be sold, or nothing is sent. Who has something to settle
/// leaves out what cannot be.
async fn wares(
    node: &Node,
    gateway: &Gateway,
    seat: &Seat,
    terms: &SaleTerms<'_>,
    owes: bool,
) -> Result<Vec<Ware>> {
    gateway.pool().look().await;
    let mut wares = Vec::new();
    for class_id in terms.class_ids {
        let trade = traded(node, *class_id).await?;
        let floors = match floors(gateway, &trade) {
            Err(error) if owes => {
                tracing::warn!(%error, class_id, "the class is not sold; what was sold of it before is claimed and shown");
                continue;
            }
            floors => floors?,
        };
        let offer = OfferTerms {
            machineId: seat.machine_id,
            classId: *class_id,
            inputFloor: floors.input,
            outputFloor: floors.output,
            isOpen: true,
            sequence: 0,
            endpoint: terms.endpoint.to_owned(),
        };
        wares.push(Ware { trade, offer });
    }
    Ok(wares)
}

/// What reads the requests of a class, if it is judged by words.
fn read_by(voices: &[Voice], trade: &Trade) -> Option<Arc<Reader>> {
    let is_it = |voice: &&Voice| voice.program == trade.class.program;
    let voice = voices.iter().find(is_it);
    let voice = voice.filter(|_| is_by_words(trade.class.quantisation))?;
    Some(Arc::clone(&voice.reader))
}

/// A desk for each class that is sold, and for each of which something lies in the book.
async fn desks(
    node: &Node,
    gateway: &Gateway,
    seat: &Seat,
    terms: &SaleTerms<'_>,
    wares: &[Ware],
) -> Result<Arc<Desks>> {
    let court = Court {
        chain_id: node.chain_id().await?,
        contract: ADDRESS,
    };
    let setup = |trade: &Trade, is_sold| Setup {
        court,
        machine_id: seat.machine_id,
        class_id: trade.class_id,
        program: trade.class.program,
        reader: read_by(terms.voices, trade),
        inputs_per_output: trade.class.inputsPerOutput,
        epoch_ms: trade.params.epochMs,
        decimals: trade.decimals,
        unsigned_max: terms.unsigned.max(1),
        is_sold,
    };
    let mut setups: Vec<_> = wares.iter().map(|ware| setup(&ware.trade, true)).collect();
    let all = jobs::classes(node).await?;
    for class_id in Desks::stored(gateway.ledger(), seat.machine_id, &all)? {
        if !wares.iter().any(|ware| ware.trade.class_id == class_id) {
            setups.push(setup(&traded(node, class_id).await?, false));
        }
    }
    let registry = Arc::new(Chain(node.clone()));
    Ok(Desks::open(gateway.ledger(), setups, registry)?)
}
