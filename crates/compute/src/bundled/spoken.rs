//! Answers of any server of the same weights, judged by their words: what may be asked for then, and what is heard in the answer.
//!
//! ```text
//!   a customer's request ─► is_readable: only settings that every server reads alike ─► spell_out ─► the machine's own server
//!   its answer ─► receipt ─► overheard: prompt and text, fed to the model's file here ─► audit::words
//! ```
//! Servers have defaults of their own (llama.cpp takes the 40 likeliest tokens alone where nobody says otherwise), so what a
//! request leaves open is said to them.

use std::{ops::ControlFlow, time::Instant};

use alloy_primitives::{B256, keccak256};
use serde_json::{Value, json};

use super::{
    again::{Again, Doubt, Saw, Witnessed, kind_of},
    ask,
};
use crate::{
    audit::{DRAWN_FROM, Failure, Heard, ODDS, Witness},
    engine::{Engine, Request, Taught},
    model::Tokenizer,
    receipt::{self, Signed},
    tab::Kept,
    upstream::{Kind, Object},
};

/// What a request in words may say.
const READABLE: [&str; 16] = [
    "model",
    "messages",
    "prompt",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "stop",
    "seed",
    "stream",
    "stream_options",
    "user",
    "metadata",
    "best_of",
];
/// What servers take for granted where nothing is said, and what they are told instead.
const SPELLED: [(&str, f64); 7] = [
    ("temperature", 1.0),
    ("top_p", 1.0),
    ("min_p", 0.0),
    ("frequency_penalty", 0.0),
    ("presence_penalty", 0.0),
    ("repetition_penalty", 1.0),
    ("repeat_penalty", 1.0),
];
/// A text may be cut into fewer tokens here than it was written in: one in so many, and so many besides.
const RECUT: (usize, usize) = (8, 2);
/// Tokens that templates of servers put before a prompt, and ours does not.
const PREFACE_TOKENS: usize = 16;

/// Whether answers to it can be judged by their words; else the setting that stands in the way, and why.
///
/// # Errors
/// A name, and a reason in words.
pub fn is_readable(kind: Kind, body: &Object) -> Result<(), (String, &'static str)> {
    if kind == Kind::Embedding {
        let why = "vectors have no words to be judged by";
        return Err(("input".to_owned(), why));
    }
    for (name, value) in body {
        if value.is_null() {
            continue;
        }
        let says = value.as_f64();
        let why = match name.as_str() {
            "temperature" if says.is_some_and(|x| x > 0.0 && x < DRAWN_FROM || x > 2.0) => {
                "0, or from 0.001 to 2"
            }
            "top_p" if says != Some(1.0) => "servers cut chances differently: leave it at 1",
            "top_k" if !says.is_some_and(|x| x == 0.0 || x == -1.0) => {
                "servers cut chances differently: leave it out"
            }
            "best_of" if says != Some(1.0) => "only what is shown is judged: ask for `n`",
            known if READABLE.contains(&known) => continue,
            _ if !ask::changes_something(value) => continue,
            _ => "servers read it differently, so nobody could judge the answer",
        };
        return Err((name.clone(), why));
    }
    Ok(())
}

/// Says to a server what the request leaves to it.
pub fn spell_out(body: &mut Object) {
    for (name, value) in SPELLED {
        let said = body.entry(name).or_insert(Value::Null);
        if said.is_null() {
            *said = json!(value);
        }
    }
    // By all servers read as "of all".
    body.insert("top_k".to_owned(), json!(-1));
}

/// One text, and what it answers.
pub(super) struct Text<'a> {
    pub(super) request: &'a Request,
    pub(super) text: &'a str,
    /// Whether it says that it ended by itself; else for its length.
    pub(super) has_ended: bool,
}

