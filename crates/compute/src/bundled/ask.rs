//! What a request of OpenAI's form asks of the engine. Provider and verifier read it here alike.

use alloy_primitives::B256;
use serde_json::{Value, json};

use crate::{
    engine::{Engine, EngineError, Request, Sampling, Seed},
    model::{Message, Reader},
    upstream::{Fault, Kind, Object},
};

/// Stop sequences that OpenAI's form allows, and llama.cpp's too.
const STOPS_MAX: usize = 16;
/// Answers to one prompt, and to one request, as at the gateway's door: who checks an answer computes no more either.
const N_MAX: u64 = 16;
const ANSWERS_MAX: u64 = 4_096;
/// What the engine does not do. A client that leaves them at what changes nothing is served.
const NOT_HERE: [(&str, &str); 9] = [
    ("tools", "this model calls no tools"),
    ("functions", "this model calls no functions"),
    ("response_format", "this model binds its answer to no form"),
    (
        "logit_bias",
        "weights of single tokens cannot be moved here",
    ),
    ("frequency_penalty", "use `repetition_penalty` here"),
    ("presence_penalty", "use `repetition_penalty` here"),
    ("logprobs", "logits are not shown here"),
    ("suffix", "this model fills no gaps"),
    ("echo", "the prompt is not said again here"),
];

/// One answer that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Job {
    /// Which choice it is.
    pub(super) index: u64,
    /// Whether its prompt was not read before.
    pub(super) is_first_of_prompt: bool,
    /// What the engine gets.
    pub(super) request: Request,
}

/// A fault of the request itself, in OpenAI's form.
fn wrong(param: &str, message: &str) -> Fault {
    Fault::Request {
        status: 400,
        body: json!({"error": {
            "message": message, "type": "invalid_request_error", "param": param, "code": "invalid_value",
        }}),
    }
}

/// What the engine says no to.
pub(super) fn refused(error: &EngineError) -> Fault {
    let code = match error {
        EngineError::TooLong { .. } => "context_length_exceeded",
        _ => "invalid_value",
    };
    Fault::Request {
        status: 400,
        body: json!({"error": {
            "message": error.to_string(), "type": "invalid_request_error", "param": null, "code": code,
        }}),
    }
}

/// Tokens that each answer may have.
pub(super) fn max_tokens(body: &Object) -> Result<u64, Fault> {
    // Of two bounds the smaller holds, as at the gateway's door.
    let (long, short) = (
        whole(body, "max_completion_tokens")?,
        whole(body, "max_tokens")?,
    );
    let least = long.into_iter().chain(short).min();
    Ok(least
        .and_then(|tokens| u64::try_from(tokens).ok())
        .unwrap_or(u64::MAX))
}

/// The jobs of a chat or completion, in the order of their choices.
pub(super) fn jobs(
    reader: &Reader,
    kind: Kind,
    body: &Object,
    max_tokens: u64,
    drawn: &B256,
) -> Result<Vec<Job>, Fault> {
    for (name, why) in NOT_HERE {
        if body.get(name).is_some_and(changes_something) {
            return Err(wrong(name, &format!("`{name}`: {why}")));
        }
    }
    let n = whole(body, "n")?.and_then(|n| u64::try_from(n).ok());
    let n = n.unwrap_or(1);
    if n > N_MAX {
        return Err(wrong("n", &format!("`n`: at most {N_MAX} answers")));
    }
    if whole(body, "best_of")?.is_some_and(|best| i128::from(best) > i128::from(n)) {
        return Err(wrong(
            "best_of",
            "`best_of`: all answers are shown here, ask for `n`",
        ));
    }
    let prompts = match kind {
        Kind::Chat => vec![
            reader
                .chat(&messages(body)?)
                .map_err(|error| refused(&error))?,
        ],
        _ => texts(reader, body, "prompt")?,
    };
    if prompts.len() as u64 * n > ANSWERS_MAX {
        let message = format!("at most {ANSWERS_MAX} answers, to all prompts together");
        return Err(wrong("prompt", &message));
    }
    let (sampling, stop, seed) = (sampling(body)?, stops(body)?, whole(body, "seed")?);
    let max_tokens = usize::try_from(max_tokens).unwrap_or(usize::MAX);
    let mut jobs = Vec::new();
    for prompt in prompts {
        for answer in 0..n {
            let index = jobs.len() as u64;
            jobs.push(Job {
                index,
                is_first_of_prompt: answer == 0,
                request: Request {
                    prompt: prompt.clone(),
                    sampling,
                    seed: seed_of(seed, drawn, index),
                    max_tokens,
                    stop: stop.clone(),
                },
            });
        }
    }
    Ok(jobs)
}

/// A seed that the client names gives the same answer always; each of several answers has its own.
fn seed_of(named: Option<i64>, drawn: &B256, index: u64) -> Seed {
    let job = match named {
        Some(seed) => format!("named {seed}"),
        None => format!("drawn {drawn}"),
    };
    Seed::of(job.as_bytes(), &index.to_le_bytes())
}

