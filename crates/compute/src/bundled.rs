//! The bundled engine as one of the gateway's model servers, and the second computation that checks what it answered.
//!
//! ```text
//!   a body of OpenAI's form ─► ask: jobs, one for each answer ─► work: parts ─► the gateway
//!                                      │                            └─► evidence: tokens and proofs, kept beside the receipt
//!                                      └──────────── again ◄──────────── the same, years later, by anybody with the file
//! ```
//! Provider and verifier read a request by the same function, so there is nothing about it that one could tell the other. What
//! another server of the same weights answered is heard instead (`spoken`), and so is what it was challenged to (`recital`).
//! Invariants (BUN-n): specs/engine.md. Not here: what it costs (gateway), whom it accuses (audit).

mod again;
mod ask;
mod challenge;
mod recital;
mod spoken;
mod work;

use std::{fmt, sync::Arc};

use alloy_primitives::B256;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{
    engine::Engine,
    upstream::{Ask, Chunks, Fault, Kind, Model, Object, Upstream, gather},
};

pub use again::{Again, Doubt, Terms, Witnessed, again, witnessed};
pub use challenge::{class_of, output, words_class_of};
pub use recital::{
    RECITED_AT, RECITED_TOKENS, Recital, Recited, SILENT, TRIED_AT, question, recited, recited_at,
    recited_tokens,
};
pub use spoken::{countable, is_readable, listened, overheard, spell_out};
use work::Part;

/// A model of this machine, asked like any other server.
#[derive(Clone)]
pub struct Bundled {
    name: String,
    model: String,
    engine: Arc<Engine>,
    parallel: usize,
}

impl fmt::Debug for Bundled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, parallel, .. } = self;
        write!(f, "Bundled({name}, {parallel} at a time)")
    }
}

impl Bundled {
    /// An engine under the name that clients ask for, which makes so many answers at a time.
    pub fn new(model: &str, engine: Arc<Engine>, parallel: usize) -> Self {
        Self {
            name: format!("engine:{model}"),
            model: model.to_owned(),
            engine,
            parallel: parallel.max(1),
        }
    }

    /// What clients call it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What it runs.
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Begins on a thread of its own. Whoever drops what is returned ends the work before its next token.
    fn start(&self, ask: &Ask) -> UnboundedReceiver<Part> {
        // Parts of one answer are bounded by the model's context, so a slow client holds a few kilobytes, never the engine.
        let (parts, taken) = unbounded_channel();
        let (engine, ask) = (Arc::clone(&self.engine), ask.clone());
        tokio::task::spawn_blocking(move || work::run(&engine, &ask, &parts));
        taken
    }
}

impl Upstream for Bundled {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_here(&self) -> bool {
        true
    }

    fn parallel(&self) -> Option<usize> {
        Some(self.parallel)
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, Fault>> {
        let card = self.engine.card();
        let model = Model {
            id: self.model.clone(),
            program: Some(B256::from(card.sha256)),
            quantisation: Some(card.quantisation.to_owned()),
        };
        async { Ok(vec![model]) }.boxed()
    }

    fn stream(&self, ask: &Ask) -> BoxFuture<'static, Result<Chunks, Fault>> {
        let parts = chunks(self.start(ask));
        async { Ok(parts) }.boxed()
    }

    fn whole(&self, ask: &Ask) -> BoxFuture<'static, Result<Object, Fault>> {
        let (kind, model, parts) = (ask.kind, ask.model.clone(), self.start(ask));
        async move {
            let mut parts = chunks(parts);
            if kind == Kind::Embedding {
                return parts.next().await.unwrap_or(Err(Fault::Cut));
            }
            let mut whole = gather(kind, &model, parts).await?;
            let prefix = match kind {
                Kind::Completion => "cmpl",
                _ => "chatcmpl",
            };
            let id = format!("{prefix}-{}", B256::random());
            whole.insert("id".to_owned(), id.into());
            whole.insert("created".to_owned(), json!(now_seconds()));
            Ok(whole)
        }
        .boxed()
    }
}

fn now_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Parts until the end that the worker declares: one that is gone without it has died.
fn chunks(taken: UnboundedReceiver<Part>) -> Chunks {
    stream::unfold(Some(taken), |state| async {
        let mut taken = state?;
        match taken.recv().await {
            Some(Part::Chunk(chunk)) => Some((Ok(chunk), Some(taken))),
            Some(Part::End) => None,
            Some(Part::Fault(fault)) => Some((Err(fault), None)),
            None => Some((Err(Fault::Cut), None)),
        }
    })
    .boxed()
}
