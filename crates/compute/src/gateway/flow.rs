//! One request's way through servers: attempts until an answer begins, then its parts, replayed elsewhere if a server dies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::HeaderValue;
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    Entered, Gateway,
    error::ApiError,
    ticket::{Settled, Ticket},
};
use crate::{
    keys::StoreError,
    receipt::Outcome,
    upstream::{Ask, Chunks, Fault, Kind, NoPlace, Object, Place, chunk, says_once, usage},
};

/// Servers that one request asks at most.
const ATTEMPTS_MAX: usize = 4;
/// How long a client has to take what it is sent when the owner takes the machine back.
const TAKEN_BACK: Duration = Duration::from_millis(200);

/// How a request fails before its answer began.
pub(super) enum Failed {
    /// At a server.
    Fault(Fault),
    /// On the way to one.
    Error(ApiError),
}

impl Failed {
    pub(super) fn error(self) -> ApiError {
        match self {
            Self::Fault(fault) => (&fault).into(),
            Self::Error(error) => error,
        }
    }
}

/// Which servers were tried, and what came of the last.
#[derive(Debug, Default)]
pub(super) struct Tried {
    at: Vec<usize>,
    last: Option<Fault>,
}

impl Tried {
    /// A place that was not tried.
    async fn next(&mut self, gateway: &Gateway, model: &str) -> Result<Place, Failed> {
        if self.at.len() < ATTEMPTS_MAX {
            let no_place = match gateway.pool.place(model, &self.at).await {
                Ok(place) => return Ok(place),
                Err(no_place) => no_place,
            };
            // The last failure says more than that nobody else was there.
            if self.last.is_none() {
                return Err(Failed::Error(self.no_place(no_place)));
            }
        }
        let last = self.last.clone().unwrap_or(Fault::Cut);
        Err(Failed::Fault(last))
    }

    fn no_place(&self, no_place: NoPlace) -> ApiError {
        match no_place {
            NoPlace::Full => {
                let message = "all model servers are at work, and the queue is full";
                ApiError::busy(message, Duration::from_secs(2))
            }
            NoPlace::NoneIsWell(opens_in) => ApiError::none_is_well(opens_in),
            NoPlace::AllTried => ApiError::none_is_well(Duration::from_secs(5)),
        }
    }

    /// The server failed: it is not asked again for this request.
    fn failed(&mut self, place: &Place, fault: Fault) -> Result<(), Failed> {
        place.failed(&fault);
        if !fault.is_the_servers() {
            return Err(Failed::Fault(fault));
        }
        self.at.push(place.at());
        self.last = Some(fault);
        Ok(())
    }
}

/// A whole answer, unless the machine's owner takes it back before.
pub(super) async fn whole(
    gateway: &Gateway,
    ask: &Ask,
    ticket: &mut Ticket,
) -> Result<(Object, Place), Failed> {
    tokio::select! {
        biased;
        () = gateway.pace.taken_back(ticket.is_own) => Err(Failed::Error(ApiError::taken_back())),
        answer = first_whole(gateway, ask, ticket) => answer,
    }
}

/// A whole answer, of the first server that gives one.
async fn first_whole(
    gateway: &Gateway,
    ask: &Ask,
    ticket: &mut Ticket,
) -> Result<(Object, Place), Failed> {
    let mut tried = Tried::default();
    loop {
        let place = tried.next(gateway, &ask.model).await?;
        ticket.attempt(&place);
        let left = gateway.settings.bounds.whole.saturating_sub(ticket.age());
        let answer = timeout(left, place.upstream().whole(ask)).await;
        match answer.unwrap_or(Err(Fault::Slow(gateway.settings.bounds.whole))) {
            Ok(mut answer) if is_of_form(ask.kind, &answer) => {
                place.worked();
                // What the receipt does not speak of is not passed on as a second answer.
                answer.remove(match ask.kind {
                    Kind::Embedding => "choices",
                    _ => "data",
                });
                return Ok((answer, place));
            }
            Ok(_) => tried.failed(
                &place,
                Fault::Garbage("an answer without choices".to_owned()),
            )?,
            Err(fault) => tried.failed(&place, fault)?,
        }
    }
}

