//! Answers of any server of the same weights, judged by their words: what may be asked for then, and what is heard in the answer.
//!
//! ```text
//!   a customer's request ─► is_readable: only what every server reads alike ─► spell_out ─► the machine's own server
//!   its answer ─► countable: what may be charged ─► receipt ─► overheard: fed to the model's file here ─► audit::words
//! ```
//! Servers have defaults of their own (llama.cpp takes the 40 likeliest tokens alone where nobody says otherwise), so what a
//! request leaves open is said to them.

use std::{ops::ControlFlow, time::Instant};

use alloy_primitives::{B256, keccak256};
use serde_json::{Value, json};

use super::{
    again::{Again, Doubt, Saw, Witnessed},
    ask,
};
use crate::{
    audit::{DRAWN_FROM, Failure, Heard, ODDS, Witness},
    engine::{Engine, Request, Taught},
    model::{Reader, Tokenizer},
    receipt,
    tab::Kept,
    upstream::{Claim, Kind, Object},
};

/// What a request in words may say.
const READABLE: [&str; 15] = [
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
    "best_of",
];
/// Who may speak in it.
const ROLES: [&str; 3] = ["system", "user", "assistant"];
/// Beyond this temperature nothing was measured, and texts are cut into other tokens than they were written in.
const WARMEST: f64 = 1.0;
/// What servers take for granted where nothing is said, and what they are told instead.
const SPELLED: [(&str, f64); 6] = [
    ("top_p", 1.0),
    ("min_p", 0.0),
    ("frequency_penalty", 0.0),
    ("presence_penalty", 0.0),
    ("repetition_penalty", 1.0),
    ("repeat_penalty", 1.0),
];
/// A text may be cut into fewer tokens here than it was written in: one in so many, and so many besides.
const RECUT: (usize, usize) = (8, 2);
/// Two answers to one prompt that are the same text are one, where the model writes it no oftener than that.
const TWIN: f64 = 1e-9;

