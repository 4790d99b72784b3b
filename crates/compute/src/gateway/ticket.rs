//! A request's money: reserved when it begins, settled exactly once however it ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, keccak256};
use serde_json::{Value, json};

use super::{
    Gateway,
    error::ApiError,
    measure,
    prices::ModelPrice,
    request::{Asked, is_bound},
};
use crate::{
    audit::Evidence,
    bundled::countable,
    keys::{Draft, Failure, JobId, Put, StoreError, Used, Written, key_id},
    money::Dollars,
    readings::Share,
    receipt::{COST_DECIMALS, Outcome, Receipt, Signed, canonical_request},
    tab::{Kept, Owed, Promise, dollars_of},
    upstream::{Answer, Ask, Bill, Claim, Kind, Model, Object, Place},
};

/// Tokens of an answer that carry no text: its end, the marks around tools.
const SILENT_TOKENS: u64 = 16;
/// Bytes that count as one token where nobody counted.
const BYTES_PER_TOKEN: u64 = 4;

/// A reservation and what has come of it. Dropping it settles it: then the client has left.
#[derive(Debug)]
pub(super) struct Ticket {
    gateway: Arc<Gateway>,
    pub(super) job: JobId,
    /// Whether it is the owner of the machine who asks.
    pub(super) is_own: bool,
    key: B256,
    kind: Kind,
    model: String,
    price: ModelPrice,
    most: Dollars,
    output_tokens_max: u64,
    input_tokens_max: u64,
    prompt_bytes: u64,
    n: u64,
    draft: Draft,
    /// The canonical request, for who may look at it later.
    request: String,
    started: Instant,
    first: Option<Duration>,
    attempts: u32,
    upstream: String,
    /// What was delivered.
    pub(super) answer: Answer,
    is_open: bool,
    /// What a customer of the network pays from; without it, it is a key of this gateway.
    promise: Option<Promise>,
    /// The bounds as the client wrote them.
    asked_bounds: Object,
    /// What the answer can be computed again from, where an engine of this process made it.
    evidence: Option<Evidence>,
    /// What a machine of the network was paid.
    bill: Option<Bill>,
    /// What it takes of this machine's energy, while a server of this host is at work.
    energy: Option<Share>,
}

/// Who pays for a request.
#[derive(Debug)]
pub(super) enum Payer {
    /// A key of this gateway, by its hash.
    Key(B256),
    /// A channel of the network.
    Channel(Promise),
}

/// What a request cost, told to the client.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) cost: Dollars,
    pub(super) used: Used,
    pub(super) receipt: Option<B256>,
    /// For a customer of the network: what he is to sign for.
    pub(super) owed: Option<Owed>,
    /// Millijoules, where they were measured.
    pub(super) energy_mj: Option<u64>,
}

/// What tokens are charged, and who counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) by: &'static str,
}

/// What can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Possible {
    pub(super) input_tokens_max: u64,
    pub(super) output_tokens_max: u64,
    pub(super) prompt_bytes: u64,
    pub(super) text_bytes: u64,
    pub(super) n: u64,
}

/// Believes a claim within what can be; without one, counts bytes.
pub(super) fn counted(claim: Option<Claim>, possible: &Possible) -> Counted {
    let Some(claim) = claim else {
        return Counted {
            input_tokens: (possible.prompt_bytes / BYTES_PER_TOKEN).min(possible.input_tokens_max),
            output_tokens: (possible.text_bytes / BYTES_PER_TOKEN).min(possible.output_tokens_max),
            by: "estimated",
        };
    };
    let silent = SILENT_TOKENS.saturating_mul(possible.n);
    let output_max = possible
        .text_bytes
        .saturating_add(silent)
        .min(possible.output_tokens_max);
    let input_tokens = claim.input_tokens.min(possible.input_tokens_max);
    let output_tokens = claim.output_tokens.min(output_max);
    let is_believed = input_tokens == claim.input_tokens && output_tokens == claim.output_tokens;
    let by = if is_believed { "upstream" } else { "bounded" };
    Counted {
        input_tokens,
        output_tokens,
        by,
    }
}