fn is_of_form(kind: Kind, answer: &Object) -> bool {
    let rows = match kind {
        Kind::Embedding => "data",
        _ => "choices",
    };
    let rows = answer.get(rows).and_then(Value::as_array);
    rows.is_some_and(|rows| !rows.is_empty() && rows.iter().all(says_once))
}

/// A stream that has begun.
pub(super) struct Flow {
    gateway: Arc<Gateway>,
    ask: Ask,
    ticket: Ticket,
    place: Place,
    chunks: Chunks,
    tried: Tried,
    wants_usage: bool,
    created: u64,
    /// Handed to the client, who may not have taken it.
    pending: Option<Object>,
    /// How many were handed to him.
    handed: u64,
    /// What a replay must say before it says anything new.
    to_be_said: String,
    is_replay: bool,
    marked: Instant,
    _entered: Entered,
}

/// How a stream ends.
enum End {
    Whole,
    TakenBack,
    ClientLeft,
    Limit,
    Fault(Fault),
}

/// Asks servers until one begins to answer. The first part is inside.
pub(super) async fn begin(
    gateway: &Arc<Gateway>,
    ask: Ask,
    mut ticket: Ticket,
    wants_usage: bool,
    entered: Entered,
) -> Result<Flow, (Failed, Ticket)> {
    let mut tried = Tried::default();
    let (place, chunks) = match first(gateway, &ask, &mut ticket, &mut tried).await {
        Ok(begun) => begun,
        Err(failed) => return Err((failed, ticket)),
    };
    ticket.begun();
    let created = gateway.ledger.now_ms() / 1_000;
    Ok(Flow {
        gateway: Arc::clone(gateway),
        ask,
        ticket,
        place,
        chunks,
        tried,
        wants_usage,
        created,
        pending: None,
        handed: 0,
        to_be_said: String::new(),
        is_replay: false,
        marked: Instant::now(),
        _entered: entered,
    })
}

/// A stream whose first part has come, unless the machine's owner takes it back before.
async fn first(
    gateway: &Gateway,
    ask: &Ask,
    ticket: &mut Ticket,
    tried: &mut Tried,
) -> Result<(Place, Chunks), Failed> {
    tokio::select! {
        biased;
        () = gateway.pace.taken_back(ticket.is_own) => Err(Failed::Error(ApiError::taken_back())),
        begun = first_begun(gateway, ask, ticket, tried) => begun,
    }
}

/// A stream whose first part has come; the part is put back before it.
async fn first_begun(
    gateway: &Gateway,
    ask: &Ask,
    ticket: &mut Ticket,
    tried: &mut Tried,
) -> Result<(Place, Chunks), Failed> {
    loop {
        let place = tried.next(gateway, &ask.model).await?;
        ticket.attempt(&place);
        let left = gateway.settings.bounds.whole.saturating_sub(ticket.age());
        let begun = async {
            let mut chunks = place.upstream().stream(ask).await?;
            let first = chunks.next().await.unwrap_or(Err(Fault::Cut))?;
            Ok((first, chunks))
        };
        let begun = timeout(left, begun).await;
        match begun.unwrap_or(Err(Fault::Slow(gateway.settings.bounds.whole))) {
            Ok((first, chunks)) => {
                place.worked();
                let first = futures::stream::iter([Ok(first)]);
                return Ok((place, first.chain(chunks).boxed()));
            }
            Err(fault) => tried.failed(&place, fault)?,
        }
    }
}

impl Flow {
    pub(super) fn job(&self) -> String {
        self.ticket.job.to_string()
    }

