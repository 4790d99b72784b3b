//! What challenges want of a machine, and of whoever audits it.
//!
//! ```text
//!   a class of states   tokens out of the seed, computed by everybody with the model           [`Engines`]
//!   a class of words    a machine recites by its own server, and shows it                       [`Workshop`]
//!                       an auditor fetches that and hears whether this model says so             [`Engines`]
//! ```

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use capstan_agents::provider::{Answered, Question, Wares, Worker};
use capstan_compute::{
    audit::is_by_words,
    bundled::{Doubt, Recital, SILENT, class_of, output, recited},
    engine::Engine,
    gateway::Gateway,
    model::Reader,
};
use eyre::{Result, WrapErr as _};
use futures::{FutureExt as _, future::BoxFuture};

use super::endpoints::Endpoints;

/// More than the longest recital has.
const RECITAL_BYTES_MAX: usize = 4 << 20;
/// Between two questions to a machine that shows nothing yet.
const AGAIN: Duration = Duration::from_secs(1);

/// The class's program, where its work is judged by words.
fn spoken(question: &Question) -> Option<B256> {
    let by_words = |wares: &Wares| is_by_words(wares.quantisation);
    question
        .work
        .filter(by_words)
        .map(|wares: Wares| wares.program)
}

/// Models of this machine, for challenges.
pub(crate) struct Engines {
    engines: Vec<Arc<Engine>>,
    endpoints: Endpoints,
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} models", self.engines.len())
    }
}

impl Engines {
    pub(crate) fn new(engines: Vec<Arc<Engine>>) -> Result<Self> {
        Ok(Self {
            engines,
            endpoints: Endpoints::new()?,
        })
    }

    fn of_program(&self, program: B256) -> Option<Arc<Engine>> {
        let fits = |one: &&Arc<Engine>| one.card().sha256 == program.0;
        self.engines.iter().find(fits).map(Arc::clone)
    }

    /// The output of states, which is the same for everybody.
    async fn computed(&self, question: &Question) -> Option<B256> {
        let engine = match question.work {
            Some(wares) => self.of_program(wares.program),
            None => {
                let fits = |one: &&Arc<Engine>| class_of(&one.card().sha256) == question.class;
                self.engines.iter().find(fits).map(Arc::clone)
            }
        };
        let (engine, seed, units) = (engine?, question.seed, question.units);
        let waits = Arc::new(());
        let waited_for = Arc::downgrade(&waits);
        // Who waits no more has dropped this, and what runs beside it sees that at the next token.
        let goes_on = move || waited_for.strong_count() > 0;
        let work = move || output(&engine, seed, units, &goes_on);
        let done = tokio::task::spawn_blocking(work).await;
        drop(waits);
        done.ok()?.ok()?
    }

    /// What a machine recited, heard: its output if it holds, and [`SILENT`] if not. None where nobody here can say.
    async fn heard(&self, program: B256, question: &Question, answered: &Answered) -> Option<B256> {
        let engine = self.of_program(program)?;
        // Who offers nothing was asked by somebody who should not have: his silence says nothing.
        if answered.endpoint.is_empty() {
            return None;
        }
        let begun = Instant::now();
        let recital = loop {
            match self.fetched(question.seed, &answered.endpoint).await {
                Ok(recital) => break recital,
                Err(why) if begun.elapsed() >= answered.patience => {
                    tracing::info!(seed = %question.seed, "a machine shows no recital: {why:#}");
                    return Some(SILENT);
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        let (seed, units) = (question.seed, question.units);
        let right = recital.output(seed);
        let heard = move || recited(&engine, seed, units, &recital);
        match tokio::task::spawn_blocking(heard).await.ok()? {
            Ok(()) => Some(right),
            // What cannot be run here says nothing of who did run it.
            Err(Doubt::Job(why)) => {
                tracing::warn!(%seed, "a recital cannot be heard here: {why}");
                None
            }
            Err(doubt) => {
                tracing::info!(%seed, "a recital does not hold: {doubt}");
                Some(SILENT)
            }
        }
    }

    async fn fetched(&self, seed: B256, endpoint: &str) -> Result<Recital> {
        let path = format!("challenge/{seed}");
        let bytes = self
            .endpoints
            .get(endpoint, &path, None, RECITAL_BYTES_MAX)
            .await?;
        serde_json::from_slice(&bytes).wrap_err("what it sends is no recital")
    }
}

impl Worker for Engines {
    fn work<'a>(
        &'a self,
        question: &'a Question,
        answered: Option<&'a Answered>,
    ) -> BoxFuture<'a, Option<B256>> {
        async move {
            match (spoken(question), answered) {
                (None, _) => self.computed(question).await,
                (Some(program), Some(answered)) => self.heard(program, question, answered).await,
                (Some(_), None) => None,
            }
        }
        .boxed()
    }
}

/// A model of this machine that can be recited: what its servers call it, its weights, how its requests are read.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(super) model: String,
    pub(super) program: B256,
    pub(super) reader: Arc<Reader>,
}

/// What a machine answers challenges with: engines of this program, and whatever servers it sells.
pub(super) struct Workshop {
    pub(super) engines: Engines,
    pub(super) gateway: Arc<Gateway>,
    pub(super) voices: Arc<[Voice]>,
}

impl Worker for Workshop {
    fn work<'a>(
        &'a self,
        question: &'a Question,
        answered: Option<&'a Answered>,
    ) -> BoxFuture<'a, Option<B256>> {
        async move {
            let Some(program) = spoken(question) else {
                return self.engines.work(question, answered).await;
            };
            let mut voices = self.voices.iter();
            let Voice { model, reader, .. } = voices.find(|one| one.program == program)?;
            let tokenizer = reader.tokenizer();
            let (seed, units) = (question.seed, question.units);
            loop {
                match self.gateway.recite(model, tokenizer, seed, units).await {
                    Ok(output) => return Some(output),
                    // Whoever waits ends it when the challenge is due.
                    Err(fault) => {
                        tracing::warn!(%fault, model, "a challenge waits for its server");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            }
        }
        .boxed()
    }
}