impl Ticket {
    /// Reserves what a request may cost at most. It is decided when this returns; of a stream it is on disk when the second is.
    pub(super) fn open(
        gateway: &Arc<Gateway>,
        payer: Payer,
        asked: &Asked,
        price: &ModelPrice,
        output_tokens_max: u64,
    ) -> Result<(Self, Option<Written>), ApiError> {
        let job = JobId::random();
        let most = price.cost(asked.input_tokens_max, output_tokens_max);
        let model = asked.ask.model.clone();
        let (key, promise) = match payer {
            Payer::Key(key) => (key, None),
            Payer::Channel(promise) => (promise.key.into_word(), Some(promise)),
        };
        let mut draft = draft(gateway, job, key, asked, price);
        if let Some(now_ms) = promise.as_ref().and_then(|promise| promise.desk().now_ms()) {
            draft.receipt.startedMs = now_ms;
        }
        let ledger = &gateway.ledger;
        let written = if promise.is_some() {
            // A promise lives as long as its request: what was not given whole is not owed, so nothing of it is remembered.
            if !ledger.is_well() {
                return Err(StoreError::Stopped.into());
            }
            None
        } else if asked.stream {
            Some(ledger.reserve(&key, job, most, draft.clone())?)
        } else {
            ledger.reserve_in_memory(&key, job, most, draft.clone())?;
            None
        };
        let ticket = Self {
            gateway: Arc::clone(gateway),
            job,
            is_own: promise.is_none() && ledger.is_own(&key),
            key,
            kind: asked.ask.kind,
            model,
            price: price.clone(),
            most,
            output_tokens_max,
            input_tokens_max: asked.input_tokens_max,
            prompt_bytes: asked.prompt_bytes,
            n: asked.n,
            draft,
            request: asked.canonical.clone(),
            started: Instant::now(),
            first: None,
            attempts: 0,
            upstream: String::new(),
            answer: Answer::default(),
            is_open: true,
            promise,
            asked_bounds: asked.asked_bounds.clone(),
            evidence: None,
            bill: None,
            energy: None,
        };
        Ok((ticket, written))
    }

    /// Another server is asked.
    pub(super) fn attempt(&mut self, place: &Place) {
        self.attempts = self.attempts.saturating_add(1);
        self.upstream = place.upstream().name().to_owned();
        let board = self.gateway.board().filter(|_| place.upstream().is_here());
        // What an attempt that failed here took is the answer's too; of one elsewhere nobody knows.
        match (board, &self.energy, self.attempts) {
            (Some(board), None, 1) => self.energy = Some(board.meter().begin()),
            (Some(_), _, _) => {}
            (None, _, _) => self.energy = None,
        }
        // What its owner's prices say about the weights counts more than what a server says.
        if let Some(Model {
            program: Some(program),
            quantisation,
            ..
        }) = place.model(&self.model)
            && self.price.program.is_none()
        {
            self.draft.receipt.program = program;
            self.draft.notes.insert("pinned".to_owned(), true.into());
            self.draft
                .notes
                .insert("quantisation".to_owned(), json!(quantisation));
        }
    }

    /// The first part came.
    pub(super) fn begun(&mut self) {
        let after = self.started.elapsed();
        if self.first.is_none() {
            measure::first_part(self.kind, after);
            self.first = Some(after);
        }
    }

    /// Whether a customer of the network pays.
    pub(super) const fn is_of_network(&self) -> bool {
        self.promise.is_some()
    }

    /// How long the request is at work.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// The most text that an honest answer of the allowed length has.
    pub(super) fn is_beyond_bounds(&self) -> bool {
        let parts_max = self.output_tokens_max.saturating_mul(2).saturating_add(64);
        let bytes_max = self
            .output_tokens_max
            .saturating_mul(128)
            .saturating_add(4_096);
        self.answer.is_wild()
            || self.answer.parts() > parts_max
            || self.answer.text_bytes() > bytes_max
    }

    fn counted(&self) -> Counted {
        let possible = Possible {
            input_tokens_max: self.input_tokens_max,
            output_tokens_max: self.output_tokens_max,
            prompt_bytes: self.prompt_bytes,
            text_bytes: self.answer.text_bytes(),
            n: self.n,
        };
        counted(self.answer.claim, &possible)
    }

    fn used(&self, counted: Counted) -> Used {
        let Counted {
            input_tokens,
            output_tokens,
            ..
        } = counted;
        let cost = match &self.bill {
            Some(bill) => bill.cost,
            None => self.price.cost(input_tokens, output_tokens),
        };
        let cost = cost.min(self.most);
        Used {
            input_tokens,
            output_tokens,
            cost,
        }
    }

    /// Whether something was delivered. Embeddings have no text.
    fn has_delivered(&self, outcome: Outcome) -> bool {
        outcome == Outcome::Whole || self.answer.text_bytes() > 0
    }

