//! One offer of the network, asked like any other model server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy_primitives::B256;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use parking_lot::Mutex;
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    Held, Network, Offer,
    errands::{Errand, Stand},
};
use crate::{
    gateway::Gateway,
    json::Weighed,
    money::Dollars,
    receipt,
    tab::{
        Dealt, Doubt, ERRAND, Got, Owed, Raise, Rate, Standing, Terms, bill_of, dollars_of,
        units_down,
    },
    upstream::{
        Answer, Ask, Bill, Chunks, Fault, HttpSettings, Kind, Model, Object, Upstream,
        http::{answered, body, chunks},
    },
};

/// Longest wait for what is not an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest text of a list or a standing.
const STANDING_BYTES_MAX: usize = 8 << 20;
/// What it may take in memory besides its text.
const STANDING_STRUCTURE_BYTES_MAX: usize = 64 << 20;
/// Requests of a channel that a machine may take at a time, whatever it says.
const PARALLEL_MAX: usize = 64;
/// Longest time until a channel is ready for a request: what was left is settled, units are bound.
const READY: Duration = Duration::from_secs(20);

/// A machine that sells, with the channel to it.
#[derive(Debug)]
pub struct Seller {
    network: Arc<Network>,
    offer: Mutex<Offer>,
    name: String,
    channel: B256,
    client: Client,
    settings: HttpSettings,
    is_over: AtomicBool,
    was_left: AtomicBool,
    /// Whether it is known what was signed before this process.
    is_taken_up: AtomicBool,
    /// Requests at a time, as the machine says.
    parallel: AtomicUsize,
    held: Mutex<Option<Held>>,
    /// The rate that was above this gateway's prices, as it was told.
    dear: Mutex<Option<Rate>>,
    /// Whoever readies the channel does it alone.
    turn: tokio::sync::Mutex<()>,
}

/// An errand that a request waits for; dropping it leaves it to be settled later.
struct AtWork {
    seller: Arc<Seller>,
    errand: Errand,
    is_ended: bool,
}

impl AtWork {
    fn end(&mut self) {
        self.is_ended = true;
        self.seller.with_gateway(|gateway| {
            let ledger = gateway.ledger();
            self.seller.network.errands.end(ledger, self.errand.number);
        });
    }

    fn leave(&mut self, stand: Stand) {
        self.is_ended = true;
        self.seller.with_gateway(|gateway| {
            let ledger = gateway.ledger();
            self.seller
                .network
                .errands
                .leave(ledger, self.errand.number, stand);
        });
    }