/// Whether answers to it can be judged by their words; else what stands in the way, and why.
///
/// # Errors
/// A name, and a reason in words.
pub fn is_readable(reader: &Reader, body: &Object) -> Result<Kind, (String, &'static str)> {
    let of = |name: &str, why| Err((name.to_owned(), why));
    for (name, value) in body {
        let says = value.as_f64();
        let why = match name.as_str() {
            _ if value.is_null() => continue,
            "temperature"
                if !says.is_some_and(|x| x == 0.0 || (DRAWN_FROM..=WARMEST).contains(&x)) =>
            {
                "0, or from 0.001 to 1"
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
        return of(name, why);
    }
    let is_plain = |text: &str| !text.is_empty() && !reader.tokenizer().names_control(text);
    match (body.get("messages"), body.get("prompt")) {
        (Some(Value::Array(messages)), None) => {
            let roles: Option<Vec<&str>> =
                messages.iter().map(|one| said_by(one, is_plain)).collect();
            match roles.as_deref() {
                None => of(
                    "messages",
                    "messages of `system`, `user` and `assistant` with a text each, in which no control token is named",
                ),
                Some([.., "user"]) => Ok(Kind::Chat),
                Some(_) => of(
                    "messages",
                    "the last word is a user's: servers go on with others differently",
                ),
            }
        }
        (None, Some(Value::String(text))) if is_plain(text) => Ok(Kind::Completion),
        (None, Some(_)) => of("prompt", "one text, in which no control token is named"),
        _ => of(
            "input",
            "a chat or a completion: nothing else has words to be judged by",
        ),
    }
}

/// Who says a message that every server reads alike.
fn said_by(message: &Value, is_plain: impl Fn(&str) -> bool) -> Option<&str> {
    let fields = message.as_object()?;
    let known = |name: &String| name == "role" || name == "content";
    let role = fields.get("role")?.as_str()?;
    let content = fields.get("content")?.as_str()?;
    let is_read = fields.keys().all(known) && ROLES.contains(&role) && is_plain(content);
    is_read.then_some(role)
}

/// Says to a server what the request leaves to it, and nothing that another would read differently.
pub fn spell_out(body: &mut Object) {
    body.retain(|name, value| READABLE.contains(&name.as_str()) && !value.is_null());
    body.entry("temperature").or_insert(json!(1.0));
    for (name, value) in SPELLED {
        body.insert(name.to_owned(), json!(value));
    }
    // By all servers read as "of all".
    body.insert("top_k".to_owned(), json!(-1));
}

/// One answer to a request, as far as it can be understood without the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) request: Request,
    pub(super) text: String,
    /// Whether it says that it ended by itself; else for its length.
    pub(super) has_ended: bool,
    pub(super) tokens: Vec<u32>,
}

impl Text {
    /// What was answered.
    ///
    /// # Errors
    /// It is longer than what was asked for, or ends too soon, or is no text.
    pub(super) fn of(
        reader: &Reader,
        request: Request,
        text: &str,
        has_ended: bool,
    ) -> Result<Self, Doubt> {
        let tokens = tokens_of(reader.tokenizer(), text, has_ended)?;
        let room = reader.context().saturating_sub(request.prompt.len());
        let most = request.max_tokens.min(room);
        let count = tokens.len();
        let failed = |failure| Err(Doubt::Failure { index: 0, failure });
        if request.prompt.is_empty() {
            return Err(Doubt::Unreadable("nothing was asked".to_owned()));
        }
        if count > most + most / RECUT.0 + RECUT.1 {
            return failed(Failure::Length {
                tokens: count,
                most,
            });
        }
        if !has_ended && count + count / RECUT.0 + RECUT.1 < most {
            return failed(Failure::Cut { tokens: count });
        }
        Ok(Self {
            request,
            text: text.to_owned(),
            has_ended,
            tokens,
        })
    }

    /// What a server counts for it: its end too.
    fn written(&self) -> usize {
        self.tokens.len() + usize::from(self.has_ended)
    }
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
    if text.contains(char::REPLACEMENT_CHARACTER) {
        let why = "it has bytes in it that are no text".to_owned();
        return Err(Doubt::Unreadable(why));
    }
    let tokens = tokenizer.encode_plain(text);
    tokens.map_err(|error| Doubt::Job(error.to_string()))
}

/// Everything about answers that can be known without the model. Machine and auditor read it here alike, so a machine signs for
/// nothing that would be held against it for its form.
fn understood(reader: &Reader, request: &Object, answer: &Value) -> Result<Vec<Text>, Doubt> {
    let kind = is_readable(reader, request)
        .map_err(|(name, why)| Doubt::Unreadable(format!("`{name}`: {why}")))?;
    let max_tokens = ask::max_tokens(request)?;
    let jobs = ask::jobs(reader, kind, request, max_tokens, &B256::ZERO)?;
    let choices = answer.as_array().map_or(&[][..], Vec::as_slice);
    if jobs.len() != choices.len() {
        let (is, asked) = (choices.len(), jobs.len());
        return Err(Doubt::Count { is, asked });
    }
    let mut texts = Vec::with_capacity(jobs.len());
    for (index, (job, choice)) in jobs.into_iter().zip(choices).enumerate() {
        let mut request = job.request;
        let (text, has_ended) = said_of(choice).ok_or_else(|| {
            Doubt::Unreadable(format!(
                "answer {index} is no text, or says not how it ended"
            ))
        })?;
        if max_tokens == u64::MAX && !has_ended {
            // Where the request names no length, the machine's own is believed.
            request.max_tokens = tokens_of(reader.tokenizer(), text, has_ended)?.len();
        }
        let text = Text::of(reader, request, text, has_ended);
        texts.push(text.map_err(|doubt| doubt.of_answer(index))?);
    }
    Ok(texts)
}

fn counts(texts: &[Text]) -> Claim {
    let read = texts.first().map_or(0, |first| first.request.prompt.len());
    Claim {
        input_tokens: read as u64,
        output_tokens: texts.iter().map(|text| text.written() as u64).sum(),
    }
}

/// Tokens that may be charged for an answer; the request is the canonical one.
///
/// # Errors
/// No auditor could judge the answer: nobody should sign for it.
pub fn countable(reader: &Reader, request: &str, answer: &Value) -> Result<Claim, Doubt> {
    let Ok(Value::Object(request)) = serde_json::from_str(request) else {
        return Err(Doubt::Request);
    };
    Ok(counts(&understood(reader, &request, answer)?))
}

/// Hears a text, after what was heard before it.
///
/// # Errors
/// It cannot be run here.
pub(super) fn hear(
    engine: &Engine,
    text: &Text,
    heard: &mut Heard,
    saw: &mut Saw,
) -> Result<(), Doubt> {
    let Text {
        request,
        has_ended,
        tokens,
        ..
    } = text;
    let prompt = request.prompt.len();
    let mut fed = request.prompt.clone();
    fed.extend_from_slice(tokens);
    fed.truncate(engine.card().context);
    if !has_ended && !tokens.is_empty() {
        // Nothing is asked about what would come behind the last.
        fed.pop();
    }
    let (tokenizer, vocabulary) = (engine.tokenizer(), engine.card().vocabulary);
    let ends = |token| tokenizer.ends(token);
    // Where an end at some text was asked for, it may be that text which ended the answer, or the model's own end.
    let stops: Vec<u8> = request
        .stop
        .iter()
        .filter_map(|stop| stop.bytes().next())
        .collect();
    let begins_stop = |bytes: &[u8]| bytes.iter().any(|byte| stops.contains(byte));
    let mut witness = Witness::new(prompt, engine.card().width);
    let taught = engine.teach(&fed, prompt - 1, &mut |taught: Taught<'_>| {
        witness.see(taught.first, taught.states);
        let rows = taught.logits.chunks_exact(vocabulary);
        for (position, logits) in (taught.logits_first..).zip(rows) {
            let at = position + 1 - prompt;
            if let Some(token) = tokens.get(at) {
                heard.token(logits, *token, ends);
                if at + 1 == tokens.len() && !stops.is_empty() {
                    let last = tokenizer.bytes(*token);
                    // One token may hold the last of the text and the first of the stop.
                    heard.may_end(logits, |other| {
                        let rest = tokenizer.bytes(other).strip_prefix(last);
                        rest.is_some_and(begins_stop)
                    });
                }
            } else if *has_ended {
                heard.end(logits, |token| {
                    ends(token) || begins_stop(tokenizer.bytes(token))
                });
            }
        }
        ControlFlow::Continue(())
    });
    taught.map_err(|error| Doubt::Job(error.to_string()))?;
    saw.add(&witness.encode());
    Ok(())
}