    /// Passes parts on until the end, then settles, then says so.
    /// `taken` counts the parts that the client's connection took.
    pub(super) async fn run(mut self, client: mpsc::Sender<Bytes>, taken: Arc<AtomicU64>) {
        let end = loop {
            match self.step(&client).await {
                Ok(true) => {}
                Ok(false) => break End::Whole,
                Err(End::Fault(fault)) => {
                    if let Err(fault) = self.again(fault, &client).await {
                        break fault;
                    }
                }
                Err(end) => break end,
            }
        };
        self.finish(end, &client, &taken).await;
    }

    /// One part; false after the last.
    async fn step(&mut self, client: &mpsc::Sender<Bytes>) -> Result<bool, End> {
        let whole = self.gateway.settings.bounds.whole;
        let next = tokio::select! {
            biased;
            () = client.closed() => return Err(End::ClientLeft),
            () = self.gateway.pace.taken_back(self.ticket.is_own) => return Err(End::TakenBack),
            next = self.chunks.next() => next,
            () = sleep(whole.saturating_sub(self.ticket.age())) => Some(Err(Fault::Slow(whole))),
        };
        let Some(next) = next else {
            return Ok(false);
        };
        let Some(part) = self.read(next.map_err(End::Fault)?).map_err(End::Fault)? else {
            return Ok(true);
        };
        self.pass_on(part, client).await?;
        if self.ticket.is_beyond_bounds() {
            return Err(End::Limit);
        }
        Ok(true)
    }

    /// A part as the client gets it, if it gets it: counts stay here, and so does what a replay repeats.
    fn read(&mut self, mut part: Object) -> Result<Option<Object>, Fault> {
        if part.get("usage").is_some_and(Value::is_object) {
            let counts: Object = part.iter().filter(|(name, _)| *name == "usage").fold(
                Object::new(),
                |mut counts, (name, value)| {
                    counts.insert(name.clone(), value.clone());
                    counts
                },
            );
            self.ticket.answer.add(&counts);
        }
        part.remove("usage");
        let choices = part.get_mut("choices").and_then(Value::as_array_mut);
        let Some(choices) = choices.filter(|choices| !choices.is_empty()) else {
            return Ok(None);
        };
        if !choices.iter().all(says_once) {
            return Err(Fault::Garbage(
                "a choice is no object, or says its words twice".to_owned(),
            ));
        }
        if self.is_replay && !repeat(choices, &mut self.to_be_said)? {
            return Ok(None);
        }
        self.name(&mut part);
        Ok(Some(part))
    }

    /// One answer has one name, whoever of several servers says a part of it.
    fn name(&self, part: &mut Object) {
        let prefix = match self.ask.kind {
            Kind::Completion => "cmpl-",
            _ => "chatcmpl-",
        };
        let id = self.job().replacen("req_", prefix, 1);
        part.insert("id".to_owned(), id.into());
        part.insert("created".to_owned(), self.created.into());
        part.insert("model".to_owned(), self.ask.model.clone().into());
    }

    /// Hands a part to the client, and counts the one before it as delivered: it was taken.
    async fn pass_on(&mut self, part: Object, client: &mpsc::Sender<Bytes>) -> Result<(), End> {
        let event = event(&part);
        let place = self.taken(client).await?;
        place.send(event);
        self.pending = Some(part);
        self.handed = self.handed.saturating_add(1);
        if self.marked.elapsed() >= self.gateway.settings.bounds.mark {
            self.ticket.mark();
            self.marked = Instant::now();
        }
        Ok(())
    }