/// Tokens of a text here: what a server counts for it, or a few less.
pub(super) fn tokens_of(
    tokenizer: &Tokenizer,
    text: &str,
    has_ended: bool,
) -> Result<Vec<u32>, Doubt> {
    // A text that was cut inside a character ends with what stands for none.
    let text = match has_ended {
        true => text,
        false => text.trim_end_matches(char::REPLACEMENT_CHARACTER),
    };
    let tokens = tokenizer.encode_plain(text);
    tokens.map_err(|error| Doubt::Job(error.to_string()))
}

/// Hears a text, after what was heard before it, and how many tokens it has, its end too.
///
/// # Errors
/// It cannot be run here, or it is longer than what was asked for, or ends too soon.
pub(super) fn hear(
    engine: &Engine,
    text: &Text<'_>,
    heard: &mut Heard,
    saw: &mut Saw,
) -> Result<usize, Doubt> {
    let Text {
        request, has_ended, ..
    } = *text;
    let own = |failure| Doubt::Failure { index: 0, failure };
    let tokens = tokens_of(engine.tokenizer(), text.text, has_ended)?;
    let count = tokens.len() + usize::from(has_ended);
    let room = engine.card().context.saturating_sub(request.prompt.len());
    let most = request.max_tokens.min(room);
    if tokens.len() > most + most / RECUT.0 + RECUT.1 {
        let tokens = tokens.len();
        return Err(own(Failure::Length { tokens, most }));
    }
    let is_short = tokens.len() + tokens.len() / RECUT.0 + RECUT.1 < most;
    if !has_ended && is_short {
        let tokens = tokens.len();
        return Err(own(Failure::Cut { tokens }));
    }
    // Who asks for an end at a text may be given one there, or the model's own: which, nobody says.
    let is_end_judged = has_ended && request.stop.iter().all(String::is_empty);
    let prompt = request.prompt.len();
    let mut fed = request.prompt.clone();
    fed.extend_from_slice(&tokens);
    fed.truncate(engine.card().context);
    if !is_end_judged && !tokens.is_empty() {
        // Nothing is asked about what would come behind the last.
        fed.pop();
    }
    let (tokenizer, vocabulary) = (engine.tokenizer(), engine.card().vocabulary);
    let ends = |token| tokenizer.ends(token);
    let mut witness = Witness::new(prompt, engine.card().width);
    let taught = engine.teach(&fed, prompt - 1, &mut |taught: Taught<'_>| {
        witness.see(taught.first, taught.states);
        let rows = taught.logits.chunks_exact(vocabulary);
        for (position, logits) in (taught.logits_first..).zip(rows) {
            match tokens.get(position + 1 - prompt) {
                Some(token) => heard.token(logits, *token, ends),
                None if is_end_judged => heard.end(logits, ends),
                None => {}
            }
        }
        ControlFlow::Continue(())
    });
    taught.map_err(|error| Doubt::Job(error.to_string()))?;
    saw.add(&witness.encode());
    Ok(count)
}

/// What is heard, taken together.
///
/// # Errors
/// Another hand wrote it, or it was cut.
pub(super) fn verdict(heard: &Heard) -> Result<(), Failure> {
    let tokens = heard.tokens();
    let powers = |ln: f64| (ln / std::f64::consts::LN_10).round();
    if heard.foreign_ln() > ODDS.ln() {
        let odds = powers(heard.foreign_ln());
        return Err(Failure::Words { tokens, odds });
    }
    if heard.cut_ln() > ODDS.ln() {
        return Err(Failure::Cut { tokens });
    }
    Ok(())
}

/// What is heard in one text, and how many tokens it has: for measurements.
///
/// # Errors
/// It cannot be run here, or it is longer than what was asked for, or ends too soon.
pub fn listened(
    engine: &Engine,
    request: &Request,
    text: &str,
    has_ended: bool,
) -> Result<Heard, Doubt> {
    let mut heard = Heard::at(request.sampling.temperature);
    let text = Text {
        request,
        text,
        has_ended,
    };
    hear(engine, &text, &mut heard, &mut Saw::of(&B256::ZERO))?;
    Ok(heard)
}