    /// What the machine did wrong decides whether anything can be owed.
    fn fail(&mut self, fault: &Fault) {
        match fault {
            Fault::Cut | Fault::Slow(_) | Fault::Garbage(_) | Fault::Failed { status: 200, .. } => {
                self.leave(Stand::Failed);
            }
            // It was never taken on.
            _ => self.end(),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if !self.is_ended {
            self.leave(Stand::Open);
        }
    }
}

impl Seller {
    pub(super) fn new(network: Arc<Network>, offer: Offer) -> Result<Self, String> {
        let parsed = reqwest::Url::parse(&offer.endpoint).map_err(|why| why.to_string())?;
        if parsed.scheme() != "http" || parsed.host_str().is_none() {
            return Err(format!("`{}` is no http address", offer.endpoint));
        }
        let settings = HttpSettings::default();
        let client = Client::builder()
            .connect_timeout(settings.connect)
            .redirect(Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .map_err(|why| why.to_string())?;
        Ok(Self {
            name: format!(
                "machine:{} class:{} at {}",
                offer.machine_id, offer.class_id, offer.endpoint
            ),
            channel: network.purse.channel(offer.machine_id, offer.class_id),
            network,
            offer: Mutex::new(offer),
            client,
            settings,
            is_over: AtomicBool::new(false),
            was_left: AtomicBool::new(false),
            is_taken_up: AtomicBool::new(false),
            parallel: AtomicUsize::new(1),
            held: Mutex::new(None),
            dear: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
        })
    }

    /// Whether an offer is this one: one that moved is another server.
    pub(super) fn is_of(&self, offer: &Offer) -> bool {
        let own = self.offer.lock();
        (own.machine_id, own.class_id, &own.endpoint)
            == (offer.machine_id, offer.class_id, &offer.endpoint)
    }

    /// What the chain says of it now.
    pub(super) fn see(&self, offer: Option<&Offer>) {
        self.is_over.store(offer.is_none(), Ordering::Release);
        if let Some(offer) = offer {
            *self.offer.lock() = offer.clone();
        }
    }

    fn with_gateway<T>(&self, work: impl FnOnce(&Gateway) -> T) -> Option<T> {
        self.network.gateway.upgrade().map(|gateway| work(&gateway))
    }

    fn endpoint(&self) -> String {
        let offer = self.offer.lock();
        offer.endpoint.trim_end_matches('/').to_owned()
    }

    /// A request with the spending key's word over its body.
    fn said(
        &self,
        request: RequestBuilder,
        sent: Vec<u8>,
        most: u128,
    ) -> Result<RequestBuilder, Fault> {
        let now_ms = self.network.now_ms().ok_or_else(silent)?;
        let said = self.network.purse.errand(self.channel, &sent, most, now_ms);
        let said = said.ok_or_else(silent)?;
        let request = request.header(ERRAND, said.to_string());
        Ok(request
            .header("content-type", "application/json")
            .body(sent))
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Fault> {
        let response = answered(request, PATIENCE).await.map_err(strangers)?;
        let text = body(response, PATIENCE, STANDING_BYTES_MAX).await?;
        let weighed = Weighed::of(&text, STANDING_STRUCTURE_BYTES_MAX);
        let read = weighed.and_then(|_| serde_json::from_slice(&text).ok());
        read.ok_or_else(|| Fault::garbage("an answer about the tab is none"))
    }

    async fn post_raise(&self, raise: &Raise) -> Result<(), Fault> {
        let url = format!("{}/capstan/tab/{}", self.endpoint(), self.channel);
        let sent = serde_json::to_vec(raise).unwrap_or_default();
        let request = self.said(self.client.post(url), sent, 0)?;
        let _: Value = self.read(request).await?;
        self.network.purse.heard(self.channel, raise);
        Ok(())
    }

    /// Says again what the machine may not have heard, and settles what nobody waits for.
    async fn settle_up(&self) -> Result<(), Fault> {
        for raise in self.network.purse.unheard(self.channel) {
            match self.post_raise(&raise).await {
                // It is too late for it: the epoch was claimed without. Or another gateway signs with this key.
                Err(Fault::Failed { status: 409, .. }) => {
                    self.network.purse.heard(self.channel, &raise);
                    self.is_taken_up.store(false, Ordering::Release);
                }
                said => said?,
            }
        }
        let errands = self.network.errands.of_channel(self.channel);
        let mut left: Vec<Errand> = errands
            .into_iter()
            .filter(|one| one.stand != Stand::AtWork)
            .collect();
        // What a process before this one signed is learned from the machine, under this key's own signature.
        if !left.is_empty() || !self.is_taken_up.load(Ordering::Acquire) {
            self.settle_errands(&mut left).await?;
            self.is_taken_up.store(true, Ordering::Release);
        }
        Ok(())
    }

    async fn settle_errands(&self, left: &mut Vec<Errand>) -> Result<(), Fault> {
        let url = format!("{}/capstan/tab/{}", self.endpoint(), self.channel);
        let request = self.said(self.client.get(url), Vec::new(), 0)?;
        let standing: Standing = match self.read(request).await {
            Ok(standing) => standing,
            // It never bound anything there.
            Err(Fault::Unpaid { .. }) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        if standing.owed.len() > PARALLEL_MAX {
            return Err(Fault::garbage("it says that more is owed than it takes on"));
        }
        self.network.purse.take_up(self.channel, &standing);
        let mut declines = Vec::new();
        let at_work = self.network.errands.of_channel(self.channel);
        for owed in &standing.owed {
            let input = owed.signed.receipt.input;
            if at_work
                .iter()
                .any(|one| one.stand == Stand::AtWork && one.dealt.input == input)
            {
                continue;
            }
            let at = left.iter().position(|one| one.dealt.input == input);
            let errand = at.map(|at| left.remove(at));
            if !self.settle_owed(owed, errand.as_ref()).await? {
                declines.push(owed.signed.id);
            }
        }
        if !declines.is_empty() {
            let raise = Raise {
                declines,
                ..Raise::default()
            };
            self.post_raise(&raise).await?;
        }
        // What the machine knows nothing of, and is not at, is owed by nobody.
        if standing.at_work == 0 {
            self.with_gateway(|gateway| {
                for errand in left.iter() {
                    self.network.errands.end(gateway.ledger(), errand.number);
                }
            });
        }
        Ok(())
    }

    /// Signs for an answer that was asked for and is as agreed; any other is to be declined.
    async fn settle_owed(&self, owed: &Owed, errand: Option<&Errand>) -> Result<bool, Fault> {
        let key = self.network.purse.key().address();
        let fits = |errand: &&Errand| {
            errand.stand == Stand::Open && errand.dealt.check(key, owed, None).is_ok()
        };
        let is_signed = errand.filter(fits).is_some();
        if is_signed && let Some(raise) = self.network.purse.sign(self.channel, owed) {
            self.post_raise(&raise).await?;
        }
        if let Some(errand) = errand {
            self.with_gateway(|gateway| {
                self.network.errands.end(gateway.ledger(), errand.number);
            });
        }
        Ok(is_signed)
    }

    /// The same for a process that follows another.
    pub(super) async fn settle_what_was_left(&self) {
        let _turn = self.turn.lock().await;
        if let Err(fault) = self.settle_up().await {
            tracing::warn!(upstream = self.name, %fault, "what was asked before is not settled yet");
        }
    }

    /// Readies the channel for a request that may cost so much.
    async fn ready(&self, most: u128, is_short: bool) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        self.settle_up().await?;
        let (machine_id, class_id) = {
            let offer = self.offer.lock();
            (offer.machine_id, offer.class_id)
        };
        let known = *self.held.lock();
        let mut held = match known.filter(|_| !is_short) {
            Some(held) => held,
            None => {
                let held = self.network.binder.held(machine_id, class_id).await;
                held.map_err(unpaid)?
            }
        };
        let epoch = self.network.epoch().ok_or_else(silent)?;
        // Epochs that are over and were not claimed in time are owed no more.
        let owed_after = held.claimed_epoch.max(epoch.saturating_sub(2));
        let signed = self.network.purse.signed_after(self.channel, owed_after);
        let left = held.bound.saturating_sub(signed);
        if left < most || epoch.saturating_add(1) >= held.last_epoch {
            let more = most.saturating_sub(left).max(1);
            let bound = self.network.binder.hold(machine_id, class_id, more).await;
            held = bound.map_err(unpaid)?;
        }
        *self.held.lock() = Some(held);
        Ok(())
    }

    /// What is agreed for a request; it must not cost more than it is sold for.
    fn dealt(&self, ask: &Ask) -> Result<Dealt, Fault> {
        let offer = self.offer.lock();
        let bounds = &ask.bounds;
        let (input_max, output_max) = (bounds.input_tokens_max, bounds.output_tokens_max);
        let most = offer
            .rate
            .cost_up(input_max, output_max)
            .unwrap_or(u128::MAX);
        let sold = units_down(bounds.most, self.network.terms.decimals);
        if most > sold {
            return Err(self.too_dear(&ask.model, &offer));
        }
        Ok(Dealt {
            machine: offer.machine,
            program: offer.program,
            rate: offer.rate,
            most,
            input: receipt::request_hash(&ask.body),
            input_max,
            output_max,
        })
    }

    /// Above what this gateway sells a model for. The owner reads it in his log, once for each price.
    fn too_dear(&self, model: &str, offer: &Offer) -> Fault {
        let asks = |units| dollars_of(units, self.network.terms.decimals);
        let (input, output) = (asks(offer.rate.input), asks(offer.rate.output));
        let pays = self.with_gateway(|gateway| {
            let price = gateway.settings.prices.of(model)?;
            Some(format!("{} read and {} written", price.input, price.output))
        });
        let pays = pays.flatten().unwrap_or_else(|| "nothing".to_owned());
        let message = format!(
            "machine {} asks {input} read and {output} written per million tokens, and this gateway pays at most {pays}; another \
             bound is its owner's to give, by --prices FILE",
            offer.machine_id
        );
        if self.dear.lock().replace(offer.rate) != Some(offer.rate) {
            tracing::warn!("nothing is bought: {message}");
        }
        Fault::Unpaid {
            code: "over_price".to_owned(),
            message,
        }
    }

    /// Sends a request with its errand; whatever the machine misses is brought once.
    async fn ask(self: &Arc<Self>, ask: &Ask) -> Result<(Response, AtWork), Fault> {
        let dealt = self.dealt(ask)?;
        let sent = serde_json::to_vec(&ask.body).unwrap_or_default();
        let mut is_short = false;
        loop {
            let ready = timeout(READY, self.ready(dealt.most, is_short)).await;
            ready.unwrap_or(Err(Fault::Slow(READY)))?;
            let gateway = self.network.gateway.upgrade().ok_or_else(silent)?;
            let begun = self
                .network
                .errands
                .begin(gateway.ledger(), self.channel, dealt.clone());
            let mut at_work = AtWork {
                seller: Arc::clone(self),
                errand: begun.await.map_err(|why| unpaid(why.to_string()))?,
                is_ended: false,
            };
            let url = format!("{}/{}", self.endpoint(), ask.kind.path());
            let request = self.said(self.client.post(url), sent.clone(), dealt.most)?;
            match answered(request, self.settings.first)
                .await
                .map_err(strangers)
            {
                Ok(response) => return Ok((response, at_work)),
                Err(fault) => {
                    at_work.fail(&fault);
                    match &fault {
                        Fault::Unpaid { code, .. } if code == "channel_closed" => {
                            self.was_left.store(true, Ordering::Release);
                            return Err(fault);
                        }
                        Fault::Unpaid { .. } if !is_short => is_short = true,
                        _ => return Err(fault),
                    }
                }
            }
        }
    }

    /// The bill of an answer that came whole: checked, signed for, and told to whoever asked.
    async fn pay(&self, ask: &Ask, at_work: &mut AtWork, owed: Option<Owed>, answer: &Answer) {
        let nothing = Bill {
            cost: Dollars::ZERO,
            receipt: None,
        };
        let got = Got {
            output: answer.hash(),
            text_bytes: answer.text_bytes(),
            n: ask.bounds.n,
        };
        let Some(owed) = owed else {
            at_work.leave(Stand::Failed);
            return ask.aside.leave_bill(nothing);
        };
        if let Err(doubt) = self.check(at_work, &owed, &got) {
            tracing::warn!(upstream = self.name, %doubt, "a machine is left");
            self.was_left.store(true, Ordering::Release);
            at_work.leave(Stand::Failed);
            return ask.aside.leave_bill(nothing);
        }
        let cost = dollars_of(owed.signed.receipt.cost, self.network.terms.decimals);
        ask.aside.leave_bill(Bill {
            cost,
            receipt: Some(owed.signed.clone()),
        });
        if let Some(raise) = self.network.purse.sign(self.channel, &owed)
            && let Err(fault) = self.post_raise(&raise).await
        {
            tracing::warn!(upstream = self.name, %fault, "a machine has not heard what was signed");
        }
        at_work.end();
    }

    fn check(&self, at_work: &AtWork, owed: &Owed, got: &Got) -> Result<(), Doubt> {
        if !self.network.may_be(owed.epoch) {
            return Err(Doubt::Other("epoch"));
        }
        let key = self.network.purse.key().address();
        at_work.errand.dealt.check(key, owed, Some(got))
    }
}

/// What a stranger refuses, another may take: his word does not end a request. A list or a path that is not there is his fault.
fn strangers(fault: Fault) -> Fault {
    match fault {
        Fault::Request {
            status: status @ (404 | 415),
            ..
        } => Fault::Failed {
            status,
            message: "it does not know what machines of the network answer".to_owned(),
        },
        Fault::Request { status, body } => Fault::Declined { status, body },
        other => other,
    }
}

fn silent() -> Fault {
    unpaid("the chain was not seen yet".to_owned())
}

fn unpaid(message: String) -> Fault {
    Fault::Unpaid {
        code: "not_bound".to_owned(),
        message,
    }
}

/// A stream in progress.
struct Buying {
    seller: Arc<Seller>,
    ask: Ask,
    chunks: Chunks,
    at_work: AtWork,
    answer: Answer,
    owed: Option<Owed>,
}

impl Buying {
    async fn next(&mut self) -> Option<Result<Object, Fault>> {
        match self.chunks.next().await {
            Some(Ok(mut part)) => {
                self.answer.add(&part);
                self.owed = bill_of(&part).or(self.owed.take());
                part.remove("capstan");
                Some(Ok(part))
            }
            Some(Err(fault)) => {
                self.at_work.fail(&fault);
                Some(Err(fault))
            }
            None => {
                let owed = self.owed.take();
                let Self {
                    seller,
                    ask,
                    at_work,
                    answer,
                    ..
                } = self;
                seller.pay(ask, at_work, owed, answer).await;
                None
            }
        }
    }
}

impl Upstream for Seller {
    fn name(&self) -> &str {
        &self.name
    }

    fn parallel(&self) -> Option<usize> {
        Some(self.parallel.load(Ordering::Acquire))
    }

    fn rank(&self) -> u128 {
        let rate = self.offer.lock().rate;
        rate.input.saturating_add(rate.output).saturating_add(1)
    }

    fn is_stranger(&self) -> bool {
        true
    }

    fn is_gone(&self) -> bool {
        self.is_over.load(Ordering::Acquire) || self.was_left.load(Ordering::Acquire)
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, Fault>> {
        async {
            let class_id = self.offer.lock().class_id;
            let url = format!("{}/capstan/tab?class={class_id}", self.endpoint());
            let terms: Terms = self.read(self.client.get(url)).await?;
            let offer = self.offer.lock();
            let court = self.network.purse.court();
            let is_so = (terms.court, terms.machine_id, terms.class_id)
                == (court, offer.machine_id, offer.class_id)
                && (terms.machine, terms.program) == (offer.machine, offer.program);
            if !is_so {
                return Err(Fault::garbage("another machine answers at this address"));
            }
            self.parallel
                .store(terms.unsigned.clamp(1, PARALLEL_MAX), Ordering::Release);
            let models = terms.models.into_iter();
            Ok(models
                .filter(|model| model.program == Some(offer.program))
                .collect())
        }
        .boxed()
    }

    fn stream(&self, ask: &Ask) -> BoxFuture<'static, Result<Chunks, Fault>> {
        let (seller, ask) = (self.handle(), ask.clone());
        async move {
            let seller = seller.ok_or_else(silent)?;
            let (response, at_work) = seller.ask(&ask).await?;
            let buying = Buying {
                chunks: chunks(response, seller.settings.clone()),
                seller,
                ask,
                at_work,
                answer: Answer::default(),
                owed: None,
            };
            let parts = stream::unfold(Some(buying), |state| async {
                let mut buying = state?;
                let next = buying.next().await?;
                let goes_on = next.is_ok();
                Some((next, goes_on.then_some(buying)))
            });
            Ok(parts.boxed())
        }
        .boxed()
    }

    fn whole(&self, ask: &Ask) -> BoxFuture<'static, Result<Object, Fault>> {
        let (seller, ask) = (self.handle(), ask.clone());
        async move {
            let seller = seller.ok_or_else(silent)?;
            let (response, mut at_work) = seller.ask(&ask).await?;
            let settings = &seller.settings;
            let text = body(response, settings.first, settings.answer_bytes_max).await;
            let text = text.inspect_err(|fault| at_work.fail(fault))?;
            let read: Result<Object, _> = serde_json::from_slice(&text);
            let mut whole = read.map_err(|_| {
                at_work.leave(Stand::Failed);
                Fault::garbage("an answer is no JSON object")
            })?;
            let owed = bill_of(&whole);
            whole.remove("capstan");
            let mut answer = Answer::default();
            answer.add_whole(&whole);
            let is_answer = ask.kind == Kind::Embedding || answer.is_finished();
            if !is_answer {
                at_work.leave(Stand::Failed);
                return Err(Fault::garbage("an answer without choices"));
            }
            seller.pay(&ask, &mut at_work, owed, &answer).await;
            Ok(whole)
        }
        .boxed()
    }
}

impl Seller {
    /// This seller as streams hold it.
    fn handle(&self) -> Option<Arc<Self>> {
        let sellers = self.network.sellers.lock();
        let mut own = sellers.iter();
        own.find(|one| std::ptr::eq(one.as_ref(), self)).cloned()
    }
}