    /// Waits until the client took everything; what was pending is delivered then.
    async fn taken<'c>(
        &mut self,
        client: &'c mpsc::Sender<Bytes>,
    ) -> Result<mpsc::Permit<'c, Bytes>, End> {
        match timeout(self.gateway.settings.bounds.client, client.reserve()).await {
            Ok(Ok(place)) => {
                if let Some(pending) = self.pending.take() {
                    self.ticket.answer.add(&pending);
                }
                Ok(place)
            }
            // Gone, or so slow that it holds up others.
            _ => Err(End::ClientLeft),
        }
    }

    /// The server died in the middle: another one tells the answer again, from where the client stands.
    async fn again(&mut self, fault: Fault, client: &mpsc::Sender<Bytes>) -> Result<(), End> {
        drop(self.taken(client).await?);
        let tried = self.tried.failed(&self.place, fault.clone());
        if tried.is_err() || !self.ticket.answer.can_be_replayed() {
            return Err(End::Fault(fault));
        }
        // An answer that had said all but its last word is whole as far as anybody can tell.
        if self.ticket.answer.is_finished() {
            return Err(End::Whole);
        }
        self.to_be_said = self.ticket.answer.content().to_owned();
        self.is_replay = true;
        let begun = first(&self.gateway, &self.ask, &mut self.ticket, &mut self.tried).await;
        let (place, chunks) = begun.map_err(|_| End::Fault(fault))?;
        metrics::counter!("capstan_gateway_replays_total").increment(1);
        (self.place, self.chunks) = (place, chunks);
        Ok(())
    }

    async fn finish(mut self, end: End, client: &mpsc::Sender<Bytes>, taken: &AtomicU64) {
        // Letting go of the server comes first: nothing more is wanted of it.
        self.chunks = futures::stream::empty().boxed();
        let last = match &end {
            End::ClientLeft => None,
            // The owner waits for nobody: a client that takes nothing is told nothing.
            End::TakenBack => timeout(TAKEN_BACK, self.taken(client))
                .await
                .ok()
                .and_then(Result::ok),
            _ => self.taken(client).await.ok(),
        };
        let Some(last) = last else {
            // The last part was delivered if his connection took it, though nothing asked for a further one.
            let was_taken = taken.load(Ordering::Acquire) == self.handed;
            if let Some(pending) = self.pending.take().filter(|_| was_taken) {
                self.ticket.answer.add(&pending);
            }
            // Dropping the ticket settles it at what was delivered.
            return;
        };
        if let End::TakenBack = end {
            return self.taken_back(last).await;
        }
        let (outcome, fault) = match end {
            End::Whole | End::ClientLeft | End::TakenBack => (Outcome::Whole, None),
            End::Limit => (Outcome::Limit, None),
            End::Fault(fault) => (Outcome::UpstreamCut, Some(fault)),
        };
        if outcome == Outcome::Whole {
            self.ticket.prove(&self.ask);
        }
        let message = fault.as_ref().map(Fault::to_string).unwrap_or_default();
        let failure = fault.as_ref().map(|fault| (fault.code(), message.as_str()));
        let settled = self.ticket.settle(outcome, failure, Some(&self.place));
        let settled = match settled {
            Some((settled, written)) => written.on_disk().await.map(|()| settled),
            None => Err(StoreError::Stopped),
        };
        let words = match (settled, fault) {
            (Err(error), _) => error_event(&error.into()),
            (Ok(settled), None) => self.last_words(&settled, outcome),
            (Ok(settled), Some(fault)) => comment(&settled) + &error_event(&ApiError::from(&fault)),
        };
        last.send(words.into());
    }

    /// Settles at what was delivered, and says that the machine is its owner's.
    async fn taken_back(mut self, last: mpsc::Permit<'_, Bytes>) {
        let error = ApiError::taken_back();
        let failure = Some((error.code(), error.message()));
        let settled = self.ticket.settle(Outcome::GatewayStopped, failure, None);
        let words = settled.map(|(settled, _)| comment(&settled));
        last.send((words.unwrap_or_default() + &error_event(&error)).into());
    }

    /// What a stream that ended properly says at its end.
    fn last_words(&self, settled: &Settled, outcome: Outcome) -> String {
        let mut words = String::new();
        let Ask { kind, model, .. } = &self.ask;
        if outcome == Outcome::Limit {
            let mut part = chunk::finish(*kind, model, 0, "length");
            self.name(&mut part);
            words += &text_event(&part);
        }
        if self.wants_usage {
            let mut part = chunk::finish(*kind, model, 0, "stop");
            self.name(&mut part);
            let counts = usage(settled.used.input_tokens, settled.used.output_tokens);
            part.insert("choices".to_owned(), json!([]));
            part.insert("usage".to_owned(), counts);
            part.insert("capstan".to_owned(), told(settled));
            words += &text_event(&part);
        }
        words + &comment(settled) + "data: [DONE]\n\n"
    }
}

