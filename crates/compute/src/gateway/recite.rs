//! A machine's answer to a challenge of a class that is judged by its words: texts of its own server, shown to whoever asks.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::B256;
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;

use super::{Gateway, error::ApiError};
use crate::{
    bundled::{RECITED_AT, Recital, Recited, question, recited_tokens},
    model::Tokenizer,
    upstream::{Answer, Aside, Ask, AskBounds, Fault, Kind, Object, Upstream},
};

/// Recitals that are shown: those of the last challenges.
const SHOWN: usize = 16;
/// Texts that are asked for at a time: what a server does beside others is what it can do.
const AT_ONCE: usize = 4;
/// A server that says nothing recites nothing: so many texts without a token end it.
const EMPTY_MAX: usize = 4;

/// What was recited, the newest last.
#[derive(Debug, Default)]
pub(super) struct Recitals(Mutex<VecDeque<(B256, Recital)>>);

impl Recitals {
    fn put(&self, seed: B256, recital: Recital) {
        let mut all = self.0.lock();
        all.retain(|(known, _)| *known != seed);
        all.push_back((seed, recital));
        if all.len() > SHOWN {
            all.pop_front();
        }
    }

    fn of(&self, seed: &B256) -> Option<Recital> {
        let all = self.0.lock();
        let found = all.iter().find(|(known, _)| known == seed);
        found.map(|(_, recital)| recital.clone())
    }
}

pub(super) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/capstan/challenge/{seed}", get(shown))
        .with_state(gateway)
}

async fn shown(
    State(gateway): State<Arc<Gateway>>,
    Path(seed): Path<String>,
) -> Result<Json<Recital>, ApiError> {
    let seed: Option<B256> = seed.parse().ok();
    let found = seed.and_then(|seed| gateway.recitals.of(&seed));
    found
        .map(Json)
        .ok_or_else(|| ApiError::not_found("nothing was recited for that seed here"))
}

impl Gateway {
    /// So many tokens of a model out of a seed, by the server that has it, to be shown to whoever asks for the seed.
    ///
    /// # Errors
    /// No server has the model, or it fails.
    pub async fn recite(
        &self,
        model: &str,
        tokenizer: &Tokenizer,
        seed: B256,
        units: u64,
    ) -> Result<B256, Fault> {
        let place = self.pool.place(model, &[]).await;
        let place = place.map_err(|_| Fault::Unreachable(format!("no server has {model} now")))?;
        let recital = recite_at(
            place.upstream().as_ref(),
            model,
            tokenizer,
            seed,
            units,
            RECITED_AT,
        )
        .await?;
        let output = recital.output(seed);
        self.recitals.put(seed, recital);
        Ok(output)
    }
}

/// The same of a server, at a temperature, shown to nobody.
///
/// # Errors
/// The server's own, or it says something else than words.
pub async fn recite_at(
    server: &dyn Upstream,
    model: &str,
    tokenizer: &Tokenizer,
    seed: B256,
    units: u64,
    temperature: f32,
) -> Result<Recital, Fault> {
    let ask = |place| {
        let asked = question(model, seed, place, temperature);
        recited(server, model, asked)
    };
    let mut texts = stream::iter(0..).map(ask).buffered(AT_ONCE);
    let (mut recital, mut left, mut empty) = (Recital::default(), units, 0);
    while left > 0 {
        let said = texts.next().await.unwrap_or(Err(Fault::Cut))?;
        let tokens = recited_tokens(tokenizer, &said);
        let tokens = tokens.map_err(|doubt| Fault::Garbage(doubt.to_string()))?;
        if tokens == 0 || said.text.is_empty() {
            empty += 1;
        }
        if empty > EMPTY_MAX {
            return Err(Fault::Garbage("it says nothing".to_owned()));
        }
        left = left.saturating_sub(tokens);
        recital.texts.push(said);
    }
    Ok(recital)
}

async fn recited(server: &dyn Upstream, model: &str, asked: Object) -> Result<Recited, Fault> {
    let ask = Ask {
        kind: Kind::Chat,
        model: model.to_owned(),
        body: asked,
        aside: Aside::default(),
        bounds: AskBounds::default(),
    };
    let whole = server.whole(&ask).await?;
    let mut answer = Answer::default();
    answer.add_whole(&whole);
    if !answer.is_text(1) {
        let why = "its answer is no text, or says not how it ended";
        return Err(Fault::Garbage(why.to_owned()));
    }
    Ok(Recited {
        text: answer.content().to_owned(),
        has_ended: answer.finish() == Some("stop"),
    })
}
