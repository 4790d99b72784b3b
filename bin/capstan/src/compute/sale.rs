//! A machine's gateway on the network: its offer on the chain, its desk, and what the desk wants of the chain.
//!
//! ```text
//!   every look: prices, capacity, bond ─► desk   ·   vouchers of the epoch that is over ─► claim
//!               receipts that were picked ─► show   ·   channels that are over ─► release   ·   who audits ─► desk
//! ```

use std::{
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
    gateway::Gateway,
    tab::{Bound, Claimable, Court, Desk, Market, Rate, Registry, Setup, units_up},
};
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{Channel, OfferTerms},
    LEVEL_ONE,
};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::time::sleep;

use super::in_contract;

/// Shortest and longest time between two looks at the chain.
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// Between two looks at who audits.
const AUDITORS: Duration = Duration::from_secs(30);
/// Longest wait for the offer to end when the machine stops.
const FAREWELL: Duration = Duration::from_secs(3);

/// What is sold, by whom, where.
pub(crate) struct Sale {
    node: Node,
    key: Arc<Sender>,
    gateway: Arc<Gateway>,
    desk: Arc<Desk>,
    machine_id: u64,
    trade: Trade,
    terms: OfferTerms,
}

/// How a machine sells to the network.
pub(crate) struct SaleTerms<'a> {
    /// The classes, of which there is one at least.
    pub(crate) class_ids: &'a [u32],
    /// Where customers reach it.
    pub(crate) endpoint: &'a str,
    /// Answers of a channel that may be unsigned.
    pub(crate) unsigned: usize,
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

impl Sale {
    /// Puts the offer on the chain and opens the desk.
    pub(crate) async fn open(
        node: &Node,
        key: Arc<Sender>,
        gateway: &Arc<Gateway>,
        seat: &Seat,
        terms: &SaleTerms<'_>,
    ) -> Result<Self> {
        let &[class_id] = terms.class_ids else {
            bail!("a machine sells one class of work: --class once");
        };
        let trade = jobs::trade(node, class_id).await;
        let trade = trade.wrap_err_with(|| format!("class {class_id} cannot be read"))?;
        let trade = trade.ok_or_eyre(
            "this chain settles no jobs yet: its owner has set no parameters of `jobs`",
        )?;
        let offer = offer(gateway, &trade, seat, terms.endpoint).await?;
        jobs::put_offer(node, &key, offer.clone()).await?;
        let setup = Setup {
            court: Court {
                chain_id: node.chain_id().await?,
                contract: ADDRESS,
            },
            machine_id: seat.machine_id,
            class_id,
            program: trade.class.program,
            inputs_per_output: trade.class.inputsPerOutput,
            epoch_ms: trade.params.epochMs,
            decimals: trade.decimals,
            unsigned_max: terms.unsigned.max(1),
        };
        let registry = Arc::new(Chain(node.clone()));
        let desk = Desk::open(gateway.ledger(), setup, registry)?;
        gateway.sell(Arc::clone(&desk));
        let sale = Self {
            node: node.clone(),
            key,
            gateway: Arc::clone(gateway),
            desk,
            machine_id: seat.machine_id,
            trade,
            terms: offer,
        };
        sale.see().await?;
        sale.see_channels().await?;
        Ok(sale)
    }

    /// The class and its asset, for people.
    pub(crate) fn words(&self) -> String {
        let decimals = self.trade.decimals;
        let price = |units| capstan_units::decimal(units, decimals);
        format!(
            "class {} to the network, not below {} {symbol} per million tokens read and {} written",
            self.trade.class_id,
            price(self.terms.inputFloor),
            price(self.terms.outputFloor),
            symbol = self.trade.symbol
        )
    }