/// Takes from a replayed part what the client has heard. False if nothing of it is new.
fn repeat(choices: &mut [Value], to_be_said: &mut String) -> Result<bool, Fault> {
    let [choice] = choices else {
        return Err(Fault::Diverged);
    };
    if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
        delta.remove("role");
    }
    let finishes = choice.get("finish_reason").is_some_and(Value::is_string);
    let said = match choice.get_mut("text") {
        Some(text) => Some(text),
        None => choice
            .get_mut("delta")
            .and_then(|delta| delta.get_mut("content")),
    };
    let text = said
        .as_ref()
        .and_then(|said| said.as_str())
        .unwrap_or_default()
        .to_owned();
    if let Some(rest) = to_be_said.strip_prefix(text.as_str()) {
        // All of it was heard, or it says nothing.
        let had_more = !to_be_said.is_empty();
        *to_be_said = rest.to_owned();
        if finishes && !to_be_said.is_empty() {
            return Err(Fault::Diverged);
        }
        if let (true, Some(said)) = (had_more, said) {
            *said = "".into();
        }
        return Ok(finishes);
    }
    let Some(news) = text.strip_prefix(to_be_said.as_str()) else {
        return Err(Fault::Diverged);
    };
    to_be_said.clear();
    if let Some(said) = said {
        *said = news.into();
    }
    Ok(true)
}

/// Cost and receipt as a client reads them; a customer of the network gets all of it.
pub(super) fn told(settled: &Settled) -> Value {
    let mut told = json!({ "cost": settled.cost, "receipt": settled.receipt });
    if let Some(joules) = joules(settled) {
        told["energy_joules"] = json!(joules);
    }
    if let Some(owed) = &settled.owed {
        (told["epoch"], told["signed"]) = (json!(owed.epoch), json!(owed.signed));
    }
    told
}

/// Joules with their thousandths, where they were measured.
fn joules(settled: &Settled) -> Option<String> {
    let millijoules = settled.energy_mj?;
    Some(format!(
        "{}.{:03}",
        millijoules / 1_000,
        millijoules % 1_000
    ))
}

fn comment(settled: &Settled) -> String {
    let receipt = settled
        .receipt
        .map(|id| format!("x-capstan-receipt={id} "))
        .unwrap_or_default();
    let energy = joules(settled).map(|joules| format!(" x-capstan-energy={joules}"));
    let energy = energy.unwrap_or_default();
    format!(": {receipt}x-capstan-cost={}{energy}\n\n", settled.cost)
}

fn text_event(part: &Object) -> String {
    // A map of JSON is always JSON.
    format!(
        "data: {}\n\n",
        serde_json::to_string(part).unwrap_or_default()
    )
}

fn event(part: &Object) -> Bytes {
    text_event(part).into()
}

fn error_event(error: &ApiError) -> String {
    format!("data: {}\n\n", error.body())
}

/// Headers of an answer that is whole.
pub(super) fn headers(settled: &Settled) -> Vec<(&'static str, HeaderValue)> {
    let text = |text: String| HeaderValue::try_from(text).ok();
    let receipt = settled.receipt.and_then(|id| text(id.to_string()));
    let cost = text(settled.cost.to_string());
    let energy = joules(settled).and_then(text);
    let named = [
        ("x-capstan-receipt", receipt),
        ("x-capstan-cost", cost),
        ("x-capstan-energy", energy),
    ];
    named
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