    /// Takes what an engine of this process left aside of a whole answer: the receipt will commit to it.
    pub(super) fn prove(&mut self, ask: &Ask) {
        self.bill = ask.aside.take_bill();
        if self.promise.is_some() {
            self.draft.notes.insert("network".to_owned(), true.into());
        }
        self.evidence = ask.aside.take().map(|work| {
            let mut request = ask.body.clone();
            // The receipt has the hash of what the client said, not of what his key could pay.
            request.retain(|name, _| !is_bound(name));
            request.extend(self.asked_bounds.clone());
            let request = canonical_request(&request);
            Evidence { request, work }
        });
    }

    /// Writes down what was certainly delivered.
    pub(super) fn mark(&self) {
        if self.promise.is_none() && self.has_delivered(Outcome::ClientLeft) {
            self.gateway
                .ledger
                .mark(&self.job, self.used(self.counted()));
        }
    }

    /// Ends the request. What is charged and the receipt are on disk when the second is.
    pub(super) fn settle(
        &mut self,
        outcome: Outcome,
        failure: Option<(&str, &str)>,
        place: Option<&Place>,
    ) -> Option<(Settled, Written)> {
        self.is_open = false;
        if let Some(promise) = self.promise.take() {
            return self.settle_channel(promise, outcome, failure, place);
        }
        let energy_mj = self.energy.take().and_then(Share::taken);
        let told = failure.map(|(code, message)| self.failure(code, message));
        if !self.has_delivered(outcome) {
            let nothing = Used::default();
            let (cost, written) =
                self.gateway
                    .ledger
                    .settle(&self.job, nothing, None, told.as_ref())?;
            measure::ended(self.kind, outcome, nothing, failure.map(|(code, _)| code));
            return Some((
                Settled {
                    cost,
                    used: nothing,
                    receipt: None,
                    owed: None,
                    energy_mj: None,
                },
                written,
            ));
        }
        let counted = self.counted();
        if counted.by == "bounded"
            && let Some(place) = place
        {
            place.lied();
        }
        let used = self.used(counted);
        if let Some(bought) = self.bill.as_ref().and_then(|bill| bill.receipt.as_ref()) {
            self.draft
                .notes
                .insert("bought".to_owned(), json!(bought.id));
        }
        self.draft.receipt.energyMj = energy_mj.unwrap_or(0);
        let signed = self.sign(outcome, used, counted.by, failure.map(|(code, _)| code));
        let ledger = &self.gateway.ledger;
        if let (Some(signed), Some(evidence)) = (&signed, &self.evidence) {
            ledger.keep(&signed.id, evidence);
        }
        if let Some(bought) = self.bill.as_mut().and_then(|bill| bill.receipt.take()) {
            ledger.write(vec![Put::receipt(&bought)]);
        }
        let (cost, written) = ledger.settle(&self.job, used, signed.as_ref(), told.as_ref())?;
        measure::ended(self.kind, outcome, used, failure.map(|(code, _)| code));
        measure::took(used, energy_mj);
        let receipt = signed.map(|signed| signed.id);
        Some((
            Settled {
                cost,
                used,
                receipt,
                owed: None,
                energy_mj,
            },
            written,
        ))
    }