/// What changes nothing: nothing, zero, false, empty, and the form that is there anyhow.
pub(super) fn changes_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => {
            !fields.is_empty() && fields.get("type").and_then(Value::as_str) != Some("text")
        }
        Value::Bool(true) => true,
    }
}

fn messages(body: &Object) -> Result<Vec<Message>, Fault> {
    let said = body.get("messages").and_then(Value::as_array);
    let said = said.ok_or_else(|| wrong("messages", "`messages` is no list"))?;
    let message = |said: &Value| {
        let role = said.get("role").and_then(Value::as_str);
        let role = role.ok_or_else(|| wrong("messages", "a message has no `role`"))?;
        // The newer word for the same.
        let role = if role == "developer" { "system" } else { role };
        Ok(Message {
            role: role.to_owned(),
            content: content(said.get("content"))?,
        })
    };
    said.iter().map(message).collect()
}

/// A text, or a list of parts that are texts.
fn content(said: Option<&Value>) -> Result<String, Fault> {
    let text = |part: &Value| match part.get("type").and_then(Value::as_str) {
        Some("text") | None => part.get("text").and_then(Value::as_str).map(str::to_owned),
        Some(_) => None,
    };
    match said {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(said)) => Ok(said.clone()),
        Some(Value::Array(parts)) => {
            let texts: Option<Vec<String>> = parts.iter().map(text).collect();
            let texts = texts.ok_or_else(|| {
                wrong(
                    "messages",
                    "this model reads text alone: no picture, sound or file",
                )
            })?;
            Ok(texts.concat())
        }
        Some(_) => Err(wrong(
            "messages",
            "`content` is neither text nor a list of parts",
        )),
    }
}

/// Tokens of what is to be embedded.
pub(super) fn embedded(engine: &Engine, body: &Object) -> Result<Vec<Vec<u32>>, Fault> {
    if whole(body, "dimensions")?
        .is_some_and(|wanted| usize::try_from(wanted).ok() != Some(engine.card().width))
    {
        let message = format!("`dimensions`: this model has {}", engine.card().width);
        return Err(wrong("dimensions", &message));
    }
    texts(engine.reader(), body, "input")
}

pub(super) fn wants_base64(body: &Object) -> Result<bool, Fault> {
    match body.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => Ok(false),
        Some("base64") => Ok(true),
        Some(_) => Err(wrong(
            "encoding_format",
            "`encoding_format` is neither float nor base64",
        )),
    }
}

/// A text, tokens, or a list of either.
fn texts(reader: &Reader, body: &Object, name: &str) -> Result<Vec<Vec<u32>>, Fault> {
    let form = || {
        wrong(
            name,
            &format!("`{name}` is neither text nor tokens nor a list of either"),
        )
    };
    let one = |said: &Value| match said {
        Value::String(text) => reader.complete(text).map_err(|error| refused(&error)),
        Value::Array(tokens) => tokens_of(tokens).ok_or_else(form),
        _ => Err(form()),
    };
    match body.get(name) {
        Some(Value::Array(all)) if all.first().is_some_and(Value::is_number) => {
            Ok(vec![tokens_of(all).ok_or_else(form)?])
        }
        Some(Value::Array(all)) => all.iter().map(one).collect(),
        Some(said) => Ok(vec![one(said)?]),
        None => Err(form()),
    }
}

fn tokens_of(said: &[Value]) -> Option<Vec<u32>> {
    said.iter()
        .map(|token| u32::try_from(token.as_u64()?).ok())
        .collect()
}

fn sampling(body: &Object) -> Result<Sampling, Fault> {
    let sampling = Sampling {
        temperature: real(body, "temperature")?.unwrap_or(1.0),
        top_p: real(body, "top_p")?.unwrap_or(1.0),
        top_k: whole(body, "top_k")?
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0),
        repetition_penalty: real(body, "repetition_penalty")?.unwrap_or(1.0),
    };
    sampling.check().map_err(|error| refused(&error))?;
    Ok(sampling)
}

fn stops(body: &Object) -> Result<Vec<String>, Fault> {
    let form = || {
        wrong(
            "stop",
            "`stop` is neither text nor a list of at most 16 texts",
        )
    };
    match body.get("stop") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(stop)) => Ok(vec![stop.clone()]),
        Some(Value::Array(stops)) if stops.len() <= STOPS_MAX => {
            let text = |stop: &Value| stop.as_str().map(str::to_owned).ok_or_else(form);
            stops.iter().map(text).collect()
        }
        Some(_) => Err(form()),
    }
}

fn whole(body: &Object, name: &str) -> Result<Option<i64>, Fault> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            // Bounds that were left open are the largest number there is.
            let number = value.as_i64().or(value.as_u64().map(|_| i64::MAX));
            let number =
                number.ok_or_else(|| wrong(name, &format!("`{name}` is no whole number")))?;
            Ok(Some(number))
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "settings are read at the engine's own precision"
)]
fn real(body: &Object, name: &str) -> Result<Option<f32>, Fault> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_f64();
            let number = number.ok_or_else(|| wrong(name, &format!("`{name}` is no number")))?;
            Ok(Some(number as f32))
        }
    }
}