/// What is heard, taken together.
///
/// # Errors
/// Another hand wrote it, or it was cut.
pub(super) fn verdict(heard: &Heard) -> Result<(), Failure> {
    let tokens = heard.tokens();
    if heard.foreign_ln() > ODDS.ln() {
        let odds = (heard.foreign_ln() / std::f64::consts::LN_10).round();
        return Err(Failure::Words { tokens, odds });
    }
    if heard.cut_ln() > ODDS.ln() {
        return Err(Failure::Cut { tokens });
    }
    Ok(())
}

/// What is heard in one text: for measurements.
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
    let text = Text::of(engine.reader(), request.clone(), text, has_ended)?;
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
    let receipt = &kept.signed.receipt;
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
    let texts = understood(engine.reader(), &request, &kept.answer)?;
    let is_seeded = request.get("seed").is_some_and(|seed| !seed.is_null());
    let mut rare: Vec<&str> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let failed = |failure| Doubt::Failure { index, failure };
        let mut heard = Heard::at(text.request.sampling.temperature);
        hear(engine, text, &mut heard, saw)?;
        verdict(&heard).map_err(failed)?;
        // A seed may give each answer the same draws.
        if heard.own_ln() < TWIN.ln() && !is_seeded {
            if rare.contains(&text.text.as_str()) {
                return Err(failed(Failure::Twin));
            }
            rare.push(&text.text);
        }
    }
    let is = counts(&texts);
    let said = (receipt.inputUnits, receipt.outputUnits);
    let is = (is.input_tokens, is.output_tokens);
    if said.0 > is.0 || said.1 > is.1 {
        return Err(Doubt::Usage { said, is });
    }
    Ok(Again {
        tokens: texts.iter().map(|text| text.tokens.len()).sum(),
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