/// What a machine keeps of a receipt, judged by its words.
pub fn overheard(engine: &Engine, kept: &Kept) -> Witnessed {
    let mut saw = Saw::of(&kept.signed.receipt.id());
    let outcome = holds(engine, kept, &mut saw);
    let witness = saw.digest(outcome.as_ref().err());
    Witnessed { outcome, witness }
}

fn holds(engine: &Engine, kept: &Kept, saw: &mut Saw) -> Result<Again, Doubt> {
    let start = Instant::now();
    let Signed { receipt, notes, .. } = &kept.signed;
    if keccak256(&kept.request) != receipt.input {
        return Err(Doubt::Request);
    }
    let Ok(Value::Object(request)) = serde_json::from_str(&kept.request) else {
        return Err(Doubt::Request);
    };
    let (said, is) = (receipt.output, receipt::hash(&kept.answer));
    if said != is {
        return Err(Doubt::Output { said, is });
    }
    let (said, is) = (receipt.program, B256::from(engine.card().sha256));
    if said != is {
        return Err(Doubt::Model { said, is });
    }
    let kind = kind_of(notes);
    // A machine takes nothing else in; who did has nobody to blame.
    is_readable(kind, &request)
        .map_err(|(name, why)| Doubt::Unreadable(format!("`{name}`: {why}")))?;
    let max_tokens = ask::max_tokens(&request)?;
    let jobs = ask::jobs(engine, kind, &request, max_tokens, &B256::ZERO)?;
    let choices = kept.answer.as_array().map_or(&[][..], Vec::as_slice);
    if jobs.len() != choices.len() {
        let (is, asked) = (choices.len(), jobs.len());
        return Err(Doubt::Count { is, asked });
    }
    let (mut read, mut written) = (0, 0);
    for (index, (job, choice)) in jobs.iter().zip(choices).enumerate() {
        let mut request = job.request.clone();
        let (text, has_ended) = said_of(choice).ok_or_else(|| {
            Doubt::Unreadable(format!(
                "answer {index} is no text, or says not how it ended"
            ))
        })?;
        if max_tokens == u64::MAX && !has_ended {
            // Where the request names no length, the machine's own is believed.
            request.max_tokens = tokens_of(engine.tokenizer(), text, has_ended)?.len();
        }
        let mut heard = Heard::at(request.sampling.temperature);
        let text = Text {
            request: &request,
            text,
            has_ended,
        };
        let of_this = |doubt| match doubt {
            Doubt::Failure { failure, .. } => Doubt::Failure { index, failure },
            other => other,
        };
        written += hear(engine, &text, &mut heard, saw).map_err(of_this)?;
        verdict(&heard).map_err(|failure| Doubt::Failure { index, failure })?;
        if job.is_first_of_prompt {
            read += request.prompt.len();
        }
    }
    let said = (receipt.inputUnits, receipt.outputUnits);
    let is = (
        (read + PREFACE_TOKENS) as u64,
        (written + written / RECUT.0 + RECUT.1 * jobs.len()) as u64,
    );
    if said.0 > is.0 || said.1 > is.1 {
        return Err(Doubt::Usage { said, is });
    }
    Ok(Again {
        tokens: written,
        groups: 0,
        is_strict: false,
        near: 0,
        took: start.elapsed(),
    })
}

/// The text of a choice of a canonical answer, and whether it ended by itself; none where it has something else beside it.
fn said_of(choice: &Value) -> Option<(&str, bool)> {
    let fields = choice.as_object()?;
    let is_plain = fields.keys().all(|name| {
        let known = ["index", "content", "finish_reason"];
        known.contains(&name.as_str())
    });
    let text = choice.get("content")?.as_str()?;
    let has_ended = match choice.get("finish_reason")?.as_str()? {
        "stop" => true,
        "length" => false,
        _ => return None,
    };
    is_plain.then_some((text, has_ended))
}

#[cfg(test)]
mod tests;