    /// The same for a customer of the network: he signs for what he was given whole, or left himself; what failed costs him
    /// nothing, and nobody is told of it again.
    fn settle_channel(
        &mut self,
        promise: Promise,
        outcome: Outcome,
        failure: Option<(&str, &str)>,
        place: Option<&Place>,
    ) -> Option<(Settled, Written)> {
        let gateway = Arc::clone(&self.gateway);
        let ledger = &gateway.ledger;
        let code = failure.map(|(code, _)| code);
        let energy_mj = self.energy.take().and_then(Share::taken);
        // Nobody signs for an answer that auditors cannot look at: one cut at a bound of this machine's is its own loss, and so is
        // one that is judged by its words and has none, or fewer than were asked for.
        let judged = promise.desk().setup().reader.clone();
        let judged = judged.filter(|_| outcome == Outcome::Whole);
        let spoken = judged.map(|reader| {
            let answer = self.answer.canonical();
            countable(&reader, &self.request, &answer)
        });
        if let Some(Err(doubt)) = &spoken {
            tracing::warn!(%doubt, model = self.model, "an answer of the model server is not charged: auditors would find it wrong");
        }
        let has_failed = matches!(spoken, Some(Err(_)))
            || matches!(
                outcome,
                Outcome::UpstreamCut | Outcome::GatewayStopped | Outcome::Limit
            );
        if has_failed || !self.has_delivered(outcome) {
            measure::ended(self.kind, outcome, Used::default(), code);
            let told = failure.map(|(code, message)| self.failure(code, message));
            let written = ledger.write(told.iter().map(Put::failure).collect());
            let settled = Settled {
                cost: Dollars::ZERO,
                used: Used::default(),
                receipt: None,
                owed: None,
                energy_mj: None,
            };
            return Some((settled, written));
        }
        let counted = self.counted();
        if let (true, Some(place)) = (counted.by == "bounded", place) {
            place.lied();
        }
        let counted = match spoken {
            // Others count by the words, and so does whoever signs for them.
            Some(Ok(words)) => Counted {
                input_tokens: counted.input_tokens.min(words.input_tokens),
                output_tokens: counted.output_tokens.min(words.output_tokens),
                ..counted
            },
            _ => counted,
        };
        let (epoch, rate) = promise.priced();
        let units = rate.cost_up(counted.input_tokens, counted.output_tokens)?;
        let setup = promise.desk().setup();
        let (program, decimals) = (setup.program, setup.decimals);
        self.draft.receipt.program = program;
        // Its receipt counts the asset's own units: whoever reads it must know how many make a dollar.
        let notes = &mut self.draft.notes;
        notes.insert(COST_DECIMALS.to_owned(), decimals.into());
        let used = Used {
            input_tokens: counted.input_tokens,
            output_tokens: counted.output_tokens,
            cost: Dollars::from_atto_or_max(units),
        };
        self.draft.receipt.energyMj = energy_mj.unwrap_or(0);
        let signed = self.sign(outcome, used, counted.by, code)?;
        measure::ended(self.kind, outcome, used, code);
        measure::took(used, energy_mj);
        let kept = Kept {
            signed: signed.clone(),
            request: self.request.clone(),
            answer: self.answer.canonical(),
            evidence: self.evidence.take(),
        };
        let cost = dollars_of(units, decimals);
        let owed = Owed { epoch, signed };
        let puts = vec![Put::job(&self.job, &owed.signed)];
        let (owed, written) = promise.owe(ledger, owed, puts, &kept);
        let settled = Settled {
            cost,
            used: Used { cost, ..used },
            receipt: Some(owed.signed.id),
            owed: Some(owed),
            energy_mj,
        };
        Some((settled, written))
    }

    fn sign(
        &self,
        outcome: Outcome,
        used: Used,
        by: &str,
        failure: Option<&str>,
    ) -> Option<Signed> {
        let Draft { receipt, mut notes } = self.draft.clone();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let receipt = Receipt {
            output: self.answer.hash(),
            firstMs: self.first.map_or(0, ms),
            tookMs: ms(self.age()),
            inputUnits: used.input_tokens,
            outputUnits: used.output_tokens,
            cost: used.cost.atto(),
            outcome: outcome.number(),
            ..receipt
        };
        notes.insert("upstream".to_owned(), self.upstream.clone().into());
        notes.insert("attempts".to_owned(), self.attempts.into());
        notes.insert("usage".to_owned(), by.into());
        if let Some(evidence) = &self.evidence {
            notes.insert("evidence".to_owned(), json!(evidence.hash()));
        }
        if let Some(code) = failure {
            notes.insert("failure".to_owned(), code.into());
        }
        let signed = self.gateway.ledger.machine().sign(receipt, notes);
        signed
            .inspect_err(|error| tracing::error!(%error, "a receipt was not signed"))
            .ok()
    }

    fn failure(&self, code: &str, message: &str) -> Failure {
        Failure {
            at_ms: self.gateway.ledger.now_ms(),
            job: self.job,
            key: key_id(&self.key),
            model: self.model.clone(),
            upstream: self.upstream.clone(),
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_open {
            self.settle(
                Outcome::ClientLeft,
                Some(("client_left", "the client left")),
                None,
            );
        }
    }
}

/// What a receipt says from the beginning.
fn draft(gateway: &Gateway, job: JobId, key: B256, asked: &Asked, price: &ModelPrice) -> Draft {
    let model = &asked.ask.model;
    let receipt = Receipt {
        job: job.word(),
        program: price.program.unwrap_or_else(|| keccak256(model.as_bytes())),
        input: asked.input,
        output: B256::ZERO,
        parents: Vec::new(),
        payer: key,
        machine: gateway.ledger.machine().address(),
        startedMs: gateway.ledger.now_ms(),
        firstMs: 0,
        tookMs: 0,
        inputUnits: 0,
        outputUnits: 0,
        cost: 0,
        energyMj: 0,
        outcome: Outcome::GatewayStopped.number(),
        notes: B256::ZERO,
    };
    let notes = json!({
        "model": model,
        "pinned": price.program.is_some(),
        "quantisation": price.quantisation,
        "kind": asked.ask.kind.word(),
    });
    let notes = match notes {
        Value::Object(notes) => notes,
        _ => serde_json::Map::new(),
    };
    Draft { receipt, notes }
}
