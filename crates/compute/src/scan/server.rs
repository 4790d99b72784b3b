//! Tokens per second of a model server, as its clients get them.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::Measured;
use crate::upstream::{Answer, Aside, Ask, AskBounds, Fault, Kind, Upstream};

/// Tokens of each answer that is asked for.
const TOKENS: u64 = 128;
/// Answers, one after the other.
const ROUNDS: usize = 3;
/// Answers at once, to see what a server gains by batching.
const AT_ONCE: usize = 4;

/// What a server writes.
#[derive(Clone, Debug, Serialize)]
pub struct Tokens {
    /// Which model was asked.
    pub model: String,
    /// Tokens per second of one answer alone, after its first part.
    pub alone: Measured,
    /// Milliseconds to the first part, best of the rounds last.
    pub first_part_ms: Measured,
    /// Tokens per second of several answers together.
    pub together: f64,
    /// How many were asked at once for that.
    pub at_once: usize,
    /// Whether the server counted the tokens; else a part counts as one.
    pub is_counted: bool,
}

struct Round {
    tokens: u64,
    is_counted: bool,
    first: Duration,
    rest: Duration,
}

/// Asks a server for some answers and times them.
///
/// # Errors
/// It has no model, or an answer failed.
pub async fn tokens_per_second(
    server: &dyn Upstream,
    model: Option<&str>,
) -> Result<Tokens, Fault> {
    let model = match model {
        Some(model) => model.to_owned(),
        None => {
            let first = server.models().await?.into_iter().next();
            first
                .ok_or_else(|| Fault::Garbage("the server lists no model".to_owned()))?
                .id
        }
    };
    // The first answer may load the model: it is not counted.
    round(server, &model).await?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round(server, &model).await?);
    }
    let rate = |round: &Round| rate(round.tokens.saturating_sub(1), round.rest);
    let alone = Measured::of(rounds.iter().map(rate).collect());
    let firsts = rounds
        .iter()
        .map(|round| round.first.as_secs_f64() * 1_000.0);
    let first_part_ms = Measured::of(firsts.collect());
    let is_counted = rounds.iter().all(|round| round.is_counted);
    let start = Instant::now();
    let several = (0..AT_ONCE).map(|_| round(server, &model));
    let several = futures::future::try_join_all(several).await?;
    let all: u64 = several.iter().map(|round| round.tokens).sum();
    let together = self::rate(all, start.elapsed());
    Ok(Tokens {
        model,
        alone,
        first_part_ms,
        together,
        at_once: AT_ONCE,
        is_counted,
    })
}

/// Tokens per second of one answer, after one that is not counted: enough to set a price by.
///
/// # Errors
/// An answer failed.
pub async fn one_answer_rate(server: &dyn Upstream, model: &str) -> Result<f64, Fault> {
    round(server, model).await?;
    let measured = round(server, model).await?;
    Ok(rate(
        measured.tokens,
        measured.first.saturating_add(measured.rest),
    ))
}

fn rate(tokens: u64, took: Duration) -> f64 {
    let seconds = took.as_secs_f64();
    if seconds > 0.0 {
        tokens as f64 / seconds
    } else {
        0.0
    }
}

async fn round(server: &dyn Upstream, model: &str) -> Result<Round, Fault> {
    let body = json!({
        "model": model, "stream": true, "stream_options": {"include_usage": true},
        "max_tokens": TOKENS, "temperature": 0.0,
        "messages": [{"role": "user", "content": "Count from one to two hundred in words."}],
    });
    let body = match body {
        Value::Object(body) => body,
        _ => serde_json::Map::new(),
    };
    let ask = Ask {
        kind: Kind::Chat,
        model: model.to_owned(),
        body,
        aside: Aside::default(),
        bounds: AskBounds::default(),
    };
    let start = Instant::now();
    let mut chunks = server.stream(&ask).await?;
    let mut answer = Answer::default();
    let mut first = None;
    while let Some(chunk) = chunks.next().await {
        answer.add(&chunk?);
        if answer.parts() > 0 {
            first.get_or_insert_with(|| start.elapsed());
        }
    }
    let first = first.unwrap_or_else(|| start.elapsed());
    let (tokens, is_counted) = written(&answer);
    Ok(Round {
        tokens,
        is_counted,
        first,
        rest: start.elapsed().saturating_sub(first),
    })
}

/// Tokens of an answer, and whether the server counted them: a count that cannot be is none, and then a part is a token.
pub(super) fn written(answer: &Answer) -> (u64, bool) {
    let counted = answer.claim.map(|claim| claim.output_tokens);
    match counted.filter(|tokens| *tokens <= TOKENS) {
        Some(tokens) => (tokens, true),
        None => (answer.parts(), false),
    }
}