    /// Looks after it until this is dropped. What fails is logged and done again at the next look.
    pub(crate) async fn keep(&self) {
        let tenth = Duration::from_millis(self.trade.params.epochMs / 10);
        let every = tenth.clamp(LOOK.0, LOOK.1);
        let mut audited: Option<Instant> = None;
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, machine = self.machine_id, "the sale waits for its chain");
            }
            if audited.is_none_or(|at| at.elapsed() >= AUDITORS) {
                match jobs::auditors(&self.node).await {
                    Ok(auditors) => self.desk.see_auditors(auditors),
                    Err(error) => tracing::warn!(%error, "auditors are not known"),
                }
                audited = Some(Instant::now());
            }
            sleep(every).await;
        }
    }

    /// Ends the offer, so that nobody binds units to a machine that is not there.
    pub(crate) async fn end(&self) {
        let terms = OfferTerms {
            isOpen: false,
            ..self.terms.clone()
        };
        let ended = jobs::put_offer(&self.node, &self.key, terms);
        match tokio::time::timeout(FAREWELL, ended).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the offer stands still"),
            Err(_) => tracing::warn!("the offer stands still: the node was too slow"),
        }
    }

    async fn look(&self) -> Result<(), ClientError> {
        self.see().await?;
        let (ready, written) = self.desk.claimable(self.gateway.ledger());
        // Vouchers that are on their way are on disk as such: nothing is added to them, in a process after this one either.
        if let Some(written) = written
            && let Err(error) = written.on_disk().await
        {
            tracing::error!(%error, "nothing is claimed");
            return Ok(());
        }
        for ready in ready {
            if let Err(error) = self.claim(&ready).await {
                let channel = ready.voucher.channel;
                tracing::warn!(%error, %channel, epoch = ready.voucher.epoch, "a claim was not taken");
            }
        }
        self.show().await?;
        for channel in self.desk.over() {
            jobs::release(&self.node, &self.key, channel).await?;
            self.see_channel(channel).await?;
        }
        Ok(())
    }

    async fn see(&self) -> Result<(), ClientError> {
        let class_id = self.trade.class_id;
        let time_ms = self.node.head_time_ms().await?;
        let Some(offer) = job_offered(&self.node, self.machine_id, class_id).await? else {
            return Ok(());
        };
        let market = Market {
            time_ms,
            seen: Instant::now(),
            rate: Rate {
                input: offer.inputPrice.saturating_to(),
                output: offer.outputPrice.saturating_to(),
            },
            work_max: offer.allowed,
            bond_free: offer.bond.saturating_sub(offer.reserved).saturating_to(),
            audit_ppm: self.trade.params.auditPpm,
            detect_ppm: self.trade.params.detectPpm,
            fee_bps: self.trade.params.feeBps,
            fee_flat: self.trade.params.feeFlat.saturating_to(),
            audit_pay: self.trade.params.auditPay.saturating_to(),
        };
        self.desk.see(self.gateway.ledger(), market);
        Ok(())
    }

    /// What lay in the book when this program began.
    async fn see_channels(&self) -> Result<(), ClientError> {
        for channel in self.desk.channels() {
            self.see_channel(channel).await?;
        }
        Ok(())
    }

    async fn see_channel(&self, channel: B256) -> Result<bool, ClientError> {
        let found = job_channel(&self.node, channel).await?;
        if let Some(found) = &found {
            self.desk.bound(channel, &bound(found));
        }
        Ok(found.is_some())
    }

    async fn claim(&self, ready: &Claimable) -> Result<(), ClientError> {
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
            tracing::info!(%channel, epoch, receipts = ready.voucher.receipts, cost = %ready.voucher.cost, "claimed");
        }
        self.desk.claimed(self.gateway.ledger(), channel, epoch);
        self.see_channel(channel).await.map(drop)
    }

    /// Shows receipts that were picked.
    async fn show(&self) -> Result<(), ClientError> {
        for picked in jobs::picked(&self.node, self.machine_id).await? {
            let ledger = self.gateway.ledger();
            let shown = self
                .desk
                .shown(ledger, picked.channel, picked.epoch, picked.index);
            let Some((signed, proof)) = shown else {
                tracing::error!(
                    claim = picked.claim_id,
                    "a receipt that was picked is not here"
                );
                continue;
            };
            let call = job_show(
                picked.claim_id,
                picked.pick,
                in_contract::receipt(signed.receipt),
                proof,
            );
            if let Err(error) = self.key.send(&self.node, &call).await {
                tracing::warn!(%error, claim = picked.claim_id, "a receipt was not shown");
            }
        }
        Ok(())
    }
}

/// The offer of the models that run the class's program.
async fn offer(
    gateway: &Gateway,
    trade: &Trade,
    seat: &Seat,
    endpoint: &str,
) -> Result<OfferTerms> {
    gateway.pool().look().await;
    let sold = gateway.sold(trade.class.program);
    if sold.is_empty() {
        bail!(
            "none of the models here runs the program of class {}, {}: the bundled engine knows its own; of another server's \
             model say it in --prices (`program`)",
            trade.class_id,
            trade.class.program
        );
    }
    let floor =
        |price: fn(&capstan_compute::gateway::ModelPrice) -> capstan_compute::money::PerMillion| {
            let floors = sold
                .iter()
                .map(|(_, known)| units_up(price(known).per_million(), trade.decimals));
            U256::from(floors.max().unwrap_or_default())
        };
    let (input, output) = (floor(|known| known.input), floor(|known| known.output));
    let most = |price: U256| price * U256::from(trade.class.levelMax) / U256::from(LEVEL_ONE);
    for (what, floor, most) in [
        ("read", input, most(trade.class.inputPrice)),
        ("written", output, most(trade.class.outputPrice)),
    ] {
        if floor > most {
            let words = |units| capstan_units::decimal(units, trade.decimals);
            bail!(
                "the floor of a million tokens {what} is {} {symbol}, and class {} costs at most {} {symbol}: a lower --floor, \
                 or another class",
                words(floor),
                trade.class_id,
                words(most),
                symbol = trade.symbol
            );
        }
    }
    Ok(OfferTerms {
        machineId: seat.machine_id,
        classId: trade.class_id,
        inputFloor: input,
        outputFloor: output,
        isOpen: true,
        sequence: 0,
        endpoint: endpoint.to_owned(),
    })
}
