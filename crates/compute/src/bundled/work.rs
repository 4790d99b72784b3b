//! Answers of one request, one after the other, as parts of a stream.

use std::ops::ControlFlow;

use alloy_primitives::B256;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::ask::{self, Job};
use crate::{
    audit::{Chosen, Proof, Witness, Work},
    engine::{Engine, Finish, Piece},
    upstream::{Ask, Claim, Fault, Kind, Object, chunk, usage},
};

/// What goes to the gateway.
#[derive(Debug)]
pub(super) enum Part {
    /// A part of OpenAI's form; of embeddings, all of it.
    Chunk(Object),
    /// The answer is whole.
    End,
    /// It cannot be.
    Fault(Fault),
}

type Parts = UnboundedSender<Part>;

/// The client is gone.
struct Gone;

pub(super) fn run(engine: &Engine, ask: &Ask, parts: &Parts) {
    let done = match ask.kind {
        Kind::Embedding => embed(engine, ask, parts),
        Kind::Chat | Kind::Completion => answer(engine, ask, parts),
    };
    // Whoever is gone hears nothing.
    let _ = parts.send(match done {
        Ok(()) => Part::End,
        Err(fault) => Part::Fault(fault),
    });
}

fn answer(engine: &Engine, ask: &Ask, parts: &Parts) -> Result<(), Fault> {
    let drawn = B256::random();
    let max_tokens = ask::max_tokens(&ask.body)?;
    let jobs = ask::jobs(engine.reader(), ask.kind, &ask.body, max_tokens, &drawn)?;
    let mut claim = Claim::default();
    let mut choices = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let Ok(chosen) = choose(engine, ask, job, parts)? else {
            return Ok(());
        };
        // Answers to the same prompt read it once.
        if job.is_first_of_prompt {
            claim.input_tokens += job.request.prompt.len() as u64;
        }
        claim.output_tokens += chosen.tokens.len() as u64;
        choices.push(chosen);
    }
    ask.aside.leave(Work {
        max_tokens,
        drawn,
        kernels: engine.card().kernels.clone(),
        choices,
    });
    let counts = chunk::usage(ask.kind, &ask.model, claim);
    let _ = parts.send(Part::Chunk(counts));
    Ok(())
}

fn choose(
    engine: &Engine,
    ask: &Ask,
    job: &Job,
    parts: &Parts,
) -> Result<Result<Chosen, Gone>, Fault> {
    let mut witness = Witness::new(job.request.prompt.len(), engine.card().width);
    let answer = engine.generate(&job.request, &mut |piece| {
        match piece {
            Piece::States { first, rows } => witness.see(first, rows),
            Piece::Text { text, .. } if !text.is_empty() => {
                let text = chunk::text(ask.kind, &ask.model, job.index, text);
                if parts.send(Part::Chunk(text)).is_err() {
                    return ControlFlow::Break(());
                }
            }
            Piece::Prompt { .. } | Piece::Text { .. } => {}
        }
        if parts.is_closed() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let answer = answer.map_err(|error| ask::refused(&error))?;
    let Some(reason) = finish_word(answer.finish) else {
        return Ok(Err(Gone));
    };
    let end = chunk::finish(ask.kind, &ask.model, job.index, reason);
    let _ = parts.send(Part::Chunk(end));
    Ok(Ok(Chosen {
        tokens: answer.tokens,
        finish: answer.finish,
        proof: Proof::of(&witness).encode().into(),
    }))
}

/// OpenAI's word for it; none for an answer that nobody waits for.
pub(super) const fn finish_word(finish: Finish) -> Option<&'static str> {
    match finish {
        Finish::End | Finish::Stop => Some("stop"),
        Finish::Length => Some("length"),
        Finish::Cancelled => None,
    }
}

fn embed(engine: &Engine, ask: &Ask, parts: &Parts) -> Result<(), Fault> {
    let prompts = ask::embedded(engine, &ask.body)?;
    let tokens: usize = prompts.iter().map(Vec::len).sum();
    let Some(data) = rows(engine, &ask.body, &prompts, || parts.is_closed())? else {
        return Ok(());
    };
    ask.aside.leave(Work {
        max_tokens: 0,
        drawn: B256::ZERO,
        kernels: engine.card().kernels.clone(),
        choices: Vec::new(),
    });
    let whole = json!({
        "object": "list", "model": ask.model, "data": data, "usage": usage(tokens as u64, 0),
    });
    if let Value::Object(whole) = whole {
        let _ = parts.send(Part::Chunk(whole));
    }
    Ok(())
}

/// The array `data` of an answer; none if it was called off.
pub(super) fn rows(
    engine: &Engine,
    body: &Object,
    prompts: &[Vec<u32>],
    is_called_off: impl Fn() -> bool,
) -> Result<Option<Value>, Fault> {
    let in_base64 = ask::wants_base64(body)?;
    let mut rows = Vec::with_capacity(prompts.len());
    for (index, tokens) in prompts.iter().enumerate() {
        if is_called_off() {
            return Ok(None);
        }
        let vector = engine.embed(tokens).map_err(|error| ask::refused(&error))?;
        let embedding = if in_base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            STANDARD.encode(bytes).into()
        } else {
            json!(vector)
        };
        rows.push(json!({"object": "embedding", "index": index, "embedding": embedding}));
    }
    Ok(Some(rows.into()))
}
